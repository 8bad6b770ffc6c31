"""`exactfit plan`: when the jobs of a queue start, in the orders that schedulers have and at the earliest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ...grammar.errors import printable
from ..drawing.gantt import Bar, draw_gantt
from ..fitted_table import Column, FittedTable
from . import completions, options
from .bundles import flat
from .console import clip, make_console
from .errors import InputError
from .json_output import json_line
from .pictures import check_target
from .queue_clock import check_clock, seconds_of
from .queue_input import QueueCase, read_queue
from .report import span
from .status import DONE

if TYPE_CHECKING:
    from ...solver.explain import Earliest, Start
    from ...solver.pool import Pool

_ORDERS = ("fifo", "easy", "earliest")
_NAME = 24
_RANKS = 20
_MOST_LEFT_OUT = 8

MachineArgument = Annotated[
    str,
    typer.Argument(
        metavar="[MACHINE]",
        autocompletion=completions.machines,
        show_default=False,
        help="A snapshot, or a machine as exactfit place takes it, with JOBs as its queue. None: the system that runs "
        "here.",
    ),
]
JobsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[JOB]...",
        autocompletion=completions.jobs,
        show_default=False,
        help="The queue, the highest priority first: shapes and jobspec files.",
    ),
]


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How much of the queue, and how it is shown."""

    most: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="The first N jobs of the queue.")] = 64
    order: Annotated[
        str,
        typer.Option(
            "--order",
            metavar="fifo|easy|earliest",
            autocompletion=completions.words(*_ORDERS),
            help="Whose placements the table and the picture show: strictly in order; with EASY backfill; or of an "
            "order in which no job is later for those behind it.",
        ),
    ] = "easy"
    duration: Annotated[
        str | None,
        typer.Option(
            "--duration",
            metavar="TIME",
            show_default=False,
            help="How long jobs run that do not say so, as shapes never do (3600, 90m, 2h).",
        ),
    ] = None
    now: Annotated[
        float | None,
        typer.Option(
            "--now",
            metavar="SECONDS",
            show_default="of a snapshot, when it was taken",
            help="The time that it is, in seconds since the epoch.",
        ),
    ] = None
    as_json: Annotated[
        bool,
        typer.Option("--json", help='Print one JSON object and nothing else: {"now", "jobs", "kept", "left_out"}.'),
    ] = False
    draw: Annotated[
        Path | None,
        typer.Option(
            "--draw",
            metavar="FILE",
            autocompletion=completions.files,
            show_default=False,
            help="Draw the plan into a file: .svg, .png or .pdf. Nodes from top to bottom, time to the right.",
        ),
    ] = None

    @property
    def seconds(self) -> float:
        """How long jobs run that do not say so; 0 where that is not known."""
        return seconds_of(self.duration)

    def check(self) -> None:
        """Refuse what is no order, no time and no picture.

        Raises
        ------
        InputError
            For each of these.
        """
        if self.order not in _ORDERS:
            raise InputError(f"--order: expected fifo, easy or earliest, got {self.order!r}")
        check_clock(self.now, self.duration)
        if self.draw is not None:
            check_target(self.draw)


@dataclass(frozen=True, slots=True)
class StateOptions:
    """The state that the machine is in, and how jobs are decided."""

    allocated: options.AllocatedOption = None
    down: options.DownOption = None
    requires: options.RequiresOption = None
    policy: options.PolicyOption = None
    time_limit: options.TimeLimitOption = None
    with_nodes: options.WithNodesOption = None
    amounts: options.WithOption = None
    without: options.WithoutOption = None

    def of(self, machine: str) -> options.CaseOptions:
        """Return the case of a machine."""
        decided = (self.policy, self.time_limit, None, None)
        changed = (self.with_nodes, self.amounts, self.without)
        return options.CaseOptions(machine, self.requires, self.allocated, self.down, *decided, *changed)


@flat
def plan(
    machine: MachineArgument = "",
    jobs: JobsArgument = None,
    snapshot: options.SnapshotOption = None,
    *,
    state: StateOptions,
    shown: PlanOptions,
) -> int:
    """Say when the jobs of a queue start and where: strictly in order, with EASY backfill, and at the earliest.

    All jobs are taken to run as long as they may, and keep off reservations. The earliest start is that of an order in
    which no job is later for those behind it, and no such order starts a job before its bound. Exit status 3 when the
    system does not answer.

    For example:

      exactfit plan

      exactfit plan now.json --jobs 20 --draw plan.png

      exactfit plan rfc49-a slot=4/node slot=16/node slot=2/node --duration 2h
    """
    shown.check()
    given = state.of(machine)
    case, taken = read_queue(given, snapshot, jobs or [], shown.most, shown.seconds)
    moment = shown.now if shown.now is not None else taken.taken if taken is not None else time.time()
    found = _Plan(case, case.pool(), moment)
    if shown.as_json:
        print(json_line("plan", found.fields()))
    else:
        found.show(shown.order)
    if shown.draw is not None:
        found.draw(shown.order, shown.draw)
    return DONE


class _Plan:
    """The starts of a queue in each order."""

    def __init__(self, case: QueueCase, pool: Pool, now: float) -> None:
        from ...solver.explain import earliest, forecast

        kept = [one for _, one in case.kept]
        queue = case.requests
        self.case, self.pool, self.now = case, pool, now
        self.names = [printable(name) for name, _ in case.queue]
        self.seconds = [request.duration for _, request in case.queue]
        self.bounds: list[Earliest] = earliest(pool, queue, now, kept)
        self.starts: dict[str, Sequence[Start]] = {
            "fifo": forecast(pool, queue, now, "fifo", kept),
            "easy": forecast(pool, queue, now, "easy", kept),
            "earliest": [one.start for one in self.bounds],
        }

    def fields(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        ids = self.case.read.machine.ids_of

        def start(one: Start) -> dict[str, Any]:
            return {"start": one.time, "ranks": str(ids(one.nodes)), "why_not": one.why_not or one.unknown or None}

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
        if start.time is None:
            return "never" if start.why_not else "not known"
        return span(start.time - self.now)

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
        if kept:
            yield f"kept off: {'; '.join(kept)}"
        for one in self.case.left_out[:_MOST_LEFT_OUT]:
            yield f"not planned: {one}"
        if len(self.case.left_out) > _MOST_LEFT_OUT:
            yield f"and {len(self.case.left_out) - _MOST_LEFT_OUT} more (--json has all of them)"
        for name, start in zip(self.names, self.starts["fifo"], strict=True):
            if start.why_not:
                yield f"job {clip(name, _NAME)} can never run here: {clip(printable(start.why_not), 200)}"

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
