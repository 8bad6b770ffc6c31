"""A node's solution for slots of cores and GPUs without a search: the incumbent of every search, and its fallback.

`construction` makes the placement, `pricing` its cost, `lower_bounds` the bound; where these meet it is proven.
"""

from __future__ import annotations

from dataclasses import replace

from ..demand.demand import Bundle, SlotSet
from ..demand.group_amounts import Amounts
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .construction import SlotKind, construct
from .lower_bounds import lower_bound
from .nested_construction import can_construct, construct_nested
from .plan import NodePlan, NodeSolution, Share, SlotPlan
from .pricing import price_of_plan


def constructed_solution(
    scale: Scale, state: DomainState, bundle: Bundle, shielded: bool | None = None
) -> NodeSolution | None:
    """Return a placement without a search; None for what there is no room for, or no construction.

    Slots of cores and GPUs can be constructed wherever there are enough of them, also with amounts of the node's own.

    Parameters
    ----------
    shielded
        When given, whether slots count as slots without GPUs, whatever they take here.
    """
    slots = bundle.slots
    if not slots and can_construct(bundle):
        return _nested(scale, state, bundle)
    if not slots or bundle.touching or not all(_constructible(state, some) for some in slots):
        return None
    needs = [dict(some.needs) for some in slots]
    kinds = [
        SlotKind(some.count, need.get("core", 0), some.gpus, not some.gpus if shielded is None else shielded)
        for some, need in zip(slots, needs, strict=True)
    ]
    own = [tuple(need for need in some.needs if need[0] not in ("core", "gpu")) for some in slots]
    for name in {name for amounts in own for name, _ in amounts}:
        asked = sum(some.count * need.get(name, 0) for some, need in zip(slots, needs, strict=True))
        if asked > state.own_free(name):
            return None
    found = construct(scale, state, kinds)
    if found is None:
        return None
    plans = [
        _with_amounts(SlotPlan(some.label, shares), amounts)
        for some, amounts, taken in zip(slots, own, found.slots, strict=True)
        for shares in taken
    ]
    bound = lower_bound(scale, state, bundle)
    return NodeSolution(found.cost, bound, lambda: NodePlan(tuple(plans)), final=found.cost == bound)


def _nested(scale: Scale, state: DomainState, bundle: Bundle) -> NodeSolution | None:
    found = construct_nested(state, bundle)
    if found is None:
        return None
    plan, gpuless = found
    cost, bound = price_of_plan(scale, state, plan, gpuless), lower_bound(scale, state, bundle)
    return NodeSolution(cost, bound, lambda: plan, final=cost == bound)


def with_amounts(plan: NodePlan, amounts: Amounts) -> NodePlan:
    """Let each slot take amounts of the node's own as well."""
    return replace(plan, slots=tuple(_with_amounts(slot, amounts) for slot in plan.slots))


def _with_amounts(slot: SlotPlan, amounts: Amounts) -> SlotPlan:
    if not amounts:
        return slot
    own = next((share for share in slot.shares if share.place == 0), Share(0))
    rest = tuple(share for share in slot.shares if share.place)
    return replace(slot, shares=(replace(own, amounts=amounts), *rest))


def of_the_node(state: DomainState, slots: SlotSet) -> bool:
    """Tell whether slots take amounts, all of them the node's own."""
    return any(name not in ("core", "gpu") for name, _ in slots.needs) and _constructible(state, slots)


def _constructible(state: DomainState, slots: SlotSet) -> bool:
    """Tell whether what slots take beside cores and GPUs is the node's own, wherever their cores are."""
    names = {name for name, _ in slots.needs} - {"core", "gpu"}
    inside = {name for domain in state.flat[1:] for name, _, _ in domain.amounts}
    return all(state.lists(name) for name in names) and not names & inside
