"""A program in a terminal of its own: what it shows, keys for it, and another size of the terminal."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SECONDS = 120.0
"""After which a program that shows nothing more has failed; it is never waited for as long."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Session:
    """A program that runs in a terminal.

    Parameters
    ----------
    words
        The command.
    size
        Columns and lines.
    environment
        Beside that of the tests, without colours asked for or refused.
    """

    def __init__(self, words: list[str], size: tuple[int, int], environment: Mapping[str, str], cwd: Path) -> None:
        self.fd, other = os.openpty()
        self.resize(*size, tell=False)
        self.modes: list[Any] = termios.tcgetattr(other)
        env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.program = subprocess.Popen(
            words,
            stdin=other,
            stdout=other,
            stderr=subprocess.PIPE,
            env={**env, "TERM": "xterm-256color", **environment},
            cwd=cwd,
            start_new_session=True,
        )
        self._other = other
        self.raw = ""

    def resize(self, columns: int, lines: int, *, tell: bool = True) -> None:
        """Give the terminal another size, and tell the program."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if tell:
            self.program.send_signal(signal.SIGWINCH)

    def press(self, keys: str) -> None:
        """Press keys; what was shown before is forgotten."""
        self.raw = ""
        os.write(self.fd, keys.encode())

    def until(self, text: str) -> list[str]:
        """Wait until a frame shows a text, and return the lines of the last frame."""
        deadline = time.monotonic() + _SECONDS
        while text not in self.plain:
            assert time.monotonic() < deadline, f"{text!r} is not shown: {self.plain[-3000:]}"
            ready, _, _ = select.select([self.fd], [], [], 0.2)
            if ready:
                self.raw += os.read(self.fd, 65536).decode("utf-8", "replace")
            else:
                assert self.program.poll() is None, f"it ended: {self.plain[-2000:]} {self._said()}"
        return [*self.plain.rsplit(text, 1)[0].splitlines(), text]

    @property
    def plain(self) -> str:
        """What was shown since the last key, without what steers the terminal."""
        return _CONTROL.sub("", self.raw.replace("\x1b[H", "\n"))

    def end(self) -> tuple[int, str, bool]:
        """Wait for the end; return status, standard error, and whether the terminal's modes are as they were."""
        status = self.program.wait(_SECONDS)
        while select.select([self.fd], [], [], 0)[0]:
            self.raw += os.read(self.fd, 65536).decode("utf-8", "replace")
        same = termios.tcgetattr(self._other) == self.modes
        said = self._said()
        os.close(self.fd)
        os.close(self._other)
        return status, said, same

    def _said(self) -> str:
        assert self.program.stderr is not None
        return self.program.stderr.read().decode() if self.program.poll() is not None else ""
