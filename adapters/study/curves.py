"""Values as lines: how much lies below each, and means over equal bins of time."""

from __future__ import annotations

import math
from collections.abc import Sequence

_MOST_POINTS = 1000
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_MOST_BINS = 150
_BINS = (
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 4, 8)),
    *(_DAY * n for n in (1, 7, 30)),
)
"""Sizes of the bins that lines over time are means of: every change of a busy day would be a smear."""


def bin_for(span: float) -> float:
    """Return the least usual number of seconds of which no more than `_MOST_BINS` make a span."""
    months = math.ceil(span / (_BINS[-1] * _MOST_BINS))
    return next((size for size in _BINS if span <= size * _MOST_BINS), _BINS[-1] * months)


def averaged(times: Sequence[float], values: Sequence[float], size: float) -> list[float]:
    """Return the mean of a value over each bin of time.

    Parameters
    ----------
    times, values
        The value from each time on; times ascend, and the last ends the whole.
    size
        Of a bin, in the unit of the times. Bins begin at 0; the last one may be shorter.
    """
    if len(times) < 2 or times[-1] <= times[0]:
        return list(values[-1:])
    count = math.ceil(times[-1] / size)
    sums, spans = [0.0] * count, [0.0] * count
    for start, end, value in zip(times, times[1:], values, strict=False):
        place = int(start // size)
        while start < end:
            part = min(end, (place + 1) * size) - start
            sums[place] += part * value
            spans[place] += part
            start, place = (place + 1) * size, place + 1
    return [total / span if span else 0.0 for total, span in zip(sums, spans, strict=True)]


def shares_below(values: Sequence[float], scale: float, least: float) -> tuple[list[float], list[float]]:
    """Return places, and the percentage of the values that are no larger: points enough for a line.

    Parameters
    ----------
    values
        In any order.
    scale
        What they are multiplied by.
    least
        What smaller ones count as, for an axis that begins there.
    """
    ordered = sorted(max(value * scale, least) for value in values)
    if not ordered:
        return [], []
    step = max(1, len(ordered) // _MOST_POINTS)
    places = [*range(0, len(ordered), step), len(ordered) - 1]
    # Of equal values the last tells how many there are.
    shares = {ordered[place]: 100.0 * (place + 1) / len(ordered) for place in places}
    at_least = sum(value <= least for value in ordered)
    if at_least:
        shares[least] = 100.0 * at_least / len(ordered)
    return list(shares), list(shares.values())
