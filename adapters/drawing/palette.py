"""Colours and marks by which jobs are told apart, without relying on colour alone."""

from __future__ import annotations

# Okabe and Ito's set for colour-blind readers without its black, then Tol's muted set where that differs enough. From
# the thirteenth on: always that of the colours of 256-colour terminals which is farthest (in Oklab) from all before.
# fmt: off
COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442", "#332288",
    "#882255", "#999933", "#44aa99", "#ddcc77", "#af00ff", "#005f00", "#0000ff", "#00d700",
    "#ff00d7", "#00ffd7", "#d7005f", "#d7afff", "#5f0000", "#5f5fff", "#875f00", "#8700af",
    "#875f87", "#87ff00", "#ffafaf", "#af87ff", "#af0000", "#87d7d7", "#005f5f", "#00af00",
    "#5f005f", "#008700", "#af0087", "#5f00d7", "#5fd787", "#ff0000", "#5f87d7", "#ff87d7",
    "#d75fd7", "#afd700", "#ff875f", "#ff5f87", "#0000af", "#5f8787", "#afffaf", "#d700af",
    "#af5f5f", "#ff0087", "#ff5fff", "#af5faf", "#870000", "#875fd7", "#d7af87", "#af5fff",
    "#afafd7", "#00ff87", "#5f5faf", "#d70000", "#005fd7",
)
# fmt: on
HELD = "#9a9a9a"
"""What was busy before."""
FREE = "#ffffff"
DOWN = "#e4e4e4"
LATER = "#c8c8c8"
"""Of all jobs for which there is no colour left."""
_MARKS = "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
LATER_MARK = "+"
"""Of all jobs for which there is no mark left."""
MOST_JOBS = len(_MARKS)
"""Jobs with a colour and a mark of their own; there are as many of both."""
_SLOTS = "abcdefghijklmnopqrstuvwxyz"
MOST_SLOTS = len(_SLOTS)
"""Slots of a job that have a letter of their own."""


def job_colour(job: int) -> str:
    """Return the colour of a job, as ``#rrggbb``.

    Parameters
    ----------
    job
        Its number from 1. No two jobs up to `MOST_JOBS` have the same; all later ones are `LATER`.
    """
    return COLOURS[job - 1] if job <= MOST_JOBS else LATER


def job_mark(job: int) -> str:
    """Return the one character that stands for a job, its number from 1 where that is one digit."""
    return _MARKS[job - 1] if job <= MOST_JOBS else LATER_MARK


def slot_mark(place: int, *, torn: bool) -> str:
    """Return the letter of a slot among those of its job on a node, a capital for one that is torn.

    Parameters
    ----------
    place
        From 0. The letters come round again after 26.
    torn
        Whether it crosses a border that it need not.
    """
    letter = _SLOTS[place % len(_SLOTS)]
    return letter.upper() if torn else letter


def ink_on(colour: str) -> str:
    """Return black or white, whichever reads better on the colour (relative luminance as in WCAG 2)."""
    linear = [_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else float(((channel + 0.055) / 1.055) ** 2.4)
