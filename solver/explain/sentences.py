"""An explanation in sentences, in the words of the request, for someone who has been woken up by it."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Sequence

from ...grammar.constraint import Properties
from ...grammar.jobspec import Vertex
from ..errors import InfeasibleRequest
from .bench import Bench
from .changes import Change, Kind
from .conflict import Conflict
from .numbers import Row
from .parts import Aspect
from .words import amount, holds, listed, number, plural, query, shape

JobName = Callable[[int], str]
"""What a job is called."""


class Speaker:
    """Says what is in conflict, and what would help.

    Parameters
    ----------
    bench
        The request and the machine.
    conflict
        Of the request.
    rows
        The numbers of its vertices.
    job_name
        What a job is called, F58 where Flux speaks.
    """

    def __init__(self, bench: Bench, conflict: Conflict, rows: Sequence[Row], job_name: JobName = str) -> None:
        self._bench = bench
        self._conflict = conflict
        self._rows = {row.path: row for row in rows}
        self._name = job_name
        self._vertices = {v.path: v for top in bench.vertices for v in top.walk()}

    @property
    def subject(self) -> str:
        """The path of the vertex that the first sentence is about."""
        unknown = next((part for part in self._conflict.vertices if part.aspect is Aspect.TYPE), None)
        if unknown is not None:
            return unknown.path
        row = None if self._nothing_matches else self._short()
        if row is not None:
            return row.path
        return self._conflict.vertices[0].path if self._conflict.vertices else self._bench.vertices[0].path

    def sentences(self) -> list[str]:
        """Return what is in conflict: the lack itself first, then what else is in its way."""
        found = [self._lack()]
        conflict = self._conflict
        if conflict.terms and not self._nothing_matches:
            matching = self._bench.eligible(self._bench.present).bit_count()
            terms = " and ".join(query(part.term) for part in conflict.terms)
            found.append(f"the constraint {terms} leaves {matching} of {amount('rank', self._bench.machine.size)}")
        return found

    # -- the lack -------------------------------------------------------------------------------------------------

    def _lack(self) -> str:
        unknown = next((part for part in self._conflict.vertices if part.aspect is Aspect.TYPE), None)
        if unknown is not None:
            return self._unknown(self._vertices[unknown.path].type)
        if self._nothing_matches:
            return self._no_rank()
        row = self._short()
        if row is not None:
            return f"{self._need(row)}: {self._supply(row)}"
        return self._refusal() or self._together()

    @property
    def _nothing_matches(self) -> bool:
        return bool(self._bench.terms) and not self._bench.eligible(self._bench.present)

    def _unknown(self, name: str) -> str:
        machine = self._bench.machine
        known = {"node", "core", "gpu", "slot", *machine.levels, *machine.group_levels}
        near = difflib.get_close_matches(name, sorted(known), 1)
        return f"this machine has no {name}" + (f" (is {near[0]} meant?)" if near else "")

    def _no_rank(self) -> str:
        knowledge = self._bench.knowledge
        terms = [part.term for part in self._conflict.terms] or list(self._bench.terms)
        if len(terms) == 1:
            (term,) = terms
            named = isinstance(term, Properties) and not term.names[0].startswith("^")
            what = f"has the property {query(term)}" if named else f"matches {query(term)}"
            return f"no rank {what}"
        each = ", ".join(f"{query(term)} matches {knowledge.eligible(term).bit_count()}" for term in terms)
        return f"no rank matches {' and '.join(map(query, terms))}: alone {each}"

    def _refusal(self) -> str:
        """Return why the machine cannot even be asked, where that is so."""
        try:
            self._bench.knowledge.problem(self._bench.request.shape)
        except InfeasibleRequest as error:
            path, colon, reason = str(error).partition(": ")
            return reason if colon and path in self._vertices else str(error)
        return ""

    def _short(self) -> Row | None:
        """Return the row that lacks something: cores, GPUs or amounts that are not there, else the innermost others."""
        near = self._near()
        rows = [row for row in self._rows.values() if row.path in near]
        leaves = [row for row in rows if not self._vertices[row.path].children and not self._is_whole(row)]
        for row in leaves:
            if _less(row.match if self._conflict.never else row.exist, row.asked):
                return row
        inner = [row for row in rows if row not in leaves and _less(self._last(row), row.asked)]
        if inner:
            return max(inner, key=lambda row: (row.path.count("/"), row.type != "slot"))
        return next((row for row in leaves if _less(self._last(row), row.asked)), None)

    def _near(self) -> set[str]:
        """Return the vertices in conflict, and those around them that are counted."""
        near = {part.path for part in self._conflict.vertices}
        return near | {v.path for v in self._vertices.values() if any(c.path in near for c in v.children)}

    def _is_whole(self, row: Row) -> bool:
        return row.type not in ("core", "gpu") and not self._bench.relaxer.is_amount(row.type)

    def _last(self, row: Row) -> float | None:
        return row.match if self._conflict.never else row.free

    def _need(self, row: Row) -> str:
        vertex = self._vertices[row.path]
        slot = self._slot_of(row.path)
        free = not self._conflict.never
        what = amount(row.type, row.asked, row.unit)
        if vertex.is_slot:
            return f"{what} of {shape(vertex.children)} are asked for" if row.asked != 1 else f"a {shape([vertex])}"
        below = holds(vertex, free=free)
        what += f" with {below}" if below and below != "all of it free" else ", all free" if below else ""
        if slot is None:
            what = f"{what} {_are(row.asked)} asked for"
        else:
            times = self._rows[slot.path].asked if slot.path in self._rows else slot.count.min
            needs = "needs" if times == 1 else "need"
            what = f"{amount('slot', times)} of {shape(slot.children)} {needs} {what}"
        if row.within is not None:
            level, groups = row.within
            what += f" in {amount(level, groups)}" if groups > 1 else f" in one {level}"
        return what

    def _slot_of(self, path: str) -> Vertex | None:
        around = [v for v in self._vertices.values() if v.is_slot and path.startswith(f"{v.path}/")]
        return around[0] if around else None

    def _supply(self, row: Row) -> str:
        exist, up, match, free = row.numbers
        scope = f" in the best {row.within[0]}" if row.within and row.within[1] == 1 else ""
        if self._conflict.never:
            unit = f" {row.unit}" if row.unit else ""
            if not exist and row.there:
                return f"none of the {number(row.there)} that there are{scope} can be that"
            few = f"{number(exist)}{unit} exist{'s' if exist == 1 else ''}{scope}"
            if _less(exist, row.there):
                few += f" among {amount(row.type, row.there)}"
            if _less(match, exist):
                few += f", {number(match)} of them on ranks that match the constraint"
            return few
        parts = [f"{number(free)} {_are(free)} free{scope}"]
        for more, text in (
            (_gap(match, free), f"held by {self._jobs()}" if self._conflict.jobs else "not to be had together"),
            (_gap(up, match), "on ranks that do not match the constraint"),
            (_gap(exist, up), f"on ranks that are down ({self._down()})"),
        ):
            if more:
                partly = "in part or whole " if text.startswith("held") and self._is_whole(row) else ""
                parts.append(f"{number(more)} more {_are(more)} {partly}{text}")
        return ", ".join(parts)

    def _jobs(self) -> str:
        jobs = self._conflict.jobs
        return f"{plural('job', len(jobs))} {listed([self._name(jobid) for jobid in jobs])}"

    def _down(self) -> str:
        machine = self._bench.machine
        ranks = str(machine.ids_of(self._conflict.down or machine.all & ~self._bench.state.up))
        return ranks if len(ranks) <= 40 else f"{ranks[:39]}…"

    def _together(self) -> str:
        paths = dict.fromkeys(part.path for part in self._conflict.vertices)
        if len(paths) == 1:
            path = next(iter(paths))
            return f"there is no room for {shape([self._vertices[path]])}"
        return f"each fits by itself, but not all together: {', '.join(paths)}"

    # -- changes --------------------------------------------------------------------------------------------------

    def change(self, change: Change) -> str:
        """Return what to do."""
        text = self._change(change)
        return text if change.now or not self._conflict.never else f"{text} (on the idle machine, not now)"

    def _change(self, change: Change) -> str:
        vertex = self._vertices.get(change.path)
        name = change.path
        if vertex is not None and change.kind is Kind.FEWER:
            return f"ask for {vertex.type}={change.left} instead of {change.asked} ({name})"
        if vertex is not None and change.kind is Kind.SHARED:
            return f"let {name} be shared: exclusive false"
        if vertex is not None and change.kind is Kind.OPEN:
            return f"leave {vertex.type} out ({name}): what stands inside it may then stand anywhere"
        if change.kind is Kind.ANY:
            return f"take any id for {name}"
        if change.kind is Kind.DROP:
            return f"leave {name} out"
        if change.kind is Kind.TERM and change.term is not None:
            return f"drop {query(change.term)} from the constraint"
        if change.kind is Kind.UP:
            ranks = self._bench.machine.ids_of(change.up)
            return f"bring up {plural('rank', change.up.bit_count())} {ranks}"
        names = listed([self._name(jobid) for jobid in change.jobs])
        when = f" (by {moment(change.time)})" if change.time else ""
        return f"let {plural('job', len(change.jobs))} {names} end{when}"


def moment(seconds: float) -> str:
    """Return a time as the clock on the wall shows it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _are(count: float | None) -> str:
    return "is" if count == 1 else "are"


def _less(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one < other


def _gap(more: float | None, less: float | None) -> float:
    return more - less if more is not None and less is not None else 0
