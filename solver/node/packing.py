"""The best placement of equal slots in a domain where none has to be torn: dynamic programming over the tree.

For a policy that compares affinity first (`Scale.affinity_first`), `n` slots that fit into a domain's children one by
one are placed best by some split of `n` over the children: whatever tears a slot costs more. Costs are sums, so the
best split is found by going through the children one after the other, and a split's cost is the sum of the
children's plus what it costs to touch the domain itself. With `c` children that is in the order of `c * n * n` sums,
once for each domain in a state and shape of slot. Where not all slots can be whole, `tearing` goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from typing import NamedTuple, TypeAlias

from ..demand.demand import FlatSlots
from ..policy.scale import Scale
from ..state.domain_state import DomainState

SPLITS = 50_000
"""Domains in a state whose splits are remembered, over all shapes of slots."""


Firsts: TypeAlias = tuple[tuple[int, ...], ...]
"""Of each child, and each number of slots, how many it takes: see `Choices`."""


class SlotShape(NamedTuple):
    """One slot of cores and GPUs.

    Attributes
    ----------
    cores, gpus
        How many a slot takes in the domain at hand.
    shielded
        Whether the slot has no GPU at all, so that free GPUs near its cores count against it.
    apart
        Where the slot's GPUs, or its cores, stand further out: how many they are. 0 where the two have not parted.
    """

    cores: int
    gpus: int
    shielded: bool
    apart: int = 0

    @classmethod
    def of(cls, flat: FlatSlots) -> SlotShape:
        """Return the shape of equal slots."""
        return cls(flat.cores, flat.gpus, not flat.gpus)

    def capacity(self, domain: DomainState) -> int:
        """Return how many such slots the domain holds when they may be torn inside it."""
        return self.times(domain.free_cores, domain.free_gpus)

    def times(self, cores: int, gpus: int) -> int:
        """Return how many such slots so many cores and GPUs are."""
        if self.cores and self.gpus:
            return min(cores // self.cores, gpus // self.gpus)
        return cores // self.cores if self.cores else gpus // self.gpus


class Split(NamedTuple):
    """Whole slots only: the cost of 0, 1, 2, ... slots in a domain, and how many each child takes.

    Attributes
    ----------
    costs
        Of each number of slots, as far as whole slots fit.
    firsts
        As `Choices` has them.
    limit
        The number of slots up to which it was looked for.
    """

    costs: tuple[int, ...]
    firsts: Firsts
    limit: int

    def choice(self, number: int) -> tuple[int, ...]:
        """Return how many of so many slots each child takes."""
        return Choices(self.firsts)[number]


_Known: TypeAlias = tuple[tuple[int, ...], Firsts, int]
"""The fields of a `Split`, as it is remembered: plain tuples of numbers are no garbage to collect."""


def below(domain: DomainState, shape: SlotShape) -> SlotShape | None:
    """Return what a slot takes of the domain's children, the rest being the domain's own; None where both could be."""
    cores, gpus = shape.cores, shape.gpus
    if cores and domain.own_free_cores:
        if domain.own_free_cores != domain.free_cores:
            return None
        cores = 0
    if gpus and domain.own_free_gpus:
        if domain.own_free_gpus != domain.free_gpus:
            return None
        gpus = 0
    if cores == shape.cores and gpus == shape.gpus:
        return shape
    apart = shape.apart
    if shape.cores and shape.gpus and bool(cores) != bool(gpus):
        apart = shape.gpus if cores else shape.cores
    return SlotShape(cores, gpus, shape.shielded, apart)


class WholeSlots:
    """Finds and remembers the best splits of whole slots.

    Parameters
    ----------
    scale
        The policy, for which `Scale.affinity_first` holds.
    """

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._splits: dict[SlotShape, dict[DomainState, _Known | None]] = {}
        self._known = 0

    def split(self, domain: DomainState, shape: SlotShape, limit: int) -> Split | None:
        """Return the best splits of up to `limit` slots; None where the domain's own resources allow no split."""
        splits = self._splits.get(shape)
        if splits is None or self._known >= SPLITS:
            if self._known >= SPLITS:
                self._splits.clear()
                self._known = 0
            splits = self._splits[shape] = {}
        found = self._find(splits, domain, shape, limit)
        return None if found is None else Split(*found)

    def _find(
        self, splits: dict[DomainState, _Known | None], domain: DomainState, shape: SlotShape, limit: int
    ) -> _Known | None:
        limit = min(limit, shape.times(domain.free_cores, domain.free_gpus))
        if not limit:
            return _NONE_FITS
        known = splits.get(domain, _UNKNOWN)
        if known is None or known[2] >= limit:
            return known
        if known is _UNKNOWN:
            self._known += 1
        found = splits[domain] = self._split(splits, domain, shape, limit)
        return found

    def _split(
        self, splits: dict[DomainState, _Known | None], domain: DomainState, shape: SlotShape, limit: int
    ) -> _Known | None:
        sub = below(domain, shape)
        if sub is None:
            return None
        touch = self._scale.touch(domain)
        if shape.shielded and domain.own_free_cores:
            touch += self._scale.core_touch(domain)
        each = shape.apart and shape.apart * (shape.cores + shape.gpus) * self._scale.shares.get(domain.level, 0)
        lost = self._scale.lost_rooms(domain, shape.cores, shape.gpus, limit) if self._scale.rooms else ()
        if not sub.cores and not sub.gpus:
            costs = (touch,) * limit if not each else tuple([touch + n * each for n in range(1, limit + 1)])
            costs = tuple(map(add, costs, lost[1:])) if lost else costs
            return (0, *costs), ((0,) * (limit + 1),) * len(domain.children), limit
        tables: list[Sequence[int]] = []
        for child in domain.children:
            part = self._find(splits, child, sub, limit) if sub is shape else self.split(child, sub, limit)
            if part is None:
                return None
            tables.append(part[0])
        sums, choices = combine(tables, limit)
        sums = list(map(add, sums, lost)) if lost else sums
        if each:
            return (0, *[cost + touch + n * each for n, cost in enumerate(sums[1:], 1)]), choices.firsts, limit
        return (0, *[cost + touch for cost in sums[1:]]), choices.firsts, limit


