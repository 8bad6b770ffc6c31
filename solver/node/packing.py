"""The best placement of equal slots in a domain where none has to be torn: dynamic programming over the tree.

For a policy that compares affinity first (`Scale.affinity_first`), `n` slots that fit into a domain's children one by
one are placed best by some split of `n` over the children: whatever tears a slot costs more. Costs are sums, so the
best split is found by going through the children one after the other, and a split's cost is the sum of the
children's plus what it costs to touch the domain itself. With `c` children that is in the order of `c * n * n` sums,
once for each domain in a state and shape of slot. Where not all slots can be whole, `tearing` goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...grammar.memory import Memory
from ..demand.demand import FlatSlots
from ..policy.scale import Scale
from ..state.domain_state import DomainState

SPLITS = 50_000
"""Domains in a state whose splits are remembered, for each shape of slot."""


@dataclass(frozen=True)
class SlotShape:
    """One slot of cores and GPUs.

    Attributes
    ----------
    cores, gpus
        How many a slot takes in the domain at hand.
    shielded
        Whether the slot has no GPU at all, so that free GPUs near its cores count against it.
    """

    cores: int
    gpus: int
    shielded: bool

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


@dataclass(frozen=True)
class Split:
    """Whole slots only: the cost of 0, 1, 2, ... slots in a domain, and how many each child takes.

    Attributes
    ----------
    costs
        Of each number of slots, as far as whole slots fit.
    choices
        For each number of slots, the number in each child.
    """

    costs: tuple[int, ...]
    choices: Sequence[tuple[int, ...]]


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
    return SlotShape(cores, gpus, shape.shielded)


class WholeSlots:
    """Finds and remembers the best splits of whole slots.

    Parameters
    ----------
    scale
        The policy, for which `Scale.affinity_first` holds.
    """

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._splits: Memory[tuple[DomainState, SlotShape], tuple[int, Split | None]] = Memory(SPLITS)

    def split(self, domain: DomainState, shape: SlotShape, limit: int) -> Split | None:
        """Return the best splits of up to `limit` slots; None where the domain's own resources allow no split."""
        limit = min(limit, shape.capacity(domain))
        known = self._splits.get((domain, shape))
        if known is not None and known[0] >= limit:
            return known[1]
        found = self._split(domain, shape, limit)
        self._splits[domain, shape] = (limit, found)
        return found

    def _split(self, domain: DomainState, shape: SlotShape, limit: int) -> Split | None:
        if limit == 0:
            return Split((0,), ((0,) * len(domain.children),))
        sub = below(domain, shape)
        if sub is None:
            return None
        touch = self._scale.touch(domain)
        if shape.shielded and domain.own_free_cores:
            touch += self._scale.core_touch(domain)
        if not sub.cores and not sub.gpus:
            nothing = (0,) * len(domain.children)
            return Split((0,) + (touch,) * limit, (nothing,) * (limit + 1))
        parts = [self.split(child, sub, limit) for child in domain.children]
        if any(part is None for part in parts):
            return None
        costs, choices = combine([part.costs for part in parts if part is not None], limit)
        return Split((0, *(cost + touch for cost in costs[1:])), choices)


class Choices(Sequence[tuple[int, ...]]):
    """How many slots each child takes, for 0, 1, 2, ... slots in all; a choice is made up when it is asked for.

    Parameters
    ----------
    firsts
        For each child, the last one first: of 0, 1, 2, ... slots for it and all after it, how many it takes.
    """

    __slots__ = ("_firsts",)

    def __init__(self, firsts: list[list[int]]) -> None:
        self._firsts = firsts

    def __len__(self) -> int:
        return len(self._firsts[-1]) if self._firsts else 1

    def __getitem__(self, total: Any) -> Any:
        choice = []
        for firsts in reversed(self._firsts):
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
    chosen: list[list[int]] = []
    for table in reversed(tables):
        last, rest = len(table) - 1, len(costs) - 1
        most = min(limit, rest + last)
        if not last and not table[0]:
            chosen.append([0] * (rest + 1))
            continue
        if not rest:
            costs = [cost + costs[0] for cost in table[: most + 1]]
            chosen.append(list(range(most + 1)))
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
        chosen.append(firsts)
    return costs, Choices(chosen)
