"""Tables for people: what became of jobs, what a placement is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from ...grammar.errors import printable
from ...topology.machine import Machine
from ..drawing.marks import job_style
from ..drawing.palette import job_mark
from ..fitted_table import Column, FittedTable
from ..slots import Crossed
from .console import clip
from .outcome import PLACED, Outcome

_NAME, _RANKS = 48, 20
_NONE = "-"


OUTCOME_COLUMNS = (
    Column("job", right=True, lead=True),
    Column("request", least=12, lead=True),
    Column("nodes", right=True, omit=_NONE),
    Column("ranks", least=6, omit=_NONE),
    Column("slots", right=True, omit=_NONE),
    Column("crossed", least=10, omit=_NONE),
    Column("certificate", "proof"),
    Column("time", right=True),
)
"""Those of the table of `exactfit place`."""


def outcome_table(outcomes: Sequence[Outcome], machine: Machine) -> FittedTable:
    """Return the table of `exactfit place`: job, nodes, slots, levels crossed, certificate, time."""
    rows = []
    for outcome in outcomes:
        row = [job_label(outcome.job.number), Text(clip(printable(outcome.job.name), _NAME))]
        if outcome.R is not None:
            ranks = outcome.ranks
            values = [str(len(ranks)), clip(str(ranks), _RANKS), str(outcome.slots)]
            values += [crossed_text(outcome.crossed(machine)), str(outcome.certificate["status"])]
        else:
            values = [_NONE, _NONE, _NONE, _NONE, outcome.status]
        rows.append([*row, *map(Text, (*values, seconds_text(outcome.seconds)))])
    return FittedTable(OUTCOME_COLUMNS, rows)


def job_label(number: int) -> Text:
    """Return a job's number, with the mark and colour that it has in the drawing."""
    mark = job_mark(number)
    label = Text("" if mark == str(number) else f"{number} ")
    return label.append(f" {mark} ", style=job_style(number))


def crossed_text(crossed: Crossed) -> str:
    """Return the borders crossed that need not be, in words, and beside them those that had to be."""
    if crossed.whole and not crossed.avoidable:
        return "whole"
    must, above = {}, 0
    for level, number in crossed.must.items():
        # A slot over two nodes is one over two of everything inside, which goes without saying.
        if number > above:
            must[level] = above = number
    beside = f" (must: {_by_level(must)})" if must else ""
    return f"{_by_level(crossed.avoidable) or 'none'}{beside}"


def _by_level(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{level} {number}" for level, number in numbers.items())


def seconds_text(seconds: float) -> str:
    """Return a time that is easy to read."""
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def reasons(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line for each job that was not placed."""
    return [
        f"job {outcome.job.number} ({clip(printable(outcome.job.name), _NAME)}) is {outcome.status}: "
        f"{printable(outcome.reason or '')}"
        for outcome in outcomes
        if outcome.status != PLACED
    ]


def certificate_table(certificate: Mapping[str, Any]) -> FittedTable:
    """Return the terms of a certificate, first compared first, with the proven bound of each."""
    bounds = certificate.get("bound", {})
    return FittedTable(
        (Column("term", lead=True), Column("value", right=True, least=12), Column("proven bound", "bound", True, 12)),
        [
            (Text(term), Text(value_text(value)), Text(value_text(bounds.get(term))))
            for term, value in certificate.get("terms", {}).items()
        ],
    )


def value_text(value: object) -> str:
    """Return the value of a term; sizes are the counts in the order of their vertices."""
    if value is None:
        return "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "fixed"
    return str(value)
