"""The ranks of a machine and their positions, kept as runs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, pairwise
from typing import overload

from ..grammar.idset import IdSet
from .masks import Runs, locate_runs, mask_of_runs, merge_runs, runs_of_mask


class Ranks(Sequence[int]):
    """Ranks in ascending order; the place in this sequence is the rank's position.

    Parameters
    ----------
    runs : disjoint intervals of ranks, ascending.
    """

    __slots__ = ("_starts", "runs")

    def __init__(self, runs: Runs) -> None:
        self.runs: tuple[tuple[int, int], ...] = tuple(merge_runs(runs))
        self._starts = [0, *accumulate(last - first + 1 for first, last in self.runs)]

    def __len__(self) -> int:
        """Return the number of ranks."""
        return self._starts[-1]

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        """Return the rank at a position."""
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        position = place + len(self) if place < 0 else place
        if not 0 <= position < len(self):
            raise IndexError(f"no position {place} among {len(self)} ranks")
        run = bisect_right(self._starts, position) - 1
        return self.runs[run][0] + position - self._starts[run]

    def __iter__(self) -> Iterator[int]:
        """Go through the ranks in ascending order."""
        return chain.from_iterable(range(first, last + 1) for first, last in self.runs)

    def __contains__(self, rank: object) -> bool:
        """Tell whether a rank is one of these."""
        return isinstance(rank, int) and self.find(rank) is not None

    def __eq__(self, other: object) -> bool:
        """Tell whether two are the same ranks."""
        return isinstance(other, Ranks) and self.runs == other.runs

    def __hash__(self) -> int:
        """Return a hash of the ranks."""
        return hash(self.runs)

    def __repr__(self) -> str:
        """Return the ranks as an idset."""
        return f"Ranks({self.ids})"

    @property
    def ids(self) -> IdSet:
        """The ranks as an RFC 22 idset."""
        return IdSet(self.runs)

    def find(self, rank: int) -> int | None:
        """Return the position of a rank, None if it is not one of these."""
        run = bisect_right(self.runs, (rank, float("inf"))) - 1
        if run < 0 or rank > self.runs[run][1]:
            return None
        return self._starts[run] + rank - self.runs[run][0]

    def locate(self, intervals: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
        """Yield the runs of positions of ranks as (first, last, index of the interval); ranks not here have none."""
        return locate_runs(intervals, self.runs, self._starts)

    def mask_of(self, ids: IdSet) -> int:
        """Return the mask of the positions of ranks; ranks that are not here are passed over."""
        return mask_of_runs(merge_runs((first, last) for first, last, _ in self.locate(ids.intervals)))

    def ids_of(self, mask: int) -> IdSet:
        """Return the ranks at the positions of a mask."""
        if len(self.runs) == 1 and self.runs[0][0] == 0:
            return IdSet.from_mask(mask)
        return IdSet(tuple(self._ranks_at(runs_of_mask(mask))))

    def cut(self, mask: int) -> Ranks:
        """Return the ranks at the positions of a mask alone."""
        return Ranks(self._ranks_at(runs_of_mask(mask)))

    def _ranks_at(self, positions: Runs) -> list[tuple[int, int]]:
        by_position = [(start, end - 1) for start, end in pairwise(self._starts)]
        found = locate_runs(positions, by_position, [first for first, _ in self.runs])
        return merge_runs((first, last) for first, last, _ in found)
