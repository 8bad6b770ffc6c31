"""All that is known of a machine under some options and does not change with its state; copies of a pool share it.

It is where a request meets the machine: its demand, the nodes that its constraint matches, how its ids cut classes
finer, whether it can ever fit. What is remembered is bounded, and never changes an answer: it could all be computed
again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import Protocol, TypeAlias

from ..grammar.constraint import ALWAYS, Constraint, evaluate
from ..grammar.memory import Memory
from ..topology.machine import Machine
from ..topology.tree import NodeType
from .cpsat.budget import Budget, CutOff, KnownCutOff
from .demand.problem import Problem
from .demand.request import Request, Shape
from .demand.resolve import Resolver
from .errors import InfeasibleRequest
from .machine.answers import Answers, Found, Question
from .machine.decide import Decider, Situation
from .machine.model.cells import GroupTree
from .machine.refinement import Named, View, idsets_of, takes_several_gpus
from .machine.selection import Field
from .node.rankings import Rankings
from .node.solver import NodeSolver
from .options import Options
from .policy.fitting import components_on
from .policy.scale import Scale
from .policy.terms import Policy
from .state.domain_state import MEASURED, MIB_PER_GIB
from .state.pool_state import Changes, PoolState
from .state.seen import Seen

REMEMBERED = 10_000
"""Requests, and constraints, that are remembered before the memory is emptied."""

POLICIES_REMEMBERED = 16
"""Policies of jobs of which answers are remembered."""

LATER_REMEMBERED = 4
"""What copies know after the next jobs, each with what it took to find out: most try the same job."""


class Reasons(Protocol):
    """Says why a request does not fit a machine, in one line."""

    def infeasible(self, request: Request, budget: Budget) -> str:
        """Return why a request cannot be placed even on the empty pool, as far as a budget suffices."""

    def insufficient(self, request: Request, state: PoolState) -> str:
        """Return why a request that could be placed on the empty pool does not fit in a state."""


MakeReasons: TypeAlias = "Callable[[Knowledge], Reasons]"
"""Makes, of what is known of a machine, who says why a request does not fit it."""


class Knowledge:
    """What pools of one machine share.

    Parameters
    ----------
    machine
        Of the pools.
    options
        Of the pools.
    warn
        Told what an admin should know of a request.
    make_reasons
        Called when the first reason is asked for.
    """

    def __init__(
        self, machine: Machine, options: Options, warn: Callable[[str], None], make_reasons: MakeReasons
    ) -> None:
        self.machine = machine
        self.options = options
        self._warn = warn
        self._make_reasons = make_reasons
        self._everyone = machine.all
        self.changes = Changes(machine)
        self.scale = Scale(components_on(machine, options.policy))
        self.node_solver = NodeSolver(self.scale, machine.levels)
        self.rankings = Rankings(self.node_solver, machine.types)
        self.group_totals = {
            (group.index, name): int(amount * MIB_PER_GIB) if name in MEASURED else int(amount)
            for group in machine.groups
            for name, amount in group.resources
        }
        self.tree = GroupTree(machine.groups, self.group_totals)
        self.decider = Decider(machine, self.rankings)
        self._problems: Memory[Shape, Problem | InfeasibleRequest] = Memory(REMEMBERED)
        self._views: Memory[tuple[Named, bool], View] = Memory(REMEMBERED)
        self._eligible: Memory[Constraint, int] = Memory(REMEMBERED)
        self._infeasible: Memory[tuple[Shape, int, Constraint], str | None] = Memory(REMEMBERED)
        self._undecided: Memory[tuple[Shape, int, Constraint], float] = Memory(REMEMBERED)
        self._answers = Answers()
        self._own: Memory[Policy, Knowledge] = Memory(POLICIES_REMEMBERED)
        self._later: Memory[Policy, Knowledge] = Memory(LATER_REMEMBERED)

    def under(self, request: Request) -> Knowledge:
        """Return what is known under the policy that a request brings; of one that brings none, this.

        Raises
        ------
        InfeasibleRequest
            When the site does not allow the policy, or the machine lacks what it names.
        """
        policy = request.policy
        if policy is None or policy == self.options.policy:
            return self
        place = "attributes.system.exactfit.policy"
        refused = self.options.refuses(policy)
        if refused:
            raise InfeasibleRequest(f"{place}: {refused}")
        known = self._own.get(policy)
        if known is None:
            options = replace(self.options, policy=policy)
            try:
                known = Knowledge(self.machine, options, self._warn, self._make_reasons)
            except (TypeError, ValueError) as fault:
                raise InfeasibleRequest(f"{place}: {fault}") from None
            known.changes = self.changes
            self._own[policy] = known
        return known

    def after(self, seen: Seen) -> Knowledge:
        """Return what is known when the usual jobs are those that were seen, under a policy that learns; else this."""
        policy = self.options.policy.after(seen) if self.options.policy.learns else self.options.policy
        if policy == self.options.policy:
            return self
        known = self._later.get(policy)
        if known is None:
            known = Knowledge(self.machine, replace(self.options, policy=policy), self._warn, self._make_reasons)
            known.changes = self.changes
            self._later[policy] = known
        return known

    @cached_property
    def _resolver(self) -> Resolver:
        return Resolver(self.machine, self.options, self._warn)

    @cached_property
    def reasons(self) -> Reasons:
        """Who says why a request does not fit."""
        return self._make_reasons(self)

    def problem(self, shape: Shape) -> Problem:
        """Return a request's resources on this machine.

        Raises
        ------
        InfeasibleRequest
            When they name what the machine lacks.
        """
        known = self._problems.get(shape)
        if known is None:
            try:
                known = Problem(self._resolver, shape.vertices)
                known.demand(known.least)
            except InfeasibleRequest as error:
                known = error
            self._problems[shape] = known
        if isinstance(known, InfeasibleRequest):
            raise InfeasibleRequest(*known.args)
        return known

    def refusal(self, shape: Shape) -> str:
        """Return why the machine cannot even be asked for a request's resources; empty where it can."""
        try:
            self.problem(shape)
        except InfeasibleRequest as error:
            return str(error)
        return ""

    def view(self, shape: Shape) -> View | None:
        """Return how a request has to see the nodes that names ids, or whose GPUs' links matter; None for others.

        Raises
        ------
        InfeasibleRequest
            As `problem`.
        """
        named = idsets_of(shape.vertices)
        if named:
            named = idsets_of(self.problem(shape).stated)
        linked = self._has_links and takes_several_gpus(
            shape.vertices, self.machine, rfc14=self.options.slot_exclusive == "rfc14"
        )
        if not named and not linked:
            return None
        view = self._views.get((named, linked))
        if view is None:
            view = self._views[named, linked] = View(self.machine, self.scale, named, linked=linked)
        return view

    @cached_property
    def _has_links(self) -> bool:
        """Whether the policy asks how GPUs are joined, and they are not all joined alike."""
        return bool(self.scale.links) and any(node_type.links for node_type in self.machine.types)

    def decide(self, request: Request, state: PoolState, budget: Budget) -> Found | None:
        """Decide a request in a state; return with the decision the types whose domains its plans mean.

        Raises
        ------
        CutOff
            When the work was used up before it was known whether there is a placement; `KnownCutOff` where that was
            so before.
        """
        question = Question(request, state, self.eligible(request.constraint))
        return self._answers.placement(question, budget, partial(self._search, request, state))

    def fits(self, request: Request, state: PoolState, budget: Budget) -> bool:
        """Tell whether there is any placement of a request in a state.

        Raises
        ------
        CutOff
            When the work was used up before that was known.
        """
        question = Question(request, state, self.eligible(request.constraint))
        return self._answers.fits(question, budget, partial(self._search_any, request, state))

    def improve(self, state: PoolState, budget: Budget) -> bool:
        """Go on with what was cut off in a state; return whether anything is left that more work may help."""
        left = self._answers.improve(state, budget, self._search_anew)
        return any([left, *(own.improve(state, budget) for own in list(self._own.values()))])

    def _search_anew(self, request: Request, state: PoolState, budget: Budget) -> Found | None:
        self.rankings.refresh(state.classes, 0)
        return self._search(request, state, budget)

    def _search_any(self, request: Request, state: PoolState, budget: Budget) -> bool:
        problem = self.problem(request.shape)
        decider, situation, _ = self._situation(request, state)
        return decider.fits(problem.demand(problem.least), situation, budget)

    def _search(self, request: Request, state: PoolState, budget: Budget) -> Found | None:
        decider, situation, types = self._situation(request, state)
        found = decider.decide(self.problem(request.shape), situation, budget)
        return None if found is None else (*found, types)

    def _situation(self, request: Request, state: PoolState) -> tuple[Decider, Situation, tuple[NodeType, ...]]:
        """Return what decides a request, on which states, and the types whose domains its plans mean."""
        view = self.view(request.shape)
        classes = state.classes if view is None else view.classes(self.changes, state)
        decider = self.decider
        types = self.machine.types
        if view is not None:
            view.rankings.refresh(classes, 0)
            decider, types = view.decider, view.types
        free = self.group_totals
        if state.group_used:
            free = {key: total - state.group_used.get(key, 0) for key, total in free.items()}
        constraint = request.constraint
        eligible = self.eligible(constraint)
        field = Field.of_all(classes, eligible) if constraint is ALWAYS else Field(classes, eligible)
        return decider, Situation(field, free), types

    def eligible(self, constraint: Constraint) -> int:
        """Return the bitmask of the positions that a constraint matches."""
        if constraint is ALWAYS:
            return self._everyone
        known = self._eligible.get(constraint)
        if known is None:
            known = evaluate(constraint, self.machine.facts)
            self._eligible[constraint] = known
        return known

    def infeasible(self, request: Request, budget: Budget) -> str | None:
        """Return why there is no placement even on the empty pool with every rank up; None when there is one.

        Raises
        ------
        CutOff
            When the work was used up before that was known.
        """
        eligible = self.eligible(request.constraint)
        key = (request.shape, eligible, request.constraint)
        if key not in self._infeasible:
            if budget.left <= self._undecided.get(key, -1.0):
                raise KnownCutOff
            work = budget.left
            try:
                self._infeasible[key] = self._judge(request, eligible, budget)
            except CutOff:
                if not budget.is_late:
                    self._undecided[key] = work
                raise
        return self._infeasible[key]

    def _judge(self, request: Request, eligible: int, budget: Budget) -> str | None:
        try:
            problem = self.problem(request.shape)
        except InfeasibleRequest as error:
            return str(error)
        situation = self.empty(eligible)
        view = self.view(request.shape)
        if view is not None:
            classes = view.classes(self.changes, self.changes.initial())
            situation = Situation(Field(classes, eligible), self.group_totals)
        decider = self.decider if view is None else view.decider
        if decider.fits(problem.demand(problem.least), situation, budget):
            return None
        return self.reasons.infeasible(request, budget)

    def empty(self, eligible: int) -> Situation:
        """Return the situation of the empty pool with every rank up."""
        return Situation(Field(self.changes.idle_classes(self.machine.all), eligible), self.group_totals)

    # -- other machines -------------------------------------------------------------------------------------------

    def with_expiration(self, expiration: float) -> Knowledge:
        """Return the knowledge of the same machine with another end."""
        other = object.__new__(Knowledge)
        other.__dict__.update(self.__dict__)
        other.machine = replace(self.machine, expiration=expiration)
        other._own = Memory(POLICIES_REMEMBERED)
        other._later = Memory(LATER_REMEMBERED)
        return other

    def of_machine(self, machine: Machine) -> Knowledge:
        """Return the knowledge of another machine under the same options."""
        return Knowledge(machine, self.options, self._warn, self._make_reasons)
