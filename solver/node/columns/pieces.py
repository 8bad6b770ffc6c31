"""Slots with more GPUs than any domain has, as pieces that are slots of their own.

Such a slot is torn in any case, and best so that its cores stand with its GPUs. Where pieces with an equal part of both
are placed for themselves, slots are put together from them again. That is one way to place them, and mostly a good one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..construction import SlotKind
from ..dealing import Dealt
from ..pricing import Shares
from .forest import Forest


def pieces_of(kinds: Sequence[SlotKind], forest: Forest) -> list[list[SlotKind]] | None:
    """Return for each kind its pieces, itself where it need not be torn; None where none has to be."""
    most = max((*(leaf.gpus for leaf in forest.leaves), *(branch.gpus for branch in forest.branches)))
    pieces = [_pieces(kind, most) for kind in kinds]
    return pieces if most and any(len(some) > 1 for some in pieces) else None


def _pieces(kind: SlotKind, most: int) -> list[SlotKind]:
    number = -(-kind.gpus // most) if most else 1
    if number < 2 or kind.cores < number:
        return [kind]
    gpus = [kind.gpus * (i + 1) // number - kind.gpus * i // number for i in range(number)]
    ends = [kind.cores * sum(gpus[: i + 1]) // kind.gpus for i in range(number)]
    return [
        replace(kind, cores=end - start, gpus=some)
        for some, start, end in zip(gpus, [0, *ends[:-1]], ends, strict=True)
    ]


def joined(dealt: Dealt, pieces: Sequence[Sequence[SlotKind]]) -> Dealt | None:
    """Return slots put together from pieces, in their order; None where a node has not as many of each.

    Parameters
    ----------
    dealt
        For each node and each piece of each kind, what these take.
    """
    found: Dealt = []
    for node in dealt:
        left = [sorted(some) for some in node]
        slots: list[list[Shares]] = []
        at = 0
        for some in pieces:
            parts = left[at : at + len(some)]
            at += len(some)
            if len({len(part) for part in parts}) > 1:
                return None
            slots.append([tuple(sorted(share for part in slot for share in part)) for slot in zip(*parts, strict=True)])
        found.append(slots)
    return found
