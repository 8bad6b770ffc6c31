"""What a placement is worth: the value of each of a policy's components, read off who holds what.

What is read here is what is there, whatever a search took it for when it was cut off. It costs a pass over the domains
of each node that is touched, nodes alike together, and is asked for only where nothing is proven: there a search may
have left out what is better than it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ...topology.links import lack_of
from ...topology.machine import Machine
from ...topology.tree import Domain
from ..policy.scale import Scale
from ..policy.terms import (
    Component,
    CoreShare,
    Cross,
    GroupBalance,
    GroupCross,
    GroupTouch,
    Links,
    PartialWhole,
    Room,
    Touch,
)
from ..state.domain_state import DomainState, arrange
from ..state.holdings import NodeFree, NodeHolding
from ..state.node_classes import bits

Alike = Callable[[NodeHolding], NodeFree]
"""What was free, before the placement, of nodes that hold the same."""

SlotId = tuple[str, int]
"""The label of a slot of several nodes, and its number."""


class Values:
    """Reads the values of components off a placement.

    Parameters
    ----------
    machine
        Whose nodes they are.
    free_of
        What was free of a holding's nodes.
    holdings
        By nodes, no node twice.
    numbers
        For positions that hold a part of a slot of several nodes, the slot's number.
    partial
        How many domains are taken whole of which R lists only a part: who holds what does not say what was asked for.
    """

    def __init__(
        self,
        machine: Machine,
        free_of: Alike,
        holdings: Sequence[NodeHolding],
        numbers: Mapping[int, int],
        partial: int = 0,
    ) -> None:
        self._machine = machine
        self._holdings = holdings
        self._numbers = numbers
        self._partial = partial
        self._domains = [machine.type_at((h.nodes & -h.nodes).bit_length() - 1).domains for h in holdings]
        self._states = [self._states_of(holding, free_of(holding)) for holding in holdings]
        self._touched = [
            _touched(domains, holding.cores, holding.gpus, [at for slot in holding.slots for at in slot.beyond])
            for domains, holding in zip(self._domains, holdings, strict=True)
        ]
        self._with_gpus = self._slots_with_gpus()

    def of(self, scale: Scale) -> dict[str, int]:
        """Return the value of each component, by name."""
        return {component.name: self._value(component) for component in scale.components}

    def _value(self, component: Component) -> int:
        if isinstance(component, Cross):
            return self._crossed(component.level)
        if isinstance(component, CoreShare):
            return self._apart(component.level)
        if isinstance(component, GroupTouch):
            return self._groups(component.level)
        if isinstance(component, GroupBalance):
            return self._unbalanced(component.level)
        if isinstance(component, GroupCross):
            return self._apart_in_groups(component.level)
        if isinstance(component, PartialWhole):
            return self._partial
        if isinstance(component, Links):
            return self._joined()
        if isinstance(component, Room):
            return self._lost_room(component)
        total = 0
        for place, holding in enumerate(self._holdings):
            states = self._states[place]
            if isinstance(component, Touch):
                domains = self._domains[place]
                here = [index for index in self._touched[place] if domains[index].level == component.level]
            else:
                here = self._shielded(place)
            total += holding.nodes.bit_count() * sum(component.weight(states[index]) for index in here)
        return total

    def _joined(self) -> int:
        """Return by how much less the GPUs of slots are joined than by the best links of their nodes."""
        total = 0
        for holding in self._holdings:
            links = self._machine.type_at((holding.nodes & -holding.nodes).bit_length() - 1).links
            total += holding.nodes.bit_count() * sum(lack_of(links, slot.gpus) for slot in holding.slots)
        return total

    def _lost_room(self, component: Room) -> int:
        """Return how much less room for other jobs there is in all domains touched."""
        total = 0
        for place, holding in enumerate(self._holdings):
            lost = 0
            for index in self._touched[place]:
                domain, state = self._domains[place][index], self._states[place][index]
                free = state.free_cores, state.free_gpus
                cores, gpus = (domain.cores & holding.cores).bit_count(), (domain.gpus & holding.gpus).bit_count()
                lost += component.room(state, *free) - component.room(state, free[0] - cores, free[1] - gpus)
            total += holding.nodes.bit_count() * lost
        return total

    def _states_of(self, holding: NodeHolding, free: NodeFree) -> dict[int, DomainState]:
        """Return the state that each domain was in, by place in the node type."""
        node_type = self._machine.type_at((holding.nodes & -holding.nodes).bit_length() - 1)
        arranged = arrange(node_type, free.cores, free.gpus, free.used)
        return dict(zip(arranged.order, arranged.state.flat, strict=True))

    # -- slots ----------------------------------------------------------------------------------------------------

    def _slot_of(self, label: str, position: int) -> SlotId:
        return label, self._numbers.get(position, 0)

    def _slots_with_gpus(self) -> set[SlotId]:
        """Return the slots of several nodes that have a GPU on any of them."""
        return {
            self._slot_of(slot.label, position)
            for holding in self._holdings
            for slot in holding.slots
            if slot.gpus and not slot.whole
            for position in bits(holding.nodes)
        }

    def _shielded(self, place: int) -> list[int]:
        """Return the domains of which slots without GPUs have a core that these list themselves."""
        holding, cores = self._holdings[place], 0
        for slot in holding.slots:
            pieces = () if slot.whole else [self._slot_of(slot.label, position) for position in bits(holding.nodes)]
            if not slot.gpus and not any(piece in self._with_gpus for piece in pieces):
                cores |= slot.cores
        return [domain.index for domain in self._domains[place] if domain.own_cores & cores]

    def _crossed(self, level: str) -> int:
        """Return over all slots how many domains of a level each touches, less one and never below zero."""
        total = 0
        over_nodes: dict[SlotId, int] = {}
        for place, holding in enumerate(self._holdings):
            domains = self._domains[place]
            for slot in holding.slots:
                here = _touched(domains, slot.cores, slot.gpus, slot.beyond)
                touched = sum(1 for index in here if domains[index].level == level)
                if slot.whole:
                    total += holding.nodes.bit_count() * max(0, touched - 1)
                    continue
                for position in bits(holding.nodes):
                    key = self._slot_of(slot.label, position)
                    over_nodes[key] = over_nodes.get(key, 0) + touched
        return total + sum(max(0, touched - 1) for touched in over_nodes.values())

    def _apart(self, level: str) -> int:
        """Return over all slots their cores in domains of a level beyond the share of their GPUs there."""
        total = 0
        for place, holding in enumerate(self._holdings):
            domains = [domain for domain in self._domains[place] if domain.level == level]
            each = 0
            for slot in holding.slots:
                cores, gpus = slot.cores.bit_count(), slot.gpus.bit_count()
                if not (cores and gpus):
                    continue
                all_cores, all_gpus = slot.cores, slot.gpus
                for domain in domains:
                    some_cores, some_gpus = domain.cores & slot.cores, domain.gpus & slot.gpus
                    each += max(0, gpus * some_cores.bit_count() - cores * some_gpus.bit_count())
                    all_cores, all_gpus = all_cores & ~some_cores, all_gpus & ~some_gpus
                each += max(0, gpus * all_cores.bit_count() - cores * all_gpus.bit_count())
            total += holding.nodes.bit_count() * each
        return total

    # -- groups ---------------------------------------------------------------------------------------------------

    def _groups(self, level: str) -> int:
        """Return how many groups of a level have a node of which something is held."""
        return len(self._nodes_in_groups(level))

    def _unbalanced(self, level: str) -> int:
        """Return the largest less the smallest number of nodes in these."""
        numbers = self._nodes_in_groups(level)
        return max(numbers, default=0) - min(numbers, default=0)

    def _nodes_in_groups(self, level: str) -> list[int]:
        nodes = 0
        for holding in self._holdings:
            if holding.cores or holding.gpus:
                nodes |= holding.nodes
        inside = ((group.members & nodes).bit_count() for group in self._machine.groups if group.level == level)
        return [number for number in inside if number]

    def _apart_in_groups(self, level: str) -> int:
        """Return over slots of several nodes how many groups of a level each has nodes in, less one."""
        nodes: dict[SlotId, int] = {}
        for holding in self._holdings:
            for slot in holding.slots:
                for position in bits(holding.nodes) if not slot.whole and (slot.cores or slot.gpus) else ():
                    key = self._slot_of(slot.label, position)
                    nodes[key] = nodes.get(key, 0) | 1 << position
        groups = [group.members for group in self._machine.groups if group.level == level]
        return sum(max(0, sum(1 for members in groups if members & some) - 1) for some in nodes.values())


def _touched(domains: Sequence[Domain], cores: int, gpus: int, beyond: Iterable[int]) -> list[int]:
    """Return the places of the domains that have any of some cores and GPUs, or are around those that give amounts."""
    around: set[int] = set()
    for index in beyond:
        while index >= 0:
            around.add(index)
            index = domains[index].parent
    return [d.index for d in domains if d.cores & cores or d.gpus & gpus or d.index in around]
