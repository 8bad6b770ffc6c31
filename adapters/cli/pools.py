"""A solver's pool in the state that the command line describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...topology.machine import Machine
from .console import warn
from .errors import InputError

if TYPE_CHECKING:
    from ...solver.options import Options
    from ...solver.pool import Pool

_WARNING = 4
"""The syslog priority up to which the pool's messages are shown."""


def make_pool(machine: Machine, options: Options) -> Pool:
    """Return an idle pool of the machine."""
    # The solver behind it takes a second to import, which `--help` and wrong input need not wait for.
    from ...solver.pool import Pool

    return Pool(machine, options, _show)


def _show(priority: int, message: str) -> None:
    if priority <= _WARNING:
        warn(message)


def occupy(pool: Pool, before: Sequence[tuple[str, Mapping[str, Any]]], down: int, *, first_id: int) -> None:
    """Give the pool the jobs that hold resources already, and the nodes that are down.

    Parameters
    ----------
    pool
        An idle pool.
    before
        Name and R of each job.
    down
        Bitmask of positions.
    first_id
        The id of the first of the jobs.

    Raises
    ------
    InputError
        When the jobs hold what the machine lacks, or one thing twice.
    """
    for number, (name, R) in enumerate(before, start=first_id):
        try:
            pool.register_alloc(number, R)
        except (ValueError, OSError) as error:
            raise InputError(f"--allocated: {name}: {error}") from None
    if down:
        pool.mark_down(down)
