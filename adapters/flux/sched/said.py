"""A log that may be written from any thread, as Flux's own may not."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any


class Said:
    """Passes on what is said in the thread of the reactor, and keeps what is said in others until it is asked for.

    Parameters
    ----------
    log
        Flux's logger: called with a syslog priority and a message.
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._reactor = threading.get_ident()
        self._kept: deque[tuple[int, str]] = deque()

    @property
    def level(self) -> int:
        """The priority up to which messages are logged."""
        level: int = self._log.level
        return level

    def __call__(self, level: int, message: str) -> None:
        """Log a message."""
        if threading.get_ident() == self._reactor:
            self._log(level, message)
        else:
            self._kept.append((level, message))

    def pass_on(self) -> None:
        """Log what was kept; the reactor calls it."""
        while self._kept:
            self._log(*self._kept.popleft())
