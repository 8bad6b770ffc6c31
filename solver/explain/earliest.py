"""The earliest starts that any order of a queue can give that respects priorities: bounds, and starts that meet them.

An order respects priorities when no job is later for those behind it. So the first job starts as early as it can beside
what runs; the second as early as it can beside the first, wherever that one may stand; and so on: the starts that are
least when compared one after the other. No start comes before its bound: at no time while the job would run may it,
with all jobs ahead that must be running then, ask for more than there is by any way of counting, and it must fit by
itself. What conservative backfill finds is such an order, so where it meets the bounds of a job and of all before it,
these are proven. Where it does not, the jobs so far are placed anew, each when it starts.

A job ahead must be running from the latest time at which it may start to the earliest at which it may end: its
mandatory part, as in timetable reasoning (A. Lahrichi, RAIRO Operations Research 16, 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ..allocator import Allocator
from ..cpsat.budget import AHEAD, CutOff
from ..demand.request import Request
from ..errors import InfeasibleRequest
from .counting import Counting
from .future import Future, Kept, OutOfWork, Work
from .rearranging import Placed, Rearranged
from .reserving import Reservation, Reservations
from .starts import OUT_OF_WORK, Queue, Start, check_queue
from .timetable import Timetable, Wanted

REARRANGED = 3
"""Times of a job for which all before it are placed anew, at most."""


@dataclass(frozen=True, slots=True)
class Earliest:
    """How early a job of a queue can start.

    Attributes
    ----------
    jobid
        The job.
    bound
        No order that respects priorities starts it before, in seconds since the epoch; None where that is not known.
    start
        When it starts where each job is as early as those ahead of it let it be, as far as found.
    proven
        Whether no order starts it earlier than that, or one before it.
    """

    jobid: int
    bound: float | None
    start: Start
    proven: bool


def earliest(
    pool: Allocator, queue: Queue, now: float, kept: Sequence[Kept] = (), work: Work | None = None
) -> list[Earliest]:
    """Return how early each job of a queue can start, if every job runs as long as it may.

    Parameters
    ----------
    pool
        Is not changed.
    queue
        Job ids and requests, the highest priority first.
    now
        Seconds since the epoch.
    kept
        What jobs have to keep off.
    work
        What it may take. Of the jobs whose starts are not found by then the bounds are told that counting gives.

    Raises
    ------
    TypeError, ValueError
        As `forecast`.
    """
    check_queue(pool, queue, now)
    search = _Search(pool, queue, now, kept, work)
    found: list[Earliest] = []
    try:
        for jobid, request in queue:
            found.append(search.next(jobid, request))
    except OutOfWork:
        found += [search.by_counting(jobid, request) for jobid, request in queue[len(found) :]]
    return [replace(one, start=search.stands(one.start)) for one in found]


class _Search(Future):
    """The starts and bounds of one job after the other, by what is known of those ahead."""

    def __init__(
        self, pool: Allocator, queue: Queue, now: float, kept: Sequence[Kept], work: Work | None = None
    ) -> None:
        super().__init__(pool, now, kept, work)
        counting = Counting(self._knowledge, (request for _, request in queue))
        self._counting = counting
        self._table = Timetable(self._knowledge, self._state, self._ends, counting, now, kept, self._work)
        self._made = Reservations(pool, now, kept, counting, self._work)
        self._jobs: list[Placed] = []
        self._exact = True
        self._blocked = ""

    def next(self, jobid: int, request: Request) -> Earliest:
        """Return how early a job can start that is behind all that were asked about before.

        Raises
        ------
        OutOfWork
            When the work is used up.
        """
        try:
            alone = self.when(request, 0.0)
            wanted = Wanted.of(self._knowledge, self._counting, request)
        except InfeasibleRequest as error:
            return Earliest(jobid, None, Start(jobid, None, str(error)), True)
        bound = self._bound(request, wanted, None if alone is None else alone[0])
        time = self._reserve(jobid, request, wanted, bound, None if alone is None else alone[0])
        start = Start(jobid, time, unknown="" if time is not None else self._why_unknown(jobid))
        before, self._exact = self._exact, self._exact and bound is not None and bound == time
        if bound is not None and before and time is not None:
            # How late it may start is known as long as all before it are proven.
            self._table.add(wanted, time, bound + wanted.duration)
        return Earliest(jobid, bound, start, self._exact)

    def by_counting(self, jobid: int, request: Request) -> Earliest:
        """Return a bound that takes no decision."""
        try:
            wanted = Wanted.of(self._knowledge, self._counting, request)
        except InfeasibleRequest as error:
            return Earliest(jobid, None, Start(jobid, None, str(error)), True)
        bound = next(self._table.starts(wanted, 0.0), None)
        return Earliest(jobid, bound, Start(jobid, None, unknown=OUT_OF_WORK, bound=bound), False)

    def stands(self, start: Start) -> Start:
        """Return a start with the nodes on which the job stands in the end."""
        if start.time is None:
            return start
        place = next(place for place, job in enumerate(self._jobs) if job.jobid == start.jobid)
        return replace(start, nodes=self._made.made[place].nodes)

    # -- bounds ---------------------------------------------------------------------------------------------------

    def _bound(self, request: Request, wanted: Wanted, alone: float | None) -> float | None:
        """Return a time before which a job cannot start; None where no known end lets it."""
        if self._question(request).cut_off:
            return self._now
        if alone is None:
            return None
        times = self._table.starts(wanted, alone)
        return next((time for time in times if self._fits_alone(request, time)), None)

    def _fits_alone(self, request: Request, time: float) -> bool:
        """Tell whether a job fits beside what runs and off what is kept; yes where that is not found out."""
        if not self._kept:
            return True
        state = self._open(self._table.state_at(time), request, time)
        knowledge = self._knowledge.under(request)
        try:
            return knowledge.fits(request, state, self._work.part(AHEAD * knowledge.options.time_limit))
        except CutOff:
            return True

    # -- starts ---------------------------------------------------------------------------------------------------

    def _reserve(
        self, jobid: int, request: Request, wanted: Wanted, bound: float | None, alone: float | None
    ) -> float | None:
        """Let a job start as early as is found beside all before it, and return when; None where that is not known."""
        if self._blocked:
            return None
        found = self._made.reserve(jobid, request, alone) if alone is not None else None
        time = None if found is None else found.start
        if self._exact and bound is not None and (time is None or bound < time):
            times = (moment for moment in self._table.starts(wanted, bound) if time is None or moment < time)
            for moment in islice(times, REARRANGED):
                made = self._rearranged([*self._jobs, Placed(jobid, request, wanted, moment)])
                if made is not None:
                    self._made.replace(made)
                    time = moment
                    break
        if time is not None:
            self._jobs.append(Placed(jobid, request, wanted, time))
            if not request.duration > 0:
                self._blocked = f"job {jobid} ahead of it does not say how long it runs"
        return time

    def _rearranged(self, jobs: Sequence[Placed]) -> list[Reservation] | None:
        held = Rearranged(self._pool, self._now, self._kept, self._work).all(jobs)
        if held is None:
            return None
        return [self._made.of(job.request, job.start, held[job.jobid]) for job in jobs]

    def _why_unknown(self, jobid: int) -> str:
        """Return why a start is not known, and let those behind not be known either."""
        why = self._blocked or "jobs that run hold what it needs, and have no end that is known"
        self._blocked = self._blocked or f"it is not known when job {jobid} ahead of it starts"
        return why
