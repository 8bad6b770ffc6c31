"""Deal slots of several types out to the nodes that an R holds something of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .cover import TooLongError
from .packing import Item

_MAX_STEPS = 20_000


@dataclass(slots=True)
class Shares:
    """Deals slots of several types out to nodes.

    Parameters
    ----------
    items
        The slot types.
    has_rest
        Whether a node may give more than its slots hold.
    """

    items: Sequence[Item]
    has_rest: bool
    steps: int = 0

    def deals(self, sizes: Sequence[tuple[int, int]], left: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
        """Go through how many of each type each node may give."""
        if not sizes:
            if not any(left):
                yield []
            return
        for some in self._options(left, *sizes[0]):
            self.steps += 1
            if self.steps > _MAX_STEPS:
                raise TooLongError
            for rest in self.deals(sizes[1:], tuple(a - b for a, b in zip(left, some, strict=True))):
                yield [some, *rest]

    def _options(self, left: Sequence[int], cores: int, gpus: int) -> Iterator[tuple[int, ...]]:
        """Go through what one node could give."""
        done = len(self.items) - len(left)
        if not left:
            if self.has_rest or not (cores or gpus):
                yield ()
            return
        item = self.items[done]
        for count in range(left[0], -1, -1):
            if count * item.cores <= cores and count * item.gpus <= gpus:
                for rest in self._options(left[1:], cores - count * item.cores, gpus - count * item.gpus):
                    yield (count, *rest)
