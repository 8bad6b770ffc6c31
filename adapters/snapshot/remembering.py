"""A system that is asked again and again is asked only for what changes; the rest is remembered for some minutes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from .commands import RefusedError, Run

LASTS: Final = 600.0
"""Seconds for which an answer that hardly changes is good."""

_EXACTLY: Final = frozenset(
    {
        ("flux", "version"),
        ("flux", "config", "get"),
        ("flux", "kvs", "get", "resource.R"),
        ("flux", "resource", "R"),
        ("scontrol", "show", "topology"),
        ("scontrol", "show", "config"),
    }
)
_OF_A_JOB: Final = ("flux", "job", "info")
"""What a job asks for and what it got: the same as long as it waits, or runs."""


class Remembering:
    """Runs commands, those whose answers hardly change once in a while; what was refused stays so as long.

    Parameters
    ----------
    run
        What runs a command.
    clock
        In seconds.
    """

    def __init__(self, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._clock = clock
        self._known: dict[tuple[str, ...], tuple[float, str | RefusedError]] = {}

    def __call__(self, *words: str) -> str:
        """Return what a command prints; see `commands.run_command`."""
        if words not in _EXACTLY and words[:3] != _OF_A_JOB:
            return self._run(*words)
        now = self._clock()
        found = self._known.get(words)
        if found is None or found[0] + LASTS < now:
            found = self._known[words] = (now, self._asked(words))
        if isinstance(found[1], RefusedError):
            raise found[1]
        return found[1]

    def forget(self) -> None:
        """Drop what is too old to be used."""
        now = self._clock()
        self._known = {words: found for words, found in self._known.items() if found[0] + LASTS >= now}

    def _asked(self, words: tuple[str, ...]) -> str | RefusedError:
        try:
            return self._run(*words)
        except RefusedError as refused:
            return refused
