"""A minimal conflict: parts that cannot all be met, of which none can be left out (a minimal unsatisfiable subset).

Parts are taken away as long as the rest is still in conflict, halves of what is left at a time (after J. Marques-Silva
and others, "On computing minimal sets", by which the result is minimal for any monotone question). Jobs and ranks that
are alike answer alike, so of each kind only a number has to be found. With `k` parts in the conflict out of `n` kinds
that takes in the order of `k * log2(n)` trials.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ..cpsat.budget import Budget, CutOff
from ..state.node_classes import bits
from .relaxation import DownPart, JobPart, Part, TermPart, VertexPart
from .trials import Trial, Trials


@dataclass(frozen=True)
class Correction:
    """What is enough for the request to fit: any one of some parts, out of the way together with others.

    Attributes
    ----------
    parts
        Parts of the conflict.
    together
        What must be out of the way as well, none of it without need; empty where one of the parts is enough.
    """

    parts: tuple[Part, ...]
    together: tuple[Part, ...]


@dataclass(frozen=True)
class Conflict:
    """What cannot all be met.

    Attributes
    ----------
    parts
        Each of them is needed: without it the request would fit, everything that is not in conflict left aside.
    rest
        The assumptions under which that was found: all that is not in conflict is out of the way.
    never
        Whether it stands on the empty machine with every rank up.
    complete
        Whether the time sufficed to tell jobs apart.
    corrections
        What is enough: every part, alone or with others. None where that was not found out.
    """

    parts: tuple[Part, ...]
    rest: Trial
    never: bool
    complete: bool
    corrections: tuple[Correction, ...] | None = None

    @property
    def vertices(self) -> tuple[VertexPart, ...]:
        """The parts that are vertices'."""
        return tuple(part for part in self.parts if isinstance(part, VertexPart))

    @property
    def terms(self) -> tuple[TermPart, ...]:
        """The parts that are terms of the constraint."""
        return tuple(part for part in self.parts if isinstance(part, TermPart))

    @property
    def down(self) -> int:
        """Bitmask of the positions of the parts that are down."""
        return down_of(self.parts)

    @property
    def jobs(self) -> tuple[int, ...]:
        """The jobs that are in conflict."""
        return jobs_of(self.parts)

    @property
    def all_down(self) -> int:
        """Bitmask of the positions that are down and in the way, besides the conflict too."""
        return down_of(self._all)

    @property
    def all_jobs(self) -> tuple[int, ...]:
        """The jobs that are in the way, besides the conflict too."""
        return jobs_of(self._all)

    @property
    def _all(self) -> tuple[Part, ...]:
        return (*self.parts, *(part for correction in self.corrections or () for part in correction.together))


def down_of(parts: Iterable[Part]) -> int:
    """Return the bitmask of the positions of the parts that are down."""
    nodes = 0
    for part in parts:
        if isinstance(part, DownPart):
            nodes |= part.nodes
    return nodes


def jobs_of(parts: Iterable[Part]) -> tuple[int, ...]:
    """Return the jobs among some parts, each once."""
    return tuple(sorted(set(chain.from_iterable(part.jobs for part in parts if isinstance(part, JobPart)))))


def lift(trials: Trials, trial: Trial, part: Part) -> Trial:
    """Assume in addition that a part is out of the way."""
    if isinstance(part, JobPart):
        return trials.freed(trial, part.jobs)
    if isinstance(part, DownPart):
        return trials.raised(trial, part.nodes)
    return trials.without(trial, [part])


def find_conflict(trials: Trials, budget: Budget, *, jobs_apart: bool = True) -> Conflict | None:
    """Return a smallest conflict; None when the request fits.

    Parameters
    ----------
    budget
        When it is used up nothing is told apart any further.
    jobs_apart
        Whether jobs are told apart at all; if not, they are one part.

    Raises
    ------
    CutOff
        When not even the first trials could be finished.
    """
    if trials.fits(trials.present):
        return None
    never = not trials.fits(trials.empty)
    search = _Search(trials, trials.empty if never else trials.present, budget.part(0.6))
    if not never:
        search.jobs(apart=jobs_apart)
        search.down()
    search.go_on(budget)
    search.one_by_one([*map(TermPart, trials.terms), *trials.relaxer.parts(trials.vertices)])
    return Conflict(tuple(search.kept), search.trial, never, search.complete)


