"""A direct proof where a request is one chain: groups inside groups, and in the innermost one kind of node or slot.

Nodes and groups then bear on each other only through the groups that they share, and costs add up. So the best way to
put `n` things into a group is the best way to share `n` out among the groups inside it and the nodes that stand in
none of these: dynamic programming over the tree of groups, by `sharing`. Where that would take more steps than the
model, it gives up (`NotDirectError`).
"""

from __future__ import annotations

from functools import partial

from ...cpsat.budget import Budget
from ...demand.demand import Demand, GroupDemand, HostDemand, Kind, Want
from ...node.plan import NodeSolution
from ...node.solver import NodeSolver
from ...policy.scale import Scale
from ...policy.terms import Cross, GroupTouch
from ..selection import Decision, Field
from .cells import ROOT, GroupTree
from .sharing import NotDirectError, Part, Way, share_out
from .supply import Nodes, Rooms, Supply, Units

LOOSE = 1024
"""Loose units up to which they are shared out directly."""


def choose_chain(
    demand: Demand, field: Field, tree: GroupTree, node_solver: NodeSolver, budget: Budget, *, best: bool
) -> Decision | None:
    """Choose groups and nodes for a chain; None when there is no placement.

    Raises
    ------
    NotDirectError
        The model has to do it.
    """
    links, host = _links(demand)
    if any(tree.nests_itself(link.level) for link in links):
        raise NotDirectError
    if any(_reaches(want, {name for _, name in tree.free}) for want in host.bundle.wants):
        raise NotDirectError
    chain = _Chain(links, host, tree)
    if not best:
        fits = chain.has_room(Rooms(host, field, tree, node_solver, budget))
        return Decision((), 0, 0, modelled=True) if fits else None
    if host.loose and host.count > LOOSE:
        raise NotDirectError
    home = links[-1].level if links else ""
    supply: Supply
    if host.loose:
        supply = Units(host, field, tree, node_solver, budget, whole=True)
        if not chain.has_room(supply):
            supply = Units(host, field, tree, node_solver, budget)
    else:
        supply = Nodes(host, field, tree, node_solver, budget, home)
    if not chain.has_room(supply):
        return None
    way = _Best(chain, supply, node_solver.scale).way(0, ROOT, chain.counts[0])
    cost = way.cost - _not_crossed(chain, supply, node_solver.scale)
    return Decision(tuple(way.all_picks()), cost, cost, modelled=True)


def _links(demand: Demand) -> tuple[tuple[GroupDemand, ...], HostDemand]:
    """Return the group vertices, outermost first, and what stands in the last."""
    links: list[GroupDemand] = []
    group = demand.root
    while True:
        if group.amounts or group.whole or len(group.hosts) + len(group.groups) != 1:
            raise NotDirectError
        if group.hosts:
            host = group.hosts[0]
            if host.bundle.ids is not None:
                raise NotDirectError
            return tuple(links), host
        group = group.groups[0]
        links.append(group)


def _reaches(want: Want, names: set[str]) -> bool:
    """Tell whether a want may take amounts that groups list."""
    return (want.kind is Kind.AMOUNT and want.type in names) or any(_reaches(below, names) for below in want.wants)


class _Chain:
    """The vertices of the request, and where there is room for them.

    Attributes
    ----------
    counts
        Of each link in the one above, then of the host.
    """

    def __init__(self, links: tuple[GroupDemand, ...], host: HostDemand, tree: GroupTree) -> None:
        self.links = links
        self.host = host
        self.tree = tree
        self.counts = [*(link.count for link in links), host.count]
        self._rooms: dict[tuple[int, int], int] = {}

    def has_room(self, supply: Supply | Rooms) -> bool:
        """Tell whether there is any placement, and remember the rooms."""
        self._rooms.clear()
        return self._room(supply, 0, ROOT) >= self.counts[0]

    def _room(self, supply: Supply | Rooms, depth: int, group: int) -> int:
        room = supply.room(group) if depth == len(self.links) else 0
        for child in self.tree.children(group):
            if self.is_link(depth, child):
                ids = self.links[depth].ids
                fits = self._room(supply, depth + 1, child) >= self.counts[depth + 1]
                inside = int(fits and (ids is None or self.tree.groups[child].number in ids))
            else:
                inside = self._room(supply, depth, child)
            self._rooms[depth, child] = inside
            room += inside
        return room

    def is_link(self, depth: int, group: int) -> bool:
        """Tell whether a group may stand for the link of a depth."""
        return depth < len(self.links) and self.tree.groups[group].level == self.links[depth].level

    def room_in(self, depth: int, child: int) -> int:
        """Return for how many links, or hosts, of a depth a group that stands in another has room."""
        return self._rooms[depth, child]


