"""Slots that stand on several nodes: where they stand, and which nodes make which slot.

A chain, and a model that counts nodes, do not say whose they are, as that changes no cost if it is done well. A slot's
affinity counts the groups and domains of a level that it touches, less one and never below zero. So as many slots as
can be are dealt out inside each group, from the coarsest down; what touches a level below the node is dealt to as many
slots as there are; and where all touch the same, slots take nodes in the order of their groups and ranks. What is dealt
as one is a node, or all that stands in a group for one of the slot's vertices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...demand.demand import Demand, GroupDemand
from ...node.plan import NodeSolution
from ...policy.scale import Scale
from ...policy.terms import Cross
from ...state.node_classes import bits
from ..selection import Pick
from .cells import ROOT, GroupTree
from .patterns import Placed, flatten

Levels = tuple[bool, ...]
"""For each level that the policy's affinity counts whether it is touched."""

Nodes = Mapping[int, Mapping[int, Levels]]
"""By the number of the host demand, the nodes that stand for it, with what they touch."""


@dataclass(frozen=True)
class SlotVertex:
    """A slot of several nodes, or a vertex of groups in it.

    Attributes
    ----------
    number
        Of the group demand; for the slot, of the one that it stands right below, 0 for the machine.
    each
        How many stand in the vertex around; of slots, in each group that stands for `number`.
    level
        Of the groups; empty for the slot.
    hosts
        The nodes right below, each with how many there are in one.
    groups
        The vertices of groups right below.
    """

    number: int
    each: int
    level: str = ""
    hosts: list[tuple[Placed, int]] = field(default_factory=list)
    groups: list[SlotVertex] = field(default_factory=list)

    def walk(self) -> list[SlotVertex]:
        """Return it and all below."""
        return [self, *(inner for below in self.groups for inner in below.walk())]

    @property
    def nodes(self) -> dict[int, int]:
        """How many nodes of which host demand one has, at any depth."""
        found = {placed.number: count for placed, count in self.hosts}
        for below in self.groups:
            found.update({number: count * below.each for number, count in below.nodes.items()})
        return found


def slot_vertices(demands: Sequence[tuple[GroupDemand, int]], hosts: Sequence[Placed]) -> list[tuple[str, SlotVertex]]:
    """Return the slots of several nodes, by label."""
    of_label: dict[str, list[Placed]] = defaultdict(list)
    for placed in hosts:
        if placed.slot:
            of_label[placed.slot].append(placed)
    return [(label, _slot_vertex(label, some, demands)) for label, some in of_label.items()]


