"""Equal slots that are torn: by counting what is where, and putting slots together so.

Where these meet, no search is needed. Where they do not, they are what a search begins with: a lower bound for all
terms at once, and mostly a better placement than one that is constructed domain by domain.
"""

from __future__ import annotations

from ..cpsat.budget import Budget, CutOff
from ..demand.demand import FlatSlots
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .construction import nearer
from .plan import NodePlan, NodeSolution, SlotPlan
from .pricing import price
from .torn_counts import least_torn
from .torn_pieces import put_together
from .torn_ways import Slots


def counted_solution(
    scale: Scale, state: DomainState, flat: FlatSlots, known: NodeSolution, budget: Budget, shielded: bool | None = None
) -> NodeSolution:
    """Return a solution that is no worse than one that is known, with a bound that is no lower.

    Parameters
    ----------
    known
        Not proven.
    budget
        What it takes is spent; where that is not enough, what is known is returned.
    shielded
        When given, whether slots count as slots without GPUs, whatever they take.
    """
    if not flat.cores:
        return known
    gpuless = not flat.gpus if shielded is None else shielded
    try:
        counted = least_torn(scale, state, (flat.count, flat.cores, flat.gpus), known.cost, budget, shielded=gpuless)
    except CutOff:
        return known
    if counted is None:
        return known
    least, given = counted
    least = max(least, known.bound)
    if given is None or least == known.cost:
        return NodeSolution(known.cost, known.cost, lambda: known.plan)
    asked = Slots(flat.count, flat.cores, flat.gpus, budget, shielded=gpuless)
    slots = put_together(scale, state, asked, given, (least, known.cost), budget)
    cost = known.cost
    if len(slots) == flat.count:
        (nearest,) = nearer(state, [tuple(slots)]) if scale.shares and flat.gpus else (tuple(slots),)
        cost = price(scale, state, ((slot, gpuless) for slot in nearest))
    if cost >= known.cost:
        return NodeSolution(known.cost, least, lambda: known.plan, final=False)
    in_order = sorted(nearest, key=lambda slot: [share.place for share in slot])
    plan = NodePlan(tuple([SlotPlan(flat.label, shares) for shares in in_order]))
    return NodeSolution(cost, least, lambda: plan, final=cost == least)
