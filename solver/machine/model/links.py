"""A request that is one chain, as links: each a vertex of groups, in the one before, and the last holds the nodes.

`Chain` knows for how many links, or nodes, there is room where. A link that slots name may be one group for several of
them; what `b` slots in one group ask for below it is `b` times what one does, and one group below may be each one's
once. With room for `f` in each group, `b` slots of `r` groups each find room where the sum of ``min(b, f)`` is ``b r``.
The sum is concave in `b`, so the most is found by halving.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ....grammar.idset import IdSet
from ....topology.groups import CLUSTER
from ...demand.demand import Bundle, Demand, GroupDemand, HostDemand, Kind, Want
from ...policy.scale import Scale
from ..selection import Pick
from .cells import ROOT, GroupTree
from .sharing import NotDirectError


class HasRoom(Protocol):
    """Says for how many hosts there is room on the nodes that stand in a group and in none inside it.

    Attributes
    ----------
    outside
        What each takes of the groups around it.
    """

    outside: tuple[tuple[str, int], ...]

    def room(self, group: int) -> int:
        """Return for how many."""


@dataclass(frozen=True)
class Link:
    """A vertex of groups.

    Attributes
    ----------
    level, count, ids
        As of `GroupDemand`.
    most
        For how many of one parent's a group may stand.
    of_slot
        Whether it stands in a slot of which the nodes below are: what it crosses is the slot's crossing.
    amounts
        What each takes of its group, which lists it.
    """

    level: str
    count: int
    most: int = 1
    ids: IdSet | None = None
    of_slot: bool = False
    amounts: tuple[tuple[str, int], ...] = ()


def links_of(demand: Demand, tree: GroupTree) -> tuple[tuple[Link, ...], HostDemand]:
    """Return the group vertices, outermost first, and what stands in the last.

    Raises
    ------
    NotDirectError
        The request is no chain, or amounts are asked for that groups do not list themselves.
    """
    links: list[Link] = []
    group = demand.root
    while True:
        if group.slot_amounts or group.whole or len(group.hosts) + len(group.groups) != 1:
            raise NotDirectError
        if group.hosts:
            host = group.hosts[0]
            if host.bundle.ids is not None or any(tree.nests_itself(link.level) for link in links):
                raise NotDirectError
            asked = [name for link in links for name, _ in link.amounts]
            reaches = reaches_groups(host.bundle, tree)
            if (asked and (host.loose or reaches)) or (host.loose and reaches):
                raise NotDirectError
            if demand.root.amounts or len(set(asked)) < len(asked) or not all(_lists_own(link, tree) for link in links):
                raise NotDirectError
            return tuple(links), host
        group = group.groups[0]
        links.append(_link(group))


def _link(group: GroupDemand) -> Link:
    of_slot = bool(group.slot and group.shared)
    return Link(group.level, group.count, group.most, group.ids, of_slot, group.amounts)


def _lists_own(link: Link, tree: GroupTree) -> bool:
    """Tell whether all groups of a level list what is asked of them."""
    groups = [group.index for group in tree.groups if group.level == link.level] if link.amounts else []
    return all((group, name) in tree.free for group in groups for name, _ in link.amounts)


def reaches_groups(bundle: Bundle, tree: GroupTree) -> bool:
    """Tell whether a bundle may take amounts that groups list."""
    names = {name for _, name in tree.free}
    return bool(names) and any(_reaches(want, names) for want in bundle.wants)


def _reaches(want: Want, names: set[str]) -> bool:
    """Tell whether a want may take amounts that groups list."""
    return (want.kind is Kind.AMOUNT and want.type in names) or any(_reaches(below, names) for below in want.wants)


class Chain:
    """The vertices of the request, and where there is room for them.

    Attributes
    ----------
    all_hosts
        The host demand with the number of all hosts of the request.
    """

    def __init__(self, links: Sequence[Link], host: HostDemand, tree: GroupTree) -> None:
        self.links = tuple(links)
        self.host = host
        self.tree = tree
        total = host.count
        for link in links:
            total *= link.count
        self.all_hosts = replace(host, count=total)
        self._rooms: dict[tuple[int, int], int] = {}
        self._caps: dict[int, int] = {}
        units = [1]
        for count in (host.count, *(link.count for link in reversed(self.links))):
            units.insert(0, units[0] * count)
        self._units = units[1:]

    def each(self, depth: int) -> int:
        """Return how many links of a depth, or hosts, stand in one of the depth before."""
        return self.links[depth].count if depth < len(self.links) else self.host.count

    def most(self, depth: int) -> int | None:
        """Return for how many of one parent's a group of a depth may stand; None for hosts, any number."""
        return self.links[depth].most if depth < len(self.links) else None

    def has_room(self, supply: HasRoom) -> bool:
        """Tell whether there is any placement, and remember the rooms."""
        self._rooms.clear()
        self._caps = caps(self.tree, supply.outside)
        for depth, link in enumerate(self.links):
            around = self._at_or_around(link.level) if link.amounts else ()
            for group, times in caps(self.tree, link.amounts).items():
                if group in around:
                    most = times * self._units[depth]
                    self._caps[group] = min(self._caps.get(group, most), most)
        self._fill(supply, 0, ROOT)
        return self._holds(supply, 0, ROOT, 1)

    def _at_or_around(self, level: str) -> set[int]:
        """Return the groups of a level and those around them: the layers of what is taken of the groups themselves."""
        found: set[int] = set()
        for group in self.tree.groups:
            index = group.index if group.level == level else ROOT
            while index != ROOT and index not in found:
                found.add(index)
                index = self.tree.groups[index].parent
        return found

    def _capped(self, depth: int, group: int, room: int) -> int:
        """Return for how many links of a depth, or hosts, a group has the amounts, if it has room for so many."""
        return min(room, self._caps[group] // self._units[depth]) if group in self._caps else room

    def _fill(self, supply: HasRoom, depth: int, group: int) -> None:
        """Find for how many links of a depth, or hosts, there is room in each group inside one."""
        for child in self.tree.children(group):
            if self.is_link(depth, child):
                ids = self.links[depth].ids
                self._fill(supply, depth + 1, child)
                fits = ids is None or self.tree.groups[child].number in ids
                self._rooms[depth, child] = self._most_times(supply, depth + 1, child) if fits else 0
            else:
                self._fill(supply, depth, child)
                own = supply.room(child) if depth == len(self.links) else 0
                inside = sum(self._rooms[depth, below] for below in self.tree.children(child))
                self._rooms[depth, child] = self._capped(depth, child, own + inside)

    def _most_times(self, supply: HasRoom, depth: int, group: int) -> int:
        """Return for how many links a group may stand, given the rooms for what stands in these."""
        room = sum(self._rooms[depth, child] for child in self.tree.children(group))
        if depth == len(self.links):
            return self._capped(depth, group, room + supply.room(group)) // self.each(depth)
        low, high = 0, room // self.each(depth)
        while low < high:
            middle = (low + high + 1) // 2
            if self._holds(supply, depth, group, middle):
                low = middle
            else:
                high = middle - 1
        return low

    def _holds(self, supply: HasRoom, depth: int, group: int, times: int) -> bool:
        room = supply.room(group) if depth == len(self.links) else 0
        room += sum(self.room_in(depth, child, times) for child in self.tree.children(group))
        return self._capped(depth, group, room) >= times * self.each(depth)

    def is_link(self, depth: int, group: int) -> bool:
        """Tell whether a group may stand for the link of a depth."""
        return depth < len(self.links) and self.tree.groups[group].level == self.links[depth].level

    def room_in(self, depth: int, child: int, times: int | None = None) -> int:
        """Return for how many links, or hosts, of a depth a group that stands in another has room.

        Parameters
        ----------
        times
            For how many links what is around them stands: a group may be each one's so often. None leaves that out.
        """
        room = self._rooms[depth, child]
        if times is None or depth == len(self.links):
            return room
        if self.is_link(depth, child):
            return min(room, times * self.links[depth].most)
        inside = sum(self.room_in(depth, below, times) for below in self.tree.children(child))
        return self._capped(depth, child, inside)

    def held(self, picks: Sequence[Pick]) -> tuple[tuple[int, str, int], ...]:
        """Return what groups give that stand for links, given the nodes: (group, resource, amount)."""
        given: Counter[tuple[int, str]] = Counter()
        for depth, link in enumerate(self.links):
            if link.amounts:
                hosts: Counter[int] = Counter()
                for pick in picks:
                    hosts[self.tree.around(pick.group, link.level)] += pick.nodes.bit_count()
                for group, number in hosts.items():
                    for name, amount in link.amounts:
                        given[group, name] += amount * (number // self._units[depth])
        return tuple((group, name, amount) for (group, name), amount in sorted(given.items()))

    def torn(self, level: str) -> int:
        """Return how many groups of a level slots of several nodes cross at least, where no vertex names groups."""
        if self.links or self.tree.nests_itself(level):
            return 0
        per_slot = self.host.per_slot
        slots = self.host.count // per_slot
        inside = [room for (_, group), room in self._rooms.items() if self.tree.groups[group].level == level]
        if sum(inside) < self.host.count:
            return 0
        whole = sum(room // per_slot for room in inside)
        return max(slots - whole, slots * (-(-per_slot // max(inside)) - 1), 0)

    def crossed(self, scale: Scale) -> int:
        """Return what it costs that slots stand in several groups, where all levels are links."""
        if not scale.group_cross or not self.host.bundle.slot_part:
            return 0
        slots = self.all_hosts.count // self.host.per_slot
        total, touched = 0, 1
        for link in self.links:
            touched *= link.count // link.most if link.of_slot else 1
            total += slots * (touched - 1) * scale.group_cross.get(link.level, 0)
        return total


def caps(tree: GroupTree, outside: Sequence[tuple[str, int]]) -> dict[int, int]:
    """Return for how many hosts the groups have what each takes of them, in every layer that lists it."""
    found: dict[int, int] = {}
    for (group, name), free in tree.free.items():
        for asked, amount in outside:
            if asked == name and amount:
                found[group] = min(found.get(group, free), free // amount)
    return found


def whole_links(chain: Chain, scale: Scale) -> Chain | None:
    """Return a chain in which slots of several nodes cross no border of groups but those that they name; None for none.

    Raises
    ------
    NotDirectError
        Groups are of a kind in which that is not known to be the best.
    """
    host, tree = chain.host, chain.tree
    if not scale.group_cross or not host.bundle.slot_part:
        return None
    levels = tree.levels
    if levels is None:
        raise NotDirectError
    outer = [link for link in chain.links if not link.of_slot]
    of_slot = {link.level: link for link in chain.links if link.of_slot}
    nodes = host.per_slot
    for link in of_slot.values():
        nodes //= link.count // link.most
    slots = chain.all_hosts.count // host.per_slot
    for link in outer:
        slots //= link.count
    start = levels.index(outer[-1].level) + 1 if outer else 0
    links, times = list(outer), slots
    for level in levels[start:]:
        if level == CLUSTER and level not in of_slot:
            continue
        known = of_slot.get(level)
        each = 1 if known is None else known.count // known.most
        ids, amounts = (None, ()) if known is None else (known.ids, known.amounts)
        links.append(Link(level, times * each, times, ids, of_slot=True, amounts=amounts))
        times = 1
    return Chain(links, replace(host, count=nodes * times), tree)
