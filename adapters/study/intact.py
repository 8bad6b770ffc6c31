"""Which domains are wholly free, followed as jobs come and go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...solver.state.node_classes import bits
from ...topology.machine import Machine
from ...topology.tree import NodeType
from ..twin.jobs import Part

NODE = "node"
"""The level of nodes."""
_NOTHING = (0, 0)


class Intact:
    """Counts wholly free nodes and domains.

    Parameters
    ----------
    machine
        Idle.

    Attributes
    ----------
    levels
        "node" and all below it.
    total, free
        By level: how many there are, and how many are wholly free.
    busy_cores, busy_gpus
        How many are held.
    """

    def __init__(self, machine: Machine) -> None:
        self._types = machine.types
        self._type_of = list(machine.type_of)
        self._held = [_NOTHING] * machine.size
        self.levels = (NODE, *machine.levels)
        self.total = dict.fromkeys(self.levels, 0)
        for kind, mask in zip(machine.types, machine.type_masks, strict=True):
            for level, domains in kind.by_level.items():
                self.total[level] += len(domains) * mask.bit_count()
        self.free = dict(self.total)
        self.busy_cores = 0
        self.busy_gpus = 0

    def take(self, parts: Sequence[Part]) -> None:
        """Let these be held, which are free."""
        self._change(parts)

    def give(self, parts: Sequence[Part]) -> None:
        """Let these be free, which are held."""
        self._change(parts)

    def _change(self, parts: Sequence[Part]) -> None:
        held = self._held
        for nodes, cores, gpus in parts:
            # Nodes of a job are mostly alike before as well.
            alike: dict[tuple[int, tuple[int, int]], tuple[tuple[int, int], int]] = {}
            for position in bits(nodes):
                before = held[position]
                key = self._type_of[position], before
                after, count = alike.get(key) or ((before[0] ^ cores, before[1] ^ gpus), 0)
                alike[key] = after, count + 1
                held[position] = after
            for (number, before), (after, count) in alike.items():
                levels, more_cores, more_gpus = _difference(self._types[number], before, after)
                for level, change in levels:
                    self.free[level] += change * count
                self.busy_cores += more_cores * count
                self.busy_gpus += more_gpus * count


@lru_cache(maxsize=2**12)
def _difference(
    kind: NodeType, before: tuple[int, int], after: tuple[int, int]
) -> tuple[tuple[tuple[str, int], ...], int, int]:
    """Return how many more domains of each level are free, where it is not none, and how many more cores and gpus held.

    A node of which a job takes all, and gives all back, is most of what happens on a large machine.
    """
    levels = []
    for level, domains in kind.by_level.items():
        was, now = (sum(bool(d.cores & held[0] or d.gpus & held[1]) for d in domains) for held in (before, after))
        if was != now:
            levels.append((level, was - now))
    cores, gpus = (after[i].bit_count() - before[i].bit_count() for i in (0, 1))
    return tuple(levels), cores, gpus
