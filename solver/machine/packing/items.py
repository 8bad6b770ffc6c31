"""What a request that names no group asks for, as items: node vertices and loose units. So many of each is a vector.

A node gives one of the node vertices at most, and any number of units. Items of cores and GPUs alone are counted: a
node has room for a vector wherever there are enough of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...demand.demand import Bundle, Demand, HostDemand
from ...state.domain_state import DomainState

Vector = tuple[int, ...]
"""So many of each item."""


@dataclass(frozen=True)
class Item:
    """Nodes of a kind, or loose units.

    Attributes
    ----------
    demand
        What is asked: a node gives one such node at most, or any number of units.
    sizes
        Cores and GPUs that one takes; None where it takes anything else, or where they must stand somewhere.
    """

    demand: HostDemand
    sizes: tuple[int, int] | None

    @classmethod
    def of(cls, demand: HostDemand) -> Item:
        """Return the item of a host demand."""
        slots = demand.bundle.slots
        if not slots or any(name not in ("core", "gpu") for some in slots for name, _ in some.needs):
            return cls(demand, None)
        needs = [(some.count, dict(some.needs)) for some in slots]
        cores, gpus = (sum(n * need.get(name, 0) for n, need in needs) for name in ("core", "gpu"))
        return cls(demand, (cores, gpus))


@dataclass(frozen=True)
class Items:
    """All that a request asks for.

    Attributes
    ----------
    items
        In the order of the jobspec.
    """

    items: tuple[Item, ...]

    @classmethod
    def of(cls, demand: Demand) -> Items | None:
        """Return the items of a request; None where groups are asked for, or slots of several nodes."""
        root = demand.root
        if root.groups or root.amounts or any(host.bundle.slot_part for host in root.hosts):
            return None
        return cls(tuple(Item.of(host) for host in root.hosts))

    @property
    def target(self) -> Vector:
        """How many of each are asked for."""
        return tuple(item.demand.count for item in self.items)

    @property
    def counted(self) -> bool:
        """Whether a node gives whatever it has cores and GPUs enough for."""
        return all(item.sizes is not None for item in self.items)

    def takes(self, vector: Vector) -> tuple[int, int]:
        """Return the cores and GPUs of a vector of items that have sizes."""
        cores = gpus = 0
        for n, item in zip(vector, self.items, strict=True):
            if n and item.sizes is not None:
                cores += n * item.sizes[0]
                gpus += n * item.sizes[1]
        return cores, gpus

    def most(self, state: DomainState, place: int, limit: int) -> int:
        """Return an upper bound on how many of one item a node gives."""
        item = self.items[place]
        limit = min(limit, state.room if item.demand.loose else 1)
        if item.sizes is not None:
            for size, free in zip(item.sizes, (state.free_cores, state.free_gpus), strict=True):
                limit = min(limit, free // size) if size else limit
        return limit

    def host(self, vector: Vector) -> int | None:
        """Return which of the nodes asked for a vector stands for; None for loose units alone."""
        return next((i for i, n in enumerate(vector) if n and not self.items[i].demand.loose), None)

    def bundle(self, vector: Vector) -> Bundle:
        """Return what a node must give."""
        host = self.host(vector)
        loose = [(item.demand.bundle, n) for n, item in zip(vector, self.items, strict=True) if n and item.demand.loose]
        if host is None and len(loose) == 1:
            return loose[0][0].times(loose[0][1])
        wants = tuple(want for bundle, n in loose for want in bundle.times(n).wants)
        if host is None:
            return Bundle((), beside=wants)
        bundle = self.items[host].demand.bundle
        if not wants:
            return bundle
        return Bundle(bundle.wants, whole=bundle.whole, slot=bundle.slot, ids=bundle.ids, beside=wants)
