"""Symmetry classes: which nodes are in which state, for nodes that are up.

What a node can do depends on its state alone, so everything is decided on classes, and the time of a decision goes
with how many states there are and not with how many nodes. They are kept up on every change of a node, in a persistent
map, so that copying costs nothing. Nodes are bits of a mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import immutables

from ...grammar.bits import lowest_bit, only_bit
from ...topology.masks import mask_of_runs, merge_runs, positions_of
from .domain_state import DomainState

Classes = immutables.Map[DomainState, int]
"""For each state the bitmask of the positions of its nodes, never empty."""

_FEW = 8
"""Bits up to which it is faster to take them one by one from a mask than to go through all of it."""


class Packed(NamedTuple):
    """Some nodes, in the space that lies between the first and the last of them: what is kept for every job.

    Attributes
    ----------
    first
        The lowest position; 0 for no nodes.
    bits
        Bitmask of the positions, counted from the first.
    """

    first: int
    bits: int

    @classmethod
    def of(cls, nodes: int) -> Packed:
        """Return the nodes of a bitmask of positions."""
        only = only_bit(nodes)
        if only is not None:
            return cls(only, 1)
        first = max(0, lowest_bit(nodes).bit_length() - 1)
        return cls(first, nodes >> first)

    @property
    def mask(self) -> int:
        """Bitmask of the positions."""
        return self.bits << self.first


def moved(
    classes: immutables.MapMutation[DomainState, int], before: DomainState | None, after: DomainState | None, nodes: int
) -> None:
    """Move nodes (a bitmask of positions) from one class to another; None is no class: nodes that are down."""
    if before is not None:
        left = classes[before] ^ nodes
        if left:
            classes[before] = left
        else:
            del classes[before]
    if after is not None:
        there = classes.get(after)
        classes[after] = nodes if there is None else there | nodes


def bits(mask: int) -> Iterator[int]:
    """Yield the positions in a bitmask, lowest first."""
    only = only_bit(mask)
    if only is not None:
        yield only
        return
    for _ in range(_FEW):
        if not mask:
            return
        low = lowest_bit(mask)
        yield low.bit_length() - 1
        mask ^= low
    yield from positions_of(mask)


def mask_of(positions: Iterable[int]) -> int:
    """Return the bitmask of some positions, in any order."""
    runs = merge_runs((position, position) for position in sorted(positions))
    return mask_of_runs(runs) if runs else 0


def lowest(mask: int, count: int) -> int:
    """Return the lowest so many bits of a mask; all of one that has not as many."""
    if count < 1 or not mask:
        return 0
    low = lowest_bit(mask)
    if count == 1:
        return low
    shift = low.bit_length() - 1
    run = (1 << count) - 1
    if (mask >> shift) & run == run:
        return run << shift
    if count <= _FEW:
        return _few_lowest(mask, count)
    if mask.bit_count() <= count:
        return mask
    # Halving the part that is looked at, so that all of it is gone through about twice.
    part, base, width, left = mask, 0, mask.bit_length(), count
    while width > 64:
        half = width // 2
        low = part & ((1 << half) - 1)
        below = low.bit_count()
        if below >= left:
            part, width = low, half
        else:
            part >>= half
            base, width, left = base + half, width - half, left - below
    for _ in range(left - 1):
        part &= part - 1
    end = base + (part & -part).bit_length()
    return mask & ((1 << end) - 1)


def _few_lowest(mask: int, count: int) -> int:
    chosen = 0
    for _ in range(count):
        low = lowest_bit(mask)
        chosen |= low
        mask ^= low
    return chosen
