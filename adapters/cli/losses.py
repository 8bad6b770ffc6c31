"""What is lost of a running job that ends: its nodes times how long it ran, or as it was said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ...grammar.errors import printable
from .errors import InputError
from .source import Sources, decode, one_json_document

if TYPE_CHECKING:
    from ...solver.pool import Pool

HOUR: Final = 3600
_MOST_LOST: Final = 2**40


def nodes(pool: Pool, jobid: int) -> float:
    """Return how many nodes a job has: of one that it shares its part of the cores, or of the GPUs, what is more."""
    machine, total = pool.machine, 0.0
    for holding in pool.jobs[jobid].holdings:
        for number, mask in enumerate(machine.type_masks):
            there = (holding.nodes & mask).bit_count()
            if there:
                kind = machine.types[number]
                parts = [
                    held.bit_count() / whole.bit_count()
                    for held, whole in ((holding.cores, kind.cores), (holding.gpus, kind.gpus))
                    if whole
                ]
                total += there * max(parts, default=1.0)
    return total


def node_time(seconds: int) -> str:
    """Return nodes times a time in a unit in which it is no zero."""
    if seconds >= HOUR:
        return f"{seconds / HOUR:.1f} node-hours"
    return f"{seconds / 60:.1f} node-minutes" if seconds >= 60 else f"{seconds} node-seconds"


def whole(lost: float) -> int:
    """Return what is lost of a job as the whole number that choices are made by."""
    return min(max(round(lost), 1), _MOST_LOST)


def read_costs(given: str | None, sources: Sources) -> dict[str, float] | None:
    """Return what is lost by id; nothing for each alike, None where time counts. InputError for what is no cost."""
    if given in (None, "time"):
        return None
    if given == "jobs":
        return {}
    value = one_json_document(decode(sources.read(str(given), "costs"), str(given)), str(given), unique_keys=True)
    if not isinstance(value, Mapping) or not value:
        raise InputError(f"--cost: {printable(str(given))}: expected an object of jobs with a number each")
    for name, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= _MOST_LOST:
            raise InputError(f"--cost: {printable(str(given))}: {printable(name)}: expected a number above 0")
    return dict(value)
