"""Fluxion's resource graph (RFC 40), as the one tree that its containment edges make of it.

What is no tree there is named in a warning, and the rest is used: another subsystem's edges (power, network), a vertex
that two others contain, and what stands in none.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..grammar.errors import printable, shown
from .expect import array_of, mapping
from .listing import MAX_AMOUNT

logger = logging.getLogger(__name__)

CONTAINMENT = "containment"
MAX_RANK = 2**31 - 2
_SHOWN = 5
_NO_KIND = frozenset({"cores", "gpus", "ranks", "slot", ""})
"""Types that could not be told from what R or a jobspec means by them."""


class Vertex(NamedTuple):
    """A resource pool of the graph."""

    kind: str
    """Its type."""
    name: str
    """As it is written; type and number where it is not."""
    number: int | None
    """Its `id`, None if it has none."""
    rank: int
    """-1 for none."""
    size: int
    unit: str
    down: bool
    properties: tuple[str, ...]
    path: str
    """Where the containment subsystem has it, for messages and to tell its container."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The tree that containment makes; vertices by their place in the graph."""

    vertices: Sequence[Vertex]
    children: Sequence[Sequence[int]]
    roots: Sequence[int]
    """What nothing contains and a node stands in, or is; in the order of the graph."""

    def within(self, root: int) -> Iterable[int]:
        """Yield a vertex and all that it contains, in pre-order."""
        pending = [root]
        while pending:
            vertex = pending.pop()
            yield vertex
            pending.extend(reversed(self.children[vertex]))


def read_graph(value: object, place: str) -> Graph:
    """Read a graph.

    Parameters
    ----------
    value : the object with `nodes` and `edges`.
    place : where it stands in the input, for messages.

    Raises
    ------
    ValueError
        It is not as RFC 40 has it, has no node, or a vertex contains itself; the message names the place.
    """
    graph = mapping(value, place)
    index: dict[str, int] = {}
    vertices: list[Vertex] = []
    for n, entry in enumerate(array_of(graph.get("nodes"), f"{place}.nodes")):
        where = f"{place}.nodes[{n}]"
        ident = mapping(entry, where).get("id")
        if not isinstance(ident, str):
            raise ValueError(f"{where}.id: {shown(ident)} is no string")
        if index.setdefault(ident, n) != n:
            raise ValueError(f"{where}.id: {shown(ident)} is that of {place}.nodes[{index[ident]}] as well")
        vertices.append(_vertex(mapping(entry.get("metadata"), f"{where}.metadata"), f"{where}.metadata"))
    parents = _parents(array_of(graph.get("edges", []), f"{place}.edges"), f"{place}.edges", index, vertices)
    children: list[list[int]] = [[] for _ in vertices]
    for vertex, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(vertex)
    return _rooted(vertices, children, parents, place)


def _vertex(data: Mapping[str, Any], place: str) -> Vertex:
    kind = data.get("type")
    if not isinstance(kind, str) or kind in _NO_KIND or not kind.isprintable():
        raise ValueError(f"{place}.type: {shown(kind)} is no type of a resource")
    number = _number(data, "id", place, -1)
    name, unit = (data.get(key) for key in ("name", "unit"))
    properties, paths = data.get("properties"), data.get("paths")
    return Vertex(
        kind,
        name if isinstance(name, str) and name else f"{kind}{number if number >= 0 else ''}",
        number if number >= 0 else None,
        min(_number(data, "rank", place, -1), MAX_RANK),
        max(_number(data, "size", place, 1), 0),
        unit if isinstance(unit, str) else "",
        data.get("status", 0) not in (0, "UP", "up", None),
        tuple(map(str, properties)) if isinstance(properties, Mapping) else (),
        str(paths.get(CONTAINMENT, "")) if isinstance(paths, Mapping) else "",
    )


def _number(data: Mapping[str, Any], key: str, place: str, default: int) -> int:
    value = data.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not -MAX_AMOUNT <= value <= MAX_AMOUNT:
        raise ValueError(f"{place}.{key}: {shown(value)} is no whole number below 2^63")
    return value


def _parents(edges: Sequence[Any], place: str, index: Mapping[str, int], vertices: Sequence[Vertex]) -> list[int]:
    """Return what contains each vertex, -1 for nothing."""
    parents = [-1] * len(vertices)
    others: Counter[str] = Counter()
    twice: dict[int, None] = {}
    for n, edge in enumerate(edges):
        try:
            source, target = index[edge["source"]], index[edge["target"]]
        except (KeyError, TypeError, IndexError):
            raise ValueError(f"{place}[{n}]: its source and target have to be ids of vertices") from None
        subsystem, relationship = _meaning(edge.get("metadata"))
        if subsystem != CONTAINMENT:
            others[subsystem] += 1
        elif relationship == "in" or _is_in(vertices[source].path, vertices[target].path):
            continue  # the same once more, upwards
        elif parents[target] != source:
            if parents[target] >= 0:
                twice[target] = None
                if not _is_in(vertices[target].path, vertices[source].path):
                    continue
            parents[target] = source
    for subsystem, count in others.most_common(_SHOWN):
        logger.warning("%s: %d edges of the subsystem %s: a second hierarchy, left out", place, count, shown(subsystem))
    if twice:
        logger.warning("%s: %s: in two containers, kept in one", place, named(vertices[v] for v in twice))
    return parents


def _meaning(metadata: object) -> tuple[str, str]:
    """Return an edge's subsystem and relationship; without any, one contains the other."""
    if not isinstance(metadata, Mapping):
        return CONTAINMENT, "contains"
    older = metadata.get("name")
    if isinstance(older, Mapping) and "subsystem" not in metadata:
        return next(((str(key), str(value)) for key, value in older.items()), (CONTAINMENT, "contains"))
    return str(metadata.get("subsystem", CONTAINMENT)), str(metadata.get("relationship", "contains"))


def _is_in(path: str, container: str) -> bool:
    return bool(container) and path.rpartition("/")[0] == container


def _rooted(vertices: Sequence[Vertex], children: Sequence[Sequence[int]], parents: Sequence[int], place: str) -> Graph:
    roots = [vertex for vertex, parent in enumerate(parents) if parent < 0]
    graph = Graph(vertices, children, roots)
    seen = bytearray(len(vertices))
    kept: list[int] = []
    alone: list[int] = []
    for root in roots:
        below = list(graph.within(root))
        for vertex in below:
            seen[vertex] = 1
        (kept if any(vertices[v].kind == "node" for v in below) else alone).append(root)
    circle = seen.find(0)
    if circle >= 0:
        raise ValueError(f"{place}.nodes[{circle}]: {shown(vertices[circle].name)} contains itself")
    if not kept:
        raise ValueError(f"{place}: no vertex of type node")
    if alone:
        logger.warning("%s: %s: not in the tree of the nodes, left out", place, named(vertices[v] for v in alone))
    return Graph(vertices, children, kept)


def named(vertices: Iterable[Vertex]) -> str:
    """Return some vertices for a message, by what tells them best, few by name and the rest by number."""
    told = [printable(vertex.path or vertex.name)[:80] for vertex in vertices]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return ", ".join(told[:_SHOWN]) + more
