"""JSON text from outside: what RFC 8259 does not have, or leaves open, is refused with the place that it stands in."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from .errors import excerpt


def read_json(text: str | bytes, place: str) -> Any:
    """Return the value that a JSON text stands for.

    Parameters
    ----------
    place
        What the text is, for messages.

    Raises
    ------
    ValueError
        It is no JSON, names a member of an object twice, has a number that is none (NaN, Infinity) or one of thousands
        of digits, or is nested too deeply.
    """
    if not isinstance(text, (str, bytes)):
        raise ValueError(f"{place}: not text")
    try:
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_distinct)
    except RecursionError:
        raise ValueError(f"{place}: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{place}: not JSON: {error}") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise ValueError(f"the member {excerpt(twice)} stands twice in one object")
    return found
