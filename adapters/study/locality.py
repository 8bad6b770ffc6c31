"""How local the slots of a job are, by the same measure for all pools.

Pools of Flux give a job cores and GPUs and leave it to the job how its slots share them. So what a job holds on a node
is split into its slots in the best way, level by level, whichever pool gave it (`splitting`), and then domains are
counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...grammar.jobspec import Vertex, parse_resources
from ...grammar.memory import Memory
from ...topology.machine import Machine
from ...topology.tree import NodeType
from ..twin.jobs import Part
from .splitting import Pile, in_one, touched

_MOST_SEEN = 2**14


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
    """Slots that are all alike: cores and gpus of each, and how many of them a node gives at most."""

    cores: int
    gpus: int
    most: int = 2**20


def slot_size(resources: Sequence[Mapping[str, Any]]) -> SlotSize | None:
    """Return what each slot of a request holds, where it has one slot type of fixed cores and gpus; else None."""
    roots = parse_resources(resources)
    slots = [v for vertex in roots for v in vertex.walk() if v.is_slot]
    if len(slots) != 1:
        return None
    slot = slots[0]
    cores, gpus = _sum(slot, "core"), _sum(slot, "gpu")
    plain = all(v.type in ("core", "gpu", "memory", "storage") and v.count.is_fixed for v in slot.children)
    if not plain or not cores + gpus or not all(v.count.is_fixed for v in roots[0].walk()):
        return None
    # Where nodes are named, each gives as many slots as stand below it; elsewhere one node may give them all.
    above, most = roots[0], 1
    while above is not slot:
        most = 1 if above.type == "node" else most * above.count.min
        above = above.children[0]
    return SlotSize(cores, gpus, most * slot.count.min)


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
        self._seen: Memory[tuple[int, int, int, SlotSize | None], Locality] = Memory(_MOST_SEEN)
        self._known: Memory[object, Locality] = Memory(_MOST_SEEN)
        self._levels = [_Level.all_of(kind, machine.levels) for kind in machine.types]
        self.levels = machine.levels

    def look(self, parts: Sequence[Part], size: SlotSize | None) -> Locality:
        """Return how local the slots of a job are.

        Parameters
        ----------
        parts
            What it holds.
        size
            Of its slots; None: what it holds of a node counts as one slot.
        """
        slots = 0
        touches = dict.fromkeys(self.levels, 0)
        local = dict.fromkeys(self.levels, 0)
        for nodes, cores, gpus in parts:
            for number, members in enumerate(self._machine.type_masks):
                count = (nodes & members).bit_count()
                if not count:
                    continue
                one = self._of_node(number, cores, gpus, size)
                slots += count * one.slots
                for level in self.levels:
                    touches[level] += count * one.touched[level]
                    local[level] += count * one.local[level]
        return Locality(slots, touches, local)

    def _of_node(self, number: int, cores: int, gpus: int, size: SlotSize | None) -> Locality:
        seen = self._seen.get((number, cores, gpus, size))
        if seen is None:
            seen = self._seen[number, cores, gpus, size] = self._of_type(number, cores, gpus, size)
        return seen

    def _of_type(self, number: int, cores: int, gpus: int, size: SlotSize | None) -> Locality:
        levels = self._levels[number]
        # Domains of one level are alike: equal numbers, in whatever order, are an equal question.
        piles = [tuple(sorted(level.piles(cores, gpus), reverse=True)) for level in levels]
        key = (*piles, cores.bit_count(), gpus.bit_count(), size)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._split(piles, cores.bit_count(), gpus.bit_count(), size)
        return found

    def _split(self, piles: Sequence[tuple[Pile, ...]], cores: int, gpus: int, size: SlotSize | None) -> Locality:
        slots = _count(cores, gpus, size)
        touches, local = {}, {}
        for level, some in zip(self.levels, piles, strict=True):
            held = tuple(pile for pile in some if any(pile))
            if size is None or slots == 1:
                touches[level], local[level] = len(held), int(len(held) <= 1)
                continue
            # What no domain of the level has is taken from above it, which touches none.
            c = size.cores if any(pile[0] for pile in held) else 0
            g = size.gpus if any(pile[1] for pile in held) else 0
            touches[level] = touched(held, c, g, slots) if c or g else 0
            local[level] = in_one(held, c, g, slots) if c or g else slots
        return Locality(slots, touches, local)


@dataclass(frozen=True, slots=True)
class _Level:
    """The domains of one level of a node type, as (cores, gpus) masks."""

    masks: tuple[tuple[int, int], ...]

    @classmethod
    def all_of(cls, kind: NodeType, levels: Sequence[str]) -> list[_Level]:
        return [cls(tuple((d.cores, d.gpus) for d in kind.by_level.get(level, ()))) for level in levels]

    def piles(self, cores: int, gpus: int) -> list[Pile]:
        return [((c & cores).bit_count(), (g & gpus).bit_count()) for c, g in self.masks]


def _count(cores: int, gpus: int, size: SlotSize | None) -> int:
    """Return how many slots of a size a node gives that gives so much; 1 where it gives none whole."""
    if size is None:
        return 1
    fits = [have // need for have, need in ((cores, size.cores), (gpus, size.gpus)) if need]
    return max(1, min(*fits, size.most))
