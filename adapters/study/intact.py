"""Which domains are wholly free, followed as jobs come and go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...topology.machine import Machine
from ...topology.tree import NodeType
from .locality import Piece

NODE = "node"
"""The level of nodes."""


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
        self._machine = machine
        self._held: dict[int, tuple[int, int]] = {}
        self.levels = (NODE, *machine.levels)
        self.total = dict.fromkeys(self.levels, 0)
        for kind, mask in zip(machine.types, machine.type_masks, strict=True):
            for level, domains in kind.by_level.items():
                self.total[level] += len(domains) * mask.bit_count()
        self.free = dict(self.total)
        self.busy_cores = 0
        self.busy_gpus = 0

    def take(self, pieces: Sequence[Piece]) -> None:
        """Let these be held."""
        for position, cores, gpus in pieces:
            held = self._held.get(position, (0, 0))
            self._change(position, held, (held[0] | cores, held[1] | gpus))

    def give(self, pieces: Sequence[Piece]) -> None:
        """Let these be free."""
        for position, cores, gpus in pieces:
            held = self._held[position]
            self._change(position, held, (held[0] & ~cores, held[1] & ~gpus))

    def _change(self, position: int, before: tuple[int, int], after: tuple[int, int]) -> None:
        levels, cores, gpus = _difference(self._machine.type_at(position), before, after)
        for level, change in levels:
            self.free[level] += change
        self.busy_cores += cores
        self.busy_gpus += gpus
        if any(after):
            self._held[position] = after
        else:
            self._held.pop(position, None)


@lru_cache(maxsize=2**16)
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
