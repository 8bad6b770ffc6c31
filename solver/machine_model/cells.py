"""The machine cut into cells: nodes of one state in one innermost group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...topology.groups import Group
from ..domain_state import DomainState
from ..selection import Field

ROOT = -1
"""The whole machine, where a group is named by its index."""


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


class GroupTree:
    """The groups of a machine: who contains whom, and what is free of what they list.

    Parameters
    ----------
    groups
        In pre-order.
    free
        What is free of each group's own amounts, by (group index, resource).
    """

    def __init__(self, groups: Sequence[Group], free: dict[tuple[int, str], int]) -> None:
        self.groups = groups
        self.free = free
        self._ends = _ends(groups)

    def inside(self, group: int, other: int) -> bool:
        """Tell whether a group is another one or stands in it."""
        return other == ROOT or (group != ROOT and other <= group < self._ends[other])

    def of_level(self, level: str, within: int) -> list[int]:
        """Return the groups of a level that stand in a group."""
        return [g.index for g in self.groups if g.level == level and g.index != within and self.inside(g.index, within)]

    def lister(self, group: int, resource: str) -> int | None:
        """Return the nearest group, from this one upwards, that lists an amount."""
        while group != ROOT:
            if (group, resource) in self.free:
                return group
            group = self.groups[group].parent
        return None

    def own(self, group: int) -> int:
        """Return the bitmask of the nodes that stand in a group and in none inside it."""
        nodes = self.groups[group].members
        for child in self.groups[group].children:
            nodes &= ~self.groups[child].members
        return nodes


def _ends(groups: Sequence[Group]) -> list[int]:
    ends = [group.index + 1 for group in groups]
    for group in reversed(groups):
        if group.parent >= 0:
            ends[group.parent] = max(ends[group.parent], ends[group.index])
    return ends


def make_cells(field: Field, tree: GroupTree) -> list[Cell]:
    """Return the cells that have nodes to choose from, in the order of their lowest positions."""
    left = field.eligible
    parts: list[tuple[int, int]] = []
    for group in tree.groups:
        nodes = tree.own(group.index) & left
        if nodes:
            parts.append((group.index, nodes))
            left &= ~nodes
    if left:
        parts.append((ROOT, left))
    cells = [Cell(group, state, nodes & mask) for state, nodes in field.live() for group, mask in parts if nodes & mask]
    return sorted(cells, key=lambda cell: cell.nodes & -cell.nodes)
