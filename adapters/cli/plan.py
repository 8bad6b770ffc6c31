"""`exactfit plan`: when the jobs of a queue start, in the orders that schedulers have and at the earliest."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from . import completions, options
from .bundles import flat
from .errors import InputError
from .json_output import json_line
from .pictures import check_target
from .queue_clock import check_clock, seconds_of, work_of
from .queue_input import read_queue
from .queue_plan import QueuePlan
from .status import DONE

_ORDERS = ("fifo", "easy", "earliest")

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
    work: Annotated[
        str,
        typer.Option(
            "--work",
            metavar="TIME",
            help="How much work the whole plan may take, as time on an ordinary core: seconds, or 500ms, 10s, 2m. Work "
            "is counted. Of the jobs that are left then it is said before when they do not start.",
        ),
    ] = "60s"
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help='Print one JSON object and nothing else: {"now", "jobs", "kept", "left_out", "work"}.'
        ),
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
        work_of(self.work)
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
    found = QueuePlan(case, case.pool(), moment, work_of(shown.work))
    if shown.as_json:
        print(json_line("plan", found.fields()))
    else:
        found.show(shown.order)
    if shown.draw is not None:
        found.draw(shown.order, shown.draw)
    return DONE
