"""A terminal that gives its keys one by one and says when its size changes; afterwards it is as it was before."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Final

_KEY: Final = re.compile(rb"\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])|[^\x1b]", re.DOTALL)
_BEGUN: Final = re.compile(rb"\x1b(?:\[[0-9;]{0,16}|O)?")
_NAMES: Final = {
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"\x1b[5~": "pgup",
    b"\x1b[6~": "pgdn",
    b"\x1b[H": "home",
    b"\x1bOH": "home",
    b"\x1b[1~": "home",
    b"\x1b[F": "end",
    b"\x1bOF": "end",
    b"\x1b[4~": "end",
    b"\x1b[Z": "backtab",
    b"\t": "tab",
    b"\x04": "q",
}


class Terminal:
    """Standard input, key by key.

    Attributes
    ----------
    stopped
        Whether it was asked for that the program be stopped (Ctrl-Z).
    """

    def __init__(self) -> None:
        self.stopped = False
        self._fd = sys.stdin.fileno()
        self._waker, self._wake = -1, -1
        self._before: list[tuple[int, Any]] = []
        self._rest = b""

    def __enter__(self) -> Terminal:
        """Take over the terminal."""
        import termios
        import tty

        self._modes = termios.tcgetattr(self._fd)
        self._waker, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._waker, False)
        self._old_wake = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number, handler in (
            (signal.SIGWINCH, _nothing),
            (signal.SIGTSTP, self._stop),
            (signal.SIGTERM, _end),
            (signal.SIGHUP, _end),
        ):
            self._before.append((number, signal.signal(number, handler)))
        self.stopped = False
        tty.setcbreak(self._fd)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        import termios

        # A terminal that has gone has no modes.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._modes)
        for number, handler in self._before:
            signal.signal(number, handler)
        self._before = []
        signal.set_wakeup_fd(self._old_wake)
        os.close(self._waker)
        wake, self._wake = self._wake, -1
        os.close(wake)

    def wake(self) -> None:
        """Let `pressed` return, from any thread."""
        if self._wake >= 0:
            try:
                os.write(self._wake, b"\0")
            except OSError:
                # It is awake, or gone.
                return

    def pressed(self) -> Iterator[str]:
        """Wait until something happens, and yield the keys that were pressed; `q` also at the end of all input."""
        ready, _, _ = select.select([self._fd, self._waker], [], [])
        if self._waker in ready:
            os.read(self._waker, 4096)
        if self._fd in ready:
            try:
                data = os.read(self._fd, 1024)
            except OSError:
                data = b""
            if not data:
                yield "q"
            yield from self._parsed(data)

    def _parsed(self, data: bytes) -> Iterator[str]:
        """Yield keys; what a slow line has brought only the beginning of is kept for the next time."""
        text, place = self._rest + data, 0
        self._rest = b""
        while place < len(text):
            match = _KEY.match(text, place)
            if match:
                place = match.end()
                yield _NAMES.get(match[0]) or match[0].decode("latin-1")
            elif _BEGUN.fullmatch(text, place):
                self._rest = text[place:]
                return
            else:
                # Escape itself, before something else.
                place += 1

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopped = True


def _nothing(_number: int, _frame: FrameType | None) -> None:
    pass


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
