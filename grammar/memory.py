"""What is remembered so that it need not be computed again, and forgotten when it is too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
L = TypeVar("L")


class Memory(dict[K, V]):
    """A dict that holds so much at the most: before one more it is emptied, which costs less than to choose.

    Looking up costs what it costs in a dict; entering takes `[]` alone.

    Parameters
    ----------
    most
        How many entries, from 1.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self.most and key not in self:
            self.clear()
        super().__setitem__(key, value)


class PairMemory(Generic[K, L, V]):
    """A memory whose keys have two parts, of which the first is shared by many entries.

    A dict for each first part, rather than a pair for each entry: the garbage collector goes through every pair there
    is, again and again.

    Parameters
    ----------
    most
        How many entries, from 1.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._entries = 0
        self._of: dict[K, dict[L, V]] = {}
        self._none: Mapping[L, V] = {}

    def at(self, first: K) -> Mapping[L, V]:
        """Return the entries of a first part."""
        return self._of.get(first, self._none)

    def enter(self, first: K, second: L, value: V) -> None:
        """Note an entry."""
        if second not in self.at(first):
            if self._entries >= self.most:
                self._of.clear()
                self._entries = 0
            self._entries += 1
        self._of.setdefault(first, {})[second] = value
