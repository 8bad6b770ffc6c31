"""What slots of cores and GPUs count for standing apart: the term `share` on a node, or in a part of one.

A slot of `c` cores and `g` GPUs counts, at each level, for each domain in which it has `x` cores and `y` GPUs,
``max(0, g * x - c * y)``: its cores there beyond the share of its GPUs there, in units of one core divided by `g`, so
that all is whole numbers. What stands in no domain of a level counts as in one domain more. A slot whose GPUs all
stand further out than its cores, or the other way round, counts the same wherever these are: that is added where the
two part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from ..state.domain_state import DomainState

Held = Mapping[int, tuple[int, int]]
"""Cores and GPUs of a slot, by place."""

Bins: TypeAlias = tuple[tuple[int, int], ...]
"""What is free in each domain of a level, and in none of them: cores and GPUs, in order."""


def share_of_slot(
    units: Mapping[str, int], flat: Sequence[DomainState], above: Sequence[Sequence[int]], held: Held
) -> int:
    """Return what a slot counts, as a joint integer.

    Parameters
    ----------
    units
        The unit of each level's component.
    flat, above
        The domains, and for each place those of the domains that it is in, itself among them.
    """
    cores, gpus = sum(c for c, _ in held.values()), sum(g for _, g in held.values())
    if not (cores and gpus) or len(held) == 1:
        return 0
    inside: dict[tuple[str, int], list[int]] = {}
    for place, (some_cores, some_gpus) in held.items():
        missing = set(units)
        for at in above[place]:
            level = flat[at].level
            if level in units:
                missing.discard(level)
                _add(inside, (level, at), some_cores, some_gpus)
        for level in missing:
            _add(inside, (level, -1), some_cores, some_gpus)
    return sum(units[level] * max(0, gpus * x - cores * y) for (level, _), (x, y) in inside.items())


def _add(inside: dict[tuple[str, int], list[int]], key: tuple[str, int], cores: int, gpus: int) -> None:
    here = inside.setdefault(key, [0, 0])
    here[0] += cores
    here[1] += gpus


def least_share(bins: Sequence[tuple[int, int]], cores: int, gpus: int, count: int = 1) -> int:
    """Return what equal slots count at a level at the least, of which `bins` are as `Bins`, in any order.

    Notes
    -----
    Each slot counts at least what it would if it had the machine for itself, and all together at least what the GPUs
    that they need lack of cores beside them: what is too much in some domains is too little in others.
    """
    if not (cores and gpus and count):
        return 0
    one = 0
    if not any(free_cores >= cores and free_gpus >= gpus for free_cores, free_gpus in bins):
        # Of a domain a slot has no more than it takes, and without GPUs cores are as far there as anywhere: many are
        # alike.
        one = alone(tuple(sorted([(min(c, cores), min(g, gpus)) for c, g in bins if g])), cores, gpus)
    elif count == 1:
        return 0
    return max(count * one, _lacking(bins, cores, gpus, count))


@lru_cache(maxsize=10_000)
def alone(bins: Bins, cores: int, gpus: int) -> int:
    """Return what one slot counts at the least: by dynamic programming over the GPUs and cores that domains give.

    In a domain of `y` of its GPUs it has the largest number of cores that counts nothing, or one more; all cores that
    are left then count `g` each, wherever they are.
    """
    if any(free_cores >= cores and free_gpus >= gpus for free_cores, free_gpus in bins):
        return 0
    least = {(0, 0): 0}
    for free_cores, free_gpus in bins:
        ways = [(0, 0, 0)]
        for some in range(1, min(free_gpus, gpus) + 1):
            near = cores * some // gpus
            ways.append((some, min(near, free_cores), 0))
            if near < free_cores and cores * some % gpus:
                ways.append((some, near + 1, gpus - cores * some % gpus))
        if len(ways) > 1:
            least = _extended(least, ways, cores, gpus)
    return min((cost + gpus * (cores - x) for (x, y), cost in least.items() if y == gpus), default=0)


def _extended(
    least: Mapping[tuple[int, int], int], ways: Sequence[tuple[int, int, int]], cores: int, gpus: int
) -> dict[tuple[int, int], int]:
    """Return the least of each number of cores and GPUs with one more domain."""
    more: dict[tuple[int, int], int] = {}
    for (x, y), cost in least.items():
        for some, near, each in ways:
            key = x + near, y + some
            if key[0] <= cores and key[1] <= gpus and cost + each < more.get(key, 1 << 60):
                more[key] = cost + each
    return more


def _lacking(bins: Sequence[tuple[int, int]], cores: int, gpus: int, count: int) -> int:
    """Return how much the GPUs of all slots lack of cores beside them, where they are taken as lacks the least."""
    lacks: list[int] = []
    for free_cores, free_gpus in bins:
        before = 0
        for some in range(1, min(free_gpus, gpus * count) + 1):
            lack = max(0, cores * some - gpus * free_cores)
            lacks.append(lack - before)
            before = lack
    return sum(sorted(lacks)[: gpus * count])


def balanced(slots: Sequence[dict[int, tuple[int, int]]], free: dict[int, int]) -> list[dict[int, tuple[int, int]]]:
    """Return slots that touch what they touched, their cores moved towards their GPUs where cores are free.

    Parameters
    ----------
    slots
        What each holds by place.
    free
        Cores that are left at each place, kept up.
    """
    return [_balanced(slot, free) for slot in slots]


def _balanced(slot: dict[int, tuple[int, int]], left: dict[int, int]) -> dict[int, tuple[int, int]]:
    cores, gpus = sum(c for c, _ in slot.values()), sum(g for _, g in slot.values())
    if not (cores and gpus) or len(slot) == 1:
        return slot
    over = {place: gpus * c - cores * g for place, (c, g) in slot.items()}
    there = {place: c for place, (c, _) in slot.items()}
    while True:
        full = max(over, key=lambda place: (over[place] if there[place] > 1 or slot[place][1] else -cores, -place))
        empty = min((p for p in over if left.get(p, 0)), key=lambda place: (over[place], place), default=full)
        # A core moved takes `g` here and adds it there: it is worth it as long as that brings the two nearer.
        if over[full] <= 0 or over[full] - over[empty] <= gpus or there[full] < 1:
            break
        over[full] -= gpus
        over[empty] += gpus
        there[full] -= 1
        there[empty] += 1
        left[full] = left.get(full, 0) + 1
        left[empty] -= 1
    return {place: (there[place], g) for place, (_, g) in slot.items() if there[place] or g}
