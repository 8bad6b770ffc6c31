"""What a node gives equal slots at the least price: all ways to deal them to its domains, as counts, gone through.

The slots of a job join the bins that they have parts of: bins that slots join, directly or through others, are a
*heap*. A heap has no more slots than its cores and GPUs come to, and is joined ``b - 1`` times at least where it
touches ``b`` domains of a level (a tree has an edge less than vertices). What a heap of one bin has is whole. So every
placement is seen as a set of heaps, with values that are no larger than its own; the least of all sets is a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .places import NODE, Place, Places

DIGIT = 48
"""Bits of a digit; values are far smaller."""

MOST_BINS = 10
"""Of a node; with more of them nothing is counted."""


@dataclass(frozen=True, slots=True)
class Order:
    """The terms in the order in which they are compared; their values are held as the digits of one number.

    Sums of such numbers are the sums of the values, and the lesser number is less in the first term that differs.

    Attributes
    ----------
    names
        The terms.
    """

    names: tuple[str, ...]

    def number(self, value_of: Callable[[str, str], int]) -> int:
        """Return the number of values, each said by a term's family and level."""
        total = 0
        for name in self.names:
            family, _, level = name.partition(".")
            total = (total << DIGIT) + value_of(family, level)
        return total

    def values(self, number: int) -> list[int]:
        """Return the values of a number."""
        found = []
        for _ in self.names:
            digit = (number + (1 << DIGIT - 1)) % (1 << DIGIT) - (1 << DIGIT - 1)
            found.append(digit)
            number = (number - digit) >> DIGIT
        return found[::-1]


@dataclass(frozen=True, slots=True)
class Bin:
    """A place of a node that has cores or GPUs of its own which are free.

    Attributes
    ----------
    cores, gpus
        How many.
    domains
        By level: the number of the domain that it is in.
    guarded
        Free GPUs of the place.
    """

    cores: int
    gpus: int
    domains: tuple[tuple[str, int], ...]
    guarded: int


@dataclass(frozen=True, slots=True)
class Room:
    """A domain of a node, the node itself included.

    Attributes
    ----------
    level
        Its name.
    free_cores
        How many are free.
    intact
        Whether all is.
    """

    level: str
    free_cores: int
    intact: bool


@dataclass(frozen=True, slots=True)
class NodeFree:
    """What is free in a node; equal ones are bounded alike.

    Attributes
    ----------
    bins
        Where.
    rooms
        Its domains, numbered.
    """

    bins: tuple[Bin, ...]
    rooms: tuple[Room, ...]


def free_of(places: Places, position: int) -> NodeFree:
    """Return what a job may be given of a node."""
    base = places.node_of[position]
    own: list[Place] = [place for place in places.places[base:] if place.node == position]
    numbers = {place.key: number for number, place in enumerate(own)}
    free: dict[int, dict[str, int]] = {}
    for cell in places.cells_of(position):
        free.setdefault(cell.place, {"core": 0, "gpu": 0})[cell.kind] += cell.free
    bins = []
    for key, some in free.items():
        around = [own[numbers[outer]] for outer in places.places[key].around if outer in numbers]
        domains = tuple(sorted((place.level, numbers[place.key]) for place in around))
        bins.append(Bin(some["core"], some["gpu"], domains, places.places[key].free_gpus.bit_count()))
    rooms = tuple(Room(place.level, place.free_cores.bit_count(), place.intact) for place in own)
    return NodeFree(tuple(bins), rooms)


