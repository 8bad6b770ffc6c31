"""What `exactfit explain` prints, part by part."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ...grammar.errors import printable
from ..fitted_table import Column, FittedTable
from .console import clip
from .job_input import Job
from .tables import job_label

if TYPE_CHECKING:
    from ...solver.explain import Explanation, Start
    from ...solver.explain.numbers import Row
    from ...solver.explain.relaxation import Part

_NAME = 60
VERDICTS: Final = {"fits": "fits now", "insufficient": "does not fit now", "infeasible": "can never run here"}
"""Of a job, by its status."""

_NUMBERS = ("asked", "exist", "match", "up", "free")
NUMBER_COLUMNS = (Column("vertex", least=12, lead=True), *(Column(name, right=True) for name in _NUMBERS))
"""Those of the table of `exactfit explain`."""


def headline(job: Job, status: str) -> str:
    """Return what became of a job."""
    return f"job {job.number} ({clip(printable(job.name), _NAME)}) {VERDICTS[status]}"


def numbers_table(rows: Sequence[Row]) -> FittedTable:
    """Return the numbers of each vertex."""
    cells = []
    for row in rows:
        name = printable(row.path)
        if row.within is not None:
            level, count = row.within
            name += f" (in the best {level})" if count == 1 else f" (in the best {count} of {level})"
        cells.append((Text(name), *(Text(_number(n, row.unit)) for n in (row.asked, *row.numbers))))
    return FittedTable(NUMBER_COLUMNS, cells)


def _number(number: float | None, unit: str) -> str:
    if number is None:
        return "?"
    text = f"{number:.2f}" if isinstance(number, float) else str(number)
    return f"{text} {unit}" if unit else text


def conflict_line(explanation: Explanation) -> str:
    """Return the smallest set of things that are in conflict, and with what else where one of them is not enough."""
    conflict = explanation.conflict
    if conflict is None:
        return ""
    if conflict.corrections is None:
        return f"{_parts_line(explanation, conflict.parts)} (not known which of these is enough)"
    pieces = [
        (parts, correction.together)
        for correction in conflict.corrections
        for parts in (_alike(correction.parts) if correction.together else [correction.parts])
    ]
    in_order = [*conflict.vertices, *conflict.terms, *conflict.parts]
    pieces.sort(key=lambda piece: min(in_order.index(part) for part in piece[0]))
    return "; ".join(_correction(explanation, parts, together) for parts, together in pieces)


def _alike(parts: Sequence[Part]) -> list[Sequence[Part]]:
    """Part what a job asks for from what holds something or is down."""
    from ...solver.explain.relaxation import TermPart, VertexPart

    asked = [part for part in parts if isinstance(part, VertexPart | TermPart)]
    return [some for some in (asked, [part for part in parts if part not in asked]) if some]


def _correction(explanation: Explanation, parts: Sequence[Part], together: Sequence[Part]) -> str:
    if not together:
        return _parts_line(explanation, parts)
    from ...solver.explain.relaxation import DownPart, JobPart

    if len(parts) == 1 and any(all(isinstance(p, kind) for p in (*parts, *together)) for kind in (JobPart, DownPart)):
        return f"{_parts_line(explanation, [*parts, *together])} (together)"
    each = "each only" if len(parts) > 1 else "only"
    return f"{_parts_line(explanation, parts)} ({each} with {_parts_line(explanation, together)})"


def _parts_line(explanation: Explanation, parts: Sequence[Part]) -> str:
    from ...solver.explain.conflict import down_of, jobs_of
    from ...solver.explain.relaxation import TermPart, VertexPart
    from ...solver.explain.words import listed, query

    aspects: dict[str, list[str]] = {}
    for part in parts:
        if isinstance(part, VertexPart):
            aspects.setdefault(part.path, []).append(part.aspect.value)
    texts = [f"{path} ({', '.join(names)})" for path, names in aspects.items()]
    texts += [f"the constraint {query(part.term)}" for part in parts if isinstance(part, TermPart)]
    down, jobs = down_of(parts), jobs_of(parts)
    if down:
        texts.append(f"down: {clip(str(explanation.trials.machine.ids_of(down)), _NAME)}")
    if jobs:
        texts.append(f"held by {listed([explanation.job_name(jobid) for jobid in jobs])}")
    return "; ".join(texts)


def starts_table(jobs: Iterable[Job], starts: Mapping[int, Start], now: float) -> FittedTable:
    """Return when the jobs of a queue start."""
    columns = (
        Column("job", right=True, lead=True),
        Column("request", least=12, lead=True),
        Column("start"),
        Column("in", right=True),
    )
    rows = []
    for job in jobs:
        start = starts[job.number]
        if start.time is None:
            when = ("never" if start.why_not else "not known", "-")
        else:
            clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(start.time))
            when = (clock, span(start.time - now))
        rows.append((job_label(job.number), Text(clip(printable(job.name), _NAME)), *map(Text, when)))
    return FittedTable(columns, rows)


def unknown_starts(starts: Mapping[int, Start]) -> list[str]:
    """Return for each reason for which starts are not known, of which jobs it is said and what would help."""
    jobs: dict[str, list[int]] = {}
    for start in starts.values():
        if start.unknown:
            jobs.setdefault(start.unknown, []).append(start.jobid)
    lines = []
    for reason, some in jobs.items():
        named = ", ".join(map(str, some))
        lines.append(f"{'jobs' if len(some) > 1 else 'job'} {named}: not known, as {reason}")
        if "does not say how long" in reason:
            lines.append("A shape says nothing of its duration: give one with --duration, or write a jobspec.")
    return lines


def span(seconds: float) -> str:
    """Return a span of time that is easy to read."""
    if seconds < 1:
        return "now"
    whole = round(seconds)
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
