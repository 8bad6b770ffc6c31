"""An explanation in sentences, in the words of the request, for someone who has been woken up by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ...grammar.constraint import Constraint, Properties
from ...grammar.jobspec import Vertex
from ...grammar.suggest import hint
from ..demand.resolve import unknown as unknown_type
from .change import Change, Kind
from .conflict import Conflict
from .excess import too_much
from .numbers import Row
from .relaxation import Aspect, VertexPart
from .trials import Trials
from .words import amount, holds, listed, number, plural, query, shape

JobName = Callable[[int], str]
"""What a job is called."""


class Speaker:
    """Says what is in conflict, and what would help.

    Parameters
    ----------
    trials
        The request and the machine.
    conflict
        Of the request.
    rows
        The numbers of its vertices.
    job_name
        What a job is called, F58 where Flux speaks; None: jobs are not named.
    """

    def __init__(
        self, trials: Trials, conflict: Conflict, rows: Sequence[Row], job_name: JobName | None = None
    ) -> None:
        self._trials = trials
        self._conflict = conflict
        self._rows = {row.path: row for row in rows}
        self._name = job_name
        self._vertices = {v.path: v for top in trials.vertices for v in top.walk()}

    @property
    def subject(self) -> str:
        """The path of the vertex that the first sentence is about."""
        unknown = next((part for part in self._conflict.vertices if part.aspect is Aspect.TYPE), None)
        if unknown is not None:
            return unknown.path
        row = None if self._nothing_matches else self._short()
        if row is not None:
            return row.path
        return self._conflict.vertices[0].path if self._conflict.vertices else self._trials.vertices[0].path

    def sentences(self) -> list[str]:
        """Return what is in conflict: the lack itself first, then what else is in its way."""
        found = [self._lack()]
        conflict = self._conflict
        if conflict.terms and not self._nothing_matches:
            matching = self._trials.eligible(self._trials.present).bit_count()
            terms = listed([query(part.term) for part in conflict.terms])
            found.append(f"the constraint {terms} leaves {matching} of {amount('rank', self._trials.machine.size)}")
        return found

    # -- the lack -------------------------------------------------------------------------------------------------

    def _lack(self) -> str:
        unknown = next((part for part in self._conflict.vertices if part.aspect is Aspect.TYPE), None)
        if unknown is not None:
            return unknown_type(self._trials.machine, self._vertices[unknown.path].type)
        if self._nothing_matches:
            return self._no_rank()
        row = self._short()
        if row is not None:
            return f"{self._need(row)}: {self._supply(row)}"
        return self._refusal() or self._together()

    @property
    def _nothing_matches(self) -> bool:
        return bool(self._trials.terms) and not self._trials.eligible(self._trials.present)

    def _no_rank(self) -> str:
        knowledge = self._trials.knowledge
        terms = [part.term for part in self._conflict.terms] or list(self._trials.terms)
        if len(terms) == 1:
            (term,) = terms
            named = isinstance(term, Properties) and not term.names[0].startswith("^")
            what = f"has the property {query(term)}" if named else f"matches {query(term)}"
            return f"no rank {what}{self._other_property(term)}"
        each = [f"{query(term)} matches {knowledge.eligible(term).bit_count()}" for term in terms]
        return f"no rank matches {listed([*map(query, terms)])}: alone {listed(each)}"

    def _other_property(self, term: Constraint) -> str:
        """Return which properties there are, where one is asked for that no rank has."""
        properties = self._trials.machine.properties
        if not isinstance(term, Properties) or term.names[0].startswith("^") or term.names[0] in properties:
            return ""
        return hint(term.names[0], sorted(name for name in properties if not name.startswith("+")))

    def _refusal(self) -> str:
        """Return why the machine cannot even be asked, where that is so."""
        refusal = self._trials.knowledge.refusal(self._trials.request.shape)
        path, colon, reason = refusal.partition(": ")
        return reason if colon and path in self._vertices else refusal

    def _short(self) -> Row | None:
        """Return the row that lacks something: cores, GPUs or amounts that are not there, else the innermost others."""
        near = self._near()
        rows = [row for row in self._rows.values() if row.path in near]
        few = [row for row in rows if row.type != "slot" and self._is_thing(row) and _less(row.there, row.asked)]
        if few:
            return min(few, key=lambda row: row.path.count("/"))
        leaves = [row for row in rows if not self._vertices[row.path].children and not self._is_thing(row)]
        for row in leaves:
            if _less(row.match if self._conflict.never else row.exist, row.asked):
                around = (outer for outer in rows if row.path.startswith(f"{outer.path}/") and not outer.exist)
                return next((outer for outer in around if self._most(outer)), row)
        inner = [row for row in rows if row not in leaves and _less(self._last(row), row.asked)]
        if inner:
            return max(inner, key=lambda row: (row.path.count("/"), row.type != "slot"))
        return next((row for row in leaves if _less(self._last(row), row.asked)), None)

    def _near(self) -> set[str]:
        """Return the vertices in conflict, and those around them that are counted."""
        near = {part.path for part in self._conflict.vertices}
        return near | {v.path for v in self._vertices.values() if any(c.path in near for c in v.children)}

    def _is_thing(self, row: Row) -> bool:
        return row.type not in ("core", "gpu") and not self._trials.relaxer.is_amount(row.type)

    def _last(self, row: Row) -> float | None:
        return row.match if self._conflict.never else row.free

    def _need(self, row: Row) -> str:
        """Return what is asked for."""
        vertex = self._vertices[row.path]
        within = ""
        if row.within is not None:
            level, groups = row.within
            within = f" in {amount(level, groups)}" if groups > 1 else f" in one {level}"
        if vertex.is_slot:
            what = f"{row.asked} slots" if row.asked != 1 else "a slot"
            return f"{what} of {shape(vertex.children)} {_are(row.asked)} asked for{within}"
        below = holds(vertex, free=not self._conflict.never)
        what = amount(row.type, row.asked, row.unit)
        what += f", {below}" if below.startswith("wholly") else f" with {below}" if below else ""
        slot = self._slot_of(row.path)
        if slot is None:
            return f"{what} {_are(row.asked)} asked for{within}"
        times = self._rows[slot.path].asked if slot.path in self._rows else slot.count.min
        slots, needs = ("a slot", "needs") if times == 1 else (f"{times} slots", "need")
        return f"{slots} of {shape(slot.children)} {needs} {what}{within}"

    def _slot_of(self, path: str) -> Vertex | None:
        return next((v for v in self._vertices.values() if v.is_slot and path.startswith(f"{v.path}/")), None)

    def _supply(self, row: Row) -> str:
        """Return what there is."""
        scope = f" in the best {row.within[0]}" if row.within and row.within[1] == 1 else ""
        if self._conflict.never:
            return self._ever(row, scope)
        exist, match, up, free = row.numbers
        slot = row.type == "slot"
        parts = [f"there is room for {number(free) if free else 'none'} now{scope}" if slot else _free(row, scope)]
        partly = "wholly or partly " if row.type not in ("core", "gpu") and not row.unit else ""
        for gap, where in (
            (
                _gap(up, free),
                f"where {self._jobs()} {self._hold()} something" if slot else f"{partly}held by {self._jobs()}",
            ),
            (_gap(match, up), f"on ranks that are down ({self._down()})"),
            (_gap(exist, match), "on ranks that do not match the constraint"),
        ):
            if gap:
                parts.append(f"{number(gap)} more {'' if slot else f'{_are(gap)} '}{where}")
        return ", ".join(parts) + self._because(row)

    def _ever(self, row: Row, scope: str) -> str:
        exist, match, _, _ = row.numbers
        most = "" if exist else self._most(row)
        if most:
            return most
        if row.type == "slot":
            text = f"there is room for {number(exist) if exist else 'none'}{scope or ' on this machine'}"
        elif VertexPart(row.path, Aspect.WHOLE) in self._conflict.parts and _less(exist, row.there):
            text = f"R lists something of {number(exist)} of {amount(row.type, row.there)}{scope}"
        elif not exist:
            every = f"none of the {number(row.there)} {plural(row.type, row.there)} has" if row.there != 1 else ""
            text = f"{every or f'the only {row.type} has not'} that{scope}" if row.there else f"there is none{scope}"
        else:
            unit = f" {row.unit}" if row.unit else ""
            text = f"{number(exist)}{unit} exist{'s' if exist == 1 and not unit else ''}{scope}"
            if _less(exist, row.there):
                text += f", among {amount(row.type, row.there)}"
        if _less(match, exist):
            text += f", {number(match)} of them on ranks that match the constraint"
        return text + self._because(row)

    def _most(self, row: Row) -> str:
        """Say what a node, or another domain, has at the most, where more of it is asked for in one."""
        level = "node" if row.type == "slot" else row.type
        most = too_much(self._vertices, row.path, level, self._trials.empty.state.classes)
        texts = [
            amount(one.type, one.there, one.unit) + (f" (of {number(one.asked)} that it takes)" if one.added_up else "")
            for one in most
        ]
        return f"no {level} has more than {listed(texts)}" if most else ""

    def _because(self, row: Row) -> str:
        """Name what below a vertex it is that cannot be had, where it has more below it than that."""
        below = [v for v in self._vertices.values() if v.path.startswith(f"{row.path}/") and not v.children]
        paths = {part.path for part in self._conflict.vertices}
        guilty = [v for v in below if v.path in paths]
        if not guilty or len(guilty) == len(below):
            return ""
        return f" (because of {listed([shape([v]) for v in guilty])})"

    def _jobs(self) -> str:
        """Name the jobs in conflict; where none is, as all that they hold would not suffice, those that are there."""
        trials = self._trials
        jobs = self._conflict.all_jobs
        if self._name is None:
            return "jobs"
        if not jobs:
            nodes = trials.eligible(trials.present) & trials.state.up
            jobs = tuple(sorted(jobid for jobid, job in trials.state.jobs.items() if job.nodes & nodes))
        return self._named(jobs)

    def _hold(self) -> str:
        return "holds" if self._name is not None and len(self._conflict.all_jobs) == 1 else "hold"

    def _named(self, jobs: Sequence[int]) -> str:
        return f"{plural('job', len(jobs))} {listed([(self._name or str)(jobid) for jobid in jobs])}"

    def _down(self) -> str:
        machine = self._trials.machine
        ranks = str(machine.ids_of(self._conflict.all_down or machine.all & ~self._trials.state.up))
        return ranks if len(ranks) <= 40 else f"{ranks[:39]}…"

    def _together(self) -> str:
        paths = dict.fromkeys(part.path for part in self._conflict.vertices)
        if len(paths) == 1:
            path = next(iter(paths))
            return f"there is no room for {shape([self._vertices[path]])}"
        near = [row for row in self._rows.values() if row.path in paths]
        for kind in dict.fromkeys(["core", "gpu", *(row.type for row in near if row.type != "slot")]):
            rows = [row for row in near if row.type == kind]
            asked = sum(row.asked or 0 for row in rows)
            counted = kind in ("core", "gpu")
            there = max((self._last(row) if counted else row.there) or 0 for row in rows) if rows else 0
            if asked > there:
                have = "are free" if counted and not self._conflict.never else "exist" + "s" * (there == 1)
                those = listed([row.path for row in rows])
                return f"{those} need {amount(kind, asked)} together: {number(there)} {have}"
        return f"each fits by itself, but not all together: {listed([*paths])}"

    # -- changes --------------------------------------------------------------------------------------------------

    def change(self, change: Change) -> str:
        """Return what to do."""
        text = self._change(change)
        return text if change.now or not self._conflict.never else f"{text} (on the idle machine, not now)"

    def _change(self, change: Change) -> str:
        machine = self._trials.machine
        texts = [self._of_vertex(change)] if change.path else []
        texts += [self._fewer(*other) for other in change.also]
        texts += [f"drop {query(term)} from the constraint" for term in change.terms]
        if change.up:
            texts.append(f"bring up {plural('rank', change.up.bit_count())} {machine.ids_of(change.up)}")
        if change.jobs:
            when = f" (by {moment(change.time)})" if change.time else ""
            texts.append(f"let {self._named(change.jobs)} end{when}")
        return " and ".join(texts)

    def _of_vertex(self, change: Change) -> str:
        path = change.path
        if change.kind is Kind.FEWER:
            return f"ask for {self._fewer(path, change.asked, change.left)}"
        name = self._vertices[path].type
        return {
            Kind.SHARED: f"let {path} be shared",
            Kind.OPEN: f"leave out {name}{_at(path)}: what it holds may then stand anywhere in what is around it",
            Kind.ANY: f"take any id for {path}",
        }.get(change.kind, f"leave out {path}")

    def _fewer(self, path: str, asked: int, left: int) -> str:
        vertex = self._vertices[path]
        unit = f"{{unit:{vertex.unit}}}" if vertex.unit else ""
        return f"{vertex.type}={left}{unit} instead of {asked}{_at(path)}"


def _at(path: str) -> str:
    """Return where a vertex stands, if its type does not say so."""
    return f" ({path})" if "/" in path or "[" in path else ""


def moment(seconds: float) -> str:
    """Return a time as the clock on the wall shows it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _free(row: Row, scope: str) -> str:
    unit = f" {row.unit}" if row.unit else ""
    return f"{number(row.free)}{unit} {_are(row.free)} free{scope}" if row.free else f"none is free{scope}"


def _are(count: float | None) -> str:
    return "is" if count == 1 else "are"


def _less(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one < other


def _gap(more: float | None, less: float | None) -> float:
    return more - less if more is not None and less is not None else 0
