"""Read nested objects as RFC 49 `topo` and `scheduling.groups` write them: lists of objects under level names.

Both forms share everything but their leaves (`cores` and `gpus` there, `ranks` here), and either may carry countable
resources under any other name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from ..grammar.errors import shown
from ..grammar.unit import gib
from .nesting import Vertex

MAX_DEPTH = 64
MAX_AMOUNT = 2**63 - 1
_MIB_PER_GIB = 1024

# A level of one of these names could not be told from what a jobspec or an R means by it.
RESERVED = frozenset({"node", "slot", "core", "cores", "gpu", "gpus", "ranks", "memory", "storage", ""})

ReadIds = Callable[[str, object, str], int]
"""(key, value, place) -> the bitmask that a key of the leaves lists."""


def read_listing(
    root: object, place: str, *, root_level: str, id_keys: frozenset[str], read_ids: ReadIds, limit: int
) -> list[Vertex]:
    """Return the domains of a nested object in pre-order, the root first.

    Parameters
    ----------
    root : the object.
    place : where it stands in the input, for messages.
    root_level : the level of the object itself.
    id_keys : the keys that list ids rather than levels or amounts.
    read_ids : reads the value of such a key.
    limit : the highest number of objects.

    Raises
    ------
    ValueError
        The object is not of this form, too deep or too large; the message names the place.
    """
    vertices: list[Vertex] = []
    pending: list[tuple[object, str, str, int, int]] = [(root, place, root_level, -1, 0)]
    while pending:
        value, where, level, parent, depth = pending.pop()
        if not isinstance(value, Mapping):
            raise ValueError(f"{where}: {_kind(value)}, not an object")
        if depth > MAX_DEPTH:
            raise ValueError(f"{where}: more than {MAX_DEPTH} levels")
        vertex = Vertex(level, parent)
        vertices.append(vertex)
        below: list[tuple[object, str, str, int, int]] = []
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{where}: {_kind(key)} as a key")
            if not key.isprintable():
                raise ValueError(f"{where}: {shown(key)} has characters that do not show, which no name may have")
            inner = f"{where}.{key}"
            if key in id_keys:
                vertex.ids |= read_ids(key, item, inner)
            elif isinstance(item, list) and key != "storage":
                if key in RESERVED or key == root_level:
                    raise ValueError(f"{inner}: a level cannot have this name")
                here = len(vertices) - 1
                below.extend((child, f"{inner}[{n}]", key, here, depth + 1) for n, child in enumerate(item))
            else:
                vertex.amounts[key] = _amount(key, item, inner)
                vertex.listed = {**vertex.listed, key: item}
        pending.extend(reversed(below))
        if len(vertices) + len(pending) > limit:
            raise ValueError(f"{where}: more than {limit} domains")
    return vertices


def _amount(key: str, item: object, place: str) -> Fraction:
    if key == "storage" and isinstance(item, list):
        return sum((_storage(device, f"{place}[{n}]") for n, device in enumerate(item)), Fraction(0))
    if key in ("cores", "gpus", "ranks"):
        raise ValueError(f"{place}: not allowed here")
    amount = _number(item, place)
    if key == "memory":
        if _MIB_PER_GIB % amount.denominator:
            raise ValueError(f"{place}: {item!r} is no whole number of MiB")
    elif key != "storage" and amount.denominator != 1:
        raise ValueError(f"{place}: {item!r} is not an integer")
    return amount


def _storage(device: object, place: str) -> Fraction:
    """Return the GiB of one device of RFC 49 `storage`."""
    if not isinstance(device, Mapping):
        raise ValueError(f"{place}: {_kind(device)}, not an object")
    if "capacity" not in device:
        raise ValueError(f"{place}: no capacity")
    unit = device.get("unit")
    if unit is not None and not isinstance(unit, str):
        raise ValueError(f"{place}.unit: {_kind(unit)}, not a string")
    capacity = _number(device["capacity"], f"{place}.capacity")
    try:
        return Fraction(gib(capacity, unit))
    except ValueError as error:
        raise ValueError(f"{place}.unit: {error}") from None


def _number(item: object, place: str) -> Fraction:
    if isinstance(item, bool) or not isinstance(item, (int, float)):
        raise ValueError(f"{place}: {_kind(item)}, not a number")
    if not 0 <= item <= MAX_AMOUNT:  # also false for NaN
        raise ValueError(f"{place}: not between 0 and 2^63 - 1")
    # Through its text, 0.1 is a tenth and not the binary fraction next to it.
    return Fraction(item) if isinstance(item, int) else Fraction(repr(item))


_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}


def _kind(value: object) -> str:
    return "null" if value is None else _KINDS.get(type(value), type(value).__name__)
