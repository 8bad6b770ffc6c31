"""`exactfit place`: jobs on a machine, one after the other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from .joint import decide_jointly, read_priorities, with_moves
from .machine_input import read_machine
from .outcome import INFEASIBLE, INSUFFICIENT, PLACED, Outcome
from .output import Output
from .pictures import check_target, write_picture
from .pools import Settings, make_pool, occupy
from .source import Sources
from .state_input import read_allocations, read_down
from .tables import certificate_table, outcome_table, reasons

if TYPE_CHECKING:
    from ...solver.pool import Pool

NOT_PLACED = 1
_LEGEND_NAME = 52


def place(
    machine: options.MachineArgument,
    jobs: Annotated[
        list[str],
        typer.Argument(
            metavar="JOB",
            show_default=False,
            help="RFC 46 shapes ('slot=4/[core=8;gpu=1]') and RFC 14 jobspec files (YAML or JSON; several documents "
            "are several jobs; - is standard input). Placed in this order.",
        ),
    ],
    requires: options.RequiresOption = None,
    allocated: options.AllocatedOption = None,
    down: options.DownOption = None,
    policy: options.PolicyOption = "pack",
    time_limit: options.TimeLimitOption = 10.0,
    slot_exclusive: options.SlotExclusiveOption = "shared",
    unknown_types: options.UnknownTypesOption = "refuse",
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            show_default=False,
            help="Write the R of each job placed: into a folder (PATH is one, or ends in /) as job-1.json, "
            "job-2.json, ...; where PATH has {job}, into files with the job's number there; for one job into the file "
            "PATH; - writes one R a line to standard output, and all else to standard error.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print one JSON object a job and line, {"job", "status", "R", "reason", "seconds"}, and nothing else; '
            "job is its number from 1, status placed, insufficient (not now) or infeasible (never). With --joint also "
            '"batch": {"weight", "bound", "together"}: what is placed of the whole batch, the most that can be, and '
            "whether the job is one of those placed by one model.",
        ),
    ] = False,
    certificate: Annotated[
        bool, typer.Option("--certificate", help="Print the value and the proven bound of every term, for each job.")
    ] = False,
    joint: Annotated[
        bool,
        typer.Option(
            "--joint",
            help="Place the jobs together: as many as fit, then as local as can be. Jobs that no joint model takes are "
            "placed one by one beside them.",
        ),
    ] = False,
    priority: Annotated[
        str | None,
        typer.Option(
            "--priority",
            metavar="N,N,...",
            show_default=False,
            help="With --joint: what each job is worth, in their order; the sum of those placed is to be the most. All "
            "are worth the same where it is not given.",
        ),
    ] = None,
    moves: Annotated[
        int,
        typer.Option(
            "--moves",
            metavar="N",
            min=0,
            help="For a job that does not fit now, look for the fewest jobs, at most N, to migrate so that it does.",
        ),
    ] = 0,
    draw: options.DrawOption = None,
    drawing: options.DrawingOption = True,
) -> int:
    """Place jobs on a machine one after the other, each optimally given those before it, with a proof.

    Prints a table: the nodes and slots of each job, how many borders between sockets, numa domains and so on its slots
    cross, whether the placement is proven optimal (OPTIMAL) or was cut off by the time limit (FEASIBLE), and the time.
    A job that cannot be placed is passed over, with its reason, and the exit status is 1.

    For example:

      exactfit place rfc49-a 'slot=1/node=1/[core=8;gpu=1]' job.yaml --draw placed.svg

      exactfit place R.json 'node=4/slot=2/core=8' --allocated running.json --down 7 -o job.json
    """
    sources = Sources()
    named = read_machine(machine, sources)
    before = read_allocations(allocated or [], sources)
    wanted = read_jobs(jobs, requires or [], sources)
    if priority is not None and not joint:
        raise InputError("--priority goes with --joint: one by one, jobs are placed in the order given")
    priorities = read_priorities(priority, wanted)
    nodes_down = read_down(down, named.machine) if down is not None else 0
    target = Output.for_jobs(output, len(wanted)) if output else None
    if as_json and target is not None and target.is_stdout:
        raise InputError("--json and -o - both want standard output")
    if draw is not None:
        check_target(draw)
    pool = make_pool(named.machine, Settings(policy, time_limit, slot_exclusive, unknown_types))
    occupy(pool, before, nodes_down, first_id=len(wanted) + 1)

    outcomes: list[Outcome] = []
    summary: list[str] = []
    decided: Iterable[Outcome] = _decide(pool, wanted)
    if joint:
        decided, summary = decide_jointly(pool, wanted, priorities, time_limit)
    if moves:
        names = {len(wanted) + number: f"{name} of --allocated" for number, (name, _) in enumerate(before, start=1)}
        decided = with_moves(pool, list(decided), moves, time_limit, names)
    for outcome in decided:
        outcomes.append(outcome)
        if as_json:
            print(outcome.json_line(), flush=True)
        if target is not None and outcome.R is not None:
            target.write(outcome.job.number, json.dumps(outcome.R))
    scene = _scene(printable(named.name), named.machine, [R for _, R in before], nodes_down, outcomes)
    if not as_json:
        _report(outcomes, named.machine, scene if drawing else None, certificate, bool(target and target.is_stdout))
        for line in summary:
            make_console(stderr=bool(target and target.is_stdout)).print(line, soft_wrap=True, markup=False)
    if draw is not None:
        write_picture(scene, draw)
    return 0 if all(outcome.status == PLACED for outcome in outcomes) else NOT_PLACED


def _decide(pool: Pool, jobs: Sequence[Job]) -> Iterator[Outcome]:
    from ...solver.cpsat.lexicographic import load_solver
    from ...solver.demand.request import Request
    from ...solver.errors import InfeasibleRequest, InsufficientResources

    load_solver()  # before the clock starts: the time shown is the decision's
    for job in jobs:
        request = Request.from_jobspec(job.jobspec)
        start = time.perf_counter()
        try:
            allocation = pool.alloc(job.number, request)
        except InfeasibleRequest as error:
            yield Outcome(job, INFEASIBLE, None, str(error), time.perf_counter() - start)
        except InsufficientResources as error:
            yield Outcome(job, INSUFFICIENT, None, str(error), time.perf_counter() - start)
        else:
            seconds = time.perf_counter() - start
            yield Outcome(job, PLACED, allocation.to_dict(), None, seconds)


def _scene(
    title: str, machine: Machine, before: Sequence[Mapping[str, Any]], down: int, outcomes: Sequence[Outcome]
) -> Scene:
    held: list[Holding] = [holding for R in before for holding in holdings(machine, HELD_BEFORE, R)]
    tenants = []
    for outcome in outcomes:
        number, name = outcome.job.number, clip(printable(outcome.job.name), _LEGEND_NAME)
        if outcome.R is None:
            tenants.append(Tenant(number, f"{name}: {outcome.status}"))
        else:
            held += holdings(machine, number, outcome.R)
            tenants.append(Tenant(number, f"{name}: {outcome.certificate['status']}"))
    return make_scene(title, machine, held, down, tenants)


def _report(
    outcomes: Sequence[Outcome], machine: Machine, scene: Scene | None, certificates: bool, to_stderr: bool
) -> None:
    console = make_console(stderr=to_stderr)
    console.print(outcome_table(outcomes, machine))
    for line in reasons(outcomes):
        console.print(line, soft_wrap=True)
    if certificates:
        for outcome in outcomes:
            if outcome.R is not None:
                console.print(f"certificate of job {outcome.job.number}: {outcome.certificate['status']}")
                console.print(certificate_table(outcome.certificate))
    if scene is not None:
        console.print()
        for text in draw_terminal(scene, console.width):
            console.print(text, soft_wrap=True)
