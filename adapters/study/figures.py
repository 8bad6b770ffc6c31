"""The figures of one run: a number by name, from what every job, decision and moment was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..twin.jobs import Outcome
from .measures import Measures, Place
from .outline import Outline
from .probe import LATER, NEVER, Decision

SHORT = 10.0
"""Seconds: slowdowns are bounded by letting no job count as shorter than this (Feitelson and others, 1997)."""


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which this part (0 to 1) of the values lies, by the nearest rank; 0 for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def mean(values: Iterable[float]) -> float:
    """Return the mean; 0 for no values."""
    kept = list(values)
    return sum(kept) / len(kept) if kept else 0.0


def slowdown(wait: float, runtime: float) -> float:
    """Return the bounded slowdown of a job."""
    return max(1.0, (wait + runtime) / max(runtime, SHORT))


def figures(
    outcomes: Mapping[int, Outcome],
    measures: Measures,
    decisions: Sequence[Decision],
    outline: Outline,
    wall: float,
    begun: Sequence[Outcome] = (),
) -> dict[str, float]:
    """Return the figures of a run.

    Parameters
    ----------
    outcomes
        What became of each job.
    measures
        What was seen.
    decisions
        All decisions.
    outline
        Of the machine.
    wall
        Seconds that the simulation took.
    begun
        What became of jobs that ran at the beginning: they use the machine, and are no jobs of the workload.
    """
    ran = [outcome for outcome in outcomes.values() if outcome.started is not None and outcome.ended is not None]
    waits = [(o.started or 0.0) - o.submitted for o in ran]
    runs = [(o.ended or 0.0) - (o.started or 0.0) for o in ran]
    slowdowns = [slowdown(wait, run) for wait, run in zip(waits, runs, strict=True)]
    first = min((o.submitted for o in outcomes.values()), default=0.0)
    last = max((o.ended or 0.0 for o in ran), default=first)
    span = last - first
    used, used_gpus = _used([*ran, *begun], measures, first, last)
    places = {job: place for job, place in measures.places.items() if job in outcomes}
    coming = max((o.submitted for o in outcomes.values()), default=0.0)
    seconds = [decision.seconds for decision in decisions]
    found: dict[str, float] = {
        "jobs": len(outcomes),
        "ran": len(ran),
        "denied": len(measures.denied_),
        **_refusals(decisions),
        "wait": mean(waits),
        "wait p95": percentile(waits, 0.95),
        "slowdown": mean(slowdowns),
        "slowdown p95": percentile(slowdowns, 0.95),
        "utilisation": used / (outline.cores * span) if span and outline.cores else 0.0,
        "gpu utilisation": used_gpus / (outline.gpus * span) if span and outline.gpus else 0.0,
        "loaded utilisation": _ratio(measures.series.mean("cores", coming), outline.cores),
        "makespan": span,
        "nodes a job": mean(place.nodes for place in places.values()),
        "decision": mean(seconds),
        "decision p95": percentile(seconds, 0.95),
        "decision longest": max(seconds, default=0.0),
        "decisions": len(decisions),
        "time in decisions": sum(seconds),
        "time in all": wall,
    }
    return found | _levels(outcomes, measures, places)


def _refusals(decisions: Sequence[Decision]) -> dict[str, float]:
    """Return how often jobs were refused, rightly and not."""
    return {
        "refusals": sum(1 for d in decisions if d.answer == LATER),
        "refused wrongly": sum(1 for d in decisions if d.answer == LATER and d.wrong),
        "jobs refused wrongly": len({d.job for d in decisions if d.wrong}),
        "denied wrongly": sum(1 for d in decisions if d.answer == NEVER and d.wrong),
        "not proven": sum(1 for d in decisions if d.answer in (LATER, NEVER) and d.wrong is None),
    }


def _used(outcomes: Sequence[Outcome], measures: Measures, first: float, last: float) -> tuple[float, float]:
    """Return the core-seconds and GPU-seconds that jobs used until the last of the workload ended."""
    held = [
        (measures.places[o.job.id], max(0.0, min(last if o.ended is None else o.ended, last) - (o.started or first)))
        for o in outcomes
    ]
    return sum(place.cores * run for place, run in held), sum(place.gpus * run for place, run in held)


def _levels(outcomes: Mapping[int, Outcome], measures: Measures, places: Mapping[int, Place]) -> dict[str, float]:
    """Return the figures that there are for each level: of groups, and of domains."""
    found: dict[str, float] = {}
    for level in measures.machine.group_levels:
        found[f"{level}s a job"] = mean(place.groups[level] for place in places.values())
    slots = sum(place.locality.slots for place in places.values())
    for level in measures.machine.levels:
        found[f"local.{level}"] = _ratio(sum(place.locality.local[level] for place in places.values()), slots)
        found[f"touched.{level}"] = _ratio(sum(place.locality.touched[level] for place in places.values()), slots)
    # The state of the machine counts while jobs come: how it empties in the end is the makespan's to tell.
    until = max((o.submitted for o in outcomes.values()), default=0.0)
    for level, total in measures.intact.total.items():
        found[f"intact.{level}"] = _ratio(measures.series.mean(f"intact.{level}", until), total)
    return found


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
