"""`exactfit place`: jobs on a machine, one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ...grammar.errors import printable
from .. import apart, givers
from ..drawing.groups import amounts_taken
from ..drawing.scene import HELD_BEFORE, Holding, Scene, Tenant, holdings, make_scene
from ..fitted_table import FittedTable
from . import completions, options
from .bundles import flat
from .case import Case
from .columns import only, read_columns
from .console import clip, make_console
from .errors import InputError
from .job_input import Job
from .joint import decide_jointly, read_priorities, with_moves
from .outcome import INFEASIBLE, INSUFFICIENT, PLACED, Outcome
from .output import Output
from .pictures import check_pictures, show_pictures
from .proofs import ProofOption, check_proof, write_proofs
from .status import DONE, NO
from .tables import OUTCOME_COLUMNS, certificate_table, outcome_table, reasons

if TYPE_CHECKING:
    from ...solver.pool import Pool

_LEGEND_NAME = 52


JobsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="JOB",
        autocompletion=completions.jobs,
        show_default=False,
        help="RFC 46 shapes ('slot=4/[core=8;gpu=1]') and RFC 14 jobspec files (YAML or JSON; several documents "
        "are several jobs; - is standard input). Placed in this order.",
    ),
]


@dataclass(frozen=True, slots=True)
class PlaceOutputs:
    """What is written and printed of the jobs placed."""

    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            autocompletion=completions.files,
            metavar="PATH",
            show_default=False,
            help="Write the R of each job placed: into a folder (PATH is one, or ends in /) as job-1.json, "
            "job-2.json, ...; where PATH has {job}, into files with the job's number there; for one job into the file "
            "PATH; - writes one R a line to standard output, and all else to standard error. What an earlier run left "
            "in these files is removed before.",
        ),
    ] = None
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print one JSON object a job and line, {"job", "status", "R", "reason", "seconds"}, and nothing else; '
            "job is its number from 1, status placed, insufficient (not now) or infeasible (never). With --joint also "
            '"batch": {"weight", "bound", "together"}: what is placed of the whole batch, the most that can be, and '
            "whether the job is one of those placed by one model.",
        ),
    ] = False
    certificate: Annotated[
        bool, typer.Option("--certificate", help="Print the value and the proven bound of every term, for each job.")
    ] = False
    proof: ProofOption = None
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="NAMES",
            autocompletion=completions.lists_of(",", *(column.name for column in OUTCOME_COLUMNS)),
            show_default=False,
            help="Columns of the table in this order, with commas between: "
            f"{', '.join(column.name for column in OUTCOME_COLUMNS)}. All of them by default.",
        ),
    ] = None

    def target(self, jobs: int) -> Output | None:
        """Return where the R of so many jobs goes, None for nowhere.

        Raises
        ------
        InputError
            When they do not go there.
        """
        target = Output.for_jobs(self.output, jobs) if self.output else None
        if self.as_json and target is not None and target.is_stdout:
            raise InputError("--json and -o - both want standard output")
        if self.as_json and self.certificate:
            raise InputError("--certificate and --json exclude each other: the R of --json has the certificate in it")
        return target


@dataclass(frozen=True, slots=True)
class Together:
    """How jobs are placed with regard to each other."""

    joint: Annotated[
        bool,
        typer.Option(
            "--joint",
            help="Place the jobs together: as many as fit, then as local as can be. Jobs that no joint model takes are "
            "placed one by one beside them.",
        ),
    ] = False
    priority: Annotated[
        str | None,
        typer.Option(
            "--priority",
            metavar="N,N,...",
            show_default=False,
            help="With --joint: what each job is worth, in their order; the sum of those placed is to be the most. All "
            "are worth the same where it is not given.",
        ),
    ] = None
    moves: Annotated[
        int,
        typer.Option(
            "--moves",
            metavar="N",
            min=0,
            help="For a job that does not fit now, look for the fewest jobs, at most N, to migrate so that it does.",
        ),
    ] = 0

    def check(self) -> None:
        """Refuse options that go with others only.

        Raises
        ------
        InputError
            For priorities without a batch.
        """
        if self.priority is not None and not self.joint:
            raise InputError("--priority goes with --joint: one by one, jobs are placed in the order given")


@flat
def place(
    case: options.CaseOptions,
    jobs: JobsArgument,
    outputs: PlaceOutputs,
    together: Together,
    pictures: options.PictureOptions,
) -> int:
    """Place jobs on a machine one after the other, each optimally given those before it, with a proof.

    Prints a table: the nodes and slots of each job, how many borders between racks, sockets, numa and so on its slots
    cross (those that slots of their size must cross apart), whether the placement is proven optimal (OPTIMAL) or was
    cut off by the time limit (FEASIBLE), and the time.
    A job that cannot be placed is passed over, with its reason, and the exit status is 1.

    For example:

      exactfit place rfc49-a 'slot=1/node=1/[core=8;gpu=1]' job.yaml --draw placed.svg

      exactfit place R.json 'node=4/slot=2/core=8' --allocated running.json --down 7 -o job.json
    """
    read = Case.read(case, jobs)
    together.check()
    priorities = read_priorities(together.priority, read.jobs)
    target = outputs.target(len(read.jobs))
    columns = read_columns(outputs.columns, OUTCOME_COLUMNS, as_json=outputs.as_json)
    check_pictures(pictures, as_json=outputs.as_json)
    check_proof(outputs.proof)
    pool = read.pool()
    if target is not None:
        target.clear(len(read.jobs), read.sources.files)
    decided, summary = _decided(pool, read, together, priorities)
    outcomes = []
    for outcome in decided:
        outcomes.append(outcome)
        if outputs.as_json:
            print(outcome.json_line(), flush=True)
        if target is not None and outcome.R is not None:
            target.write(outcome.job.number, json.dumps(outcome.R))
    if outputs.proof is not None:
        write_proofs(read, outcomes, outputs.proof)
    console = None if outputs.as_json else make_console(stderr=bool(target and target.is_stdout))
    if console is not None:
        _report(console, only(outcome_table(outcomes, read.machine), columns), outcomes, outputs.certificate)
    show_pictures(pictures, lambda: [_scene(read, outcomes)], console)
    if console is not None:
        for outcome in outcomes:
            summary += givers.sentences(read.machine, outcome.job.number, outcome.R or {})
            summary += apart.sentences(read.machine, outcome.job.number, outcome.R or {})
        for line in summary:
            console.print(line, soft_wrap=True, markup=False)
    return DONE if all(outcome.status == PLACED for outcome in outcomes) else NO


def _decided(
    pool: Pool, read: Case, together: Together, priorities: Sequence[int]
) -> tuple[Iterable[Outcome], list[str]]:
    """Return the outcomes, which may be decided one by one as they are asked for, and lines on the whole of them."""
    limit = read.options.time_limit
    summary: list[str] = []
    if together.joint:
        decided: Iterable[Outcome]
        decided, summary = decide_jointly(pool, read.jobs, priorities, limit)
    else:
        decided = _decide(pool, read.jobs)
    if together.moves:
        names = {jobid: f"{name} of --allocated" for jobid, (name, _) in read.running.items()}
        decided = with_moves(pool, list(decided), together.moves, limit, names)
    chosen = (replace(one, R=read.with_choice(one.R)) if one.R is not None else one for one in decided)
    return chosen, summary


def _decide(pool: Pool, jobs: Sequence[Job]) -> Iterator[Outcome]:
    from ...solver.cpsat.loading import clock
    from ...solver.demand.request import Request
    from ...solver.errors import InfeasibleRequest, InsufficientResources

    for job in jobs:
        request = Request.from_jobspec(job.jobspec)
        start = clock()
        try:
            allocation = pool.alloc(job.number, request)
        except InfeasibleRequest as error:
            yield Outcome(job, INFEASIBLE, None, str(error), clock() - start)
        except InsufficientResources as error:
            yield Outcome(job, INSUFFICIENT, None, str(error), clock() - start)
        else:
            seconds = clock() - start
            yield Outcome(job, PLACED, allocation.to_dict(), None, seconds)


def _scene(read: Case, outcomes: Sequence[Outcome]) -> Scene:
    machine = read.machine
    tenants = []
    for outcome in outcomes:
        number, name = outcome.job.number, clip(printable(outcome.job.name), _LEGEND_NAME)
        said = outcome.status if outcome.R is None else outcome.certificate["status"]
        tenants.append(Tenant(number, f"{name}: {said}"))
    running = [*(R for _, R in read.before), *(outcome.R for outcome in outcomes if outcome.R is not None)]
    used = amounts_taken(machine, running)
    return make_scene(printable(read.named.name), machine, _held(read, outcomes), read.down, tenants, used=used)


def _held(read: Case, outcomes: Sequence[Outcome]) -> Iterator[Holding]:
    for _, R in read.before:
        yield from holdings(read.machine, HELD_BEFORE, R)
    for outcome in outcomes:
        if outcome.R is not None:
            yield from holdings(read.machine, outcome.job.number, outcome.R, outcome.borders(read.machine))


def _report(console: Console, table: FittedTable, outcomes: Sequence[Outcome], certificates: bool) -> None:
    console.print(table)
    for line in reasons(outcomes):
        console.print(line, soft_wrap=True)
    if certificates:
        for outcome in outcomes:
            if outcome.R is not None:
                own = outcome.certificate.get("policy")
                under = f", under the job's own policy {printable(own)}" if own else ""
                console.print(f"certificate of job {outcome.job.number}: {outcome.certificate['status']}{under}")
                console.print(certificate_table(outcome.certificate))
