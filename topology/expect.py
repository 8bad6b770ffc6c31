"""What JSON has to look like, with errors that name the place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..grammar.idset import IdSet


def sort_disjoint(found: list[tuple[int, int, int, int]], place: str) -> None:
    """Sort runs (first, last, entry, what they have) and refuse a rank that stands in two of them."""
    found.sort()
    for (_, end, n, _), (start, _, m, _) in pairwise(found):
        if start <= end:
            raise ValueError(f"{place.format(max(n, m))}: rank {start} is in {place.format(min(n, m))} as well")


def intervals_of(text: object, place: str) -> Sequence[tuple[int, int]]:
    """Return the ids in an idset."""
    if not isinstance(text, str):
        raise ValueError(f"{place}: not an idset string")
    if text.isdecimal() and text.isascii() and len(text) < 10 and (text[0] != "0" or text == "0"):
        return ((int(text), int(text)),)
    try:
        return IdSet.parse(text).intervals
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def malformed(entry: object, place: str, *keys: str) -> ValueError:
    """Return the error for an entry that cannot be taken apart into these keys."""
    if not isinstance(entry, Mapping):
        return ValueError(f"{place}: not an object")
    missing = [key for key in keys if key not in entry]
    return ValueError(f"{place}: no {missing[0]!r}" if missing else f"{place}: not as RFC 20 and RFC 49 have it")


def mapping(value: object, place: str) -> Mapping[str, Any]:
    """Return a value that has to be an object."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{place}: {'missing' if value is None else 'not an object'}")
    return value


def array_of(value: object, place: str) -> Sequence[Any]:
    """Return a value that has to be an array."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{place}: {'missing' if value is None else 'not an array'}")
    return value


def short(value: object) -> str:
    """Return a value for a message."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        text = type(value).__name__
    return text if len(text) <= 40 else f"{text[:37]}..."
