"""A queue, and when its jobs start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..allocator import Allocator
from ..demand.arguments import need_job, need_time
from ..demand.request import Request, need_request

OUT_OF_WORK = "the work that may be done was used up"

Queue: TypeAlias = Sequence[tuple[int, Request]]
"""Jobs that wait, by id, in order."""


@dataclass(frozen=True)
class Start:
    """When a job of a queue starts.

    Attributes
    ----------
    jobid
        The job.
    time
        Seconds since the epoch; None when that is not known.
    why_not
        The reason, where it never can.
    unknown
        Why it is not known, where it is not.
    nodes
        Where it then stands, as the pool places it: a bitmask of positions.
    bound
        Where the work was used up before its time was found: it does not start before; None where that is not known.
    """

    jobid: int
    time: float | None
    why_not: str | None = None
    unknown: str = ""
    nodes: int = 0
    bound: float | None = None


def check_queue(pool: Allocator, queue: Queue, now: float) -> None:
    """Refuse what is no queue and no time, as `forecast` does."""
    need_time(now)
    waiting: set[int] = set()
    for jobid, request in queue:
        need_job(jobid)
        need_request(request)
        if jobid in waiting or pool.job(jobid) is not None:
            raise ValueError(f"job {jobid} {'waits twice' if jobid in waiting else 'holds resources already'}")
        waiting.add(jobid)
