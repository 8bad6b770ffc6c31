"""The tree of groups, and the machine cut into cells: nodes of one state in one innermost group.

Nodes of a cell are interchangeable in all that a policy counts, so the model needs one variable for all of them. A
class of nodes is split over the groups once and remembered; that costs a step for each group or node, whichever are
fewer.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ....grammar.memory import Memory
from ....topology.groups import Group
from ....topology.masks import positions_of, runs_of_mask
from ...state.domain_state import DomainState
from ..selection import Field

ROOT = -1
"""The whole machine, where a group is named by its index."""

REMEMBERED = 4096
"""Sets of nodes whose split by groups is kept before the memory is emptied."""


@dataclass(frozen=True)
class Cell:
    """Nodes that are equal in all that matters.

    Attributes
    ----------
    group
        Index of the innermost group, or `ROOT`.
    state
        Of each node.
    nodes
        Bitmask of positions.
    """

    group: int
    state: DomainState
    nodes: int


class _Layout:
    """What never changes of the groups of a machine."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        self.ends = [group.index + 1 for group in groups]
        for group in reversed(groups):
            if group.parent >= 0:
                self.ends[group.parent] = max(self.ends[group.parent], self.ends[group.index])
        self.outermost = tuple(group.index for group in groups if group.parent < 0)
        self.memory: Memory[object, object] = Memory(REMEMBERED)
        self._splits: Memory[int, tuple[tuple[int, int], ...]] = Memory(REMEMBERED)

    @cached_property
    def own(self) -> list[int]:
        """The bitmask of the nodes of each group that stand in none inside it."""
        own = [group.members for group in self.groups]
        for group in self.groups:
            if group.parent >= 0:
                own[group.parent] &= ~group.members
        return own

    @cached_property
    def innermost(self) -> list[tuple[int, int, int]]:
        """The groups that have nodes of their own: (group, lowest position, bitmask from there on)."""
        found = []
        for index, own in enumerate(self.own):
            if own:
                first = (own & -own).bit_length() - 1
                found.append((index, first, own >> first))
        return found

    @cached_property
    def grouped(self) -> int:
        """The bitmask of the nodes that stand in any group."""
        nodes = 0
        for index in self.outermost:
            nodes |= self.groups[index].members
        return nodes

    @cached_property
    def group_of(self) -> Sequence[int]:
        """The innermost group of each position that stands in one."""
        innermost = array("l", [ROOT]) * self.grouped.bit_length()
        for index, own in enumerate(self.own):
            for first, last in runs_of_mask(own):
                innermost[first : last + 1] = array("l", [index]) * (last - first + 1)
        return innermost

    def split(self, nodes: int) -> tuple[tuple[int, int], ...]:
        """Return what `GroupTree.split` does; a class of nodes stays the same while no job comes or goes on it."""
        known = self._splits.get(nodes)
        if known is None:
            known = self._splits[nodes] = tuple(self._split(nodes))
        return known

    def _split(self, nodes: int) -> Iterator[tuple[int, int]]:
        rest = nodes & ~self.grouped
        if rest:
            yield ROOT, rest
            nodes &= self.grouped
        if nodes.bit_count() < len(self.innermost):
            found: dict[int, int] = {}
            for position in positions_of(nodes):
                group = self.group_of[position]
                found[group] = found.get(group, 0) | 1 << position
            yield from found.items()
            return
        for group, first, own in self.innermost:
            part = nodes >> first & own
            if part:
                yield group, part << first

    @cached_property
    def levels(self) -> tuple[str, ...] | None:
        """As `GroupTree.levels`."""
        found: list[str] = []
        depth: list[int] = []
        for group in self.groups:
            depth.append(depth[group.parent] + 1 if group.parent >= 0 else 0)
            if depth[-1] == len(found):
                found.append(group.level)
            if found[depth[-1]] != group.level:
                return None
        even = all(own == 0 or d == len(found) - 1 for own, d in zip(self.own, depth, strict=True))
        return tuple(found) if even and len(set(found)) == len(found) else None

    @cached_property
    def nested_in_themselves(self) -> frozenset[str]:
        """The levels of which a group stands in another."""
        found = set()
        for group in self.groups:
            above = group.parent
            while above >= 0:
                if self.groups[above].level == group.level:
                    found.add(group.level)
                above = self.groups[above].parent
        return frozenset(found)


