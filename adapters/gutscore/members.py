"""The members of a configuration or of a serialized set, checked one by one: errors say which is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...grammar.errors import excerpt, shown
from ...grammar.json_text import read_json
from ...grammar.slurm_gres import Gres, parse_gres
from ...grammar.slurm_time import parse_slurm_time
from ...topology.expect import array_of, mapping, short

SERIALIZED: Final = "serialized resource set"
MAX_GROUP: Final = 2**31 - 1
GPU: Final = "gpu"


def serialized(text: str) -> Mapping[str, Any]:
    """Return the members of a serialized set; what they are is not looked at.

    Raises
    ------
    ValueError
        The text is no JSON object.
    """
    return mapping(read_json(text, SERIALIZED), SERIALIZED)


def group_of(found: Mapping[str, Any]) -> int:
    """Return the number of the worker group that a serialized set is for.

    Raises
    ------
    ValueError
        It has none.
    """
    if "wgroup_id" not in found:
        raise ValueError(f"{SERIALIZED}: wgroup_id: missing")
    return whole("wgroup_id", found["wgroup_id"], 0, MAX_GROUP)


def whole(name: str, value: object, least: int, most: int) -> int:
    """Return a whole number within bounds, both included."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name}: {short(value)} is not a whole number from {least} to {most}")
    return value


def flag(name: str, value: object) -> bool:
    """Return a value that has to be true or false, as which 1 and 0 go too."""
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ValueError(f"{name}: {short(value)} is neither true nor false")


def word(name: str, value: object) -> str:
    """Return text that another program can be given: without a NUL, and such as can be encoded."""
    if not isinstance(value, str) or "\0" in value or not _encodes(value):
        raise ValueError(f"{name}: {short(value)} is no text that the operating system takes")
    return value


def optional_word(name: str, value: object) -> str | None:
    """Return text as `word` does; None for no value and for the empty text."""
    return None if value in (None, "") else word(name, value)


def words(name: str, value: object) -> list[str]:
    """Return a list of texts, none for no value."""
    return [] if value is None else [word(f"{name}[{n}]", each) for n, each in enumerate(array_of(value, name))]


def table(name: str, value: object) -> Mapping[Any, Any]:
    """Return a table, an empty one for no value."""
    return {} if value is None else mapping(value, name)


def slurm_seconds(name: str, value: object) -> int | None:
    """Return the seconds of a time in Slurm's forms, None for one without a limit."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"{name}: {short(value)} is no time of Slurm's")
    try:
        return parse_slurm_time(value if isinstance(value, str) else short(value))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def one_gpu_gres(name: str, value: object) -> Gres:
    """Return the GPUs that a number or Slurm's words stand for: 2, "2", "a100:2" or "gpu:a100:2"."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{name}: {short(value)} is not one kind of GPU")
    text = value if isinstance(value, str) else short(value)
    try:
        found = parse_gres(text if text.split(":")[0] == GPU else f"{GPU}:{text}")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if len(found) != 1 or found[0].name != GPU:
        raise ValueError(f"{name}: {shown(value)} is not one kind of GPU")
    return found[0]


def named(text: str) -> str:
    """Return a name for a message: as it is, or quoted and escaped where it would not show as one word of text."""
    return text if text.isprintable() and len(text) <= 200 else excerpt(text)


def _encodes(text: str) -> bool:
    try:
        # What the operating system's own names hold beside UTF-8 comes as lone surrogates, and goes so again.
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True
