"""The smallest changes that make a request fit, each proven by deciding the changed request.

A change of one thing must undo every conflict, so only parts of the conflict that was found come into question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING

from ...grammar.constraint import ALWAYS, And, Constraint
from ...grammar.jobspec import Vertex
from ..lexicographic import Budget
from ..node_classes import bits, lowest
from ..offers import CutOff
from ..request import Request
from .bench import Bench, Trial, ended
from .conflict import Conflict, alike, union
from .parts import NONE, Aspect, VertexPart, with_counts

if TYPE_CHECKING:
    from ..pool import Pool

MOST = 5
"""Changes that are proposed."""

_MOST_JOBS = 256
"""Jobs of which the fewest that have to end are looked for."""

_PRICE = {Aspect.TYPE: 0.1, Aspect.WHOLE: 0.3, Aspect.BORDER: 0.35, Aspect.IDS: 0.4, Aspect.COUNT: 0.9}


class Kind(Enum):
    """What is changed."""

    FEWER = "fewer"
    """A vertex asks for less."""
    SHARED = "shared"
    """A domain need not be taken whole."""
    OPEN = "open"
    """A vertex goes, what stands inside may stand anywhere in what is around it."""
    ANY = "any-id"
    """Any id will do."""
    DROP = "drop"
    """A vertex goes."""
    TERM = "constraint"
    """A term of the constraint goes."""
    UP = "up"
    """Ranks come up."""
    END = "end"
    """Jobs end."""


_KINDS = {Aspect.TYPE: Kind.DROP, Aspect.WHOLE: Kind.SHARED, Aspect.BORDER: Kind.OPEN, Aspect.IDS: Kind.ANY}


@dataclass(frozen=True)
class Change:
    """Something that makes a request fit.

    Attributes
    ----------
    kind
        What is changed.
    price
        Between 0 and 1, how much is given up; the cheapest are proposed first. A count that is lowered costs its
        share.
    now
        Whether the request fits then at once; if not, on the idle machine.
    path, asked, left
        The vertex, its count and what is left of it.
    term
        The term that goes.
    up
        Bitmask of the positions that come up.
    jobs, time
        The jobs that end, and the last of their ends: seconds since the epoch, 0 when one has none.
    vertices, constraint
        The request after the change.
    """

    kind: Kind
    price: float
    now: bool
    path: str = ""
    asked: int = 0
    left: int = 0
    term: Constraint | None = None
    up: int = 0
    jobs: tuple[int, ...] = ()
    time: float = 0.0
    vertices: tuple[Vertex, ...] = ()
    constraint: Constraint = ALWAYS

    def apply(self, pool: Pool, request: Request) -> tuple[Pool, Request]:
        """Return a pool and a request after the change."""
        changed = pool.copy()
        for jobid in self.jobs:
            changed.free(jobid)
        if self.up:
            changed.mark_up(self.up)
        return changed, Request.of(self.vertices, self.constraint, request.duration, request.name)


def find_changes(bench: Bench, conflict: Conflict, seconds: float) -> tuple[Change, ...]:
    """Return the cheapest changes.

    Parameters
    ----------
    seconds
        After so long no more are looked for.
    """
    search = _Search(bench, conflict, Budget(seconds))
    found = [
        replace(change, vertices=change.vertices or bench.vertices)
        if change.term is not None
        else replace(change, vertices=change.vertices or bench.vertices, constraint=bench.request.constraint)
        for change in search.all()
    ]
    return tuple(sorted(found, key=lambda change: (change.price, change.path))[:MOST])


class _Search:
    def __init__(self, bench: Bench, conflict: Conflict, budget: Budget) -> None:
        self.bench = bench
        self.conflict = conflict
        self.budget = budget
        self.base = bench.empty if conflict.never else bench.present

    def all(self) -> Iterator[Change]:
        for search in (self.counts, self.vertices, self.terms, self.ranks, self.jobs):
            if not self.budget.left:
                return
            try:
                yield from search()
            except CutOff:
                continue

    def _now(self, vertices: tuple[Vertex, ...], trial: Trial) -> bool:
        """Tell whether what fits on the idle machine fits at once."""
        if not self.conflict.never:
            return True
        try:
            return self.bench.vertices_fit(vertices, replace(trial, state=self.bench.state))
        except CutOff:
            return False

    # -- the request ----------------------------------------------------------------------------------------------

    def counts(self) -> Iterator[Change]:
        """Lower one count, to the largest that fits."""
        paths = {part.path for part in self.conflict.vertices if part.aspect is Aspect.COUNT}
        for vertex in (below for top in self.bench.vertices for below in top.walk()):
            asked = vertex.count.min
            if vertex.path in paths and asked > 1 and self.budget.left:
                left, vertices = self._lowered(vertex.path, asked)
                if left:
                    now = self._now(vertices, self.base)
                    yield Change(
                        Kind.FEWER, (asked - left) / asked, now, vertex.path, asked, left, vertices=vertices
                    )

    def _lowered(self, path: str, asked: int) -> tuple[int, tuple[Vertex, ...]]:
        low, high = 0, asked - 1
        middle = 1
        best: tuple[Vertex, ...] = ()
        while low < high or not low:
            vertices = with_counts(self.bench.vertices, {path: middle})
            if self.bench.vertices_fit(vertices, self.base):
                low, best = middle, vertices
            elif middle == 1:
                return 0, ()
            else:
                high = middle - 1
            middle = (low + high + 1) // 2
        return low, best

    def vertices(self) -> Iterator[Change]:
        """Take one aspect of a vertex away."""
        for part in self.conflict.vertices:
            if part.aspect is Aspect.COUNT:
                change = self._dropped(part)
            else:
                vertices = self.bench.relaxer.relax(self.bench.vertices, frozenset({part}))
                change = self._tried(part, _KINDS[part.aspect], vertices)
            if change is not None:
                yield change

    def _dropped(self, part: VertexPart) -> Change | None:
        """Take a vertex away that asks for one thing that cannot be had at all."""
        every = [below for top in self.bench.vertices for below in top.walk()]
        vertex = next(below for below in every if below.path == part.path)
        alone = any(above.children == (vertex,) for above in every)
        if vertex.count.min > 1 or vertex.children or alone:
            return None
        return self._tried(part, Kind.DROP, _without(self.bench.vertices, part.path))

    def _tried(self, part: VertexPart, kind: Kind, vertices: tuple[Vertex, ...]) -> Change | None:
        every = [below for top in vertices for below in top.walk()]
        if not any(v.is_slot for v in every) or any(v.count == NONE or (v.is_slot and not v.children) for v in every):
            return None
        if not self.bench.vertices_fit(vertices, self.base):
            return None
        return Change(kind, _PRICE[part.aspect], self._now(vertices, self.base), part.path, vertices=vertices)

    def terms(self) -> Iterator[Change]:
        """Drop a term of the constraint."""
        for part in self.conflict.terms:
            trial = self.bench.without(self.base, [part])
            if self.bench.fits(trial):
                now = self._now(self.bench.vertices, trial)
                yield Change(Kind.TERM, 0.5, now, term=part.term, constraint=And(trial.terms))

    # -- the machine ----------------------------------------------------------------------------------------------

    def ranks(self) -> Iterator[Change]:
        """Bring up as few ranks as suffice."""
        bench = self.bench
        down = bench.machine.all & ~bench.state.up & bench.eligible(self.base)
        if self.conflict.down and not self.conflict.never and bench.fits(bench.raised(self.base, down)):
            up = self._fewest_up(down)
            yield Change(Kind.UP, 0.2 + 0.2 * up.bit_count() / down.bit_count(), now=True, up=up)

    def _fewest_up(self, nodes: int) -> int:
        bench, needed = self.bench, 0
        kinds = [union(kind) for kind in alike(bench, self.base, {place: 1 << place for place in bits(nodes)})]
        for number, kind in enumerate(kinds):
            others = needed
            for later in kinds[number + 1 :]:
                others |= later
            low, high = 0, kind.bit_count()
            while low < high:
                middle = (low + high) // 2
                if bench.fits(bench.raised(self.base, others | lowest(kind, middle))):
                    high = middle
                else:
                    low = middle + 1
            needed |= lowest(kind, low)
        return needed

    def jobs(self) -> Iterator[Change]:
        """Let one job end, the first whose end suffices; and as few as suffice of those that end first."""
        if self.conflict.never or not self.conflict.jobs:
            return
        jobs = self.bench.state.jobs
        order = sorted(self.conflict.jobs, key=lambda jobid: (jobs[jobid].end_time or float("inf"), jobid))
        single = self._first_alone(order)
        few = self._fewest_ended()
        if few and (single is None or few != (single,)):
            yield Change(Kind.END, 0.3 + 0.4 * len(few) / len(jobs), now=True, jobs=few, time=self._last(few))
        if single is not None:
            yield Change(Kind.END, 0.25, now=True, jobs=(single,), time=self._last((single,)))

    def _last(self, some: Sequence[int]) -> float:
        ends = [self.bench.state.jobs[jobid].end_time for jobid in some]
        return max(ends) if all(ends) else 0.0

    def _first_alone(self, order: Sequence[int]) -> int | None:
        patience = Budget(self.budget.left / 2)
        for jobid in order:
            if not patience.left:
                break
            if self.bench.fits(self.bench.freed(self.base, (jobid,))):
                return jobid
        return None

    def _fewest_ended(self) -> tuple[int, ...]:
        """Return as few as possible of the jobs that must have ended when the request fits first; none if unknown."""
        bench, jobs = self.bench, self.bench.state.jobs
        order = sorted(jobs, key=lambda jobid: (jobs[jobid].end_time or float("inf"), jobid))
        states = [bench.state]
        low, step = 0, 1
        while True:
            high = min(low + step, len(order))
            if high == low:
                return ()
            while len(states) <= high:
                states.append(ended(bench.knowledge.changes, states[-1], (order[len(states) - 1],)))
            if bench.fits(replace(self.base, state=states[high])):
                break
            low, step = high, 2 * step
        while high - low > 1:
            middle = (low + high) // 2
            if bench.fits(replace(self.base, state=states[middle])):
                high = middle
            else:
                low = middle
        useful = bench.eligible(self.base) & bench.state.up
        some = [jobid for jobid in order[:high] if jobs[jobid].nodes & useful or jobs[jobid].group_used]
        return self._needed(some) if len(some) <= _MOST_JOBS else tuple(sorted(some))

    def _needed(self, some: Sequence[int]) -> tuple[int, ...]:
        """Return as few as possible of some jobs; those that end last are kept first."""
        needed: list[int] = []

        def reduce(some: Sequence[int], others: Sequence[int]) -> None:
            """Keep those of `some` that must end although `others` do."""
            if self.bench.fits(self.bench.freed(self.base, chain(needed, others))):
                return
            if len(some) == 1 or not self.budget.left:
                needed.extend(some)
                return
            middle = len(some) // 2
            reduce(some[:middle], [*some[middle:], *others])
            reduce(some[middle:], others)

        reduce(some, ())
        return tuple(sorted(needed))


def _without(vertices: tuple[Vertex, ...], path: str) -> tuple[Vertex, ...]:
    """Return vertices without one of them."""
    return tuple(replace(v, children=_without(v.children, path)) for v in vertices if v.path != path)
