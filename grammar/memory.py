"""What is remembered so that it need not be computed again, and forgotten when it is too much."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


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
