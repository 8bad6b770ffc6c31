"""`exactfit explain`: why jobs do not fit, what would make them fit, and when they will."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from ...grammar.errors import printable
from . import completions, options
from .bundles import flat
from .case import Case
from .columns import read_columns
from .conflict_scene import conflict_scene
from .console import make_console
from .errors import InputError
from .explain_job import are_jobs, explain_waiting
from .explanations import explained, print_json, report
from .job_input import Job
from .pictures import check_pictures, show_pictures
from .preempt import Preempting, PreemptOptions
from .queue_clock import check_clock, seconds_of
from .report import NUMBER_COLUMNS
from .status import DONE, NO

if TYPE_CHECKING:
    from ...solver.explain import Start
    from ...solver.pool import Pool

FITS = "fits"
_ORDERS = ("fifo", "easy", "flux", "conservative")


JobsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[JOB]...",
        autocompletion=completions.jobs,
        show_default=False,
        help="Requests: shapes and jobspec files, as `exactfit place` takes them. Where the first argument is the id "
        "of a job that waits: ids of others, or none.",
    ),
]
SnapshotOption = Annotated[
    str | None,
    typer.Option(
        "--snapshot",
        metavar="FILE",
        autocompletion=completions.files,
        show_default=False,
        help="The arguments are ids of jobs that wait in this snapshot; without it, in the system that runs here.",
    ),
]


@dataclass(frozen=True, slots=True)
class WhenOptions:
    """Whether it is said when jobs start, and how they queue."""

    when: Annotated[
        bool,
        typer.Option(
            "--when",
            help="Say when the jobs start, as a queue in this order, if those that run end when their R expires.",
        ),
    ] = False
    order: Annotated[
        str | None,
        typer.Option(
            "--order",
            autocompletion=completions.words(*_ORDERS),
            metavar="fifo|easy|flux|conservative",
            show_default="fifo",
            help="With --when: strictly in order, or with backfill: EASY as published, as Flux does it, or "
            "conservative.",
        ),
    ] = None
    now: Annotated[
        float | None,
        typer.Option(
            "--now",
            metavar="SECONDS",
            show_default=False,
            help="With --when: the time that it is, in seconds since the epoch.",
        ),
    ] = None

    duration: Annotated[
        str | None,
        typer.Option(
            "--duration",
            metavar="TIME",
            show_default=False,
            help="With --when: how long jobs run that do not say so, as shapes never do (3600, 90m, 2h).",
        ),
    ] = None

    @property
    def seconds(self) -> float:
        """How long jobs run that do not say so; 0 where that is not known."""
        return seconds_of(self.duration)

    def check(self) -> None:
        """Refuse what is no order, no time, and what says how jobs queue where they do not.

        Raises
        ------
        InputError
            For each of these.
        """
        if self.order is not None and self.order not in _ORDERS:
            raise InputError(f"--order: expected fifo, easy, flux or conservative, got {self.order!r}")
        written = {"--order": self.order, "--now": self.now, "--duration": self.duration}
        given = next((name for name, value in written.items() if value is not None), "")
        if given and not self.when:
            raise InputError(f"{given} goes with --when: otherwise each job is looked at by itself")
        check_clock(self.now, self.duration)


@dataclass(frozen=True)
class ConflictPictures(options.PictureOptions):
    """How the conflict is drawn: not in the terminal, unless asked for."""

    usual = False


NumberColumns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="NAMES",
        autocompletion=completions.lists_of(",", *(column.name for column in NUMBER_COLUMNS)),
        show_default=False,
        help="Columns of the table of numbers in this order, with commas between: "
        f"{', '.join(column.name for column in NUMBER_COLUMNS)}. All of them by default.",
    ),
]


@flat
def explain(
    case: options.CaseOptions,
    jobs: JobsArgument = None,
    snapshot: SnapshotOption = None,
    *,
    queue: WhenOptions,
    preempting: PreemptOptions,
    pictures: ConflictPictures,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print one JSON object a job and line: {"job", "status", "sentences", "conflict", "corrections", '
            '"complete", "vertices", "changes", "start", "preempt"}; status is fits, insufficient (not now) or '
            "infeasible (never).",
        ),
    ] = False,
    columns: NumberColumns = None,
) -> int:
    """Say why a job does not fit: what lacks, in the words of the job, and what would make it fit.

    Prints the smallest set of things that are in conflict, the numbers of each vertex of the job, and up to five
    changes that make it fit, each of them tried. Every job is looked at by itself; with --when they are a queue. With
    --preempt, which running jobs would have to give way. In the place of a machine and jobs, ids of jobs that wait.
    Exit status 1 when a job does not fit now.

    For example:

      exactfit explain R.json 'slot=12/socket/core=20' --allocated running.json --down 7

      exactfit explain R.json first.yaml second.yaml --allocated running.json --when --order easy

      exactfit explain R.json slot=2/node slot=4/node --when --duration 2h

      exactfit explain 4711 --preempt --exempt debug

      exactfit explain 4711 4712 --snapshot now.json
    """
    queue.check()
    preempting.check()
    names_of_columns = read_columns(columns, NUMBER_COLUMNS, as_json=as_json)
    if snapshot is not None or not jobs or are_jobs([case.machine, *jobs]):
        check_pictures(pictures, as_json=as_json)
        return explain_waiting(case, jobs or [], snapshot, names_of_columns, pictures, preempting, as_json=as_json)
    read = Case.read(case, jobs)
    check_pictures(pictures, as_json=as_json)
    return _explain(read, queue, preempting, pictures, names_of_columns, as_json=as_json)


def _explain(
    read: Case,
    queue: WhenOptions,
    preempting: PreemptOptions,
    pictures: ConflictPictures,
    columns: Sequence[str],
    *,
    as_json: bool,
) -> int:
    """Explain the jobs of a case, and return the exit status."""
    pool = read.pool()
    names = {jobid: printable(name) for jobid, (name, _) in read.running.items()}
    moment = time.time() if queue.now is None else queue.now
    found = [(job, explained(pool, job, names.__getitem__)) for job in read.jobs]
    starts = _starts(pool, read.jobs, moment, queue) if queue.when else {}
    victims = Preempting(read, preempting, moment) if preempting.preempt else None
    if victims is not None:
        for job in read.jobs:
            victims.add(job, pool)
    if as_json:
        print_json(found, starts, names, victims=victims.fields() if victims else None)
    else:
        report(found, starts, moment, columns)
        if victims is not None:
            victims.show()
    conflicts = [(job, explanation) for job, explanation in found if explanation.conflict is not None]
    fits = all(explanation.status == FITS for _, explanation in found)
    show_pictures(
        pictures,
        lambda: [conflict_scene(read, job, explanation) for job, explanation in conflicts or found[:1]],
        None if as_json else make_console(),
        legend=True,
    )
    return DONE if fits else NO


def _starts(pool: Pool, jobs: Sequence[Job], now: float, queue: WhenOptions) -> dict[int, Start]:
    from ...solver.demand.request import Request
    from ...solver.explain import forecast

    waiting = []
    for job in jobs:
        request = Request.from_jobspec(job.jobspec)
        waiting.append((job.number, replace(request, duration=request.duration or queue.seconds)))
    return {start.jobid: start for start in forecast(pool, waiting, now, queue.order or _ORDERS[0])}
