"""A direct proof where a request is one chain: groups inside groups, and in the innermost one kind of node or slot.

Nodes and groups then bear on each other only through the groups that they share, and costs add up. So the best way to
put `n` things into a group is the best way to share `n` out among the groups inside it and the nodes that stand in
none of these: dynamic programming over the tree of groups, by `sharing`. Where that would take more steps than the
model, it gives up (`NotDirectError`).

A group that slots name may stand for several of them, each time for one slot more. And where slots of several nodes
may cross borders of groups that they do not name, `links` names these as well: if there is room for all slots so,
nothing is better that crosses more.
"""

from __future__ import annotations

from functools import partial

from ...cpsat.budget import Budget
from ...demand.demand import Demand
from ...node.plan import NodeSolution
from ...node.solver import NodeSolver
from ...policy.scale import Scale
from ...policy.terms import Cross, GroupCross, GroupTouch
from ..selection import Decision, Field
from .cells import ROOT, GroupTree
from .links import Chain, links_of, whole_links
from .sharing import NotDirectError, Part, Way, share_out
from .slots import crossed_groups, slot_numbers
from .supply import Nodes, Rooms, Supply
from .units import Units

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
    links, host = links_of(demand, tree)
    chain = Chain(links, host, tree)
    if not best:
        fits = chain.has_room(Rooms(chain.all_hosts, field, tree, node_solver, budget))
        return Decision((), 0, 0, modelled=True) if fits else None
    if node_solver.scale.balance or (host.loose and chain.all_hosts.count > LOOSE):
        raise NotDirectError
    whole = whole_links(chain, node_solver.scale)
    supply: Supply
    if host.loose:
        supply = Units(chain.all_hosts, field, tree, node_solver, budget, whole=True)
        if not chain.has_room(supply):
            supply = Units(chain.all_hosts, field, tree, node_solver, budget)
    else:
        home = links[-1].level if links else ""
        supply = Nodes(chain.all_hosts, field, tree, node_solver, budget, home)
    if not chain.has_room(supply):
        return None
    if whole is not None:
        chain = whole
        _compare_no_more(supply, node_solver.scale)
        if supply.room(ROOT) or not chain.has_room(supply):
            raise NotDirectError
    best_ways = _Best(chain, supply, node_solver.scale, budget)
    way = best_ways.way(0, ROOT, chain.links[0].count if chain.links else host.count, 1)
    beside = chain.crossed(node_solver.scale) - _not_crossed(chain, supply, node_solver.scale)
    bound = way.cost if way.bound is None else way.bound
    picks = tuple(way.all_picks())
    return Decision(picks, way.cost + beside, bound + beside, chain.held(picks), modelled=True)


def choose_torn(
    demand: Demand, field: Field, tree: GroupTree, node_solver: NodeSolver, budget: Budget
) -> Decision | None:
    """Choose nodes for a chain whose slots may cross borders of groups, in few groups; None when there is no placement.

    It is what is at hand where the search for the fewest crossings ends without one. The bound is that of the nodes,
    and of slots that are more than can be whole, or larger than any group.

    Raises
    ------
    NotDirectError
        It is no chain of such slots.
    """
    scale = node_solver.scale
    links, host = links_of(demand, tree)
    if scale.balance or host.loose or not host.bundle.slot_part:
        raise NotDirectError
    chain = Chain(links, host, tree)
    supply = Nodes(chain.all_hosts, field, tree, node_solver, budget, links[-1].level if links else "")
    if not chain.has_room(supply):
        return None
    way = _Best(chain, supply, scale, budget).way(0, ROOT, chain.each(0), 1)
    picks = tuple(way.all_picks())
    numbers = slot_numbers(demand, picks, tree, scale)
    least = way.cost if way.bound is None else way.bound
    beside = -_not_crossed(chain, supply, scale)
    crossed = sum(unit * crossed_groups(numbers, tree, level) for level, unit in scale.group_cross.items())
    apart = tree.levels is not None and not supply.room(ROOT)
    surely = sum(unit * chain.torn(level) for level, unit in scale.group_cross.items()) if apart else 0
    cost, bound = way.cost + beside + crossed, least + beside + surely
    return Decision(picks, cost, bound, chain.held(picks), modelled=True, numbers=numbers)


