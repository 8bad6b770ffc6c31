"""The groups that a waiting job's nodes have to stand in, taken off its request: the rest is asked of each of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ...grammar.count import Count
from ...grammar.jobspec import Vertex
from ..demand.request import Request, shape_of
from .wants import NotJointError


@dataclass(frozen=True, slots=True)
class GroupsAround:
    """A vertex of groups.

    Attributes
    ----------
    level
        Of the groups.
    count
        How many, in each group that stands for the vertex around them.
    most
        For how many of these a group may stand: for the slots that name it, one each.
    """

    level: str
    count: int
    most: int = 1


def without_groups(request: Request, levels: Collection[str]) -> tuple[tuple[GroupsAround, ...], Request]:
    """Return the vertices of groups around a request's nodes and slots, outermost first, and what stands in the last.

    Of slots that name groups, the nodes become slots of one node each, as many in each group.

    Parameters
    ----------
    levels
        Of groups.

    Raises
    ------
    NotJointError
        For groups that are taken whole, named by ids or left open in number.
    """
    groups: list[GroupsAround] = []
    vertices = request.shape.vertices
    slot: Vertex | None = None
    slots = 1
    while len(vertices) == 1:
        (vertex,) = vertices
        if vertex.type in levels:
            _check(vertex)
            times = 1 if slot is None else slots
            groups.append(GroupsAround(vertex.type, times * vertex.count.min, times))
            slots = 1
        elif not (vertex.is_slot and slot is None and len(vertex.children) == 1 and vertex.children[0].type in levels):
            break
        else:
            slot, slots = vertex, vertex.count.min
        vertices = vertex.children
    if not groups:
        return (), request
    if slot is not None:
        if len(vertices) != 1 or vertices[0].type != "node":
            raise NotJointError(f"{slot.path}: what does not hold one kind of node is placed one job at a time only")
        node = replace(vertices[0], count=Count(1, 1))
        vertices = (replace(slot, count=vertices[0].count, children=(node,)),)
    return tuple(groups), replace(request, shape=shape_of(vertices))


def _check(vertex: Vertex) -> None:
    if vertex.exclusive or not vertex.children or vertex.id is not None or not vertex.count.is_fixed:
        raise NotJointError(
            f"{vertex.path}: a {vertex.type} that is whole, open in number or named is placed one job at a time only"
        )