class GroupTree:
    """The groups of a machine: who contains whom, and what is free of what they list.

    Parameters
    ----------
    groups
        In pre-order.
    free
        What is free of each group's own amounts, by (group index, resource).
    """

    def __init__(self, groups: Sequence[Group], free: Mapping[tuple[int, str], int]) -> None:
        self.groups = groups
        self.free = free
        self._layout = _Layout(groups)

    def with_free(self, free: Mapping[tuple[int, str], int]) -> GroupTree:
        """Return the same groups when this is free of their own amounts."""
        other = object.__new__(GroupTree)
        other.groups, other.free, other._layout = self.groups, free, self._layout
        return other

    def inside(self, group: int, other: int) -> bool:
        """Tell whether a group is another one or stands in it."""
        return other == ROOT or (group != ROOT and other <= group < self._layout.ends[other])

    def children(self, group: int) -> Sequence[int]:
        """Return the groups right inside a group, or the outermost ones."""
        return self._layout.outermost if group == ROOT else self.groups[group].children

    def of_level(self, level: str, within: int) -> list[int]:
        """Return the groups of a level that stand in a group."""
        inside = self.groups if within == ROOT else self.groups[within + 1 : self._layout.ends[within]]
        return [g.index for g in inside if g.level == level]

    def holds_all(self, level: str, nodes: int) -> bool:
        """Tell whether each of some nodes stands in a group of a level."""
        for group in self.groups:
            if group.level == level:
                nodes &= ~group.members
        return not nodes

    def nests_itself(self, level: str) -> bool:
        """Tell whether a group of the level stands in another one of it."""
        return level in self._layout.nested_in_themselves

    def around(self, group: int, level: str) -> int:
        """Return the nearest group of a level, from this one upwards, that is known to be there."""
        while self.groups[group].level != level:
            group = self.groups[group].parent
        return group

    def innermost(self, nodes: int) -> set[int]:
        """Return the groups that have nodes of their own, and `ROOT` if some of the given nodes stand in none."""
        found = {group for group, _, _ in self._layout.innermost}
        return found | {ROOT} if nodes & ~self._layout.grouped else found

    @property
    def levels(self) -> tuple[str, ...] | None:
        """The levels of groups, coarsest first, where every group but the outermost stands in one of the level before.

        None where nodes stand in no group of a level, or levels nest otherwise.
        """
        return self._layout.levels

    @property
    def memory(self) -> Memory[object, object]:
        """What is remembered of nodes that are as they were, under the one policy that the groups are used with."""
        return self._layout.memory

    def lister(self, group: int, resource: str) -> int | None:
        """Return the nearest group, from this one upwards, that lists an amount."""
        while group != ROOT:
            if (group, resource) in self.free:
                return group
            group = self.groups[group].parent
        return None

    def group_at(self, position: int) -> int:
        """Return the innermost group of a position, `ROOT` for none."""
        return self._layout.group_of[position] if position < len(self._layout.group_of) else ROOT

    def layers(self, group: int, resource: str) -> list[int]:
        """Return the groups that list an amount, from this one upwards: what one gives, all above it give, too."""
        found = []
        while group != ROOT:
            if (group, resource) in self.free:
                found.append(group)
            group = self.groups[group].parent
        return found

    def split(self, nodes: int) -> Sequence[tuple[int, int]]:
        """Return the innermost groups of some nodes, `ROOT` for those that stand in none, with their part of the nodes.

        Parameters
        ----------
        nodes
            Bitmask of positions.
        """
        return self._layout.split(nodes)


def make_cells(field: Field, tree: GroupTree) -> list[Cell]:
    """Return the cells that have nodes to choose from, in the order of their lowest positions."""
    cells = [Cell(group, state, part) for state, nodes in field.live() for group, part in tree.split(nodes)]
    return sorted(cells, key=lambda cell: cell.nodes & -cell.nodes)