_NONE_FITS: _Known = ((0,), (), 0)
"""Of a domain without room for a slot."""

_UNKNOWN: _Known = ((), (), -1)


class Choices:
    """How many slots each child takes, for 0, 1, 2, ... slots in all; a choice is made up when it is asked for.

    Parameters
    ----------
    firsts
        For each child, the last one first: of 0, 1, 2, ... slots for it and all after it, how many it takes.
    """

    __slots__ = ("firsts",)

    def __init__(self, firsts: Firsts) -> None:
        self.firsts = firsts

    def __getitem__(self, total: int) -> tuple[int, ...]:
        choice = []
        for firsts in reversed(self.firsts):
            choice.append(firsts[total])
            total -= firsts[total]
        return tuple(choice)


def combine(tables: Sequence[Sequence[int]], limit: int) -> tuple[list[int], Choices]:
    """Share out 0, 1, 2, ... slots among children, given what each number costs in each.

    Returns
    -------
    tuple[list[int], Choices]
        The least cost of each number, as far as the children hold it and up to the limit, and how many slots each
        child takes; between equal costs the first child takes the most.
    """
    costs: list[int] = [0]
    chosen: list[tuple[int, ...]] = []
    for table in reversed(tables):
        last, rest = len(table) - 1, len(costs) - 1
        most = min(limit, rest + last)
        if not last and not table[0]:
            chosen.append((0,) * (rest + 1))
            continue
        if not rest:
            costs = [cost + costs[0] for cost in table[: most + 1]]
            chosen.append(tuple(range(most + 1)))
            continue
        joined: list[int] = []
        firsts: list[int] = []
        for total in range(most + 1):
            best = total if total < last else last
            cost = table[best] + costs[total - best]
            for first in range(best - 1, (total - rest if total > rest else 0) - 1, -1):
                other = table[first] + costs[total - first]
                if other < cost:
                    best, cost = first, other
            joined.append(cost)
            firsts.append(best)
        costs = joined
        chosen.append(tuple(firsts))
    return costs, Choices(tuple(chosen))