class _Best:
    """The best ways on one supply."""

    def __init__(self, chain: _Chain, supply: Supply, scale: Scale) -> None:
        self.chain = chain
        self.supply = supply
        self.touches = {c.level: unit for c, unit in scale.weighed() if isinstance(c, GroupTouch)}
        self._ways: dict[tuple[int, int, int], Way] = {}
        self._likes: dict[tuple[int, int], object] = {}

    def way(self, depth: int, group: int, number: int) -> Way:
        """Return the best way to put so many links, or hosts, of a depth into a group that has room for them."""
        key = (depth, group, number)
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = self._way(depth, group, number)
        return way

    def _way(self, depth: int, group: int, number: int) -> Way:
        chain = self.chain
        own = self.supply.room(group) if depth == len(chain.links) else 0
        inside = [(c, room) for c in chain.tree.children(group) if (room := chain.room_in(depth, c))]
        if not inside:
            return self.supply.way(group, number)
        parts = [Part(room, partial(self._in_child, depth, child), self._like(depth, child)) for child, room in inside]
        touch = min(self.touches.get(chain.tree.groups[child].level, 0) for child, _ in inside)
        if own:
            parts.append(Part(own, partial(self.supply.way, group)))
        return share_out(parts, number, touch, self._least(depth), untouched=int(own > 0))

    def _like(self, depth: int, child: int) -> object:
        """Return what is equal for groups in which the best ways for a depth cost the same; None if it is not known."""
        key = (depth, child)
        if key not in self._likes:
            self._likes[key] = self._make_like(depth, child)
        return self._likes[key]

    def _make_like(self, depth: int, child: int) -> object:
        chain = self.chain
        room = chain.room_in(depth, child)
        if chain.is_link(depth, child):
            depth += 1
        own: object = ()
        if depth == len(chain.links) and self.supply.room(child):
            own = self.supply.like(child)
        inside = [self._like(depth, c) for c in chain.tree.children(child) if chain.room_in(depth, c)]
        if own is None or None in inside:
            return None
        return (chain.tree.groups[child].level, room, own, tuple(inside))

    def _in_child(self, depth: int, child: int, number: int) -> Way:
        if self.chain.is_link(depth, child):
            way = self.way(depth + 1, child, self.chain.counts[depth + 1])
        else:
            way = self.way(depth, child, number)
        return Way(way.cost + self.touches.get(self.chain.tree.groups[child].level, 0), parts=(way,))

    def _least(self, depth: int) -> int:
        """Return what one link, or host, of a depth costs at least inside its group, wherever that stands."""
        if depth < len(self.chain.links):
            return self.chain.counts[depth + 1] * self._least(depth + 1)
        return self.supply.least()


def _not_crossed(chain: _Chain, supply: Supply, scale: Scale) -> int:
    """Return what to take off for slots that stand on several nodes: one domain of each level is no crossing.

    It is the same for all ways where all nodes touch the same levels.
    """
    if not chain.host.bundle.slot_part:
        return 0
    touched = {_levels_touched(solution, scale) for solution in supply.solutions()}
    if len(touched) > 1:
        raise NotDirectError
    total = 1
    for count in chain.counts:
        total *= count
    return total // chain.host.per_slot * sum(scale.cross[level] for level in touched.pop())


def _levels_touched(solution: NodeSolution, scale: Scale) -> tuple[str, ...]:
    values = scale.values(solution.cost)
    return tuple(c.level for c in scale.components if isinstance(c, Cross) and values[c.name])
