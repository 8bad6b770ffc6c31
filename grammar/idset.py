"""RFC 22 idsets: sets of non-negative ids, kept as intervals.

The text of an idset is in ascending order, so text, intervals and set stand for one another one to one. Two readers
agree on it: a regular expression for what is right, and the Lark grammar that says what is wrong.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import lark

from .bits import lowest_bit
from .errors import GrammarError, shown
from .limits import MAX_ID, MAX_MASK_ID
from .parser import Parser

Interval = tuple[int, int]
"""The first and the last id of a run of consecutive ids."""

Intervals = tuple[Interval, ...]
"""Runs in ascending order, with a gap between each two."""

_ID = r"(?:0|[1-9][0-9]*)"
_ELEMENT = rf"{_ID}(?:-{_ID})?"
_PLAIN = re.compile(rf"(?:{_ELEMENT}(?:,{_ELEMENT})*)?")
_GOOD_START = re.compile(rf"\[?(?:{_ELEMENT},)*")
_MAX_DIGITS = 19
_LONGEST_SHOWN = 50
_CACHED_BITS = 256
_FEW = 64
_FEW_RUNS = 8


class _Values(lark.Transformer[lark.Token, "list[tuple[str, ...]]"]):
    def element(self, ids: list[lark.Token]) -> tuple[str, ...]:
        return tuple(ids)

    def start(self, elements: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
        return elements


IDSET_PARSER = Parser(22, "idset", "idset.lark", _Values())


@dataclass(frozen=True, slots=True)
class IdSet:
    """A set of ids.

    Parameters
    ----------
    intervals
        Runs of consecutive ids, ascending, with a gap between each two.
    """

    EMPTY: ClassVar[IdSet]

    intervals: Intervals = ()

    @classmethod
    def parse(cls, text: str) -> IdSet:
        """Read RFC 22 text, with or without brackets; the empty text is the empty set.

        Raises
        ------
        GrammarError
            For anything else, with the place of the fault.
        """
        return cls(parse_intervals(text))

    @classmethod
    def of(cls, ids: Iterable[int]) -> IdSet:
        """Return the set of the given ids, in any order, repeats allowed."""
        ordered = sorted(set(ids))
        if ordered and not 0 <= ordered[0] <= ordered[-1] <= MAX_ID:
            bad = ordered[0] if ordered[0] < 0 else ordered[-1]
            raise GrammarError(f"ids are from 0 to {MAX_ID}, not {shown(bad)}", rfc=22, language="idset")
        return cls(_joined((i, i) for i in ordered))

    @classmethod
    def from_mask(cls, mask: int) -> IdSet:
        """Return the ids whose bits are set (bit i for id i)."""
        return cls(tuple(_runs(mask)))

    @property
    def first(self) -> int:
        """The smallest id; IndexError when there is none."""
        return self.intervals[0][0]

    @property
    def last(self) -> int:
        """The largest id; IndexError when there is none."""
        return self.intervals[-1][1]

    def mask(self) -> int:
        """Return an integer with bit i set for each id i.

        Raises
        ------
        GrammarError
            When an id is larger than `MAX_MASK_ID`: the integer would be needlessly large.
        """
        intervals = self.intervals
        if not intervals:
            return 0
        if intervals[-1][1] > MAX_MASK_ID:
            raise GrammarError(f"id {intervals[-1][1]} is larger than {MAX_MASK_ID}", rfc=22, language="idset")
        if len(intervals) <= _FEW:
            return sum((1 << last + 1) - (1 << first) for first, last in intervals)
        # Adding each run to one integer would copy the whole of it each time.
        bits = bytearray(b"0") * (intervals[-1][1] + 1)
        for first, last in intervals:
            bits[first : last + 1] = b"1" * (last + 1 - first)
        bits.reverse()
        return _from_bits(bits.decode("ascii"))

    def __str__(self) -> str:
        return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in self.intervals)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.intervals)

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.intervals:
            yield from range(first, last + 1)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        index = bisect_right(self.intervals, (number, MAX_ID + number)) - 1
        return index >= 0 and number <= self.intervals[index][1]

    def __or__(self, other: IdSet) -> IdSet:
        return IdSet(_joined(sorted(self.intervals + other.intervals)))

    def __and__(self, other: IdSet) -> IdSet:
        return IdSet(tuple(_common(self.intervals, other.intervals)))

    def __sub__(self, other: IdSet) -> IdSet:
        return IdSet(tuple(_common(self.intervals, tuple(_gaps(other.intervals)))))

    def __le__(self, other: IdSet) -> bool:
        return self & other == self


IdSet.EMPTY = IdSet()


def parse_intervals(text: str, smallest: int = 0, largest: int = MAX_ID, parser: Parser = IDSET_PARSER) -> Intervals:
    """Read RFC 22 text into its intervals.

    Parameters
    ----------
    text
        The text of an idset.
    smallest, largest
        The ids allowed.
    parser
        The language whose errors are raised, one that idsets are part of.
    """
    if not isinstance(text, str):
        raise parser.error(f"expected text, not {shown(text)}")
    inner = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    if not _PLAIN.fullmatch(inner):
        match = _GOOD_START.match(text)
        raise parser.fault(text, match.end() if match else 0)
    if not inner:
        return ()
    intervals: list[Interval] = []
    previous = smallest - 2
    elements = inner.split(",")
    for place, element in enumerate(elements):
        start, _, end = element.partition("-")
        if len(start) > _MAX_DIGITS or len(end) > _MAX_DIGITS:
            first = last = largest + 1
        else:
            first = int(start)
            last = int(end) if end else first
        if first <= previous or last > largest or (end and last <= first) or first < smallest:
            offset = sum(map(len, elements[:place])) + place + (inner is not text)
            raise parser.error(
                _broken_rule(element, (first, last), (smallest, largest), previous), text, offset, element
            )
        if first == previous + 1:
            intervals[-1] = (intervals[-1][0], last)
        else:
            intervals.append((first, last))
        previous = last
    return tuple(intervals)


def text_mask(text: str) -> int:
    """Return the mask of RFC 22 text: bit i set for each id i.

    Raises
    ------
    GrammarError
        For other text, and for ids larger than `MAX_MASK_ID`.
    """
    if len(text) <= _CACHED_BITS:
        return _short_text_mask(text)
    return IdSet(parse_intervals(text)).mask()


def mask_text(mask: int) -> str:
    """Return the RFC 22 text of the ids whose bits are set."""
    if mask.bit_length() <= _CACHED_BITS:
        return _short_mask_text(mask)
    return _mask_text(mask)


@lru_cache(maxsize=4096)
def _short_text_mask(text: str) -> int:
    return IdSet(parse_intervals(text)).mask()


def _mask_text(mask: int) -> str:
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in _runs(mask))


_short_mask_text = lru_cache(maxsize=4096)(_mask_text)


def _runs(mask: int) -> Iterator[Interval]:
    if mask < 0:
        raise ValueError("a mask is not negative")
    base = 0
    for _ in range(_FEW_RUNS):
        if not mask:
            return
        first = lowest_bit(mask).bit_length() - 1
        mask >>= first
        length = (mask ^ (mask + 1)).bit_length() - 1
        yield base + first, base + first + length - 1
        mask >>= length
        base += first + length
    # Linear in the bits, where shifting an integer for each run is quadratic.
    for run in re.finditer("1+", f"{mask:b}"[::-1]):
        yield base + run.start(), base + run.end() - 1


def _from_bits(bits: str) -> int:
    # int(bits, 2) is linear for powers of two.
    return int(bits, 2)


def _joined(intervals: Iterable[Interval]) -> Intervals:
    result: list[Interval] = []
    for first, last in intervals:
        if result and first <= result[-1][1] + 1:
            if last > result[-1][1]:
                result[-1] = (result[-1][0], last)
        else:
            result.append((first, last))
    return tuple(result)


def _common(left: Intervals, right: Intervals) -> Iterator[Interval]:
    i = j = 0
    while i < len(left) and j < len(right):
        first = max(left[i][0], right[j][0])
        last = min(left[i][1], right[j][1])
        if first <= last:
            yield first, last
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1


def _gaps(intervals: Intervals) -> Iterator[Interval]:
    first = 0
    for start, end in intervals:
        if start > first:
            yield first, start - 1
        first = end + 1
    if first <= MAX_ID:
        yield first, MAX_ID


def _broken_rule(element: str, found: Interval, allowed: Interval, previous: int) -> str:
    name = f"'{element}'" if len(element) <= _LONGEST_SHOWN else "an id"
    if max(found) > allowed[1]:
        return f"{name} is larger than {allowed[1]}"
    if found[0] < allowed[0]:
        return f"{name} is less than {allowed[0]}"
    if "-" in element and found[1] <= found[0]:
        return f"range {name} does not ascend"
    return f"{name} does not ascend from {previous}"
