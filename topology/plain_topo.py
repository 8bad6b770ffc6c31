"""The tree of a node whose `topo` object is as nearly all are: nested levels, with ids, and nothing to be put right.

Large machines whose nodes all differ have as many trees as nodes. Where domains that stand side by side have nothing
in common, no level stands in itself and every domain has an id, what is listed is the tree (`nesting` would leave it
as it is); then one pass makes it. What is in any way else is left to the careful way, which also says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

MAX_DEPTH = 16
"""Levels beyond which a tree is not plain."""

_NOTHING: dict[str, Fraction] = {}

Listed = tuple[str, int, int, int, int, dict[str, Fraction], bool]
"""Level, n-th of it, place of the domain around, cores and GPUs as bitmasks, amounts, whether a part: of a domain."""


class NotPlain(Exception):  # noqa: N818  # it is an outcome, no error
    """The object has to be read with care."""


def read_plain(topo: object, root_level: str, read_ids: Callable[[object], int], names: frozenset[str]) -> list[Listed]:
    """Return the domains of a plain object, in pre-order, the root first.

    Parameters
    ----------
    root_level
        The level of the object itself.
    read_ids
        Reads the ids of a domain; ValueError where they are none.
    names
        What is neither the name of a level nor of an amount.

    Raises
    ------
    NotPlain
        When the object may not be what its tree is.
    """
    found: list[Any] = []
    count: dict[str, int] = {}

    def walk(value: object, level: str, parent: int, around: tuple[str, ...]) -> tuple[int, int]:
        if type(value) is not dict or level in around or len(around) > MAX_DEPTH:
            raise NotPlain
        here, number = len(found), count.get(level, 0)
        count[level] = number + 1
        found.append(None)
        cores = gpus = own_cores = own_gpus = 0
        amounts: dict[str, Fraction] = _NOTHING
        for key, item in value.items():
            if key == "cores":
                own_cores = read_ids(item)
            elif key == "gpus":
                own_gpus = read_ids(item)
            elif key in names or type(key) is not str or not key.isprintable():
                raise NotPlain
            elif type(item) is list and key != "memory":
                inside = (*around, level)
                for child in item:
                    some_cores, some_gpus = walk(child, key, here, inside)
                    if some_cores & cores or some_gpus & gpus:
                        raise NotPlain
                    cores |= some_cores
                    gpus |= some_gpus
            else:
                amounts = {**amounts, key: _whole(item)}
        cores |= own_cores
        gpus |= own_gpus
        if parent >= 0 and not (cores or gpus):
            raise NotPlain
        found[here] = (level, number, parent, cores, gpus, amounts, False)
        return cores, gpus

    try:
        walk(topo, root_level, -1, ())
    except ValueError:
        raise NotPlain from None
    return found


def _whole(item: object) -> Fraction:
    if type(item) is int and 0 <= item < 1 << 53:
        return Fraction(item)
    raise NotPlain
