"""The states of a pool's nodes in the order of what a bundle costs on them, kept up as states come and go.

A walk down a ranking gives the best nodes first, so that a decision looks at few of them. A state stands first where a
cheap lower bound puts it; when it is the best of those that have nodes, where a better bound does; and only when it is
still the best, it is solved. That is right because a bound is never above the cost: when the first entry is solved,
no other can be better. Most states are never solved.

A ranking need not be complete to have its top. States wait in the order of what it costs at least to touch them
(`touch_order`), and are taken from there only while that is no more than the cost of the best that is known.

A ranking knows every state that was live in any copy of a pool since it was last renewed. So copies share it, and
none has to tell it what ended: states that have no nodes any more are passed over. Where many are, they are set aside
until a node comes into one again, or another copy asks, which may have some; and when there are more of them than of
others, the rankings are renewed from the states that are live. An insertion costs a binary search.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from ...grammar.memory import Memory
from ...topology.tree import NodeType
from ..cpsat.budget import STEPS, Budget, CutOff
from ..demand.demand import Bundle, FlatSlots
from ..state.domain_state import DomainState
from ..state.node_classes import Classes
from .constructed_solution import construction_steps
from .plan import NodeSolution
from .ranking import BOUNDED, CROSSED, SOLVED, TOUCHED, Entry, Ranking
from .ranking_bounds import Fewest, TouchBounds, crossing_bound
from .solver import NodeSolver
from .touch_order import TouchOrder, Walk

Tied = list[tuple[int, NodeSolution]]
"""Nodes (bitmasks of positions) that can give a bundle at the same cost, each with its solution."""

RANKINGS = 256
"""Bundles that are ranked before the memory is emptied."""

PATIENCE = 32
"""States without nodes that one walk passes over before they are set aside, and the rankings may be renewed."""

FEW_LIVE = 256
"""States that are live up to which a ranking is of these alone, and made anew for each decision."""

STATE_STEPS = 3
"""What it costs to rank a state."""


SHARED = 3
"""A state that is searched may take of what is left of a budget as much as others that are not yet solved, so many at
the most: the last one may take it all."""

MORE = 1.2
"""So many times the work that a state had before are worth solving it once more."""

LEAST = 0.02
"""Seconds of work below which nothing is solved once more."""

STATES = 100_000
"""States whose bounds are remembered before the memory is emptied."""

ORDERS = 32
"""Touch orders that are remembered before the memory is emptied."""

FEW = 64
"""States born since the last touch order was made up to which none is made anew."""


class Rankings:
    """The rankings of all bundles that were asked for.

    Parameters
    ----------
    node_solver
        What a state can do for a bundle.
    types
        Of all nodes that may ever be in any state.
    """

    def __init__(self, node_solver: NodeSolver, types: Sequence[NodeType]) -> None:
        self.node_solver = node_solver
        self._issued = self._renewed = 1
        self._worn = False
        self._births: list[DomainState] = []
        self._born: set[DomainState] = set()
        self._rankings: Memory[Bundle, Ranking] = Memory(RANKINGS)
        self._of_few: Memory[Bundle, tuple[Classes, Ranking]] = Memory(RANKINGS)
        self._unfinished: set[Bundle] = set()
        self._given: dict[tuple[Bundle, DomainState], float] = {}
        self._aside: dict[DomainState, list[Ranking]] = {}
        self._touch_bounds = TouchBounds(node_solver.scale, types, STATES)
        self._orders: Memory[tuple[bool, Fewest], TouchOrder] = Memory(ORDERS)

    def born(self, state: DomainState) -> None:
        """Note that a state has nodes now."""
        if state in self._aside:
            self._take_back(state)
        if state not in self._born:
            self._born.add(state)
            self._births.append(state)

    def refresh(self, classes: Classes, token: int) -> int:
        """Make sure that all states of a pool are known, and those of the past are not too many.

        Parameters
        ----------
        token
            What this returned to the pool last, or to the one that it is a copy of; zero at first.

        Notes
        -----
        What was set aside had no nodes in the pool that was refreshed last. That is the one with the last token, and
        states that it came into since were `born` again; any other may have nodes in some of them.
        """
        # What there was no time to prove is not remembered beyond the decision: it would change later answers.
        self.forget_unfinished()
        if self._worn and len(self._births) > 2 * len(classes):
            self._renewed = self._issued + 1
            self._births = []
            self._born = set()
            self._rankings.clear()
            self._orders.clear()
            self._aside.clear()
        self._worn = False
        if token < self._renewed:
            for state in classes:
                self.born(state)
        if token != self._issued:
            for state in [state for state in self._aside if state in classes]:
                self._take_back(state)
        self._issued += 1
        return self._issued

    def forget_unfinished(self) -> None:
        """Forget what there was no time to prove, for who has more."""
        for bundle in self._unfinished:
            self._forget(bundle)
        self._unfinished.clear()
        self._given.clear()
        self._of_few.clear()

    def _forget(self, bundle: Bundle) -> None:
        ranking = self._rankings.pop(bundle, None)
        if ranking is not None:
            for state in ranking.aside:
                self._aside[state].remove(ranking)

    def _take_back(self, state: DomainState) -> None:
        for ranking in self._aside.pop(state):
            ranking.take_back(state)

    def best_first(
        self, bundle: Bundle, classes: Classes, eligible: int | None, budget: Budget, most: int | None = None
    ) -> Iterator[Tied]:
        """Yield the nodes that can give the bundle by themselves, best first, those of equal cost together.

        Parameters
        ----------
        eligible
            Bitmask of the positions that may be chosen; None for all.
        most
            The cost up to which they are asked for, as a joint integer; None for any.

        Raises
        ------
        CutOff
            After all that is known, when there was no time to find out whether some other node can give it.
        """
        ranking = self._ranking(bundle, classes, budget)
        tied: Tied = []
        cost = 0
        for place, nodes in self._live(ranking, classes, eligible):
            entry = ranking.entries[place]
            if tied and entry[0] != cost:
                yield tied
                tied = []
            if most is not None and entry[0] > most:
                return
            solution = entry[3]
            if solution is None and most is None and not budget.left:
                yield from [tied] if tied else []
                tied = []
                yield from ([one] for one in self._known_first(ranking, place, bundle, classes, eligible, budget))
                break
            if solution is None:
                self._look_at(ranking, place, bundle, classes, budget)
                continue
            cost = entry[0]
            tied.append((nodes, solution))
        if tied:
            yield tied
        self._check_lost(ranking, classes, eligible)

    def _known_first(
        self, ranking: Ranking, place: int, bundle: Bundle, classes: Classes, eligible: int | None, budget: Budget
    ) -> Iterator[tuple[int, NodeSolution]]:
        """Yield what is solved from a place on, then the others, each only solved where it is asked for.

        So a choice among many nodes that all differ ends about when its work is used up; it is no proof.
        """
        self._unfinished.add(bundle)
        for _, _, state, solution, _ in ranking.entries[place:]:
            nodes = classes.get(state, 0) & (-1 if eligible is None else eligible)
            if nodes and solution is not None:
                yield nodes, solution
        for there, nodes in self._live(ranking, classes, eligible):
            if ranking.entries[there][3] is None:
                found = self._look_at(ranking, there, bundle, classes, budget)
                if found is not None:
                    yield nodes, found

    def least_led(
        self, bundle: Bundle, classes: Classes, eligible: int | None, lead: Callable[[int], int], budget: Budget
    ) -> int | None:
        """Return what the best node comes to in what leads a joint integer; None where no node can give the bundle.

        That takes fewer solutions than to find the best: of all states that may tie in what leads, one is enough.

        Raises
        ------
        CutOff
            When there was no time to find out whether any node can give it.
        """
        ranking = self._ranking(bundle, classes, budget)
        solved = (entry[3] for entry in ranking.entries if entry[3] is not None and entry[2] in classes)
        known = next(solved, None) if eligible is None else None
        best = None if known is None else lead(known.bound)
        for place, _ in self._live(ranking, classes, eligible):
            entry = ranking.entries[place]
            if best is not None and lead(entry[0]) >= best:
                return best
            solution = entry[3] or self._look_at(ranking, place, bundle, classes, budget)
            if solution is not None:
                led = lead(solution.bound)
                best = led if best is None else min(best, led)
        if best is None:
            self._check_lost(ranking, classes, eligible)
        return best

    def _live(self, ranking: Ranking, classes: Classes, eligible: int | None) -> Iterator[tuple[int, int]]:
        """Yield the places of a ranking whose states have nodes that may be chosen, and these: each until it is solved.

        What is done with a place that is not solved yet puts it, or another, into its place.
        """
        place = stale = 0
        while ranking.is_up_to(place):
            entry = ranking.entries[place]
            nodes = classes.get(entry[2], 0)
            if eligible is not None:
                nodes &= eligible
            if nodes:
                yield place, nodes
                place += entry[3] is not None
                continue
            stale += 1
            place += 1
            if stale == PATIENCE:
                stale = 0
                self._worn = True
                place = self._set_aside(ranking, place, classes)

    def _look_at(
        self, ranking: Ranking, place: int, bundle: Bundle, classes: Classes, budget: Budget
    ) -> NodeSolution | None:
        """Find out more of a state; none keeps the others from being looked at, nor from being constructed at least."""
        if bundle.flat is None:
            others = (len(ranking.entries) - place) * construction_steps(ranking.entries[place][2], bundle)
            budget = budget.beyond(min(others, int(budget.limit * STEPS) // 2))
        if bundle.flat is None or ranking.entries[place][4] != TOUCHED:
            budget = budget.part(1 / self._unsolved(ranking, place, classes))
        return self._settle(ranking, place, bundle, budget)

    def _check_lost(self, ranking: Ranking, classes: Classes, eligible: int | None) -> None:
        if any(classes.get(state, 0) & (-1 if eligible is None else eligible) for _, state in ranking.lost):
            raise CutOff

    def _unsolved(self, ranking: Ranking, place: int, classes: Classes) -> int:
        """Return how many states from a place on are not solved yet, the one there among them: `SHARED` for more."""
        unsolved = (entry for entry in islice(ranking.entries, place, None) if entry[3] is None and entry[2] in classes)
        number = sum(1 for _ in islice(unsolved, SHARED))
        return number if ranking.waiting.next_bound is None else min(SHARED, number + 1)

    def _set_aside(self, ranking: Ranking, place: int, classes: Classes) -> int:
        """Set aside what was passed over before a place of a ranking; return the place of the same entry after that."""
        gone = ranking.set_aside(place, classes)
        for state in gone:
            self._aside.setdefault(state, []).append(ranking)
        return place - len(gone)

    def inexact(self, bundle: Bundle) -> bool:
        """Tell whether there was no time to find out what some state can do; the ranking is no proof then."""
        return bundle in self._unfinished

    def lower_bound(self, bundle: Bundle, classes: Classes, budget: Budget) -> int | None:
        """Return a joint integer that no node goes below; None where no node can give the bundle."""
        return min((bound for bound, _ in self.bounds(bundle, classes, budget)), default=None)

    def bounds(self, bundle: Bundle, classes: Classes, budget: Budget) -> list[tuple[int, DomainState]]:
        """Return what nodes of each state that may give the bundle cost at least, as a joint integer."""
        ranking = self._ranking(bundle, classes, budget)
        bounds = [(e[0] if e[3] is None else e[3].bound, e[2]) for e in ranking.take_all()]
        return [(bound, state) for bound, state in [*bounds, *ranking.lost] if state in classes]

    def improve(self, bundle: Bundle, classes: Classes, budget: Budget) -> bool:
        """Solve once more what is ranked and not proven, with all that is left; tell whether anything new is known.

        Those that may cost the least come first. What one state leaves of its share is the others'. Equal slots for
        which there would be hardly more work than before are left as they are.
        """
        ranking = self._ranking(bundle, classes, budget)
        pending = sorted(
            (entry[3].bound, entry[1], entry)
            for entry in ranking.entries
            if entry[3] is not None and entry[3].bound < entry[3].cost and entry[2] in classes
        )
        improved = False
        for left, (_, _, entry) in zip(range(len(pending), 0, -1), pending, strict=True):
            if budget.left < LEAST:
                break
            known = entry[3]
            more = budget.part(1 / left)
            if bundle.flat is not None and more.left < MORE * self._given.get((bundle, entry[2]), 0.0):
                continue  # for equal slots the same search comes to the same, or less
            try:
                found = self.node_solver.best(entry[2], bundle, more)
            except CutOff:
                continue
            if known is None or found is None or (found.cost >= known.cost and found.bound <= known.bound):
                continue
            ranking.entries.remove(entry)
            self._rank(ranking.entries, entry[1], bundle, entry[2], known.joined(found))
            improved = True
        return improved

    def least(self, bundle: Bundle, classes: Classes, budget: Budget) -> int | None:
        """Return a joint integer that no node goes below, which takes no search; None where no node can give it."""
        ranking = self._ranking(bundle, classes, budget)
        return ranking.entries[0][0] if ranking.is_up_to(0) else min([bound for bound, _ in ranking.lost], default=None)

    def may_tie(self, bundle: Bundle, classes: Classes, lead: Callable[[int], int], budget: Budget) -> int:
        """Return the bitmask of at least all nodes that may be as good as the best in what leads a joint integer."""
        ranking = self._ranking(bundle, classes, budget)
        entries = ranking.entries
        best: int | None = None
        found = place = 0
        while ranking.is_up_to(place):
            cost, _, state, solution, known = entries[place]
            nodes = classes.get(state)
            if nodes is not None:
                if best is not None and lead(cost) > best:
                    break
                if known < BOUNDED:
                    self._settle(ranking, place, bundle, budget)
                    continue
                found |= nodes
                if best is None and solution is not None:
                    best = lead(cost)
            place += 1
        return found

    def _settle(self, ranking: Ranking, place: int, bundle: Bundle, budget: Budget) -> NodeSolution | None:
        """Put a better lower bound in the place of a lower bound, or what a state really costs, which is returned."""
        entries = ranking.entries
        bound, number, state, _, known = entries[place]
        if known == TOUCHED and bundle.flat is not None and not ranking.alone:
            crossed = crossing_bound(self.node_solver.scale, state, bundle.flat)
            better = bound + max(0, crossed - self._touch_bounds.crossed(bundle.flat))
            del entries[place]
            insort(entries, (better, number, state, None, CROSSED), lo=place)
            return None
        try:
            if known < BOUNDED and not ranking.alone:
                found = self.node_solver.without_search(state, bundle, budget)
                if isinstance(found, int):
                    found = max(found, bound)  # each bounds some terms better than the other
            else:
                self._given[bundle, state] = budget.left
                found = self.node_solver.best(state, bundle, budget)
        except CutOff:
            ranking.lost.append((bound, state))
            self._unfinished.add(bundle)
            del entries[place]
            return None
        del entries[place]
        self._rank(entries, number, bundle, state, found, place)
        return None if isinstance(found, int) or found is None or found.outside else found

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
            insort(entries, (found, number, state, None, BOUNDED), lo=place)
        elif found is not None:
            if not found.final:
                self._unfinished.add(bundle)
            if not found.outside:
                insort(entries, (found.cost, number, state, found, SOLVED), lo=place)

    def _ranking(self, bundle: Bundle, classes: Classes, budget: Budget) -> Ranking:
        """Return the ranking of a bundle, with all states that were born since it was asked for last.

        Where few states are live, and none was ranked before, these alone are ranked, for this decision.
        """
        ranking = self._rankings.get(bundle)
        if ranking is None:
            if len(classes) <= FEW_LIVE:
                return self._of_live(bundle, classes, budget)
            if len(self._rankings) >= RANKINGS:
                self._rankings.clear()
                self._aside.clear()
            ranking = self._rankings[bundle] = self._begun(bundle)
        births = self._births
        if ranking.done < len(births):
            budget.charge(STATE_STEPS * (len(births) - ranking.done))
        while ranking.done < len(births):
            self._enter(ranking, ranking.done, births[ranking.done], bundle, budget)
            ranking.done += 1
        return ranking

    def _enter(self, ranking: Ranking, number: int, state: DomainState, bundle: Bundle, budget: Budget) -> None:
        """Put a state into a ranking, by a bound that is found quickly."""
        flat = bundle.flat
        if flat is None:
            found = self.node_solver.without_search(state, bundle, budget)
            self._rank(ranking.entries, number, bundle, state, found)
        elif flat.count * flat.cores <= state.free_cores and flat.count * flat.gpus <= state.free_gpus:
            ranking.add(self.touch_bounds([state], flat)[0], number, state)

    def touch_bounds(self, states: Sequence[DomainState], flat: FlatSlots) -> list[int]:
        """Return of states joint integers that no placement of equal slots there is below: quickly found, not much."""
        bounds, shielded = self._touch_bounds, not flat.gpus
        fewest = bounds.fewest(flat)
        size = (flat.count * flat.cores, flat.count * flat.gpus) if self.node_solver.scale.rooms else None
        return [bounds.of(state, fewest, shielded=shielded, size=size) for state in states]

    def crosses(self, flat: FlatSlots) -> bool:
        """Tell whether equal slots have to be torn on any node, as no domain is large enough."""
        return self._touch_bounds.crossed(flat) > 0

    def _of_live(self, bundle: Bundle, classes: Classes, budget: Budget) -> Ranking:
        """Return a ranking of the states that have nodes; what is known of it is kept as long as these are the same."""
        known = self._of_few.get(bundle)
        if known is not None and known[0] is classes:
            return known[1]
        budget.charge(STATE_STEPS * len(classes))
        flat = bundle.flat
        ranking = Ranking(Walk(()), 0, 0 if flat is None else self._least_torn(flat))
        if flat is None:
            for number, state in enumerate(classes):
                self._enter(ranking, number, state, bundle, budget)
        else:
            cores, gpus = flat.count * flat.cores, flat.count * flat.gpus
            roomy = [state for state in classes if cores <= state.free_cores and gpus <= state.free_gpus]
            least = self.touch_bounds(roomy, flat)
            ranking.add_all(least, roomy)
            ranking.alone = len(roomy) == 1
        self._of_few[bundle] = (classes, ranking)
        return ranking

    def _begun(self, bundle: Bundle) -> Ranking:
        flat = bundle.flat
        if flat is None:
            return Ranking(Walk(()), 0)
        bounds, kind = self._touch_bounds, (not flat.gpus, self._touch_bounds.fewest(flat))
        order = self._orders.get(kind)
        if order is None or len(self._births) - order.size > FEW + order.size // 4:
            order = TouchOrder(self._births, lambda state: bounds.of(state, kind[1], shielded=kind[0]))
            self._orders[kind] = order
        waiting = order.walk(flat.count * flat.cores, flat.count * flat.gpus)
        return Ranking(waiting, order.size, self._least_torn(flat))

    def _least_torn(self, flat: FlatSlots) -> int:
        """Return what equal slots cross and count for standing apart at least on any node, as a joint integer."""
        return self._touch_bounds.crossed(flat) + self._touch_bounds.apart(flat)
