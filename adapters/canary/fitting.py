"""Items of one type on the instances of that type in one node, exactly.

What is best, in this order: no item torn over several instances; the items of one request on different instances (a
test of two GPUs wants two); instances that are wholly free left alone; the fullest instances that will do; the first.
The most common requests have all items alike and are decided without a search, and so is every request whose items
can all be on different instances. What is left (items of several sizes that have to share) is a model.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

from .fitting_model import shared_out, torn_apart
from .needs import Amount

Pick = tuple[tuple[int, Amount], ...]
"""The instances, by index, that one item takes slots of: one, unless it is torn."""


@dataclass(frozen=True, slots=True)
class Instances:
    """The instances of a type in one node.

    Attributes
    ----------
    free
        Slots that are free, of each.
    full
        Slots that each has when nobody holds any.
    """

    free: tuple[Amount, ...]
    full: tuple[Amount, ...]

    def only(self, indexes: frozenset[int]) -> Instances:
        """Return the same with nothing free but in some."""
        return Instances(tuple(free if i in indexes else 0 for i, free in enumerate(self.free)), self.full)

    def weight(self, index: int) -> tuple[bool, Amount, int]:
        """Return by what instances are compared: the least is the best to take from."""
        return self.free[index] == self.full[index], self.free[index], index


@dataclass(frozen=True, slots=True)
class Fit:
    """How items are placed, and how good that is: each number is better when lower.

    Attributes
    ----------
    torn
        Pieces beyond one for each item.
    shared
        Pieces that are not alone on their instance, beyond the first there.
    opened
        Instances touched that were wholly free.
    picks
        For each item.
    """

    torn: int
    shared: int
    opened: int
    picks: tuple[Pick, ...]


def fit(sizes: Sequence[Amount], whole: Sequence[bool], instances: Instances) -> Fit | None:
    """Return the best placement of items; None when there is none.

    Parameters
    ----------
    sizes
        Slots of each item, not negative.
    whole
        Whether each item must not be torn.
    """
    asked = [i for i, size in enumerate(sizes) if size]
    if not asked:
        return Fit(0, 0, 0, ((),) * len(sizes))
    wanted = [sizes[i] for i in asked]
    if sum(wanted) > sum(instances.free):
        return None
    picks = _apart(wanted, instances)
    if picks is None and min(wanted) == max(wanted):
        picks = _equal_shared(wanted[0], len(wanted), instances)
    if picks is None and all(slots in (0, 1) for slots in instances.free) and all(n.denominator == 1 for n in wanted):
        picks = _one_slot_each(wanted, [whole[i] for i in asked], instances)
        if picks is None:
            return None
    if picks is None:
        picks = shared_out(wanted, instances.free, instances.full)
    if picks is None:
        picks = torn_apart(wanted, [whole[i] for i in asked], instances.free, instances.full)
    if picks is None:
        return None
    placed: list[Pick] = [()] * len(sizes)
    for item, pick in zip(asked, picks, strict=True):
        placed[item] = pick
    pieces = [index for pick in picks for index, _ in pick]
    touched = set(pieces)
    opened = sum(instances.free[index] == instances.full[index] for index in touched)
    return Fit(len(pieces) - len(picks), len(pieces) - len(touched), opened, tuple(placed))


def _apart(sizes: list[Amount], instances: Instances) -> list[Pick] | None:
    """Place every item on an instance of its own; None when that is impossible.

    Notes
    -----
    Sets of instances that can be matched to items form a matroid, so taking the lightest instance that still leaves a
    matching, again and again, ends with the lightest set. An instance serves all items up to its free slots, so a
    set can be matched when its k-th smallest instance holds the k-th smallest item, counted from the top.
    """
    ordered = sorted(sizes)
    count = len(ordered)
    free = instances.free
    candidates = sorted((i for i in range(len(free)) if free[i] >= ordered[0]), key=instances.weight)
    if len(candidates) < count:
        return None
    if ordered[0] == ordered[-1]:
        return [((index, sizes[0]),) for index in sorted(candidates[:count])]
    chosen: list[tuple[Amount, int]] = []
    for index in candidates:
        insort(chosen, (free[index], index))
        if not _matches(chosen, ordered):
            del chosen[bisect_left(chosen, (free[index], index))]
        elif len(chosen) == count:
            break
    if len(chosen) < count:
        return None
    picks: list[Pick] = [()] * count
    for item, (_, index) in zip(sorted(range(count), key=lambda i: sizes[i]), chosen, strict=True):
        picks[item] = ((index, sizes[item]),)
    return picks


def _matches(chosen: list[tuple[Amount, int]], ordered: list[Amount]) -> bool:
    """Tell whether as many items can have one of the chosen instances each, the smallest items that are."""
    return all(free >= size for (free, _), size in zip(chosen, ordered, strict=False))


def _one_slot_each(sizes: list[Amount], whole: list[bool], instances: Instances) -> list[Pick] | None:
    """Place items of whole slots on instances of one: every slot is a piece, so nothing can be done about tearing."""
    if any(size > 1 for size, stays in zip(sizes, whole, strict=True) if stays):
        return None
    chosen = iter(
        sorted(sorted((i for i, slots in enumerate(instances.free) if slots), key=instances.weight)[: int(sum(sizes))])
    )
    return [tuple((next(chosen), 1) for _ in range(int(size))) for size in sizes]


def _equal_shared(size: Amount, count: int, instances: Instances) -> list[Pick] | None:
    """Place equal items that outnumber the instances: one on each that holds any, the others on the fullest."""
    room = {i: free // size for i, free in enumerate(instances.free) if free >= size}
    if sum(room.values()) < count:
        return None
    given = dict.fromkeys(room, 1)
    left = count - len(room)
    for index in sorted(room, key=instances.weight):
        more = min(left, int(room[index]) - 1)
        given[index] += more
        left -= more
    return [((index, size),) for index in sorted(given) for _ in range(given[index])]
