"""Reservations of a queue under conservative backfill: each job gets a time and resources, and keeps off all others'.

A. W. Mu'alem and D. G. Feitelson, IEEE Transactions on Parallel and Distributed Systems 12 (2001). Where every job runs
as long as it may, no reservation moves: one in the order of the queue is all there is to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...topology.masks import positions_of
from ..allocator import Allocator
from ..demand.request import Request
from ..errors import InfeasibleRequest, InsufficientResources
from ..state.domain_state import Used, amounts_of
from ..state.holdings import NodeFree, NodeHolding
from ..state.node_classes import Packed
from ..state.pool_state import PoolState
from .future import Kept
from .trials import ended

_Held = Mapping[int, NodeFree]
"""Cores and GPUs as bitmasks, and amounts, by position."""


@dataclass(frozen=True)
class Reservation:
    """What a job that waits will hold.

    Attributes
    ----------
    start, end
        Seconds since the epoch; the end is infinite for a job that does not say how long it runs.
    held
        What it will hold, by position.
    group_used
        What it will hold of groups' own amounts: (group index, resource, amount).
    """

    start: float
    end: float
    held: _Held
    group_used: tuple[tuple[int, str, int], ...] = ()


class Reservations:
    """The reservations of a queue, made in its order.

    Parameters
    ----------
    pool
        As it is now; it is not changed.
    now
        Seconds since the epoch.
    kept
        What jobs have to keep off.

    Notes
    -----
    A reservation costs a placement for each end before it, from the first on at which the job would fit beside those
    that run.
    """

    def __init__(self, pool: Allocator, now: float, kept: Sequence[Kept] = ()) -> None:
        self._pool = pool
        self._kept = kept
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
        ends = {*self._ends, *(made.end for made in self._made), *(kept.end for kept in self._kept)}
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
        for kept in self._kept:
            if kept.start < end and start < kept.end:
                pool.mark_down(kept.nodes & pool.up_mask)
        trial = self._without(pool, start, end)
        try:
            given = trial.alloc(jobid, request)
        except (InsufficientResources, InfeasibleRequest):
            return None
        return Reservation(start, end, _held(given.holdings), trial.present[1].jobs[jobid].group_used)

    def _without(self, pool: Allocator, start: float, end: float) -> Allocator:
        """Return a pool that has nothing of what is reserved between a start and an end, and free at the start.

        Of an amount as much is taken as is free, at most: what is held at the start is given back by then.
        """
        changes, state = self._knowledge.changes, pool.present[1]
        for made in self._made:
            if made.start < end and start < made.end:
                blocked = []
                for position, held in made.held.items():
                    free = changes.free_of(state, position)
                    used = self._free_amounts(position, held.used, free.used)
                    packed = Packed.of(1 << position)
                    blocked.append(NodeHolding(packed, held.cores & free.cores, held.gpus & free.gpus, used))
                state, _ = changes.take(state, blocked)
                state = self._without_groups(state, made)
        return pool.in_state(state)

    def _without_groups(self, state: PoolState, made: Reservation) -> PoolState:
        """Take what a reservation holds of groups' own amounts, and no more than is free."""
        used = state.group_used
        for group, name, amount in made.group_used:
            taken = used.get((group, name), 0)
            used = used.set((group, name), min(taken + amount, self._knowledge.group_totals[group, name]))
        return state._replace(group_used=used)

    def _free_amounts(self, position: int, wanted: Used, used: Used) -> Used:
        """Return what is free of some amounts of a node, and no more than them."""
        if not wanted:
            return ()
        domains = self._pool.machine.type_at(position).domains
        taken = {(index, name): amount for index, name, amount in used}
        found = []
        for index, name, amount in wanted:
            total = dict(amounts_of(domains[index])).get(name, 0)
            free = min(amount, total - taken.get((index, name), 0))
            if free > 0:
                found.append((index, name, free))
        return tuple(found)


def _held(holdings: tuple[NodeHolding, ...]) -> dict[int, NodeFree]:
    """Return what is held, by position."""
    return {
        position: NodeFree(holding.cores, holding.gpus, holding.used)
        for holding in holdings
        for position in positions_of(holding.nodes)
    }
