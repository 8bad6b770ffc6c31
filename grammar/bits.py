"""The lowest bits of long masks, in less time than arithmetic on the whole of a mask takes.

And, or, xor and shifts of Python's integers run at the speed of memory; negation, subtraction and counting of bits
take a hundred times as long, and a mask of 100,000 ranks is long.
"""

from __future__ import annotations

_SHORT = 2048
"""Bits up to which arithmetic is as fast."""


def lowest_bit(mask: int) -> int:
    """Return a mask of the lowest bit alone; 0 of 0."""
    width = mask.bit_length()
    if width <= _SHORT:
        return mask & -mask
    base = 0
    while width > _SHORT:
        half = width // 2
        low = mask & ((1 << half) - 1)
        if low:
            mask, width = low, half
        else:
            mask >>= half
            base += half
            width -= half
    return (mask & -mask) << base


def only_bit(mask: int) -> int | None:
    """Return the position of the one bit that is set; None when there is none or more than one."""
    position = mask.bit_length() - 1
    return position if mask and mask == 1 << position else None
