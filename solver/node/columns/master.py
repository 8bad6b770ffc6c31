"""The master problem: runs so that all slots are in one, no domain in two, and one component after the other is least.

Bounds are whole numbers. Prices of the rows, rounded to fractions of a power of two, are a relaxation of their own
(Lagrangian): each run counts what it costs at these prices, what is touched what it costs beyond them. The least of
that is below any choice of runs, whatever prices it is made with, and so is the next whole number.

Whether a branch is touched, a node or a socket, is decided by branching: relaxed, a part of it would do.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING

from ...cpsat.budget import Budget
from ..construction import SlotKind
from .forest import Forest, Run
from .near import near_runs
from .pricing import Prices, Pricing
from .simplex import Simplex
from .weights import Weights

if TYPE_CHECKING:
    from .simplex import Array

ONE = 1 << 20
"""What prices are fractions of."""

BROKEN = 1 << 12
"""What each unit costs by which a row is broken: more than any component gains by that."""

MOST_BRANCHINGS = 25
"""How often it is decided whether something is touched, for one bound."""

MOST_NEAR = 1_000
"""Runs that are gathered where a bound is not reached."""

HALVINGS = 4
"""How often it is tried with half of what they may cost beyond what they pay, where there are more."""

MOST_SPACED, SPACED = 400, 9
"""Where these are still too many, so many of them are taken, one of so many."""

CLEAR = 1e-4
"""What is no further from a whole number is whole."""


@dataclass(frozen=True)
class Relaxed:
    """What prices prove.

    Attributes
    ----------
    bound
        What a component comes to at the least.
    total, least
        The same in fractions, as if no run cost less than it pays, and what the best one costs beyond that.
    prices
        Themselves.
    """

    bound: int
    total: int
    least: int
    prices: Prices


class Master:
    """The master problem of some slots on some nodes.

    Parameters
    ----------
    forest, kinds
        The nodes, and the slots: each takes cores.
    budget
        What is done is spent.

    Attributes
    ----------
    runs
        All that are known, with their columns.
    has_all
        Whether all that were to be gathered last are among them.
    """

    def __init__(self, forest: Forest, kinds: Sequence[SlotKind], budget: Budget) -> None:
        self.forest, self.kinds = forest, kinds
        self.runs: dict[Run, int] = {}
        self.has_all = False
        self._pricing = Pricing(forest, kinds, budget)
        self._leaf_row = len(kinds)
        self._gpu_row = self._leaf_row + len(forest.leaves)
        right = [kind.count for kind in kinds]
        right += [len(leaf.places) for leaf in forest.leaves]
        right += [branch.gpus for branch in forest.branches]
        self._program = Simplex(right, [row < len(kinds) for row in range(len(right))], BROKEN, budget)
        self._most_runs = min(sum(kind.count for kind in kinds), sum(len(leaf.places) for leaf in forest.leaves))
        # What is decided of branches, in all ways that are open; and what bounds came to in each of them.
        self._open: list[dict[int, bool]] = [{}]
        self._leaves: list[tuple[int, dict[int, bool]]] = []
        # Components that are held, with their rows and the right sides of these.
        self._held: list[tuple[Weights, int, int]] = []
        # Once branches may be spared: what is in each, itself first, and the column that spares it.
        self._inside: list[list[int]] = []
        self._spared: list[int] = []

    def add(self, run: Run) -> bool:
        """Add a run; tell whether it was not known."""
        if run in self.runs:
            return False
        entries: dict[int, float] = {kind: n for kind, n in enumerate(run.vector) if n}
        for leaf, n in run.leaves:
            entries[self._leaf_row + leaf] = n
        for branch, n in run.gpus:
            entries[self._gpu_row + branch] = n
        for weights, row, _ in self._held:
            entries[row] = self.value(weights, run)
        self.runs[run] = self._program.add_column(entries)
        return True

    def value(self, weights: Weights, run: Run) -> int:
        """Return what a run counts itself at the least, without what branches count."""
        total = sum(weights.leaves[leaf] * n for leaf, n in run.leaves)
        if any(weights.shield) and not any(n and k.gpus for n, k in zip(run.vector, self.kinds, strict=True)):
            total += sum(weights.shield[leaf] * n for leaf, n in run.leaves)
        if weights.level >= 0:
            total += max(0, self.touched(run, weights.level) - 1)
        return total

    def touched(self, run: Run, level: int) -> int:
        """Return how many domains of a level a run touches."""
        forest = self.forest
        if level == len(forest.levels) - 1:
            return sum(n for _, n in run.leaves)
        return sum(forest.branches[outer].depth == level + 1 for outer in forest.touched(run))

    def _spare(self, weights: Weights) -> None:
        """Let it be a matter of choice from now on which branches are touched, if a component counts any."""
        forest = self.forest
        if self._spared or not any(weights.branches):
            return
        for number in range(len(forest.branches)):
            inside = [number]
            for some in inside:
                inside.extend(forest.branches[some].branches)
            entries: dict[int, float] = {}
            for inner in inside:
                for leaf in forest.branches[inner].leaves:
                    entries[self._leaf_row + leaf] = len(forest.leaves[leaf].places)
                if forest.branches[inner].gpus:
                    entries[self._gpu_row + inner] = forest.branches[inner].gpus
            self._inside.append(inside)
            self._spared.append(self._program.add_column(entries))

    def hold(self, weights: Weights, most: int) -> None:
        """Let a component come to no more than so much."""
        self._spare(weights)
        right = most - sum(weights.branches)
        self._open = [fixed for low, fixed in self._leaves if low <= most] or self._open
        self._leaves = []
        self._held.append((weights, self._program.add_row(self._costs(weights), right), right))

    def _costs(self, weights: Weights) -> list[float]:
        """Return what each column counts."""
        costs = [0.0] * self._program.columns
        for run, column in self.runs.items():
            costs[column] = self.value(weights, run)
        for inside, column in zip(self._inside, self._spared, strict=True):
            costs[column] = -sum(weights.branches[inner] for inner in inside)
        return costs

    # -- bounds ------------------------------------------------------------------------------------------------------

    def bound(self, weights: Weights, enough: int, *, gather: bool = False) -> int:
        """Return what a component comes to at the least; no more than what is enough.

        Parameters
        ----------
        gather
            Whether to add all runs of which any choice may be that comes to less than what is enough; or some of them,
            if they are many: see `has_all`.

        Raises
        ------
        CutOff
            When the work was used up.
        """
        self._spare(weights)
        numbers = count()
        pending = [(0, next(numbers), fixed) for fixed in self._open]
        self._leaves = []
        self.has_all = True
        least = enough
        while pending and pending[0][0] < (enough if gather else least):
            low, number, fixed = heapq.heappop(pending)
            relaxed = self._relaxed(weights, enough, fixed)
            low = max(low, weights.reached(relaxed.bound, self.forest))
            branch = None
            if low < enough and number < len(self._open) + 2 * MOST_BRANCHINGS:
                branch = self._half_touched(weights, fixed)
            if branch is not None:
                for is_touched in (False, True):
                    heapq.heappush(pending, (low, next(numbers), {**fixed, branch: is_touched}))
                continue
            low = min(low, enough)
            self._leaves.append((low, fixed))
            least = min(least, low)
            if gather and low < enough:
                self._gather(relaxed, (enough - 1) * ONE)
        self._leaves += [(low, fixed) for low, _, fixed in pending]
        return least

    def _gather(self, relaxed: Relaxed, most: int) -> None:
        """Add all runs that a choice may have that comes to no more than so much; or those that cost least, if many."""
        limit = most - relaxed.total - (self._most_runs - 1) * relaxed.least
        for smaller in range(HALVINGS + 1):
            near = list(islice(near_runs(self._pricing, relaxed.prices, limit >> smaller), MOST_NEAR + 1))
            if len(near) <= MOST_NEAR:
                for run in near:
                    self.add(run)
                self.has_all = self.has_all and not smaller
                return
        self.has_all = False
        for run in islice(near_runs(self._pricing, relaxed.prices, limit >> HALVINGS), 0, MOST_SPACED * SPACED, SPACED):
            self.add(run)

    def _relaxed(self, weights: Weights, enough: int, fixed: Mapping[int, bool]) -> Relaxed:
        """Return a bound that holds where it is fixed of some branches whether they are touched."""
        broken = self._broken(fixed)
        costs = self._costs(weights)
        for run, column in self.runs.items():
            costs[column] += BROKEN * sum(broken[branch] for branch in self._taken_of(run))
        for column, is_forced in zip(self._spared, self._forced(fixed), strict=True):
            costs[column] += BROKEN * is_forced
        self._program.set_costs(costs)
        best: Relaxed | None = None
        while True:
            rows = self._program.solve()
            found, runs = self._priced(weights, rows, broken, fixed)
            if best is None or found.bound > best.bound or found.least > best.least:
                best = found
            if best.bound >= enough or found.least >= 0:
                return best
            new = False
            for run in runs:
                if self.add(run):
                    new = True
                    extra = BROKEN * sum(broken[branch] for branch in self._taken_of(run))
                    self._program.set_cost(self.runs[run], self.value(weights, run) + extra)
            if not new:
                return best

    def _taken_of(self, run: Run) -> list[int]:
        """Return the branch of each thing that a run takes."""
        leaves = [self.forest.leaves[leaf].branch for leaf, n in run.leaves for _ in range(n)]
        return leaves + [branch for branch, n in run.gpus for _ in range(n)]

    def _broken(self, fixed: Mapping[int, bool]) -> list[bool]:
        """Return of each branch whether nothing of it may be taken."""
        return [
            any(fixed.get(outer) is False for outer in self.forest.path(n)) for n in range(len(self.forest.branches))
        ]

    def _forced(self, fixed: Mapping[int, bool]) -> list[bool]:
        """Return of each branch that may be spared whether it must not be."""
        return [any(fixed.get(inner) for inner in inside) for inside in self._inside]

    def _priced(
        self, weights: Weights, rows: Array, broken: Sequence[bool], fixed: Mapping[int, bool]
    ) -> tuple[Relaxed, list[Run]]:
        """Return what the prices of rows prove, and runs that cost less than they pay."""
        forest = self.forest
        own = [max(0, -round(rows[self._leaf_row + n] * ONE)) for n in range(len(forest.leaves))]
        gpus = [max(0, -round(rows[self._gpu_row + n] * ONE)) for n in range(len(forest.branches))]
        slots = [max(0, int(rows[n] * ONE)) for n in range(len(self.kinds))]
        counted = [(weights, ONE)]
        total = sum(price * kind.count for price, kind in zip(slots, self.kinds, strict=True))
        for some, row, right in self._held:
            price = max(0, -round(rows[row] * ONE))
            counted.append((some, price))
            total -= price * right
        prices = Prices(
            tuple(slots),
            tuple(
                price + sum(p * some.leaves[n] for some, p in counted) + BROKEN * ONE * broken[forest.leaves[n].branch]
                for n, price in enumerate(own)
            ),
            tuple(sum(p * some.shield[n] for some, p in counted) for n in range(len(own))),
            tuple(price + BROKEN * ONE * broken[n] for n, price in enumerate(gpus)),
            tuple(sum(p for some, p in counted if some.level == level) for level in range(len(forest.levels))),
        )
        least, runs = self._pricing.best(prices)
        total += self._of_branches(counted, own, gpus, fixed) + sum(weights.branches) * ONE
        return Relaxed(-(-(total + self._most_runs * least) // ONE), total, least, prices), runs

    def _of_branches(
        self, counted: Sequence[tuple[Weights, int]], own: Sequence[int], gpus: Sequence[int], fixed: Mapping[int, bool]
    ) -> int:
        """Return the least of all branches: each gives what its rows are worth, or is spared what it counts."""
        forest = self.forest
        forced = self._forced(fixed)
        gives = [0] * len(forest.branches)
        for number in range(len(gives) - 1, -1, -1):
            branch = forest.branches[number]
            here = -gpus[number] * branch.gpus + sum(gives[inner] for inner in branch.branches)
            here -= sum(own[leaf] * len(forest.leaves[leaf].places) for leaf in branch.leaves)
            if self._spared and not forced[number]:
                spared = sum(price * some.branches[i] for some, price in counted for i in self._inside[number])
                here = min(here, -spared)
            gives[number] = here
        return sum(gives[n] for n, branch in enumerate(forest.branches) if branch.parent < 0)

    def _half_touched(self, weights: Weights, fixed: Mapping[int, bool]) -> int | None:
        """Return a branch that the last solution touches in part, the outermost and most undecided one that counts."""
        solution = self._program.solution()
        counts = [weights, *(some for some, _, _ in self._held)]
        found: list[tuple[int, float, int]] = []
        for number, branch in enumerate(self.forest.branches if self._spared else ()):
            if number in fixed or not any(some.branches[number] for some in counts):
                continue
            touched = 1 - sum(solution.get(self._spared[outer], 0.0) for outer in self.forest.path(number))
            if CLEAR < touched < 1 - CLEAR:
                found.append((branch.depth, abs(touched - 0.5), number))
        return min(found)[2] if found else None
