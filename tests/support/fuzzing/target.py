"""What a fuzzed reader is, for those that list them and those that put text to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes
    ----------
    read
        Takes text; raises what it documents and nothing else.
    samples
        Texts that it accepts.
    signs
        What the text is made of, for those that make text up.
    refuses
        What it documents that it raises.
    may
        Audit events that belong to it, beginning like this.
    """

    read: Callable[[str], object]
    samples: Callable[[], tuple[str, ...]]
    signs: str
    refuses: tuple[type[Exception], ...] = (ValueError,)
    may: tuple[str, ...] = ()


def json_value(text: str) -> Any:
    """Return the value of JSON text; what is none is nobody's concern here."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply for Python's own reader") from None


def words(*texts: str) -> Callable[[], tuple[str, ...]]:
    """Return what gives these samples."""
    return lambda: texts
