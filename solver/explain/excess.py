"""What one domain would have to give and no domain of its level has: the plainest of all reasons, and the first given.

It is a relaxation of the conflict, one count against the largest domain, and needs no trial.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...grammar.jobspec import Vertex
from ...grammar.unit import gib
from ..state.domain_state import MEASURED, MIB_PER_GIB, DomainState


@dataclass(frozen=True)
class TooMuch:
    """Something of which one domain would have to give more than any has.

    Attributes
    ----------
    type, unit
        What it is; GiB for memory and storage.
    there, asked
        The most that a domain has, and what is asked for in one.
    added_up
        Whether that stands nowhere in the request, but comes of several counts.
    """

    type: str
    unit: str
    there: float
    asked: float
    added_up: bool


def too_much(vertices: Mapping[str, Vertex], path: str, level: str, nodes: Iterable[DomainState]) -> list[TooMuch]:
    """Return what is asked for below a vertex of which no domain has so much.

    Parameters
    ----------
    vertices
        The request's, by path.
    path, level
        The vertex, and the level of the one domain that has to give all that stands below it.
    nodes
        The states that nodes are in when nothing is held.
    """
    below = [vertex for vertex in vertices.values() if vertex.path.startswith(f"{path}/")]
    if any(vertex.type == level for vertex in below):
        return []
    leaves = [vertex for vertex in below if not vertex.children]
    domains = [domain for node in nodes for domain in node.flat if domain.level == level]
    found = []
    for name in dict.fromkeys(leaf.type for leaf in leaves):
        each = [(_own(leaf), _in_each(leaf, vertices, path)) for leaf in leaves if leaf.type == name]
        asked = sum(number for _, number in each)
        there = max((domain.all_free(name) for domain in domains), default=0)
        if 0 < there < asked:
            unit = MIB_PER_GIB if name in MEASURED else 1
            added_up = len(each) > 1 or each[0][0] != asked
            found.append(TooMuch(name, "GiB" * (unit > 1), _short(there / unit), _short(asked / unit), added_up))
    return found


def _own(vertex: Vertex) -> int:
    """Return a vertex' own count, MiB of memory and storage."""
    return (
        math.ceil(vertex.count.min * gib(1, vertex.unit) * MIB_PER_GIB) if vertex.type in MEASURED else vertex.count.min
    )


def _in_each(vertex: Vertex, vertices: Mapping[str, Vertex], above: str) -> int:
    """Return how many of a vertex are asked for in each instance of one above it."""
    count, path = _own(vertex), vertex.path.rpartition("/")[0]
    while path != above:
        count *= vertices[path].count.min
        path = path.rpartition("/")[0]
    return count


def _short(number: float) -> float:
    return int(number) if number == int(number) else round(number, 2)
