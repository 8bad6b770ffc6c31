"""`exactfit explain`: why jobs do not fit, what would make them fit, and when they will."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...grammar.errors import printable
from ...topology.machine import Machine
from ..drawing.scene import HELD_BEFORE, Holding, Scene, Tenant, holdings, make_scene
from ..drawing.terminal import draw_terminal
from . import options
from .console import clip, make_console
from .errors import InputError
from .job_input import Job, read_jobs
from .machine_input import NamedMachine, read_machine
from .pictures import check_target, write_picture
from .pools import Settings, make_pool, occupy
from .report import conflict_line, headline, numbers_table, starts_table
from .source import Sources
from .state_input import read_allocations, read_down

if TYPE_CHECKING:
    from ...solver.explain import Explanation, Start
    from ...solver.pool import Pool

DOES_NOT_FIT = 1
_ORDERS = ("fifo", "easy")
_NAME = 52


def explain(
    machine: options.MachineArgument,
    jobs: Annotated[
        list[str],
        typer.Argument(
            metavar="JOB",
            show_default=False,
            help="Requests: shapes and jobspec files, as `exactfit place` takes them.",
        ),
    ],
    requires: options.RequiresOption = None,
    allocated: options.AllocatedOption = None,
    down: options.DownOption = None,
    when: Annotated[
        bool,
        typer.Option(
            "--when",
            help="Say when the jobs start, as a queue in this order, if those that run end when their R expires.",
        ),
    ] = False,
    order: Annotated[
        str,
        typer.Option(
            "--order",
            metavar="fifo|easy",
            help="With --when: strictly in order, or with EASY backfill behind the first.",
        ),
    ] = "fifo",
    now: Annotated[
        float | None,
        typer.Option("--now", metavar="SECONDS", show_default=False, help="The time, in seconds since the epoch."),
    ] = None,
    policy: options.PolicyOption = "pack",
    time_limit: options.TimeLimitOption = 10.0,
    slot_exclusive: options.SlotExclusiveOption = "shared",
    unknown_types: options.UnknownTypesOption = "refuse",
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print one JSON object a job and line: {"job", "status", "sentences", "conflict", "complete", '
            '"vertices", "changes", "start"}; status is fits, insufficient (not now) or infeasible (never).',
        ),
    ] = False,
    draw: options.DrawOption = None,
    drawing: options.DrawingOption = False,
) -> int:
    """Say why a job does not fit: what lacks, in the words of the job, and what would make it fit.

    Prints the smallest set of things that are in conflict, the numbers of each vertex of the job, and up to five
    changes that make it fit, each of them tried. Every job is looked at by itself; with --when they are a queue. Exit
    status 1 when a job does not fit now.

    For example:

      exactfit explain R.json 'slot=12/socket/core=20' --allocated running.json --down 7

      exactfit explain R.json first.yaml second.yaml --allocated running.json --when --order easy
    """
    if order not in _ORDERS:
        raise InputError(f"--order: expected fifo or easy, got {order!r}")
    sources = Sources()
    named = read_machine(machine, sources)
    before = read_allocations(allocated or [], sources)
    wanted = read_jobs(jobs, requires or [], sources)
    nodes_down = read_down(down, named.machine) if down is not None else 0
    if draw is not None:
        check_target(draw)
    pool = make_pool(named.machine, Settings(policy, time_limit, slot_exclusive, unknown_types))
    first = len(wanted) + 1
    occupy(pool, before, nodes_down, first_id=first)
    names = {jobid: printable(name) for jobid, (name, _) in enumerate(before, start=first)}

    moment = time.time() if now is None else now
    found = [(job, _explain(pool, job, names.__getitem__)) for job in wanted]
    starts = _starts(pool, wanted, moment, order) if when else {}
    if as_json:
        for job, explanation in found:
            start = starts.get(job.number)
            fields = {"job": job.number, **explanation.to_json(names.__getitem__)}
            print(json.dumps({**fields, "start": start.time if start else None}))
    else:
        _report(found, starts, moment)
    conflicts = [(job, explanation) for job, explanation in found if explanation.conflict is not None]
    if (draw is not None or (drawing and not as_json)) and found:
        scene = _scene(named, dict(enumerate(before, start=first)), nodes_down, *(conflicts or found)[0])
        if drawing and not as_json:
            console = make_console()
            for line in draw_terminal(scene, console.width):
                console.print(line, soft_wrap=True)
        if draw is not None:
            write_picture(scene, draw)
    return DOES_NOT_FIT if conflicts else 0


def _explain(pool: Pool, job: Job, job_name: Callable[[int], str]) -> Explanation:
    from ...solver.cpsat.lexicographic import CutOff
    from ...solver.demand.request import Request
    from ...solver.explain import explain as explain_request

    try:
        return explain_request(pool, Request.from_jobspec(job.jobspec), job_name=job_name)
    except CutOff:
        raise InputError(f"{job.name}: the time limit was too short to find out whether it fits") from None


def _starts(pool: Pool, jobs: Sequence[Job], now: float, order: str) -> dict[int, Start]:
    from ...solver.demand.request import Request
    from ...solver.explain import forecast

    queue = [(job.number, Request.from_jobspec(job.jobspec)) for job in jobs]
    return {start.jobid: start for start in forecast(pool, queue, now, order)}


def _report(found: Sequence[tuple[Job, Explanation]], starts: Mapping[int, Start], now: float) -> None:
    console = make_console()
    for job, explanation in found:
        console.print(headline(job, explanation.status), style="bold", soft_wrap=True)
        for sentence in explanation.sentences:
            console.print(f"  {printable(sentence)}", soft_wrap=True)
        if explanation.rows:
            console.print(numbers_table(explanation.rows))
        if explanation.conflict is not None:
            console.print(f"in conflict: {printable(conflict_line(explanation))}", soft_wrap=True)
            if explanation.advice:
                console.print("what would make it fit:")
            for number, advice in enumerate(explanation.advice, start=1):
                console.print(f"  {number}. {printable(advice)}", soft_wrap=True)
        console.print()
    if starts:
        console.print(starts_table([job for job, _ in found], starts, now))


def _scene(
    named: NamedMachine,
    before: Mapping[int, tuple[str, Mapping[str, Any]]],
    down: int,
    job: Job,
    explanation: Explanation,
) -> Scene:
    """Return the machine with the jobs in conflict, and a note on the nodes that do not match."""
    machine: Machine = named.machine
    conflict = explanation.conflict
    guilty = {jobid: number for number, jobid in enumerate(conflict.jobs if conflict else (), start=1)}
    held: list[Holding] = []
    tenants = []
    for jobid, (name, R) in before.items():
        number = guilty.get(jobid, HELD_BEFORE)
        held += holdings(machine, number, R)
        if number != HELD_BEFORE:
            tenants.append(Tenant(number, f"in conflict: {clip(printable(name), _NAME)}"))
    notes = []
    if conflict is not None and conflict.terms:
        matching = explanation.bench.eligible(explanation.bench.present)
        notes.append((machine.all & ~matching, "does not match the constraint"))
    if conflict is not None and conflict.down:
        notes.append((conflict.down, "in conflict"))
    title = f"{printable(named.name)}: {clip(printable(job.name), _NAME)}"
    return make_scene(title, machine, held, down, tenants, [note for note in notes if note[0]])
