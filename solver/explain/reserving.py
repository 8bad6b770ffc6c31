"""Reservations of a queue under conservative backfill: each job gets a time and resources, and keeps off all others'.

A. W. Mu'alem and D. G. Feitelson, IEEE Transactions on Parallel and Distributed Systems 12 (2001). Where every job runs
as long as it may, no reservation moves: one in the order of the queue is all there is to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...topology.masks import positions_of
from ..allocator import Allocator
from ..cpsat.budget import AHEAD
from ..demand.request import Request
from ..errors import InfeasibleRequest, InsufficientResources
from ..state.domain_state import Used, amounts_of
from ..state.holdings import NodeFree, NodeHolding
from ..state.node_classes import Packed, mask_of
from ..state.pool_state import Job, PoolState
from .counting import Counting, Needs
from .future import PLACEMENT_STEPS, Kept, Work, nodes_kept
from .trials import JOB_STEPS, TRIAL_STEPS, ended

_Held = Mapping[int, NodeFree]
"""Cores and GPUs as bitmasks, and amounts, by position."""


@dataclass(frozen=True)
class Reservation:
    """What a job that waits will hold.

    Attributes
    ----------
    start, end
        Seconds since the epoch; the end is infinite for a job that does not say how long it runs.
    whole
        Bitmask of the nodes of which it will hold all cores.
    held
        What it will hold of others, by position.
    group_used
        What it will hold of groups' own amounts: (group index, resource, amount).
    """

    start: float
    end: float
    whole: int
    held: _Held
    group_used: tuple[tuple[int, str, int], ...] = ()

    @property
    def nodes(self) -> int:
        """Bitmask of the nodes of which it will hold something."""
        return self.whole | mask_of(self.held)


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
    counting
        Counts what jobs take.
    work
        What it may take.

    Notes
    -----
    A reservation costs a placement for each end before it, from the first on at which the job would fit beside those
    that run.
    """

    def __init__(
        self, pool: Allocator, now: float, kept: Sequence[Kept], counting: Counting, work: Work | None = None
    ) -> None:
        self._pool = pool
        self._kept = kept
        self._now = now
        self._work = work or Work()
        self._knowledge, self._state = pool.present
        self._ends = sorted({job.end_time for job in self._state.jobs.values() if job.end_time > 0})
        self._made: list[Reservation] = []
        self._counting = counting
        self._totals: dict[int, dict[tuple[int, str], int]] = {}
        self._ended = lru_cache(maxsize=256)(self._ended_by)

    @property
    def made(self) -> Sequence[Reservation]:
        """All of them, in the order in which they were made."""
        return self._made

    def replace(self, made: Sequence[Reservation]) -> None:
        """Let other ones, of the same jobs, stand in the place of all that were made."""
        self._made = list(made)

    def reserve(self, jobid: int, request: Request, floor: float) -> Reservation | None:
        """Give a job the earliest reservation beside all that were made; None where no known end makes room.

        Parameters
        ----------
        floor
            The end of a job before which it does not fit beside those that run; 0 where it does.

        Raises
        ------
        OutOfWork
            When the work is used up.
        """
        ends = {*self._ends, *(made.end for made in self._made), *(kept.end for kept in self._kept)}
        needs = self._counting.needs(request)
        for time in (floor, *sorted(end for end in ends if floor < end < float("inf"))):
            found = self._at(jobid, request, needs, time)
            if found is not None:
                self._made.append(found)
                return found
        return None

    def of(self, request: Request, start: float, job: Job) -> Reservation:
        """Return the reservation of a job that starts at a time and then holds what another job does."""
        end = start + request.duration if request.duration > 0 else float("inf")
        return Reservation(start, end, *self._held(job.holdings), job.group_used)

    def _at(self, jobid: int, request: Request, needs: Needs, time: float) -> Reservation | None:
        start = max(time, self._now)
        end = start + request.duration if request.duration > 0 else float("inf")
        state = self._ended(time)
        closed = self._closed(start, end)
        open_to_it = self._knowledge.eligible(request.constraint) & ~closed
        free = self._counting.free(self._counting.alike(state), open_to_it)
        self._work.charge(TRIAL_STEPS)
        if any(asked > there for asked, there in zip(needs, free, strict=True)):
            return None
        pool = self._pool.in_state(state)
        pool.mark_down(closed & pool.up_mask)
        trial = self._without(pool, start, end)
        try:
            trial.alloc(jobid, request, budget=self._work.part(AHEAD * self._knowledge.options.time_limit))
        except (InsufficientResources, InfeasibleRequest):
            return None
        self._work.charge(PLACEMENT_STEPS)
        return self.of(request, start, trial.present[1].jobs[jobid])

    def _closed(self, start: float, end: float) -> int:
        """Return the nodes that are kept, or reserved as a whole, at some time between a start and an end."""
        closed = nodes_kept(self._kept, start, end)
        for made in self._made:
            closed |= made.whole if made.start < end and start < made.end else 0
        return closed

    def _ended_by(self, time: float) -> PoolState:
        """Return the state when the running jobs that end by a time have ended."""
        over = [known for known, job in self._state.jobs.items() if 0 < job.end_time <= time]
        self._work.charge(JOB_STEPS * len(over))
        return ended(self._knowledge.changes, self._state, over)

    def _without(self, pool: Allocator, start: float, end: float) -> Allocator:
        """Return a pool that has nothing of nodes in part reserved between a start and an end, and free at the start.

        Of an amount as much is taken as is free, at most: what is held at the start is given back by then.
        """
        changes, state = self._knowledge.changes, pool.present[1]
        for made in self._made:
            if made.start < end and start < made.end:
                self._work.charge(JOB_STEPS)
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
        totals = self._totals_at(position)
        taken = {(index, name): amount for index, name, amount in used}
        found = []
        for index, name, amount in wanted:
            free = min(amount, totals.get((index, name), 0) - taken.get((index, name), 0))
            if free > 0:
                found.append((index, name, free))
        return tuple(found)

    def _totals_at(self, position: int) -> dict[tuple[int, str], int]:
        """Return all amounts of a node, by domain."""
        kind = self._pool.machine.type_at(position)
        if id(kind) not in self._totals:
            domains = enumerate(kind.domains)
            self._totals[id(kind)] = {
                (index, name): amount for index, domain in domains for name, amount in amounts_of(domain)
            }
        return self._totals[id(kind)]

    def _held(self, holdings: tuple[NodeHolding, ...]) -> tuple[int, _Held]:
        """Return the nodes of which all cores are held, and what is held of the others, by position."""
        whole, held = 0, {}
        for holding in holdings:
            for position in positions_of(holding.nodes):
                if holding.cores == self._pool.machine.type_at(position).cores:
                    whole |= 1 << position
                else:
                    held[position] = NodeFree(holding.cores, holding.gpus, holding.used)
        return whole, held
