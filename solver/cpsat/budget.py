"""The work that a decision may take: counted in steps, so that it ends at the same point on every machine.

A step is about what an ordinary core does in a microsecond of Python: a function call with a few operations. CP-SAT
counts its own work (deterministic time); a second of that is about a second there, and reading and presolving a model
takes some steps for each of its variables and constraints beside. How good a measure that is can be seen from
`benchmarks/work.py`. The clock is looked at only so that what has gone astray comes to an end.
"""

from __future__ import annotations

import math

from .loading import clock

STEPS = 1_000_000
"""Steps of a second's work."""

AHEAD = 0.1
"""The part of its limit that a decision may take that only looks ahead, as many do at once."""

CLOCK_FACTOR = 20
"""A decision that takes so many times its work by the clock, and `CLOCK_GRACE` seconds more, is ended."""

CLOCK_GRACE = 10.0

LOOKS = 20_000
"""Steps after which the clock is looked at again."""


class CutOff(Exception):  # noqa: N818  # it is an outcome, no error
    """The work was used up before it was known whether there is a placement."""


class KnownCutOff(CutOff):
    """The same was cut off before, with no less work, and nothing has changed that could help."""


class Budget:
    """The work that may still be done.

    Parameters
    ----------
    seconds
        Seconds of work, each of them `STEPS` steps. What is less than a step is none.
    whole
        What it is a part of, whose clock ends it too: see `at_most`.

    Attributes
    ----------
    limit
        Seconds of work in all.

    Notes
    -----
    Whatever takes more than a handful of steps spends them: `spend` where it can be cut off, `charge` where it has to
    be done in any case. A part (`part`, `at_most`) is a budget of its own, and what it spends is spent of the whole
    too; so a part that is used up leaves the rest.
    """

    __slots__ = ("_clock_end", "_is_late", "_left", "_look", "_steps", "_whole", "limit")

    def __init__(self, seconds: float, whole: Budget | None = None) -> None:
        self._whole = whole
        self.limit = seconds
        self._left = self._steps = int(seconds * STEPS + 0.001)
        self._clock_end = 0.0 if whole is not None else clock() + CLOCK_FACTOR * seconds + CLOCK_GRACE
        self._look = self._left - LOOKS
        self._is_late = False

    @property
    def left(self) -> float:
        """Seconds of work left, never below zero."""
        left = self._left
        whole = self._whole
        while whole is not None:
            left = min(left, whole._left)
            whole = whole._whole
        return max(0, left) / STEPS

    @property
    def spent(self) -> float:
        """Seconds of work done so far."""
        return (self._steps - self._left) / STEPS

    @property
    def is_late(self) -> bool:
        """Whether the clock has ended it: the same may come to another end elsewhere."""
        return self._root._is_late

    @property
    def clock_left(self) -> float:
        """Seconds until the clock ends it."""
        return max(0.0, self._root._clock_end - clock())

    def spend(self, steps: int = 1) -> None:
        """Count steps that are about to be done.

        Raises
        ------
        CutOff
            When nothing is left.
        """
        self.charge(steps)
        if not self.left:
            raise CutOff

    def charge(self, steps: int) -> None:
        """Count steps that are done in any case."""
        budget: Budget | None = self
        while budget is not None:
            budget._left -= steps
            root, budget = budget, budget._whole
        if root._left < root._look:
            root._look = root._left - LOOKS
            root.look()

    def charge_seconds(self, seconds: float) -> None:
        """Count work that was measured in seconds, a part of a step as a whole one."""
        self.charge(math.ceil(seconds * STEPS))

    def look(self) -> None:
        """Look at the clock, and leave nothing where it is late."""
        root = self._root
        if clock() > root._clock_end:
            root._is_late = True
            root._steps -= max(0, root._left)
            root._left = min(0, root._left)

    def part(self, share: float) -> Budget:
        """Return a budget of a share, from 0 to 1, of what is left."""
        return self.at_most(share * self.left)

    def beyond(self, steps: int) -> Budget:
        """Return a budget of what is left beyond so many steps, which are kept for what is done in any case."""
        return self.at_most(max(0.0, self.left - steps / STEPS))

    def at_most(self, seconds: float) -> Budget:
        """Return a budget of no more than so many seconds of what is left."""
        return Budget(min(seconds, self.left), self)

    @property
    def _root(self) -> Budget:
        budget = self
        while budget._whole is not None:
            budget = budget._whole
        return budget
