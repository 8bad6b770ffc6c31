"""The state that a snapshot says a machine is in: who holds what, what takes no jobs and why."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ...grammar.errors import printable
from ...grammar.idset import IdSet
from ...topology.machine import Machine
from ..snapshot.model import Snapshot
from .console import note
from .errors import InputError
from .queue_clock import END_OF_TIME


def running_of(snapshot: Snapshot) -> list[tuple[str, Mapping[str, Any]]]:
    """Return name and R of each job that runs; its R ends when the snapshot says that the job does.

    Raises
    ------
    InputError
        For a job whose R is none.
    """
    found: list[tuple[str, Mapping[str, Any]]] = []
    for job in snapshot.running:
        name = job.id + (f" of {printable(job.user)}" if job.user else "")
        execution = job.R.get("execution")
        if not isinstance(execution, Mapping):
            raise InputError(f"snapshot: job {name} has no R")
        execution = {**execution, "expiration": job.end}
        found.append((name, {**job.R, "execution": execution}))
    return found


def down_of(snapshot: Snapshot, machine: Machine) -> int:
    """Return the bitmask of the positions that take no jobs at all.

    Raises
    ------
    InputError
        For what is no idset.
    """
    mask = 0
    for down in snapshot.down:
        mask |= machine.mask_of(_ids(down.ranks))
    return mask | reserved_of(snapshot, machine, snapshot.taken)


def reserved_of(snapshot: Snapshot, machine: Machine, until: float, reservation: str = "") -> int:
    """Return the bitmask of the positions that are kept for others at some time from the moment of the snapshot on.

    Parameters
    ----------
    until
        The last moment that is looked at.
    reservation
        The one that does not count.
    """
    mask = 0
    for one in snapshot.reservations:
        if one.name != reservation and one.start <= until and one.end > snapshot.taken:
            mask |= machine.mask_of(_ids(one.ranks))
    return mask


def _ids(text: str) -> IdSet:
    try:
        return IdSet.parse(text)
    except ValueError as error:
        raise InputError(f"snapshot: {error}") from None


def said_of(snapshot: Snapshot) -> Iterator[str]:
    """Yield what of a snapshot is to be known by who uses it as a machine."""
    clock = time.strftime("%Y-%m-%d %H:%M", time.localtime(min(max(snapshot.taken, 0.0), END_OF_TIME / 2**20)))
    yield f"{printable(snapshot.system)} at {clock}: {len(snapshot.running)} jobs run, {len(snapshot.waiting)} wait"
    for line in snapshot.unseen:
        yield f"not seen: {printable(line)}"


def announce(snapshot: Snapshot) -> None:
    """Say what is known of a snapshot that is used as a machine."""
    for line in list(said_of(snapshot))[:6]:
        note(line)
