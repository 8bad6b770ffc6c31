"""What equal slots count at least for standing apart, where it is known how often they cross each level.

A slot of `c` cores and `g` GPUs counts ``c * g`` at a level less what is near: in each domain the smaller of `g` times
its cores and `c` times its GPUs there. So what can be near at the most is a bound. Where slots seldom cross a coarser
level, most stand each in one domain of it. Each of these has no more near than a slot that has the domain for itself,
the others no more than what they have of the domain, and all together no more than the domain's GPUs have cores beside
them. And a slot that crosses the level itself has something in one domain more: a core that is beside no GPU of the
slot, or a part of its GPUs, to which its cores may not be dealt evenly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import gcd

from ..policy.scale import Scale
from ..policy.terms import CoreShare, Cross
from ..state.domain_state import DomainState
from .lower_bounds import share_bound
from .shares import Bins, alone

MOST_STEPS = 20_000
"""Steps up to which it is looked for how slots are best shared out among domains."""


@dataclass(frozen=True)
class Equal:
    """So many equal slots of cores and GPUs."""

    count: int
    cores: int
    gpus: int

    @property
    def all(self) -> int:
        """What is near where nothing stands apart."""
        return self.count * self.cores * self.gpus


def share_bounds(scale: Scale, state: DomainState, slots: Equal, least: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield for the components of share, by their numbers, what slots count at the least if they cross no more.

    Parameters
    ----------
    least
        Of each component of the policy what no placement is below, compared lexicographically: one that crosses more is
        above it whatever it counts.
    """
    if not (slots.cores and slots.gpus):
        return
    crossed: dict[str, int] = {}
    for number, component in enumerate(scale.components):
        if isinstance(component, Cross):
            crossed[component.level] = least[number]
        elif isinstance(component, CoreShare):
            simple = share_bound(state, component.level, [(slots.count, slots.cores, slots.gpus)])
            yield number, max(simple, share_given(state, component.level, slots, crossed))


def share_given(state: DomainState, level: str, slots: Equal, crossed: Mapping[str, int]) -> int:
    """Return what slots count at a level at the least.

    Parameters
    ----------
    state
        In which all of them stand.
    crossed
        How often the slots cross levels together, for those of which it is known.
    """
    domains = state.outermost(level)
    bins = _bins(domains)
    outside = state.free_cores - sum(c for c, _ in bins), state.free_gpus - sum(g for _, g in bins)
    bound = 0
    if outside == (0, 0) and level in crossed:
        bound = crossing_share(slots, crossed[level])
    if outside == (0, 0):
        for coarser, times in crossed.items():
            around = state.outermost(coarser)
            inside = [_bins(domain.outermost(level)) for domain in around]
            if coarser != level and sum(map(len, inside)) == len(domains):
                bound = max(bound, slots.all - _near(tuple(inside), slots, max(0, slots.count - times)))
    return bound


def _bins(domains: list[DomainState]) -> Bins:
    return tuple(sorted((domain.free_cores, domain.free_gpus) for domain in domains))


@lru_cache(maxsize=10_000)
def _near(domains: tuple[Bins, ...], slots: Equal, whole: int) -> int:
    """Return what can be near at the most if so many slots at least are each in one of some domains, given as bins."""
    best = {(0, 0): 0}
    steps = 0
    for bins in domains:
        ways = list(_ways(bins, slots))
        steps += len(ways) * len(best)
        if steps > MOST_STEPS:
            return slots.all
        more: dict[tuple[int, int], int] = {}
        for (wholes, gpus), near in best.items():
            for here, taken, most in ways:
                key = min(whole, wholes + here), gpus + taken
                if wholes + here <= slots.count and key[1] <= slots.count * slots.gpus:
                    more[key] = max(more.get(key, 0), near + most)
        best = more
    return min(slots.all, best.get((whole, slots.count * slots.gpus), slots.all))


def _ways(bins: Bins, slots: Equal) -> Iterator[tuple[int, int, int]]:
    """Yield how many slots are in a domain alone, how many GPUs are taken there, and what is near at the most then."""
    cores, gpus = sum(c for c, _ in bins), sum(g for _, g in bins)
    beside = _beside(bins, slots)
    fits = min(slots.count, cores // slots.cores, gpus // slots.gpus)
    each = slots.cores * slots.gpus - alone(bins, slots.cores, slots.gpus) if fits else 0
    for wholes in range(fits + 1):
        left = slots.gpus * (cores - slots.cores * wholes)
        for taken in range(slots.gpus * wholes, min(gpus, slots.count * slots.gpus) + 1):
            others = min(left, slots.cores * (taken - slots.gpus * wholes))
            yield wholes, taken, min(beside[taken], wholes * each + others)


def _beside(bins: Bins, slots: Equal) -> list[int]:
    """Return what is near at the most where 0, 1, 2, ... GPUs are taken."""
    gains = []
    for cores, gpus in bins:
        there = [min(slots.gpus * cores, slots.cores * number) for number in range(gpus + 1)]
        gains += [more - before for before, more in pairwise(there)]
    sums = [0]
    for gain in sorted(gains, reverse=True):
        sums.append(sums[-1] + gain)
    return sums


def crossing_share(slots: Equal, times: int) -> int:
    """Return what slots count at the least that cross a level so many times, however much there is."""
    cores, gpus = slots.cores, slots.gpus
    of_one = [0] + [
        gpus * (number + 1 - gpus) if number >= gpus else int(number >= gcd(cores, gpus))
        for number in range(1, times + 1)
    ]
    # On average each crosses `times / count`: the convex hull is below what any of them count.
    least: int | None = None
    for low in range(times // slots.count + 1):
        for high in range(max(low + 1, -(-times // slots.count)), times + 1):
            part = of_one[low] * (high * slots.count - times) + of_one[high] * (times - low * slots.count)
            value = -(-part // (high - low))
            least = value if least is None else min(least, value)
    return least or 0
