"""Which domains are wholly free, followed as jobs come and go."""

from __future__ import annotations

from collections.abc import Sequence

from ...topology.machine import Machine
from .locality import Piece

NODE = "node"
"""The level of nodes,."""


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
        for level, domains in self._machine.type_at(position).by_level.items():
            for d in domains:
                was = bool(d.cores & before[0] or d.gpus & before[1])
                now = bool(d.cores & after[0] or d.gpus & after[1])
                self.free[level] += was - now
        self.busy_cores += after[0].bit_count() - before[0].bit_count()
        self.busy_gpus += after[1].bit_count() - before[1].bit_count()
        if any(after):
            self._held[position] = after
        else:
            self._held.pop(position, None)
