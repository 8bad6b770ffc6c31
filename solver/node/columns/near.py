"""All runs that cost little beyond what their slots pay: a placement that is better than what is known has no others.

The tables of `pricing` say what a run costs at the least, so that going back through them ends at once where a run
costs too much.
"""

from __future__ import annotations

from collections.abc import Iterator

from .forest import Branch, Run
from .pricing import Prices, Pricing, Search
from .tables import NEVER, Entry, Values, sources

WAY_STEPS = 1
"""Steps of work for each step back through tables."""

Numbers = tuple[tuple[int, int], ...]
"""Numbers of leaves, or of branches, each with how many of it."""


def near_runs(pricing: Pricing, prices: Prices, limit: int) -> Iterator[Run]:
    """Yield all runs that cost no more than so much beyond what their slots pay, but for those that take too much.

    One takes too much that is as good without one of its domains, and one whose domains have room for more slots.
    """
    for bare in pricing.passes:
        yield from _Near(pricing, prices, bare=bare).near(limit)


class _Near(Search):
    """One search for all runs."""

    def _may_leave(self, branch: Branch) -> bool:
        """Tell that a run may have something of several branches in one."""
        return bool(branch.branches)

    def _times(self, number: int) -> Iterator[tuple[int, ...]]:
        """Yield all numbers of equal things, by which runs are told apart."""
        if number:
            yield tuple(range(1, number + 1))

    def _entries(self, number: int, cross: int) -> list[Entry]:
        """Return all that a run may have of a branch that it touches."""
        costs = self._tables[number].costs
        rows, columns = (costs < NEVER // 2).nonzero()
        least = costs[rows, columns] + cross
        every = zip(rows.tolist(), columns.tolist(), least.tolist(), strict=True)
        return [Entry(*entry) for entry in every if entry[0] or entry[1]]

    def near(self, limit: int) -> Iterator[Run]:
        """Yield runs as `near_runs` does."""
        pricing = self._pricing
        for number, table in self._made():
            branch = self._forest.branches[number]
            if branch.depth:
                continue
            pricing.budget.spend(self._steps)
            self._steps = 0
            crossed = sum(self._prices.levels[branch.depth :])
            shape = table.costs.shape[0], table.costs.shape[1]
            values = Values(pricing.kinds, self._prices.slots, shape, bare=self._bare).values
            rows, columns = (table.costs - values <= limit + crossed).nonzero()
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                if not row:
                    continue
                vectors = self._vectors(row, column)
                for cost, leaves, gpus in self._ways(number, row, column, limit + crossed + int(values[row, column])):
                    for pays, vector in vectors:
                        if cost - crossed - pays <= limit and self._needs(vector, leaves, gpus):
                            yield Run(leaves, gpus, vector)

    def _vectors(self, cores: int, gpus: int) -> list[tuple[int, tuple[int, ...]]]:
        """Return what slots pay that fill so much, and the slots: those to which none can be added."""
        kinds, prices = self._pricing.kinds, self._prices.slots
        found: list[tuple[int, tuple[int, ...]]] = []

        def fill(place: int, vector: tuple[int, ...], cores: int, gpus: int) -> None:
            if place == len(kinds):
                if any(
                    kind.cores <= cores and kind.gpus <= gpus and n < kind.count and not (self._bare and kind.gpus)
                    for kind, n in zip(kinds, vector, strict=True)
                ):
                    return
                if self._bare or any(n and kind.gpus for kind, n in zip(kinds, vector, strict=True)):
                    found.append((sum(n * price for n, price in zip(vector, prices, strict=True)), vector))
                return
            kind = kinds[place]
            most = 0 if self._bare and kind.gpus else min(kind.count, cores // kind.cores)
            if kind.gpus:
                most = min(most, gpus // kind.gpus)
            for n in range(most + 1):
                fill(place + 1, (*vector, n), cores - n * kind.cores, gpus - n * kind.gpus)

        fill(0, (), cores, gpus)
        self._steps += len(found) + 1
        return found

    def _needs(self, vector: tuple[int, ...], leaves: Numbers, own: Numbers) -> bool:
        """Tell whether slots would not go into what a run has without one of its domains, or one of its GPUs."""
        kinds, some = self._pricing.kinds, [(self._forest.leaves[leaf], n) for leaf, n in leaves]
        cores = sum(leaf.cores * n for leaf, n in some) - sum(
            n * kind.cores for n, kind in zip(vector, kinds, strict=True)
        )
        if self._bare:
            return not any(leaf.cores <= cores for leaf, _ in some)
        gpus = sum(leaf.gpus * n for leaf, n in some) + sum(n for _, n in own)
        gpus -= sum(n * kind.gpus for n, kind in zip(vector, kinds, strict=True))
        return not (gpus and own) and not any(leaf.cores <= cores and leaf.gpus <= gpus for leaf, _ in some)

    def _ways(self, number: int, cores: int, gpus: int, limit: int) -> Iterator[tuple[int, Numbers, Numbers]]:
        """Yield what a run may take of a branch to have so much, for no more than a limit, with its cost."""
        yield from self._back(number, len(self._tables[number].items) - 1, (cores, gpus), limit)

    def _back(
        self, number: int, place: int, has: tuple[int, int], limit: int
    ) -> Iterator[tuple[int, Numbers, Numbers]]:
        """Yield the same of the first items of a branch's table."""
        self._pricing.budget.spend(WAY_STEPS)
        if place < 0:
            if has == (0, 0):
                yield 0, (), ()
            return
        item = self._tables[number].items[place]
        if item.before[has] <= limit:
            yield from self._back(number, place - 1, has, limit)
        for entry, gpus in sources(item, *has):
            left = has[0] - entry.cores, gpus
            rest = int(item.before[left])
            if rest + entry.cost > limit:
                continue
            if item.what == "branch":
                cross = self._prices.levels[self._forest.branches[number].depth]
                inside = self._ways(item.number, entry.cores, entry.gpus, limit - rest - cross)
                here = [(cost + cross, leaves, own) for cost, leaves, own in inside]
            else:
                taken = ((item.number, entry.times),)
                here = [(entry.cost, taken, ()) if item.what == "leaf" else (entry.cost, (), taken)]
            for cost, leaves, own in here:
                for more, others, owned in self._back(number, place - 1, left, limit - cost):
                    yield cost + more, tuple(sorted(leaves + others)), tuple(sorted(own + owned))
