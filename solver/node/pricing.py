"""What slots cost that take given shares of a node, or of a part of one: the policy's terms as a joint integer.

It is the plain sum that the terms are (`policy.terms`): what each slot crosses, and what each domain counts that is
touched. The constructions and the searches without a model are held against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ..policy.scale import Scale
from ..state.domain_state import UNNAMED, DomainState
from .plan import Share

Shares = tuple[Share, ...]


def price(scale: Scale, domain: DomainState, slots: Iterable[tuple[Shares, bool]]) -> int:
    """Return the joint integer of slots in a domain.

    Parameters
    ----------
    slots
        What each takes, places counted from the domain, and whether it has no GPU at all.
    """
    flat, above = domain.flat, lineage(domain)
    touched: set[int] = set()
    shielded: set[int] = set()
    cost = 0
    for shares, gpuless in slots:
        here = {place for share in shares if share.cores or share.gpus for place in above[share.place]}
        cost += price_of_slot(scale, [flat[place].level for place in here])
        touched |= here
        if gpuless:
            shielded.update(_named(flat, above[share.place]) for share in shares if share.cores)
    cost += sum(scale.touch(flat[place]) for place in touched)
    return cost + sum(scale.core_touch(flat[place]) for place in shielded)


def price_of_slot(scale: Scale, levels: Sequence[str]) -> int:
    """Return what one slot counts for itself that touches domains of these levels, one for each domain."""
    number = Counter(levels)
    return sum(unit * (number[level] - 1) for level, unit in scale.cross.items() if number[level] > 1)


def _named(flat: Sequence[DomainState], path: Sequence[int]) -> int:
    """Return the innermost domain of a path that is one of its own."""
    place = path[-1]
    return path[-2] if flat[place].level == UNNAMED and len(path) > 1 else place


@lru_cache(maxsize=1024)
def lineage(domain: DomainState) -> tuple[tuple[int, ...], ...]:
    """Return for each place those of the domains that it is in, the outermost first, itself last."""
    paths: list[tuple[int, ...]] = []

    def walk(inner: DomainState, path: tuple[int, ...]) -> None:
        path = (*path, len(paths))
        paths.append(path)
        for child in inner.children:
            walk(child, path)

    walk(domain, ())
    return tuple(paths)
