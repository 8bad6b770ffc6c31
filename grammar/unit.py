"""Units of memory and storage (the RFC 14 `unit` key), in GiB, which is what RFC 49 counts in."""

from __future__ import annotations

from fractions import Fraction

from .errors import GrammarError, faulty, shown
from .suggest import meant

_GIB = 2**30
_PREFIXES = "KMGTPE"
_BYTES: dict[str | None, int] = {
    None: _GIB,
    "B": 1,
    "kB": 1000,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(_PREFIXES, 1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate(_PREFIXES, 1)},
}


def gib(amount: int | Fraction, unit: str | None = None) -> Fraction:
    """Return an amount in GiB.

    Parameters
    ----------
    amount
        How many of the unit.
    unit
        B, a decimal unit (kB or KB, MB, GB, TB, PB, EB), a binary one (KiB ... EiB), or None for GiB.

    Raises
    ------
    GrammarError
        For any other unit.
    """
    if unit not in _BYTES:
        known = ", ".join(filter(None, _BYTES))
        near = meant(unit, filter(None, _BYTES)) if isinstance(unit, str) else ""
        asked = f" (is {near} meant?)" if near else ""
        raise GrammarError(
            f"unknown unit {shown(unit)}{asked}; known are {known}", rfc=14, language="unit", part=faulty(unit)
        )
    return Fraction(amount) * _BYTES[unit] / _GIB
