"""`exactfit check`: is a placement legal, and what is it worth, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ...grammar.errors import printable
from ..fitted_table import Column, FittedTable
from ..worth import first_better, value_of
from . import completions, options
from .bundles import flat
from .case import Case
from .console import make_console
from .errors import InputError
from .job_input import Job
from .json_output import json_line
from .outcome import INFEASIBLE, INSUFFICIENT
from .second_opinion import ProveOptions, proof_fields, second_opinion, show_proof
from .source import source_name
from .state_input import check_hosts, read_allocations
from .status import DONE, NO
from .tables import value_text

_FUTURE = "future"

if TYPE_CHECKING:
    from ...solver.checker import Verdict
    from ...solver.policy.terms import Policy
    from ...solver.pool import Pool


@flat
def check(
    case: options.CaseOptions,
    job: Annotated[
        str,
        typer.Argument(
            metavar="JOB",
            autocompletion=completions.jobs,
            show_default=False,
            help="The request: a shape, or a jobspec file.",
        ),
    ],
    placed: Annotated[
        str,
        typer.Argument(
            metavar="R",
            autocompletion=completions.files,
            show_default=False,
            help="The placement to judge: a file of its R (RFC 20) or a line of place --json; - for standard input.",
        ),
    ],
    proven: ProveOptions,
    compare: Annotated[
        bool, typer.Option("--compare", help="Place the job as well, and say how far the placement is from the best.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print one JSON object, {"legal", "violations", "terms", "counts", "notes", "best", "proof"}; best is '
            "null without --compare, or {status, terms, better}, better being the first term in which it wins, or "
            "null; proof is null without --prove.",
        ),
    ] = False,
) -> int:
    """Judge a placement from anywhere: whether it is legal, and the value of every term.

    The checker shares no code with the solver. An R that does not say which slot got what (only exactfit's own do) is
    split into slots as well as that can be done. --prove asks another solver, by another formulation, whether anything
    is better. Exit status 1 when the placement is illegal, whatever it is worth.

    For example:

      exactfit check R.json job.yaml from-flux.json --allocated running.json --compare
    """
    _refuse_idle(case, compare or proven.prove)
    seconds = proven.seconds()
    read = Case.read(case, [job])
    R = _one_answer(read, placed)
    # The pool refuses wrong options and impossible allocations, also where it is not asked to place anything.
    pool = read.pool()
    verdict = _judged(read, R, pool)
    best = _best(pool, read.jobs[0], verdict.terms) if compare else None
    proof = second_opinion(read, verdict, seconds, proven.solver) if proven.prove else None
    if as_json:
        print(json_line("check", {**_fields(verdict, best), "proof": proof_fields(proof)}))
    else:
        _report(verdict.legal, [*verdict.violations, *verdict.notes], verdict.terms, best)
        if proof is not None:
            show_proof(make_console(), proof, verdict.terms, proven.solver)
    return DONE if verdict.legal else NO


def _refuse_idle(case: options.CaseOptions, compare: bool) -> None:
    """Refuse what is said of a search where there is none."""
    for name, value in (("--policy", case.policy), ("--time-limit", case.time_limit)):
        if value is not None and not compare:
            raise InputError(
                f"{name} goes with --compare or --prove: a placement is judged without a search, in all terms"
            )


def _one_answer(read: Case, placed: str) -> Mapping[str, Any]:
    answers = read_allocations([placed], read.sources)
    if not answers:
        raise InputError(f"{source_name(placed)}: is empty")
    if len(read.jobs) != 1 or len(answers) != 1:
        raise InputError(f"one job and one placement are judged at a time, not {len(read.jobs)} and {len(answers)}")
    name, R = answers[0]
    check_hosts(name, R, read.machine)
    return R


def _policy(pool: Pool, job: Job) -> Policy:
    """Return the job's own policy, or the pool's with what it has seen so far."""
    from ...solver.demand.request import Request

    return Request.from_jobspec(job.jobspec).policy or pool.options.policy


def _judged(read: Case, R: Mapping[str, Any], pool: Pool) -> Verdict:
    from ...solver.checker import check as judge

    jobspec = read.jobs[0].jobspec
    return judge(
        read.machine,
        jobspec.vertices,
        R,
        constraint=jobspec.constraint,
        running=[held for _, held in read.before],
        down=read.down,
        slot_exclusive=read.options.slot_exclusive,
        unknown_types=read.options.unknown_types,
        usual=_policy(pool, read.jobs[0]).usual.text,
    )


def _fields(verdict: Verdict, best: _Best | None) -> dict[str, Any]:
    return {
        "legal": verdict.legal,
        "violations": list(verdict.violations),
        "terms": dict(verdict.terms),
        "counts": dict(verdict.counts),
        "notes": list(verdict.notes),
        "best": None if best is None else {"status": best.status, "terms": best.terms, "better": best.better},
    }


@dataclass(frozen=True, slots=True)
class _Best:
    """The best placement, for comparison.

    Attributes
    ----------
    status
        Of its certificate; or insufficient or infeasible, when there is none.
    terms
        Value of each term of the policy, first compared first.
    better
        The first term in which it beats the placement judged, None when it does in none.
    room
        What both take from the room for the jobs to come, in words; empty where the policy does not count that.
    """

    status: str
    terms: Mapping[str, Any]
    better: str | None
    room: str = ""


def _best(pool: Pool, job: Job, terms: Mapping[str, Any]) -> _Best:
    from ...solver.demand.request import Request
    from ...solver.errors import InfeasibleRequest, InsufficientResources

    policy = _policy(pool, job)
    try:
        certificate = pool.alloc(1, Request.from_jobspec(job.jobspec)).certificate
    except InfeasibleRequest:
        return _Best(INFEASIBLE, {}, None)
    except InsufficientResources:
        return _Best(INSUFFICIENT, {}, None)
    best = certificate["terms"]
    room = _room(policy, terms, best) if _FUTURE in best and _FUTURE in terms else ""
    return _Best(certificate["status"], best, first_better(best, terms), room)


def _report(legal: bool, remarks: Sequence[str], terms: Mapping[str, Any], best: _Best | None) -> None:
    console = make_console()
    console.print("legal" if legal else "illegal", style="bold green" if legal else "bold red")
    for remark in remarks:
        console.print(f"  {printable(remark)}", soft_wrap=True)
    if terms:
        console.print(_terms_table(terms, best))
    if best is not None:
        console.print(_comparison(best, bool(terms)), soft_wrap=True)
        if best.room:
            console.print(best.room, soft_wrap=True)


def _room(policy: Policy, terms: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """Return what the placement, and the best one, take from the room for the jobs to come."""
    mine, other = (policy.room_in_words(some[_FUTURE]) for some in (terms, best))
    return f"{_FUTURE}: it takes away {mine}, the best found {other} ({policy.usual_in_words})"


def _terms_table(terms: Mapping[str, Any], best: _Best | None) -> FittedTable:
    term, value = Column("term", lead=True), Column("value", right=True, least=12)
    if best is None or not best.terms:
        return FittedTable((term, value), [(Text(name), Text(value_text(found))) for name, found in terms.items()])
    rows = [
        (Text(name), Text(value_text(value_of(terms, name))), Text(value_text(found)))
        for name, found in best.terms.items()
    ]
    return FittedTable((term, value, Column("best", right=True, least=12)), rows)


def _comparison(best: _Best, known: bool) -> str:
    if not best.terms:
        return f"exactfit itself does not place this job: {best.status}"
    if not known:
        return "no comparison: the placement has no value"
    if best.better is None:
        return f"as good as the best found ({best.status})"
    return f"worse than the best found ({best.status}), first in {best.better}"
