"""The marks of drawings in the terminal, and their styles: every mark is legible without colour."""

from __future__ import annotations

from typing import Final

from rich.style import Style

from .palette import HELD, ink_on, job_colour

FREE_MARK: Final = "·"
HELD_MARK: Final = "#"
DOWN_MARK: Final = "/"
SEVERAL_MARK: Final = "*"
HELD_STYLE: Final = Style(color=ink_on(HELD), bgcolor=HELD)
DIM: Final = Style(dim=True)


def job_style(job: int) -> Style:
    """Return the style of a job's cells: its colour, with an ink that reads on it."""
    colour = job_colour(job)
    return Style(color=ink_on(colour), bgcolor=colour, bold=True)
