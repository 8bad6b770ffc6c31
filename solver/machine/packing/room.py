"""Some way to pack items of cores and GPUs into nodes, or the proof that there is none.

Node by node, all that may be left to pack is kept, without what is worse than something else that is kept. As long as
that is few enough this tries everything; beyond it only the most promising are kept, which still finds a way where
there is plenty of room, and proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ...cpsat.budget import Budget
from .fields import Fields
from .items import Items, Vector

WIDTH = 64
"""What is kept at most after each node."""

NARROW = 4
"""What is kept once `VECTORS` are looked at."""

VECTORS = 50_000
"""Vectors that are looked at before the search gets narrow, unless the budget is used up before."""

IN_ANY_CASE = 2_000
"""Vectors that are looked at whatever is left: what is small is known without any work left."""

VECTOR_STEPS = 2
"""What it costs to look at a vector."""

FEW = 8
"""Vectors of a node that are looked at then."""


@dataclass(frozen=True)
class Bin:
    """Nodes that have as much free.

    Attributes
    ----------
    cores, gpus
        Of each.
    number
        How many there are.
    """

    cores: int
    gpus: int
    number: int


Packed = tuple[tuple[int, Vector], ...]
"""What each node that is used gives, with the number of its bin."""

_Chain = tuple["_Chain", int, Vector] | None


@dataclass(frozen=True)
class Room:
    """What was found.

    Attributes
    ----------
    packed
        A way; None where none was found.
    proven
        Whether there is none then.
    """

    packed: Packed | None
    proven: bool = True


def find_room(items: Items, bins: Sequence[Bin], target: Vector, budget: Budget) -> Room:
    """Pack so many of items that are `Items.counted` into nodes.

    Parameters
    ----------
    budget
        What it may take: where it is used up, the search gets narrow and comes to its end.
    """
    for i, wanted in enumerate(target):
        one = tuple(int(i == j) for j in range(len(target)))
        cores, gpus = items.takes(one)
        most = wanted if items.items[i].demand.loose else 1
        if sum(node.number * _times(node, cores, gpus, most) for node in bins) < wanted:
            return Room(None)
    return _Search(items, bins, target, budget).find()


def _times(node: Bin, cores: int, gpus: int, most: int) -> int:
    if cores:
        most = min(most, node.cores // cores)
    return min(most, node.gpus // gpus) if gpus else most


class _Search:
    def __init__(self, items: Items, bins: Sequence[Bin], target: Vector, budget: Budget) -> None:
        self._items = items
        self._bins = bins
        self._target = target
        self._fields = Fields.up_to(target)
        self._budget = budget
        self._looked = 0
        self._complete = True
        # What is left weighs as much of the scarcer resource as it takes.
        free = [sum(node.number * of for node, of in zip(bins, some, strict=True)) for some in self._free()]
        self._weights = [
            sum(size / max(1, there) for size, there in zip(items.takes(self._one(i)), free, strict=True) if size)
            for i in range(len(target))
        ]

    def _free(self) -> tuple[list[int], list[int]]:
        return [node.cores for node in self._bins], [node.gpus for node in self._bins]

    def _one(self, place: int) -> Vector:
        return tuple(int(place == i) for i in range(len(self._target)))

    def find(self) -> Room:
        left: dict[Vector, _Chain] = {self._target: None}
        done = (0,) * len(self._target)
        order = sorted(range(len(self._bins)), key=lambda i: (-self._bins[i].cores, -self._bins[i].gpus, i))
        for number in order:
            for _ in range(self._bins[number].number):
                more = self._after(number, left)
                if done in more:
                    return Room(_packed(more[done]))
                if more.keys() == left.keys():
                    break
                left = more
        return Room(None, self._complete)

    @property
    def _is_narrow(self) -> bool:
        return self._looked >= VECTORS or (self._looked >= IN_ANY_CASE and not self._budget.left)

    def _after(self, number: int, left: dict[Vector, _Chain]) -> dict[Vector, _Chain]:
        """Return what may be left after one more node."""
        found: dict[Vector, _Chain] = {}
        for rest, chain in left.items():
            before = self._looked
            vectors = self._maximal(self._bins[number], rest)
            if self._is_narrow:
                self._complete = False
                vectors = islice(vectors, FEW)
            for vector in vectors:
                self._looked += 1
                after = tuple([a - b for a, b in zip(rest, vector, strict=True)])
                if after not in found:
                    found[after] = (chain, number, vector) if any(vector) else chain
            self._budget.charge(VECTOR_STEPS * (self._looked - before))
        return self._best(found)

    def _best(self, found: dict[Vector, _Chain]) -> dict[Vector, _Chain]:
        """Return the ways of which none leaves at least as much of everything as another, or the best of them."""
        spare = self._fields.spare
        ranked = sorted([(self._weight(rest), rest) for rest in found])
        width = NARROW if self._is_narrow else WIDTH
        kept: dict[Vector, _Chain] = {}
        packed: list[int] = []
        for _, rest in ranked:
            there = self._fields.pack(rest)
            full = there | spare
            if any((full - other) & spare == spare for other in packed):
                continue
            if len(kept) == width:
                self._complete = False
                break
            kept[rest] = found[rest]
            packed.append(there)
        self._budget.charge(VECTOR_STEPS * len(found))
        return kept

    def _weight(self, rest: Vector) -> float:
        return sum([n * weight for n, weight in zip(rest, self._weights, strict=True)])

    def _maximal(self, node: Bin, rest: Vector) -> Iterator[Vector]:
        """Yield the vectors of what is left that fit on a node, without those to which one of the last can be added."""
        items = self._items.items

        def extend(place: int, cores: int, gpus: int, host: bool) -> Iterator[Vector]:
            loose = items[place].demand.loose
            size = items[place].sizes
            assert size is not None
            most = rest[place] if loose else min(rest[place], int(not host))
            if size[0]:
                most = min(most, cores // size[0])
            if size[1]:
                most = min(most, gpus // size[1])
            if place == len(items) - 1:
                yield (most,)
                return
            for n in range(most, -1, -1):
                used = host or (n > 0 and not loose)
                for more in extend(place + 1, cores - n * size[0], gpus - n * size[1], used):
                    yield (n, *more)

        return extend(0, node.cores, node.gpus, False)


def _packed(chain: _Chain) -> Packed:
    found = []
    while chain is not None:
        chain, number, vector = chain
        found.append((number, vector))
    return tuple(reversed(found))
