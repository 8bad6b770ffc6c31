"""RFC 23: the Flux Standard Duration, a number of seconds with or without a unit: ``10``, ``500ms``, ``1.5h``."""

from __future__ import annotations

import re
from typing import Final

from .errors import GrammarError, shown

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FORM: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE]([+-]?[0-9]{1,2}))?(ms|s|m|h|d|)")
_UNENDING: Final = frozenset({"infinity", "inf"})


def parse_duration(text: str) -> float:
    """Return the seconds that a text stands for; infinity for one without end.

    Parameters
    ----------
    text
        A number that is not negative, and ms, s, m, h or d behind it (s where none is given); or ``infinity``.

    Raises
    ------
    GrammarError
        For any other text.
    """
    if not isinstance(text, str):
        raise GrammarError(f"expected text, not {shown(text)}", rfc=23, language="duration")
    if text.strip().lower() in _UNENDING:
        return float("inf")
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise GrammarError(
            f"expected seconds, or a number with ms, s, m, h or d, got {shown(text)}",
            rfc=23,
            language="duration",
            part=text[:60],
        )
    number, exponent, unit = match.groups()
    return float(f"{number}e{exponent or 0}") * _SECONDS[unit]