class _Search:
    """Takes parts away from a trial in which the request does not fit, and keeps those that cannot go."""

    def __init__(self, trials: Trials, trial: Trial, budget: Budget) -> None:
        self.trials = trials
        self.trial = trial
        self.kept: list[Part] = []
        self.complete = True
        self._budget = budget

    def _go(self, trial: Trial) -> bool:
        """Go on to a trial if the request does not fit there either; tell whether."""
        try:
            if self.trials.fits(trial, self._budget):
                return False
        except CutOff:
            self.complete = False
            return False
        self.trial = trial
        return True

    # -- vertices and terms ---------------------------------------------------------------------------------------

    def one_by_one(self, parts: Sequence[Part]) -> None:
        """Take away what can go, until nothing more can."""
        while True:
            left = [part for part in parts if self._is_used_up() or not self._go(lift(self.trials, self.trial, part))]
            if len(left) == len(parts):
                break
            # Once more: a slot with memory can have more room with more cores, so the order may matter.
            parts = left
        self.kept += parts

    def go_on(self, budget: Budget) -> None:
        """Set the work that there is from now on."""
        self._budget = budget

    def _is_used_up(self) -> bool:
        if self._budget.left:
            return False
        self.complete = False
        return True

    # -- ranks ----------------------------------------------------------------------------------------------------

    def down(self) -> None:
        """Find the ranks that must be down for the conflict to stand."""
        trials = self.trials
        down = trials.machine.all & ~self.trial.state.up
        useful = down & trials.eligible(self.trial)
        if not useful or self._go(trials.raised(self.trial, down)):
            return
        self.trial = trials.raised(self.trial, down & ~useful)
        kinds = alike(trials, self.trial, {position: 1 << position for position in bits(useful)})
        self._halve(kinds, lambda chosen: trials.raised(self.trial, union(chosen)), _down_parts)

    # -- jobs -----------------------------------------------------------------------------------------------------

    def jobs(self, *, apart: bool) -> None:
        """Find the jobs that must hold something for the conflict to stand."""
        trials, jobs = self.trials, self.trials.state.jobs
        # Freeing everything at once is no more than another state, which all jobs one after the other are not.
        if not jobs or self._go(replace(self.trial, state=trials.idle.state)):
            return
        matter = [jobid for jobid in jobs if matters(trials, self.trial, jobid)]
        self.trial = trials.freed(self.trial, set(jobs.keys()).difference(matter))
        if not apart:
            self.kept.append(JobPart(tuple(sorted(matter))))
            return
        kinds = jobs_alike(trials, self.trial, matter)
        self._halve(kinds, lambda chosen: trials.freed(self.trial, chosen), _job_parts)

    def _halve(
        self,
        kinds: Sequence[Sequence[int]],
        without: Callable[[Iterable[int]], Trial],
        parts_of: Callable[[Sequence[int], bool], list[Part]],
    ) -> None:
        """Take away all of some kinds, or else of each half of them, or else as many as can go of a single kind."""
        if self._go(without(chain.from_iterable(kinds))):
            return
        if len(kinds) > 1:
            if self._is_used_up():
                self.kept += parts_of(list(chain.from_iterable(kinds)), False)
                return
            middle = len(kinds) // 2
            self._halve(kinds[:middle], without, parts_of)
            self._halve(kinds[middle:], without, parts_of)
            return
        (same,) = kinds
        gone, most = 0, len(same) - 1
        while gone < most:
            more = (gone + most + 1) // 2
            if self._go(without(same[gone:more])):
                gone = more
            else:
                most = more - 1
        self.kept += parts_of(same[gone:], True)


def _down_parts(positions: Sequence[int], apart: bool) -> list[Part]:
    return [DownPart(1 << position) for position in sorted(positions)] if apart else [DownPart(union(positions))]


def _job_parts(jobs: Sequence[int], apart: bool) -> list[Part]:
    return [JobPart((jobid,)) for jobid in jobs] if apart else [JobPart(tuple(sorted(jobs)))]


def union(positions: Iterable[int]) -> int:
    """Return the bitmask of positions."""
    nodes = 0
    for position in positions:
        nodes |= 1 << position
    return nodes


def _shared(masks: Iterable[int]) -> int:
    """Return the positions that are in several masks."""
    once = twice = 0
    for mask in masks:
        twice |= once & mask
        once |= mask
    return twice


def matters(trials: Trials, trial: Trial, jobid: int) -> bool:
    """Tell whether a job holds anything that the request could have."""
    job = trial.state.jobs[jobid]
    return bool(job.group_used or job.nodes & trials.eligible(trial) & trial.state.up)


def jobs_alike(trials: Trials, trial: Trial, jobs: Iterable[int]) -> list[list[int]]:
    """Group jobs by what their end does to the machine, if none but they ends."""
    known = trial.state.jobs
    nodes = {jobid: known[jobid].nodes for jobid in jobs}
    shared = _shared(job.nodes for job in known.values())
    of_groups = {jobid for jobid in nodes if known[jobid].group_used}
    return alike(trials, trial, nodes, shared=shared, apart=of_groups)


def alike(
    trials: Trials, trial: Trial, nodes: Mapping[int, int], *, shared: int = 0, apart: Container[int] = ()
) -> list[list[int]]:
    """Group jobs, or ranks that are down, by what it does to the machine when they are out of the way.

    Parameters
    ----------
    nodes
        For each job, or position, the bitmask of its nodes.
    shared
        Bitmask of the nodes on which several jobs hold something: what becomes free there depends on the others, so
        each job there is of its own kind.
    apart
        Others that are each of their own kind.
    """
    machine, knowledge = trials.machine, trials.knowledge
    matching = [knowledge.eligible(term) for term in trial.terms]
    named = knowledge.view(trials.request.shape) is not None
    kinds: defaultdict[Hashable, list[int]] = defaultdict(list)
    for item, mask in nodes.items():
        if named or mask & shared or item in apart:
            kinds[item].append(item)
            continue
        places = Counter(
            (
                machine.type_of[position],
                knowledge.changes.free_of(trial.state, position),
                machine.group_of[position] if machine.groups else -1,
                trial.state.up >> position & 1,
                tuple(eligible >> position & 1 for eligible in matching),
            )
            for position in bits(mask)
        )
        kinds[frozenset(places.items())].append(item)
    return list(kinds.values())
