"""JSON text from outside: what RFC 8259 does not have, or leaves open, is refused with the place that it stands in."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn


def read_json(text: str | bytes, place: str, *, strict: bool = True) -> Any:
    """Return the value that a JSON text stands for.

    Parameters
    ----------
    place
        What the text is, for messages.
    strict
        False takes numbers that are none (NaN, Infinity), and of a member that stands twice the last, as Python does.

    Raises
    ------
    ValueError
        It is no JSON, names a member of an object twice, has a number that is none (NaN, Infinity) or one of thousands
        of digits, or is nested too deeply.
    """
    if not isinstance(text, (str, bytes)):
        raise ValueError(f"{place}: not text")
    hooks: dict[str, Any] = {"parse_constant": no_constant, "object_pairs_hook": distinct} if strict else {}
    try:
        return json.loads(text, **hooks)
    except RecursionError:
        raise ValueError(f"{place}: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{place}: not JSON: {error}") from None


def no_constant(text: str) -> NoReturn:
    """Refuse NaN and Infinity: a `parse_constant` for Python's reader."""
    raise ValueError(f"{text} is no JSON number")


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose members have different names: an `object_pairs_hook` for Python's reader."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twice[:60]!r} is given twice in one object")
    return found
