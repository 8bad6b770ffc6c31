"""Tables for people: what became of jobs, what a placement is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from ...grammar.errors import printable
from ...topology.machine import Machine
from ..drawing.palette import job_mark
from ..drawing.terminal import job_style
from ..slots import Crossed
from .console import clip
from .outcome import PLACED, Outcome

_NAME, _RANKS = 48, 20


def outcome_table(outcomes: Sequence[Outcome], machine: Machine) -> Table:
    """Return the table of `exactfit place`: job, nodes, slots, levels crossed, certificate, time."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("job", justify="right", no_wrap=True)
    table.add_column("request", no_wrap=True, overflow="ellipsis", max_width=_NAME)
    table.add_column("nodes", justify="right", no_wrap=True)
    table.add_column("ranks", no_wrap=True, overflow="ellipsis", max_width=_RANKS)
    table.add_column("slots", justify="right", no_wrap=True)
    table.add_column("crossed")
    table.add_column("certificate", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    for outcome in outcomes:
        row: list[str | Text] = [job_label(outcome.job.number), Text(printable(outcome.job.name))]
        if outcome.R is not None:
            ranks = outcome.ranks
            row += [str(len(ranks)), Text(str(ranks)), str(outcome.slots), crossed_text(outcome.crossed(machine))]
            row.append(str(outcome.certificate["status"]))
        else:
            row += ["-", "-", "-", "-", outcome.status]
        table.add_row(*row, seconds_text(outcome.seconds))
    return table


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


def certificate_table(certificate: Mapping[str, Any]) -> Table:
    """Return the terms of a certificate, first compared first, with the proven bound of each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("term")
    table.add_column("value", justify="right")
    table.add_column("proven bound", justify="right")
    bounds = certificate.get("bound", {})
    for term, value in certificate.get("terms", {}).items():
        table.add_row(term, value_text(value), value_text(bounds.get(term)))
    return table


def value_text(value: object) -> str:
    """Return the value of a term; sizes are the counts in the order of their vertices."""
    if value is None:
        return "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "fixed"
    return str(value)
