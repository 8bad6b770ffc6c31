"""The best runs of slots of one resource through a tree of domains: the flow of them (`run_flow`) and the policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...cpsat.budget import Budget, CutOff
from ...cpsat.lexicographic import Expression, Goal, lexmin
from ...cpsat.status import Status
from ...policy.scale import Scale
from ...policy.terms import Component, CoreTouch, Cross, Touch
from ...state.domain_state import DomainState
from ..pricing import Shares
from ..run_tree import Branch
from .limits import Limits, narrowed
from .run_flow import RunFlow
from .run_slots import slots_of


@dataclass(frozen=True)
class Asked:
    """Slots of one resource.

    Attributes
    ----------
    sizes, counts
        Units of a slot of each type, and how many of them: both above zero.
    shielded
        Whether they are slots without GPUs that take cores.
    is_all
        Whether they take nothing else.
    """

    sizes: tuple[int, ...]
    counts: tuple[int, ...]
    shielded: bool
    is_all: bool = True


@dataclass(frozen=True)
class Runs:
    """Slots dealt along runs.

    Attributes
    ----------
    values, bounds
        Of the policy's components: what they cost, and what no placement beats, given those before at their values.
    final
        Whether all of them are proven.
    slots
        For each type what each slot takes; GPUs stand for cores where these are what is asked for.
    """

    values: tuple[int, ...]
    bounds: tuple[int, ...]
    final: bool
    slots: tuple[tuple[Shares, ...], ...]


def best_runs(root: Branch, asked: Asked, scale: Scale, budget: Budget, limits: Limits | None = None) -> Runs | None:
    """Find the best runs, or None where there was too little work left for any, or there are none within the limits."""
    search = _Search.of(root, asked, scale, budget)
    if search is None:
        return None
    goals = narrowed(search.flow.model, search.goals, [] if limits is None else limits.pairs)
    return None if goals is None else search.run(goals, budget)


def runs_at(root: Branch, asked: Asked, scale: Scale, budget: Budget, values: Sequence[int]) -> Runs | None:
    """Find any runs whose components have these values; None where there are none, or were none found."""
    search = _Search.of(root, asked, scale, budget)
    if search is None or narrowed(search.flow.model, search.goals, [(value, value) for value in values]) is None:
        return None
    found = search.run([], budget)
    return None if found is None else Runs(tuple(values), tuple(values), found.final, found.slots)


@dataclass(frozen=True)
class _Search:
    """A flow with the policy's components as goals."""

    flow: RunFlow
    goals: list[Goal]
    types: int

    @classmethod
    def of(cls, root: Branch, asked: Asked, scale: Scale, budget: Budget) -> _Search | None:
        if scale.rooms:
            return None  # how much of a domain is taken is no matter of runs
        weights = [
            component.weight(domain)
            for component in scale.components
            if isinstance(component, Touch | CoreTouch)
            for domain in _domains(root)
        ]
        sparing = min(weights, default=0) < 0
        try:
            flow = RunFlow(root, asked.sizes, asked.counts, sparing=sparing, budget=budget)
        except CutOff:
            return None
        touched: dict[int, Expression] = {}
        goals = [_goal(flow, component, touched, shielded=asked.shielded) for component in scale.components]
        return cls(flow, goals, len(asked.sizes))

    def run(self, goals: Sequence[Goal], budget: Budget) -> Runs | None:
        found = lexmin(self.flow.model, goals, budget)
        if found.solver is None:
            return None
        flows = [found.solver.value(arc.flow) for arc in self.flow.arcs]
        slots = slots_of(self.flow, flows, self.types)
        return Runs(found.values, found.bounds, found.status is Status.OPTIMAL, slots)


def _domains(root: Branch) -> Iterator[DomainState]:
    for branch in root.walk():
        if not branch.holds_nodes:
            yield branch.state
        for leaf in branch.leaves:
            yield leaf.state


def _goal(flow: RunFlow, component: Component, touched: dict[int, Expression], *, shielded: bool) -> Goal:
    if isinstance(component, Cross):
        return Goal(flow.crossed(component.level), 0, sum(len(leaf.places) for _, leaf in flow.leaves))
    terms: list[tuple[int, Expression, int]] = []
    if isinstance(component, Touch):
        for number, branch in enumerate(flow.branches):
            weight = component.weight(branch.state) if branch.state.level == component.level else 0
            if weight:
                terms.append((weight, _touched(flow, number, touched), 1))
    for number, (_, leaf) in enumerate(flow.leaves):
        weight = 0
        if isinstance(component, CoreTouch):
            weight = component.weight(leaf.state) if shielded else 0
        elif isinstance(component, Touch) and leaf.state.level == component.level:
            weight = component.weight(leaf.state)
        if weight:
            terms.append((weight, flow.entered(number), len(leaf.places)))
    low = sum(min(0, weight * most) for weight, _, most in terms)
    high = sum(max(0, weight * most) for weight, _, most in terms)
    return Goal(sum(weight * expression for weight, expression, _ in terms), low, high)


def _touched(flow: RunFlow, number: int, known: dict[int, Expression]) -> Expression:
    """Return the literal that says that a branch is touched: the root always is."""
    if number == 0:
        return 1
    if number not in known:
        inside = {branch.place for branch in flow.branches[number].walk()}
        leaves = [i for i, (branch, _) in enumerate(flow.leaves) if flow.branches[branch].place in inside]
        entered = sum(flow.entered(leaf) for leaf in leaves)
        literal = flow.model.new_bool_var("")
        flow.model.add(entered <= literal * sum(len(flow.leaves[leaf][1].places) for leaf in leaves))
        flow.model.add(entered >= literal)
        known[number] = literal
    return known[number]
