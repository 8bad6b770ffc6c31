"""When a request will fit: from the ends of the jobs that run, for one job and for a queue.

FIFO means what `forecast` of Flux's sched-fifo does. Under backfill the head of the queue has a reservation. In Flux's
sched-backfill others start before it if they end by then; in EASY as published also if the head still fits beside
them at that time; conservative backfill gives each job a reservation (A. W. Mu'alem and D. G. Feitelson, IEEE
Transactions on Parallel and Distributed Systems 12, 2001).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..allocator import Allocator
from ..demand.arguments import need_time
from ..demand.request import Asked, Request, as_request
from .future import Future, Kept, OutOfWork, Steps, Work, done
from .orders import Forecast
from .starts import Queue, Start, check_queue

FIFO, EASY, FLUX, CONSERVATIVE = "fifo", "easy", "flux", "conservative"
ORDERS = (FIFO, EASY, FLUX, CONSERVATIVE)
"""Orders of a queue, by name."""


def earliest_start(pool: Allocator, request: Asked, now: float) -> float | None:
    """Return when a job could start if no other started before it; None when no known end lets it.

    Parameters
    ----------
    now
        Seconds since the epoch.

    Raises
    ------
    InfeasibleRequest
        When it never can.
    TypeError
        For what is no request, or no time.
    """
    request = as_request(request)
    need_time(now)
    return done(finding_start(pool, request, now))


def finding_start(pool: Allocator, request: Request, now: float) -> Steps[float | None]:
    """Do what `earliest_start` does, in steps."""
    found = yield from Future(pool, now).finding(request, 0.0)
    return None if found is None else max(found[0], now)


def forecast(
    pool: Allocator,
    queue: Queue,
    now: float,
    order: str = FIFO,
    kept: Sequence[Kept] = (),
    work: Work | None = None,
) -> list[Start]:
    """Return when each job of a queue starts, if every job runs as long as it may.

    Parameters
    ----------
    pool
        Is not changed.
    queue
        Job ids and requests, the head first.
    now
        Seconds since the epoch.
    order
        ``fifo``: no job starts before one that stands ahead of it. ``easy``: with backfill as published. ``flux``:
        with backfill of those jobs alone that end before the reservation. ``conservative``: with backfill that delays
        no job ahead.
    kept
        What jobs have to keep off.
    work
        What it may take. Of the jobs whose times are not found by then the bounds are told that counting gives.

    Notes
    -----
    Behind a job of unknown start or duration nothing is known of those that have to wait for it.

    Raises
    ------
    TypeError
        For what is no request, no job id or no time.
    ValueError
        For another order, and for a job that waits twice or holds resources already.
    """
    if order not in ORDERS:
        raise ValueError(f"order: expected {FIFO}, {EASY}, {FLUX} or {CONSERVATIVE}, not {order!r}")
    check_queue(pool, queue, now)
    future = Forecast(pool, now, kept, work)
    starts: dict[int, Start] = {}
    try:
        if order == FIFO:
            done(future.fifo(queue, starts))
        elif order == CONSERVATIVE:
            future.conservative(queue, starts)
        else:
            future.backfill(queue, starts, past=order == EASY)
    except OutOfWork:
        future.bound_others(queue, starts, strict=order == FIFO)
    return [starts[jobid] for jobid, _ in queue]


def forecasting(pool: Allocator, queue: Queue, now: float, starts: dict[int, Start]) -> Steps[None]:
    """Do what `forecast` does for a strict queue, in steps, and put the starts in a dictionary as they are found."""
    check_queue(pool, queue, now)
    yield from Forecast(pool, now).fifo(queue, starts)
