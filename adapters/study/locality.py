"""How local the slots of a job are, by the same measure for all pools.

Pools of Flux give a job cores and GPUs and leave it to the job how its slots share them. So what a job holds on a node
is split into its slots in the best way there is, whichever pool gave it (`exactfit.solver.checker` does that, without
the solver), and then domains are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...grammar.jobspec import Vertex, parse_resources
from ...solver.checker.ground import Ground
from ...solver.checker.packing import Item, NodePacker
from ...topology.machine import Machine

Piece = tuple[int, int, int]
"""Position, core mask, gpu mask."""


@dataclass(frozen=True, slots=True)
class Locality:
    """What a job's slots touch.

    Attributes
    ----------
    slots
        How many slots were looked at, those of one piece on each node.
    touched
        For each level below the node the domains that they touch, added up.
    local
        For each level how many of them stand in one domain of it.
    """

    slots: int
    touched: Mapping[str, int]
    local: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SlotSize:
    """Cores and gpus of each slot of a request whose slots are all alike; None for one that is not of that form."""

    cores: int
    gpus: int


def slot_size(resources: Sequence[Mapping[str, Any]]) -> SlotSize | None:
    """Return what each slot of a request holds, where it has one slot type of fixed cores and gpus."""
    slots = [v for vertex in parse_resources(resources) for v in vertex.walk() if v.is_slot]
    if len(slots) != 1:
        return None
    cores, gpus = _sum(slots[0], "core"), _sum(slots[0], "gpu")
    plain = all(v.type in ("core", "gpu", "memory", "storage") and v.count.is_fixed for v in slots[0].children)
    return SlotSize(cores, gpus) if plain and cores + gpus else None


def _sum(slot: Vertex, kind: str) -> int:
    return sum(child.count.min for child in slot.children if child.type == kind)


class Splitter:
    """Splits what jobs hold into slots, and remembers.

    Parameters
    ----------
    machine
        Where they hold it.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._ground = Ground(machine)
        self._known: dict[object, Locality] = {}
        self.levels = machine.levels

    def look(self, pieces: Sequence[Piece], size: SlotSize | None) -> Locality:
        """Return how local the slots of a job are.

        Parameters
        ----------
        pieces
            What it holds, a node each.
        size
            Of its slots; None: what it holds of a node counts as one slot.
        """
        slots = 0
        touched = dict.fromkeys(self.levels, 0)
        local = dict.fromkeys(self.levels, 0)
        for position, cores, gpus in pieces:
            one = self._of_node(position, cores, gpus, size)
            slots += one.slots
            for level in self.levels:
                touched[level] += one.touched[level]
                local[level] += one.local[level]
        return Locality(slots, touched, local)

    def _of_node(self, position: int, cores: int, gpus: int, size: SlotSize | None) -> Locality:
        kind = self._machine.type_at(position)
        # Cores of one innermost domain are alike: equal numbers there are an equal question.
        numbers = tuple(((d.own_cores & cores).bit_count(), (d.own_gpus & gpus).bit_count()) for d in kind.domains)
        key = (self._machine.type_of[position], numbers, size)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._split(position, cores, gpus, size)
        return found

    def _split(self, position: int, cores: int, gpus: int, size: SlotSize | None) -> Locality:
        count = _count(cores.bit_count(), gpus.bit_count(), size)
        slots: list[tuple[int, int]] = [(cores, gpus)]
        if count > 1 and size is not None:
            packed = NodePacker(self._ground, (position, 0), cores, gpus).pack([Item("", count, size.cores, size.gpus)])
            slots = [(c, g) for _, c, g in packed.slots]
        touched = dict.fromkeys(self.levels, 0)
        local = dict.fromkeys(self.levels, 0)
        by_level = self._machine.type_at(position).by_level
        for c, g in slots:
            for level in self.levels:
                number = sum(1 for d in by_level.get(level, ()) if d.cores & c or d.gpus & g)
                touched[level] += number
                local[level] += number <= 1
        return Locality(len(slots), touched, local)


def _count(cores: int, gpus: int, size: SlotSize | None) -> int:
    """Return how many slots of a size make up what a node gives; 1 where they do not (whole nodes hold more)."""
    if size is None:
        return 1
    count = cores // size.cores if size.cores else gpus // size.gpus
    return count if count * size.cores <= cores and count * size.gpus <= gpus and count else 1
