"""A policy on one machine: the values of its terms as one integer, a fixed number of bits for each.

Comparing such integers compares the terms lexicographically, as no sum of a term reaches its bits (`BITS`), and adding
placements adds integers. So the best of anything is the least, and a sum of lower bounds is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from ...grammar.memory import Memory
from ..state.domain_state import REMEMBERED, DomainState
from .terms import (
    OF_GROUPS,
    Component,
    CoreShare,
    CoreTouch,
    Cross,
    GroupBalance,
    GroupCross,
    GroupTouch,
    Links,
    PartialWhole,
    Room,
    Touch,
    no_room,
    no_weight,
    one_each,
)

BITS = 48
"""Bits of one term in the joint integer: no sum over a machine of 2**24 nodes reaches them."""


class Scale:
    """A policy on one machine: the joint integer of its components, and the way back.

    Parameters
    ----------
    components
        First compared first.

    Attributes
    ----------
    units
        What one of each component counts in the joint integer.
    cross
        The unit of each level's affinity.
    shares
        The unit of each level's share.
    links
        The unit of how GPUs are joined.
    partial
        What each domain counts that is asked for whole and of which R lists only a part.
    rooms
        What says how much room domains have, each with its unit.
    names
        Of the components.
    known_for_bounds
        What of a state lower bounds are made of, for each component: kept here for `node.lower_bounds`.
    group_names, group_units
        Of those that count groups that are touched: their names, and their units by level.
    group_cross, balance
        The unit of each group level's affinity, and of each level's balance.
    """

    def __init__(self, components: Iterable[Component]) -> None:
        self.components = tuple(components)
        count = len(self.components)
        self.units = tuple(1 << (BITS * (count - 1 - i)) for i in range(count))
        self._touch: Memory[DomainState, int] = Memory(REMEMBERED)
        self._core_touch: Memory[DomainState, int] = Memory(REMEMBERED)
        self._least_lost: Memory[DomainState, int] = Memory(REMEMBERED)
        self.known_for_bounds: Memory[DomainState, tuple[Any, ...]] = Memory(REMEMBERED)
        self._values: Memory[int, Mapping[str, int]] = Memory(REMEMBERED)
        self._touches: dict[str, list[tuple[Callable[[DomainState], int], int]]] = {}
        self._core_touches = [(c.weight, u) for c, u in self.weighed() if isinstance(c, CoreTouch)]
        for component, unit in self.weighed():
            if isinstance(component, Touch):
                self._touches.setdefault(component.level, []).append((component.weight, unit))
        self.cross = {c.level: u for c, u in self.weighed() if isinstance(c, Cross)}
        self.shares = {c.level: u for c, u in self.weighed() if isinstance(c, CoreShare)}
        self.links = sum(u for c, u in self.weighed() if isinstance(c, Links))
        self.partial = sum(u for c, u in self.weighed() if isinstance(c, PartialWhole))
        self.rooms = tuple((c.room, u) for c, u in self.weighed() if isinstance(c, Room))
        self.names = tuple(component.name for component in self.components)
        self.group_names = tuple(c.name for c in self.components if isinstance(c, GroupTouch))
        self.group_units = {c.level: unit for c, unit in self.weighed() if isinstance(c, GroupTouch)}
        self.balance = {c.level: unit for c, unit in self.weighed() if isinstance(c, GroupBalance)}
        self.group_cross = {c.level: unit for c, unit in self.weighed() if isinstance(c, GroupCross)}

    def weighed(self) -> Iterator[tuple[Component, int]]:
        """Yield each component with its unit."""
        return zip(self.components, self.units, strict=True)

    def affinity_first(self, levels: Sequence[str]) -> bool:
        """Tell whether affinity, from the coarsest level to the finest, goes before all that nodes differ in.

        Then no slot is torn where all can be whole, which `packing` relies on. How GPUs are joined is no matter there:
        where it differs, each GPU is told apart, and the node's model decides.
        """
        crosses = [component.level for component in self.components if isinstance(component, Cross)]
        if crosses != list(levels):
            return False
        before = 0
        for component in self.components:
            if isinstance(component, Cross):
                before += 1
            elif before < len(crosses) and not _same_on_all_nodes(component):
                return False
        return True

    @cached_property
    def affinity_leads(self) -> bool:
        """Whether nothing of slots of cores and GPUs is compared before affinity, on however many nodes."""
        kinds = [isinstance(c, Cross) for c in self.components if not isinstance(c, PartialWhole | GroupCross | Links)]
        return kinds == sorted(kinds, reverse=True)

    @cached_property
    def before_groups(self) -> Callable[[int], int] | None:
        """What of a joint integer is compared before the groups; None unless all groups are compared together."""
        places = [i for i, component in enumerate(self.components) if isinstance(component, GroupTouch)]
        if not places or places[-1] - places[0] != len(places) - 1:
            return None
        shift = BITS * (len(self.components) - places[0])
        return lambda joint: (joint + (1 << shift >> 1)) >> shift

    @cached_property
    def lead(self) -> Callable[[int], int] | None:
        """What of a joint integer is compared up to the number of nodes, as an integer whose unit is one node.

        None unless only what adds up over slots, and groups, are compared before the number of nodes.
        """
        unit = self.node_unit
        return (lambda joint: (joint + (unit >> 1)) // unit) if unit else None

    @cached_property
    def node_unit(self) -> int:
        """The unit of the number of nodes, where `lead` is known; 0 elsewhere."""
        for unit, component in zip(self.units, self.components, strict=True):
            if isinstance(component, Touch) and component.weight is one_each:
                return unit
            if not isinstance(component, (Cross, PartialWhole, CoreShare, Links, *OF_GROUPS)):
                return 0
        return 0

    def least_led(self, lead: int) -> int:
        """Return the least joint integer of which so much is compared up to the number of nodes: see `lead`."""
        return lead * self.node_unit - (self.node_unit >> 1)

    def of_slots(self) -> Scale:
        """Return the policy for slots in a node that the job has whole: what is touched is no matter of choice."""
        return Scale(_without_choice(component) for component in self.components)

    def touch(self, domain: DomainState) -> int:
        """Return what it costs that the job touches the domain, as a joint integer."""
        cost = self._touch.get(domain)
        if cost is None:
            parts = self._touches.get(domain.level, ())
            cost = self._touch[domain] = sum([unit * weight(domain) for weight, unit in parts])
        return cost

    def core_touch(self, domain: DomainState) -> int:
        """Return what it costs that a slot without GPUs takes a core that the domain lists itself."""
        cost = self._core_touch.get(domain)
        if cost is None:
            cost = self._core_touch[domain] = sum([unit * weight(domain) for weight, unit in self._core_touches])
        return cost

    def lost_room(self, domain: DomainState, cores: int, gpus: int) -> int:
        """Return what it costs that so many of a domain's free cores and GPUs are taken, as a joint integer."""
        free_cores, free_gpus = domain.free_cores, domain.free_gpus
        cost = 0
        for room, unit in self.rooms:
            cost += unit * (room(domain, free_cores, free_gpus) - room(domain, free_cores - cores, free_gpus - gpus))
        return cost

    def least_lost(self, domain: DomainState) -> int:
        """Return what it costs at least that any core or GPU of a domain is taken, as a joint integer."""
        known = self._least_lost.get(domain)
        if known is not None:
            return known
        cores, gpus = domain.free_cores, domain.free_gpus
        cost = 0
        for room, unit in self.rooms:
            left = max(room(domain, cores - 1, gpus) if cores else 0, room(domain, cores, gpus - 1) if gpus else 0)
            cost += unit * (room(domain, cores, gpus) - left)
        self._least_lost[domain] = cost
        return cost

    def lost_rooms(self, domain: DomainState, cores: int, gpus: int, most: int) -> list[int]:
        """Return what 0, 1, 2, ... times so much costs, up to a number."""
        free_cores, free_gpus = domain.free_cores, domain.free_gpus
        sums = [0] * (most + 1)
        for room, unit in self.rooms:
            before = room(domain, free_cores, free_gpus)
            for n in range(1, most + 1):
                sums[n] += unit * (before - room(domain, free_cores - n * cores, free_gpus - n * gpus))
        return sums

    def values(self, joint: int) -> Mapping[str, int]:
        """Return the value of each component, by name, that a joint integer stands for."""
        known = self._values.get(joint)
        if known is None:
            known = self._values[joint] = self._split(joint)
        return known

    def partials(self, joint: int) -> int:
        """Return how many domains are taken whole of which R lists only a part; 0 where the policy does not ask."""
        values = self.values(joint)
        return next((values[c.name] for c in self.components if isinstance(c, PartialWhole)), 0)

    def _split(self, joint: int) -> dict[str, int]:
        values: list[int] = []
        half = 1 << (BITS - 1)
        for _ in self.components:
            digit = ((joint + half) & ((1 << BITS) - 1)) - half
            values.append(digit)
            joint = (joint - digit) >> BITS
        return dict(zip(self.names, reversed(values), strict=True))

    def joint(self, values: Sequence[int]) -> int:
        """Return the joint integer of these component values."""
        return sum(value * unit for value, unit in zip(values, self.units, strict=True))


def _without_choice(component: Component) -> Component:
    if isinstance(component, Touch):
        return replace(component, weight=no_weight)
    return replace(component, room=no_room) if isinstance(component, Room) else component


def _same_on_all_nodes(component: Component) -> bool:
    """Tell whether a component counts the same on every node that is touched by slots of cores, GPUs and amounts."""
    if isinstance(component, Touch):
        return component.weight is no_weight or (component.level == "node" and component.weight is one_each)
    return isinstance(component, (PartialWhole, Links, *OF_GROUPS))
