"""What the vertices of a request stand for, and the rules about whole domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import Vertex
from exactfit.topology.machine import Machine


@dataclass(frozen=True, eq=False)
class Need:
    """A vertex of the request with what the rules about whole domains make of it."""

    vertex: Vertex
    kind: str  # slot, outer (a slot with slots inside), place, core, gpu, stock, nothing (of an unknown type, ignored)
    whole: bool
    roaming: bool  # a slot of which something stands on no node that the request names
    children: tuple[Need, ...]


class UnknownTypeError(Exception):
    """The machine has no resource of this type."""


def read(
    machine: Machine, vertices: Sequence[Vertex], slot_exclusive: str, unknown_types: str
) -> tuple[tuple[Need, ...], tuple[tuple[str, IdSet], ...]]:
    """Say for each vertex of the request what it is, and gather the ids it asks for."""
    groups = set(machine.group_levels)
    places = groups | {"node"} | set(machine.levels)
    stock = {name for group in machine.groups for name in dict(group.resources)}
    for kind in machine.types:
        for domain in kind.domains:
            stock |= {name for name, _ in domain.resources}
            stock |= {"memory"} if domain.memory is not None else set()
            stock |= {"storage"} if domain.storage is not None else set()
    idsets: list[tuple[str, IdSet]] = []

    def has(vertex: Vertex, types: set[str]) -> bool:
        return any(child.type in types or has(child, types) for child in vertex.children)

    def nodeless(vertices: Sequence[Vertex]) -> bool:
        return any(
            v.type in {"core", "gpu"}
            or v.type in places - groups - {"node"}
            or (v.type != "node" and nodeless(v.children))
            for v in vertices
        )

    def need(vertex: Vertex, in_slot: bool, bare: bool) -> Need:
        refuse_unit(vertex, places | stock | {"slot", "core", "gpu"})
        if vertex.type == "slot":
            children = tuple(need(child, True, not has(vertex, {"core", "gpu"})) for child in vertex.children)
            kind = "outer" if has(vertex, {"slot"}) else "slot"
            return Need(vertex, kind, False, nodeless(vertex.children), children)
        children = tuple(need(child, in_slot, bare) for child in vertex.children)
        if vertex.type in places:
            innermost = bare and not has(vertex, places)
            by_default = not vertex.children or innermost or (in_slot and slot_exclusive == "rfc14")
            whole = by_default if vertex.exclusive is None else vertex.exclusive
            return Need(vertex, "place", whole, False, children)
        if vertex.type in {"core", "gpu"}:
            if vertex.id is not None:
                idsets.append((vertex.type, vertex.id))
            return Need(vertex, vertex.type, False, False, children)
        if vertex.type in stock:
            return Need(vertex, "stock", False, False, children)
        is_root = vertex.type == "cluster" and 1 in vertex.count and vertex.children
        if unknown_types == "refuse" and not is_root:
            raise UnknownTypeError(vertex.type)
        return Need(vertex, "nothing", False, False, children)

    return tuple(need(vertex, False, False) for vertex in vertices), tuple(idsets)


def refuse_unit(vertex: Vertex, known: set[str]) -> None:
    """Refuse a unit of anything that the machine has, other than memory and storage."""
    if vertex.unit is not None and vertex.type in known - {"memory", "storage"}:
        raise UnknownTypeError(f"{vertex.type} in {vertex.unit}")


def preorder(needs: Sequence[Need]) -> Iterator[Need]:
    """Go through all vertices, parents first."""
    for need in needs:
        yield need
        yield from preorder(need.children)
