"""The search for the best that a node can do for a bundle, from what is known of it on."""

from __future__ import annotations

from ...cpsat.budget import Budget, CutOff
from ...cpsat.status import Status
from ...demand.demand import Bundle, Kind, Want
from ...policy.scale import Scale
from ...state.domain_state import DomainState
from ...state.joined import pairs_of
from ..amounts_at_hand import with_amounts_of
from ..columns.solution import by_columns
from ..dealt_solution import dealt_solution
from ..lower_bounds import lower_bound
from ..plan import NodePlan, NodeSolution, SlotPlan
from .level_bounds import level_bounds
from .limits import Limits
from .model import solve_bundle
from .one_resource import solve_one_resource

COLUMNS, COLUMNS_OF_GPUS = 0.8, 0.4
"""The parts of what is left that columns may take, for slots of cores and where some have GPUs: the rest is for what
they do not close, which is more where it matters how cores stand to GPUs."""

COUNTED = 0.3
"""The part that the model may take before, for equal slots that were counted."""


def search(
    state: DomainState,
    bundle: Bundle,
    scale: Scale,
    known: NodeSolution | None,
    budget: Budget,
    *,
    shielded: bool | None = None,
) -> NodeSolution | None:
    """Return the best placement that is found; None where there is none.

    Parameters
    ----------
    known
        A placement of slots that take no more than shares; what is found is never worse.
    shielded
        When given, whether slots count as slots without GPUs, whatever they take.

    Raises
    ------
    CutOff
        When nothing is known, and nothing was found by then.
    """
    if known is None:
        status, solution = solve_bundle(state, bundle, scale, budget, shielded=shielded)
        if status is Status.CUT_OFF:
            raise CutOff
        return solution
    if bundle.flat is not None and bundle.flat.gpus and known.bound > lower_bound(scale, state, bundle):
        # Of equal slots that were counted little is open, which the model mostly decides at once.
        known = _from_known(state, bundle, scale, known, budget.part(COUNTED), shielded=shielded)
        if known.proven or not budget.left:
            return known
    part = budget.part(COLUMNS_OF_GPUS if any(some.gpus for some in bundle.slots) else COLUMNS)
    known = by_columns(state, bundle, scale, known, part, shielded=shielded)
    if known.proven or not budget.left:
        return known
    again = scale.affinity_leads and bundle.slots and not any(some.gpus for some in bundle.slots)
    dealt = dealt_solution(scale, state, bundle, budget, shielded) if again else None
    if dealt is not None:
        return dealt
    return _from_known(state, bundle, scale, known, budget, shielded=shielded)


def _from_known(
    state: DomainState, bundle: Bundle, scale: Scale, known: NodeSolution, budget: Budget, *, shielded: bool | None
) -> NodeSolution:
    """Return the best placement that the model finds between what is known and its bound: never worse."""
    values = tuple(scale.values(known.cost).values())
    bounds = list(scale.values(known.bound).values())
    if not (bundle.flat is not None and bundle.flat.gpus and known.bound > lower_bound(scale, state, bundle)):
        # Counting says more than levels one by one, mostly.
        bounds = max(bounds, level_bounds(state, bundle, scale, values, budget, shielded=shielded))
    limits = Limits(tuple(bounds), values)
    least = scale.joint(limits.least)
    if known.cost <= least:
        return NodeSolution(known.cost, known.cost, lambda: known.plan)
    found = _by_runs(state, bundle, scale, limits, budget, shielded=shielded)
    if found is None:
        _, found = solve_bundle(state, bundle, scale, budget, shielded=shielded, limits=limits, hint=known.plan)
    if found is not None and found.proven:
        # What no domains' order decides, as amounts of several have none, the construction does.
        amounts = any(name not in ("core", "gpu") for some in bundle.slots for name, _ in some.needs)
        return (
            NodeSolution(known.cost, known.cost, lambda: known.plan) if amounts and found.cost == known.cost else found
        )
    bound = least if found is None else max(least, found.bound)
    if found is None or known.cost < found.cost:
        return NodeSolution(known.cost, min(bound, known.cost), lambda: known.plan, final=False)
    return NodeSolution(found.cost, min(bound, found.cost), lambda: found.plan, found.outside, final=found.final)


def _by_runs(
    state: DomainState, bundle: Bundle, scale: Scale, limits: Limits, budget: Budget, *, shielded: bool | None
) -> NodeSolution | None:
    """Return the best placement of slots of one resource, with amounts dealt to them; None where that is not found.

    What is best without amounts is the best with them, if they can be dealt.
    """
    needs = [dict(some.needs) for some in bundle.slots]
    resources = {name for need in needs for name in need if name in ("core", "gpu")}
    if len(resources) != 1 or not all(resources & need.keys() for need in needs):
        return None
    (name,) = resources
    if name == "gpu" and pairs_of(state) and scale.links:
        return None  # which GPUs a slot has is no matter of runs
    kind = Kind.CORE if name == "core" else Kind.GPU
    without = Bundle(
        tuple(
            Want(Kind.SLOT, "slot", some.count, label=some.label, wants=(Want(kind, name, need[name]),))
            for some, need in zip(bundle.slots, needs, strict=True)
        )
    )
    found = solve_one_resource(state, without, scale, limits, budget, shielded=shielded)
    amounts = [tuple((other, n) for other, n in need.items() if other != name) for need in needs]
    if any(amounts) and any(scale.touch(domain) < 0 for domain in state.flat):
        return None  # to have memory of more domains may be better
    if found is None or not any(amounts):
        return found
    dealt = iter(found.plan.slots)
    slots = tuple(tuple(next(dealt).shares for _ in range(some.count)) for some in bundle.slots)
    whole = with_amounts_of(state, slots, amounts)
    if whole is None:
        return None
    plan = NodePlan(
        tuple(SlotPlan(some.label, shares) for some, taken in zip(bundle.slots, whole, strict=True) for shares in taken)
    )
    return NodeSolution(found.cost, found.bound, lambda: plan, final=found.final)
