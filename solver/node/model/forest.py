"""Slots of cores on several nodes at once: the flow of all runs through their trees (`run_flow`).

No run leaves its node. All else is as on one node: what the slots cost together is what the runs cross and touch. So
nothing is asked of how many slots a node gives before it is known what the others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ...cpsat.budget import Budget
from ...demand.demand import Bundle, Kind, Want
from ...policy.scale import Scale
from ...state.domain_state import DomainState
from ..construction import SlotKind
from ..dealing import Dealt, merged_kinds, parted
from ..lower_bounds import lower_bounds
from ..run_tree import run_forest
from .limits import Limits
from .runs import Asked, best_runs


@dataclass(frozen=True)
class OnNodes:
    """Slots dealt along runs on some nodes.

    Attributes
    ----------
    dealt
        For each node and each kind, what each slot takes.
    bound
        What no placement costs less than, as a joint integer; None where this one is the best.
    """

    dealt: Dealt
    bound: int | None


def best_on_nodes(
    scale: Scale, nodes: Sequence[DomainState], kinds: Sequence[SlotKind], budget: Budget, limits: Limits | None = None
) -> OnNodes | None:
    """Find the best placement of slots of cores alone; None where none was found, or they are no such slots.

    Parameters
    ----------
    limits
        What is known of the best.
    """
    if any(kind.gpus or not kind.cores for kind in kinds) or len({kind.shielded for kind in kinds}) > 1:
        return None
    forest = run_forest(nodes, "core")
    if forest is None:
        return None
    merged = merged_kinds(kinds)
    asked = Asked(tuple(kind.cores for kind in merged), tuple(kind.count for kind in merged), kinds[0].shielded)
    runs = best_runs(forest, asked, scale, budget, limits)
    if runs is None:
        return None
    first = list(accumulate((len(node.flat) for node in nodes), initial=1))
    dealt: Dealt = [[[] for _ in merged] for _ in nodes]
    for kind, some in enumerate(runs.slots):
        for slot in some:
            number = next(i for i, place in enumerate(first[1:]) if slot[0].place < place)
            here = tuple(share._replace(place=share.place - first[number]) for share in slot)
            dealt[number][kind].append(here)
    bound = None if runs.final else scale.joint(_raised(scale, forest.state, merged, runs.bounds))
    return OnNodes(parted(dealt, merged, kinds), bound)


def _raised(scale: Scale, state: DomainState, kinds: Sequence[SlotKind], bounds: Sequence[int]) -> list[int]:
    """Return bounds that a search came to, no lower than what holds without one.

    The search is not told of these: it takes longer with them than without.
    """
    slots = [Want(Kind.SLOT, "slot", kind.count, wants=(Want(Kind.CORE, "core", kind.cores),)) for kind in kinds]
    return list(map(max, bounds, lower_bounds(scale, state, Bundle(tuple(slots)))))