def _slot_vertex(label: str, nodes: Sequence[Placed], demands: Sequence[tuple[GroupDemand, int]]) -> SlotVertex:
    paths: list[tuple[Placed, list[int]]] = []
    scope = slots = 0
    for placed in nodes:
        scope, path = placed.parent, []
        things, per_slot = placed.demand.count, placed.demand.per_slot
        if placed.is_fill:
            things, per_slot = 1, demands[scope][0].per_slot
        while scope and demands[scope][0].slot == label:
            things *= demands[scope][0].count
            path.append(scope)
            scope = demands[scope][1]
        paths.append((placed, path[::-1]))
        slots = things // per_slot
    top = SlotVertex(scope, slots)
    known = {scope: top}
    for placed, path in paths:
        above = top
        for number in path:
            if number not in known:
                count = demands[number][0].count
                known[number] = SlotVertex(number, count // slots if above is top else count, demands[number][0].level)
                above.groups.append(known[number])
            above = known[number]
        count = placed.demand.count
        above.hosts.append((placed, placed.demand.per_slot if above is top else count))
    return top


@dataclass
class _Item:
    """What is dealt as one."""

    positions: list[int]
    touched: Levels


def slot_numbers(demand: Demand, picks: Sequence[Pick], tree: GroupTree, scale: Scale) -> dict[int, int]:
    """Return for each position that holds a part of a slot the number of that slot among those of its label."""
    demands, hosts = flatten(demand.root)
    numbers: dict[int, int] = {}
    for _, slot in slot_vertices(demands, hosts):
        level = demands[slot.number][0].level
        inside: dict[int, dict[int, dict[int, Levels]]] = defaultdict(lambda: defaultdict(dict))
        of_slot = slot.nodes.keys() | {placed.number for vertex in slot.walk() for placed, _ in vertex.hosts}
        for pick in picks:
            if pick.host in of_slot:
                around = tree.around(pick.group, level) if level else ROOT
                touched = touched_levels(pick.solution, scale)
                inside[around][pick.host or 0].update(dict.fromkeys(bits(pick.nodes), touched))
        first = 0
        for around in sorted(inside):
            nodes = inside[around]
            slots = slot.each * _times(slot, nodes) if level else slot.each
            for positions in _Dealer(tree).deal(slot, nodes, around, slots):
                numbers.update(dict.fromkeys(positions, first))
                first += 1
    return numbers


def _times(slot: SlotVertex, nodes: Nodes) -> int:
    """Return for how many of the vertices around slots a group stands."""
    for placed, _ in slot.hosts:
        if not placed.is_fill and placed.number in nodes:
            return len(nodes[placed.number]) // (slot.nodes[placed.number] * slot.each)
    return 1


def touched_levels(solution: NodeSolution, scale: Scale) -> Levels:
    """Return which levels below the node a node's part of a slot touches."""
    values = scale.values(solution.cost)
    return tuple(values[c.name] > 0 for c in scale.components if isinstance(c, Cross))


def crossed_groups(numbers: Mapping[int, int], tree: GroupTree, level: str) -> int:
    """Return over the slots of one label how many groups of a level each has nodes in, less one, never below zero."""
    groups: dict[int, set[int]] = {}
    for position, slot in numbers.items():
        group = tree.group_at(position)
        here = groups.setdefault(slot, set())
        while group != ROOT:
            if tree.groups[group].level == level:
                here.add(group)
            group = tree.groups[group].parent
    return sum(max(0, len(some) - 1) for some in groups.values())


class _Dealer:
    def __init__(self, tree: GroupTree) -> None:
        self.tree = tree

    def deal(self, vertex: SlotVertex, nodes: Nodes, group: int, number: int) -> list[list[int]]:
        """Deal nodes in a group to so many slots, or instances of a vertex; return the positions of each."""
        if number == 1:
            return [[position for some in nodes.values() for position in some]]
        parts = self._inside(vertex, nodes, group)
        if parts is not None:
            return [one for child, some, count in parts for one in self.deal(vertex, some, child, count)]
        dealt: list[list[int]] = [[] for _ in range(number)]
        kinds = [(self._items(nodes[placed.number]), False) for placed, _ in vertex.hosts if placed.number in nodes]
        kinds += [self._instances(below, nodes) for below in vertex.groups]
        touched = {item.touched for items, _ in kinds for item in items}
        reached: list[set[int]] = [set() for _ in range(number)]
        for items, in_turn in kinds:
            each = len(items) // number
            room = [each] * number
            if len(touched) > 1:
                items.sort(key=lambda item: item.touched, reverse=True)
            for place, item in enumerate(items):
                levels = {level for level, there in enumerate(item.touched) if there}
                if in_turn:
                    slot = place % number
                elif len(touched) > 1:
                    slot = _least_reached(levels, reached, room)
                else:
                    slot = place // each
                room[slot] -= 1
                reached[slot] |= levels
                dealt[slot] += item.positions
        return dealt

    def _inside(self, vertex: SlotVertex, nodes: Nodes, group: int) -> Sequence[tuple[int, Nodes, int]] | None:
        """Return the groups inside one that have whole slots, with their nodes and how many; None where some do not."""
        levels = {below.level for below in vertex.groups}
        parts: dict[int, dict[int, dict[int, Levels]]] = {}
        for host, some in nodes.items():
            for position, touched in some.items():
                child = self._child(group, position)
                if child is None or self.tree.groups[child].level in levels:
                    return None
                parts.setdefault(child, {}).setdefault(host, {})[position] = touched
        found = []
        for child in sorted(parts):
            counts = {divmod(len(parts[child].get(host, ())), each) for host, each in vertex.nodes.items() if each}
            if len(counts) != 1:
                return None
            count, odd = counts.pop()
            if odd or len({touched for some in parts[child].values() for touched in some.values()}) > 1:
                return None
            found.append((child, parts[child], count))
        return found or None

    def _child(self, group: int, position: int) -> int | None:
        """Return the group right inside one that a position stands in; None where it stands in none."""
        inner = self.tree.group_at(position)
        while inner != ROOT and self.tree.groups[inner].parent != group:
            inner = self.tree.groups[inner].parent
        return None if inner == ROOT else inner

    def _items(self, nodes: Mapping[int, Levels]) -> list[_Item]:
        order = sorted(nodes, key=lambda position: (self.tree.group_at(position), position))
        return [_Item([position], nodes[position]) for position in order]

    def _instances(self, below: SlotVertex, nodes: Nodes) -> tuple[list[_Item], bool]:
        """Return what stands for a vertex of groups, one group after the other, and whether one stands for several.

        These are then dealt in turn, so that none stands twice for one slot: it stands for no more than there are.
        """
        inside: dict[int, dict[int, dict[int, Levels]]] = {}
        of_vertex = {placed.number for inner in below.walk() for placed, _ in inner.hosts}
        for host in of_vertex & nodes.keys():
            for position, touched in nodes[host].items():
                around = self.tree.around(self.tree.group_at(position), below.level)
                inside.setdefault(around, {}).setdefault(host, {})[position] = touched
        items: list[_Item] = []
        for around in sorted(inside):
            some = inside[around]
            for positions in self.deal(below, some, around, max(1, self._times_here(below, some))):
                levels = [touched for these in some.values() for p, touched in these.items() if p in set(positions)]
                items.append(_Item(positions, tuple(map(any, zip(*levels, strict=True)))))
        return items, len(items) > len(inside)

    def _times_here(self, below: SlotVertex, some: Nodes) -> int:
        """Return for how many instances of a vertex these nodes, all in one of its groups, stand."""
        for host, each in below.nodes.items():
            if each and host in some:
                return len(some[host]) // each
        for inner in below.groups:  # groups taken whole have as many nodes as they have: they are counted themselves
            of_inner = {placed.number for vertex in inner.walk() for placed, _ in vertex.hosts} & some.keys()
            positions = {position for host in of_inner for position in some[host]}
            if positions:
                whole = {self.tree.around(self.tree.group_at(position), inner.level) for position in positions}
                return len(whole) // inner.each
        return 1


def _least_reached(levels: set[int], reached: Sequence[set[int]], room: Sequence[int]) -> int:
    """Return the slot with room of which the fewest of these levels are touched already."""
    return min((slot for slot, left in enumerate(room) if left), key=lambda slot: len(levels & reached[slot]))
