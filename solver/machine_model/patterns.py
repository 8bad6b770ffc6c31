"""What one node of a state can do for a request: at most one node vertex, beside any number of loose units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..demand import Bundle, GroupDemand, HostDemand
from ..domain_state import DomainState
from ..lexicographic import Budget
from ..offers import Offers
from ..plan import Offer


@dataclass(frozen=True)
class Placed:
    """A host demand, and the group demand that it stands below.

    Attributes
    ----------
    number
        Place among all host demands of the request.
    demand
        What is asked.
    parent
        Number of the group demand; 0 is the root.
    """

    number: int
    demand: HostDemand
    parent: int


@dataclass(frozen=True)
class Pattern:
    """What a node does.

    Attributes
    ----------
    host
        Number of the node vertex that it stands for, or None.
    units
        (number of a loose demand, units), as far as above zero.
    offer
        The best way.
    """

    host: int | None
    units: tuple[tuple[int, int], ...]
    offer: Offer


def flatten(root: GroupDemand) -> tuple[list[tuple[GroupDemand, int]], list[Placed]]:
    """Return all group demands with the number of the one above, and all host demands."""
    groups: list[tuple[GroupDemand, int]] = [(root, 0)]
    hosts: list[Placed] = []
    for number, (group, _) in enumerate(groups):
        groups.extend((below, number) for below in group.groups)
        hosts += [Placed(i, host, number) for i, host in enumerate(group.hosts, len(hosts))]
    return groups, hosts


class PatternLister:
    """Lists what nodes can do for a request.

    Parameters
    ----------
    hosts
        All host demands.
    limits
        For each of them, how many nodes or units the request has in all.
    """

    def __init__(self, hosts: Sequence[Placed], limits: Sequence[int], offers: Offers, budget: Budget) -> None:
        self._distinct = [placed for placed in hosts if not placed.demand.loose]
        self._loose = [placed for placed in hosts if placed.demand.loose]
        self._limits = limits
        self._offers = offers
        self._budget = budget

    def of(self, state: DomainState) -> list[Pattern]:
        """Return all that a node of a state can do, nothing at all left out."""
        patterns: list[Pattern] = []
        for host in (None, *self._distinct):
            self._extend(state, host, (), 0, patterns)
        return patterns

    def _extend(
        self, state: DomainState, host: Placed | None, units: tuple[tuple[int, int], ...], at: int, found: list[Pattern]
    ) -> bool:
        """Add the patterns that go on from some units; tell whether the units alone fit."""
        if at < len(self._loose):
            number = self._loose[at].number
            for count in range(min(self._limits[number], state.room) + 1):
                if not self._extend(state, host, (*units, (number, count)) if count else units, at + 1, found):
                    return count > 0
            return True
        if host is None and not units:
            return True
        offer = self._offers.offer(state, self._bundle(host, units), self._budget)
        if offer is not None:
            found.append(Pattern(None if host is None else host.number, units, offer))
        return offer is not None

    def _bundle(self, host: Placed | None, units: tuple[tuple[int, int], ...]) -> Bundle:
        bundles = {placed.number: placed.demand.bundle for placed in self._loose}
        if host is None and len(units) == 1:
            return bundles[units[0][0]].times(units[0][1])
        beside = tuple(bundles[number].times(count).wants[0] for number, count in units)
        if host is None:
            return Bundle((), beside=beside)
        bundle = host.demand.bundle
        if not beside:
            return bundle
        return Bundle(
            bundle.wants, whole=bundle.whole, slot=bundle.slot, piece=bundle.piece, ids=bundle.ids, beside=beside
        )
