"""Vectors of counts as integers, with a field for each count and a spare bit above it.

Adding vectors is adding integers, and one subtraction tells of all counts at once whether there is enough: a spare bit
that it takes away says where there is not. The fields are as wide as the largest counts need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Packed = int
"""A vector, the first count lowest."""


@dataclass(frozen=True)
class Fields:
    """Where the fields are.

    Attributes
    ----------
    shifts
        The lowest bit of each.
    spare
        The bits above them.
    """

    shifts: tuple[int, ...]
    spare: Packed

    @classmethod
    def up_to(cls, most: Sequence[int]) -> Fields:
        """Return fields for counts up to these."""
        shifts: list[int] = []
        spare = at = 0
        for n in most:
            shifts.append(at)
            at += n.bit_length() + 1
            spare |= 1 << (at - 1)
        return cls(tuple(shifts), spare)

    def pack(self, vector: Sequence[int]) -> Packed:
        """Return a vector as an integer."""
        return sum([n << shift for n, shift in zip(vector, self.shifts, strict=True)])
