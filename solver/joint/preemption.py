"""Which running jobs give way so that a waiting one starts: the least that is lost, of the highest rank first.

Where jobs may only end, any request is looked at, on machines of any size: by rank as far as the pool's own answer
tells who stays, then by the model of `victims`. Where jobs may move as well, `relocation` says where to. On a small
machine that is one model; on a large one a choice is made as if what moves needed no room, and then it is given some,
or the next choice is looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from math import prod

from ...grammar.constraint import evaluate
from ..allocator import Allocator
from ..cpsat.budget import Budget, CutOff
from ..cpsat.lexicographic import lexmin
from ..cpsat.status import Status
from ..demand.request import Asked, Request, as_request
from ..errors import InfeasibleRequest, InsufficientResources
from ..knowledge import Knowledge
from ..state.node_classes import bits
from ..state.pool_state import PoolState
from .around import without_groups
from .fitting import JOB_STEPS, Fitting
from .giving_way import Candidate, GivingWay, check_candidates, lost_of
from .greedy import least_wanted, needed_of
from .relocation import Loads, Relocated, Relocation
from .victims import Chosen, Refused, Victims
from .wants import want_of

SMALL = 20_000
"""Places for what may move up to which all of it is one model."""

SHARE = 0.7
"""Of the work, how much the search for the best may take; the rest is for a choice that is good enough."""

TRIAL = -1
"""The id of the waiting job where it is tried, that no real job has."""


def plan_preemption(
    pool: Allocator, request: Asked, candidates: Sequence[Candidate], seconds: float
) -> GivingWay | None:
    """Return which jobs give way so that a request fits; None where that helps not, whichever do.

    Parameters
    ----------
    pool
        Which stays as it is. Nodes that are down take no job.
    request
        Of the waiting job, with the counts that it leaves open at their least.
    candidates
        The jobs that may give way.
    seconds
        Of work that all of it may take.

    Raises
    ------
    CutOff
        When the work was used up before any choice was known.
    InfeasibleRequest
        When the machine cannot even be asked for the request.
    TypeError, ValueError
        For what is no request, no candidates or no time.
    """
    request = as_request(request)
    check_candidates(pool, candidates, seconds)
    search = _Search(pool, request, candidates, Budget(seconds))
    return search.moving() if any(one.moves is not None for one in candidates) else search.ending()


class _Search:
    def __init__(self, pool: Allocator, request: Request, candidates: Sequence[Candidate], budget: Budget) -> None:
        knowledge, self._state = pool.present
        self._pool = pool
        self._request = request
        self._candidates = sorted(candidates, key=lambda one: (-one.rank, -one.lost, one.job))
        self._budget = budget
        self._knowledge: Knowledge = knowledge.under(request)
        self._knowledge.problem(request.shape)
        self._ask = Fitting(self._knowledge, request, budget)

    def _fits(self, jobs: Sequence[int] = (), state: PoolState | None = None) -> bool:
        return self._ask.fits(self._state if state is None else state, jobs)

    # -- jobs that end --------------------------------------------------------------------------------------------

    def ending(self) -> GivingWay | None:
        """Return the jobs to end; None where ending all of them does not help."""
        every = [one.job for one in self._candidates]
        if not self._fits(every):
            return None
        work = self._budget.part(SHARE)
        try:
            fixed, rest, state = self._by_rank(work)
            found = Victims(self._knowledge, state, self._request, rest, work).best() if rest else None
        except CutOff:
            return self._good_enough({})
        if found is not None and found.status is not Status.OPTIMAL:
            return self._good_enough(found.bounds if not fixed else {})
        ended = sorted({*fixed, *(found.jobs if found else ())})
        terms = lost_of(self._candidates, ended)
        return GivingWay(Status.OPTIMAL, terms, terms, tuple(ended), nodes=self._stands(ended))

    def _by_rank(self, work: Budget) -> tuple[list[int], list[Candidate], PoolState]:
        """Return who has to end whatever others do, who may, and the state in which only these are left to choose.

        Those of the highest ranks stay, as many ranks as can while all others end. Where the next one is of one job
        alone, it has to end, and those after it are looked at again; where it is of several, they are left to choose
        with all below.
        """
        changes = self._knowledge.changes
        levels = [list(same) for _, same in groupby(self._candidates, key=lambda one: one.rank)]
        state = changes.ended(self._state, [one.job for one in self._candidates])
        fixed: list[int] = []
        low = 0
        while low < len(levels):
            # All of the levels before this one stay, but for those that are fixed, and it fits.
            kept, state = self._most_kept(levels[low:], state, work)
            low += kept
            if low == len(levels):
                break
            if len(levels[low]) > 1:
                rest = [one for level in levels[low:] for one in level]
                return fixed, rest, changes.ended(self._state, fixed)
            fixed.append(levels[low][0].job)
            low += 1
        return fixed, [], state

    def _most_kept(
        self, levels: Sequence[Sequence[Candidate]], state: PoolState, work: Budget
    ) -> tuple[int, PoolState]:
        """Return how many of some levels can stay together with all before them, and the state in which they do."""
        states = [state]
        low, step = 0, 1
        high = len(levels) + 1
        while high - low > 1:
            middle = min(low + step, (low + high) // 2)
            while len(states) <= middle:
                level = levels[len(states) - 1]
                work.spend(JOB_STEPS * len(level))
                states.append(self._with_running(states[-1], level))
            if self._fits((), states[middle]):
                low, step = middle, 2 * step
            else:
                high = middle
                del states[high:]
        return low, states[low]

    def _with_running(self, state: PoolState, level: Sequence[Candidate]) -> PoolState:
        """Return a state in which jobs that had ended there run again as they do now."""
        for one in level:
            state, _ = self._knowledge.changes.started(state, one.job, self._state.jobs[one.job])
        return state

    def _good_enough(self, bounds: Mapping[str, int]) -> GivingWay:
        """Return jobs of which none is there without need, chosen greedily."""
        order = least_wanted(self._candidates)
        ended = sorted(needed_of(order, lambda jobs: self._fits(jobs)))
        terms = lost_of(self._candidates, ended)
        return GivingWay(Status.FEASIBLE, terms, bounds, tuple(ended), nodes=self._stands(ended))

    def _stands(self, ended: Sequence[int]) -> int:
        """Return where the pool places the waiting job then."""
        after = self._pool.in_state(self._knowledge.changes.ended(self._state, ended))
        try:
            return after.alloc(TRIAL, self._request).nodes
        except (InsufficientResources, InfeasibleRequest):
            # The search for the best place was cut off.
            return 0

    # -- jobs that move -------------------------------------------------------------------------------------------

    def moving(self) -> GivingWay | None:
        """Return the jobs to end and to move."""
        if self._fits():
            return GivingWay(Status.OPTIMAL, zeros := lost_of(self._candidates, ()), zeros, nodes=self._stands(()))
        self._loads = Loads(self._pool.machine, self._state)
        around, inner = without_groups(self._request, self._pool.machine.group_levels)
        self._want = want_of(inner, slot_exclusive=self._pool.options.slot_exclusive)
        self._around = around
        self._allowed = evaluate(inner.constraint, self._pool.machine.facts)
        self._of_groups = frozenset(job for job, held in self._state.jobs.items() if held.group_used)
        movable = [one for one in self._candidates if one.moves is not None]
        places = self._state.up.bit_count() * sum(len(set(self._loads.jobs[one.job].values())) for one in movable)
        return self._at_once() if places <= SMALL else self._one_after_the_other()

    def _relocation(self, candidates: Sequence[Candidate], loads: Loads) -> Relocation:
        return Relocation(loads, self._state.up, self._want, self._around, self._allowed, candidates, self._of_groups)

    def _at_once(self) -> GivingWay | None:
        model = self._relocation(self._candidates, self._loads)
        goals = model.goals()
        found = lexmin(model.model, list(goals.values()), self._budget)
        if found.status is Status.INFEASIBLE:
            return None
        if not found.status.found or found.solver is None:
            raise CutOff
        return self._way(found.status, dict(zip(goals, found.bounds, strict=True)), model.read(found.solver))

    def _way(self, status: Status, bounds: dict[str, int], found: Relocated) -> GivingWay:
        terms = lost_of(self._candidates, found.ended, (move.job for move in found.moves))
        return GivingWay(status, terms, bounds, found.ended, found.moves, found.together, found.nodes)

    def _one_after_the_other(self) -> GivingWay | None:
        ends = [one for one in self._candidates if one.ends is not None]
        if not self._fits([one.job for one in self._candidates]):
            return None
        work = self._budget.part(SHARE)
        try:
            found = self._first_with_room(work)
        except CutOff:
            found = None
        if found is not None:
            return found
        if not ends or not self._fits([one.job for one in ends]):
            raise CutOff
        self._candidates = [replace(one, moves=None) for one in ends]
        by_ending = self._good_enough({})
        return replace(by_ending, terms=lost_of(self._candidates, by_ending.ended))

    def _first_with_room(self, work: Budget) -> GivingWay | None:
        """Return the best choice of which all that moves finds room; None where the work did not suffice."""
        cores, gpus = self._appetite()
        nodes, loads = self._halves()
        refused: list[Refused] = []
        while True:
            victims = Victims(self._knowledge, self._state, self._request, self._candidates, work)
            victims.leave_room(cores, gpus)
            victims.leave_nodes(nodes, loads)
            for one in refused:
                victims.refuse(one)
            chosen = victims.best()
            if chosen.status is not Status.OPTIMAL:
                return None
            if not chosen.moved:
                way = GivingWay(Status.OPTIMAL, dict(chosen.bounds), dict(chosen.bounds), tuple(sorted(chosen.jobs)))
                return replace(way, nodes=self._stands(way.ended))
            found = self._given_room(chosen, work)
            if found is not None:
                return self._way(Status.OPTIMAL, dict(chosen.bounds), found)
            refused.append(Refused(chosen.jobs, chosen.moved))

    def _given_room(self, chosen: Chosen, work: Budget) -> Relocated | None:
        """Return where what moves goes to; None where there is no room for all of it.

        Raises
        ------
        CutOff
            When the work was used up before that was known.
        """
        ended = sorted(chosen.jobs - chosen.moved)
        loads = Loads(self._pool.machine, self._knowledge.changes.ended(self._state, ended))
        model = self._relocation([Candidate(job, ends=None, moves=1) for job in sorted(chosen.moved)], loads)
        goal = model.goals()["jobs"]
        found = lexmin(model.model, [goal], work)
        if found.status is Status.INFEASIBLE:
            return None
        if not found.status.found or found.solver is None:
            raise CutOff
        return replace(model.read(found.solver), ended=tuple(ended))

    def _appetite(self) -> tuple[int, int]:
        """Return the cores and GPUs that the waiting job takes at the least."""
        want = self._want
        number = max(want.hosts, 1) * want.slots * prod(groups.count for groups in self._around)
        if not want.whole:
            return number * want.cores, number * want.gpus
        kinds = [self._loads.total(at) for at in bits(self._state.up & self._allowed)]
        hosts = want.hosts * prod(groups.count for groups in self._around)
        return hosts * min(kind[0] for kind in kinds), hosts * min(kind[1] for kind in kinds)

    def _halves(self) -> tuple[int, dict[int, int]]:
        """Return how many nodes the waiting job leaves to loads of more than half a node, and how many a job has."""
        up, want = self._state.up, self._want
        half = max(self._loads.total(at)[0] for at in bits(up)) // 2
        loads = {
            job: sum(load[0] > half for at, load in held.items() if up >> at & 1)
            for job, held in self._loads.jobs.items()
        }
        hosts = want.hosts * prod(groups.count for groups in self._around)
        takes = hosts if want.whole or want.slots * want.cores > half else 0
        return up.bit_count() - takes, {job: number for job, number in loads.items() if number}
