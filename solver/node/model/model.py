"""The exact CP-SAT model of one node, or a part of one, wired, solved, and read as a plan.

It takes any bundle on any state, and is the slowest way to solve one: some milliseconds, and more where slots are torn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ...cpsat.budget import Budget
from ...cpsat.lexicographic import Goal, LexicographicResult, lexmin
from ...cpsat.status import Status
from ...demand.demand import Bundle, Kind
from ...demand.group_amounts import Amounts, split_outside, total_outside
from ...policy.scale import Scale
from ...state.domain_state import DomainState, mark
from ..lower_bounds import lower_bounds
from ..plan import NodePlan, NodeSolution, Share, SlotPlan
from .amounts import add_amounts, from_own, sought
from .hints import add_hint
from .limits import Limits, narrowed
from .terms import make_goals, touch_some
from .variables import CORES, GPUS, Context, Holder, Taken
from .wants import add_wants


def solve_bundle(
    state: DomainState,
    bundle: Bundle,
    scale: Scale,
    budget: Budget,
    *,
    shielded: bool | None = None,
    limits: Limits | None = None,
    hint: NodePlan | None = None,
) -> tuple[Status, NodeSolution | None]:
    """Find the best that a node, or a part of one, can do for a bundle.

    Parameters
    ----------
    state
        The node, or the domain that all of the bundle must stand in.
    shielded
        When given, whether slots count as GPU-less, whatever they take here: a part of a node may have to give
        only the cores of slots that have their GPUs from above.
    limits, hint
        What is known of the best, and a placement of slots that take no more than shares.

    Returns
    -------
    tuple[Status, NodeSolution | None]
        INFEASIBLE and CUT_OFF come without a solution.
    """
    asked = bundle
    bundle, outside = split_outside(state, asked)
    if bundle.ids is not None and mark("node", bundle.ids) not in state.marks:
        return Status.INFEASIBLE, None
    if bundle.whole and not state.can_be_whole:
        return Status.INFEASIBLE, None
    taken = Taken(state, {} if limits is None else limits.crossed(scale), shares=bool(scale.shares))
    _add_bundle(taken, bundle)
    if asked.touching:
        touch_some(taken, asked.touching)
    add_amounts(taken)
    taken.finish()
    for holder in taken.holders:
        if shielded is not None:
            holder.gpuless = shielded
    if hint is not None:
        add_hint(taken, hint)
    goals = narrowed(taken.model, make_goals(taken, scale), [] if limits is None else limits.pairs)
    if goals is None:
        return Status.INFEASIBLE, None
    lows = lower_bounds(scale, state, bundle)
    goals = [_bounded(taken, goal, low) for goal, low in zip(goals, lows, strict=True)]
    # Which of the domains that cost the same takes most: what is more than slots, or is not known, is worth it.
    order = [] if bundle.slots and limits is not None else _order(taken)
    found = lexmin(taken.model, [*goals, *order], budget, linear=taken.pooled)
    if not found.status.found:
        return found.status, None
    count = len(goals)
    plan = _read(taken, scale, found, outside)
    cost, bound = scale.joint(found.values[:count]), scale.joint(found.bounds[:count])
    final = found.status is Status.OPTIMAL
    return found.status, NodeSolution(cost, bound, lambda: plan, total_outside(asked, outside), final=final)


def _bounded(taken: Taken, goal: Goal, low: int) -> Goal:
    """Tell the model what is known of a goal without a search, so that it need not prove it again and stops there."""
    if isinstance(goal.expression, int) or not goal.low < low <= goal.high:
        return goal
    taken.model.add(goal.expression >= low)
    return Goal(goal.expression, low, goal.high)


def _add_bundle(taken: Taken, bundle: Bundle) -> None:
    """Add the node's own vertex, then what stands below it."""
    holder = taken.add_holder(Holder(bundle.slot, gpuless=_gpuless(taken, bundle), slot_part=bundle.slot_part))
    context = Context(0, 1)
    if bundle.whole:
        context = Context(0, 1, taken.take_whole(holder, context))
    if bundle.slot_part and not bundle.slot:
        # A slot of several nodes inside a group that the job has whole.
        slot, *others = bundle.wants
        gpuless = not bundle.gpus_elsewhere and slot.total(Kind.GPU) == 0
        inside = taken.add_holder(Holder(slot.label, gpuless=gpuless, slot_part=True))
        add_wants(taken, slot.wants, [context], inside)
        add_wants(taken, others, [context], holder)
    else:
        add_wants(taken, bundle.wants, [context], holder)
    if bundle.beside:
        add_wants(taken, bundle.beside, [Context(0, 1)], taken.add_holder(Holder("", gpuless=False)))


