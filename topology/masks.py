"""Bitmasks of positions: the sets of ranks that this package works with.

The ranks of an R, sorted, have the positions 0, 1, 2, ...; a set of ranks is an int whose bit i stands for position i.
Python's integers make union, intersection and counting of 100,000 ranks a matter of microseconds; what they lack,
building a mask from runs and closing the gaps that a cut leaves, is here, in time linear in the number of bits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress

from ..grammar.idset import IdSet
from ..grammar.limits import MAX_ID

Runs = Sequence[tuple[int, int]]
"""Closed intervals (first, last), ascending and disjoint."""

ValuedRun = tuple[int, int, int]
"""A run of positions and the number of what stands at all of them: (first, last, number)."""

# Up to here or-ing shifted ones is faster than going through a text of n characters.
_FEW_RUNS = 16


def mask_of_runs(runs: Runs) -> int:
    """Return the mask that has exactly the bits of the runs."""
    if len(runs) <= _FEW_RUNS:
        mask = 0
        for first, last in runs:
            mask |= ((1 << (last - first + 1)) - 1) << first
        return mask
    length = runs[-1][1] + 1
    digits = bytearray(b"0") * length
    for first, last in runs:
        digits[length - 1 - last : length - first] = b"1" * (last - first + 1)
    # A base that is a power of two is read in linear time.
    return int(digits, 2)


def mask_of_flags(flags: Iterable[bool]) -> int:
    """Return the mask with bit i set where the i-th flag is true."""
    return int("".join("1" if flag else "0" for flag in flags)[::-1] or "0", 2)


def runs_of_mask(mask: int) -> Runs:
    """Return the runs of ones in a mask."""
    return IdSet.from_mask(mask).intervals


def positions_of(mask: int) -> Iterator[int]:
    """Return the positions in a mask, ascending."""
    return chain.from_iterable(range(first, last + 1) for first, last in runs_of_mask(mask))


def selectors(mask: int) -> bytes:
    """Return one byte per position up to the last, true where the mask has it: for `itertools.compress`."""
    return bytes(bin(mask)[:1:-1], "ascii").translate(_SELECTORS)


_SELECTORS = bytes.maketrans(b"01", b"\x00\x01")


def squeeze(mask: int, keep: int) -> int:
    """Return the mask over the positions in `keep` alone, which close ranks: the k-th bit of `keep` becomes bit k."""
    part = mask & keep
    if not part:
        return 0
    if part == keep:
        return (1 << keep.bit_count()) - 1
    runs = runs_of_mask(keep)
    if len(runs) <= _FEW_RUNS:
        squeezed = place = 0
        for first, last in runs:
            squeezed |= ((part >> first) & ((1 << (last - first + 1)) - 1)) << place
            place += last - first + 1
        return squeezed
    text = bin(part)[:1:-1].ljust(keep.bit_length(), "0")
    return int("".join(compress(text, selectors(keep)))[::-1], 2)


def spread(mask: int, onto: int) -> int:
    """Undo `squeeze`: bit k becomes the k-th bit of `onto`; bits above the last one are left out."""
    if onto & (onto + 1) == 0:
        return mask & onto
    made = 0
    for first, last in runs_of_mask(onto):
        width = last - first + 1
        made |= (mask & ((1 << width) - 1)) << first
        mask >>= width
        if not mask:
            break
    return made


def merge_runs(runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return disjoint ascending runs with those that touch joined."""
    merged: list[tuple[int, int]] = []
    for first, last in runs:
        if merged and merged[-1][1] + 1 == first:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return merged


def union_runs(runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the union of runs in any order, which may overlap."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def locate_runs(
    intervals: Sequence[tuple[int, int]], runs: Runs, starts: Sequence[int]
) -> Iterator[tuple[int, int, int]]:
    """Yield the positions of ids as (first, last, index of the interval); ids that do not exist have none.

    Parameters
    ----------
    intervals : the ids asked for, ascending.
    runs : the ids that exist.
    starts : the position of the first id of each of `runs`.
    """
    j = 0
    for i, (low, high) in enumerate(intervals):
        j = max(j, bisect_right(runs, (low, MAX_ID + 1), lo=j) - 1)
        while j < len(runs) and runs[j][0] <= high:
            first, last = max(low, runs[j][0]), min(high, runs[j][1])
            if first <= last:
                shift = starts[j] - runs[j][0]
                yield first + shift, last + shift, i
            if runs[j][1] >= high:
                break
            j += 1


def overlay(runs: Sequence[ValuedRun], others: Sequence[ValuedRun]) -> Iterator[tuple[int, int, int, int]]:
    """Yield (first, last, what `runs` has, what `others` has or -1) over all that `runs` covers."""
    j = 0
    for first, last, kind in runs:
        while first <= last:
            while j < len(others) and others[j][1] < first:
                j += 1
            if j == len(others) or others[j][0] > last:
                yield first, last, kind, -1
                break
            if others[j][0] > first:
                yield first, others[j][0] - 1, kind, -1
                first = others[j][0]
            end = min(last, others[j][1])
            yield first, end, kind, others[j][2]
            first = end + 1
