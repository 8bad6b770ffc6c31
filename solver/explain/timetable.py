"""What is free at which time by counting: of jobs that run until their ends, and of others that run for some time.

It costs no placement, so it is there for any queue at once; and since all that it says is that there is *not* enough,
no start that it forbids is possible.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..demand.request import Request
from ..knowledge import Knowledge
from ..state.pool_state import PoolState
from .counting import Alike, Counting, Needs, Thing
from .future import Kept, Work, nodes_kept
from .trials import JOB_STEPS

COUNT_STEPS = 50
"""What it costs to count what is free of some nodes at some time."""


REMEMBERED = 4096
"""Counts that are remembered."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a job takes, and for how long.

    Attributes
    ----------
    needs
        At the least.
    things
        What it asks of each of its nodes.
    eligible
        Bitmask of the nodes that it may have.
    duration
        In seconds; infinite where it does not say.
    """

    needs: Needs
    things: tuple[Thing, ...]
    eligible: int
    duration: float

    @staticmethod
    def of(knowledge: Knowledge, counting: Counting, request: Request) -> Wanted:
        """Return what a request takes. InfeasibleRequest where the machine cannot even be asked for it."""
        duration = request.duration if request.duration > 0 else float("inf")
        return Wanted(
            counting.needs(request), counting.things(request), knowledge.eligible(request.constraint), duration
        )


@dataclass(frozen=True, slots=True)
class _Surely:
    """A job that surely runs from a time to another, on some of the nodes that had room when it started."""

    start: float
    end: float
    needs: Needs
    nodes: int


class Timetable:
    """Jobs that run, and others of which it is known that they run for some time.

    Parameters
    ----------
    knowledge, state
        Of the machine, and what is free at the beginning.
    ends
        End and id of each job that runs and has an end, the first first.
    counting
        Counts what is free.
    now
        Seconds since the epoch.
    kept
        What jobs have to keep off.
    work
        What it may take.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        state: PoolState,
        ends: Sequence[tuple[float, int]],
        counting: Counting,
        now: float,
        kept: Sequence[Kept],
        work: Work,
    ) -> None:
        self._knowledge = knowledge
        self._jobs = [jobid for _, jobid in ends]
        self._times = [end for end, _ in ends]
        self._states = [state]
        self._counting = counting
        self._now = now
        self._kept = kept
        self._work = work
        self._surely: list[_Surely] = []
        self._moments = {*self._times, *(one.end for one in kept)}
        self._alike = lru_cache(maxsize=None)(self._alike_of)
        self._free = lru_cache(maxsize=REMEMBERED)(self._free_of)
        self._room = lru_cache(maxsize=REMEMBERED)(self._room_of)

    def starts(self, wanted: Wanted, floor: float) -> Iterator[float]:
        """Yield, from a time on, the times at which there may be enough for a job, the first of each span of them."""
        first = max(floor, self._now)
        for time in (first, *sorted(moment for moment in self._moments if first < moment < float("inf"))):
            if self._has_room(time, wanted):
                yield time

    def add(self, wanted: Wanted, start: float, end: float) -> None:
        """Let a job surely run from a time to another."""
        if start < end:
            self._surely.append(_Surely(start, end, wanted.needs, self._open(wanted, start, end)))
            self._moments.add(end)

    def state_at(self, moment: float) -> PoolState:
        """Return the state when the jobs that run and end by then have ended."""
        return self._after(self._passed(moment))

    def _after(self, number: int) -> PoolState:
        while len(self._states) <= number:
            self._work.charge(JOB_STEPS)
            jobid = self._jobs[len(self._states) - 1]
            self._states.append(self._knowledge.changes.ended(self._states[-1], [jobid]))
        return self._states[number]

    def _passed(self, moment: float) -> int:
        return bisect_right(self._times, moment)

    def _open(self, wanted: Wanted, start: float, end: float) -> int:
        """Return the nodes on which a job may stand that runs from a time to another: with room at first, not kept."""
        closed = nodes_kept(self._kept, start, end)
        return wanted.eligible & ~closed & self._room(self._passed(start), wanted.things)

    def _has_room(self, time: float, wanted: Wanted) -> bool:
        """Tell whether there is enough, whenever a job would run, for it and those that surely run then."""
        end = time + wanted.duration
        nodes = self._open(wanted, time, end)
        if not nodes and any(wanted.needs):
            return False
        changes = {one.start for one in self._surely} | {one.start for one in self._kept}
        moments = [time, *(moment for moment in changes if time < moment < end)]
        return all(self._is_enough(moment, wanted.needs, nodes) for moment in moments)

    def _is_enough(self, moment: float, needs: Needs, nodes: int) -> bool:
        """Tell whether there is enough at a moment: of any nodes for all that can stand nowhere else."""
        running = [one for one in self._surely if one.start <= moment < one.end]
        closed = 0
        for kept in self._kept:
            closed |= kept.nodes if kept.start <= moment < kept.end else 0
        number = self._passed(moment)
        for some in self._sets(nodes, running):
            inside = [one.needs for one in running if not one.nodes & ~some]
            free = self._free(number, some & ~closed)
            if any(map(_is_more, map(sum, zip(needs, *inside, strict=True)), free)):
                return False
        return True

    @staticmethod
    def _sets(nodes: int, running: Sequence[_Surely]) -> dict[int, None]:
        """Return some sets of nodes in which a job stands for sure: its own, with those of one other, and with all."""
        every = nodes
        for one in running:
            every |= one.nodes
        return dict.fromkeys((every, nodes, *(one.nodes | nodes for one in running)))

    def _free_of(self, number: int, nodes: int) -> Needs:
        """Return what is free of some nodes after so many jobs have ended."""
        self._work.charge(COUNT_STEPS)
        return self._counting.free(self._alike(number), nodes)

    def _room_of(self, number: int, things: tuple[Thing, ...]) -> int:
        """Return the nodes on which one of some things has room after so many jobs have ended."""
        self._work.charge(COUNT_STEPS)
        return self._counting.room(self._alike(number), things)

    def _alike_of(self, number: int) -> list[Alike]:
        return self._counting.alike(self._after(number))


def _is_more(asked: int, there: int) -> bool:
    return asked > there
