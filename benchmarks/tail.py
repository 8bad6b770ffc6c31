"""What is said of the times of many decisions: the mean, and how bad the worst of them are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tail:
    """Seconds of the processor of many calls.

    Attributes
    ----------
    mean, p50, p99, p999, most
        The mean, three percentiles and the largest.
    slowest
        What part of all the time the slowest hundredth of the calls took.
    calls
        How many there were.
    """

    mean: float
    p50: float
    p99: float
    p999: float
    most: float
    slowest: float
    calls: int


def tail(seconds: Sequence[float]) -> Tail | None:
    """Return what is said of some times; None of none."""
    if not seconds:
        return None
    ordered, total = sorted(seconds), sum(seconds)
    slowest = sum(ordered[-max(1, len(ordered) // 100) :]) / total if total else 0.0
    return Tail(
        total / len(ordered),
        _at(ordered, 0.5),
        _at(ordered, 0.99),
        _at(ordered, 0.999),
        ordered[-1],
        slowest,
        len(ordered),
    )


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
