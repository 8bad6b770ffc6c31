"""What becomes of a queue in each order that schedulers have, as the jobs that run end."""

from __future__ import annotations

from dataclasses import replace

from ..demand.request import Request
from ..errors import InfeasibleRequest
from .counting import Counting
from .future import Future, Steps, Work, done
from .reserving import Reservations
from .starts import OUT_OF_WORK, Queue, Start
from .timetable import Timetable, Wanted
from .trials import ended


class Forecast(Future):
    """What becomes of a queue."""

    def _tell_unknown(self, waiting: Queue, starts: dict[int, Start]) -> None:
        """Say of those that are left in a queue why it is not known when they start."""
        ahead = self._endless[0] if self._endless else None
        why = f"job {ahead} ahead of it does not say how long it runs" if self._endless else ""
        for place, (jobid, _) in enumerate(waiting):
            reason = why or (
                f"it is not known when job {waiting[0][0]} ahead of it starts"
                if place
                else "jobs that run hold what it needs, and have no end that is known"
            )
            starts[jobid] = replace(starts[jobid], unknown=reason)

    def _judged(self, queue: Queue, starts: dict[int, Start]) -> Steps[list[tuple[int, Request]]]:
        """Enter the starts, not known as yet, or why there is none; return those of the queue that may start."""
        starts.update({jobid: Start(jobid, None) for jobid, _ in queue})
        waiting = []
        for jobid, request in queue:
            try:
                self._question(request)
                waiting.append((jobid, request))
            except InfeasibleRequest as error:
                starts[jobid] = Start(jobid, None, str(error))
            yield
        return waiting

    def fifo(self, queue: Queue, starts: dict[int, Start]) -> Steps[None]:
        """Enter the starts in strict order."""
        waiting = yield from self._judged(queue, starts)
        floor = 0.0
        while waiting and not self._endless:
            jobid, request = waiting[0]
            found = yield from self.finding(request, floor)
            if found is None:
                break
            floor = found[0]
            yield
            self._go(found)
            if not self._start(jobid, request, floor):
                break
            starts[jobid] = Start(jobid, max(floor, self._now), nodes=self._placed[jobid])
            del waiting[0]
        self._tell_unknown(waiting, starts)

    def conservative(self, queue: Queue, starts: dict[int, Start]) -> None:
        """Enter the starts of reservations that are made in the order of the queue, each beside all before it."""
        waiting = done(self._judged(queue, starts))
        counting = Counting(self._knowledge, (request for _, request in waiting))
        made = Reservations(self._pool, self._now, self._kept, counting, self._work)
        while waiting:
            jobid, request = waiting[0]
            alone = self.when(request, 0.0)
            found = made.reserve(jobid, request, alone[0]) if alone is not None else None
            if found is None:
                break
            starts[jobid] = Start(jobid, found.start, nodes=found.nodes)
            if not request.duration > 0:
                self._endless.append(jobid)
            del waiting[0]
        self._tell_unknown(waiting, starts)

    def bound_others(self, queue: Queue, starts: dict[int, Start], *, strict: bool) -> None:
        """Enter, of the jobs whose times are not known yet, what counting says of them.

        None of them starts before the time that has come, nor before there is enough beside those that run by then.
        In strict order each is also no earlier than one ahead of it, and has to have room beside those that cannot
        be over: by counting they start no later than they will, so they are over no later.
        """
        counting = Counting(self._knowledge, (request for _, request in queue))
        table = Timetable(self._knowledge, self._state, self._ends, counting, self._now, self._kept, Work())
        floor: float | None = self._time
        for jobid, request in queue:
            if starts[jobid].time is not None or starts[jobid].why_not is not None:
                continue
            bound = None
            if floor is not None:
                try:
                    wanted = Wanted.of(self._knowledge, counting, request)
                except InfeasibleRequest as error:
                    starts[jobid] = Start(jobid, None, str(error))
                    continue
                bound = next(table.starts(wanted, floor), None)
                # Of a job that nobody has judged it is not known whether others wait for it.
                if strict and id(request) in self._questions:
                    floor = bound
                    if bound is not None:
                        table.add(wanted, bound, bound + wanted.duration)
            starts[jobid] = Start(jobid, None, unknown=OUT_OF_WORK, bound=bound)

    def backfill(self, queue: Queue, starts: dict[int, Start], *, past: bool) -> None:
        """Enter the starts with backfill; with ``past`` also of what runs past the reservation beside its job."""
        waiting = done(self._judged(queue, starts))
        time: float | None = 0.0
        while waiting and time is not None:
            self._time = time
            time = self._pass_at(waiting, time, starts, past)
        self._tell_unknown(waiting, starts)

    def _pass_at(
        self, waiting: list[tuple[int, Request]], time: float, starts: dict[int, Start], past: bool
    ) -> float | None:
        """Start what can start at a time, and let time pass to when more may; None where that is not known."""
        while waiting and self._try(*waiting[0], time, starts):
            del waiting[0]
        if not waiting:
            return None
        found = self.when(waiting[0][1], time)
        if found is None:
            return None
        shadow = max(found[0], self._now)
        here = max(time, self._now)
        for item in waiting[1:]:
            before = 0 < item[1].duration <= shadow - here
            if (before and self._try(*item, time, starts)) or (
                past and not before and self._beside(item, waiting[0][1], time, found[0], starts)
            ):
                waiting.remove(item)
        return self._next_end(time, found[0]) if past else self._next(waiting, time, found[0])

    def _beside(
        self, item: tuple[int, Request], head: Request, time: float, shadow: float, starts: dict[int, Start]
    ) -> bool:
        """Start a job where the head still fits at its reservation; tell whether it does."""
        state, ends, endless = self._state, list(self._ends), list(self._endless)
        if not self._try(*item, time, starts):
            return False
        over = [jobid for end, jobid in self._ends if end <= shadow]
        later = ended(self._knowledge.changes, self._state, over)
        fits = False
        try:
            fits = self._question(head).fits(self._open(later, head, shadow))
        finally:
            if not fits:
                self._state, self._ends, self._endless = state, ends, endless
                starts[item[0]] = Start(item[0], None)
        return fits

    def _next_end(self, time: float, shadow: float) -> float | None:
        """Let time pass to the next end, or to the reservation: whom the head leaves room may change with each."""
        kept = (one.end for one in self._kept if one.end > time)
        return self._to(min(self._ends[0][0] if self._ends else shadow, shadow, *kept), time)

    def _to(self, moment: float, time: float) -> float | None:
        """Let time pass to a moment, and return it; None where it is no later than a time."""
        if moment <= time:
            return None
        self._pass(moment)
        return moment

    def _next(self, waiting: Queue, time: float, shadow: float) -> float | None:
        """Let time pass to the reservation of the head, or to when another could start and end before it."""
        moment = shadow
        for _, request in waiting[1:]:
            if request.duration > 0:
                found = self.when(request, time)
                if found is not None and time < found[0] and max(found[0], self._now) + request.duration <= shadow:
                    moment = min(moment, found[0])
        return self._to(moment, time)

    def _try(self, jobid: int, request: Request, time: float, starts: dict[int, Start]) -> bool:
        if not (
            self._question(request).fits(self._open(self._state, request, time)) and self._start(jobid, request, time)
        ):
            return False
        starts[jobid] = Start(jobid, max(time, self._now), nodes=self._placed[jobid])
        return True
