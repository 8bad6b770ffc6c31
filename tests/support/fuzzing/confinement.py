"""Sees to it that a piece of code touches no file, no network and no other process, and takes neither long nor much.

Python's audit events (PEP 578) cannot be taken back: one hook is installed for good, and looks only while a block is
confined. What a first use loads (grammars, modules) has to be loaded before.
"""

from __future__ import annotations

import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from rich.cells import cell_len

SECONDS = 5.0
"""What reading one input may take, on a slow and busy machine."""

MEBIBYTES = 256

_FORBIDDEN = ("open", "os.", "socket.", "subprocess.", "shutil.", "urllib.", "http.", "ftplib.", "ctypes.", "pty.")
_OBJECTS = ("pickle.", "marshal.loads", "exec", "compile", "import")
"""Building objects from data begins with one of these."""


class EscapeError(BaseException):
    """Confined code touched what it must not, or was too slow or too large; nothing that is tested catches it."""


class _Watch(threading.local):
    armed = False
    may: tuple[str, ...] = ()


_watch = _Watch()
_installed: list[bool] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not _watch.armed or not event.startswith((*_FORBIDDEN, *_OBJECTS)) or event.startswith(_watch.may):
        return
    _watch.armed = False
    raise EscapeError(f"{event} {arguments!r}"[:300])


@contextmanager
def confined(seconds: float = SECONDS, mebibytes: int | None = None, *, may: tuple[str, ...] = ()) -> Iterator[None]:
    """Raise `EscapeError` when the block touches the outside, or when it ends and has taken too long or too much.

    Parameters
    ----------
    seconds
        What it may take of the processor.
    mebibytes
        What it may hold at once; None, the default, does not measure, as that takes several times as long.
    may
        How audit events begin that are not the outside here.
    """
    if not _installed:
        cell_len("漢")  # loads how wide characters are, as the first message with such a one would
        sys.addaudithook(_hook)
        _installed.append(True)
    if mebibytes is not None:
        tracemalloc.start()
    begin = time.thread_time()
    _watch.may = may
    _watch.armed = True
    try:
        yield
    finally:
        _watch.armed = False
        taken = time.thread_time() - begin
        peak = 0
        if mebibytes is not None:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    if taken > seconds:
        raise EscapeError(f"{taken:.1f} s")
    if mebibytes is not None and peak > mebibytes * 2**20:
        raise EscapeError(f"{peak / 2**20:.0f} MiB")
