"""The run that pays best at given prices: dynamic programs over cores and GPUs, in whole numbers.

One says what a run costs at the least that has so many cores and GPUs, from the innermost domains out; the other one
what slots pay at the most that go into so many. The best run is where they are furthest apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...cpsat.budget import Budget
from ..construction import SlotKind
from .forest import Branch, Forest, Run
from .tables import NEVER, Entry, Shape, Table, Values, powers

TABLE_STEPS = 5
"""Steps of work for each pass over a table."""

NUMBERS_A_STEP = 700
"""Numbers of a table that are a step of work beside that."""


@dataclass(frozen=True)
class Prices:
    """What things cost, and what slots pay.

    Attributes
    ----------
    slots
        What a slot of each kind pays.
    leaves, shield
        What a domain of each leaf costs, and what it costs beside that a slot without GPUs is there.
    gpus
        What one of a branch's own GPUs costs.
    levels
        What it costs to touch one more domain of each level.
    """

    slots: tuple[int, ...]
    leaves: tuple[int, ...]
    shield: tuple[int, ...]
    gpus: tuple[int, ...]
    levels: tuple[int, ...]


class Pricing:
    """Finds runs.

    Parameters
    ----------
    forest, kinds
        Of what, and for which slots: each takes cores.
    budget
        What is done is spent.

    Attributes
    ----------
    passes
        Those of slots without GPUs alone are looked for, and then, if there are others, all with such.
    """

    def __init__(self, forest: Forest, kinds: Sequence[SlotKind], budget: Budget) -> None:
        self.forest, self.kinds, self.budget = forest, kinds, budget
        self.passes = (True, False) if any(kind.gpus for kind in kinds) else (True,)
        self._asked = tuple(
            max(sum(kind.count * kind.cores for kind in kinds if not (bare and kind.gpus)), 1) for bare in (False, True)
        )
        self._most_gpus = sum(kind.count * kind.gpus for kind in kinds)
        self._largest = max(leaf.cores for leaf in forest.leaves)

    def shape(self, number: int, *, bare: bool) -> Shape:
        """Return how many numbers of cores, and of GPUs, a run may have that is in a branch.

        No run has more than it needs, each of its domains being there for cores or for a GPU.
        """
        branch = self.forest.branches[number]
        gpus = 0 if bare else min(branch.state.free_gpus, self._most_gpus)
        most = self._asked[bare] + self._largest * (1 + gpus)
        return min(branch.state.free_cores, most) + 1, gpus + 1

    def best(self, prices: Prices) -> tuple[int, list[Run]]:
        """Return the least that a run costs beyond what its slots pay, and runs for which that is below zero."""
        found: list[tuple[int, Run]] = []
        least = 0
        for bare in self.passes:
            for cost, run in Search(self, prices, bare=bare).runs():
                least = min(least, cost)
                if run is not None:
                    found.append((cost, run))
        found.sort(key=lambda some: some[0])
        return least, [run for _, run in found]


class Search:
    """One search for runs."""

    def __init__(self, pricing: Pricing, prices: Prices, *, bare: bool) -> None:
        self._pricing, self._prices, self._bare = pricing, prices, bare
        self._forest = pricing.forest
        self._best = [0] * len(self._forest.branches)
        self._tables: dict[int, Table] = {}
        self._steps = 0

    def runs(self) -> Iterator[tuple[int, Run]]:
        """Yield runs that cost less than their slots pay, the best in each branch, with what they cost beyond that.

        What is no better than in a branch inside it is left out.
        """
        pricing, forest, best = self._pricing, self._forest, self._best
        shapes = [pricing.shape(n, bare=self._bare) for n, branch in enumerate(forest.branches) if not branch.depth]
        shape = max(rows for rows, _ in shapes), max(columns for _, columns in shapes)
        values = Values(pricing.kinds, self._prices.slots, shape, bare=self._bare)
        for number, table in self._made():
            branch = forest.branches[number]
            rows, columns = table.costs.shape
            beyond = table.costs[1:] - values.values[1:rows, :columns]
            if not beyond.size:
                continue
            place = int(beyond.argmin())
            row, column = divmod(place, columns)
            cost = int(beyond[row, column]) - sum(self._prices.levels[branch.depth :])
            inside = min((best[inner] for inner in branch.branches), default=0)
            best[number] = min(cost, inside)
            if cost < inside:
                yield cost, self._run(number, row + 1, column, values.vector(row + 1, column))
        pricing.budget.spend(self._steps)

    def _made(self) -> Iterator[tuple[int, Table]]:
        """Make the tables of all branches, the innermost first."""
        for number in range(len(self._forest.branches) - 1, -1, -1):
            self._tables[number] = self._table(number)
            yield number, self._tables[number]

    def _table(self, number: int) -> Table:
        forest, prices = self._forest, self._prices
        branch = forest.branches[number]
        table = Table(self._pricing.shape(number, bare=self._bare))
        for leaf in branch.leaves:
            some = forest.leaves[leaf]
            gpus = 0 if self._bare else some.gpus
            cost = prices.leaves[leaf] + prices.levels[branch.depth] + (prices.shield[leaf] if self._bare else 0)
            for times in self._times(len(some.places)):
                table.add("leaf", leaf, [Entry(n * some.cores, n * gpus, n * cost, n) for n in times])
        for inner in branch.branches if self._may_leave(branch) else ():
            table.add("branch", inner, self._entries(inner, prices.levels[branch.depth]))
        if not self._bare:
            for times in self._times(branch.gpus):
                table.add("gpus", number, [Entry(0, n, n * prices.gpus[number], n) for n in times])
        passes = sum(len(item.entries) for item in table.items)
        self._steps += passes * (TABLE_STEPS + table.costs.size // NUMBERS_A_STEP)
        return table

    def _may_leave(self, branch: Branch) -> bool:
        """Tell whether a run that has something of several branches in one may pay more than each of these.

        Of slots of cores fewer are torn between them than they are: without these, each has a run of its own.
        """
        if not self._bare:
            return True
        least = min((self._best[inner] for inner in branch.branches), default=0)
        return self._prices.levels[branch.depth] - max(self._prices.slots) < -2 * least

    def _times(self, number: int) -> Iterator[tuple[int, ...]]:
        """Yield numbers of equal things of which one may be taken each time, so that any number may be in the end."""
        yield from ((times,) for times in powers(number))

    def _entries(self, number: int, cross: int) -> list[Entry]:
        """Return what a run may have of a branch that it touches: what costs less than all that is more."""
        import numpy as np

        costs = self._tables[number].costs
        after = np.full((costs.shape[0] + 1, costs.shape[1] + 1), NEVER, np.int64)
        after[:-1, :-1] = costs
        after = np.minimum.accumulate(np.minimum.accumulate(after[::-1], axis=0)[:, ::-1], axis=1)[::-1, ::-1]
        beaten = np.minimum(after[1:, :-1], after[:-1, 1:]) <= costs
        beaten[0, 0] = True
        rows, columns = np.nonzero(~beaten & (costs < NEVER // 2))
        least = costs[rows, columns] + cross
        return [Entry(*entry) for entry in zip(rows.tolist(), columns.tolist(), least.tolist(), strict=True)]

    def _run(self, number: int, cores: int, gpus: int, vector: tuple[int, ...]) -> Run:
        leaves: dict[int, int] = {}
        own: dict[int, int] = {}
        pending = [(number, cores, gpus)]
        while pending:
            at, cores, gpus = pending.pop()
            for item, entry in self._tables[at].trace(cores, gpus):
                if item.what == "branch":
                    pending.append((item.number, entry.cores, entry.gpus))
                else:
                    taken = leaves if item.what == "leaf" else own
                    taken[item.number] = taken.get(item.number, 0) + entry.times
        return Run(tuple(sorted(leaves.items())), tuple(sorted(own.items())), vector)
