"""States in the order in which a bundle likes them, kept up as states come and go.

A ranking holds every state that was live in any copy of a pool since it was last renewed. So copies share it, and
none has to tell it what ended: states that have no nodes now are passed over, and when too many of them are, the
rankings are renewed from the states that are live.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator

from .demand import Bundle
from .domain_state import DomainState
from .lexicographic import Budget
from .node_classes import Classes
from .offers import Offers
from .plan import Offer

Entry = tuple[int, int, DomainState, Offer]
"""Cost, order of arrival, state, offer."""

RANKINGS = 256
"""Bundles that are ranked before the memory is emptied."""

PATIENCE = 32
"""States without nodes that one walk passes over before the rankings are renewed."""


class _Ranking:
    """One bundle's."""

    __slots__ = ("done", "entries")

    def __init__(self) -> None:
        self.done = 0
        self.entries: list[Entry] = []


class Rankings:
    """The rankings of all bundles that were asked for.

    Parameters
    ----------
    offers
        What a state can do for a bundle.
    """

    def __init__(self, offers: Offers) -> None:
        self.offers = offers
        self._epoch = 1
        self._worn = False
        self._births: list[DomainState] = []
        self._born: set[DomainState] = set()
        self._rankings: dict[Bundle, _Ranking] = {}

    def born(self, state: DomainState) -> None:
        """Note that a state has nodes now."""
        if state not in self._born:
            self._born.add(state)
            self._births.append(state)

    def refresh(self, classes: Classes, epoch: int) -> int:
        """Make sure that all states of a pool are known, and those of the past are not too many.

        Parameters
        ----------
        epoch
            What this returned to the pool last; zero at first.
        """
        if self._worn and len(self._births) > 2 * len(classes):
            self._epoch += 1
            self._births = []
            self._born = set()
            self._rankings.clear()
        self._worn = False
        if epoch != self._epoch:
            for state in classes:
                self.born(state)
        return self._epoch

    def walk(self, bundle: Bundle, classes: Classes, budget: Budget) -> Iterator[tuple[Entry, int]]:
        """Yield the states that can give the bundle by themselves, best first, each with the bitmask of its nodes."""
        stale = 0
        for entry in self._entries(bundle, budget):
            nodes = classes.get(entry[2])
            if nodes:
                yield entry, nodes
            else:
                stale += 1
                if stale == PATIENCE:
                    self._worn = True

    def _entries(self, bundle: Bundle, budget: Budget) -> list[Entry]:
        ranking = self._rankings.get(bundle)
        if ranking is None:
            if len(self._rankings) >= RANKINGS:
                self._rankings.clear()
            ranking = self._rankings[bundle] = _Ranking()
        births = self._births
        while ranking.done < len(births):
            state = births[ranking.done]
            offer = self.offers.offer(state, bundle, budget)
            if offer is not None and not offer.outside:
                insort(ranking.entries, (offer.cost, ranking.done, state, offer))
            ranking.done += 1
        return ranking.entries
