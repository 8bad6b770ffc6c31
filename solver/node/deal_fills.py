"""Vectors of slots as numbers, and the ways to fill so many cores and GPUs with slots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from .construction import SlotKind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers: TypeAlias = "npt.NDArray[np.int64]"

MOST_WAYS = 400
"""Ways to fill something up to which all are tried."""

Vector: TypeAlias = tuple[int, ...]
"""How many slots of each kind."""


class GaveUp(Exception):  # noqa: N818  # it is an outcome, no error
    """There is too much to look at, or slots cannot be dealt like this."""


@dataclass(frozen=True)
class Fill:
    """What a run has.

    Attributes
    ----------
    cores, gpus
        How much.
    bare
        Whether slots without GPUs may go into it.
    """

    cores: int
    gpus: int
    bare: bool


class Fills:
    """All that fits, remembered.

    Parameters
    ----------
    kinds
        The slots. Of the vectors up to their counts, the first kind's number changes last.
    """

    def __init__(self, kinds: Sequence[SlotKind]) -> None:
        import numpy  # here, since most pools never need it

        self._np = numpy
        self.kinds = kinds
        self.counts = tuple(kind.count for kind in kinds)
        self.size = prod(count + 1 for count in self.counts)
        self._strides = [prod(count + 1 for count in self.counts[i + 1 :]) for i in range(len(kinds))]
        self._known: dict[Fill, tuple[list[Vector], Numbers]] = {}

    def number(self, vector: Sequence[int]) -> int:
        """Return the number of a vector."""
        return sum(n * stride for n, stride in zip(vector, self._strides, strict=True))

    def weighed(self, weights: Sequence[int]) -> Numbers:
        """Return for each vector what is not in it, each slot with the weight of its kind."""
        left = self._np.array(self.counts)[:, None] - self._every()
        weighed: Numbers = self._np.array(weights) @ left
        return weighed

    def of(self, fill: Fill) -> tuple[list[Vector], Numbers]:
        """Return the ways to fill something, and for each of them the numbers of what all vectors are without it.

        Raises
        ------
        GaveUp
            There are too many.
        """
        known = self._known.get(fill)
        if known is None:
            np = self._np
            ways = list(islice(self._ways(fill, fill.cores, fill.gpus, 0), MOST_WAYS + 1))
            if len(ways) > MOST_WAYS:
                raise GaveUp
            less = np.maximum(self._every()[None, :, :] - np.array(ways)[:, :, None], 0)
            known = self._known[fill] = ways, np.tensordot(less, np.array(self._strides), axes=(1, 0))
        return known

    def _every(self) -> Numbers:
        """Return all vectors, in order."""
        every: Numbers = self._np.indices([count + 1 for count in self.counts]).reshape(len(self.counts), -1)
        return every

    def _ways(self, fill: Fill, cores: int, gpus: int, place: int) -> Iterator[Vector]:
        """Yield the vectors that fit, of the last kind as many as there is room for."""
        if place == len(self.kinds):
            yield ()
            return
        kind = self.kinds[place]
        most = kind.count if kind.gpus or fill.bare else 0
        if kind.cores:
            most = min(most, cores // kind.cores)
        if kind.gpus:
            most = min(most, gpus // kind.gpus)
        least = most if place == len(self.kinds) - 1 else 0
        for number in range(most, least - 1, -1):
            for others in self._ways(fill, cores - number * kind.cores, gpus - number * kind.gpus, place + 1):
                yield (number, *others)
