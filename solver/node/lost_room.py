"""What is taken from the room for other jobs (the kind of term `Room`): as it is, and at the least.

What a node, or a part of one, loses itself is fixed by how much is taken of it. What the domains inside lose depends on
where: at the least, for each level, what the cheapest way of sharing cores alone, or GPUs alone, out among its domains
takes, found by dynamic programming. That leaves out how slots hang together and what the other levels ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .plan import Share

Room = Callable[[DomainState, int, int], int]


def lost_room(scale: Scale, flat: Sequence[DomainState], held: Mapping[int, tuple[int, int]]) -> int:
    """Return what it costs that cores and GPUs are taken, given by domain with all inside, as a joint integer."""
    return sum(scale.lost_room(flat[place], cores, gpus) for place, (cores, gpus) in held.items())


def held_of(shares: Iterable[Share], above: Sequence[Sequence[int]]) -> dict[int, tuple[int, int]]:
    """Return how many cores and GPUs some shares take of each domain, and of those around it."""
    held: dict[int, tuple[int, int]] = {}
    for share in shares:
        for place in above[share.place]:
            cores, gpus = held.get(place, (0, 0))
            held[place] = cores + share.cores, gpus + share.gpus
    return held


def least_lost_room(scale: Scale, domain: DomainState, cores: int, gpus: int) -> int:
    """Return what no way of taking so many cores and GPUs of a domain costs less than, as a joint integer."""
    return sum(unit * least_of(room, domain, cores, gpus) for room, unit in scale.rooms)


def least_of(room: Room, domain: DomainState, cores: int, gpus: int) -> int:
    """Return the least that a domain and all domains inside of it have less room for."""
    total = room(domain, domain.free_cores, domain.free_gpus)
    total -= room(domain, domain.free_cores - cores, domain.free_gpus - gpus)
    for level in dict.fromkeys(inner.level for inner in domain.flat[1:]):
        of_cores, of_gpus = _least_by_level(room, domain, level)
        total += max(of_cores[cores], of_gpus[gpus])
    return total


@lru_cache(maxsize=20_000)
def _least_by_level(room: Room, domain: DomainState, level: str) -> tuple[Sequence[int], Sequence[int]]:
    """Return what 0, 1, 2, ... cores cost at the least at a level, and GPUs."""
    inside = [inner for inner in domain.outermost(level) if inner.free_cores or inner.free_gpus]
    found = []
    for gpu in (False, True):
        tables = []
        for inner in inside:
            c, g = inner.free_cores, inner.free_gpus
            before = room(inner, c, g)
            free = g if gpu else c
            tables.append([before - (room(inner, c, g - n) if gpu else room(inner, c - n, g)) for n in range(free + 1)])
        in_all = domain.free_gpus if gpu else domain.free_cores
        found.append(_shared_out(tables, in_all))
    return found[0], found[1]


def _shared_out(tables: Sequence[Sequence[int]], in_all: int) -> list[int]:
    """Return the least sum for 0, 1, 2, ... things shared out among domains, and for those that are in none of them."""
    sums = [0]
    for table in tables:
        if not any(table):
            sums = [0] * (len(table) - 1) + sums
            continue
        joined = [0] * (len(sums) + len(table) - 1)
        for total in range(len(joined)):
            first, last = max(0, total - len(sums) + 1), min(total, len(table) - 1)
            joined[total] = min([table[n] + sums[total - n] for n in range(first, last + 1)])
        sums = joined
    # What stands in no domain of the level costs nothing: it is taken first.
    return [0] * (in_all + 1 - len(sums)) + sums
