"""What a node holds and what is free of it, in ids: the values that a pool's state is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .domain_state import Used
from .node_classes import Packed


class SlotHolding(NamedTuple):
    """What a slot, or the part of one on a node, holds.

    Attributes
    ----------
    label
        The slot's.
    cores, gpus
        Bitmasks of node-local ids.
    used
        Amounts, by domain.
    outside
        Amounts of groups above the node.
    whole
        Whether the slot has no other node.
    beyond
        The domains, by index, that it touches for their amounts alone.
    """

    label: str
    cores: int
    gpus: int
    used: Used = ()
    outside: tuple[tuple[str, int], ...] = ()
    whole: bool = True
    beyond: tuple[int, ...] = ()


class NodeHolding(NamedTuple):
    """What some nodes hold, each the same.

    Attributes
    ----------
    packed
        The nodes.
    cores, gpus
        Bitmasks of node-local ids: all that the job holds on each, in slots or not.
    used
        Amounts, by domain.
    slots
        The slots on each.
    held, outside
        Of the amounts, what belongs to no slot: of the node's own, by domain, and of groups above.
    """

    packed: Packed
    cores: int
    gpus: int
    used: Used = ()
    slots: tuple[SlotHolding, ...] = ()
    held: Used = ()
    outside: tuple[tuple[str, int], ...] = ()

    @property
    def nodes(self) -> int:
        """Bitmask of the nodes' positions."""
        return self.packed.mask


class NodeFree(NamedTuple):
    """What is free of a node: bitmasks of ids, and the amounts that jobs hold."""

    cores: int
    gpus: int
    used: Used = ()


def plus(used: Used, more: Used) -> Used:
    """Return the sum of two tables of amounts."""
    return _sum(used, more, 1)


def minus(used: Used, less: Used) -> Used:
    """Return the difference of two tables of amounts, nothing below zero."""
    return _sum(used, less, -1)


def _sum(one: Used, other: Sequence[tuple[int, str, int]], sign: int) -> Used:
    if not other:
        return one
    total = {(index, name): amount for index, name, amount in one}
    for index, name, amount in other:
        total[index, name] = total.get((index, name), 0) + sign * amount
    return tuple((index, name, amount) for (index, name), amount in sorted(total.items()) if amount > 0)
