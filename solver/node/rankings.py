"""The states of a pool's nodes in the order of what a bundle costs on them, kept up as states come and go.

A walk down a ranking gives the best nodes first, so that a decision looks at few of them. A state stands first where a
cheap lower bound puts it; when it is the best of those that have nodes, where a better bound does; and only when it is
still the best, it is solved. That is right because a bound is never above the cost: when the first entry is solved,
no other can be better. Most states are never solved.

A ranking holds every state that was live in any copy of a pool since it was last renewed. So copies share it, and
none has to tell it what ended: states that have no nodes any more are passed over, and when too many of them are, the
rankings are renewed from the states that are live. An insertion costs a binary search.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator

from ...grammar.memory import Memory
from ..cpsat.budget import Budget
from ..demand.demand import Bundle
from ..state.domain_state import DomainState
from ..state.node_classes import Classes
from .plan import NodeSolution
from .solver import NodeSolver

Entry = tuple[int, int, DomainState, "NodeSolution | None", bool]
"""Cost, order of arrival, state, solution; without one the cost is a lower bound, and the last tells if a cheap one."""

Tied = list[tuple[int, NodeSolution]]
"""Nodes (bitmasks of positions) that can give a bundle at the same cost, each with its solution."""

RANKINGS = 256
"""Bundles that are ranked before the memory is emptied."""

PATIENCE = 32
"""States without nodes that one walk passes over before the rankings are renewed."""

STATE_STEPS = 3
"""What it costs to rank a state."""


class _Ranking:
    """One bundle's."""

    __slots__ = ("done", "entries")

    def __init__(self) -> None:
        self.done = 0
        self.entries: list[Entry] = []


class Rankings:
    """The rankings of all bundles that were asked for.

    Parameters
    ----------
    node_solver
        What a state can do for a bundle.
    """

    def __init__(self, node_solver: NodeSolver) -> None:
        self.node_solver = node_solver
        self._epoch = 1
        self._worn = False
        self._births: list[DomainState] = []
        self._born: set[DomainState] = set()
        self._rankings: Memory[Bundle, _Ranking] = Memory(RANKINGS)
        self._unfinished: set[Bundle] = set()

    def born(self, state: DomainState) -> None:
        """Note that a state has nodes now."""
        if state not in self._born:
            self._born.add(state)
            self._births.append(state)

    def refresh(self, classes: Classes, epoch: int) -> int:
        """Make sure that all states of a pool are known, and those of the past are not too many.

        Parameters
        ----------
        epoch
            What this returned to the pool last; zero at first.
        """
        for bundle in self._unfinished:
            # What there was no time to prove is not remembered beyond the decision: it would change later answers.
            self._rankings.pop(bundle, None)
        self._unfinished.clear()
        if self._worn and len(self._births) > 2 * len(classes):
            self._epoch += 1
            self._births = []
            self._born = set()
            self._rankings.clear()
        self._worn = False
        if epoch != self._epoch:
            for state in classes:
                self.born(state)
        return self._epoch

    def best_first(self, bundle: Bundle, classes: Classes, eligible: int | None, budget: Budget) -> Iterator[Tied]:
        """Yield the nodes that can give the bundle by themselves, best first, those of equal cost together.

        Parameters
        ----------
        eligible
            Bitmask of the positions that may be chosen; None for all.
        """
        entries = self._entries(bundle, budget)
        tied: Tied = []
        cost = place = stale = 0
        while place < len(entries):
            entry = entries[place]
            if tied and entry[0] != cost:
                yield tied
                tied = []
            nodes = classes.get(entry[2], 0)
            if eligible is not None:
                nodes &= eligible
            if not nodes:
                stale += 1
                if stale == PATIENCE:
                    self._worn = True
                place += 1
                continue
            solution = entry[3]
            if solution is None:
                self._settle(entries, place, bundle, budget)
                continue
            cost = entry[0]
            tied.append((nodes, solution))
            place += 1
        if tied:
            yield tied

    def inexact(self, bundle: Bundle) -> bool:
        """Tell whether there was no time to find out what some state can do; the ranking is no proof then."""
        return bundle in self._unfinished

    def lower_bound(self, bundle: Bundle, classes: Classes, budget: Budget) -> int | None:
        """Return a joint integer that no node goes below; None where no node can give the bundle."""
        entries = self._entries(bundle, budget)
        bounds = (entry[0] if entry[3] is None else entry[3].bound for entry in entries if entry[2] in classes)
        return min(bounds, default=None)

    def may_tie(self, bundle: Bundle, classes: Classes, lead: Callable[[int], int], budget: Budget) -> int:
        """Return the bitmask of at least all nodes that may be as good as the best in what leads a joint integer."""
        entries = self._entries(bundle, budget)
        best: int | None = None
        found = place = 0
        while place < len(entries):
            cost, _, state, solution, cheap = entries[place]
            nodes = classes.get(state)
            if nodes is not None:
                if best is not None and lead(cost) > best:
                    break
                if cheap:
                    self._settle(entries, place, bundle, budget)
                    continue
                found |= nodes
                if best is None and solution is not None:
                    best = lead(cost)
            place += 1
        return found

    def _settle(self, entries: list[Entry], place: int, bundle: Bundle, budget: Budget) -> None:
        """Put what a state really costs in the place of its lower bound."""
        _, number, state, _, cheap = entries[place]
        found = (self.node_solver.without_search if cheap else self.node_solver.best)(state, bundle, budget)
        del entries[place]
        self._rank(entries, number, bundle, state, found, place)

    def _rank(
        self,
        entries: list[Entry],
        number: int,
        bundle: Bundle,
        state: DomainState,
        found: NodeSolution | int | None,
        place: int = 0,
    ) -> None:
        """Give a state its place: by its solution, or by a lower bound; none where it has no solution."""
        if isinstance(found, int):
            insort(entries, (found, number, state, None, False), lo=place)
        elif found is not None:
            if not found.final:
                self._unfinished.add(bundle)
            if not found.outside:
                insort(entries, (found.cost, number, state, found, False), lo=place)

    def _entries(self, bundle: Bundle, budget: Budget) -> list[Entry]:
        ranking = self._rankings.get(bundle)
        if ranking is None:
            ranking = self._rankings[bundle] = _Ranking()
        births = self._births
        if ranking.done < len(births):
            budget.charge(STATE_STEPS * (len(births) - ranking.done))
        while ranking.done < len(births):
            state = births[ranking.done]
            if bundle.flat is None:
                found = self.node_solver.without_search(state, bundle, budget)
                self._rank(ranking.entries, ranking.done, bundle, state, found)
            else:
                least = self.node_solver.cheap_lower_bound(state, bundle)
                if least is not None:
                    insort(ranking.entries, (least, ranking.done, state, None, True))
            ranking.done += 1
        return ranking.entries
