"""Times in Slurm's forms: `30` is minutes, `5:30` minutes and seconds, `1:00:00`, `1-12`, `1-12:30`, `1-12:30:00`."""

from __future__ import annotations

from typing import Final

import lark

from .parser import Parser

MAX_SECONDS: Final = (2**32 - 3) * 60
"""The longest time that Slurm can count, which it does in minutes of 32 bits."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MAX_DIGITS = 12


class _Values(lark.Transformer[lark.Token, object]):
    def unlimited(self, _: list[lark.Token]) -> int:
        return 0

    def clock(self, numbers: list[lark.Token]) -> int:
        units = {1: (_MINUTE,), 2: (_MINUTE, 1), 3: (_HOUR, _MINUTE, 1)}
        return _seconds(numbers, units[len(numbers)])

    def days(self, numbers: list[lark.Token]) -> int:
        return _seconds(numbers, (_DAY, _HOUR, _MINUTE, 1))


_PARSER = Parser(None, "Slurm time", "slurm_time.lark", _Values())


def parse_slurm_time(text: str) -> int | None:
    """Return the seconds of a time, None for one without a limit.

    Notes
    -----
    Slurm takes 90 minutes in `0:90:00` too, and a limit of zero for none.

    Raises
    ------
    GrammarError
        For any other text, and for more than Slurm can count.
    """
    seconds: int = _PARSER.parse(text)
    return seconds or None


def slurm_time_text(seconds: int | None) -> str:
    """Return a time in the one form that has all parts, `1-02:03:04`."""
    if seconds is None:
        return "UNLIMITED"
    days, rest = divmod(seconds, _DAY)
    hours, rest = divmod(rest, _HOUR)
    return f"{days}-{hours:02}:{rest // 60:02}:{rest % 60:02}"


def _seconds(numbers: list[lark.Token], units: tuple[int, ...]) -> int:
    seconds = 0
    for number, unit in zip(numbers, units, strict=False):
        seconds += MAX_SECONDS + 1 if len(number.lstrip("0")) > _MAX_DIGITS else int(number) * unit
    if seconds > MAX_SECONDS:
        raise _PARSER.error("longer than Slurm can count", part=str(numbers[0])[:60])
    return seconds
