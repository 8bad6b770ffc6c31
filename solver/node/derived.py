"""Solutions that follow from those of other bundles: with amounts of groups above, and parts of slots."""

from __future__ import annotations

from ..demand.demand import Bundle, Kind
from ..demand.group_amounts import Amounts, total_outside
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .plan import NodePlan, NodeSolution


def as_part(alone: NodeSolution | None, scale: Scale) -> NodeSolution | None:
    """Return the solution of a slot alone as that of a part: of each level one domain is no longer free."""
    if alone is None:
        return None
    each = sum(scale.cross.values())
    return NodeSolution(alone.cost + each, alone.bound + each, lambda: alone.plan, final=alone.final)


def is_plain_part(scale: Scale, state: DomainState, bundle: Bundle) -> bool:
    """Tell whether a bundle is a part of a slot, of cores and GPUs alone that all stand in domains of each level."""
    if not (bundle.slot and bundle.slot_part) or bundle.whole or bundle.beside or bundle.touching:
        return False
    if bundle.gpus_elsewhere:
        return False
    if bundle.ids is not None or any(want.kind not in (Kind.CORE, Kind.GPU) or want.ids for want in bundle.wants):
        return False
    inside = (state.outermost(level) for level in scale.cross)
    return all(
        sum(domain.cores for domain in domains) == state.cores and sum(domain.gpus for domain in domains) == state.gpus
        for domains in inside
    )


def with_outside(solution: NodeSolution | None, bundle: Bundle, outside: dict[str, Amounts]) -> NodeSolution | None:
    """Let slots, and the job, take of the groups above what the node does not list: it is no matter of the node's."""
    if solution is None:
        return None

    def plan() -> NodePlan:
        slots = tuple(slot._replace(outside=outside.get(slot.label, ())) for slot in solution.plan.slots)
        return solution.plan._replace(slots=slots, held=solution.plan.held._replace(outside=outside.get("", ())))

    return NodeSolution(solution.cost, solution.bound, plan, total_outside(bundle, outside), final=solution.final)
