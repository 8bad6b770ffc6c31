"""One bundle's ranking: the states that were looked at, in order, and those that wait to be."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from ..state.domain_state import DomainState
from ..state.node_classes import Classes
from .plan import NodeSolution
from .touch_order import Walk

Entry = tuple[int, int, DomainState, "NodeSolution | None", int]
"""Cost, order of arrival, state, solution; without one the cost is a lower bound, and the last says how good a one."""

TOUCHED, CROSSED, BOUNDED, SOLVED = range(4)
"""How much is known of a state: what it costs to touch it, what equal slots cross beside, what a bundle costs at least,
and a solution."""


class Ranking:
    """The states of a pool, and what is known of what a bundle costs on each.

    Attributes
    ----------
    entries
        In order.
    waiting
        The states that were not looked at yet.
    done
        How many of the states that were born are in either.
    crossed
        What the bundle crosses, and counts for standing apart, at least on any node.
    lost
        The states of which it is not known what they can do, as there was no time to find out, with lower bounds.
    alone
        Whether no other state gives the bundle, so that bounds serve nothing.
    aside
        Entries of states that had no nodes, by state.
    """

    __slots__ = ("alone", "aside", "crossed", "done", "entries", "lost", "waiting")

    def __init__(self, waiting: Walk, done: int, crossed: int = 0) -> None:
        self.entries: list[Entry] = []
        self.waiting = waiting
        self.done = done
        self.crossed = crossed
        self.lost: list[tuple[int, DomainState]] = []
        self.alone = False
        self.aside: dict[DomainState, Entry] = {}

    def is_up_to(self, place: int) -> bool:
        """Tell whether the entry at a place is there, after all states that have to be looked at before it."""
        least = self.waiting.next_bound
        while least is not None and (place >= len(self.entries) or least + self.crossed <= self.entries[place][0]):
            self.add(*self.waiting.step())
            least = self.waiting.next_bound
        return place < len(self.entries)

    def take_all(self) -> list[Entry]:
        """Return the entries of all states."""
        while self.waiting.next_bound is not None:
            self.add(*self.waiting.step())
        return self.entries

    def set_aside(self, place: int, classes: Classes) -> list[DomainState]:
        """Set aside the entries before a place whose states have no nodes, and return these states."""
        gone = [entry for entry in self.entries[:place] if entry[2] not in classes]
        self.aside.update((entry[2], entry) for entry in gone)
        self.entries[:place] = [entry for entry in self.entries[:place] if entry[2] in classes]
        return [entry[2] for entry in gone]

    def take_back(self, state: DomainState) -> None:
        """Enter a state again that was set aside."""
        insort(self.entries, self.aside.pop(state))

    def add(self, bound: int, number: int, state: DomainState) -> None:
        """Enter a state by what touching it costs at least."""
        insort(self.entries, (bound + self.crossed, number, state, None, TOUCHED))

    def add_all(self, bounds: Sequence[int], states: Sequence[DomainState]) -> None:
        """Enter states into an empty ranking by what touching them costs at least."""
        crossed = self.crossed
        found = enumerate(zip(bounds, states, strict=True))
        self.entries = [(bound + crossed, number, state, None, TOUCHED) for number, (bound, state) in found]
        self.entries.sort()
