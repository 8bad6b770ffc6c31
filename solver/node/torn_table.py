"""The best ways to share out slots of several shapes among innermost domains of one domain, torn ones among them.

Slots of cores alone can be dealt along any sequence of domains, a *run* (`run_tree`), which crosses from one domain to
the next once; and no placement crosses less. So a placement is a set of runs, each with some domains and some slots
that fit into them together. Domains are gone through one by one: each is left alone, or begins a run, or goes on with
one that is open; a run ends, or stays open with the cores that its slots leave over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .packed_vectors import Packed, numbers, packed

MOST_STEPS = 40_000
"""Ways to go on that are looked at for one table; domains that have more are left to the node's model."""


@dataclass(frozen=True)
class Step:
    """What a run does in a domain.

    Attributes
    ----------
    child
        The domain, by its number.
    joins
        The cores left over of the run that goes on; 0 where it begins.
    slots
        The slots that are complete then.
    left
        The cores that the run takes along; 0 where it ends.
    """

    child: int
    joins: int
    slots: Packed
    left: int


Steps: TypeAlias = "tuple[Step, Steps] | tuple[()]"
"""The last step, and those before it."""

Torn: TypeAlias = "dict[Packed, tuple[int, Steps]]"
"""For each vector of slots its least cost, and how."""


def torn_table(
    free: Sequence[int], touch: Sequence[int], cross: int, sizes: Sequence[int], limits: Packed
) -> Torn | None:
    """Return the best for each vector of slots up to the limits; None where that is too much work.

    Parameters
    ----------
    free, touch
        Of each domain: its free cores, and what it costs to touch it.
    cross
        What it costs that a slot crosses from one to another.
    sizes
        Cores of a slot of each shape; 0 for shapes that take nothing here, of which there are none then.
    """
    steps = 0
    best: dict[tuple[Packed, tuple[int, ...]], tuple[int, Steps]] = {(0, ()): (0, ())}
    for child, cores in enumerate(free):
        if not cores:
            continue
        later = sum(1 for some in free[child + 1 :] if some)
        found = dict(best)
        for (vector, runs), (cost, before) in best.items():
            for joins in (0, *sorted(set(runs))):
                others = _without(runs, joins)
                price = cost + touch[child] + (cross if joins else 0)
                for slots, left in _ways(joins + cores, sizes, limits, vector):
                    steps += 1
                    now = tuple(sorted((*others, left))) if left else others
                    if len(now) > later:
                        continue
                    key = (vector + slots, now)
                    known = found.get(key)
                    if known is None or price < known[0]:
                        found[key] = (price, (Step(child, joins, slots, left), before))
            if steps > MOST_STEPS:
                return None
        best = {key: value for key, value in found.items() if len(key[1]) <= later}
    return {vector: value for (vector, runs), value in best.items() if not runs}


def dealt(steps: Steps, free: Sequence[int], sizes: Sequence[int]) -> list[list[dict[int, int]]]:
    """Return for each shape what each slot takes of each domain."""
    slots: list[list[dict[int, int]]] = [[] for _ in sizes]
    open_runs: list[tuple[int, list[tuple[int, int]]]] = []
    for step in reversed(_listed(steps)):
        pieces: list[tuple[int, int]] = []
        if step.joins:
            place = next(i for i, (left, _) in enumerate(open_runs) if left == step.joins)
            pieces = open_runs.pop(place)[1]
        pieces = [*pieces, (step.child, free[step.child])]
        for shape, count in enumerate(numbers(step.slots, len(sizes))):
            for _ in range(count):
                slot, pieces = _taken(pieces, sizes[shape])
                slots[shape].append(slot)
        if step.left:
            open_runs.append((step.left, pieces))
    return slots


def _listed(steps: Steps) -> list[Step]:
    listed: list[Step] = []
    while steps:
        step, steps = steps
        listed.append(step)
    return listed


def _taken(pieces: Sequence[tuple[int, int]], cores: int) -> tuple[dict[int, int], list[tuple[int, int]]]:
    """Return what a slot takes of the first pieces, and what is left of all."""
    slot: dict[int, int] = {}
    left: list[tuple[int, int]] = []
    for child, there in pieces:
        more = min(cores, there)
        if more:
            slot[child] = more
            cores -= more
        if there > more:
            left.append((child, there - more))
    return slot, left


def _without(runs: tuple[int, ...], joined: int) -> tuple[int, ...]:
    if not joined:
        return runs
    place = runs.index(joined)
    return runs[:place] + runs[place + 1 :]


def _ways(cores: int, sizes: Sequence[int], limits: Packed, vector: Packed) -> Iterator[tuple[Packed, int]]:
    """Yield the slots that a run completes with so many cores at hand, and what it takes along; 0 where it ends."""
    missing = numbers(limits - vector, len(sizes))
    for counts, left in _choices(cores, sizes, missing):
        slots = packed(counts)
        if slots:
            yield slots, 0
        largest = max(
            (size for size, count, most in zip(sizes, counts, missing, strict=True) if count < most), default=0
        )
        if 0 < left < largest:
            yield slots, left


def _choices(cores: int, sizes: Sequence[int], missing: Sequence[int]) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield all vectors of slots that fit into so many cores, with the cores left."""
    if not sizes:
        yield (), cores
        return
    size = sizes[0]
    most = min(missing[0], cores // size) if size else 0
    for count in range(most + 1):
        for others, left in _choices(cores - count * size, sizes[1:], missing[1:]):
            yield (count, *others), left