def _gpuless(taken: Taken, bundle: Bundle) -> bool:
    """Tell whether the slot of a node's vertex has no GPU at all."""
    if bundle.gpus_elsewhere:
        return False
    if bundle.whole:
        return not taken.domains[0].gpus
    return not any(want.kind is Kind.GPU or want.total(Kind.GPU) for want in bundle.wants)


def _order(taken: Taken) -> list[Goal]:
    """Rank placements that tie in every term: the most cores, then GPUs, of the first domain, then of the next."""
    goals = []
    for place in range(len(taken.domains)):
        wholes = [whole.chosen for whole in taken.wholes if place in taken.below(whole.place)]
        for resource in (CORES, GPUS):
            free = taken.free(resource, place)
            flow = [flow.part for flow in taken.flows.get((resource, place), ())]
            flow += [free * chosen for chosen in wholes]
            if flow and free:
                goals.append(Goal(-sum(flow), -free * len(flow), 0))
    return goals


def _read(taken: Taken, scale: Scale, found: LexicographicResult, outside: Mapping[str, Amounts]) -> NodePlan:
    """Return the plan that the solution gives."""
    solver = found.solver
    assert solver is not None
    slots: list[SlotPlan] = []
    held = SlotPlan("")
    saved = from_own(taken, solver, sought(taken, scale.components))
    for holder in taken.holders:
        times = solver.value(holder.times)
        if not times:
            continue
        wholes = tuple(sorted(place for place, chosen in holder.wholes if solver.value(chosen)))
        own = {place for whole in wholes for place in taken.below(whole)}
        takes: dict[str, dict[int, int]] = defaultdict(dict)
        for (resource, place), parts in holder.takes.items():
            amount = sum(solver.value(part) for part in parts) - saved.get((id(holder), resource, place), 0)
            if amount and place not in own:
                takes[resource][place] = amount
        for shares in _dealt(takes, times):
            plan = SlotPlan(holder.label, shares, wholes, outside.get(holder.label, ()))
            if not holder.label:
                held = _join(held, plan)
            elif plan.shares or plan.wholes:
                slots.append(plan)
    return NodePlan(tuple(sorted(slots, key=_first_places)), held)


def _dealt(takes: Mapping[str, Mapping[int, int]], times: int) -> list[tuple[Share, ...]]:
    """Deal what so many equal slots take together: of cores and GPUs some from every place, the rest as it comes."""
    slots: list[dict[int, dict[str, int]]] = [defaultdict(dict) for _ in range(times)]
    for resource, totals in takes.items():
        least = 1 if resource in (CORES, GPUS) else 0
        need = sum(totals.values()) // times
        left = {place: total - least * times for place, total in sorted(totals.items())}
        for slot in slots:
            missing = need - least * len(totals)
            for place in left:
                more = min(missing, left[place])
                left[place] -= more
                missing -= more
                if least + more:
                    slot[place][resource] = least + more
    return [tuple(_share(place, slot[place]) for place in sorted(slot)) for slot in slots]


def _share(place: int, takes: dict[str, int]) -> Share:
    amounts = tuple(sorted((name, amount) for name, amount in takes.items() if name not in (CORES, GPUS)))
    return Share(place, takes.get(CORES, 0), takes.get(GPUS, 0), amounts)


def _join(one: SlotPlan, other: SlotPlan) -> SlotPlan:
    outside = one.outside or other.outside
    return one._replace(shares=one.shares + other.shares, wholes=one.wholes + other.wholes, outside=outside)


def _first_places(plan: SlotPlan) -> tuple[tuple[int, ...], str]:
    return (*sorted([*(share.place for share in plan.shares), *plan.wholes]),), plan.label
