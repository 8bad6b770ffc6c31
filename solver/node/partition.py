"""A lower bound for slots that must be torn: the cheapest partition of some domains into groups with room for them.

Slots that share domains hang together, so a placement cuts the domains that it uses into groups (see `tearing`). Of all
ways to cut some domains into groups only those are kept that no other dominates: as much room, as few crossings, as
few groups (a Pareto front). The front of a set of domains comes from the fronts of its subsets, and the cheapest entry
with room for the slots is the bound.

Leaves that are equal and stand in the same domains are of one kind, and only their number matters. A set of leaves is
an integer of a field for each kind, the first kind highest, with a spare bit above each: one set is taken from another
by a subtraction, whose spare bits say whether it went. It costs a step for each pair of a set and a group in it, so
that up to `MOST_PAIRS` of them are tried; nodes with more kinds of leaves go to the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from math import comb, prod
from typing import TypeAlias

from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .packing import SlotShape

MOST_PAIRS = 20_000
"""Pairs of a set of leaves and a group in it, up to which they are gone through: eight leaves, all different."""

Groups: TypeAlias = "tuple[int, Groups] | tuple[()]"
"""The leaves of one group, and the other groups."""

Parted: TypeAlias = tuple[int, int, int, Groups]
"""Some leaves parted into groups: how many slots there is room for, what they cross at the least as a joint integer,
and the number of groups before the groups themselves."""


@dataclass(frozen=True)
class Leaf:
    """An innermost domain that gives something to slots.

    Attributes
    ----------
    place
        In ``DomainState.flat`` of the domain that is torn.
    path
        The places of the domains above it, the outermost first, the one that is torn left out.
    state
        What is free in it.
    """

    place: int
    path: tuple[int, ...]
    state: DomainState


class Partition:
    """All that is to be known of the leaves of a domain and one shape of slots.

    Parameters
    ----------
    scale
        The policy.
    domain
        In which slots are torn.
    kinds
        Its leaves, those that are equal and stand in the same domains together.
    shape
        What a slot takes of leaves.
    own
        What it costs to touch the domain at all.
    """

    def __init__(
        self, scale: Scale, domain: DomainState, kinds: Sequence[Sequence[Leaf]], shape: SlotShape, own: int
    ) -> None:
        self._scale = scale
        self._flat = domain.flat
        self._kinds = kinds
        self._shape = shape
        self._own = own
        width = max(map(len, kinds)).bit_length() + 1
        self._shifts = [width * place for place in reversed(range(len(kinds)))]
        self._spare = sum(1 << (shift + width - 1) for shift in self._shifts)
        self._field = (1 << width) - 1
        self._levels = self._domains_by_level()
        self._every = [self._of(some) for some in product(*(range(len(kind) + 1) for kind in kinds))]
        self._rooms = {leaves: self._room(leaves) for leaves in self._every}
        self._best = self._find()

    def best(self, count: int) -> tuple[int, list[list[Leaf]]] | None:
        """Return a bound on what so many slots cost, and the groups that it is of; None where there are none."""
        found = self._best.get(count)
        return None if found is None else (found[0], list(self._leaves(found[1])))

    def _leaves(self, groups: Groups) -> Iterator[list[Leaf]]:
        """Yield the leaves of each group, the first ones of each kind to the first group that takes some."""
        left = [iter(kind) for kind in self._kinds]
        for group in sorted(_listed(groups), reverse=True):
            yield [next(some) for some, number in zip(left, self._numbers(group), strict=True) for _ in range(number)]

    def _find(self) -> dict[int, tuple[int, Groups]]:
        """Return the cheapest for each number of slots; between equal ones, that of the first leaves."""
        fronts = self._pareto_fronts()
        every = []
        for leaves in reversed(self._every):
            touch = self._touch(leaves)
            every += [(cost + touch, size, room, groups) for room, cost, size, groups in fronts[leaves] if size]
        best: dict[int, tuple[int, Groups]] = {}
        for cost, size, room, groups in sorted(every, key=_first_of):
            for count in range(size, room + 1):
                best.setdefault(count, (cost, groups))
        return best

    def _pareto_fronts(self) -> dict[int, list[Parted]]:
        """Return for any leaves the ways to part them that none beats."""
        fronts: dict[int, list[Parted]] = {0: [(0, 0, 0, ())]}
        useful: list[list[tuple[int, int, int]]] = [[] for _ in self._kinds]
        spare = self._spare
        for leaves in self._every[1:]:
            first = useful[next(kind for kind, shift in enumerate(self._shifts) if leaves >> shift)]
            front: list[Parted] = []
            for group, room, cost in first:
                rest = (leaves | spare) - group
                if rest & spare == spare:
                    for more, crossed, size, groups in fronts[rest ^ spare]:
                        _add_undominated(front, (room + more, cost + crossed, size + 1, (group, groups)))
            for room, cost in self._connected(leaves):
                if _add_undominated(front, (room, cost, 1, (leaves, ()))):
                    first.append((leaves, room, cost))
            fronts[leaves] = front
        return fronts

    # -- what some leaves have and cost -----------------------------------------------------------------------------

    def _of(self, numbers: Sequence[int]) -> int:
        """Return the leaves of so many of each kind."""
        return sum(number << shift for number, shift in zip(numbers, self._shifts, strict=True))

    def _numbers(self, leaves: int) -> list[int]:
        """Return how many there are of each kind."""
        return [leaves >> shift & self._field for shift in self._shifts]

    def _room(self, leaves: int) -> int:
        cores = gpus = 0
        for number, kind in zip(self._numbers(leaves), self._kinds, strict=True):
            cores += number * kind[0].state.free_cores
            gpus += number * kind[0].state.free_gpus
        return self._shape.times(cores, gpus)

    def _domains_by_level(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """Return for each level that counts its unit, and each of its domains as its place and the fields inside."""
        inside: dict[int, int] = {}
        for kind, shift in zip(self._kinds, self._shifts, strict=True):
            for place in kind[0].path:
                inside[place] = inside.get(place, 0) | self._field << shift
        levels: dict[str, list[tuple[int, int]]] = {}
        for place, fields in inside.items():
            levels.setdefault(self._flat[place].level, []).append((place, fields))
        return [(self._scale.cross.get(level, 0), domains) for level, domains in levels.items()]

    def _connected(self, leaves: int) -> Iterator[tuple[int, int]]:
        """Yield for slots that hang together by these leaves how many there may be, and what they cross at the least.

        Slots of cores and GPUs may have to cross more often than it takes to hang together: all but those that fit
        into single domains do.
        """
        rooms, room = self._rooms, self._rooms[leaves]
        if not room:
            return
        numbers = self._numbers(leaves)
        whole = sum(number * rooms[1 << shift] for number, shift in zip(numbers, self._shifts, strict=True) if number)
        levels = [(self._scale.cross.get(self._kinds[0][0].state.level, 0), sum(numbers) - 1, whole)]
        for unit, domains in self._levels:
            parts = [part for _, fields in domains if (part := leaves & fields)]
            levels.append((unit, len(parts) - 1, sum(rooms[part] for part in parts)))
        last = None
        for slots in range(room, 0, -1):
            cost = sum(unit * max(joints, slots - whole) for unit, joints, whole in levels)
            if cost == last:
                break
            yield slots, cost
            last = cost

    def _touch(self, leaves: int) -> int:
        scale, shielded = self._scale, self._shape.shielded and self._shape.cores
        cost = self._own
        for _, domains in self._levels:
            cost += sum(scale.touch(self._flat[place]) for place, fields in domains if leaves & fields)
        for number, kind in zip(self._numbers(leaves), self._kinds, strict=True):
            if number:
                each = scale.touch(kind[0].state) + (scale.core_touch(kind[0].state) if shielded else 0)
                cost += number * each
        return cost


def kinds_of(leaves: Sequence[Leaf]) -> list[list[Leaf]] | None:
    """Return leaves by kind, in their order; None where there are too many kinds of them."""
    kinds = [list(same) for _, same in groupby(leaves, key=_kind)]
    return kinds if prod(comb(len(kind) + 2, 2) for kind in kinds) <= MOST_PAIRS else None


def _kind(leaf: Leaf) -> tuple[tuple[int, ...], DomainState]:
    return leaf.path, leaf.state


def _first_of(found: tuple[int, int, int, Groups]) -> int:
    return found[0]


def _listed(groups: Groups) -> Iterator[int]:
    while groups:
        group, groups = groups
        yield group


def _add_undominated(front: list[Parted], new: Parted) -> bool:
    """Add a way unless another is good for all that it is good for, and drop those of which that is true in turn."""
    room, cost, size, _ = new
    for other in front:
        if other[0] >= room and other[1] <= cost and other[2] <= size:
            return False
    front[:] = [other for other in front if other[0] > room or other[1] < cost or other[2] < size]
    front.append(new)
    return True
