"""Spans of time in words, to the minute."""

from __future__ import annotations

_MINUTE = 60.0
_HOUR = 60


def span(seconds: float) -> str:
    """Return ``4 min`` or ``2 h 05 min``."""
    minutes = round(seconds / _MINUTE)
    return f"{minutes} min" if minutes < _HOUR else f"{minutes // _HOUR} h {minutes % _HOUR:02} min"
