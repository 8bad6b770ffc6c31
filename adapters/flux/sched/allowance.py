"""How much time may go into what helps nobody but the user who asks: a share of all the time that passes."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 1 / 20
MOST = 0.5
"""Seconds that can be saved up, and that are there at the start."""


class Allowance:
    """Seconds that may be spent: earned as time passes, up to a bound, and overdrawn by no more than one task.

    Parameters
    ----------
    clock
        Tells the seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._saved = MOST
        self.spent = 0.0

    @property
    def left(self) -> float:
        """Seconds that may be spent now; below zero after a task that took more than there was."""
        now = self._clock()
        self._saved = min(MOST, self._saved + SHARE * (now - self._since))
        self._since = now
        return self._saved

    def spend(self, seconds: float) -> None:
        """Note what a task took."""
        self._saved = self.left - seconds
        self.spent += seconds

    def until(self, seconds: float) -> float:
        """Return in how many seconds so much may be spent."""
        return max(0.0, seconds - self.left) / SHARE
