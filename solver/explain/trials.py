"""Trials: whether the request would fit under assumptions, such as that some jobs are gone or a part of it is left out.

All that explains asks here and nowhere else. A trial is a value. What it assumes free or up is a state of the pool like
any other, made from the present one by small steps, so that the next trial starts where the last one ended. Each costs
one decision whether there is any placement, which is less than finding the best.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from ...grammar.constraint import And, Constraint
from ...grammar.jobspec import Vertex
from ..cpsat.budget import Budget
from ..demand.demand import Bundle, Demand, GroupDemand, HostDemand, Kind, Want
from ..demand.problem import Problem
from ..demand.request import Request, Shape
from ..demand.resolve import Resolver
from ..errors import InfeasibleRequest
from ..knowledge import Knowledge
from ..machine.decide import Decider, Situation
from ..machine.selection import Field
from ..state.pool_state import Changes, PoolState
from .relaxation import Part, Relaxer, TermPart, VertexPart, terms_of

TRIAL_STEPS = 300
"""What a trial costs beside the search."""

THING_STEPS = 5
"""What it costs for each class of equal nodes, and for each term of the constraint."""

JOB_STEPS = 20
"""What it costs to assume that a job has ended."""


@dataclass(frozen=True)
class Trial:
    """What is assumed.

    Attributes
    ----------
    state
        What is free and up.
    terms
        The terms of the constraint that hold.
    gone
        The parts of vertices that do not.
    """

    state: PoolState
    terms: tuple[Constraint, ...]
    gone: frozenset[VertexPart] = frozenset()


class Trials:
    """Tries one request on one pool.

    Parameters
    ----------
    knowledge, state
        Of the pool.
    request
        What is tried.
    seconds
        Of work that a single trial may take.
    whole
        What all trials spend their work of; None for no limit.
    """

    def __init__(
        self, knowledge: Knowledge, state: PoolState, request: Request, seconds: float, whole: Budget | None = None
    ) -> None:
        self.knowledge = knowledge
        self.machine = knowledge.machine
        self.state = state
        self.request = request
        self.terms = terms_of(request.constraint)
        self.tried = 0
        self._seconds = seconds
        self._whole = whole
        self._owed = 0
        options = knowledge.options
        resolver = Resolver(self.machine, options, _silent)
        self.relaxer = Relaxer(resolver, ignore=options.unknown_types == "ignore")
        self.vertices = _stated(request, resolver)

    @property
    def budget(self) -> Budget:
        """The work of one trial."""
        return Budget(self._seconds) if self._whole is None else self._whole.at_most(self._seconds)

    def owe(self, steps: int) -> None:
        """Count steps that were taken to make a trial; the next one that is asked about spends them."""
        self._owed += steps

    # -- trials ---------------------------------------------------------------------------------------------------

    @cached_property
    def present(self) -> Trial:
        """Assume nothing."""
        return Trial(self.state, self.terms)

    @cached_property
    def idle(self) -> Trial:
        """Assume that no job holds anything; what is down stays down."""
        state, _ = self.knowledge.changes.mark(self.empty.state, self.machine.all & ~self.state.up, up=False)
        return replace(self.empty, state=state)

    @cached_property
    def empty(self) -> Trial:
        """Assume that no job holds anything and all is up."""
        return Trial(self.knowledge.changes.initial(), self.terms)

    def without(self, trial: Trial, parts: Iterable[Part]) -> Trial:
        """Assume in addition that some terms and parts of vertices do not hold."""
        gone = frozenset(part for part in parts if isinstance(part, VertexPart))
        dropped = {part.term for part in parts if isinstance(part, TermPart)}
        self.owe(THING_STEPS * len(trial.terms))
        return replace(trial, terms=tuple(term for term in trial.terms if term not in dropped), gone=trial.gone | gone)

    def freed(self, trial: Trial, jobs: Iterable[int]) -> Trial:
        """Assume in addition that some jobs have ended."""
        some = tuple(jobs)
        self.owe(JOB_STEPS * len(some))
        return replace(trial, state=ended(self.knowledge.changes, trial.state, some))

    def raised(self, trial: Trial, nodes: int) -> Trial:
        """Assume in addition that some nodes are up."""
        return replace(trial, state=self.knowledge.changes.mark(trial.state, nodes, up=True)[0])

    # -- answers --------------------------------------------------------------------------------------------------

    def fits(self, trial: Trial, budget: Budget | None = None) -> bool:
        """Tell whether the request would fit.

        Parameters
        ----------
        budget
            What the work is spent of; no trial takes more of it than any may.

        Raises
        ------
        CutOff
            When the work was used up before that was known.
        """
        return self.vertices_fit(self.relaxer.relax(self.vertices, trial.gone), trial, budget)

    def vertices_fit(self, vertices: tuple[Vertex, ...], trial: Trial, budget: Budget | None = None) -> bool:
        """Tell whether other vertices would fit in the place of the request's.

        Raises
        ------
        CutOff
            When the work was used up before that was known.
        """
        self.tried += 1
        budget = self.budget if budget is None else budget.at_most(self._seconds)
        owed, self._owed = self._owed, 0
        things = len(trial.state.classes) + len(trial.terms)
        budget.spend(owed + TRIAL_STEPS + THING_STEPS * things)
        demand = self.demand(vertices)
        if demand is None:
            return False
        root = demand.root
        if not (root.hosts or root.groups or root.amounts):
            return True
        decider, situation = self.situation(vertices, trial)
        return decider.fits(demand, situation, budget)

    def demand(self, vertices: tuple[Vertex, ...]) -> Demand | None:
        """Return what vertices ask for at the least; None when the machine cannot even be asked for it."""
        try:
            problem = Problem(Resolver(self.machine, self.knowledge.options, _silent), vertices)
            demand = problem.demand(problem.least)
        except InfeasibleRequest:
            return None
        return replace(demand, root=_group(demand.root))

    def situation(self, vertices: tuple[Vertex, ...], trial: Trial, within: int = -1) -> tuple[Decider, Situation]:
        """Return what decides, and where, under the assumptions of a trial and among some nodes."""
        knowledge, state = self.knowledge, trial.state
        view = knowledge.view(Shape(vertices))
        classes = state.classes if view is None else view.classes(knowledge.changes, state)
        field = Field(classes, self.eligible(trial) & within)
        return knowledge.decider if view is None else view.decider, Situation(field, self.group_free(trial))

    def eligible(self, trial: Trial) -> int:
        """Return the bitmask of the positions that match the terms."""
        return self.knowledge.eligible(And(trial.terms)) if trial.terms else self.machine.all

    def group_free(self, trial: Trial) -> dict[tuple[int, str], int]:
        """Return what is free of groups' own amounts."""
        used = Counter(dict(trial.state.group_used.items()))
        return {key: total - used[key] for key, total in self.knowledge.group_totals.items()}


