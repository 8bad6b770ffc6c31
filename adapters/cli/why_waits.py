"""Why a job of a snapshot waits, beside what the machine has: who is before it, limits, what is down or kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...grammar.errors import printable
from ...grammar.idset import IdSet
from ..snapshot.model import Queue, Snapshot, Waiting
from .console import clip, counted
from .report import span

_NAME = 40
_NAMED = 4
_DEEPEST = 100


def why_waits(snapshot: Snapshot, job: Waiting, *, fits: bool) -> list[str]:
    """Return why a job waits, in sentences, the first being who it is.

    Parameters
    ----------
    fits
        Whether there is room for it now, beside all that runs.
    """
    return [_who(snapshot, job), *_reasons(snapshot, job, fits=fits)]


def _who(snapshot: Snapshot, job: Waiting) -> str:
    name = f" ({clip(printable(job.name), _NAME)})" if job.name else ""
    user = f" of {printable(job.user)}" if job.user else ""
    queue = f" in {printable(job.queue)}" if job.queue else ""
    waits = f" waits for {span(snapshot.taken - job.submit)} now" if 0 < job.submit < snapshot.taken else " waits"
    said = f"; {snapshot.system} says {printable(job.reason)}" if job.reason else ""
    return f"job {job.id}{name}{user}{queue}{waits}{said}"


def _reasons(snapshot: Snapshot, job: Waiting, *, fits: bool) -> Iterator[str]:
    if job.blocked:
        yield f"it cannot start whatever is free: it {with_verb(job.blocked)}"
    if job.begin > snapshot.taken:
        yield f"it is not to start before {clock(job.begin)}, in {span(job.begin - snapshot.taken)}"
    queues = queues_of(snapshot, job)
    for queue in queues:
        if not queue.open:
            yield f"{printable(queue.name) or 'the queue'} starts no jobs at present"
        yield from limits_of(queue, job)
    yield from _down(snapshot, queues)
    yield from _reserved(snapshot, job)
    before = before_it(snapshot, job)
    if before:
        names = ", ".join(one.id for one in before[:_NAMED]) + (", ..." if len(before) > _NAMED else "")
        ready = fits and not job.blocked and job.begin <= snapshot.taken
        what = (
            "it fits beside what runs, and waits for its turn"
            if ready
            else "it goes first"
            if len(before) == 1
            else "they go first"
        )
        yield f"{counted(len(before), 'job stands', 'jobs stand')} before it by priority: {names}; {what}"
    elif fits and not job.blocked and job.begin <= snapshot.taken:
        yield "it is the first in its queue and fits beside what runs: the scheduler should start it at its next look"
    if job.left_out:
        yield f"not looked at, as it has no counterpart here: {printable('; '.join(job.left_out))}"


def before_it(snapshot: Snapshot, job: Waiting) -> list[Waiting]:
    """Return the jobs that the scheduler looks at before this one and that could start, on nodes that it could have."""
    ours = {rank for queue in queues_of(snapshot, job) for rank in IdSet.parse(queue.ranks)}
    found: list[Waiting] = []
    for other in snapshot.waiting:
        if other.id == job.id:
            return found
        theirs = [queue.ranks for queue in queues_of(snapshot, other)]
        shared = not ours or not theirs or any(rank in ours for ranks in theirs for rank in IdSet.parse(ranks))
        if not other.blocked and other.begin <= snapshot.taken and shared:
            found.append(other)
    return found


def queues_of(snapshot: Snapshot, job: Waiting) -> list[Queue]:
    """Return the queues that a job is in; in Slurm these may be several."""
    names = job.queue.split(",")
    return [queue for queue in snapshot.queues if queue.name in names]


def limits_of(queue: Queue, job: Waiting) -> Iterator[str]:
    """Yield what a job asks for beyond what a queue allows, in words."""
    name = printable(queue.name) or "the queue"
    most = queue.limits.get("nodes")
    asked = _nodes(job.jobspec.get("resources"))
    if most is not None and asked > most:
        yield f"{name} allows a job {most:g} nodes, and it asks for {asked}"
    seconds = queue.limits.get("seconds")
    if seconds and job.seconds > seconds:
        yield f"{name} allows a job {span(seconds)}, and it asks for {span(job.seconds)}"


def _nodes(vertices: Any, depth: int = 0) -> int:
    """Return how many nodes vertices ask for where that is a plain number, 0 where it is not."""
    total = 0
    for vertex in vertices if isinstance(vertices, list | tuple) and depth < _DEEPEST else ():
        count = vertex.get("count", 1) if isinstance(vertex, Mapping) else None
        if isinstance(count, int):
            total += count if vertex.get("type") == "node" else count * _nodes(vertex.get("with"), depth + 1)
    return total


def _down(snapshot: Snapshot, queues: Sequence[Queue]) -> Iterator[str]:
    ours = {rank for queue in queues for rank in IdSet.parse(queue.ranks)}
    for down in snapshot.down:
        ranks = IdSet.parse(down.ranks)
        some = IdSet.of(rank for rank in ranks if rank in ours) if queues else ranks
        if some:
            why = f": {clip(printable(down.why), 2 * _NAME)}" if down.why else ""
            are = "of its nodes rank {} is {}" if len(some) == 1 else "of its nodes ranks {} are {}"
            yield are.format(clip(str(some), _NAME), printable(down.state)) + why


def _reserved(snapshot: Snapshot, job: Waiting) -> Iterator[str]:
    end = ends_by(snapshot, job)
    for one in snapshot.reservations:
        if one.name != job.reservation and one.start <= end and one.end > snapshot.taken:
            why = f" ({printable(one.why)})" if one.why else ""
            since = f"from {clock(one.start)} on" if one.start > snapshot.taken else f"until {clock(one.end)}"
            some = f"rank {one.ranks} is" if one.ranks.isdecimal() else f"ranks {clip(one.ranks, _NAME)} are"
            yield f"{some} kept by reservation {printable(one.name)}{why} {since}"


def ends_by(snapshot: Snapshot, job: Waiting) -> float:
    """Return when the job would end if it started now; the end of time where it does not say how long it runs."""
    return snapshot.taken + job.seconds if job.seconds > 0 else float("inf")


def with_verb(blocked: str) -> str:
    """Return why a job is blocked as what follows "it"."""
    return (
        f"is {blocked}"
        if blocked.startswith("held")
        else f"waits for {blocked}"
        if blocked.startswith("begin")
        else blocked
    )


def clock(moment: float) -> str:
    """Return a time to the minute, as a clock here shows it."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
    except (OverflowError, ValueError, OSError):
        return "the end of time"
