"""The options --draw and --drawing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from ..drawing import file
from ..drawing.scene import Scene
from ..drawing.terminal import draw_terminal
from .errors import InputError
from .options import PictureOptions


def check_pictures(given: PictureOptions) -> None:
    """Make sure that what is asked for can be drawn, before anything else is done.

    Raises
    ------
    InputError
        When it cannot.
    """
    if given.draw is not None:
        check_target(given.draw)


def show_pictures(
    given: PictureOptions, make: Callable[[], Scene], console: Console | None, *, idle_trees: bool = False
) -> None:
    """Draw what is asked for; where nothing is, the scene is not made.

    Parameters
    ----------
    make
        The scene.
    console
        Where it is drawn in characters, None for nowhere.
    idle_trees
        Draw the inside of idle nodes, too.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    in_terminal = given.drawing and console is not None
    if not in_terminal and given.draw is None:
        return
    scene = make()
    if in_terminal and console is not None:
        for line in draw_terminal(scene, console.width, idle_trees=idle_trees):
            console.print(line, soft_wrap=True)
    if given.draw is not None:
        write_picture(scene, given.draw)


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


def write_picture(scene: Scene, path: Path) -> None:
    """Draw the scene into the file.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    try:
        file.draw_file(scene, path)
    except OSError as error:
        raise InputError(f"--draw: {path}: {error.strerror or error}") from None
