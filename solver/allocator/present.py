"""What an allocator is at present: a machine and its state, to be read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ...topology.machine import Machine
from ..knowledge import Knowledge
from ..options import Options
from ..placement.notebook import drawn
from ..state.late import Late, settled
from ..state.node_classes import Packed, mask_of
from ..state.pool_state import Job, PoolState


class Present:
    """What can be read of an allocator; nothing here changes it."""

    _knowledge: Knowledge
    _held: PoolState
    """The state, but that some nodes may be in the wrong class."""
    _late: Late
    """Those nodes."""

    @property
    def _state(self) -> PoolState:
        """The state, all nodes in their classes: as it always was for whoever reads it."""
        if self._late:
            state, entered = settled(self._knowledge.changes, self._held, self._late)
            for entry in entered:
                self._knowledge.rankings.born(entry)
            self._held, self._late = state, {}
        return self._held

    @_state.setter
    def _state(self, state: PoolState) -> None:
        self._held, self._late = state, {}

    @property
    def machine(self) -> Machine:
        """The machine."""
        return self._knowledge.machine

    @property
    def options(self) -> Options:
        """What the site chose."""
        return self._knowledge.options

    @property
    def generation(self) -> int:
        """Goes up by one with every change."""
        return self._held.generation

    @property
    def jobs(self) -> Mapping[int, Job]:
        """The jobs that hold resources, by id."""
        return MappingProxyType(dict(self._held.jobs.items()))

    def job(self, jobid: int) -> Job | None:
        """Return a job, None when it holds nothing."""
        return self._held.jobs.get(jobid)

    @property
    def up_mask(self) -> int:
        """Bitmask of the positions that are up."""
        return self._held.up

    @property
    def down_mask(self) -> int:
        """Bitmask of the positions that are down."""
        return self.machine.all & ~self._held.up

    def draw(self) -> Any:
        """Return a picture of the machine with all jobs on it; a notebook shows it, ``save(path)`` writes it.

        Raises
        ------
        RuntimeError
            When nothing is installed that draws.
        """
        return drawn(self)

    def allocated(self) -> list[tuple[int, int, int]]:
        """Return what jobs hold, as (positions, cores, gpus), nodes alike together."""
        changes = self._knowledge.changes
        busy = mask_of(self._state.touched)
        held: dict[tuple[int, int], int] = {}
        for number, free, nodes in changes.alike(self._state, Packed.of(busy)):
            node_type = self.machine.types[number]
            key = (node_type.cores & ~free.cores, node_type.gpus & ~free.gpus)
            if any(key):
                held[key] = held.get(key, 0) | nodes
        return [(nodes, cores, gpus) for (cores, gpus), nodes in held.items()]

    @property
    def present(self) -> tuple[Knowledge, PoolState]:
        """What is known of the machine, and what it looks like now: values, for those who look ahead."""
        return self._knowledge, self._state
