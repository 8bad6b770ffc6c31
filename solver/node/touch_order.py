"""States in the order of what it costs at least to touch a node in them, whatever is asked of it.

It serves all bundles at once: a ranking takes states from it as it needs them, the cheapest first, and leaves out by
the bucket those that have too few cores or GPUs free. So the first of 10,000 states are found without looking at the
others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heapreplace

from ..state.domain_state import DomainState

Standing = tuple[int, int, DomainState]
"""What touching costs at least, a number of its own, the state."""


class TouchOrder:
    """Some states in buckets of those that have as many cores and GPUs free, each in order; it never changes.

    Parameters
    ----------
    states
        Numbered from 0 in this order.
    touch_bound
        What touching a node costs at least, as a joint integer.
    """

    def __init__(self, states: Sequence[DomainState], touch_bound: Callable[[DomainState], int]) -> None:
        self.size = len(states)
        self._buckets: dict[tuple[int, int], list[Standing]] = {}
        for number, state in enumerate(states):
            bucket = self._buckets.setdefault((state.free_cores, state.free_gpus), [])
            bucket.append((touch_bound(state), number, state))
        for bucket in self._buckets.values():
            bucket.sort(key=_place)

    def walk(self, cores: int, gpus: int) -> Walk:
        """Begin to go through the states that have so much free."""
        return Walk([bucket for free, bucket in self._buckets.items() if free[0] >= cores and free[1] >= gpus])


class Walk:
    """A way through some buckets, the cheapest state first.

    Attributes
    ----------
    next_bound
        What touching the next state costs at least; None where there is no other.
    """

    __slots__ = ("_heads", "next_bound")

    def __init__(self, buckets: Sequence[list[Standing]]) -> None:
        self._heads = [(bucket[0][0], bucket[0][1], 0, bucket) for bucket in buckets]
        heapify(self._heads)
        self.next_bound = self._heads[0][0] if self._heads else None

    def step(self) -> Standing:
        """Return the next state, and go on."""
        _, _, place, bucket = self._heads[0]
        if place + 1 < len(bucket):
            bound, number, _ = bucket[place + 1]
            heapreplace(self._heads, (bound, number, place + 1, bucket))
        else:
            heappop(self._heads)
        self.next_bound = self._heads[0][0] if self._heads else None
        return bucket[place]


def _place(standing: Standing) -> tuple[int, int]:
    return standing[0], standing[1]
