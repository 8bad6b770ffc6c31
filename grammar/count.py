"""RFC 14 counts: an integer, a rule (RFC 45 as text), or an RFC 22 idset; never a list of its values."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import lark

from .errors import faulty, shown
from .idset import Intervals, parse_intervals
from .limits import MAX_COUNT
from .parser import Parser

_NUMBER = "([1-9][0-9]*)"
_RANGE = re.compile(rf"{_NUMBER}(?:(?:-{_NUMBER}|(\+))(?::{_NUMBER}(?::([+*^]))?)?)?")
_GOOD_START = re.compile(r"\[?(?:[1-9][0-9]*(?:-[1-9][0-9]*)?,)*")
_KEYS = frozenset({"min", "max", "operator", "operand"})
_OPERATORS = ("+", "*", "^")
_MAX_DIGITS = 19
_CACHED_LENGTH = 64


class _Values(lark.Transformer[lark.Token, object]):
    def start(self, parts: list[object]) -> list[object]:
        return parts


COUNT_PARSER = Parser(45, "count", "count.lark", _Values())
_RFC14 = Parser(14, "count", "count.lark", _Values())


@dataclass(frozen=True, slots=True)
class Count:
    """The set of admissible counts of a resource vertex.

    Parameters
    ----------
    min
        The smallest admissible count.
    max
        The largest admissible count; None when there is none.
    operator, operand
        The rule that leads from one admissible count to the next.
    intervals
        The admissible counts where no rule gives them; None where a rule does.
    written_max
        The maximum as it was given, which the rule need not reach. No part of the value.
    """

    min: int
    max: int | None
    operator: str = "+"
    operand: int = 1
    intervals: Intervals | None = None
    written_max: int | None = field(default=None, compare=False)

    @property
    def is_fixed(self) -> bool:
        """Whether there is one admissible count only."""
        return self.min == self.max

    def largest(self, at_most: int) -> int | None:
        """Return the largest admissible count up to a bound, None when there is none."""
        if at_most < self.min:
            return None
        limit = at_most if self.max is None or at_most < self.max else self.max
        if self.intervals is not None:
            return min(limit, self.intervals[bisect_right(self.intervals, (limit, MAX_COUNT)) - 1][1])
        return _last_of_rule(self.min, limit, self.operator, self.operand)

    def descending(self, at_most: int) -> Iterator[int]:
        """Yield the admissible counts up to a bound, the largest first."""
        count = self.largest(at_most)
        while count is not None:
            yield count
            count = self.largest(count - 1)

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.largest(number) == number

    def __str__(self) -> str:
        """Return the canonical text, which RFC 46 allows too."""
        if self.intervals is not None:
            return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in self.intervals)
        if self.is_fixed:
            return str(self.min)
        span = f"{self.min}+" if self.max is None else f"{self.min}-{self.max}"
        if self.operator != "+":
            return f"{span}:{self.operand}:{self.operator}"
        return span if self.operand == 1 else f"{span}:{self.operand}"

    def to_json(self) -> int | str | dict[str, int | str]:
        """Return the RFC 14 value, with the maximum as it was given."""
        if self.intervals is not None:
            return str(self)
        if self.is_fixed:
            return self.min
        if self.max is None and self.operator == "+" and self.operand == 1:
            return {"min": self.min}
        upper = {} if self.max is None else {"max": self.written_max or self.max}
        return {"min": self.min, **upper, "operator": self.operator, "operand": self.operand}


def parse_count(value: object) -> Count:
    """Read the value of the RFC 14 `count` key: an integer, text, or a mapping.

    Raises
    ------
    GrammarError
        For anything else, for counts below 1 and for counts above `MAX_COUNT`.
    """
    if type(value) is int:
        return _fixed(value)
    if isinstance(value, str):
        return _cached_text(value) if len(value) <= _CACHED_LENGTH else _from_text(value)
    if isinstance(value, Mapping):
        return _from_mapping(value)
    raise _RFC14.error(f"expected an integer, text or a mapping, not {shown(value)}")


@lru_cache(maxsize=4096)
def _fixed(value: int) -> Count:
    return Count(_number(value, "the count"), value)


def _from_mapping(value: Mapping[object, object]) -> Count:
    for key in value:
        if key not in _KEYS:
            raise _RFC14.error(f"unknown key {shown(key)}", part=faulty(key))
    if "min" not in value:
        raise _RFC14.error("the key min is missing")
    if ("operator" in value) != ("operand" in value):
        raise _RFC14.error("operator and operand are given both or not at all")
    smallest = _number(value["min"], "min")
    # Flux's own reader of shapes gives an infinite maximum as a float.
    infinite = "max" not in value or value["max"] == math.inf
    largest = None if infinite else _number(value["max"], "max")
    operator = value.get("operator", "+")
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise _RFC14.error(f"operator is one of + * ^, not {shown(operator)}", part=faulty(operator))
    count = _by_rule(smallest, largest, operator, _number(value.get("operand", 1), "operand"))
    if isinstance(count, str):
        raise _RFC14.error(count)
    return count


def _from_text(text: str) -> Count:
    brackets = 1 if text[:1] == "[" and text[-1:] == "]" else 0
    match = _RANGE.fullmatch(text, brackets, len(text) - brackets)
    if match is None:
        return _from_idset(text)
    for group in (1, 2, 4):
        digits = match[group]
        if digits and (len(digits) > _MAX_DIGITS or int(digits) > MAX_COUNT):
            raise COUNT_PARSER.error(_too_large(digits), text, match.start(group), digits)
    smallest = int(match[1])
    largest = int(match[2]) if match[2] else None if match[3] else smallest
    count = _by_rule(smallest, largest, match[5] or "+", int(match[4] or 1))
    if isinstance(count, str):
        raise COUNT_PARSER.error(count, text, match.start(), match[0])
    return count


_cached_text = lru_cache(maxsize=4096)(_from_text)


def _from_idset(text: str) -> Count:
    if text in ("", "[]") or not text.isascii():
        raise COUNT_PARSER.fault(text)
    if re.search(r"[^0-9,\[\]-]", text):
        match = _GOOD_START.match(text)
        raise COUNT_PARSER.fault(text, match.end() if match else 0)
    intervals = parse_intervals(text, 1, MAX_COUNT, COUNT_PARSER)
    smallest, largest = intervals[0][0], intervals[-1][1]
    return Count(smallest, largest, intervals=intervals if len(intervals) > 1 else None)


def _by_rule(smallest: int, largest: int | None, operator: str, operand: int) -> Count | str:
    """Return the count that a rule gives, or what is wrong with the rule."""
    if largest is not None and largest < smallest:
        return f"the maximum {largest} is less than the minimum {smallest}"
    if operator != "+" and operand < 2:
        return f"the operand of {operator} is at least 2"
    if operator == "^" and smallest < 2:
        return "the minimum of ^ is at least 2"
    if largest is None:
        return Count(smallest, None, operator, operand)
    last = _last_of_rule(smallest, largest, operator, operand)
    if last == smallest:
        operator, operand = "+", 1
    return Count(smallest, last, operator, operand, written_max=largest)


def _last_of_rule(smallest: int, limit: int, operator: str, operand: int) -> int:
    if operator == "+":
        return limit - (limit - smallest) % operand
    count = smallest
    while True:
        # min >= 2 and limit <= MAX_COUNT keep the exponent below the number of bits, unless it is out of reach.
        if operator == "^" and operand >= limit.bit_length():
            return count
        following = count * operand if operator == "*" else count**operand
        if following > limit:
            return count
        count = following


def _number(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _RFC14.error(f"{name} is an integer, not {shown(value)}")
    if value < 1:
        raise _RFC14.error(f"{name} is at least 1, not {shown(value)}", part=shown(value))
    if value > MAX_COUNT:
        raise _RFC14.error(f"{name} is at most {MAX_COUNT}, not {shown(value)}", part=shown(value))
    return value


def _too_large(digits: str) -> str:
    return f"'{digits}' is larger than {MAX_COUNT}" if len(digits) <= _CACHED_LENGTH else f"larger than {MAX_COUNT}"
