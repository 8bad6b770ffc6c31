"""Which running jobs to end: a model of what each node gives, made exact where the pool says no.

The model says of each kind of nodes how often it gives what is asked for, by the jobs on it that end (a knapsack
cover). Of nodes on which one job or none may end that is all there is to say. Of others the model knows bounds, and
learns more when a choice claims what a node does not give; and what ties nodes together (amounts of groups, ids,
several slot types) it learns by the pool's own answer, as sets of jobs of which one has to end (implicit hitting sets,
E. Moreno-Centeno and R. M. Karp, Operations Research 61, 2013). So a choice with which the request fits, and of which
the model says that none is cheaper, is the best.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from ..cpsat.budget import Budget
from ..cpsat.lexicographic import Expression, Goal, lexmin
from ..cpsat.loading import new_model
from ..cpsat.status import Status
from ..demand.demand import GroupDemand, HostDemand
from ..demand.request import Request
from ..knowledge import Knowledge
from ..state.node_classes import Packed
from ..state.pool_state import PoolState
from .fitting import Fitting
from .giving_way import Candidate, ranks_of
from .node_kinds import Gives, NodeKind, kinds_of, unit_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_TIMES = 1 << 18
"""A host demand is asked of a node no more often."""

_SIMPLE = 32
"""Jobs of a node up to which the model knows from the start what it gives without any one of them."""


_FEW = 5
"""Jobs of a node up to which all ways are tried in which they end."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice of jobs.

    Attributes
    ----------
    status
        OPTIMAL; CUT_OFF where none was found in time; INFEASIBLE where all choices were refused.
    jobs, moved
        Those that give way, and of these those that move; none where the search was cut off.
    bounds
        Of each term that was proven: ``lost.RANK``, and ``jobs``.
    """

    status: Status
    jobs: frozenset[int]
    bounds: Mapping[str, int]
    moved: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Refused:
    """A choice of jobs in which those that move find no room."""

    jobs: frozenset[int]
    moved: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the model says that each of some nodes of a kind gives, and how much more at most when a job ends."""

    kind: NodeKind
    host: HostDemand
    nodes: int
    given: cp_model.IntVar
    gains: dict[int, int]


