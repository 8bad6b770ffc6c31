"""Slots dealt to the domains of several nodes together: by tables, by columns, or as a flow of runs.

Tables (`dealing`) are quickest where few domains stand together, and else give up soon. Columns (`columns`) mostly find
the best, and nearly always a bound that is close. What they leave open is asked of tables again, with more work, and of
the flow (`model.forest`), which goes on from what is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..cpsat.budget import Budget
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .construction import SlotKind
from .dealing import Dealt, deal, merged_kinds, parted

if TYPE_CHECKING:
    from .columns.best import Found

MOST_TOGETHER = 8
"""Where more innermost domains stand together there are too many ways to deal slots to them one by one."""

FIRST = 0.15
"""The part of the budget that tables may take at first."""

COLUMNS = 0.8
"""The part of what is left then that columns may take."""

AGAIN = 0.5
"""The part of what is left then that tables may take again: the rest is for the flow."""


@dataclass(frozen=True)
class Together:
    """Slots on some nodes.

    Attributes
    ----------
    dealt
        For each node and each kind, what each slot takes; nothing where what is known is as good.
    bound
        What no placement costs less than, as a joint integer; None where none is better than this one.
    """

    dealt: Dealt
    bound: int | None = None


def best_together(
    scale: Scale, nodes: Sequence[DomainState], kinds: Sequence[SlotKind], budget: Budget, known: int | None = None
) -> Together | None:
    """Return the best placement of slots on some nodes, or one that may be it; None where there is none at hand.

    Parameters
    ----------
    scale
        The policy, in which affinity is compared first.
    budget
        What it takes at the most.
    known
        What a placement costs.
    """
    dealt = deal(scale, nodes, kinds, budget.part(FIRST))
    if dealt is not None:
        return Together(dealt)
    if not budget.left:
        return None
    from .columns.best import best_by_columns  # here, as most pools need neither numpy nor CP-SAT
    from .columns.search import price_of_dealt
    from .model.forest import best_on_nodes
    from .model.limits import Limits

    merged = merged_kinds(kinds)
    found = best_by_columns(scale, nodes, merged, [0] * len(scale.components), known, budget.part(COLUMNS))
    if found is not None and found.cost == found.bound:
        return _of(found, merged, kinds)
    if budget.left and not any(len(domain.children) > MOST_TOGETHER for node in nodes for domain in node.flat):
        dealt = deal(scale, nodes, kinds, budget.part(AGAIN))
        if dealt is not None:
            return Together(dealt)
    limits = None
    if found is not None:
        limits = Limits(tuple(scale.values(found.bound).values()), tuple(scale.values(found.cost).values()))
    runs = best_on_nodes(scale, nodes, merged, budget, limits) if budget.left else None
    if runs is None:
        return None if found is None else _of(found, merged, kinds)
    if found is None or runs.bound is None:
        return Together(parted(runs.dealt, merged, kinds), runs.bound)
    bound = max(runs.bound, found.bound)
    if price_of_dealt(scale, nodes, merged, runs.dealt) < found.cost:
        return Together(parted(runs.dealt, merged, kinds), bound)
    return _of(replace(found, bound=min(bound, found.cost)), merged, kinds)


def _of(found: Found, merged: Sequence[SlotKind], kinds: Sequence[SlotKind]) -> Together:
    return Together(parted(found.dealt, merged, kinds) if found.dealt else [], found.bound)
