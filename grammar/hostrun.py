"""Runs of host names, and the normal form that makes the text of a hostlist a function of its names.

The number of a name is its last group of digits, where it has at most 18 of them; consecutive names that differ in
nothing else and ascend by one are a run. That is what Flux does for names that end in a digit; Flux spells out names
that go on behind the digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from .idset import Interval

MAX_DIGITS: Final = 18
"""A number of more digits is part of the name."""

_DIGITS: Final = "0123456789"
_OTHERS: Final = "".join(chr(c) for c in range(33, 127) if chr(c) not in _DIGITS + "[],")


class Run(NamedTuple):
    """Names that differ in their number alone, ascending by one.

    Parameters
    ----------
    prefix, suffix
        What stands before and behind the number; without a number, the whole name is the prefix.
    first, last
        The numbers; -1 for a name without one.
    width
        Digits to which the numbers are filled with zeros; 0 where none of them needs it.
    """

    prefix: str
    suffix: str
    first: int
    last: int
    width: int

    def name(self, place: int) -> str:
        """Return the name at a place of the run, from 0."""
        return self.prefix if self.first < 0 else f"{self.prefix}{self.first + place:0{self.width}}{self.suffix}"

    def cut(self, start: int, stop: int) -> Run:
        """Return the names from a place up to, but without, another."""
        return _run(self.prefix, self.suffix, self.first + start, self.first + stop - 1, self.width)


def is_spelled(prefix: str, suffix: str, digits: int) -> bool:
    """Whether another number than the one in the brackets is the last of the names, or one too long to count in."""
    leading = len(prefix) - len(prefix.rstrip(_DIGITS))
    return (leading > 0 and leading + digits > MAX_DIGITS) or any(letter in _DIGITS for letter in suffix)


def spelled(prefix: str, suffix: str, first: int, last: int, width: int) -> Iterator[Run]:
    """Yield every name of an expression as a run of its own."""
    return (single(f"{prefix}{number:0{width}}{suffix}") for number in range(first, last + 1))


def absorbed(prefix: str, suffix: str, first: int, last: int, width: int) -> Iterator[Run]:
    """Yield the runs of an expression with the digits that end the prefix as part of the number."""
    stem = prefix.rstrip(_DIGITS)
    leading = prefix[len(stem) :]
    if not leading:
        yield _run(prefix, suffix, first, last, width)
        return
    for digits, low, high in _by_length(first, last, width):
        base = int(leading) * 10**digits
        yield _run(stem, suffix, base + low, base + high, len(leading) + digits)


def _by_length(first: int, last: int, width: int) -> Iterator[tuple[int, int, int]]:
    """Yield the count of digits, the first and the last number of each part whose numbers are equally long."""
    low = first
    while low <= last:
        digits = max(len(str(low)), width)
        high = min(last, 10**digits - 1)
        yield digits, low, high
        low = high + 1


def pieces(run: Run) -> Iterator[tuple[tuple[str, str, int], Interval]]:
    """Yield the parts of a run whose numbers are equally long: prefix, suffix and count of digits, then the numbers."""
    if run.first < 0:
        yield (run.prefix, "", -1), (0, 0)
        return
    for digits, low, high in _by_length(run.first, run.last, run.width):
        yield (run.prefix, run.suffix, digits), (low, high)


def single(name: str) -> Run:
    """Return the run of one name."""
    suffix = ""
    body = name
    if name[-1:] not in _DIGITS:
        body = name.rstrip(_OTHERS)
        suffix = name[len(body) :]
    stem = body.rstrip(_DIGITS)
    digits = body[len(stem) :]
    if not digits or len(digits) > MAX_DIGITS:
        return Run(name, "", -1, -1, 0)
    number = int(digits)
    return Run(stem, suffix, number, number, len(digits) if digits[0] == "0" and len(digits) > 1 else 0)


def _run(prefix: str, suffix: str, first: int, last: int, width: int) -> Run:
    return Run(prefix, suffix, first, last, width if len(str(first)) < width else 0)


def joined(runs: Iterable[Run]) -> Iterator[Run]:
    """Yield the runs with those joined that follow one another."""
    previous: Run | None = None
    for run in runs:
        if previous is None:
            previous = run
        elif (
            run.first == previous.last + 1
            and run.first > 0
            and run.prefix == previous.prefix
            and run.suffix == previous.suffix
            and _fills(previous.width, run)
        ):
            previous = previous._replace(last=run.last)
        else:
            yield previous
            previous = run
    if previous is not None:
        yield previous


def _fills(width: int, run: Run) -> bool:
    """Whether the run reads the same when it is filled to the width of what stands before it."""
    return run.width == width or (width > 0 and run.width == 0 and len(str(run.first)) >= width)


def texts(runs: tuple[Run, ...]) -> Iterator[str]:
    """Yield the RFC 29 expressions of runs, as few as there can be."""
    start = 0
    for end in range(1, len(runs) + 1):
        head = runs[start]
        if end < len(runs):
            run = runs[end]
            alike = head.first >= 0 and run.first >= 0 and run.prefix == head.prefix and run.suffix == head.suffix
            if alike and _fills(head.width, run):
                continue
        yield _text(runs[start:end])
        start = end


def _text(runs: tuple[Run, ...]) -> str:
    head = runs[0]
    if len(runs) == 1 and head.first == head.last:
        return head.name(0)
    form = f"{{:0{head.width}}}".format
    elements = (form(r.first) if r.first == r.last else f"{form(r.first)}-{form(r.last)}" for r in runs)
    return f"{head.prefix}[{','.join(elements)}]{head.suffix}"
