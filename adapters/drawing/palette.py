"""Colours and marks by which jobs are told apart, without relying on colour alone."""

from __future__ import annotations

# Okabe and Ito's set for colour-blind readers without its black, then Tol's muted set where that differs enough.
COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#56b4e9",
    "#cc79a7",
    "#f0e442",
    "#332288",
    "#882255",
    "#999933",
    "#44aa99",
    "#ddcc77",
)
HELD = "#9a9a9a"
"""What was busy before."""
FREE = "#ffffff"
DOWN = "#e4e4e4"
_MARKS = "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def job_colour(job: int) -> str:
    """Return the colour of a job, as ``#rrggbb``.

    Parameters
    ----------
    job
        Its number from 1. The colours come round again after twelve jobs; marks and numbers go on.
    """
    return COLOURS[(job - 1) % len(COLOURS)]


def job_mark(job: int) -> str:
    """Return the one character that stands for a job, its number from 1 where that is one digit."""
    return _MARKS[(job - 1) % len(_MARKS)]


def ink_on(colour: str) -> str:
    """Return black or white, whichever reads better on the colour (relative luminance as in WCAG 2)."""
    linear = [_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else float(((channel + 0.055) / 1.055) ** 2.4)
