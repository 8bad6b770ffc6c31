"""What is judged: one answer to one request, on a machine in the state before."""

from __future__ import annotations

from dataclasses import dataclass

from .cover import Held
from .ground import Ground
from .request import Request
from .state import State


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to one request.

    Parameters
    ----------
    ground, state
        The machine and what was free before.
    request
        What was asked for.
    held
        What the job holds in all.
    """

    ground: Ground
    state: State
    request: Request
    held: Held
