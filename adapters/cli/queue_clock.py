"""What time it is for a queue, how long jobs run that do not say so, and how much work a plan may take."""

from __future__ import annotations

from typing import Final

from ...grammar.duration import parse_duration
from .errors import InputError

END_OF_TIME: Final = 2.0**53
"""Seconds: times are below."""


def seconds_of(duration: str | None) -> float:
    """Return how long jobs run that do not say so, as --duration says it; 0 where that is not known.

    Raises
    ------
    ValueError
        For what is no duration.
    """
    return parse_duration(duration) if duration is not None else 0.0


def check_clock(now: float | None, duration: str | None) -> None:
    """Refuse what --now and --duration say where it is no time.

    Raises
    ------
    InputError
        By the option.
    """
    if now is not None and not 0 <= now < END_OF_TIME:
        raise InputError(f"--now: expected seconds since the epoch, got {now:g}")
    try:
        fits = duration is None or 0 < seconds_of(duration) < END_OF_TIME
    except ValueError as fault:
        raise InputError(f"--duration: {fault}") from None
    if not fits:
        raise InputError(f"--duration: expected a time above 0 that ends, got {duration!r}")


def work_of(given: str) -> float:
    """Return how much work a plan may take, in seconds, as --work says it.

    Raises
    ------
    InputError
        For what is no time above 0.
    """
    try:
        seconds = parse_duration(given)
    except ValueError as fault:
        raise InputError(f"--work: {fault}") from None
    if not 0 < seconds <= END_OF_TIME:
        raise InputError(f"--work: expected a time above 0 that ends, got {given!r}")
    return seconds
