"""What a job of a batch asks for: equal slots of cores and gpus, on so many nodes each, or on any nodes.

Each slot may name one domain of a level, or take it whole. Requests of this form need no more of a node, or of a
domain, than numbers of free cores and gpus, or all of it, which is what makes a model of a whole batch exact. Other
requests (groups, slots of several domains, memory, open counts, several slot types) are refused by name, not bent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ...grammar.count import Count
from ...grammar.errors import shown
from ...grammar.jobspec import Vertex
from ..demand.arguments import need_job
from ..demand.request import Request, need_request, shape_of


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
    level
        Below the node, of which each slot has one domain for itself among the job's slots, and stands in it; "" where
        slots stand anywhere.
    fills
        Whether a slot takes that domain whole, or its node where the nodes are taken whole and stand in slots; cores
        and gpus are then the least that there must be.
    """

    hosts: int
    slots: int
    cores: int
    gpus: int
    whole: bool = False
    label: str = "task"
    level: str = ""
    fills: bool = False


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

    Raises
    ------
    TypeError
        For what is no request, and for an id or a weight that is no integer.
    ValueError
        For a weight that is not above 0.
    """

    id: int
    request: Request
    weight: int = 1

    def __post_init__(self) -> None:
        need_job(self.id)
        need_request(self.request)
        if not isinstance(self.weight, int) or isinstance(self.weight, bool):
            raise TypeError(f"job {self.id}: a weight is an integer, not {shown(self.weight)}")
        if self.weight < 1:
            raise ValueError(f"job {self.id}: a weight is above 0, not {shown(self.weight)}")


def check_batch(jobs: Sequence[BatchJob], seconds: float) -> None:
    """Refuse what is no batch.

    Raises
    ------
    TypeError
        For what are no jobs of a batch.
    ValueError
        For two jobs of one id, and for no time at all.
    """
    for job in jobs:
        if not isinstance(job, BatchJob):
            raise TypeError(f"expected jobs of a batch, not {shown(job)}")
    for jobid, times in Counter(job.id for job in jobs).items():
        if times > 1:
            raise ValueError(f"job {jobid} is given twice")
    if not seconds > 0:
        raise ValueError(f"seconds: expected some time, not {shown(seconds)}")


def want_of(request: Request, levels: Collection[str] = (), *, slot_exclusive: str = "shared") -> Want:
    """Return what a request asks for.

    Parameters
    ----------
    levels
        Below the node, of which a slot may name a domain: those of `joint_levels` where a model counts in domains.
    slot_exclusive
        As of `Options`.

    Raises
    ------
    NotJointError
        When it is not of the form.
    """
    if request.policy is not None:
        raise NotJointError("a policy of a job's own is followed one job at a time only")
    vertices = request.shape.vertices
    if len(vertices) != 1:
        raise NotJointError("several vertices side by side are placed one job at a time only")
    top = vertices[0]
    for vertex in top.walk():
        if not vertex.count.is_fixed or vertex.id is not None:
            raise NotJointError(f"{vertex.path}: an open count or given ids are placed one job at a time only")
    inside = _Inside(levels, slot_exclusive)
    if top.type == "node":
        slot = _only_child(top)
        if not slot.is_slot:
            raise _refusal(slot)
        return inside.slot(slot, hosts=top.count.min, slots=slot.count.min, whole=bool(top.exclusive))
    if not top.is_slot:
        raise _refusal(top)
    if any(child.type == "node" for child in top.children):
        node = _only_child(top)
        if node.count.min != 1:
            raise NotJointError(f"{node.path}: slots of several nodes are placed one job at a time only")
        whole = inside.takes_whole(node)
        if not node.children:
            return Want(top.count.min, 1, 0, 0, True, top.label or "task", fills=True)
        want = inside.slot(node, hosts=top.count.min, slots=1, whole=whole, label=top.label)
        return replace(want, fills=want.fills or whole)
    return inside.slot(top, hosts=0, slots=top.count.min)


def at_least(request: Request) -> Request:
    """Return a request with every open count at its least; the request itself where all are fixed.

    Wherever a placement of the request is, there is one of this: of each vertex some may be left out.
    """

    def least(vertex: Vertex) -> Vertex:
        count = vertex.count if vertex.count.is_fixed else Count(vertex.count.min, vertex.count.min)
        return replace(vertex, count=count, children=tuple(map(least, vertex.children)))

    vertices = request.shape.vertices
    if all(below.count.is_fixed for vertex in vertices for below in vertex.walk()):
        return request
    return replace(request, shape=shape_of(tuple(map(least, vertices))))


def appetite(request: Request) -> tuple[int, int]:
    """Return the cores and gpus that any placement of a request takes at least, whatever its form."""

    def least(vertex: Vertex, kind: str) -> int:
        below = sum(least(child, kind) for child in vertex.children)
        return vertex.count.min * (below + (vertex.type == kind))

    cores, gpus = (sum(least(vertex, kind) for vertex in request.shape.vertices) for kind in ("core", "gpu"))
    return cores, gpus


@dataclass(frozen=True, slots=True)
class _Inside:
    """Reads what stands in a slot; see `want_of`."""

    levels: Collection[str]
    slot_exclusive: str

    def slot(self, vertex: Vertex, *, hosts: int, slots: int, whole: bool = False, label: str | None = None) -> Want:
        """Return the want of the vertex whose children are what one slot has."""
        label = label or vertex.label or "task"
        if any(child.type in self.levels for child in vertex.children):
            domain = _only_child(vertex)
            if domain.count.min != 1 or whole:
                raise NotJointError(f"{domain.path}: several domains in a slot are placed one job at a time only")
            fills = self.takes_whole(domain)
            cores, gpus = _content(domain)
            want = Want(hosts, slots, cores, gpus, False, label, domain.type, fills)
        else:
            cores, gpus = _content(vertex)
            want = Want(hosts, slots, cores, gpus, whole, label)
        if not slots or not (whole or want.fills or cores or gpus):
            raise NotJointError(f"{vertex.path}: a slot without cores and gpus is placed one job at a time only")
        return want

    def takes_whole(self, vertex: Vertex) -> bool:
        """Tell whether a domain in a slot is asked for whole."""
        if vertex.exclusive is not None:
            if not vertex.exclusive and not vertex.children:
                raise NotJointError(f"{vertex.path}: what asks for nothing is placed one job at a time only")
            return vertex.exclusive
        return not vertex.children or self.slot_exclusive == "rfc14"


def _refusal(vertex: Vertex) -> NotJointError:
    return NotJointError(f"{vertex.path}: a {vertex.type} is placed one job at a time only")


def _only_child(vertex: Vertex) -> Vertex:
    if len(vertex.children) != 1:
        raise NotJointError(f"{vertex.path}: what does not hold one slot type is placed one job at a time only")
    return vertex.children[0]


def _content(vertex: Vertex) -> tuple[int, int]:
    found = {"core": 0, "gpu": 0}
    for child in vertex.children:
        if child.type not in found or child.children:
            raise _refusal(child)
        found[child.type] += child.count.min
    return found["core"], found["gpu"]
