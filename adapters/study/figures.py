"""The figures of one run: a number by name, from what was added up of every job, decision and moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...topology.machine import Machine
from .outline import Outline
from .probe import LATER, NEVER
from .spill import Numbers
from .totals import Totals


def percentile(values: Sequence[float] | Numbers, part: float) -> float:
    """Return the value below which this part (0 to 1) of the values lies, by the nearest rank; 0 for no values."""
    if not len(values):
        return 0.0
    place = min(len(values) - 1, int(part * len(values)))
    return values.smallest(place) if isinstance(values, Numbers) else sorted(values)[place]


def mean(values: Iterable[float]) -> float:
    """Return the mean; 0 for no values."""
    total, count = 0.0, 0
    for value in values:
        total += value
        count += 1
    return total / count if count else 0.0


def figures(totals: Totals, series: Mapping[str, float], first: float, outline: Outline) -> dict[str, float]:
    """Return the figures of a run.

    Parameters
    ----------
    totals
        Of its jobs and decisions.
    series
        The mean of each column of the machine over the time in which jobs come.
    first
        When the first job came.
    outline
        Of the machine.
    """
    ran = len(totals.waits)
    time = max(totals.last, first) - first
    answers = totals.answers
    work, gpu_work = totals.used()
    return {
        "jobs": totals.jobs,
        "ran": ran,
        "denied": totals.denied,
        "refusals": sum(count for (answer, _), count in answers.items() if answer == LATER),
        "refused wrongly": answers[LATER, True],
        "jobs refused wrongly": len(totals.wrongly),
        "denied wrongly": answers[NEVER, True],
        "not proven": answers[LATER, None] + answers[NEVER, None],
        "wait": mean(totals.waits),
        "wait p95": percentile(totals.waits, 0.95),
        "slowdown": mean(totals.slowdowns),
        "slowdown p95": percentile(totals.slowdowns, 0.95),
        "utilisation": ratio(work, outline.cores * time),
        "gpu utilisation": ratio(gpu_work, outline.gpus * time),
        "loaded utilisation": ratio(series["cores"], outline.cores),
        "makespan": time,
        "nodes a job": ratio(totals.places["nodes"], ran),
        "decision": mean(totals.seconds),
        "decision p95": percentile(totals.seconds, 0.95),
        "decision longest": max(totals.seconds, default=0.0),
        "decisions": len(totals.seconds),
        "time in decisions": sum(totals.seconds),
    }


def by_level(
    totals: Totals, series: Mapping[str, float], machine: Machine, there: Mapping[str, int]
) -> dict[str, float]:
    """Return the figures that there are for each level: of groups, and of domains, of which there are so many."""
    ran, slots = len(totals.waits), totals.places["slots"]
    found = {f"{level}s a job": ratio(totals.places[level], ran) for level in machine.group_levels}
    for level in machine.levels:
        found |= {name: ratio(totals.places[name], slots) for name in (f"local.{level}", f"touched.{level}")}
    # The state of the machine counts while jobs come: how it empties in the end is the makespan's to tell.
    return found | {f"intact.{level}": ratio(series[f"intact.{level}"], total) for level, total in there.items()}


def ratio(part: float, whole: float) -> float:
    """Return a part of a whole; 0 of nothing."""
    return part / whole if whole else 0.0
