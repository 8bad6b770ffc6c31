"""Who stood where around one moment of a run, for a Gantt chart."""

from __future__ import annotations

from typing import Any

from ...grammar.idset import mask_text
from ...topology.machine import Machine
from ..twin.jobs import Outcome
from .locality import Locality, SlotSize
from .measures import Place

_HALF = 12 * 3600.0
"""Seconds before and after the moment."""
_MOST_JOBS = 600
_MOST_NODES = 1024


class Around:
    """Keeps the jobs that ran within some hours of a moment; of too many, those nearest to it.

    Parameters
    ----------
    machine
        Where they run; nothing is kept for one of more nodes than can be drawn.
    moment
        On the clock of the outcomes.
    start
        What times are written from.
    """

    def __init__(self, machine: Machine, moment: float, start: float) -> None:
        self._moment = moment
        self._start = start
        self._half = _HALF if machine.size <= _MOST_NODES else -1.0
        self._kept: list[tuple[float, int, float, float, str, bool]] = []
        self._largest = {
            level: [
                (domain.cores.bit_count(), domain.gpus.bit_count())
                for kind in machine.types
                for domain in kind.by_level.get(level, ())
            ]
            for level in machine.levels
        }

    def add(self, outcome: Outcome, place: Place | None, size: SlotSize | None) -> None:
        """Look at a job that is over, or that still runs when all is over."""
        if place is None or outcome.started is None or self._half < 0:
            return
        ended = float("inf") if outcome.ended is None else outcome.ended
        away = max(outcome.started - self._moment, self._moment - ended, 0.0)
        if away > self._half:
            return
        torn = size is not None and self._torn(place.locality, size)
        self._kept.append((away, outcome.job.id, outcome.started, ended, mask_text(place.where), torn))
        if len(self._kept) > 2 * _MOST_JOBS:
            self._narrow()

    def _narrow(self) -> None:
        self._kept.sort()
        if len(self._kept) > _MOST_JOBS:
            # Beyond the nearest of those that go there are gaps.
            self._half = min(self._half, self._kept[_MOST_JOBS][0])
            self._kept = [one for one in self._kept if one[0] < self._half or not one[0]]

    def _torn(self, found: Locality, size: SlotSize) -> bool:
        """Tell whether a slot is in several domains of a level of which one would have room for it."""
        return any(
            found.local[level] < found.slots
            and any(cores >= size.cores and gpus >= size.gpus for cores, gpus in self._largest[level])
            for level in found.local
        )

    def told(self) -> dict[str, Any]:
        """Return from when until when as JSON values, and each job's number, times, nodes and whether it is torn."""
        self._narrow()
        low = max(self._moment - self._half, self._start)
        high = min(self._moment + self._half, max((one[3] for one in self._kept), default=self._moment))
        return {
            "from": low - self._start,
            "until": high - self._start,
            "jobs": [
                [job, max(started, low) - self._start, min(ended, high) - self._start, nodes, torn]
                for _, job, started, ended, nodes, torn in sorted(self._kept, key=lambda one: one[1:3])
            ],
        }
