"""RFC 29 hostlists: host names in order, kept as runs of consecutive numbers, never as a list of names."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, overload

import lark

from .errors import GrammarError, shown
from .hostrun import MAX_DIGITS, Run, absorbed, is_spelled, joined, pieces, single, spelled, texts
from .idset import IdSet, Interval
from .limits import MAX_HOSTS, MAX_SPELLED_HOSTS
from .parser import Parser

_CHARACTER = r"[!-+\--Z\\^-~]"
_RANGE = "[0-9]+(?:-[0-9]+)?"
_EXPRESSION = rf"{_CHARACTER}*(?:\[{_RANGE}(?:,{_RANGE})*\]{_CHARACTER}*)?"
_PLAIN: Final = re.compile(rf"{_EXPRESSION}(?:,{_EXPRESSION})*")
_GOOD_START: Final = re.compile(rf"(?:{_EXPRESSION},)*")
_PARTS: Final = re.compile(rf"({_CHARACTER}*)(?:\[([0-9,-]+)\]({_CHARACTER}*))?(?:,|$)")


class _Values(lark.Transformer[lark.Token, object]):
    def start(self, parts: list[object]) -> list[object]:
        return parts


HOSTLIST_PARSER: Final = Parser(29, "hostlist", "hostlist.lark", _Values())


class Hostlist(Sequence[str]):
    """Host names in order, repeats allowed.

    Parameters
    ----------
    runs
        The names; adjacent runs are joined where they can be.
    """

    __slots__ = ("_starts", "runs")

    runs: tuple[Run, ...]

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self.runs = tuple(joined(runs))
        self._starts = [0, *accumulate(run.last - run.first + 1 for run in self.runs)]

    @classmethod
    def parse(cls, text: str) -> Hostlist:
        """Read RFC 29 text; the empty text is the empty list.

        Raises
        ------
        GrammarError
            For text outside RFC 29, and for more than `MAX_HOSTS` hosts.
        """
        if not isinstance(text, str):
            raise HOSTLIST_PARSER.error(f"expected text, not {shown(text)}")
        if not _PLAIN.fullmatch(text):
            match = _GOOD_START.match(text)
            raise HOSTLIST_PARSER.fault(text, match.end() if match else 0)
        return cls(_read(text))

    @classmethod
    def of(cls, names: Iterable[str]) -> Hostlist:
        """Return the list of the given names.

        Raises
        ------
        GrammarError
            For a name that RFC 29 cannot write: an empty one, or one with blanks, brackets or commas.
        """
        return cls(single(_checked(name)) for name in names)

    def mask_of(self, names: Hostlist) -> int:
        """Return a mask with bit i set where the i-th name of this list is one of the given names."""
        wanted = names.numbers()
        places: list[Interval] = []
        for start, run in zip(self._starts, self.runs, strict=False):
            begin = start - max(run.first, 0)
            for key, (first, last) in pieces(run):
                ids = wanted.get(key)
                if ids is not None:
                    places += [(begin + low, begin + high) for low, high in _overlap(ids, first, last)]
        return IdSet(tuple(places)).mask()

    def numbers(self) -> dict[tuple[str, str, int], IdSet]:
        """Return the numbers that stand behind each prefix and before each suffix, by their count of digits."""
        found: dict[tuple[str, str, int], list[Interval]] = {}
        for run in self.runs:
            for key, interval in pieces(run):
                found.setdefault(key, []).append(interval)
        return {key: _merged(intervals) for key, intervals in found.items()}

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Hostlist: ...

    def __getitem__(self, index: int | slice) -> str | Hostlist:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return Hostlist(self._between(start, stop))
            return Hostlist(single(self[i]) for i in range(start, stop, step))
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no host at place {index}")
        index %= len(self)
        found = bisect_right(self._starts, index) - 1
        return self.runs[found].name(index - self._starts[found])

    def __iter__(self) -> Iterator[str]:
        for run in self.runs:
            if run.first < 0:
                yield run.prefix
            else:
                form = f"{{:0{run.width}}}".format
                for number in range(run.first, run.last + 1):
                    yield run.prefix + form(number) + run.suffix

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def index(self, name: str, start: int = 0, stop: int | None = None) -> int:
        """Return the first place of a name; ValueError when it has none."""
        if start or stop is not None:
            return super().index(name, start, len(self) if stop is None else stop)
        place = self._find(name)
        if place is None:
            raise ValueError(f"no host {shown(name)}")
        return place

    def __str__(self) -> str:
        return ",".join(texts(self.runs))

    def __repr__(self) -> str:
        return f"Hostlist.parse({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return self.runs == other.runs if isinstance(other, Hostlist) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.runs)

    def _find(self, name: str) -> int | None:
        wanted = single(name)
        for start, run in zip(self._starts, self.runs, strict=False):
            if run.prefix == wanted.prefix and run.suffix == wanted.suffix and run.first <= wanted.first <= run.last:
                place = wanted.first - run.first
                if run.name(place) == name:
                    return start + place
        return None

    def _between(self, start: int, stop: int) -> Iterator[Run]:
        for begin, run in zip(self._starts, self.runs, strict=False):
            size = run.last - run.first + 1
            low, high = max(start - begin, 0), min(stop - begin, size)
            if low < high:
                yield run if high - low == size else run.cut(low, high)


def encode_hosts(names: Iterable[str]) -> str:
    """Return the canonical RFC 29 text of host names."""
    return str(Hostlist.of(names))


def _read(text: str) -> Iterator[Run]:
    total = total_spelled = 0
    for match in _PARTS.finditer(text):
        prefix, ids, suffix = match.groups()
        if ids is None:
            if prefix:
                total += 1
                yield single(prefix)
            continue
        width = 0
        offset = match.start(2)
        for place, element in enumerate(ids.split(",")):
            start, _, end = element.partition("-")
            first, last = _bounds(text, offset, element, start, end or start)
            # The zeros of the first number count for all (RFC 29); another number may have more.
            zeros = len(start) if start[0] == "0" and len(start) > 1 else 0
            width = zeros if place == 0 else width
            total += last - first + 1
            if total > MAX_HOSTS:
                raise HOSTLIST_PARSER.error(f"more hosts than {MAX_HOSTS}", text, offset, element)
            if is_spelled(prefix, suffix, max(len(str(last)), zeros, width)):
                total_spelled += last - first + 1
                if total_spelled > MAX_SPELLED_HOSTS:
                    reason = f"more than {MAX_SPELLED_HOSTS} hosts of which the number in the brackets is a part only"
                    raise HOSTLIST_PARSER.error(reason, text, offset, element)
                yield from spelled(prefix, suffix, first, last, max(width, zeros))
            else:
                yield from absorbed(prefix, suffix, first, last, max(width, zeros))
            offset += len(element) + 1


def _bounds(text: str, offset: int, element: str, start: str, end: str) -> Interval:
    if len(start) > MAX_DIGITS or len(end) > MAX_DIGITS:
        raise HOSTLIST_PARSER.error(f"a number of more than {MAX_DIGITS} digits", text, offset, element)
    first, last = int(start), int(end)
    if last < first:
        raise HOSTLIST_PARSER.error(f"range '{element}' does not ascend", text, offset, element)
    return first, last


def _checked(name: str) -> str:
    for offset, letter in enumerate(name):
        if not "!" <= letter <= "~" or letter in "[],":
            raise GrammarError(
                f"unexpected {letter!r}", rfc=29, language="host name", text=name, offset=offset, part=letter
            )
    if not name:
        raise GrammarError("an empty host name", rfc=29, language="host name")
    return name


def _merged(intervals: list[Interval]) -> IdSet:
    intervals.sort()
    merged = intervals[:1]
    for first, last in intervals[1:]:
        if first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return IdSet(tuple(merged))


def _overlap(ids: IdSet, first: int, last: int) -> Iterator[Interval]:
    index = max(0, bisect_right(ids.intervals, (first, first)) - 1)
    for low, high in ids.intervals[index:]:
        if low > last:
            return
        if high >= first:
            yield max(low, first), min(high, last)
