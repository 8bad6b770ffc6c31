"""Streams of jobs for the twin: mixed shapes, drawn with a seed so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...grammar.shape import parse_shape
from .jobs import Job

MIXED = (
    "slot=1/core=1",
    "slot=1/core=4",
    "slot=4/core=2",
    "slot=16/core=1",
    "slot=1/[core=4;gpu=1]",
    "slot=2/[core=7;gpu=1]",
    "slot=1/[core=15;gpu=1]",
    "node=1/slot=4/[core=15;gpu=1]",
    "node=1/slot=2/core=15",
    "node=2/slot=2/[core=8;gpu=1]",
    "node=4/slot=1/core=12",
    "node=2/slot=8/[core=15;gpu=1]",
    "slot=1/[core=60;gpu=4]",
    "node=1{x}/slot=1/core=1",
)
"""Shapes (RFC 46) that fit RFC 49's cluster A and that every pool of Flux can place."""


def jobspec(shape: str, duration: float = 0.0, constraint: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a version 1 jobspec of a shape.

    Parameters
    ----------
    shape
        RFC 46 text.
    duration
        Time limit in seconds, 0 for none.
    constraint
        RFC 31 constraint.
    """
    system: dict[str, Any] = {"duration": duration}
    if constraint is not None:
        system["constraints"] = dict(constraint)
    return {
        "version": 1,
        "resources": parse_shape(shape),
        "tasks": [{"command": ["true"], "slot": "task", "count": {"per_slot": 1}}],
        "attributes": {"system": system},
    }


def mixed(
    count: int,
    *,
    seed: int,
    interval: float,
    shapes: Sequence[str] = MIXED,
    limit: float = 3600.0,
    start: float = 1.0,
    first_id: int = 1,
) -> Iterator[tuple[float, Job]]:
    """Draw jobs with random shapes, time limits and run times.

    Parameters
    ----------
    count
        How many.
    seed
        Of the draw.
    interval
        Mean seconds between submissions, which are spread as a Poisson process.
    shapes
        To choose from, all equally likely.
    limit
        The longest time limit; limits are spread evenly over the orders of magnitude from a hundredth of it up.
    start
        Time of the first submission.

    Yields
    ------
    tuple of float and Job
        Time of submission, and the job. It runs for a part of its limit, from a tenth to all of it.
    """
    draw = random.Random(seed)
    time = start
    for number in range(count):
        duration = round(limit * 10 ** draw.uniform(-2.0, 0.0), 1)
        runtime = round(duration * draw.uniform(0.1, 1.0), 1)
        yield time, Job(first_id + number, jobspec(draw.choice(shapes), duration), runtime)
        time = round(time + draw.expovariate(1.0 / interval), 3)
