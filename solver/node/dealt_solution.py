"""A node's best solution where tables find it: a single slot, or slots of cores dealt along domains."""

from __future__ import annotations

from collections.abc import Sequence

from ..cpsat.budget import Budget, CutOff
from ..demand.demand import Bundle, FlatSlots, SlotSet
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .construction import SlotKind
from .dealing import deal
from .one_slot import best_of_one
from .packing import SlotShape
from .plan import NodePlan, NodeSolution, SlotPlan
from .pricing import Shares, price

SHARE, SHARE_OF_EQUAL = 0.5, 0.05
"""The parts of what is left that it may take, for several sizes of slots and for one: the rest is for other ways, and
for equal slots there are better ones."""


def one_slot_solution(
    scale: Scale, state: DomainState, flat: FlatSlots, budget: Budget, shielded: bool | None = None
) -> NodeSolution | None:
    """Return the best placement of a single slot of cores and GPUs; None where they are more, or it is not known.

    Parameters
    ----------
    shielded
        When given, whether slots count as slots without GPUs, whatever they take here.
    """
    if flat.count > 1:
        return None
    shape = SlotShape.of(flat)
    try:
        best = best_of_one(scale, state, shape if shielded is None else shape._replace(shielded=shielded), budget)
    except CutOff:
        return None
    return None if best is None else NodeSolution(best[0], best[0], lambda: NodePlan((SlotPlan(flat.label, best[1]),)))


def dealt_solution(
    scale: Scale, state: DomainState, bundle: Bundle, budget: Budget, shielded: bool | None = None
) -> NodeSolution | None:
    """Return the best placement of slots that can be dealt along domains; None where it is not known.

    Parameters
    ----------
    scale
        The policy, for which `Scale.affinity_first` holds.
    shielded
        When given, whether slots count as slots without GPUs, whatever they take here.
    """
    slots = bundle.slots
    kinds = kinds_of(slots, shielded)
    if not budget.left or kinds is None:
        return None
    if len(kinds) == 1 and kinds[0].gpus:
        return None  # it has to be torn
    dealt = deal(scale, [state], kinds, budget.part(SHARE if len(kinds) > 1 else SHARE_OF_EQUAL))
    if dealt is None:
        return None
    return solution_of(scale, state, slots, kinds, dealt[0])


def kinds_of(slots: Sequence[SlotSet], shielded: bool | None = None) -> list[SlotKind] | None:
    """Return slots of cores and GPUs as kinds; None where some take anything else."""
    if any(name not in ("core", "gpu") for some in slots for name, _ in some.needs):
        return None
    return [
        SlotKind(
            some.count, dict(some.needs).get("core", 0), some.gpus, not some.gpus if shielded is None else shielded
        )
        for some in slots
    ]


def solution_of(
    scale: Scale,
    state: DomainState,
    slots: Sequence[SlotSet],
    kinds: Sequence[SlotKind],
    dealt: Sequence[Sequence[Shares]],
) -> NodeSolution:
    """Return a placement that is the best, of slots that take some shares each, as a solution."""
    every = [(some, kind, taken) for some, kind, all_ in zip(slots, kinds, dealt, strict=True) for taken in all_]
    cost = price(scale, state, ((taken, kind.shielded) for _, kind, taken in every))
    plan = NodePlan(tuple(SlotPlan(some.label, taken) for some, _, taken in every))
    return NodeSolution(cost, cost, lambda: plan)
