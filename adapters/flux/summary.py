"""A request in the few numbers of Flux's request classes, for code that reads those of a parsed request.

Where a jobspec has one kind of node and one kind of slot, the numbers are those that `TreeResourceRequest` documents.
Where it has more, which those classes cannot express, totals are totals over all of them, and what there can be only
one of (cores of a slot) is that of the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from flux.idset import IDset
from flux.resource.ResourceCount import ResourceCount

from ...grammar.count import Count
from ...grammar.jobspec import Vertex

_LISTED = 65536
"""Values of a stepped count that are listed one by one; of a count with more, only the bounds are given."""

_PLAIN = ("node", "slot", "core", "gpu")


@dataclass(frozen=True, slots=True)
class Summary:
    """See `exactfit.adapters.flux.requests.ParsedRequest`, which offers these by the same names."""

    node_count: ResourceCount | None
    slot_count: ResourceCount
    slot_size: int
    gpu_per_slot: int
    exclusive: bool
    container_level: str | None
    nnodes: int
    nnodes_max: int | None
    nslots: int
    nslots_max: int | None
    ncores: int
    ngpus: int


@dataclass(frozen=True, slots=True)
class _Place:
    """A vertex with all that stand above it, outermost first, and itself last."""

    chain: tuple[Vertex, ...]

    @property
    def vertex(self) -> Vertex:
        return self.chain[-1]

    def least(self, below: str = "") -> int:
        """Return the least number of it, all told, or in each of the nearest ancestor of a type."""
        return prod(vertex.count.min for vertex in self._factors(below))

    def most(self) -> int | None:
        """Return the greatest number of it, all told; None for no limit."""
        counts = [vertex.count.max for vertex in self.chain]
        return prod(count for count in counts if count is not None) if None not in counts else None

    def has_above(self, kind: str) -> bool:
        return any(vertex.type == kind for vertex in self.chain[:-1])

    def _factors(self, below: str) -> tuple[Vertex, ...]:
        types = [vertex.type for vertex in self.chain[:-1]]
        start = len(types) - types[::-1].index(below) if below in types else 0
        return self.chain[start:]


def summarize(vertices: Sequence[Vertex]) -> Summary:
    """Return the summary of a jobspec's resources."""
    places = [_Place(chain) for vertex in vertices for chain in _chains(vertex, ())]
    nodes = [place for place in places if place.vertex.type == "node"]
    slots = [place for place in places if place.vertex.is_slot and not place.vertex.holds_slots]
    slot = slots[0]
    containers = [
        place.vertex.type
        for place in places
        if place.vertex.exclusive and not place.vertex.children and place.vertex.type not in _PLAIN
    ]
    return Summary(
        node_count=_total(nodes),
        slot_count=_slots_each(slot, nodes),
        slot_size=_each(places, "core", slot),
        gpu_per_slot=_each(places, "gpu", slot),
        exclusive=any(place.vertex.exclusive or not place.vertex.children for place in nodes),
        container_level=containers[-1] if containers else None,
        nnodes=sum(place.least() for place in nodes),
        nnodes_max=_most(nodes),
        nslots=sum(place.least() for place in slots),
        nslots_max=_most(slots),
        ncores=sum(place.least() for place in places if place.vertex.type == "core"),
        ngpus=sum(place.least() for place in places if place.vertex.type == "gpu"),
    )


def _chains(vertex: Vertex, above: tuple[Vertex, ...]) -> Iterator[tuple[Vertex, ...]]:
    chain = (*above, vertex)
    yield chain
    for child in vertex.children:
        yield from _chains(child, chain)


def _most(places: Sequence[_Place]) -> int | None:
    most = [place.most() for place in places]
    return sum(count for count in most if count is not None) if None not in most else None


def _each(places: Sequence[_Place], kind: str, slot: _Place) -> int:
    """How many of a kind each of a slot holds at least."""
    return sum(
        place.least("slot")
        for place in places
        if place.vertex.type == kind and slot.chain == place.chain[: len(slot.chain)]
    )


def _total(nodes: Sequence[_Place]) -> ResourceCount | None:
    if not nodes:
        return None
    if len(nodes) == 1:
        return _scaled(nodes[0].vertex.count, nodes[0].least() // nodes[0].vertex.count.min)
    return ResourceCount(sum(place.least() for place in nodes), _most(nodes))


def _slots_each(slot: _Place, nodes: Sequence[_Place]) -> ResourceCount:
    if nodes and not slot.has_above("node"):
        # The slot stands above its nodes: one in each.
        return ResourceCount(1, 1)
    return _scaled(slot.vertex.count, slot.least("node") // slot.vertex.count.min)


def _scaled(count: Count, factor: int) -> ResourceCount:
    least, most = count.min * factor, None if count.max is None else count.max * factor
    stepped = count.intervals is not None or count.operator != "+" or count.operand != 1
    if count.is_fixed or not stepped or count.max is None:
        return ResourceCount(least, most)
    values = []
    for value in count.descending(count.max):
        values.append(value * factor)
        if len(values) > _LISTED:
            return ResourceCount(least, most)
    return ResourceCount(least, most, IDset(values))
