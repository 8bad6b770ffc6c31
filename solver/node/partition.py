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
from itertools import groupby
from math import comb, prod
from typing import NamedTuple, TypeAlias

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


_Some: TypeAlias = tuple[int, int, int, int]
"""Of some leaves: how many slots there is room for, how many leaves these are, how many slots they hold one by one, and
what touching them costs."""


class Leaf(NamedTuple):
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
        self._unit = scale.cross.get(kinds[0][0].state.level, 0)
        self._levels = self._domains_by_level()
        self._sets = self._all_sets()
        self._best = self._find()
        # They are many, and what is to be known is known.
        self._sets = {}

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
        every = []
        for leaves, front in reversed(self._pareto_fronts().items()):
            if front:
                touch = self._touch(leaves)
                every += [(cost + touch, size, room, groups) for room, cost, size, groups in front]
        every.sort(key=_first_of)
        best: dict[int, tuple[int, Groups]] = {}
        for cost, size, room, groups in every:
            for count in range(size, room + 1):
                if count not in best:
                    best[count] = (cost, groups)
        return best

    def _pareto_fronts(self) -> dict[int, list[Parted]]:
        """Return for any leaves the ways to part them that none beats; none at all for no leaves."""
        fronts: dict[int, list[Parted]] = {}
        none: list[Parted] = []
        useful: dict[int, list[tuple[int, int, int]]] = {}
        spare = self._spare
        width = self._field.bit_length()
        for leaves, (room, *_) in self._sets.items():
            if not room:
                fronts[leaves] = none
                continue
            first = useful.setdefault((leaves.bit_length() - 1) // width, [])
            front: list[Parted] = []
            above = leaves | spare
            for group, some, cost in first:
                rest = above - group
                if rest & spare == spare:
                    for more, crossed, size, groups in fronts[rest ^ spare]:
                        _add_undominated(front, (some + more, cost + crossed, size + 1, (group, groups)))
            for some, cost in self._connected(leaves):
                if _add_undominated(front, (some, cost, 1, (leaves, ()))):
                    first.append((leaves, some, cost))
            fronts[leaves] = front
        return fronts

    # -- what some leaves have and cost -----------------------------------------------------------------------------

    def _numbers(self, leaves: int) -> list[int]:
        """Return how many there are of each kind."""
        return [leaves >> shift & self._field for shift in self._shifts]

    def _all_sets(self) -> dict[int, _Some]:
        """Return what each set of leaves has, those with the fewest of the first kinds first."""
        shielded = self._shape.shielded and bool(self._shape.cores)
        sets: list[tuple[int, int, int, int, int, int]] = [(0, 0, 0, 0, 0, 0)]
        for kind, shift in zip(self._kinds, self._shifts, strict=True):
            state = kind[0].state
            cores, gpus = state.free_cores, state.free_gpus
            whole = self._shape.times(cores, gpus)
            touch = self._scale.touch(state) + (self._scale.core_touch(state) if shielded else 0)
            sets = [
                (
                    leaves + (n << shift),
                    all_cores + n * cores,
                    all_gpus + n * gpus,
                    number + n,
                    all_whole + n * whole,
                    cost + n * touch,
                )
                for leaves, all_cores, all_gpus, number, all_whole, cost in sets
                for n in range(len(kind) + 1)
            ]
        times = self._shape.times
        return {leaves: (times(cores, gpus), number, whole, cost) for leaves, cores, gpus, number, whole, cost in sets}

    def _domains_by_level(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """Return for each level its unit, and each of its domains as what touching it costs and the fields inside."""
        inside: dict[int, int] = {}
        for kind, shift in zip(self._kinds, self._shifts, strict=True):
            for place in kind[0].path:
                inside[place] = inside.get(place, 0) | self._field << shift
        levels: dict[str, list[tuple[int, int]]] = {}
        for place, fields in inside.items():
            levels.setdefault(self._flat[place].level, []).append((self._scale.touch(self._flat[place]), fields))
        return [(self._scale.cross.get(level, 0), domains) for level, domains in levels.items()]

    def _connected(self, leaves: int) -> list[tuple[int, int]]:
        """Return for slots that hang together by these leaves how many there may be, and what they cross at the least.

        Slots of cores and GPUs may have to cross more often than it takes to hang together: all but those that fit
        into single domains do.
        """
        sets = self._sets
        room, number, whole, _ = sets[leaves]
        if not self._levels:
            # Each slot fewer crosses once less, until what hangs together does so in the fewest ways.
            unit, few = self._unit, min(room, whole + number - 1)
            found = [(slots, unit * (slots - whole)) for slots in range(room, few, -1)] if unit else []
            return [*found, (few if unit else room, unit * (number - 1))]
        levels = [(self._unit, number - 1, whole)]
        for unit, domains in self._levels:
            parts = [part for _, fields in domains if (part := leaves & fields)]
            levels.append((unit, len(parts) - 1, sum([sets[part][0] for part in parts])))
        found = []
        last = None
        for slots in range(room, 0, -1):
            cost = 0
            for unit, joints, inside in levels:
                cost += unit * (joints if joints > slots - inside else slots - inside)
            if cost == last:
                break
            found.append((slots, cost))
            last = cost
        return found

    def _touch(self, leaves: int) -> int:
        cost = self._own + self._sets[leaves][3]
        for _, domains in self._levels:
            for touch, fields in domains:
                if leaves & fields:
                    cost += touch
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
