"""Reservations of a queue under conservative backfill: each job gets a time and resources, and keeps off all others'.

A. W. Mu'alem and D. G. Feitelson, IEEE Transactions on Parallel and Distributed Systems 12 (2001). Where every job runs
as long as it may, no reservation moves: one in the order of the queue is all there is to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...grammar.idset import mask_text
from ...topology.masks import positions_of
from ..allocator import Allocator
from ..demand.request import Request
from ..errors import InfeasibleRequest, InsufficientResources
from ..state.holdings import NodeHolding
from .trials import ended

_Masks = Mapping[int, tuple[int, int]]
"""Cores and GPUs by position, as bitmasks."""


@dataclass(frozen=True)
class Reservation:
    """What a job that waits will hold.

    Attributes
    ----------
    start, end
        Seconds since the epoch; the end is infinite for a job that does not say how long it runs.
    masks
        Cores and GPUs, as bitmasks, by position.
    """

    start: float
    end: float
    masks: _Masks


class Reservations:
    """The reservations of a queue, made in its order.

    Parameters
    ----------
    pool
        As it is now; it is not changed.
    now
        Seconds since the epoch.

    Notes
    -----
    Amounts such as memory are not reserved. A reservation costs a placement for each end before it, from the first on
    at which the job would fit beside those that run.
    """

    def __init__(self, pool: Allocator, now: float) -> None:
        self._pool = pool
        self._now = now
        self._knowledge, self._state = pool.present
        self._ends = sorted({job.end_time for job in self._state.jobs.values() if job.end_time > 0})
        self._made: list[Reservation] = []

    def reserve(self, jobid: int, request: Request, floor: float) -> Reservation | None:
        """Give a job the earliest reservation beside all that were made; None where no known end makes room.

        Parameters
        ----------
        floor
            The end of a job before which it does not fit beside those that run; 0 where it does.
        """
        ends = {*self._ends, *(made.end for made in self._made)}
        for time in (floor, *sorted(end for end in ends if floor < end < float("inf"))):
            found = self._at(jobid, request, time)
            if found is not None:
                self._made.append(found)
                return found
        return None

    def _at(self, jobid: int, request: Request, time: float) -> Reservation | None:
        start = max(time, self._now)
        end = start + request.duration if request.duration > 0 else float("inf")
        over = [known for known, job in self._state.jobs.items() if 0 < job.end_time <= time]
        pool = self._pool.in_state(ended(self._knowledge.changes, self._state, over))
        blocked = self._blocked(pool, start, end)
        if blocked:
            # No job that runs or waits has this number.
            pool.register_alloc(max([jobid, *self._state.jobs]) + 1, {"version": 1, "execution": {"R_lite": blocked}})
        try:
            given = pool.alloc(jobid, request)
        except (InsufficientResources, InfeasibleRequest):
            return None
        return Reservation(start, end, _added({}, given.holdings))

    def _blocked(self, pool: Allocator, start: float, end: float) -> list[dict[str, Any]]:
        """Return what is reserved between a start and an end, and not held at the start, as entries of an R."""
        reserved: dict[int, tuple[int, int]] = {}
        for made in self._made:
            if made.start < end and start < made.end:
                for position, (cores, gpus) in made.masks.items():
                    had = reserved.get(position, (0, 0))
                    reserved[position] = had[0] | cores, had[1] | gpus
        if not reserved:
            return []
        held: dict[int, tuple[int, int]] = {}
        for job in pool.present[1].jobs.values():
            held = _added(held, job.holdings)
        entries = []
        for position in sorted(reserved):
            had = held.get(position, (0, 0))
            kinds = zip(("core", "gpu"), reserved[position], had, strict=True)
            children = {kind: mask_text(ids & ~taken) for kind, ids, taken in kinds if ids & ~taken}
            if children:
                entries.append({"rank": str(self._pool.machine.ranks[position]), "children": children})
        return entries


def _added(masks: dict[int, tuple[int, int]], holdings: tuple[NodeHolding, ...]) -> dict[int, tuple[int, int]]:
    """Add what is held on some nodes."""
    for holding in holdings:
        for position in positions_of(holding.nodes):
            had = masks.get(position, (0, 0))
            masks[position] = had[0] | holding.cores, had[1] | holding.gpus
    return masks
