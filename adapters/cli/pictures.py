"""The options --draw and --drawing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ..drawing import file
from ..drawing.scene import Scene
from ..drawing.terminal import draw_terminal
from .console import is_open
from .errors import InputError
from .options import PictureOptions

NO_DRAWING = "EXACTFIT_NO_DRAWING"
"""The variable of the environment that leaves drawings out of the terminal, for who has it read out."""


def check_pictures(given: PictureOptions, *, as_json: bool = False) -> None:
    """Make sure that what is asked for can be drawn, before anything else is done.

    Raises
    ------
    InputError
        When it cannot.
    """
    given.check(as_json=as_json)
    if given.draw is not None:
        check_target(given.draw)


def show_pictures(
    given: PictureOptions,
    make: Callable[[], Sequence[Scene]],
    console: Console | None,
    *,
    idle_trees: bool = False,
    legend: bool = False,
) -> None:
    """Draw what is asked for; where nothing is, the scenes are not made.

    Parameters
    ----------
    make
        The scenes.
    console
        Where they are drawn in characters, None for nowhere.
    idle_trees
        Draw the inside of idle nodes, too.
    legend
        Say below the drawing which job is which, where no table has said it.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    left_out = given.drawing is None and os.environ.get(NO_DRAWING)
    shown = console if given.in_terminal and not left_out else None
    if shown is not None and not is_open(shown):
        shown = None
    if shown is None and given.draw is None:
        return
    scenes = make()
    if shown is not None:
        for scene in scenes:
            shown.print()
            if len(scenes) > 1:
                shown.print(Text(scene.title, style="bold"), soft_wrap=True)
            for line in draw_terminal(scene, shown.width, idle_trees=idle_trees, legend=legend):
                shown.print(line, soft_wrap=True)
    if given.draw is not None:
        write_picture(scenes, given.draw)


def check_target(path: Path) -> None:
    """Make sure that a picture can be drawn into the file, before anything else is done.

    Raises
    ------
    InputError
        When it cannot.
    """
    try:
        file.check_target(path)
    except ValueError as error:
        raise InputError(f"--draw: {error}") from None


def write_picture(scenes: Sequence[Scene], path: Path) -> None:
    """Draw the scenes into the file.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    try:
        file.draw_file(scenes, path)
    except OSError as error:
        raise InputError(f"--draw: {path}: {error.strerror or error}") from None
