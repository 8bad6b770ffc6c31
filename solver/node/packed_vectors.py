"""Small vectors of counts as integers: a field of `FIELD` bits for each, whose highest bit is spare.

Vectors are added by adding the integers, and compared field by field by one subtraction.
"""

from __future__ import annotations

from collections.abc import Sequence

Packed = int
"""A vector, the first count lowest."""

FIELD = 9
"""Bits of a count, the spare one among them."""

MOST = (1 << FIELD - 1) - 1
"""The largest count."""


def packed(counts: Sequence[int]) -> Packed:
    """Return a vector as an integer; each count is at most `MOST`."""
    vector = 0
    for count in reversed(counts):
        vector = vector << FIELD | count
    return vector


def numbers(vector: Packed, length: int) -> tuple[int, ...]:
    """Return the counts of a vector of so many."""
    return tuple(vector >> FIELD * i & MOST for i in range(length))


def spare_bits(length: int) -> int:
    """Return the spare bits of vectors of so many counts."""
    return sum(1 << FIELD * i + FIELD - 1 for i in range(length))


def fits(vector: Packed, limits: Packed, spare: int) -> bool:
    """Tell whether no count of a vector is above its limit."""
    return ((limits | spare) - vector) & spare == spare
