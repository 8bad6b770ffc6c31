"""Where output goes and how text of unknown origin gets there unharmed."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ...grammar.errors import printable
from ..fitted_table import folded

_MOST_CHARACTERS = 400
_WIDTH_OF_FILES = 120
ASCII = "EXACTFIT_ASCII"
"""The variable of the environment that asks for ASCII alone; outputs that are not UTF-8 get that anyway."""
_IN_ASCII = str.maketrans({"·": ".", "…": "~", "±": "~", "─": "-"})


_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextlib.contextmanager
def hushed(quiet: bool) -> Iterator[None]:
    """Let consoles that are made inside print nothing, and notes and warnings be lost, where that is asked for."""
    token = _quiet.set(quiet)
    try:
        yield
    finally:
        _quiet.reset(token)


class _Console(Console):
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render with control characters as escapes: no name of anything steers the terminal."""
        ascii_only = (options or self.options).ascii_only
        for segment in super().render(renderable, options):
            text = segment.text
            if segment.control:
                yield segment
                continue
            if not (text.isprintable() or text == "\n"):
                text = "\n".join(map(printable, text.split("\n")))
            if ascii_only and not text.isascii():
                text = text.translate(_IN_ASCII).encode("ascii", "replace").decode("ascii")
            yield segment if text == segment.text else segment._replace(text=text)

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        """Print; a line that is to wrap by itself is wrapped at words, with an indent, where the width is a reader's.

        In a file it stays one line, which other programs like better.
        """
        (line,) = objects if len(objects) == 1 else (None,)
        if soft_wrap and self.is_read and "overflow" not in options and isinstance(line, (str, Text)):
            for part in _wrapped(Text(line) if isinstance(line, str) else line, self.width):
                super().print(part, no_wrap=True, crop=False, overflow="ignore", **options)
        else:
            super().print(*objects, soft_wrap=soft_wrap, **options)

    @property
    def is_read(self) -> bool:
        """Whether somebody reads the lines at this width: a terminal, or who says COLUMNS."""
        return self.is_terminal or "COLUMNS" in os.environ

    @property
    def encoding(self) -> str:
        """The encoding of the output, ASCII where that is asked for."""
        return "ascii" if os.environ.get(ASCII) else super().encoding

    def on_broken_pipe(self) -> None:
        # Rich would end the program as a failure.
        raise BrokenPipeError


def _wrapped(line: Text, width: int) -> list[Text]:
    """Return a line in parts that are no wider, all but the first indented by two more than it.

    It is parted where two or more spaces stand, as far as possible, and else between words.
    """
    if line.cell_len <= width:
        return [line]
    indent = len(line.plain) - len(line.plain.lstrip())
    room = max(width - indent - 2, 8)
    parts: list[Text] = []
    for phrase in _phrases(line[indent:]):
        if parts and parts[-1].cell_len + 2 + phrase.cell_len <= room:
            parts[-1] = Text.assemble(parts[-1], "  ", phrase)
        else:
            parts += folded(phrase, room)
    return [Text.assemble(" " * (indent + 2 if place else indent), part) for place, part in enumerate(parts)]


def _phrases(line: Text) -> Iterator[Text]:
    start = 0
    for gap in re.finditer(" {2,}", line.plain):
        yield line[start : gap.start()]
        start = gap.end()
    yield line[start:]


def make_console(*, stderr: bool = False) -> Console:
    """Return a console for people; piped into a file it is wide enough for tables, and colourless.

    So it is on terminals of 16 colours or less, on which many jobs would look like one.
    """
    console = _Console(stderr=stderr, quiet=_quiet.get(), highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_OF_FILES
    if console.color_system in ("standard", "windows"):
        console.no_color = True
    return console


def is_open(console: Console) -> bool:
    """Tell whether what is printed there can go anywhere."""
    stream = sys.stderr if console.stderr else sys.stdout
    return not console.quiet and stream is not None and not stream.closed


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
    if _quiet.get():
        return
    with contextlib.suppress(OSError, ValueError):
        print(f"exactfit: {one_line(message)}", file=sys.stderr)


def clip_start(text: str, width: int) -> str:
    """Return the text, its start replaced by an ellipsis where it is longer: of a path and a number the end tells."""
    return text if len(text) <= width else f"…{text[len(text) - width + 1 :]}"


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


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number of something in words; of more than one with an s at the end, where nothing else is said."""
    return f"{number} {one if number == 1 else many or one + 's'}"
