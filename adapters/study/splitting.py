"""How few domains of one level equal slots can touch, given what a job holds of each domain of a node.

A domain is a pile of cores and gpus. Slots that one pile can hold are put into it, as many as it can; the others are
put together from what is left. That is a transport from piles that have cores over to slots that lack some: with as few
edges as can be it is a forest, whose trees are groups in which what is over is what is lacking. So the fewest edges are
the piles and slots that take part, less the most groups into which they can be cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

Pile = tuple[int, int]
"""Cores and gpus that the job holds of a domain."""

_MOST_ITEMS = 12
"""Of a cut into groups by trying all subsets; with more, only pairs are looked for."""


def in_one(piles: Sequence[Pile], cores: int, gpus: int, slots: int) -> int:
    """Return how many of so many slots can each stand in one pile.

    Parameters
    ----------
    piles
        What there is of each.
    cores, gpus
        Of each slot.
    slots
        That there are.
    """
    return min(slots, sum(_room(pile, cores, gpus) for pile in piles))


@lru_cache(maxsize=2**14)
def touched(piles: tuple[Pile, ...], cores: int, gpus: int, slots: int) -> int:
    """Return how many piles the slots touch, added up, when they touch as few as can be.

    Parameters
    ----------
    piles
        In any order; the answer is kept for each order.
    cores, gpus
        Of each slot.
    slots
        That there are, no more than the piles give.

    Notes
    -----
    It is the fewest where slots have cores or gpus alone and need all there is. Where they have both, what the gpus of
    a pile lack in cores may be shared out in other ways too; what is found is at most a touch or two more.
    """
    left, whole = list(piles), 0
    for place, pile in enumerate(piles):
        times = min(_room(pile, cores, gpus), slots - whole)
        whole += times
        left[place] = pile[0] - times * cores, pile[1] - times * gpus
    torn = slots - whole
    if not torn:
        return whole
    exact = sum(c for c, _ in left) == torn * cores and sum(g for _, g in left) == torn * gpus
    if not exact or (cores and gpus and any(g % gpus for _, g in left)):
        return whole + _filled(left, cores, gpus, torn)
    if not cores or not gpus:
        over = [c or g for c, g in left if c or g]
        return whole + _edges(over, [cores or gpus] * torn)
    # Every torn slot has its gpus in one pile, and as many as can be there find all their cores but those of the last.
    over, lacking, at_home = [], [], 0
    for have, homes in ((c, g // gpus) for c, g in left):
        own = min(homes, -(-have // cores))
        at_home += homes
        lack = homes * cores - have
        if lack > 0:
            lacking += [cores] * (homes - own) + ([lack - (homes - own) * cores] if own and own * cores > have else [])
        elif lack < 0:
            over.append(-lack)
    return whole + at_home + _edges(over, lacking)


def _room(pile: Pile, cores: int, gpus: int) -> int:
    return min(have // need for have, need in zip(pile, (cores, gpus), strict=True) if need)


def _edges(over: Sequence[int], lacking: Sequence[int]) -> int:
    """Return the fewest edges by which what is over can go where it is lacking; the sums are equal."""
    rest, pairs = list(over), 0
    short = []
    for lack in lacking:
        if lack in rest:
            rest.remove(lack)
            pairs += 1
        else:
            short.append(lack)
    if not short:
        return pairs
    return pairs + len(rest) + len(short) - _groups(rest, short)


def _groups(over: Sequence[int], lacking: Sequence[int]) -> int:
    """Return into how many groups these can be cut, each with as much over as it lacks."""
    each = lacking[0]
    # Slots that lack the same are no matter of choice: a group is one whose sum is a multiple of that.
    alike = all(lack == each for lack in lacking)
    items = list(over) if alike else [*over, *(-lack for lack in lacking)]
    if len(items) > _MOST_ITEMS:
        return 1
    sums = [0] * (1 << len(items))
    most = [0] * (1 << len(items))
    for some in range(1, 1 << len(items)):
        low = some & -some
        sums[some] = sums[some ^ low] + items[low.bit_length() - 1]
        closes = sums[some] % each == 0 if alike else sums[some] == 0
        without = (most[some ^ 1 << place] for place in range(len(items)) if some >> place & 1)
        most[some] = max(without) + closes
    return most[-1]


def _filled(left: Sequence[Pile], cores: int, gpus: int, slots: int) -> int:
    """Fill slots one after the other, gpus first, from the piles with most; return the piles that they touch."""
    piles = [list(pile) for pile in left]
    found = 0
    for _ in range(slots):
        mine: set[int] = set()
        for kind, number in ((1, gpus), (0, cores)):
            need = number
            for place in sorted(range(len(piles)), key=lambda i: (i not in mine, -piles[i][kind])):
                some = min(need, piles[place][kind])
                if some:
                    piles[place][kind] -= some
                    need -= some
                    mine.add(place)
        found += len(mine)
    return found
