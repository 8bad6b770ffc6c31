"""`exactfit explain --preempt`: which running jobs would have to end or move so that a job starts now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from ...grammar.duration import parse_duration
from ...grammar.errors import printable
from ..fitted_table import Column, FittedTable
from ..snapshot.model import Snapshot
from . import completions
from .case import Case
from .console import clip, counted, make_console
from .errors import InputError
from .job_input import Job
from .joint import TOGETHER
from .losses import HOUR, node_time, nodes, read_costs, whole
from .report import span
from .source import is_there

if TYPE_CHECKING:
    from ...solver.joint import Candidate, GivingWay
    from ...solver.pool import Pool

_RANKS: Final = ("tier", "priority", "none")
_UNSEEN: Final = "unseen"
_NAME: Final = 40
_ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class PreemptOptions:
    """Whether it is said who would have to give way, and who may."""

    preempt: Annotated[
        bool,
        typer.Option(
            "--preempt",
            help="Say which running jobs would have to end so that the job starts now: of the highest rank the least "
            "that is lost, then of the next one, proven.",
        ),
    ] = False
    exempt: Annotated[
        list[str] | None,
        typer.Option(
            "--exempt",
            metavar="NAME",
            show_default=False,
            help="With --preempt: a queue, a user or a job, by its id or name, that does not give way. May be given "
            "again.",
        ),
    ] = None
    cost: Annotated[
        str | None,
        typer.Option(
            "--cost",
            metavar="time|jobs|FILE",
            autocompletion=completions.files,
            show_default="time",
            help="With --preempt: what is lost of a job that ends: its nodes times how long it ran; every job alike; "
            "or a number for each in a file of JSON, {JOB: NUMBER}; jobs that it leaves out do not give way.",
        ),
    ] = None
    rank: Annotated[
        str | None,
        typer.Option(
            "--rank",
            metavar="tier|priority|none",
            autocompletion=completions.words(*_RANKS),
            show_default="tier in Slurm, priority in Flux",
            help="With --preempt: by what jobs rank: the tier of their queue, their own priority, or all alike.",
        ),
    ] = None
    move: Annotated[
        str | None,
        typer.Option(
            "--move",
            metavar="TIME",
            show_default=False,
            help="With --preempt: jobs may move to other nodes as well, where what is lost is so much of their time.",
        ),
    ] = None

    def check(self) -> None:
        """Refuse what goes with --preempt only, and what is no rank and no time.

        Raises
        ------
        InputError
            For each of these.
        """
        given = {"--exempt": self.exempt, "--cost": self.cost, "--rank": self.rank, "--move": self.move}
        name = next((name for name, value in given.items() if value is not None), "")
        if name and not self.preempt:
            raise InputError(f"{name} goes with --preempt")
        if self.rank is not None and self.rank not in _RANKS:
            raise InputError(f"--rank: expected tier, priority or none, got {self.rank!r}")
        if self.cost not in (None, "time", "jobs") and not is_there(str(self.cost)):
            raise InputError(
                f"--cost: expected time, jobs or a file of JSON; there is no file {printable(str(self.cost))}"
            )
        if self.move is not None:
            self.move_seconds()

    def move_seconds(self) -> float:
        """Return how long a job that moves loses. InputError for what is no time above 0."""
        try:
            seconds = parse_duration(str(self.move))
        except ValueError as fault:
            raise InputError(f"--move: {fault}") from None
        if not 0 < seconds < 2.0**31:
            raise InputError(f"--move: expected a time above 0, got {self.move!r}")
        return seconds


@dataclass(frozen=True, slots=True)
class _Running:
    """A job that runs, as far as it matters who it is."""

    name: str
    id: str
    title: str = ""
    user: str = ""
    queue: str = ""
    rank: int = 0
    start: float = 0.0

    @property
    def names(self) -> set[str]:
        """What it goes by: its id, its name, its user, its queues."""
        return {self.id, self.name, self.title, self.user, *self.queue.split(",")} - {""}


class Preempting:
    """Says of jobs who would have to give way.

    Parameters
    ----------
    read
        The machine with the jobs that run.
    given
        Who may give way.
    now
        Seconds since the epoch.

    Raises
    ------
    InputError
        For a cost that cannot be read, and an exempt name that nobody has.
    """

    def __init__(self, read: Case, given: PreemptOptions, now: float) -> None:
        self._read = read
        self._given = given
        self._now = now
        self._by = ""
        self._found: list[tuple[Job, Pool, GivingWay | None]] = []
        self.running = dict(zip(read.running, self._all(read.named.snapshot), strict=True))
        self._costs = read_costs(given.cost, read.sources)
        exempt = set(given.exempt or ())
        known = {name for one in self.running.values() for name in one.names}
        if read.named.snapshot is not None:
            known |= {queue.name for queue in read.named.snapshot.queues}
        for name in sorted(exempt - known):
            raise InputError(f"--exempt: no queue, user or running job is called {printable(name)}")
        self._exempt = exempt

    def _all(self, snapshot: Snapshot | None) -> Iterator[_Running]:
        before = self._read.before
        known = snapshot.running if snapshot is not None else ()
        tiers = {queue.name: queue.tier for queue in snapshot.queues} if snapshot is not None else {}
        self._by = self._given.rank or (
            "none" if snapshot is None else "tier" if snapshot.system == "slurm" else "priority"
        )
        for job, (name, _) in zip(known, before, strict=False):
            tier = max((tiers.get(queue, 0) for queue in job.queue.split(",")), default=0)
            rank = {"tier": tier, "priority": int(job.priority), "none": 0}[self._by]
            yield _Running(printable(name), job.id, job.name, job.user, job.queue, rank, job.start)
        for name, R in before[len(known) :]:
            execution = R.get("execution")
            start = execution.get("starttime", 0.0) if isinstance(execution, Mapping) else 0.0
            usable = isinstance(start, int | float) and 0 < start < self._now
            yield _Running(printable(name), name, start=float(start) if usable else 0.0)

    def add(self, job: Job, pool: Pool) -> None:
        """Find out who has to give way to a job in a pool.

        Raises
        ------
        InputError
            For a job of a form that is not looked at with moves, and where the time limit was too short.
        """
        from ...solver.cpsat.budget import CutOff
        from ...solver.demand.request import Request
        from ...solver.errors import InfeasibleRequest
        from ...solver.joint import NotJointError, plan_preemption

        seconds = TOGETHER * self._read.options.time_limit
        try:
            plan = plan_preemption(pool, Request.from_jobspec(job.jobspec), list(self._candidates(pool)), seconds)
        except InfeasibleRequest:
            plan = None
        except NotJointError as fault:
            raise InputError(f"--move: {fault}") from None
        except CutOff:
            raise InputError("--preempt: the time limit was too short to find out who has to give way") from None
        self._found.append((job, pool, plan))

    def _candidates(self, pool: Pool) -> Iterator[Candidate]:
        from ...solver.joint import Candidate

        for jobid, one in self.running.items():
            if one.id == _UNSEEN or one.names & self._exempt:
                continue
            number = nodes(pool, jobid)
            ran = max(self._now - one.start, 1.0) if one.start > 0 else HOUR
            lost = ran * number if self._costs is None else 1 if not self._costs else self._costs.get(one.id, 0)
            moves = whole(self._given.move_seconds() * number) if self._given.move is not None else None
            if lost or moves is not None:
                yield Candidate(jobid, one.rank, whole(lost) if lost else None, moves)

    # -- what is said of it ---------------------------------------------------------------------------------------

    def fields(self) -> dict[int, dict[str, Any] | None]:
        """Return the plans as JSON, by the numbers of the jobs; None where nobody's giving way helps."""
        return {job.number: None if plan is None else self._fields(plan) for job, _, plan in self._found}

    def _fields(self, plan: GivingWay) -> dict[str, Any]:
        ids = self._read.machine.ids_of
        return {
            "status": plan.status.name,
            "terms": dict(plan.terms),
            "bounds": dict(plan.bounds),
            "end": [self.running[job].id for job in plan.ended],
            "move": [
                {"job": self.running[move.job].id, "from": str(ids(move.old)), "to": str(ids(move.new))}
                for move in plan.moves
            ],
            "together": plan.together,
            "ranks": str(ids(plan.nodes)),
        }

    def show(self) -> None:
        """Print the plans for people."""
        console = make_console()
        for job, pool, plan in self._found:
            for line in self._head(job.name, plan):
                console.print(line, soft_wrap=True, markup=False)
            if plan is not None and (plan.ended or plan.moves):
                self._show(console, pool, plan)
            console.print()

    def _show(self, console: Console, pool: Pool, plan: GivingWay) -> None:
        if plan.ended:
            console.print(self._table(pool, plan))
        if len(plan.ended) > _ROWS:
            console.print(f"and {len(plan.ended) - _ROWS} more (--json has all of them)", soft_wrap=True)
        ids = self._read.machine.ids_of
        for number, move in enumerate(plan.moves, start=1):
            who = clip(self.running[move.job].name, _NAME)
            line = f"  {number}. {who} moves from {_ranks(ids(move.old))} to {_ranks(ids(move.new))}"
            console.print(line, soft_wrap=True, markup=False)
        if plan.together:
            console.print(f"the last {plan.together} of them stop before the first of these starts again")
        where = f"it then starts on {_ranks(ids(plan.nodes))}" if plan.nodes else "it then fits"
        console.print(where, soft_wrap=True)

    def _head(self, name: str, plan: GivingWay | None) -> Iterator[str]:
        who = clip(printable(name), _NAME)
        if plan is None:
            yield f"{who}: it does not start now whoever gives way"
            return
        if not (plan.ended or plan.moves):
            yield f"{who}: nobody has to give way, it fits"
            return
        ends = counted(len(plan.ended), "job ends", "jobs end") if plan.ended else ""
        moves = counted(len(plan.moves), "job moves", "jobs move") if plan.moves else ""
        proven = (
            "nothing less will do" if plan.status.name == "OPTIMAL" else "perhaps less will do, the search was cut off"
        )
        yield f"{who} starts now if {' and '.join(filter(None, (ends, moves)))} ({proven})"
        yield "lost: " + "; ".join(self._lost(plan))

    def _lost(self, plan: GivingWay) -> Iterator[str]:
        several = len(plan.terms) > 2
        for term, lost in plan.terms.items():
            kind, _, rank = term.partition(".")
            if kind == "lost" and lost:
                amount = node_time(lost) if self._costs is None else f"{lost}"
                yield amount + (f" of {self._by} {rank}" if several else "")

    def _table(self, pool: Pool, plan: GivingWay) -> FittedTable:
        columns = (
            Column("ends", least=12, lead=True),
            Column("queue"),
            Column(self._by if self._by != "none" else "rank", right=True),
            Column("nodes", right=True),
            Column("ran", right=True),
        )
        rows = []
        for job in plan.ended[:_ROWS]:
            one = self.running[job]
            ran = span(self._now - one.start) if 0 < one.start < self._now else "?"
            cells = (clip(one.name, _NAME), printable(one.queue) or "-", str(one.rank))
            count = str(pool.jobs[job].nodes.bit_count())
            rows.append(tuple(map(Text, (*cells, count, ran))))
        return FittedTable(columns, rows)


def _ranks(ids: object) -> str:
    text = clip(str(ids), _NAME)
    return f"rank {text}" if text.isdecimal() else f"ranks {text}"
