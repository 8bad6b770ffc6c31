"""Levels that RFC 49 lets writers of R leave out: `socket` and `numa` where the tree has no level of that name.

They are left out where they group nothing. So each is the next coarser level that the tree has: a numa is its socket,
or the node, and a socket is the node. Asked for inside a vertex of that very level it is that same domain: what stands
in it stands in the vertex around it, once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...grammar.count import Count
from ...grammar.idset import IdSet
from ...grammar.jobspec import Vertex
from ..errors import InfeasibleRequest

OMITTED = ("socket", "numa")
"""Coarser ones first, as they nest where they are left out."""

_ONE = Count(1, 1)


def stand_ins(levels: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Return by which level of a machine the names are meant that it does not have.

    Parameters
    ----------
    levels
        Those below the node.
    known
        All other names of things that the machine has.
    """
    found: dict[str, str] = {}
    coarser = "node"
    for name in OMITTED:
        if name in levels:
            coarser = name
        elif name not in known:
            found[name] = coarser
    return found


def named_levels(
    vertices: tuple[Vertex, ...], instead: Mapping[str, str], places: Collection[str], *, by_default: bool
) -> tuple[Vertex, ...]:
    """Return vertices that name the levels which the tree has.

    Parameters
    ----------
    instead
        What `stand_ins` returns.
    places
        The levels and groups that the machine has.
    by_default
        Whether domains inside slots are whole where nothing else is said.

    Raises
    ------
    InfeasibleRequest
        When more of a level is asked for inside a domain than the one that it is.
    """
    if not instead or not any(below.type in instead for vertex in vertices for below in vertex.walk()):
        return vertices
    return tuple(
        _Names(instead, {*places, *instead, "node"}, by_default).outer(vertex, _Around()) for vertex in vertices
    )


@dataclass(frozen=True)
class _Around:
    """What a vertex stands in: any slot, and one that asks for no core and no GPU."""

    in_slot: bool = False
    bare: bool = False

    def inside(self, vertex: Vertex) -> _Around:
        if not vertex.is_slot:
            return self
        return _Around(in_slot=True, bare=not any(below.type in ("core", "gpu") for below in vertex.walk()))


@dataclass
class _Same:
    """What was found inside a domain vertex to be the same domain.

    Attributes
    ----------
    level, named
        The level of the domain, and whether the request calls it by another name.
    names
        The names that were found.
    whole, whole_in_slot
        Whether one of them takes it whole, beside the domain vertex and in a slot inside it.
    ids
        The numbers that they and the domain vertex allow.
    """

    level: str
    named: bool
    names: set[str] = field(default_factory=set)
    whole: bool = False
    whole_in_slot: bool = False
    ids: IdSet | None = None


class _Names:
    def __init__(self, instead: Mapping[str, str], places: Collection[str], by_default: bool) -> None:
        self.instead = instead
        self.places = places
        self.by_default = by_default

    def outer(self, vertex: Vertex, around: _Around) -> Vertex:
        """Return a vertex that is the same as none around it, with what is inside it named anew."""
        level = self.instead.get(vertex.type, vertex.type)
        if vertex.is_slot or vertex.type in ("core", "gpu"):
            inside = around.inside(vertex)
            return replace(vertex, children=tuple(self.outer(child, inside) for child in vertex.children))
        renamed = level != vertex.type
        same = _Same(level, renamed, ids=self.ids(vertex, level) if renamed else vertex.id)
        children = self.inner(vertex.children, same, around, crossed=False)
        exclusive = self.whole(vertex, around) if renamed else vertex.exclusive
        made = replace(vertex, type=level, children=children, id=same.ids, exclusive=exclusive)
        if same.whole:
            made = replace(made, exclusive=True)
        return self.in_its_slot(made) if same.whole_in_slot else made

    def inner(self, vertices: Sequence[Vertex], same: _Same, around: _Around, *, crossed: bool) -> tuple[Vertex, ...]:
        """Return what stands in a domain vertex, with what is the same domain dissolved.

        Parameters
        ----------
        crossed
            Whether a slot stands between the domain vertex and these.
        """
        made: list[Vertex] = []
        for vertex in vertices:
            level = self.instead.get(vertex.type, vertex.type)
            if vertex.is_slot:
                before = len(same.names)
                children = self.inner(vertex.children, same, around.inside(vertex), crossed=True)
                count = self.once(vertex) if len(same.names) > before else vertex.count
                made.append(replace(vertex, count=count, children=children))
            elif level == same.level and (same.named or level != vertex.type):
                if vertex.type in same.names:
                    raise InfeasibleRequest(f"{vertex.path}: a {same.level} here is no more than one {vertex.type}")
                self.once(vertex)
                same.ids = self.ids_of_both(vertex, same)
                same.names.add(vertex.type)
                if self.whole(vertex, around):
                    same.whole_in_slot |= crossed
                    same.whole |= not crossed
                made += self.inner(vertex.children, same, around, crossed=crossed)
            else:
                made.append(self.outer(vertex, around))
        return tuple(made)

    def once(self, vertex: Vertex) -> Count:
        """Return the count 1, which is the only one that there can be."""
        if 1 not in vertex.count:
            raise InfeasibleRequest(
                f"{vertex.path}: asks for {vertex.count} where there is one: this machine's R leaves out "
                f"{' and '.join(self.instead)}, which group nothing"
            )
        return _ONE

    def ids(self, vertex: Vertex, level: str) -> IdSet | None:
        """Return the ids of a vertex by another level: the node has one of each, of number 0."""
        if level != "node" or vertex.id is None:
            return vertex.id
        if 0 not in vertex.id:
            raise InfeasibleRequest(f"{vertex.path}: a node here has one {vertex.type}, of number 0")
        return None

    def ids_of_both(self, vertex: Vertex, same: _Same) -> IdSet | None:
        """Return the numbers that a vertex allows the domain that it is, with those that were allowed before."""
        ids = self.ids(vertex, same.level)
        if ids is None or same.ids is None:
            return same.ids if ids is None else ids
        both = ids & same.ids
        if not both:
            raise InfeasibleRequest(f"{vertex.path}: a {vertex.type} here has the number of its {same.level}")
        return both

    def whole(self, vertex: Vertex, around: _Around) -> bool | None:
        """Return whether a vertex takes its domain whole, as far as what stands in it says so, else what it says."""
        if vertex.exclusive is not None:
            if not vertex.exclusive and not vertex.children:
                raise InfeasibleRequest(
                    f"{vertex.path}: exclusive is false and nothing stands below: it asks for nothing"
                )
            return vertex.exclusive
        innermost = not any(below.type in self.places for child in vertex.children for below in child.walk())
        if not vertex.children or (around.bare and innermost) or (around.in_slot and self.by_default):
            return True
        return None

    def in_its_slot(self, vertex: Vertex) -> Vertex:
        """Put a domain vertex, which the only slot in it takes whole, into that slot."""
        slot = vertex.children[0]
        if len(vertex.children) > 1 or not slot.is_slot:
            raise InfeasibleRequest(f"{vertex.path}: what a slot in it takes whole leaves nothing beside the slot")
        inside = replace(vertex, count=_ONE, exclusive=True, children=slot.children)
        return replace(slot, count=vertex.count, children=(inside,))
