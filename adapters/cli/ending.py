"""How an error ends the program: which exit status, and the one line on standard error."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Final

import typer

from ..snapshot.commands import SystemDownError
from .console import one_line
from .errors import InputError
from .status import DONE, INTERRUPTED, NO_ANSWER, OWN_FAULT, WRONG_INPUT

TRACEBACK: Final = "EXACTFIT_TRACEBACK"
"""The variable of the environment with which a fault of exactfit's own shows where it is."""

OF_THE_SYSTEM: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EBADF, errno.EMFILE, errno.ENFILE}
)
"""What may become of any file, whoever writes it."""


class ReaderGoneError(Exception):
    """Whoever read standard output has closed it."""


def open_streams() -> None:
    """Make standard output and standard error fit to be written, replacing what a terminal cannot show.

    Raises
    ------
    InputError
        When standard output is closed from the beginning.
    """
    if sys.stderr is None:
        # Else what is meant for standard error would go to standard output.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        raise InputError("standard output is closed")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def ended(error: BaseException, *, only_shows: bool) -> int:
    """Return the exit status that an error means, and say why in one line.

    Parameters
    ----------
    error
        What was raised. With `TRACEBACK` set, a fault of exactfit's own is raised again.
    only_shows
        Whether nothing but what is shown was asked for, of which a reader may take as much as is wanted.
    """
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else DONE
    if isinstance(error, (InputError, typer.TyperException)):
        return complain(_message(error), WRONG_INPUT)
    if isinstance(error, SystemDownError):
        return complain(str(error), NO_ANSWER)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return complain("interrupted", INTERRUPTED)
    if isinstance(error, (BrokenPipeError, ReaderGoneError)):
        drop_output()
        return DONE if only_shows else complain("standard output was closed before all was written", WRONG_INPUT)
    if isinstance(error, OSError) and error.errno in OF_THE_SYSTEM:
        drop_output()
        # Files are named in the error, or by whoever writes them; streams are not.
        return complain(f"{error.filename or 'standard output'}: {error.strerror}", WRONG_INPUT)
    if os.environ.get(TRACEBACK) or not isinstance(error, Exception):
        raise error
    text = f"a fault of exactfit itself: {type(error).__name__}: {error} (set {TRACEBACK}=1 to see where)"
    return complain(text, OWN_FAULT)


def complain(message: str, status: int) -> int:
    """Print a line on standard error, and return the status."""
    with contextlib.suppress(OSError, ValueError):
        print(f"exactfit: {one_line(message)}", file=sys.stderr)
    return status


def drop_output() -> None:
    """Let what is still to be written to standard output go nowhere, so that it is not tried again at the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: InputError | typer.TyperException) -> str:
    if isinstance(error, InputError):
        return str(error)
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{message} (see {context.command_path} --help)" if context is not None else message