def ended(changes: Changes, state: PoolState, jobs: Iterable[int]) -> PoolState:
    """Return the state after jobs have ended; those that hold nothing are passed over."""
    return changes.ended(state, jobs)


def _silent(_message: str) -> None:
    """Pass over what the pool has said already."""


# -- demands without the vertices that ask for nothing ----------------------------------------------------------------


def _group(group: GroupDemand) -> GroupDemand:
    hosts = tuple(kept for host in group.hosts if (kept := _host(host)) is not None)
    amounts = tuple(amount for amount in group.amounts if amount[1])
    return replace(group, hosts=hosts, groups=tuple(map(_group, group.groups)), amounts=amounts)


def _host(host: HostDemand) -> HostDemand | None:
    bundle = host.bundle
    wants = tuple(kept for want in bundle.wants if (kept := _want(want)) is not None)
    if not host.count or (host.loose and not wants):
        return None
    if wants == bundle.wants and (wants or bundle.whole):
        return host
    if not wants and not bundle.whole:
        # Nothing is left but that there is such a node.
        return replace(host, bundle=Bundle((), ids=bundle.ids))
    return replace(host, bundle=bundle.but(wants=wants))


def _want(want: Want) -> Want | None:
    if not want.count:
        return None
    wants = tuple(kept for below in want.wants if (kept := _want(below)) is not None)
    if want.kind is Kind.SLOT and not wants:
        return None
    return want if wants == want.wants else replace(want, wants=wants)


def _stated(request: Request, resolver: Resolver) -> tuple[Vertex, ...]:
    """Return the vertices, by names of levels that the machine has, as far as it knows them."""
    try:
        return resolver.stated(request.shape.vertices)
    except InfeasibleRequest:
        return request.shape.vertices
