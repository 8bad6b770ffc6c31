"""The workload model of U. Lublin and D. G. Feitelson, J. Parallel and Distributed Computing 63 (2003), 1105-1122.

Sizes are a two-stage uniform distribution of their logarithm, with many powers of two; run times a hyper-gamma
distribution of their logarithm, larger jobs running longer; the gaps between submissions a gamma distribution of their
logarithm, laid over the cycle of the day. The parameters are those of the authors' program for batch and for
interactive jobs, which are two streams.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

BUCKETS = 48
"""Parts of a day with a rate of their own."""
DAY = 86400.0
_BUCKET = DAY / BUCKETS
_FIRST_BUCKET = 11
"""The day of the model begins in the early morning, where its rate is least."""
_LONGEST = 12.0
"""Natural logarithm of the longest run time: somewhat less than two days."""
_LONGEST_GAP = 13.0


@dataclass(frozen=True, slots=True)
class Stream:
    """The parameters of one stream of jobs, named as in the paper's appendix."""

    serial: float
    power_of_two: float
    low: float
    first_stage: float
    a1: float
    b1: float
    a2: float
    b2: float
    pa: float
    pb: float
    gap_a: float
    gap_b: float
    cycle_a: float
    cycle_b: float
    largest: float
    """The logarithm of the largest job, as a part of that of the machine."""
    second_stage: float
    """How many powers of two below the largest job the two stages of sizes meet."""


_PARAMETERS = {
    # The batch jobs', and the interactive ones'.
    "serial": (0.2927, 0.1541),
    "power_of_two": (0.6686, 0.625),
    "low": (1.2, 1.0),
    "first_stage": (0.875, 0.705),
    "a1": (6.57, 3.8351),
    "b1": (0.823, 0.6605),
    "a2": (639.1, 7.073),
    "b2": (0.0156, 0.6856),
    "pa": (-0.003, -0.0118),
    "pb": (0.6986, 0.9156),
    "gap_a": (6.0415 * 1.0519, 6.5510 * 0.9797),
    "gap_b": (0.8531, 0.6621),
    "cycle_a": (6.1271, 8.9186),
    "cycle_b": (5.2740, 3.6680),
    "largest": (1.0, 5.5 / 7),
    "second_stage": (2.0, 2.5),
}

BATCH, INTERACTIVE = (Stream(**{name: pair[i] for name, pair in _PARAMETERS.items()}) for i in (0, 1))


def size(stream: Stream, machine: int, draw: random.Random) -> int:
    """Return how many processors a job has, from 1 to the machine's."""
    kind = draw.random()
    top = math.log2(machine) * stream.largest
    if kind <= stream.serial or top < 1.0:
        return 1
    low = min(stream.low, top)
    middle = max(low, top - stream.second_stage)
    bounds = (low, middle) if draw.random() <= stream.first_stage else (middle, top)
    exponent = draw.uniform(*bounds)
    if kind <= stream.serial + stream.power_of_two:
        exponent = math.floor(exponent + 0.5)
    return max(1, min(machine, int(2**exponent + 0.5)))


def run_time(stream: Stream, processors: float, draw: random.Random) -> float:
    """Return a run time in whole seconds.

    Parameters
    ----------
    processors
        How large the job is on the scale of the model, whose machine has 128.
    """
    part = min(max(stream.pa * processors + stream.pb, 0.0), 1.0)
    while True:
        if draw.random() <= part:
            logarithm = draw.gammavariate(stream.a1, stream.b1)
        else:
            logarithm = draw.gammavariate(stream.a2, stream.b2)
        if logarithm <= _LONGEST:
            return max(1.0, math.floor(math.exp(logarithm)))


def gap(stream: Stream, draw: random.Random) -> float:
    """Return seconds to the next submission, as if the day had no cycle."""
    while True:
        logarithm = draw.gammavariate(stream.gap_a, stream.gap_b)
        if logarithm <= _LONGEST_GAP:
            return math.exp(logarithm)


class Cycle:
    """The cycle of the day: how many jobs arrive in each part of it, one in the mean.

    Parameters
    ----------
    stream
        Whose cycle.
    """

    def __init__(self, stream: Stream) -> None:
        weights = [0.0] * BUCKETS
        for bucket in range(_FIRST_BUCKET, _FIRST_BUCKET + BUCKETS):
            upper = gamma_below(stream.cycle_a, (bucket + 0.5) / stream.cycle_b)
            lower = gamma_below(stream.cycle_a, (bucket - 0.5) / stream.cycle_b)
            weights[(bucket - 1) % BUCKETS] = upper - lower
        mean = sum(weights) / BUCKETS
        # The quietest part of the night keeps a rate, so that time can pass through it.
        self.weights = [max(weight / mean, 1e-3) for weight in weights]
        scale = BUCKETS / sum(self.weights)
        self.weights = [weight * scale for weight in self.weights]

    def moment(self, even: float) -> float:
        """Return the time at which so much of an even stream has arrived, in seconds from midnight."""
        days, rest = divmod(even / _BUCKET, BUCKETS)
        for bucket, weight in enumerate(self.weights):
            if rest <= weight:
                return days * DAY + (bucket + rest / weight) * _BUCKET
            rest -= weight
        return (days + 1) * DAY


def gamma_below(shape: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function: its series, which converges for all x.

    Parameters
    ----------
    shape
        Above 0.
    x
        At least 0; up to some hundred, as the cycle needs it.
    """
    if x <= 0:
        return 0.0
    term = total = 1.0 / shape
    n = shape
    while term > total * 1e-15:
        n += 1
        term *= x / n
        total += term
    return min(1.0, total * math.exp(-x + shape * math.log(x) - math.lgamma(shape)))
