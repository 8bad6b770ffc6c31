"""What a test asks of one node: items, each so many slots of one type, in exact numbers.

canary's requests are lists of ``{"type": ..., "slots": ...}``. An item is meant for one instance of its type (one GPU,
say). One that is marked ``"whole": True``, as those of CTest's resource groups are, is never torn over several.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from ...topology.expect import short

Amount: TypeAlias = "int | Fraction"
"""A number of slots, exact: canary allows fractions of a slot."""

NODE_TYPES = ("node", "nodes")
"""Types of items that say how many nodes, and are no resource of a node."""


class NeedError(ValueError):
    """A number of slots that nobody can give: a negative one, one out of bounds, or no number."""


class Need(NamedTuple):
    """One item."""

    type: str
    slots: Amount
    whole: bool = False
    """Never to be torn over several instances."""


class NodeNeeds(NamedTuple):
    """What is asked of one node."""

    items: tuple[Need, ...]
    exclusive: bool = False
    """Whether the node has to be free, and is taken with all that it has."""


GRAIN = 10**9
"""Parts of a slot: what is finer is cut off, so that thirds come back as they were given, and sums stay exact."""

MOST_SLOTS = 10**6
"""Of one item."""


def amount(value: object) -> Amount:
    """Return a number of slots: 0.1 is a tenth, and a third is a third of `GRAIN` parts.

    Raises
    ------
    NeedError
        For what is no finite number.
    """
    if type(value) is int:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction)) or not math.isfinite(value):
        raise NeedError(f"{short(value)} is no number of slots")
    parts = math.floor((value if isinstance(value, Fraction) else Fraction(str(value))) * GRAIN)
    exact = Fraction(parts, GRAIN)
    return exact.numerator if exact.denominator == 1 else exact


def shown(exact: Amount) -> int | float:
    """Return a number of slots as canary writes it."""
    return exact if isinstance(exact, int) else float(exact)


def parse_items(items: Sequence[Mapping[str, object]]) -> tuple[Need, ...]:
    """Return the items of one request.

    Raises
    ------
    NeedError
        For a number of slots that is negative, too small, too large or none, or an item that is no mapping with a type.
    """
    needs = []
    for item in items:
        try:
            name, slots = item["type"], amount(item.get("slots", 1))
        except (KeyError, TypeError, AttributeError):
            raise NeedError(f"{item!r} is no request for slots of a type") from None
        if slots < 0:
            raise NeedError(f"a request for {item['slots']} slots of {name}")
        if slots > MOST_SLOTS:
            raise NeedError(f"a request for {item['slots']} slots of {name}: more than {MOST_SLOTS}")
        if not slots and item.get("slots", 1):
            raise NeedError(f"a request for {item['slots']} slots of {name}: less than 1/{GRAIN}")
        needs.append(Need(str(name), slots, item.get("whole") is True))
    return tuple(needs)
