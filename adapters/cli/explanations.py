"""What becomes of an explanation: how it is found, and printed for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...grammar.errors import printable
from .columns import only
from .console import make_console
from .errors import InputError
from .job_input import Job
from .json_output import json_line
from .report import VERDICTS, conflict_line, headline, numbers_table, starts_table, unknown_starts

if TYPE_CHECKING:
    from ...solver.explain import Explanation, Start
    from ...solver.pool import Pool


def print_json(
    found: Sequence[tuple[Job, Explanation]],
    starts: Mapping[int, Start],
    names: Mapping[int, str],
    waits: Mapping[int, Sequence[str]] | None = None,
    victims: Mapping[int, object] | None = None,
) -> None:
    """Print a line of JSON for each job.

    Parameters
    ----------
    found
        The jobs with why they do not fit.
    starts
        When they start, by number, where it is known.
    names
        What the jobs that run are called, by their ids.
    waits
        Why those of a queue wait, by number.
    victims
        Which running jobs would have to give way, by number.
    """
    for job, explanation in found:
        start = starts.get(job.number)
        fields = {"job": job.number, **explanation.to_json(names.__getitem__)}
        told: dict[str, object] = {"waits": list(waits[job.number])} if waits is not None else {}
        if victims is not None:
            told["preempt"] = victims[job.number]
        print(json_line("explain", {**fields, "start": start.time if start else None, **told}))


def explained(pool: Pool, job: Job, job_name: Callable[[int], str]) -> Explanation:
    """Return why a job does not fit.

    Raises
    ------
    InputError
        When the time limit was too short to find out.
    """
    from ...solver.cpsat.budget import CutOff
    from ...solver.demand.request import Request
    from ...solver.explain import explain as explain_request

    try:
        return explain_request(pool, Request.from_jobspec(job.jobspec), job_name=job_name)
    except CutOff:
        raise InputError(f"{job.name}: the time limit was too short to find out whether it fits") from None


def report(
    found: Sequence[tuple[Job, Explanation]],
    starts: Mapping[int, Start],
    now: float,
    columns: Sequence[str],
    waits: Mapping[int, Sequence[str]] | None = None,
) -> None:
    """Print for people what `print_json` prints for programs; `columns` are those of the table of numbers."""
    console = make_console()
    for job, explanation in found:
        for number, line in enumerate((waits or {}).get(job.number, ())):
            console.print(
                f"  {line}" if number else line, style=None if number else "bold", soft_wrap=True, markup=False
            )
        verdict = headline(job, explanation.status) if waits is None else f"it {VERDICTS[explanation.status]}"
        console.print(verdict, style="bold", soft_wrap=True)
        for sentence in explanation.sentences:
            console.print(f"  {printable(sentence)}", soft_wrap=True)
        if explanation.rows:
            console.print(only(numbers_table(explanation.rows), columns))
        if explanation.conflict is not None:
            console.print(f"in conflict: {printable(conflict_line(explanation))}", soft_wrap=True)
            if explanation.advice:
                console.print("what would make it fit:")
            for number, advice in enumerate(explanation.advice, start=1):
                console.print(f"  {number}. {printable(advice)}", soft_wrap=True)
        console.print()
    if starts:
        console.print(starts_table([job for job, _ in found], starts, now))
        for line in unknown_starts(starts):
            console.print(line, soft_wrap=True)
