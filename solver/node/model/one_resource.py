"""Slots of cores alone, or of GPUs alone: bounds level by level (`level_bounds`), then runs (`runs`)."""

from __future__ import annotations

from ...cpsat.budget import Budget
from ...demand.demand import Bundle
from ...policy.scale import Scale
from ...state.domain_state import DomainState
from ..plan import NodePlan, NodeSolution, Share, SlotPlan
from ..pricing import Shares, price
from ..run_tree import run_tree
from .level_bounds import asked_of
from .limits import Limits
from .runs import best_runs, runs_at


def solve_one_resource(
    state: DomainState,
    bundle: Bundle,
    scale: Scale,
    limits: Limits,
    budget: Budget,
    *,
    shielded: bool | None = None,
) -> NodeSolution | None:
    """Find the best placement of slots that all take one and the same resource.

    Returns
    -------
    NodeSolution | None
        None where this is no such case, or no placement was found that is as good as the one that is known.
    """
    slots = bundle.slots
    names = {name for some in slots for name, _ in some.needs}
    tree = run_tree(state, *names) if len(names) == 1 and names <= {"core", "gpu"} else None
    asked = asked_of(bundle, *names, shielded=shielded) if tree is not None else None
    if tree is None or asked is None:
        return None
    # The bounds themselves are mostly what can be had, and finding that takes less than proving that it is the best.
    runs = runs_at(tree, asked, scale, budget, limits.least) if len(tree.below) > 1 else None
    runs = runs or best_runs(tree, asked, scale, budget, limits)
    if runs is None:
        return None
    by_type = (
        runs.slots if "core" in names else tuple(tuple(_as_gpus(shares) for shares in some) for some in runs.slots)
    )
    plan = NodePlan(
        tuple(SlotPlan(some.label, shares) for some, dealt in zip(slots, by_type, strict=True) for shares in dealt)
    )
    cost = price(scale, state, ((slot.shares, asked.shielded) for slot in plan.slots))
    bound = cost if runs.final else scale.joint(runs.bounds)
    return NodeSolution(cost, bound, lambda: plan, final=runs.final)


def _as_gpus(shares: Shares) -> Shares:
    return tuple(Share(share.place, 0, share.cores) for share in shares)