class Victims:
    """The cheapest jobs to end in a state so that a request fits.

    Parameters
    ----------
    knowledge, state
        Of the pool.
    request
        What is to fit. It does so when all candidates end.
    candidates
        The jobs that may; those that may move as well do so at the lower price, as if they needed no room.
    budget
        For all of it.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        state: PoolState,
        request: Request,
        candidates: Sequence[Candidate],
        budget: Budget,
    ) -> None:
        self.model = new_model()
        self._knowledge = knowledge
        self._state = state
        self._candidates = candidates
        self._budget = budget
        self._ask = Fitting(knowledge, request, budget)
        self._gives = Gives(knowledge, budget)
        self._claims: list[_Claim] = []
        self.gives_way = {one.job: self.model.new_bool_var("") for one in candidates}
        self._ends = {one.job: self._ending(one) for one in candidates}
        if knowledge.view(request.shape) is None:
            problem = knowledge.problem(request.shape)
            nodes = knowledge.eligible(request.constraint) & state.up
            self._kinds = kinds_of(knowledge, state, nodes, self.gives_way, budget)
            self._add_group(problem.demand(problem.least).root, knowledge.machine.all, 1, 1)

    def _ending(self, one: Candidate) -> Expression:
        """Return whether a job ends where it gives way; one that may do either moves where that is cheaper."""
        if one.moves is None or (one.ends is not None and one.ends <= one.moves):
            return self.gives_way[one.job]
        if one.ends is None:
            return 0
        ends = self.model.new_bool_var("")
        self.model.add_implication(ends, self.gives_way[one.job])
        return ends

    # -- what nodes give ------------------------------------------------------------------------------------------

    def _add_group(self, group: GroupDemand, nodes: int, times: Expression, most: int) -> None:
        """Let some nodes give what a group vertex asks for, so many times."""
        for host in group.hosts:
            given = [self._given(kind, replace(host, count=_TIMES), kind.nodes & nodes) for kind in self._kinds]
            self.model.add(sum(given) >= host.count * times)
        for below in group.groups:
            here, chosen = most * below.most, []
            for one in self._knowledge.machine.groups:
                if one.level == below.level and not one.members & ~nodes:
                    stands = self.model.new_int_var(0, here, "")
                    self.model.add(stands <= below.most * times)
                    if below.whole:
                        self._empty(one.members, stands, here)
                    self._add_group(below, one.members, stands, here)
                    chosen.append(stands)
            self.model.add(sum(chosen) >= below.count * times)

    def _empty(self, nodes: int, stands: cp_model.IntVar, most: int) -> None:
        """Let a group be taken whole only where all jobs in it end."""
        for jobid, job in self._state.jobs.items():
            if job.nodes & nodes:
                self.model.add(stands <= most * self.gives_way.get(jobid, 0))

    def _given(self, kind: NodeKind, host: HostDemand, nodes: int) -> Expression:
        """Return how often nodes of a kind give what a host demand asks for, at most."""
        number = nodes.bit_count()
        if not number:
            return 0
        least, most = self._gives.after(kind, host, ()), self._gives.after(kind, host, kind.held)
        if least == most:
            return number * least
        if len(kind.held) == 1:
            (job,) = kind.held
            return number * least + number * (most - least) * self.gives_way[job]
        given = self.model.new_int_var(least, most, "")
        claim = _Claim(kind, host, number, given, self._gains(kind, host, most - least))
        self._claims.append(claim)
        self._count(claim)
        self._limit(claim, ())
        for job in kind.held if len(kind.held) <= _SIMPLE else ():
            self._limit(claim, kind.held.keys() - {job})
        return number * given

    def _gains(self, kind: NodeKind, host: HostDemand, most: int) -> dict[int, int]:
        """Return for each job of a kind how much more a node gives, at most, when it ends after any others have."""
        jobs = list(kind.held)
        if len(jobs) > _FEW:
            return dict.fromkeys(jobs, most)
        given = {
            frozenset(ended): self._gives.after(kind, host, ended)
            for number in range(len(jobs) + 1)
            for ended in combinations(jobs, number)
        }
        return {
            job: max(given[ended | {job}] - less for ended, less in given.items() if job not in ended) for job in jobs
        }

    def _count(self, claim: _Claim) -> None:
        """Let nodes give no more cores and GPUs than are free or become so."""
        for gpu, need in enumerate(unit_of(claim.host)):
            if need:
                free = (claim.kind.free.gpus if gpu else claim.kind.free.cores).bit_count()
                freed = [
                    (held.gpus if gpu else held.cores).bit_count() * self.gives_way[job]
                    for job, held in claim.kind.held.items()
                ]
                self.model.add(need * claim.given <= free + sum(freed))

    def _limit(self, claim: _Claim, ended: Collection[int]) -> None:
        """Let nodes give no more than they do when these jobs end, but for what others add that end as well."""
        given = self._gives.after(claim.kind, claim.host, ended)
        more = [gain * self.gives_way[job] for job, gain in claim.gains.items() if job not in ended]
        self.model.add(claim.given <= given + sum(more))

    # -- the search -----------------------------------------------------------------------------------------------

    def leave_room(self, cores: int, gpus: int) -> None:
        """Let so many cores and GPUs be free beside all that stays or moves."""
        alike = self._knowledge.changes.alike(self._state, Packed.of(self._state.up))
        up = self._state.up
        for gpu, need in enumerate((cores, gpus)):
            free = sum(nodes.bit_count() * (node.gpus if gpu else node.cores).bit_count() for _, node, nodes in alike)
            freed: list[Expression] = []
            for job, ends in self._ends.items():
                held = self._state.jobs[job].holdings
                sizes = ((h.nodes & up).bit_count() * (h.gpus if gpu else h.cores).bit_count() for h in held)
                freed.append(sum(sizes) * ends)
            self.model.add(sum(freed) + free >= need)

    def leave_nodes(self, nodes: int, loads: Mapping[int, int]) -> None:
        """Let there be nodes for all that takes more than half of any.

        Parameters
        ----------
        nodes
            How many of those that take jobs the waiting job leaves.
        loads
            By job, on how many nodes it has more than half of the cores that any node has.
        """
        stays = [number * (1 - self._ends.get(job, 0)) for job, number in loads.items()]
        self.model.add(sum(stays) <= nodes)

    def refuse(self, choice: Refused) -> None:
        """Let others give way beside those of a choice, or one of these end that only moves."""
        others = [literal for job, literal in self.gives_way.items() if job not in choice.jobs]
        self.model.add(sum(others) + sum(self._ends[job] for job in choice.moved) >= 1)

    def goals(self) -> dict[str, Goal]:
        """Return what is to be least, by name, the first compared first."""
        found = {}
        for rank in ranks_of(self._candidates):
            some = [one for one in self._candidates if one.rank == rank]
            lost: list[Expression] = [one.lost * self.gives_way[one.job] for one in some]
            lost += [((one.ends or 0) - one.lost) * self._ends[one.job] for one in some if one.ends is not None]
            found[f"lost.{rank}"] = Goal(sum(lost), 0, sum(one.ends or one.lost for one in some))
        found["jobs"] = Goal(sum(self.gives_way.values()), 0, len(self._candidates))
        return found

    def best(self) -> Chosen:
        """Return the best choice.

        Raises
        ------
        CutOff
            When the work was used up in an answer of the pool.
        """
        bounds: dict[str, int] = {}
        jobs: frozenset[int] = frozenset()
        moved: frozenset[int] = frozenset()
        for name, goal in self.goals().items():
            while True:
                found = lexmin(self.model, [goal], self._budget, nearly_linear=True)
                solver = found.solver
                if found.status is not Status.OPTIMAL or solver is None:
                    if found.bounds:
                        bounds[name] = found.bounds[0]
                    refused = found.status is Status.INFEASIBLE
                    return Chosen(Status.INFEASIBLE if refused else Status.CUT_OFF, frozenset(), bounds)
                jobs = frozenset(job for job, literal in self.gives_way.items() if solver.value(literal))
                moved = frozenset(job for job in jobs if not solver.value(self._ends[job]))
                if not self._learn(solver, jobs):
                    break
            bounds[name] = found.values[0]
            self.model.clear_objective()  # type: ignore[no-untyped-call]  # ortools leaves it unannotated
            self.model.add(goal.expression == found.values[0])
        return Chosen(Status.OPTIMAL, jobs, bounds, moved)

    def _learn(self, solver: cp_model.CpSolver, jobs: frozenset[int]) -> bool:
        """Add to the model what is wrong with a choice; tell whether anything is."""
        wrong = False
        for claim in self._claims:
            held = claim.kind.held.keys()
            ended = set(held & jobs)
            said = solver.value(claim.given)
            if said > self._gives.after(claim.kind, claim.host, ended):
                for job in sorted(held - ended):
                    if said > self._gives.after(claim.kind, claim.host, {*ended, job}):
                        ended.add(job)
                self._limit(claim, ended)
                wrong = True
        if wrong or self._ask.fits(self._state, jobs):
            return wrong
        needed = self._ask.needed(self._state, jobs, self._candidates)
        self.model.add(sum(self.gives_way[job] for job in needed) >= 1)
        return True
