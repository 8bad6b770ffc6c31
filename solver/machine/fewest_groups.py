"""Equal nodes in as few groups (racks, then rows) as can be: the common case, proven without a search.

Where the nodes that are best for a bundle are enough, only the groups that they stand in are left to be compared. All
in one innermost group is the best that can be. Otherwise they stand in one group of the finest level that has such a
group, and below it the groups with the most of them are taken: for one level that is optimal, as any `k` groups hold
no more than the `k` largest. For two levels a Lagrangian relaxation says how many racks there must be at least
(`_fewest_of_two`); where the choice meets that bound, it is proven. What is not is left to the machine's model. It
costs a count of the nodes in each group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...grammar.bits import lowest_bit
from ...topology.groups import Group
from ...topology.machine import Machine
from ...topology.masks import runs_of_mask
from ..state.node_classes import bits, lowest

TRIES = 32
"""Innermost groups that are looked at one by one before all are counted."""

FEW = 4
"""Nodes of which there are fewer than one in so many groups are counted one by one."""

PRICES = 64
"""Prices that are tried."""

Chosen = tuple[int, dict[str, int]]
"""Nodes, and how many groups of each level they stand in."""


@dataclass(frozen=True)
class _Place:
    """An innermost group: where its nodes are.

    Attributes
    ----------
    first
        The lowest position.
    members
        Bitmask of the positions, counted from the lowest.
    end
        The position after the last, where they stand in a row; else 0.
    """

    first: int
    members: int
    end: int

    def part(self, nodes: int) -> int:
        """Return those of some nodes that stand in the group, counted from its first position."""
        return nodes >> self.first & self.members


class FewestGroups:
    """The groups of a machine in which every node stands in one group of each level, coarser ones around finer ones.

    Parameters
    ----------
    machine
        For its groups.
    """

    def __init__(self, machine: Machine) -> None:
        self._levels = machine.group_levels
        self._groups = machine.groups
        self._group_of = machine.group_of
        self._places: dict[int, _Place] = {}
        for group in machine.groups:
            if group.level == self._levels[-1]:
                runs = runs_of_mask(group.members)
                first = runs[0][0]
                end = runs[0][1] + 1 if len(runs) == 1 else 0
                self._places[group.index] = _Place(first, group.members >> first, end)
        self._in_order = sorted(self._places.items(), key=lambda item: item[1].first)

    @staticmethod
    def are_in(machine: Machine) -> bool:
        """Tell whether the groups of a machine are of this kind."""
        levels = machine.group_levels
        covered = dict.fromkeys(levels, 0)
        for group in machine.groups:
            above = machine.groups[group.parent].level if group.parent >= 0 else None
            depth = levels.index(group.level)
            if above != (levels[depth - 1] if depth else None) or covered[group.level] & group.members:
                return False
            covered[group.level] |= group.members
        return bool(levels) and all(nodes == machine.all for nodes in covered.values())

    def fewest(self, nodes: int, count: int) -> Chosen | None:
        """Return so many of some nodes in the fewest groups, the coarsest level first; None when that is not proven.

        Parameters
        ----------
        nodes
            Bitmask of at least so many positions.
        """
        one = self._in_one(nodes, count)
        inside: list[tuple[int, int]] = []
        for group, here in self._inside(nodes) if one is None else ():
            if here >= count:
                one = self._places[group].part(nodes) << self._places[group].first
                break
            inside.append((group, here))
        if one is not None:
            return lowest(one, count), dict.fromkeys(self._levels, 1)
        room = self._room(inside)
        scopes, depth = self._scopes(room, count)
        best: tuple[tuple[int, ...], list[int]] | None = None
        for scope in scopes:
            way = self._fewest(scope, room, count, depth)
            if way is None:
                return None
            if best is None or way[0] < best[0]:
                best = way
        assert best is not None
        numbers = (1,) * (len(self._levels) - len(best[0])) + best[0]
        return self._take(nodes, best[1], count), dict(zip(self._levels, numbers, strict=True))

    def _in_one(self, nodes: int, count: int) -> int | None:
        """Return the nodes of the first innermost group that has enough, where there is one among the first."""
        for _ in range(TRIES):
            if not nodes:
                return None
            place = self._places[self._group_of[lowest_bit(nodes).bit_length() - 1]]
            part = place.part(nodes)
            if part.bit_count() >= count:
                return part << place.first
            nodes ^= part << place.first
        return None

    def _inside(self, nodes: int) -> Iterator[tuple[int, int]]:
        """Yield the innermost groups that have some of the nodes, lowest first, and how many."""
        if nodes.bit_count() * FEW < len(self._places):
            yield from Counter(self._group_of[position] for position in bits(nodes)).items()
            return
        text = f"{nodes:b}"[::-1]
        for group, place in self._in_order:
            here = text.count("1", place.first, place.end) if place.end else place.part(nodes).bit_count()
            if here:
                yield group, here

    def _room(self, inside: Sequence[tuple[int, int]]) -> dict[int, int]:
        """Return how many nodes stand in each group, given those in innermost ones."""
        room: dict[int, int] = {}
        for innermost, here in inside:
            group = innermost
            while group >= 0:
                room[group] = room.get(group, 0) + here
                group = self._groups[group].parent
        return room

    def _scopes(self, room: dict[int, int], count: int) -> tuple[Iterator[Sequence[int]], int]:
        """Return what stands in each group that can hold all, of the finest level that has one, and how deep that is.

        The whole machine is such a group, too.
        """
        groups = [self._groups[group] for group in sorted(room)]
        for depth, level in enumerate(reversed(self._levels)):
            able = [group for group in groups if group.level == level and room[group.index] >= count]
            if able:
                return (([group.index] if not depth else self._within(group, room)) for group in able), depth
        return iter([[group.index for group in groups if group.parent < 0]]), len(self._levels)

    def _within(self, group: Group, room: dict[int, int]) -> list[int]:
        """Return the groups inside one that have room."""
        return [inner for inner in group.children if inner in room]

    def _fewest(
        self, groups: Sequence[int], room: dict[int, int], count: int, depth: int
    ) -> tuple[tuple[int, ...], list[int]] | None:
        """Return the least numbers of groups, coarsest first, that hold so many, and the innermost ones, best first."""
        if depth <= 1:
            racks = _largest(groups, room, count)
            return ((len(racks),) if depth else ()), racks
        if depth == 2:
            return self._fewest_of_two(groups, room, count)
        return None

    def _fewest_of_two(
        self, rows: Sequence[int], room: dict[int, int], count: int
    ) -> tuple[tuple[int, ...], list[int]] | None:
        """Return the fewest rows, and then the fewest racks in these, that hold so many.

        Notes
        -----
        A price is put on each rack: rows are then chosen by what their racks hold beyond the price, which no other
        choice of as many rows exceeds. So for every price it is known how many racks there must be at least; and the
        rows chosen at some price may do with just as many.
        """
        number = len(_largest(rows, room, count))
        sizes = {
            row: sorted((room[rack] for rack in self._within(self._groups[row], room)), reverse=True) for row in rows
        }
        least = 0
        best: list[int] | None = None
        for price in sorted({0, *(size for of_row in sizes.values() for size in of_row)})[:PRICES]:
            beyond = {row: sum(size - price for size in of_row if size > price) for row, of_row in sizes.items()}
            chosen = sorted(rows, key=lambda row: (-beyond[row], row))[:number]
            total = sum(beyond[row] for row in chosen)
            if price:
                least = max(least, -((total - count) // price))
            if sum(room[row] for row in chosen) >= count:
                inside = [rack for row in chosen for rack in self._within(self._groups[row], room)]
                racks = _largest(inside, room, count)
                if best is None or len(racks) < len(best):
                    best = racks
        return ((number, len(best)), best) if best is not None and len(best) <= least else None

    def _take(self, nodes: int, racks: Sequence[int], count: int) -> int:
        """Return so many of the nodes that stand in some innermost groups: all of each but of the last."""
        taken = 0
        for rack in racks:
            place = self._places[rack]
            part = lowest(place.part(nodes), count)
            count -= part.bit_count()
            taken |= part << place.first
        return taken


def _largest(groups: Sequence[int], room: dict[int, int], count: int) -> list[int]:
    """Return the groups with the most room that together have enough, the first of equal ones first."""
    chosen = []
    for group in sorted(groups, key=lambda group: (-room[group], group)):
        chosen.append(group)
        count -= room[group]
        if count <= 0:
            break
    return chosen