def _compare_no_more(supply: Supply, scale: Scale) -> None:
    """Give up where nodes differ in what is compared before the groups that slots cross."""
    last = max(i for i, component in enumerate(scale.components) if isinstance(component, GroupCross))
    before = [component for component in scale.components[:last] if not isinstance(component, GroupCross)]
    if any(isinstance(component, GroupTouch) for component in before):
        raise NotDirectError
    values = [scale.values(solution.cost) for solution in supply.solutions()]
    if any(len({value[component.name] for value in values}) > 1 for component in before):
        raise NotDirectError


class _Best:
    """The best ways on one supply."""

    def __init__(self, chain: Chain, supply: Supply, scale: Scale, budget: Budget) -> None:
        self.chain = chain
        self.supply = supply
        self.budget = budget
        self.touches = {c.level: unit for c, unit in scale.weighed() if isinstance(c, GroupTouch)}
        self._ways: dict[tuple[int, int, int, int], Way] = {}
        self._likes: dict[tuple[int, int], object] = {}

    def way(self, depth: int, group: int, number: int, times: int) -> Way:
        """Return the best way to put so many links, or hosts, of a depth into a group that has room for them.

        Parameters
        ----------
        times
            For how many links the group around them stands that they stand in.
        """
        key = (depth, group, number, times)
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = self._way(depth, group, number, times)
        return way

    def _way(self, depth: int, group: int, number: int, times: int) -> Way:
        chain = self.chain
        own = self.supply.room(group) if depth == len(chain.links) else 0
        inside = [(c, room) for c in chain.tree.children(group) if (room := chain.room_in(depth, c, times))]
        if not inside:
            return self.supply.way(group, number)
        parts = [
            Part(
                room,
                partial(self._in_child, depth, child, times),
                self._like(depth, child),
                self._linear(depth, child),
            )
            for child, room in inside
        ]
        touch = min(self.touches.get(chain.tree.groups[child].level, 0) for child, _ in inside)
        if own:
            parts.append(Part(own, partial(self.supply.way, group)))
        return share_out(parts, number, touch, self._least(depth), self.budget, untouched=int(own > 0))

    def _linear(self, depth: int, child: int) -> tuple[int, int] | None:
        """Return what a group costs once, and for each that stands in it, where all cost the same; else None."""
        chain = self.chain
        inside = depth + chain.is_link(depth, child)
        each = self.supply.each(child) if inside == len(chain.links) and not chain.tree.children(child) else None
        if each is None:
            return None
        each *= 1 if inside == depth else chain.each(inside)
        return self.touches.get(chain.tree.groups[child].level, 0), each

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

    def _in_child(self, depth: int, child: int, times: int, number: int) -> Way:
        if self.chain.is_link(depth, child):
            way = self.way(depth + 1, child, number * self.chain.each(depth + 1), number)
        else:
            way = self.way(depth, child, number, times)
        touch = self.touches.get(self.chain.tree.groups[child].level, 0)
        bound = None if way.bound is None else way.bound + touch
        return Way(way.cost + touch, parts=(way,), bound=bound)

    def _least(self, depth: int) -> int:
        """Return what one link, or host, of a depth costs at least inside its group, wherever that stands."""
        if depth < len(self.chain.links):
            return self.chain.each(depth + 1) * self._least(depth + 1)
        return self.supply.least()


def _not_crossed(chain: Chain, supply: Supply, scale: Scale) -> int:
    """Return what to take off for slots that stand on several nodes: one domain of each level is no crossing.

    It is the same for all ways where all nodes touch the same levels.
    """
    if not chain.host.bundle.slot_part:
        return 0
    touched = {_levels_touched(solution, scale) for solution in supply.solutions()}
    if len(touched) > 1:
        raise NotDirectError
    return chain.all_hosts.count // chain.host.per_slot * sum(scale.cross[level] for level in touched.pop())


def _levels_touched(solution: NodeSolution, scale: Scale) -> tuple[str, ...]:
    values = scale.values(solution.cost)
    return tuple(c.level for c in scale.components if isinstance(c, Cross) and values[c.name])
