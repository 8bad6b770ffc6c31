"""Relaxations of a request: what it insists on, part by part, and the request without some of the parts.

A part can be taken away without making the request harder to meet, so a conflict can be told from its surroundings
by taking parts away: of a vertex its count, its border, its being taken whole, the ids that match, or its type; a
term of the constraint; the ranks that are down; the jobs that hold something.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from ...grammar.constraint import And, Constraint, Or, Properties
from ...grammar.count import Count
from ...grammar.jobspec import Vertex
from ..demand.resolve import Resolver, takes

NONE = Count(0, 0)
"""The count of a vertex that asks for nothing any more; no request that was read has it."""


class Aspect(Enum):
    """What can be taken away of a vertex."""

    COUNT = "count"
    """Of a slot or a domain one is left, of cores, GPUs and amounts nothing."""
    BORDER = "border"
    """What stands inside the domains may stand anywhere in what is around them."""
    WHOLE = "whole"
    """The domain may be shared."""
    IDS = "ids"
    """Any id matches."""
    TYPE = "type"
    """The vertex is passed over, whose type the machine lacks."""


@dataclass(frozen=True)
class VertexPart:
    """An aspect of the vertex at a path."""

    path: str
    aspect: Aspect


@dataclass(frozen=True)
class TermPart:
    """A term of the constraint, all of which must hold."""

    term: Constraint


@dataclass(frozen=True)
class DownPart:
    """Nodes (a bitmask of positions) that are down."""

    nodes: int


@dataclass(frozen=True)
class JobPart:
    """Jobs that hold something; several where the time did not suffice to tell them apart."""

    jobs: tuple[int, ...]


Part: TypeAlias = VertexPart | TermPart | DownPart | JobPart


def terms_of(constraint: Constraint) -> tuple[Constraint, ...]:
    """Return what must hold, one by one: the parts of `and`, and each property by itself."""
    found: dict[Constraint, None] = {}
    left = [constraint]
    while left:
        part = left.pop()
        if isinstance(part, And) or (isinstance(part, Or) and len(part.parts) < 2):
            left += reversed(part.parts)
        elif isinstance(part, Properties):
            found |= {Properties((name,)): None for name in part.names}
        else:
            found[part] = None
    return tuple(found)


@dataclass(frozen=True)
class _Around:
    """What a vertex stands in: the label of its slot, whether that is bare, and whether a node has been passed."""

    slot: str = ""
    bare: bool = False
    in_node: bool = False
    slots: int = 0


class Relaxer:
    """Takes parts of a request away.

    Parameters
    ----------
    resolver
        Knows which types there are, and what is taken whole.
    ignore
        Whether vertices of unknown types are passed over anyway.
    """

    def __init__(self, resolver: Resolver, *, ignore: bool) -> None:
        self._resolver = resolver
        self._ignore = ignore

    def knows(self, name: str) -> bool:
        """Tell whether the machine has a type."""
        return name in ("slot", "node", "core", "gpu", "cluster") or self._is_domain(name) or self.is_amount(name)

    def is_amount(self, name: str) -> bool:
        """Tell whether a type is counted in units."""
        return name in self._resolver.amounts

    def _is_domain(self, name: str) -> bool:
        resolver = self._resolver
        return name in ("node", "cluster") or name in resolver.levels or name in resolver.groups

    # -- which parts there are ------------------------------------------------------------------------------------

    def parts(self, vertices: tuple[Vertex, ...]) -> list[VertexPart]:
        """Return the parts of a request; where there are several conflicts, the later parts are kept first."""
        found = list(self._parts(vertices, _Around(), None))
        order = list(Aspect)
        leaves = {v.path for top in vertices for v in top.walk() if not v.is_slot and not self._is_domain(v.type)}
        return sorted(found, key=lambda part: (part.path in leaves, order.index(part.aspect)))

    def _parts(self, vertices: tuple[Vertex, ...], around: _Around, above: Vertex | None) -> Iterator[VertexPart]:
        for vertex in vertices:
            domain = self._is_domain(vertex.type)
            if not self.knows(vertex.type):
                if not self._ignore:
                    yield VertexPart(vertex.path, Aspect.TYPE)
            elif vertex.count.min > 1 or not (domain or vertex.is_slot):
                yield VertexPart(vertex.path, Aspect.COUNT)
            if domain and not self._is_root(vertex) and self._may_open(vertex, around, above):
                yield VertexPart(vertex.path, Aspect.BORDER)
            if domain and self._whole(vertex, around):
                yield VertexPart(vertex.path, Aspect.WHOLE)
            if vertex.id is not None:
                yield VertexPart(vertex.path, Aspect.IDS)
            yield from self._parts(vertex.children, self._inside(vertex, around), vertex)

    def _may_open(self, vertex: Vertex, around: _Around, above: Vertex | None) -> bool:
        """Tell whether a border can go: a slot must not lose the nodes that it is spread over."""
        # Where slots hold slots, the outer one would have to stand on one node then.
        alone = above is not None and above.is_slot and len(above.children) == 1 and around.slots == 1
        return vertex.type != "node" or not around.slot or alone

    def _is_root(self, vertex: Vertex) -> bool:
        """Tell whether a vertex is the one cluster that a machine is which lists none."""
        return vertex.type == "cluster" and vertex.type not in self._resolver.groups

    def _whole(self, vertex: Vertex, around: _Around) -> bool:
        return not self._is_root(vertex) and self._resolver.takes_whole(
            vertex, in_slot=bool(around.slot), bare=around.bare
        )

    @staticmethod
    def _inside(vertex: Vertex, around: _Around) -> _Around:
        if vertex.is_slot:
            return replace(around, slot=vertex.label or "slot", bare=not takes(vertex), slots=around.slots + 1)
        return replace(around, in_node=True) if vertex.type == "node" else around

    # -- the request without some ---------------------------------------------------------------------------------

    def relax(self, vertices: tuple[Vertex, ...], gone: frozenset[VertexPart]) -> tuple[Vertex, ...]:
        """Return the request without some parts, with the least of its counts."""
        return self._relax(vertices, gone, _Around())

    def _relax(self, vertices: tuple[Vertex, ...], gone: frozenset[VertexPart], around: _Around) -> tuple[Vertex, ...]:
        return tuple(left for vertex in vertices for left in self._one(vertex, gone, around))

    def _one(self, vertex: Vertex, gone: frozenset[VertexPart], around: _Around) -> tuple[Vertex, ...]:
        count = vertex.count.min
        if not self.knows(vertex.type):
            if self._ignore or VertexPart(vertex.path, Aspect.TYPE) in gone:
                return times(self._relax(vertex.children, gone, around), count)
            return (vertex,)
        ids = None if VertexPart(vertex.path, Aspect.IDS) in gone else vertex.id
        relaxed = VertexPart(vertex.path, Aspect.COUNT) in gone
        if vertex.is_slot:
            return self._slot(replace(vertex, id=ids, count=fixed(1 if relaxed else count)), gone, around)
        if not self._is_domain(vertex.type):
            return (replace(vertex, id=ids, count=NONE if relaxed else fixed(count)),)
        return self._domain(replace(vertex, id=ids, count=fixed(1 if relaxed else count)), gone, around)

    def _slot(self, slot: Vertex, gone: frozenset[VertexPart], around: _Around) -> tuple[Vertex, ...]:
        inside = self._inside(slot, around)
        only = slot.children[0]
        if only.type == "node" and VertexPart(only.path, Aspect.BORDER) in gone:
            # Each of the slot's nodes becomes a slot: a slot that names no node stands on one.
            single = VertexPart(only.path, Aspect.COUNT) in gone
            more = 1 if single else only.count.min
            children = self._relax(only.children, gone, replace(inside, in_node=True))
            slot = replace(slot, count=fixed(slot.count.min * more))
        else:
            children = self._relax(slot.children, gone, inside)
        below = [vertex for child in children for vertex in child.walk()]
        # Amounts alone no slot can ask for, so they go with the last of what they stand beside.
        asks = any(vertex.type in ("core", "gpu") or vertex.exclusive for vertex in below)
        return (replace(slot, children=children),) if asks else ()

    def _domain(self, vertex: Vertex, gone: frozenset[VertexPart], around: _Around) -> tuple[Vertex, ...]:
        children = self._relax(vertex.children, gone, self._inside(vertex, around))
        if VertexPart(vertex.path, Aspect.BORDER) in gone:
            if vertex.type not in self._resolver.groups and not around.in_node and not around.slot:
                # There is no node any more whose amounts these could be.
                children = tuple(child for child in children if not self.is_amount(child.type))
            return times(children, vertex.count.min)
        whole = self._whole(vertex, around)
        shared = whole and VertexPart(vertex.path, Aspect.WHOLE) in gone
        if shared or not (whole or children):
            children = (*children, Vertex("core", NONE, path=f"{vertex.path}/core"))
        return (replace(vertex, exclusive=whole and not shared, children=children),)


def times(vertices: tuple[Vertex, ...], number: int) -> tuple[Vertex, ...]:
    """Return vertices with their counts multiplied."""
    if number == 1:
        return vertices
    return tuple(replace(vertex, count=fixed(vertex.count.min * number)) for vertex in vertices)


def fixed(number: int) -> Count:
    """Return the count that is one number."""
    return Count(number, number)


def with_counts(vertices: tuple[Vertex, ...], counts: Mapping[str, int]) -> tuple[Vertex, ...]:
    """Return vertices with other counts, by path."""
    return tuple(
        replace(
            vertex,
            count=fixed(counts[vertex.path]) if vertex.path in counts else vertex.count,
            children=with_counts(vertex.children, counts),
        )
        for vertex in vertices
    )
