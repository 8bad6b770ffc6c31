"""Where output goes and how text of unknown origin gets there unharmed."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ...grammar.errors import printable

_MOST_CHARACTERS = 400
_WIDTH_OF_FILES = 120


class _Console(Console):
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render with control characters as escapes: no name of anything steers the terminal."""
        for segment in super().render(renderable, options):
            text = segment.text
            if segment.control or text.isprintable() or text == "\n":
                yield segment
            else:
                yield segment._replace(text="\n".join(map(printable, text.split("\n"))))

    def on_broken_pipe(self) -> None:
        # Rich would end the program as a failure.
        raise BrokenPipeError


def make_console(*, stderr: bool = False) -> Console:
    """Return a console for people; piped into a file it is wide enough for tables, and colourless."""
    console = _Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_OF_FILES
    return console


def one_line(message: str) -> str:
    """Return a message as one line that a terminal can take, cut in its middle when it is very long."""
    text = printable(" ".join(message.split()))
    if len(text) > _MOST_CHARACTERS:
        half = _MOST_CHARACTERS // 2 - 2
        text = f"{text[:half]} ... {text[-half:]}"
    return text


def clip(text: str, width: int) -> str:
    """Return the text, its end replaced by an ellipsis where it is longer than the width."""
    return text if len(text) <= width else text[: width - 1] + "…"


def note(message: str) -> None:
    """Print what is worth knowing, one line on standard error; where that cannot be written it is lost."""
    with contextlib.suppress(OSError, ValueError):
        print(f"exactfit: {one_line(message)}", file=sys.stderr)


def warn(message: str) -> None:
    """Print a warning, one line on standard error."""
    note(f"warning: {message}")


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warn(record.getMessage())


def show_logged_warnings() -> None:
    """Print what the package logs as a warning; once installed, it stays."""
    logger = logging.getLogger("exactfit")
    if not any(isinstance(handler, _Warnings) for handler in logger.handlers):
        logger.addHandler(_Warnings(logging.WARNING))
