"""How far a search got, and the translation of the solver's own statuses.

A placement that was found but not proven optimal, the incumbent, is FEASIBLE; with none found in time it is CUT_OFF,
which says nothing of whether there is one.
"""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """What a search proved."""

    OPTIMAL = "OPTIMAL"
    FEASIBLE = "FEASIBLE"
    INFEASIBLE = "INFEASIBLE"
    CUT_OFF = "CUT_OFF"

    @property
    def found(self) -> bool:
        """Whether there is a placement to use."""
        return self in (Status.OPTIMAL, Status.FEASIBLE)
