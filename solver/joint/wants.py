"""What a job of a batch asks for: equal slots of cores and gpus, on so many nodes each, or on any nodes.

Requests of this form need no more of a node than numbers of free cores and gpus, or all of it, which is what makes a
model of a whole batch exact. Other requests (domains below the node, groups, memory, open counts, several slot types)
are refused by name, not bent.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...grammar.jobspec import Vertex
from ..request import Request


class NotJointError(ValueError):
    """A request of a form that is placed one by one only."""


@dataclass(frozen=True, slots=True)
class Want:
    """Equal slots.

    Attributes
    ----------
    hosts
        How many nodes; 0: any number of them.
    slots
        On each node; in all where `hosts` is 0.
    cores, gpus
        Of each slot.
    whole
        Whether each node is taken whole.
    label
        Of the slots.
    """

    hosts: int
    slots: int
    cores: int
    gpus: int
    whole: bool = False
    label: str = "task"


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A job of a batch.

    Attributes
    ----------
    id
        In the pool.
    request
        What it asks for.
    weight
        What it is worth to place it: above 0.
    """

    id: int
    request: Request
    weight: int = 1


def want_of(request: Request) -> Want:
    """Return what a request asks for.

    Raises
    ------
    NotJointError
        When it is not of the form.
    """
    vertices = request.shape.vertices
    if len(vertices) != 1:
        raise NotJointError("several vertices side by side are placed one job at a time only")
    top = vertices[0]
    for vertex in top.walk():
        if not vertex.count.is_fixed or vertex.id is not None:
            raise NotJointError(f"{vertex.path}: an open count or given ids are placed one job at a time only")
    if top.type == "node":
        slot = _only_child(top)
        if not slot.is_slot:
            raise NotJointError(f"{slot.path}: a {slot.type} is placed one job at a time only")
        cores, gpus = _content(slot)
        return _checked(
            Want(top.count.min, slot.count.min, cores, gpus, bool(top.exclusive), slot.label or "task"), top
        )
    if not top.is_slot:
        raise NotJointError(f"{top.path}: a {top.type} is placed one job at a time only")
    label = top.label or "task"
    if len(top.children) == 1 and top.children[0].type == "node":
        node = top.children[0]
        if node.count.min != 1:
            raise NotJointError(f"{node.path}: slots of several nodes are placed one job at a time only")
        cores, gpus = _content(node) if node.children else (0, 0)
        whole = bool(node.exclusive) or not node.children
        return _checked(Want(top.count.min, 1, cores, gpus, whole, label), top)
    cores, gpus = _content(top)
    return _checked(Want(0, top.count.min, cores, gpus, False, label), top)


def _checked(want: Want, vertex: Vertex) -> Want:
    if not want.slots or not (want.whole or want.cores or want.gpus):
        raise NotJointError(f"{vertex.path}: a slot without cores and gpus is placed one job at a time only")
    return want


def _only_child(vertex: Vertex) -> Vertex:
    if len(vertex.children) != 1:
        raise NotJointError(f"{vertex.path}: what does not hold one slot type is placed one job at a time only")
    return vertex.children[0]


def _content(vertex: Vertex) -> tuple[int, int]:
    found = {"core": 0, "gpu": 0}
    for child in vertex.children:
        if child.type not in found or child.children:
            raise NotJointError(f"{child.path}: a {child.type} is placed one job at a time only")
        found[child.type] += child.count.min
    return found["core"], found["gpu"]
