"""A chart as numbers: what the drawn picture and the one with hover values both show, so that they show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

STEPS, BARS, DOTS, ERRORS, SPANS = "steps", "bars", "dots", "errors", "spans"
"""Kinds: a value that holds until the next, a bar a series in each category, a dot a value, a value with its interval,
and rectangles from a time to a time."""


@dataclass(frozen=True, slots=True)
class Series:
    """What one pool has in a chart.

    Attributes
    ----------
    name
        Of the pool.
    place
        Of the pool among all, by which it has its colour.
    x, y
        Of each point.
    low, high
        The least and the most there; empty where there is but one value.
    mean
        A level that is drawn as a line over the dots; None for none.
    """

    name: str
    place: int
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A job on neighbouring nodes.

    Attributes
    ----------
    job
        Its number.
    start, end
        In the unit of the axis.
    first, last
        Positions of nodes.
    torn
        Whether a slot of it is in several domains although one would do.
    """

    job: int
    start: float
    end: float
    first: int
    last: int
    torn: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis.

    Attributes
    ----------
    label
        With its unit.
    low, high
        Where it starts and ends; None for where the data do.
    log
        Whether it is logarithmic.
    names
        Of its categories, at 0, 1, 2 and so on; empty for numbers.
    ticks
        Where it has numbers; empty for wherever is best.
    falls
        Whether it goes down.
    """

    label: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False
    names: Sequence[str] = ()
    ticks: Sequence[float] = ()
    falls: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes
    ----------
    name
        Of its file.
    caption
        What it shows.
    kind
        `STEPS`, `BARS`, `DOTS`, `ERRORS` or `SPANS`.
    x, y
        Its axes.
    series
        A pool each.
    spans
        For `SPANS`.
    mark
        A place on the x axis that is drawn as a line; on the y axis for other kinds than `SPANS`. None for none.
    """

    name: str
    caption: str
    kind: str
    x: Axis
    y: Axis
    series: Sequence[Series] = ()
    spans: Sequence[Span] = field(default=())
    mark: float | None = None
