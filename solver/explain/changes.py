"""The smallest changes that make a request fit, each proven by deciding the changed request.

A change of one thing must undo every conflict, so only parts of the conflict that was found come into question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from ...grammar.constraint import And, Constraint
from ...grammar.jobspec import Vertex
from ..cpsat.budget import Budget, CutOff
from ..state.node_classes import bits, lowest
from .change import Change, Kind
from .conflict import Conflict, alike, jobs_alike, union
from .endings import fewest_ended, in_order_of_ends
from .relaxation import NONE, Aspect, TermPart, VertexPart, with_counts
from .trials import Trial, Trials

MOST = 5
"""Changes that are proposed."""

_PRICE = {Aspect.TYPE: 0.1, Aspect.WHOLE: 0.3, Aspect.BORDER: 0.35, Aspect.IDS: 0.4, Aspect.COUNT: 0.9}


_KINDS = {Aspect.TYPE: Kind.DROP, Aspect.WHOLE: Kind.SHARED, Aspect.BORDER: Kind.OPEN, Aspect.IDS: Kind.ANY}


def find_changes(trials: Trials, conflict: Conflict, budget: Budget) -> tuple[Change, ...]:
    """Return the cheapest changes; of several things at once only where no single thing suffices.

    Parameters
    ----------
    budget
        When it is used up no more are looked for.
    """
    search = _Search(trials, conflict, budget)
    found = list(search.single()) or list(search.combined())
    found = found or list(_Search(trials, conflict, budget).pairs_of_counts())
    finished = (search.finished(change) for change in found)
    return tuple(sorted(finished, key=lambda change: (change.price, change.path))[:MOST])


class _Search:
    """Looks for changes of one thing, on the assumption of a base that more than one may be changed from.

    Parameters
    ----------
    trials, conflict
        Of the request.
    budget
        For all of it.
    """

    def __init__(self, trials: Trials, conflict: Conflict, budget: Budget) -> None:
        self.trials = trials
        self.budget = budget
        self.never = conflict.never
        self.paths = {part.path for part in conflict.vertices if part.aspect is Aspect.COUNT}
        self.aspects = conflict.vertices
        self.terms = tuple(part.term for part in conflict.terms)
        self.suspects = conflict.jobs
        self.base = trials.empty if conflict.never else trials.present
        self.useful = trials.machine.all & ~trials.state.up & trials.eligible(self.base) if conflict.down else 0

    def single(self) -> Iterator[Change]:
        """Yield changes of one thing."""
        for search in (self.counts, self.vertices, self.constraint, self.ranks, self.jobs):
            if not self.budget.left:
                return
            try:
                yield from search()
            except CutOff:
                continue

    def combined(self) -> Iterator[Change]:
        """Yield changes of one thing beside ranks that come up, or beside terms that go."""
        trials, plain = self.trials, self.base
        down = trials.machine.all & ~trials.state.up
        self.paths = {v.path for top in trials.vertices for v in top.walk()}
        self.aspects, self.terms, self.suspects = (), trials.terms, tuple(trials.state.jobs)
        if not self.never and down & trials.eligible(plain):
            self.useful = 0
            self.base = trials.raised(plain, down & trials.eligible(plain))
            for change in list(self.single()):
                up = self._fewest_up(down & trials.eligible(self._with(change, plain)), change, plain)
                yield replace(change, price=0.5 + change.price / 2, up=up)
        if trials.terms:
            self.base = replace(plain, terms=())
            self.useful, self.terms = (0 if self.never else down), ()
            for change in list(self.single()):
                kept = self._needless(change, plain)
                gone = tuple(term for term in trials.terms if term not in kept)
                yield replace(change, price=0.6 + change.price / 2, terms=gone)

    def finished(self, change: Change) -> Change:
        """Return a change with the request after it, and whether that fits at once."""
        vertices = change.vertices or self.trials.vertices
        constraint = self.trials.request.constraint
        if change.terms:
            constraint = And(tuple(term for term in self.trials.terms if term not in change.terms))
        now = True
        if self.never:
            try:
                trial = self._with(change, self.trials.present)
                now = self.trials.vertices_fit(vertices, trial)
            except CutOff:
                now = False
        return replace(change, vertices=vertices, constraint=constraint, now=now)

    def _with(self, change: Change, trial: Trial) -> Trial:
        """Assume in addition that the machine and the constraint are changed."""
        trial = replace(trial, terms=tuple(term for term in trial.terms if term not in change.terms))
        trial = self.trials.freed(trial, change.jobs)
        return self.trials.raised(trial, change.up) if change.up else trial

    def _fits(self, change: Change, trial: Trial) -> bool:
        return self.trials.vertices_fit(change.vertices or self.trials.vertices, trial, self.budget)

    def _needless(self, change: Change, trial: Trial) -> tuple[Constraint, ...]:
        """Return the terms that need not go beside a change."""
        kept: tuple[Constraint, ...] = ()
        changed = self._with(change, trial)
        for term in self.trials.terms:
            if self._fits(change, replace(changed, terms=(*kept, term))):
                kept = (*kept, term)
        return kept

    # -- the request ----------------------------------------------------------------------------------------------

    def counts(self) -> Iterator[Change]:
        """Lower one count, to the largest that fits."""
        for vertex in (below for top in self.trials.vertices for below in top.walk()):
            asked = vertex.count.min
            if vertex.path in self.paths and asked > 1 and self.budget.left:
                left, vertices = self._lowered(vertex.path, asked, self.trials.vertices)
                if left:
                    yield Change(
                        Kind.FEWER,
                        (asked - left) / asked,
                        path=vertex.path,
                        asked=asked,
                        left=left,
                        vertices=vertices,
                    )

    def pairs_of_counts(self) -> Iterator[Change]:
        """Lower two counts: the inner one as little as it must be, then the outer one likewise."""
        every = [vertex for top in self.trials.vertices for vertex in top.walk() if vertex.count.min > 1]
        for outer, inner in combinations(every, 2):
            if not self.budget.left:
                return
            asked = outer.count.min, inner.count.min
            try:
                left, one = self._lowered(inner.path, asked[1], with_counts(self.trials.vertices, {outer.path: 1}))
                if not left:
                    continue
                with_inner = with_counts(one, {outer.path: asked[0]})
                most, vertices = self._lowered(outer.path, asked[0], with_inner)
            except CutOff:
                continue
            given_up = (asked[0] - most) / asked[0] + (asked[1] - left) / asked[1]
            yield Change(
                Kind.FEWER,
                0.5 + given_up / 4,
                path=outer.path,
                asked=asked[0],
                left=most,
                also=((inner.path, asked[1], left),),
                vertices=vertices,
            )

    def _lowered(self, path: str, asked: int, among: tuple[Vertex, ...]) -> tuple[int, tuple[Vertex, ...]]:
        """Return the largest smaller count that fits, and the vertices with it; 0 when none does."""
        left = 0
        best: tuple[Vertex, ...] = ()
        low, high = 1, asked - 1
        middle = 1
        while low <= high:
            vertices = with_counts(among, {path: middle})
            if self.trials.vertices_fit(vertices, self.base, self.budget):
                left, best = middle, vertices
                low = middle + 1
            elif not left:
                break
            else:
                high = middle - 1
            middle = (low + high + 1) // 2
        return left, best

    def vertices(self) -> Iterator[Change]:
        """Take one aspect of a vertex away."""
        for part in self.aspects:
            if part.aspect is Aspect.COUNT:
                change = self._dropped(part)
            else:
                vertices = self.trials.relaxer.relax(self.trials.vertices, frozenset({part}))
                change = self._tried(part, _KINDS[part.aspect], vertices)
            if change is not None:
                yield change

    def _dropped(self, part: VertexPart) -> Change | None:
        """Take a vertex away that asks for one thing that cannot be had at all."""
        every = [below for top in self.trials.vertices for below in top.walk()]
        vertex = next(below for below in every if below.path == part.path)
        alone = any(above.children == (vertex,) for above in every)
        if vertex.count.min > 1 or vertex.children or alone:
            return None
        return self._tried(part, Kind.DROP, _without(self.trials.vertices, part.path))

    def _tried(self, part: VertexPart, kind: Kind, vertices: tuple[Vertex, ...]) -> Change | None:
        vertices = _tidy(vertices)
        every = [below for top in vertices for below in top.walk()]
        if not any(v.is_slot for v in every) or any(v.count == NONE or (v.is_slot and not v.children) for v in every):
            return None
        if not self.trials.vertices_fit(vertices, self.base, self.budget):
            return None
        return Change(kind, _PRICE[part.aspect], path=part.path, vertices=vertices)

    def constraint(self) -> Iterator[Change]:
        """Drop a term of the constraint."""
        for term in self.terms:
            if self.trials.fits(self.trials.without(self.base, [TermPart(term)]), self.budget):
                yield Change(Kind.TERM, 0.5, terms=(term,))

    # -- the machine ----------------------------------------------------------------------------------------------

    def ranks(self) -> Iterator[Change]:
        """Bring up as few ranks as suffice."""
        if not self.useful or self.never:
            return
        if self.trials.fits(self.trials.raised(self.base, self.useful), self.budget):
            nothing = Change(Kind.UP, 0.0)
            up = self._fewest_up(self.useful, nothing, self.base)
            yield replace(nothing, price=0.2 + 0.2 * up.bit_count() / self.useful.bit_count(), up=up)

    def _fewest_up(self, nodes: int, change: Change, trial: Trial) -> int:
        """Return as few as possible of some nodes, that let the request fit beside a change when they come up."""
        trials, needed = self.trials, 0
        trial = self._with(change, trial)
        kinds = [union(kind) for kind in alike(trials, trial, {place: 1 << place for place in bits(nodes)})]
        for number, kind in enumerate(kinds):
            others = needed
            for later in kinds[number + 1 :]:
                others |= later
            low, high = 0, kind.bit_count()
            while low < high:
                middle = (low + high) // 2
                if self._fits(change, trials.raised(trial, others | lowest(kind, middle))):
                    high = middle
                else:
                    low = middle + 1
            needed |= lowest(kind, low)
        return needed

    def jobs(self) -> Iterator[Change]:
        """Let one job end, the first whose end suffices; and as few as suffice of those that end first."""
        if self.never or not self.suspects:
            return
        jobs = self.trials.state.jobs
        single = self._first_alone()
        few = fewest_ended(self.trials, self.base, self.budget)
        if few and (single is None or few != (single,)):
            yield Change(Kind.END, 0.3 + 0.4 * len(few) / len(jobs), jobs=few, time=self._last(few))
        if single is not None:
            yield Change(Kind.END, 0.25, jobs=(single,), time=self._last((single,)))

    def _last(self, some: Sequence[int]) -> float:
        ends = [self.trials.state.jobs[jobid].end_time for jobid in some]
        return max(ends) if all(ends) else 0.0

    def _first_alone(self) -> int | None:
        patience = self.budget.part(1 / 2)
        kinds = jobs_alike(self.trials, self.base, self.suspects)
        firsts = [in_order_of_ends(self.trials, kind)[0] for kind in kinds]
        for jobid in in_order_of_ends(self.trials, firsts):
            if not patience.left:
                break
            if self.trials.fits(self.trials.freed(self.base, (jobid,)), patience):
                return jobid
        return None


def _tidy(vertices: tuple[Vertex, ...]) -> tuple[Vertex, ...]:
    """Return vertices without those that ask for nothing, where others stand beside them."""
    kept = tuple(vertex for vertex in vertices if vertex.count != NONE)
    return tuple(replace(vertex, children=_tidy(vertex.children)) for vertex in kept or vertices)


def _without(vertices: tuple[Vertex, ...], path: str) -> tuple[Vertex, ...]:
    """Return vertices without one of them."""
    return tuple(replace(v, children=_without(v.children, path)) for v in vertices if v.path != path)
