"""Which of several ways of seeing slots to take: the largest counts, and no place for two vertices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .cover import TooLongError, Used, Way
from .request import Need

_MAX_OPEN = 200
_MAX_STEPS = 20_000


def preference(counts: frozenset[tuple[Need, int]]) -> tuple[int, ...]:
    """Return what to compare counts by: the larger first, in the order of the request."""
    return tuple(number for _, number in sorted((need.index, number) for need, number in counts))


def distinct(choices: Sequence[Sequence[Way]], used: Used) -> Iterator[list[Way]]:
    """Go through the choices of a way for each slot in which no place stands for two vertices.

    Raises
    ------
    TooLongError
        There are too many.
    """
    chosen: list[Way] = [ways[0] for ways in choices]
    open_ones = []
    taken: set[tuple[int, ...]] = set(used)
    for index, ways in enumerate(choices):
        if len(ways) > 1:
            open_ones.append(index)
        elif ways[0].used & taken:
            return
        else:
            taken |= ways[0].used
    if len(open_ones) > _MAX_OPEN:
        raise TooLongError
    steps = 0

    def choose(place: int, taken: Used) -> Iterator[list[Way]]:
        nonlocal steps
        steps += 1
        if steps > _MAX_STEPS:
            raise TooLongError
        if place == len(open_ones):
            yield list(chosen)
            return
        for way in choices[open_ones[place]]:
            if not way.used & taken:
                chosen[open_ones[place]] = way
                yield from choose(place + 1, taken | way.used)

    yield from choose(0, frozenset(taken))
