"""Groups of nodes, which RFC 49 leaves out: racks, switches, chassis, read from `scheduling.groups`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ..grammar.idset import IdSet
from .listing import read_listing
from .masks import squeeze, union_runs
from .nesting import Vertex, added, nest, order_levels

MAX_GROUPS = 2**16
"""The highest number of groups."""

CLUSTER = "cluster"
"""The level of what the outermost object itself lists: resources that all nodes share."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of nodes."""

    level: str
    index: int
    """Place in `Machine.groups`."""
    number: int
    """n-th group of its level, from 0."""
    parent: int
    """Index of the group around it, -1 if there is none."""
    children: tuple[int, ...]
    members: int
    """Bitmask of the positions of its nodes, at any depth."""
    resources: tuple[tuple[str, Fraction], ...]
    """Countable resources of its own by name, memory and storage in GiB."""
    listed: Mapping[str, object] = field(compare=False, repr=False)
    """The same as R writes them."""


def read_groups(value: object, place: str, mask_of: Callable[[IdSet], int], everyone: int) -> tuple[Group, ...]:
    """Return the groups in pre-order.

    Parameters
    ----------
    value : `scheduling.groups`.
    place : where it stands in R, for messages.
    mask_of : gives the bitmask of the positions of ranks.
    everyone : the bitmask of all positions.

    Raises
    ------
    ValueError
        The value is not of this form; the message names the place.
    """
    named = 1 << everyone.bit_length()
    """Beside the positions of a group that names ranks, whether this R has them or not."""
    listed = _without_nodeless(_read(value, place, lambda ids: mask_of(ids) | named), named)
    root, *others = listed
    of_cluster = bool(root.amounts or root.beside)
    if of_cluster:
        if any(v.level == CLUSTER for v in others):
            raise ValueError(
                f"{place}: what stands beside the groups belongs to the {CLUSTER}, which is a level here, too"
            )
        root.level, root.ids = CLUSTER, everyone
    vertices = nest(listed, place=place)
    _add_beside(vertices)
    if not of_cluster:
        vertices = [replace(v, parent=v.parent - 1) for v in vertices[1:]]
    groups = _number([(v.level, v.parent, v.ids, v.amounts, v.listed) for v in vertices])
    # A group of nothing but ranks that this R lacks is a group of another instance.
    return groups if all(g.members for g in groups) else cut_groups(groups, everyone)


def _without_nodeless(listed: Sequence[Vertex], named: int) -> list[Vertex]:
    """Note what groups list that name no ranks, at any depth, with their parents: a storage unit beside nodes."""
    naming = [bool(vertex.ids) for vertex in listed]
    for i in range(len(listed) - 1, 0, -1):
        vertex = listed[i]
        naming[vertex.parent] |= naming[i]
        if not naming[i]:
            above = listed[vertex.parent]
            above.beside = added(added(above.beside, vertex.beside), vertex.amounts)
    kept: list[Vertex] = []
    place: dict[int, int] = {-1: -1}
    for i, vertex in enumerate(listed):
        if naming[i] or not i:
            place[i] = len(kept)
            kept.append(replace(vertex, ids=vertex.ids & ~named, parent=place[vertex.parent]))
    return kept


def _add_beside(vertices: Sequence[Vertex]) -> None:
    """Give each group what those in it have that name no ranks.

    Where it lists none of that itself, it bounds what its other groups have, and so has what these have as well.
    """
    inside: list[dict[str, Fraction]] = [{} for _ in vertices]
    """By group, what the outermost groups in it have."""
    for i in range(len(vertices) - 1, -1, -1):
        vertex = vertices[i]
        own = set(vertex.amounts)
        vertex.add(vertex.beside)
        vertex.add({name: inside[i][name] for name in vertex.beside if name not in own and name in inside[i]})
        if i:
            inside[vertex.parent] = added(inside[vertex.parent], {**inside[i], **vertex.amounts})


def ranks_in_groups(value: object, place: str) -> IdSet:
    """Return the ranks that `scheduling.groups` names.

    Raises
    ------
    ValueError
        As `read_groups`.
    """
    intervals: list[tuple[int, int]] = []

    def collect(ids: IdSet) -> int:
        intervals.extend(ids.intervals)
        return 0

    _read(value, place, collect)
    return IdSet(tuple(union_runs(intervals)))


def _read(value: object, place: str, mask_of: Callable[[IdSet], int]) -> list[Vertex]:
    def read_ids(_key: str, ids: object, where: str) -> int:
        if not isinstance(ids, str):
            raise ValueError(f"{where}: not an idset string")
        try:
            return mask_of(IdSet.parse(ids))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None

    return read_listing(value, place, root_level="", id_keys=frozenset({"ranks"}), read_ids=read_ids, limit=MAX_GROUPS)


_Row = tuple[str, int, int, Mapping[str, Fraction], Mapping[str, object]]


def _number(rows: Sequence[_Row]) -> tuple[Group, ...]:
    children: list[list[int]] = [[] for _ in rows]
    for i, row in enumerate(rows):
        if row[1] >= 0:
            children[row[1]].append(i)
    count: Counter[str] = Counter()
    groups = []
    for i, (level, parent, members, amounts, listed) in enumerate(rows):
        resources = tuple(sorted(amounts.items()))
        groups.append(Group(level, i, count[level], parent, tuple(children[i]), members, resources, listed))
        count[level] += 1
    return tuple(groups)


def levels_of_groups(groups: Sequence[Group]) -> tuple[str, ...]:
    """Return the levels of groups, coarsest first."""
    pairs = dict.fromkeys((groups[g.parent].level, g.level) for g in groups if g.parent >= 0)
    return order_levels([g.level for g in groups], list(pairs))


def cut_groups(groups: Sequence[Group], keep: int) -> tuple[Group, ...]:
    """Return the groups over the positions in `keep` alone, without those that have none of them left."""
    rows: list[tuple[Group, int]] = []
    index: dict[int, int] = {}
    for group in groups:
        members = squeeze(group.members, keep)
        if members:
            index[group.index] = len(rows)
            rows.append((group, members))
    return tuple(
        replace(
            group,
            index=i,
            parent=index.get(group.parent, -1),
            children=tuple(index[c] for c in group.children if c in index),
            members=members,
        )
        for i, (group, members) in enumerate(rows)
    )


def write_groups(groups: Sequence[Group], keep: int, ids_of: Callable[[int], IdSet]) -> dict[str, object]:
    """Return `scheduling.groups` for the nodes at the positions in `keep`, each rank in its innermost group.

    Parameters
    ----------
    groups : those that have such nodes, in pre-order.
    keep : bitmask of the positions.
    ids_of : gives the ranks at positions.
    """
    written: dict[int, dict[str, object]] = {-1: {}}
    own = {group.index: group.members & keep for group in groups}
    for group in groups:
        if group.parent >= 0:
            own[group.parent] &= ~group.members
    for group in groups:
        entry: dict[str, object] = {**group.listed}
        if own[group.index]:
            entry = {"ranks": str(ids_of(own[group.index])), **entry}
        siblings = written[group.parent].setdefault(group.level, [])
        assert isinstance(siblings, list)
        siblings.append(entry)
        written[group.index] = entry
    return written[-1]
