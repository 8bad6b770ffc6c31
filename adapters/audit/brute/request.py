"""What the vertices of a request stand for, and the rules about whole domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ....grammar.idset import IdSet
from ....grammar.jobspec import Vertex
from ....topology.machine import Machine


@dataclass(frozen=True, eq=False)
class Need:
    """A vertex of the request with what the rules about whole domains make of it."""

    vertex: Vertex
    kind: str  # slot, outer (a slot with slots inside), place, core, gpu, stock, nothing (of an unknown type, ignored)
    whole: bool
    roaming: bool  # a slot of which something stands on no node that the request names
    children: tuple[Need, ...]
    same: str = ""  # the name of a level that R leaves out, where the vertex stands for the place around it
    once: bool = False  # a slot with such a vertex inside: there is no second


class RefusedError(Exception):
    """The request means nothing on this machine: a type that it has not, or a vertex that asks for nothing."""


def read(
    machine: Machine, vertices: Sequence[Vertex], slot_exclusive: str, unknown_types: str
) -> tuple[tuple[Need, ...], tuple[tuple[str, IdSet], ...]]:
    """Say for each vertex of the request what it is, and gather the ids it asks for."""
    groups = set(machine.group_levels)
    places = groups | {"node"} | set(machine.levels)
    stock = stock_of(machine)
    idsets: list[tuple[str, IdSet]] = []
    coarser = {"numa": "socket" if "socket" in places else "node", "socket": "node"}
    instead = {name: level for name, level in coarser.items() if name not in places | stock}
    places |= set(instead)

    def level_of(vertex: Vertex) -> str:
        return instead.get(vertex.type, vertex.type)

    def has(vertex: Vertex, types: set[str]) -> bool:
        return any(child.type in types or has(child, types) for child in vertex.children)

    def nodeless(vertices: Sequence[Vertex]) -> bool:
        return any(
            v.type in {"core", "gpu"}
            or (v.type in places - groups and level_of(v) != "node")
            or (level_of(v) != "node" and nodeless(v.children))
            for v in vertices
        )

    def need(vertex: Vertex, in_slot: bool, bare: bool, around: tuple[str, bool] = ("", False)) -> Need:
        refuse_unit(vertex, places | stock | {"slot", "core", "gpu"})
        if vertex.type == "slot":
            bare = not has(vertex, {"core", "gpu"})
            children = tuple(need(child, True, bare, around) for child in vertex.children)
            kind = "outer" if has(vertex, {"slot"}) else "slot"
            once = any(child.same or child.once for child in children)
            return Need(vertex, kind, False, nodeless(vertex.children), children, once=once)
        level, renamed = level_of(vertex), vertex.type in instead
        within = (level, renamed) if vertex.type in places else around
        children = tuple(need(child, in_slot, bare, within) for child in vertex.children)
        if vertex.type in places:
            innermost = bare and not has(vertex, places)
            whole = takes_whole(vertex, innermost or (in_slot and slot_exclusive == "rfc14"))
            same = vertex.type if level == around[0] and (renamed or around[1]) else ""
            if renamed:
                # A node is its own socket and numa of number 0.
                ids = vertex.id if level != "node" or vertex.id is None else None if 0 in vertex.id else IdSet()
                vertex = replace(vertex, type=level, id=ids)
            return Need(vertex, "place", whole, False, children, same)
        if vertex.type in {"core", "gpu"}:
            if vertex.id is not None:
                idsets.append((vertex.type, vertex.id))
            return Need(vertex, vertex.type, False, False, children)
        if vertex.type in stock:
            return Need(vertex, "stock", False, False, children)
        is_root = vertex.type == "cluster" and 1 in vertex.count and vertex.children
        if unknown_types == "refuse" and not is_root:
            raise RefusedError(vertex.type)
        return Need(vertex, "nothing", False, False, children)

    return tuple(need(vertex, False, False) for vertex in vertices), tuple(idsets)


def takes_whole(vertex: Vertex, by_default: bool) -> bool:
    """Return whether a vertex takes its place whole: one without children does, and others by default.

    Raises
    ------
    RefusedError
        It asks for nothing.
    """
    if vertex.exclusive is False and not vertex.children:
        raise RefusedError(f"{vertex.type} asks for nothing")
    return (by_default or not vertex.children) if vertex.exclusive is None else vertex.exclusive


def stock_of(machine: Machine) -> set[str]:
    """Return the names of what the machine lists by number."""
    stock = {name for group in machine.groups for name in dict(group.resources)}
    for kind in machine.types:
        for domain in kind.domains:
            stock |= {name for name, _ in domain.resources}
            stock |= {"memory"} if domain.memory is not None else set()
            stock |= {"storage"} if domain.storage is not None else set()
    return stock


def refuse_unit(vertex: Vertex, known: set[str]) -> None:
    """Refuse a unit of anything that the machine has, other than memory and storage."""
    if vertex.unit is not None and vertex.type in known - {"memory", "storage"}:
        raise RefusedError(f"{vertex.type} in {vertex.unit}")


def preorder(needs: Sequence[Need]) -> Iterator[Need]:
    """Go through all vertices, parents first."""
    for need in needs:
        yield need
        yield from preorder(need.children)
