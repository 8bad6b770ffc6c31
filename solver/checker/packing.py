"""Split what is held on one node into slots of cores and gpus, touching as few domains as can be.

Cores of one innermost domain are alike, so that a slot is a number of cores and gpus of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .ground import Ground, Place

MAX_MIXTURES = 300
MAX_STATES = 4_000

Cost = tuple[int, ...]
"""Domains touched, less one, for each level from the coarsest."""

Numbers = tuple[int, ...]
"""How many of each cell; first the cores of all cells, then the gpus."""


@dataclass(frozen=True, slots=True)
class Item:
    """Equal slots: how many, and what each holds."""

    label: str
    count: int
    cores: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Packed:
    """A split of what a node holds: label, cores, gpus of each slot; and whether no split touches fewer domains."""

    slots: tuple[tuple[str, int, int], ...]
    proven: bool


class _TooManyError(Exception):
    """An exact search is out of reach."""


class NodePacker:
    """Splits what is held in one place of a node.

    Parameters
    ----------
    ground
        The machine's places.
    place
        The node or a domain.
    cores, gpus
        What is held in it.
    """

    def __init__(self, ground: Ground, place: Place, cores: int, gpus: int) -> None:
        position = place[0]
        outer = ground.domain(place)
        self.core_ids: list[list[int]] = []
        self.gpu_ids: list[list[int]] = []
        cells = ground.innermost(position, cores & outer.cores, gpus & outer.gpus)
        for cell in cells:
            self.core_ids.append(_bits(ground.domain(cell).own_cores & cores))
            self.gpu_ids.append(_bits(ground.domain(cell).own_gpus & gpus))
        self.levels: list[list[frozenset[int]]] = []
        for level in ground.machine.levels:
            places = ground.touched(position, level, cores, gpus)
            inside = [frozenset(i for i, cell in enumerate(cells) if ground.contains(p, cell)) for p in places]
            self.levels.append([cell_set for cell_set in inside if cell_set])
        self.start = tuple(map(len, self.core_ids)) + tuple(map(len, self.gpu_ids))
        self.size = len(cells)

    def pack(self, items: Sequence[Item]) -> Packed:
        """Return the best split found; what the slots do not need stays over."""
        order = sorted(items, key=lambda item: (-item.gpus, -item.cores))
        wanted = [item for item in order for _ in range(item.count)]
        greedy = self._greedy(wanted)
        cost = _total([self.cost(taken) for taken in greedy], len(self.levels))
        least = _total([self._least(item) for item in wanted], len(self.levels))
        if cost == least:
            return Packed(self._ids(wanted, greedy), True)
        try:
            return Packed(self._ids(wanted, self._exact(wanted)), True)
        except _TooManyError:
            return Packed(self._ids(wanted, greedy), False)

    def cost(self, taken: Numbers) -> Cost:
        """Return how many domains of each level a slot touches, less one."""
        cells = {i % self.size for i, number in enumerate(taken) if number}
        return tuple(max(0, sum(not cells.isdisjoint(domain) for domain in level) - 1) for level in self.levels)

    def _least(self, item: Item) -> Cost:
        """Return what the slot would cost if it were alone, level by level."""
        least = []
        for level in self.levels:
            # Cores and gpus that no domain of this level has cost nothing.
            inside = frozenset().union(*level) if level else frozenset()
            outside = [i for i in range(self.size) if i not in inside]
            cores = item.cores - sum(self.start[i] for i in outside)
            gpus = item.gpus - sum(self.start[self.size + i] for i in outside)
            by_cores = _fewest(cores, [sum(self.start[i] for i in domain) for domain in level])
            by_gpus = _fewest(gpus, [sum(self.start[self.size + i] for i in domain) for domain in level])
            least.append(max(0, max(by_cores, by_gpus) - 1))
        return tuple(least)

    def _greedy(self, wanted: Sequence[Item]) -> list[Numbers]:
        """Give each slot, the largest first, the finest domain that has enough, and the fullest such."""
        left = self.start
        found = []
        for item in wanted:
            taken = self._nearest(item, left)
            left = tuple(a - b for a, b in zip(left, taken, strict=True))
            found.append(taken)
        return found

    def _nearest(self, item: Item, left: Numbers) -> Numbers:
        for level in reversed(self.levels):
            fitting = [domain for domain in level if self._has(domain, item, left)]
            if fitting:
                tightest = min(fitting, key=lambda domain: (self._over(domain, item, left), min(domain)))
                return self._fill(tightest, item, left)
        return self._fill(frozenset(range(self.size)), item, left)

    def _has(self, domain: frozenset[int], item: Item, left: Numbers) -> bool:
        cores = sum(left[i] for i in domain)
        gpus = sum(left[self.size + i] for i in domain)
        return cores >= item.cores and gpus >= item.gpus

    def _over(self, domain: frozenset[int], item: Item, left: Numbers) -> tuple[int, int]:
        cores = sum(left[i] for i in domain)
        gpus = sum(left[self.size + i] for i in domain)
        return gpus - item.gpus, cores - item.cores

    def _fill(self, domain: frozenset[int], item: Item, left: Numbers) -> Numbers:
        """Take from the cells that have most, so that few are touched; gpus first, as they leave less choice."""
        taken = [0] * len(left)
        for offset, number in ((self.size, item.gpus), (0, item.cores)):
            need = number
            touched = {i for i in domain if taken[self.size + i]}
            for i in sorted(domain, key=lambda i: (i not in touched, -left[offset + i], i)):
                taken[offset + i] = min(need, left[offset + i])
                need -= taken[offset + i]
        return tuple(taken)

    def _exact(self, wanted: Sequence[Item]) -> list[Numbers]:
        """Try all splits, remembering what is best for each rest."""
        known: dict[tuple[int, Numbers], tuple[Cost, Numbers | None]] = {}
        none = (0,) * len(self.levels)

        def best(index: int, left: Numbers) -> Cost:
            if index == len(wanted):
                return none
            if (index, left) in known:
                return known[index, left][0]
            if len(known) > MAX_STATES or index > 200:
                raise _TooManyError
            least: Cost | None = None
            choice: Numbers | None = None
            for taken in self._mixtures(wanted[index], left):
                rest = tuple(a - b for a, b in zip(left, taken, strict=True))
                cost = _total([self.cost(taken), best(index + 1, rest)], len(self.levels))
                if least is None or cost < least:
                    least, choice = cost, taken
            # The totals were compared before: something is always left for the next slot.
            known[index, left] = (least or none, choice)
            return known[index, left][0]

        best(0, self.start)
        left = self.start
        found = []
        for index in range(len(wanted)):
            taken = known[index, left][1]
            if taken is None:
                raise _TooManyError
            found.append(taken)
            left = tuple(a - b for a, b in zip(left, taken, strict=True))
        return found

    def _mixtures(self, item: Item, left: Numbers) -> list[Numbers]:
        found = []
        for cores in _ways(item.cores, left[: self.size]):
            for gpus in _ways(item.gpus, left[self.size :]):
                found.append(cores + gpus)
                if len(found) > MAX_MIXTURES:
                    raise _TooManyError
        return found

    def _ids(self, wanted: Sequence[Item], taken: Sequence[Numbers]) -> tuple[tuple[str, int, int], ...]:
        """Turn numbers into the lowest ids that are left."""
        cores = [iter(ids) for ids in self.core_ids]
        gpus = [iter(ids) for ids in self.gpu_ids]
        slots = []
        for item, numbers in zip(wanted, taken, strict=True):
            some_cores = sum(1 << next(cores[i]) for i in range(self.size) for _ in range(numbers[i]))
            some_gpus = sum(1 << next(gpus[i]) for i in range(self.size) for _ in range(numbers[self.size + i]))
            slots.append((item.label, some_cores, some_gpus))
        return tuple(slots)


def _bits(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]


def _total(costs: Sequence[Cost], levels: int) -> Cost:
    return tuple(sum(cost[level] for cost in costs) for level in range(levels))


def _fewest(number: int, sizes: Sequence[int]) -> int:
    """Return how many of these piles it takes at least."""
    count = 0
    for size in sorted(sizes, reverse=True):
        if number <= 0:
            break
        number -= size
        count += 1
    return count


def _ways(number: int, piles: Numbers) -> Iterator[Numbers]:
    """Go through all ways of taking so many from piles."""
    if not piles:
        if not number:
            yield ()
        return
    for first in range(max(0, number - sum(piles[1:])), min(number, piles[0]) + 1):
        for rest in _ways(number - first, piles[1:]):
            yield (first, *rest)
