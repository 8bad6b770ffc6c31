"""The generator against the distributions of its authors' program, which are written down here once more.

U. Lublin and D. G. Feitelson (2003), appendix: batch and interactive jobs on a machine of 128. What is expected is
summed up from the densities; samples of a fixed seed may miss it by four standard errors.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass

import pytest

from exactfit.adapters.study.workloads.lublin import BATCH, INTERACTIVE, Cycle, Stream, gap, run_time, size

SAMPLES = 20_000
MACHINE = 128
ERRORS = 4
LONGEST = 12.0


@dataclass(frozen=True)
class Published:
    stream: Stream
    serial: float
    power_of_two: float
    stages: tuple[float, float, float]
    first_stage: float
    gammas: tuple[tuple[float, float], tuple[float, float]]
    line: tuple[float, float]
    rush: tuple[float, float]
    cycle: tuple[float, float]


OF_BATCH = Published(
    BATCH, 0.2927, 0.6686, (1.2, 5, 7), 0.875, ((6.57, 0.823), (639.1, 0.0156)), (-0.003, 0.6986),
    (6.0415 * 1.0519, 0.8531), (6.1271, 5.2740),
)  # fmt: skip
OF_INTERACTIVE = Published(
    INTERACTIVE, 0.1541, 0.625, (1, 3, 5.5), 0.705, ((3.8351, 0.6605), (7.073, 0.6856)), (-0.0118, 0.9156),
    (6.5510 * 0.9797, 0.6621), (8.9186, 3.6680),
)  # fmt: skip
BOTH = pytest.mark.parametrize("model", [OF_BATCH, OF_INTERACTIVE], ids=["batch", "interactive"])


def density(shape: float, scale: float, x: float) -> float:
    """Return the density of a gamma distribution."""
    return math.exp((shape - 1) * math.log(x) - x / scale - math.lgamma(shape) - shape * math.log(scale))


def is_near(found: float, expected: float, deviation: float, samples: int = SAMPLES) -> bool:
    return abs(found - expected) <= ERRORS * deviation / math.sqrt(samples)


def share_is(found: int, expected: float, samples: int = SAMPLES) -> bool:
    """Tell whether so many of the samples are about that part of them."""
    return is_near(found / samples, expected, math.sqrt(expected * (1 - expected)), samples)


@BOTH
def test_sizes(model: Published) -> None:
    draw = random.Random(1)
    sizes = Counter(size(model.stream, MACHINE, draw) for _ in range(SAMPLES))
    low, middle, high = model.stages
    # Jobs that are no powers of two by intent, by the size that their exponent is rounded to.
    steps = 100_000
    other: defaultdict[int, float] = defaultdict(float)
    for first, last, part in ((low, middle, model.first_stage), (middle, high, 1 - model.first_stage)):
        for step in range(steps):
            other[int(2 ** (first + (last - first) * (step + 0.5) / steps) + 0.5)] += part / steps
    rest = 1 - model.serial - model.power_of_two
    powers = model.serial + model.power_of_two + rest * sum(part for n, part in other.items() if n & (n - 1) == 0)
    assert share_is(sizes[1], model.serial)
    assert share_is(sum(count for n, count in sizes.items() if n & (n - 1) == 0), powers)
    assert min(sizes) == 1
    assert max(sizes) <= 2**high + 0.5
    # Exponents from a half below the middle of the stages on, of all that are rounded to powers of two.
    for exponent in range(1, 8):
        inside = 0.0
        for first, last, part in ((low, middle, model.first_stage), (middle, high, 1 - model.first_stage)):
            inside += part * max(0.0, min(last, exponent + 0.5) - max(first, exponent - 0.5)) / (last - first)
        assert share_is(sizes[2**exponent], model.power_of_two * inside + rest * other[2**exponent]), exponent


@BOTH
@pytest.mark.parametrize("processors", [1, 32, 128])
def test_run_times(model: Published, processors: int) -> None:
    draw = random.Random(2)
    times = [run_time(model.stream, processors, draw) for _ in range(SAMPLES)]
    part = min(max(model.line[0] * processors + model.line[1], 0.0), 1.0)
    steps = 4000
    grid = [LONGEST * (step + 0.5) / steps for step in range(steps)]
    (one, two), width = model.gammas, LONGEST / steps
    # What is longer than the longest is drawn anew, the choice between the two as well.
    mass = [width * (part * density(*one, x) + (1 - part) * density(*two, x)) for x in grid]
    total = sum(mass)
    mean = sum(x * m for x, m in zip(grid, mass, strict=True)) / total
    spread = math.sqrt(sum((x - mean) ** 2 * m for x, m in zip(grid, mass, strict=True)) / total)
    # Whole seconds, and at least one: half a second and the shortest jobs aside, the logarithm's mean is the model's.
    tenth = [x for x in map(math.log, times) if x > math.log(10)]
    above = [(x, m) for x, m in zip(grid, mass, strict=True) if x > math.log(10)]
    expected = sum(x * m for x, m in above) / sum(m for _, m in above)
    assert is_near(statistics.fmean(tenth), expected, spread + 0.05, len(tenth))
    below, median = 0.0, 0.0
    for x, m in zip(grid, mass, strict=True):
        below += m / total
        if below >= 0.5:
            median = math.exp(x)
            break
    assert share_is(sum(time < median for time in times), 0.5)
    assert max(times) <= math.exp(LONGEST)
    mean_time = sum(math.exp(x) * m for x, m in zip(grid, mass, strict=True)) / total
    square = sum(math.exp(2 * x) * m for x, m in zip(grid, mass, strict=True)) / total
    assert is_near(statistics.fmean(times), mean_time - 0.5, math.sqrt(square - mean_time**2) + 0.5)


@BOTH
def test_gaps_between_submissions(model: Published) -> None:
    draw = random.Random(3)
    logs = [math.log(gap(model.stream, draw)) for _ in range(SAMPLES)]
    shape, scale = model.rush
    grid = [13.0 * (step + 0.5) / 4000 for step in range(4000)]
    mass = [density(shape, scale, x) for x in grid]
    mean = sum(x * m for x, m in zip(grid, mass, strict=True)) / sum(mass)
    assert is_near(statistics.fmean(logs), mean, math.sqrt(shape) * scale)


@BOTH
def test_the_cycle_of_the_day(model: Published) -> None:
    """Half-hours 11 to 58 from midnight hold what a gamma distribution has there; 47 is the last of a day."""
    weights = [0.0] * 48
    for bucket in range(11, 59):
        weights[(bucket - 1) % 48] = sum(
            density(*model.cycle, bucket - 0.5 + (step + 0.5) / 100) for step in range(100)
        )
    total = sum(weights)
    cycle, draw = Cycle(model.stream), random.Random(4)
    days = 20
    found = Counter(int(cycle.moment(draw.uniform(0, days * 86400.0)) % 86400 // 1800) for _ in range(SAMPLES))
    for bucket, weight in enumerate(weights):
        # The quietest half-hours keep a rate of a thousandth of the mean.
        expected = max(weight / total, 1e-3 / 48)
        assert abs(found[bucket] / SAMPLES - expected) <= ERRORS * math.sqrt(expected / SAMPLES) + 2e-4, bucket
    # The busiest half-hour is that of the mode, the quietest hours lie before dawn.
    assert abs(max(found, key=lambda bucket: found[bucket]) - (model.cycle[0] - 1) * model.cycle[1]) <= 4
    assert sum(found[bucket] for bucket in range(19, 37)) > 5 * sum(found[bucket] for bucket in range(2, 14))
