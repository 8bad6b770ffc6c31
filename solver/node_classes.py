"""Which nodes are in which state: nodes that are up, in classes of equal normal form.

What a node can do depends on its state alone, so everything is decided on classes. They are kept up on every change
of a node, in a persistent map, so that copying costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import immutables

from .domain_state import DomainState

Classes = immutables.Map[DomainState, int]
"""For each state the bitmask of the positions of its nodes, never empty."""


def moved(
    classes: immutables.MapMutation[DomainState, int], before: DomainState | None, after: DomainState | None, nodes: int
) -> None:
    """Move nodes (a bitmask of positions) from one class to another; None is no class: nodes that are down."""
    if before is not None:
        left = classes[before] & ~nodes
        if left:
            classes[before] = left
        else:
            del classes[before]
    if after is not None:
        classes[after] = classes.get(after, 0) | nodes


def bits(mask: int) -> Iterator[int]:
    """Yield the positions in a bitmask, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def lowest(mask: int, count: int) -> int:
    """Return the lowest so many bits of a mask that has at least as many."""
    if mask.bit_count() <= count:
        return mask
    low, high = 0, mask.bit_length()
    while low < high:
        middle = (low + high) // 2
        if (mask & ((1 << middle) - 1)).bit_count() < count:
            low = middle + 1
        else:
            high = middle
    return mask & ((1 << low) - 1)
