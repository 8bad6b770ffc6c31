"""Which GPUs of a node's state are joined by less than the best links: it is told by marks, as ids are.

A request some of whose slots take several GPUs sees each GPU as a part of its domain (`machine.refinement`), which is
marked with its id; the node is marked with the pairs.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import comb

from ...topology.links import Links
from .domain_state import DomainState

_LINKS, _GPU = "links ", "gpu #"

MOST_SETS = 20_000
"""Sets of GPUs that are looked through for the one that is joined best."""


def links_mark(links: Links) -> str:
    """Return the mark of a node whose GPUs are joined so."""
    return _LINKS + " ".join(f"{one}-{other}:{less}" for one, other, less in links)


def gpu_mark(number: int) -> str:
    """Return the mark of a GPU."""
    return f"{_GPU}{number}"


@lru_cache(maxsize=4096)
def pairs_of(state: DomainState) -> tuple[tuple[int, int, int], ...]:
    """Return pairs of places, of GPUs that are joined by less than the best, and by how much."""
    written = next((mark for mark in state.marks if mark.startswith(_LINKS)), None)
    if written is None:
        return ()
    place_of = {
        mark.removeprefix(_GPU): place
        for place, domain in enumerate(state.flat)
        for mark in domain.marks
        if mark.startswith(_GPU)
    }
    found = []
    for text in written.removeprefix(_LINKS).split():
        pair, _, less = text.partition(":")
        one, _, other = pair.partition("-")
        found.append((place_of[one], place_of[other], int(less)))
    return tuple(found)


@lru_cache(maxsize=4096)
def least_of(state: DomainState, gpus: int) -> int:
    """Return how much less so many free GPUs are joined than by the best links, at least; 0 where that takes long."""
    pairs = pairs_of(state)
    free = [
        place
        for place, domain in enumerate(state.flat)
        if domain.own_free_gpus and any(mark.startswith(_GPU) for mark in domain.marks)
    ]
    if not pairs or gpus < 2 or gpus > len(free) or comb(len(free), gpus) > MOST_SETS:
        return 0
    less = {(one, other): n for one, other, n in pairs} | {(other, one): n for one, other, n in pairs}
    return min(sum(less.get(pair, 0) for pair in combinations(some, 2)) for some in combinations(free, gpus))
