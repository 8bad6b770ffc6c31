"""Jobs whose text is in doubt: a name may hold lines and fields that look like Slurm's own; in JSON it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from .commands import Run, or_nothing
from .slurm_jobs import ident_of, is_readable
from .slurm_json import job_records as json_records
from .slurm_machine import SlurmNode
from .slurm_text import Record, records

_SAME: Final = ("JobState", "Priority", "Partition", "SubmitTime", "NodeList")


def job_records(text: str, nodes: Sequence[SlurmNode], run: Run) -> list[Record]:
    """Return the records of `scontrol -d show job`; where one cannot be read, those that JSON bears out.

    `squeue --json` is asked only then. A record whose text agrees with it is kept as text, which in 22.05 says more
    (CPUs of a task, switches); of all others the JSON is believed. Where there is none, the records stay as they are.

    Parameters
    ----------
    nodes
        The machine's.
    run
        What runs commands.
    """
    found = list(records(text, "JobId"))
    times = Counter(map(ident_of, found))
    if all(is_readable(record) for record in found) and all(count == 1 for count in times.values()):
        return found
    shapes = {node.name: (node.cores, node.threads) for node in nodes}
    try:
        sure = json_records(or_nothing(run, "squeue", "--json"), shapes)
    except ValueError:
        return found
    by_text = {ident_of(record): record for record in found if is_readable(record) and times[ident_of(record)] == 1}
    return [_better(by_text.get(ident), record) for ident, record in sure.items()]


def _better(text: Record | None, sure: Record) -> Record:
    if text is None or any(text.get(key) != sure.get(key) for key in _SAME):
        return sure
    return text
