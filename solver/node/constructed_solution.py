"""A node's solution for slots of cores and GPUs without a search: the incumbent of every search, and its fallback.

`construction` makes the placement, `pricing` its cost, `lower_bounds` the bound; where these meet it is proven.
"""

from __future__ import annotations

from ..demand.demand import Bundle, SlotSet
from ..demand.group_amounts import Amounts
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .construction import ITEM_STEPS, SlotKind, construct
from .lower_bounds import lower_bound
from .nested_construction import can_construct, construct_nested
from .plan import NodePlan, NodeSolution, Share, SlotPlan
from .pricing import price_of_plan


def constructed_solution(
    scale: Scale, state: DomainState, bundle: Bundle, shielded: bool | None = None
) -> NodeSolution | None:
    """Return a placement without a search; None for what there is no room for, or no construction.

    Slots of cores and GPUs can be constructed wherever there are enough of them. What they take beside is dealt to them
    if it can be.

    Parameters
    ----------
    shielded
        When given, whether slots count as slots without GPUs, whatever they take here.
    """
    slots = bundle.slots
    if not slots and can_construct(bundle):
        return _nested(scale, state, bundle)
    amounts = [tuple(need for need in some.needs if need[0] not in ("core", "gpu")) for some in slots]
    listed = {name for domain in state.flat for name, _, _ in domain.amounts}
    if not slots or bundle.touching or any(name not in listed for some in amounts for name, _ in some):
        return None
    kinds = [
        SlotKind(
            some.count, dict(some.needs).get("core", 0), some.gpus, not some.gpus if shielded is None else shielded
        )
        for some in slots
    ]
    found = construct(scale, state, kinds, amounts)
    if found is None:
        return None
    plan = NodePlan(
        tuple(SlotPlan(some.label, shares) for some, taken in zip(slots, found.slots, strict=True) for shares in taken)
    )
    bound = lower_bound(scale, state, bundle)
    return NodeSolution(found.cost, bound, lambda: plan, final=found.cost == bound)


def construction_steps(state: DomainState, bundle: Bundle) -> int:
    """Return the steps of work that a construction takes."""
    return ITEM_STEPS * (len(state.flat) + sum(some.count for some in bundle.slots))


def _nested(scale: Scale, state: DomainState, bundle: Bundle) -> NodeSolution | None:
    found = construct_nested(state, bundle)
    if found is None:
        return None
    plan, gpuless = found
    cost, bound = price_of_plan(scale, state, plan, gpuless), lower_bound(scale, state, bundle)
    return NodeSolution(cost, bound, lambda: plan, final=cost == bound)


def with_amounts(plan: NodePlan, amounts: Amounts) -> NodePlan:
    """Let each slot take amounts of the node's own as well."""
    return plan._replace(slots=tuple(_with_amounts(slot, amounts) for slot in plan.slots))


def _with_amounts(slot: SlotPlan, amounts: Amounts) -> SlotPlan:
    if not amounts:
        return slot
    own = next((share for share in slot.shares if share.place == 0), Share(0))
    rest = tuple(share for share in slot.shares if share.place)
    return slot._replace(shares=(own._replace(amounts=amounts), *rest))


def of_the_node(state: DomainState, slots: SlotSet) -> bool:
    """Tell whether slots take amounts, all of them the node's own."""
    return any(name not in ("core", "gpu") for name, _ in slots.needs) and _constructible(state, slots)


def _constructible(state: DomainState, slots: SlotSet) -> bool:
    """Tell whether what slots take beside cores and GPUs is the node's own, wherever their cores are."""
    names = {name for name, _ in slots.needs} - {"core", "gpu"}
    inside = {name for domain in state.flat[1:] for name, _, _ in domain.amounts}
    return all(state.lists(name) for name in names) and not names & inside
