"""Tables of what each domain can do for equal slots that are torn, from the inside out: see `torn_counts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .torn_groups import Groups, Some, choices
from .torn_ways import START, Given, Level, Slots, Ways, enter


class TornTables:
    """What each domain can do, put together from the inside out."""

    def __init__(self, scale: Scale, slots: Slots, levels: Sequence[Level]) -> None:
        self._slots = slots
        self._levels = levels
        self._scale = scale
        self._known: dict[DomainState, Ways] = {}

    def best(self, domain: DomainState) -> tuple[int, Given] | None:
        """Return the cheapest way for all slots; None where none is within the limits."""
        ways = self._together(domain, 0, 0).get((self._slots.count, 0, 0))
        if not ways:
            return None
        cost, _, inside = min(ways, key=_cost_of)
        return cost + self._scale.touch(domain), Given(domain, 0, 0, 0, inside)

    def _together(self, domain: DomainState, outer: int, depth: int) -> Ways:
        """Return what the domains inside one do together, with no more slots torn around it than so many."""
        kinds = Counter(child for child in domain.children if child.free_cores or child.free_gpus)
        groups = Groups(
            self._slots, self._levels[depth:], list(kinds), outer, lambda child: self._ways(child, depth + 1)
        )
        full = tuple(kinds.values())
        found: dict[Some, Ways] = {(0,) * len(kinds): {START: [(0, 0, ())]}}
        for chosen in choices(full):
            last = max(kind for kind, number in enumerate(chosen) if number)
            ways: Ways = {}
            for group in choices(chosen):
                if group[last]:
                    rest = tuple([number - taken for number, taken in zip(chosen, group, strict=True)])
                    _join(self._slots, ways, found[rest], groups.closed(group), 2 * outer)
            found[chosen] = ways
        return found[full]

    def _ways(self, domain: DomainState, depth: int) -> Ways:
        """Return what a domain does that stands at a depth."""
        known = self._known.get(domain)
        if known is None:
            known = self._known[domain] = self._of_branch(domain, depth) if domain.children else self._of_leaf(domain)
        return known

    def _of_leaf(self, domain: DomainState) -> Ways:
        slots, level = self._slots, self._levels[-1]
        touch = slots.touch(self._scale, domain)
        ways: Ways = {START: [(0, 0, ())]}
        for whole in range(min(slots.count, slots.room(domain)) + 1):
            cores, gpus = domain.free_cores - whole * slots.cores, domain.free_gpus - whole * slots.gpus
            if whole:
                ways[whole, 0, 0] = [(touch, 0, (Given(domain, whole, 0, 0),))]
            for taken in range(min(gpus, slots.gpus * level.most) + 1):
                for pieces, most, cost in slots.pieces(cores, taken, min(slots.count - whole, level.most), level):
                    ways[whole, pieces, taken] = [(touch + cost, most, (Given(domain, whole, pieces, taken),))]
        return ways

    def _of_branch(self, domain: DomainState, depth: int) -> Ways:
        slots, level = self._slots, self._levels[depth - 1]
        touch = slots.touch(self._scale, domain)
        ways: Ways = {}
        for (whole, pieces, gpus), some in self._together(domain, level.most, depth).items():
            key = whole, pieces, gpus
            for cost, cores, inside in some:
                if key == START:
                    ways[key] = [(0, 0, ())]
                    continue
                most = slots.most(cores, pieces, gpus)
                total = cost + touch + pieces * level.cross - slots.near(most, pieces, gpus) * level.share
                enter(ways, key, (total, most, (Given(domain, 0, pieces, gpus, inside),)))
        return ways


def _cost_of(way: tuple[int, int, object]) -> int:
    return way[0]


def _join(slots: Slots, joined: Ways, found: Ways, ways: Ways, pieces: int) -> None:
    """Enter what two parts do together, with no more pieces than so many."""
    for both, some, others in slots.pairs(found, ways, pieces):
        for cost, cores, how in some:
            for more_cost, more_cores, more_how in others:
                enter(joined, both, (cost + more_cost, cores + more_cores, how + more_how))