class NodeTable:
    """Lower bounds of a node, for each number of slots on it.

    Parameters
    ----------
    free
        What is free in it.
    cores, gpus
        Of a slot.
    order
        The terms.
    """

    def __init__(self, free: NodeFree, cores: int, gpus: int, order: Order) -> None:
        self.cores, self.gpus = cores, gpus
        self.free = free
        self.order = order
        self.bins = [one for one in free.bins if (cores and one.cores) or (gpus and one.gpus)]

    def fit(self, bins: Iterable[Bin]) -> int:
        """Return how many slots the cores and GPUs of bins are enough for."""
        kinds = [(sum(one.cores for one in bins), self.cores), (sum(one.gpus for one in bins), self.gpus)]
        return min(there // asked for there, asked in kinds if asked)

    def bounds(self, most: int) -> list[int | None]:
        """Return a bound for no slot, for one, ... and for as many as said or fit; None where none is known."""
        most = min(most, self.fit(self.bins))
        best: list[int | None] = [None] * (most + 1)
        for bins, dealt in _Heaps(self).ways(most):
            price = self.touching(bins)
            for slots, joined in dealt:
                known = best[slots]
                if known is None or price + joined < known:
                    best[slots] = price + joined
        for slots in range(most - 1, 0, -1):
            # What is enough for more slots is enough for fewer.
            below, above = best[slots], best[slots + 1]
            if below is None or (above is not None and above < below):
                best[slots] = above
        return [0, *best[1:]]

    def touching(self, bins: Sequence[Bin]) -> int:
        """Return what the terms are worth, but for those of torn slots, where just these bins are touched."""
        touched = {pair for one in bins for pair in one.domains}

        def value(family: str, level: str) -> int:
            rooms = [self.free.rooms[number] for at, number in touched if at == level]
            if family == "shield":
                return 0 if self.gpus else sum(one.guarded for one in bins if one.cores)
            if family == "intact":
                return sum(room.intact for room in rooms)
            if family in ("fit", "worst-fit"):
                return sum(room.free_cores for room in rooms) * (1 if family == "fit" else -1)
            return len(rooms) if family == "spread" and level == NODE else 0

        return self.order.number(value)


class _Heaps:
    """The sets of heaps of a node."""

    def __init__(self, table: NodeTable) -> None:
        self.table = table
        self.bins = table.bins
        self.split = _share_of_a_torn_slot(table.cores, table.gpus)

    def ways(self, most: int) -> Iterator[tuple[list[Bin], list[tuple[int, int]]]]:
        """Go through the sets of bins, each with the slots that it is enough for and what joining its heaps is worth.

        Of several ways to heap the same bins those are left out that are worth more than one for as many slots.
        """
        dealt: list[list[tuple[int, int]]] = [[(0, 0)]]
        heaps: list[list[tuple[int, int]]] = [[]]
        for mask in range(1, 1 << len(self.bins)):
            bins = [one for k, one in enumerate(self.bins) if mask >> k & 1]
            heaps.append(self._heap(bins, most))
            first = mask & -mask
            rest = part = mask ^ first
            found: dict[int, int] = {}
            while True:
                for slots, joined in heaps[first | part]:
                    for others, price in dealt[rest ^ part]:
                        number = min(most, slots + others)
                        if number not in found or joined + price < found[number]:
                            found[number] = joined + price
                if not part:
                    break
                part = (part - 1) & rest
            dealt.append(_undominated(found))
            if dealt[mask]:
                yield bins, dealt[mask]

    def _heap(self, bins: Sequence[Bin], most: int) -> list[tuple[int, int]]:
        """Return for how many slots bins are enough as one heap, with the least that joining them is worth."""
        room = min(most, self.table.fit(bins))
        if len(bins) == 1:
            return [(room, 0)] if room else []
        found = {}
        for slots in range(1, room + 1):

            def value(family: str, level: str, slots: int = slots) -> int:
                return self._joined(family, level, bins, slots)

            found[slots] = self.table.order.number(value)
        return _undominated(found)

    def _joined(self, family: str, level: str, bins: Sequence[Bin], slots: int) -> int:
        if family not in ("affinity", "share"):
            return 0
        touched = [number for one in bins for at, number in one.domains if at == level]
        outside = len(touched) < len(bins)
        if family == "affinity":
            return 0 if outside or not touched else len(set(touched)) - 1
        if not self.table.cores or not self.table.gpus or len(set(touched)) + outside < 2:
            return 0
        return max(self.split, *self._crowded(bins, level, slots))

    def _crowded(self, bins: Sequence[Bin], level: str, slots: int) -> Iterator[int]:
        """Go through what the share is at the least, as no domain has more cores, nor more GPUs, than are free in it.

        A GPU given from a domain brings ``cores``, of which ``gpus`` times those that are free are beside it; what is
        lacking is beside none. They are taken where least is lost, one by one: what a domain loses only grows. Of
        cores likewise.
        """
        cores, gpus = self.table.cores, self.table.gpus
        inside: dict[int, tuple[int, int]] = {}
        for one in bins:
            number = next((number for at, number in one.domains if at == level), -1)
            have = inside.get(number, (0, 0))
            inside[number] = have[0] + one.cores, have[1] + one.gpus
        yield _least(slots * gpus, [[max(0, cores * n - gpus * c) for n in range(g + 1)] for c, g in inside.values()])
        yield _least(slots * cores, [[max(0, gpus * n - cores * g) for n in range(c + 1)] for c, g in inside.values()])


def _least(number: int, losses: Iterable[Sequence[int]]) -> int:
    """Return the least sum of losses where so many things are taken in all; what each loses is convex."""
    more = [after - before for lost in losses for before, after in pairwise(lost)]
    return sum(sorted(more)[:number])


def _share_of_a_torn_slot(cores: int, gpus: int) -> int:
    """Return the least share of a slot in several domains: of one in two, as taking domains for one adds nothing."""
    parts = [
        abs(gpus * some - cores * beside)
        for some in range(cores + 1)
        for beside in range(gpus + 1)
        if 0 < some + beside < cores + gpus
    ]
    return min(parts, default=0)


def _undominated(found: dict[int, int]) -> list[tuple[int, int]]:
    """Return slots and values, from the most slots down, without what is worth no less for fewer slots."""
    kept: list[tuple[int, int]] = []
    for slots in sorted(found, reverse=True):
        if slots and (not kept or found[slots] < kept[-1][1]):
            kept.append((slots, found[slots]))
    return kept
