"""What a name that nobody knows may have been meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .errors import printable

_OTHER_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "core": ("cpu", "processor", "pu", "thread"),
    "gpu": ("accelerator", "gcd", "graphics"),
    "memory": ("mem", "ram"),
    "storage": ("disk", "ssd", "nvme", "scratch"),
    "socket": ("package",),
    "numa": ("numanode", "domain"),
    "node": ("host", "machine", "server"),
    "slot": ("task",),
}
"""Words that other programs have for what a known name stands for."""

_MOST_NAMED: Final = 12
_LONGEST: Final = 40


def meant(name: str, known: Iterable[str]) -> str:
    """Return the known name that is nearest to another; empty where none is near.

    Parameters
    ----------
    name
        As it was written: its case, and whether it is in the plural, do not matter.
    """
    names = sorted(known)
    plain = name[:_LONGEST].lower().replace("-", "_")
    spellings = {plain, plain.removesuffix("s"), plain.removesuffix("es")}
    for one in names:
        if one.lower().replace("-", "_") in spellings or spellings.intersection(_OTHER_WORDS.get(one, ())):
            return one
    return next(iter(difflib.get_close_matches(plain, names, 1)), "")


def hint(name: str, known: Sequence[str], there: str = "there are") -> str:
    """Return what to add to a message about an unknown name: what may have been meant, and what there is.

    Parameters
    ----------
    known
        The names that there are, in the order in which they are listed; a long list is cut, with a count.
    there
        The words before the list.
    """
    near = meant(name, known)
    asked = f" (is {printable(near)} meant?)" if near else ""
    if not known:
        return asked
    shown = [printable(one) for one in known[:_MOST_NAMED]]
    more = len(known) - len(shown)
    return f"{asked}: {there} {', '.join(shown)}{f' and {more} more' if more else ''}"
