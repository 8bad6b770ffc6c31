"""Requests for `socket` and `numa` on machines whose R leaves these levels out, as RFC 49 allows.

A numa that the tree does not have is its socket or its node, a socket that it does not have is its node. The vertices
are renamed, and one that then stands for the very place around it is contracted into the vertex of that place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from ...grammar.count import Count
from ...grammar.jobspec import Vertex
from ...topology.machine import Machine


class _NoPlaceError(Exception):
    """The request asks for more of a level inside a place than that place itself."""


@dataclass(eq=False)
class _Node:
    """A vertex while it is renamed and contracted."""

    vertex: Vertex
    above: _Node | None
    level: str
    whole: bool | None
    below: list[_Node] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)
    filled_by: _Node | None = None
    """The slot inside that takes all of this place."""

    @property
    def renamed(self) -> bool:
        return self.level != self.vertex.type

    def walk(self) -> Iterator[_Node]:
        """Go through what is below, then this."""
        for node in list(self.below):
            yield from node.walk()
        yield self


def present_levels(machine: Machine, vertices: Sequence[Vertex], slot_exclusive: str) -> Sequence[Vertex]:
    """Return vertices that ask for levels of the machine's tree; unchanged where they cannot be met in it."""
    levels = machine.levels
    standing = {"socket": "node", "numa": "socket" if "socket" in levels else "node"}
    names = {*levels, *machine.group_levels, *machine.amounts}
    standing = {name: level for name, level in standing.items() if name not in names}
    if not any(inner.type in standing for vertex in vertices for inner in vertex.walk()):
        return vertices
    places = {*levels, *machine.group_levels, "node", *standing}
    try:
        return [_contracted(vertex, standing, places, slot_exclusive) for vertex in vertices]
    except _NoPlaceError:
        return vertices


def _contracted(top: Vertex, standing: dict[str, str], places: Collection[str], slot_exclusive: str) -> Vertex:
    def build(vertex: Vertex, above: _Node | None, slot: Vertex | None) -> _Node:
        level = standing.get(vertex.type, vertex.type)
        whole = vertex.exclusive
        if vertex.type in standing and whole is None:
            inside = [inner for child in vertex.children for inner in child.walk()]
            bare = slot is not None and not any(inner.type in ("core", "gpu") for inner in slot.walk())
            innermost = bare and not any(inner.type in places for inner in inside)
            if not inside or innermost or (slot is not None and slot_exclusive == "rfc14"):
                whole = True
        node = _Node(vertex, above, level, whole)
        node.below = [build(child, node, vertex if vertex.is_slot else slot) for child in vertex.children]
        return node

    holder = _Node(top, None, "", None)
    holder.below = [build(top, holder, None)]
    for node in chain.from_iterable(one.walk() for one in list(holder.below)):
        if node.level not in places:
            continue
        slots, around = [], node.above
        while around is not None and around.level not in places:
            slots.append(around)
            around = around.above
        if around is not None and around.level == node.level and (node.renamed or around.renamed):
            _contract(node, around, [slot for slot in slots if slot.vertex.is_slot])
        elif node.renamed and node.level == "node":
            _forget_number(node)
    return _written(holder.below[0])


def _contract(node: _Node, around: _Node, slots: list[_Node]) -> None:
    names = node.merged | {node.vertex.type}
    if names & around.merged or any(1 not in one.vertex.count for one in (node, *slots)):
        raise _NoPlaceError
    if node.level == "node":
        _forget_number(node)
    if node.whole is False and not node.vertex.children:
        raise _NoPlaceError
    if node.vertex.id is not None:
        both = node.vertex.id if around.vertex.id is None else node.vertex.id & around.vertex.id
        if not both:
            raise _NoPlaceError
        around.vertex = replace(around.vertex, id=both)
    around.merged |= names
    for slot in slots:
        slot.vertex = replace(slot.vertex, count=Count(1, 1))
    if node.whole and slots:
        around.filled_by = slots[-1]
    elif node.whole:
        around.whole = True
    around.filled_by = around.filled_by or node.filled_by
    above = node.above
    assert above is not None, "it stands in the place around it"
    at = above.below.index(node)
    above.below[at : at + 1] = node.below
    for child in node.below:
        child.above = above


def _forget_number(node: _Node) -> None:
    """Take the number 0 for the node, which is its own only socket and numa."""
    if node.vertex.id is not None and node.renamed:
        if 0 not in node.vertex.id:
            raise _NoPlaceError
        node.vertex = replace(node.vertex, id=None)


def _written(node: _Node) -> Vertex:
    below = [_written(child) for child in node.below]
    type_ = node.level if node.renamed else node.vertex.type
    made = replace(node.vertex, type=type_, exclusive=node.whole, children=tuple(below))
    if node.filled_by is None:
        return made
    if node.below != [node.filled_by]:
        raise _NoPlaceError
    [slot] = below
    inside = replace(made, count=Count(1, 1), exclusive=True, children=slot.children)
    return replace(slot, count=node.vertex.count, children=(inside,))
