"""Requests of equal slots of cores and GPUs, each on one node: what can be proven of them by counting alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...grammar.jobspec import Vertex
from .places import NODE
from .question import Question


@dataclass(frozen=True, slots=True)
class Alike:
    """Equal slots.

    Attributes
    ----------
    cores, gpus
        Of each slot.
    slots
        How many there are; on each node, where nodes are named.
    nodes
        On how many nodes so many slots each; 0 where the slots may stand anywhere.
    """

    cores: int
    gpus: int
    slots: int
    nodes: int


def alike(question: Question, counts: Mapping[str, int]) -> Alike | None:
    """Return a request with its counts as equal slots; None for what is more than that."""
    if len(question.vertices) != 1:
        return None
    vertex = question.vertices[0]
    if vertex.type == "slot":
        # A slot with one node of its own is one slot on each of so many nodes.
        (inside, *more) = vertex.children or (None,)
        if inside is not None and inside.type == NODE and not more:
            if question.slot_exclusive == "rfc14" or _count(inside, counts) != 1:
                return None
            size = _size(inside, counts)
            return None if size is None or not _is_plain(vertex) else Alike(*size, 1, _count(vertex, counts))
        size = _size(vertex, counts)
        return None if size is None else Alike(*size, _count(vertex, counts), 0)
    if vertex.type != NODE or not _is_plain(vertex) or len(vertex.children) != 1:
        return None
    (slot,) = vertex.children
    size = _size(slot, counts) if slot.type == "slot" else None
    return None if size is None else Alike(*size, _count(slot, counts), _count(vertex, counts))


def _size(vertex: Vertex, counts: Mapping[str, int]) -> tuple[int, int] | None:
    """Return the cores and GPUs in a vertex; None where there is anything else."""
    if not vertex.children or not _is_plain(vertex):
        return None
    size = {"core": 0, "gpu": 0}
    for child in vertex.children:
        if child.type not in size or child.children or not _is_plain(child):
            return None
        size[child.type] += _count(child, counts)
    return size["core"], size["gpu"]


def _is_plain(vertex: Vertex) -> bool:
    return vertex.id is None and vertex.exclusive is None and vertex.unit is None


def _count(vertex: Vertex, counts: Mapping[str, int]) -> int:
    return counts.get(vertex.path, vertex.count.min)
