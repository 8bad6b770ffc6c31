"""Victims as schedulers choose them: one after the other in an order, until the waiting job fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .giving_way import Candidate


def least_wanted(candidates: Iterable[Candidate]) -> list[int]:
    """Return jobs in the order in which they give way: the lowest rank first, then what costs least."""
    return [one.job for one in sorted(candidates, key=lambda one: (one.rank, one.lost, one.job))]


def needed_of(order: Sequence[int], fits: Callable[[Sequence[int]], bool]) -> list[int]:
    """Return jobs that suffice, none of them without need; those that come first in the order are taken first.

    Parameters
    ----------
    order
        Of jobs that suffice all together.
    fits
        Tells whether some of them suffice.

    Notes
    -----
    As many of the first as suffice are found by halving; then those are left out, the last first, without which the
    others suffice (what Kueue calls to fill back), as many at once as can be.
    """
    low, high = -1, len(order)
    while high - low > 1:
        middle = (low + high) // 2
        if fits(order[:middle]):
            high = middle
        else:
            low = middle
    needed: list[int] = []
    parts = [list(order[:high])]
    while parts:
        some = parts.pop()
        others = [job for part in parts for job in part]
        if not some or fits([*needed, *others]):
            continue
        if len(some) == 1:
            needed += some
        else:
            # The last ones are looked at first: they are the ones that are wanted most.
            parts += [some[: len(some) // 2], some[len(some) // 2 :]]
    return needed
