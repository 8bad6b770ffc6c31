"""Slots that stand on several nodes: where they stand, and which nodes make which slot.

The model counts nodes and does not say whose they are, as that changes no cost if it is done well. A slot's affinity
counts the domains of a level that it touches, less one and never below zero. So what touches a level is dealt to as
many slots as there are; where all touch the same, slots take nodes in the order of their ranks. What is dealt as one
is a node, or all nodes of a group that stands right below the slot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class SlotScope:
    """Where the slots of a label stand.

    Attributes
    ----------
    number
        Of the group demand that they stand right below; 0 is the machine.
    slots
        How many there are in each group that stands for it.
    hosts
        The nodes of a slot, each with the number of the group demand that it stands in right below the slot; None
        where it stands right below the slot itself.
    """

    number: int
    slots: int
    hosts: tuple[tuple[Placed, int | None], ...]


def slot_scopes(demands: Sequence[tuple[GroupDemand, int]], hosts: Sequence[Placed]) -> list[SlotScope]:
    """Return where the slots of several nodes stand, one scope for each label."""
    of_label: dict[str, list[Placed]] = defaultdict(list)
    for placed in hosts:
        if placed.slot:
            of_label[placed.slot].append(placed)
    scopes = []
    for label, nodes_of_slot in of_label.items():
        found: list[tuple[Placed, int | None]] = []
        scope = slots = 0
        for placed in nodes_of_slot:
            scope, below = placed.parent, None
            things, per_slot = placed.demand.count, placed.demand.per_slot
            if placed.is_fill:
                things, per_slot = 1, demands[scope][0].per_slot
            while scope and demands[scope][0].slot == label:
                things *= demands[scope][0].count
                below, scope = scope, demands[scope][1]
            found.append((placed, below))
            slots = things // per_slot
        scopes.append(SlotScope(scope, slots, tuple(found)))
    return scopes


@dataclass
class _Item:
    """What is dealt as one."""

    positions: list[int]
    touched: Levels


def slot_numbers(demand: Demand, picks: Sequence[Pick], tree: GroupTree, scale: Scale) -> dict[int, int]:
    """Return for each position that holds a part of a slot the number of that slot among those of its label."""
    demands, hosts = flatten(demand.root)
    numbers: dict[int, int] = {}
    for scope in slot_scopes(demands, hosts):
        level = demands[scope.number][0].level
        dealt: dict[int, dict[tuple[bool, int], dict[int, _Item]]] = defaultdict(lambda: defaultdict(dict))
        for placed, below in scope.hosts:
            kind = (below is None, placed.number if below is None else below)
            for pick in picks:
                if pick.host == placed.number:
                    around = tree.around(pick.group, level) if level else ROOT
                    inside = None if below is None else tree.around(pick.group, demands[below][0].level)
                    _gather(dealt[around][kind], pick, _touched(pick.solution, scale), inside)
        for first, around in enumerate(sorted(dealt)):
            _deal(list(dealt[around].values()), scope.slots, first * scope.slots, numbers)
    return numbers


def _touched(solution: NodeSolution, scale: Scale) -> Levels:
    values = scale.values(solution.cost)
    return tuple(values[c.name] > 0 for c in scale.components if isinstance(c, Cross))


def _gather(items: dict[int, _Item], pick: Pick, touched: Levels, inside: int | None) -> None:
    for position in bits(pick.nodes):
        item = items.setdefault(position if inside is None else inside, _Item([], touched))
        item.positions.append(position)
        item.touched = tuple(a or b for a, b in zip(item.touched, touched, strict=True))


def _deal(kinds: Sequence[Mapping[int, _Item]], slots: int, first: int, numbers: dict[int, int]) -> None:
    """Deal the items of each kind, as many to each slot."""
    alike = len({item.touched for items in kinds for item in items.values()}) == 1
    reached: list[set[int]] = [set() for _ in range(slots)]
    for items in kinds:
        each = len(items) // slots
        room = [each] * slots
        order = sorted(items.values(), key=lambda item: min(item.positions))
        if not alike:
            order.sort(key=lambda item: item.touched, reverse=True)
        for place, item in enumerate(order):
            levels = {level for level, touched in enumerate(item.touched) if touched}
            slot = place // each if alike else _least_reached(levels, reached, room)
            room[slot] -= 1
            reached[slot] |= levels
            numbers.update(dict.fromkeys(item.positions, first + slot))


def _least_reached(levels: set[int], reached: Sequence[set[int]], room: Sequence[int]) -> int:
    """Return the slot with room of which the fewest of these levels are touched already."""
    return min((slot for slot, left in enumerate(room) if left), key=lambda slot: len(levels & reached[slot]))
