"""The option --draw."""

from __future__ import annotations

from pathlib import Path

from ..drawing import file
from ..drawing.scene import Scene
from .errors import InputError


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
