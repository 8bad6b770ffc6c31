"""The plan of a queue: its starts in each order, as table, JSON and picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ...grammar.errors import printable
from ..drawing.gantt import Bar, draw_gantt
from ..fitted_table import Column, FittedTable
from .console import clip, counted, make_console
from .errors import InputError
from .queue_input import QueueCase
from .report import span

if TYPE_CHECKING:
    from ...solver.explain import Earliest, Start
    from ...solver.pool import Pool

_PARTS = {"fifo": 0.25, "easy": 0.5}
"""Orders of schedulers, and the part of the work that is left that each may take."""

_NAME = 24
_RANKS = 20
_MOST_LEFT_OUT = 8


class QueuePlan:
    """The starts of a queue in each order.

    Parameters
    ----------
    case, pool
        The queue, and the machine as it is.
    now
        Seconds since the epoch.
    limit
        Seconds of work that all of it may take.
    """

    def __init__(self, case: QueueCase, pool: Pool, now: float, limit: float) -> None:
        from ...solver.explain import Work, earliest, forecast

        kept = [one for _, one in case.kept]
        queue = case.requests
        self.case, self.pool, self.now, self.limit = case, pool, now, limit
        self.names = [printable(name) for name, _ in case.queue]
        self.seconds = [request.duration for _, request in case.queue]
        self.spent = 0.0
        self.starts: dict[str, Sequence[Start]] = {}
        for order, part in _PARTS.items():
            work = Work(part * max(0.0, limit - self.spent))
            self.starts[order] = forecast(pool, queue, now, order, kept, work)
            self.spent += work.spent
        work = Work(max(0.0, limit - self.spent))
        self.bounds: list[Earliest] = earliest(pool, queue, now, kept, work)
        self.spent += work.spent
        self.starts["earliest"] = [one.start for one in self.bounds]

    @property
    def used_up(self) -> bool:
        """Whether the work was used up before all was found."""
        from ...solver.explain import OUT_OF_WORK

        return any(one.unknown == OUT_OF_WORK for starts in self.starts.values() for one in starts)

    def fields(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        ids = self.case.read.machine.ids_of

        def start(one: Start) -> dict[str, Any]:
            why = one.why_not or one.unknown or None
            return {"start": one.time, "ranks": str(ids(one.nodes)), "why_not": why, "bound": one.bound}

        return {
            "now": self.now,
            "jobs": [
                {
                    "job": self.case.queue[place][0],
                    "seconds": self.seconds[place] or None,
                    **{order: start(starts[place]) for order, starts in self.starts.items()},
                    "bound": self.bounds[place].bound,
                    "proven": self.bounds[place].proven,
                }
                for place in range(len(self.names))
            ],
            "kept": [
                {"name": name, "ranks": str(ids(one.nodes)), "start": one.start, "end": one.end}
                for name, one in self.case.kept
            ],
            "left_out": list(self.case.left_out),
            "work": {"limit": self.limit, "spent": self.spent, "used_up": self.used_up},
        }

    def show(self, order: str) -> None:
        """Print the plan for people."""
        console = make_console()
        if self.names:
            console.print(self._table(order))
        for line in self._lines():
            console.print(line, soft_wrap=True, markup=False)

    def _table(self, order: str) -> FittedTable:
        columns = (
            Column("job", least=8, lead=True),
            Column("fifo", right=True),
            Column("easy", right=True),
            Column("earliest", right=True),
            Column(f"ranks ({order})"),
        )
        ids = self.case.read.machine.ids_of
        rows = []
        for place, name in enumerate(self.names):
            stands = self.starts[order][place]
            ranks = clip(str(ids(stands.nodes)), _RANKS) if stands.nodes else "-"
            times = (self._time(self.starts["fifo"][place]), self._time(self.starts["easy"][place]))
            rows.append(tuple(map(Text, (clip(name, _NAME), *times, self._earliest(place), ranks))))
        return FittedTable(columns, rows)

    def _time(self, start: Start) -> str:
        if start.time is not None:
            return span(start.time - self.now)
        if start.bound is not None and start.bound > self.now:
            return span(start.bound - self.now) + " +"
        return "never" if start.why_not else "not known"

    def _earliest(self, place: int) -> str:
        one = self.bounds[place]
        if one.bound is None:
            return "never" if one.start.why_not else "not known"
        return span(one.bound - self.now) + ("" if one.proven else " +")

    def _lines(self) -> Iterator[str]:
        ids = self.case.read.machine.ids_of
        kept = [f"{printable(name)} on ranks {clip(str(ids(one.nodes)), _RANKS)}" for name, one in self.case.kept]
        if not self.names:
            yield "no job waits that could start"
        else:
            yield "earliest: no order in which no job is later for those behind it starts it before (+ or even then)"
        if self.used_up:
            yield f"{self.limit:g} s of work (--work) did not find {self._left()}: they are not before what + says"
        if kept:
            yield f"kept off: {'; '.join(kept)}"
        for one in self.case.left_out[:_MOST_LEFT_OUT]:
            yield f"not planned: {one}"
        if len(self.case.left_out) > _MOST_LEFT_OUT:
            yield f"and {len(self.case.left_out) - _MOST_LEFT_OUT} more (--json has all of them)"
        for name, start in zip(self.names, self.starts["fifo"], strict=True):
            if start.why_not:
                yield f"job {clip(name, _NAME)} can never run here: {clip(printable(start.why_not), 200)}"

    def _left(self) -> str:
        """Return how many starts are left, in words."""
        from ...solver.explain import OUT_OF_WORK

        left = {order: sum(one.unknown == OUT_OF_WORK for one in starts) for order, starts in self.starts.items()}
        *first, last = [f"{counted(number, 'start')} of {order}" for order, number in left.items() if number]
        return f"{', '.join(first)} and {last}" if first else last

    def draw(self, order: str, path: Path) -> None:
        """Draw the plan into a file. InputError where it cannot be written."""
        machine = self.case.read.machine
        hosts = list(machine.hosts) or [str(rank) for rank in machine.ranks]
        title = f"{self.case.read.named.name}: {len(self.names)} jobs that wait, {order}"
        try:
            draw_gantt(clip(printable(title), 100), hosts, self._bars(order), path)
        except OSError as error:
            raise InputError(f"--draw: {path}: {error.strerror or error}") from None

    def _bars(self, order: str) -> Iterator[Bar]:
        for job in self.pool.jobs.values():
            yield Bar("", 0, 0.0, job.end_time - self.now if job.end_time > 0 else float("inf"), job.nodes)
        for name, one in self.case.kept:
            yield Bar(name, -1, one.start - self.now, one.end - self.now, one.nodes)
        for place, (name, start) in enumerate(zip(self.names, self.starts[order], strict=True)):
            if start.time is not None:
                seconds = self.seconds[place] or float("inf")
                yield Bar(name, place + 1, start.time - self.now, start.time - self.now + seconds, start.nodes)
