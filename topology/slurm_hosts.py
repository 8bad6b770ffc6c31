"""Hostlists as Slurm writes them: those of RFC 29, and several brackets in one name, such as `rack[1-2]n[01-18]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..grammar.hostlist import Hostlist

MAX_PREFIXES: Final = 2**16
"""The most ways to write what stands before the last bracket of one name."""

_EXPRESSION: Final = re.compile(r"[^\[\],]*(?:\[[^\[\]]*\][^\[\],]*)*")
_BRACKETS: Final = re.compile(r"\[[^\[\]]*\]")


def parse_slurm_hosts(text: str) -> Hostlist:
    """Read a hostlist.

    Raises
    ------
    ValueError
        The text is none, or names too many hosts.
    """
    if text.count("[") < 2:
        return Hostlist.parse(text)
    return Hostlist.parse(",".join(_expanded(text)))


def _expanded(text: str) -> Iterator[str]:
    """Yield RFC 29 expressions; what is no hostlist is left to the parser of these, which says why."""
    position = 0
    while position < len(text):
        match = _EXPRESSION.match(text, position)
        end = match.end() if match else position
        if end < len(text) and text[end] != ",":
            yield text[position:]
            return
        yield from _with_one_bracket(text[position:end])
        position = end + 1


def _with_one_bracket(expression: str) -> Iterator[str]:
    brackets = list(_BRACKETS.finditer(expression))
    if len(brackets) < 2:
        yield expression
        return
    prefixes = [""]
    start = 0
    for bracket in brackets[:-1]:
        ids = Hostlist.parse(f"{expression[start : bracket.start()]}{bracket.group()}")
        if len(ids) * len(prefixes) > MAX_PREFIXES:
            raise ValueError(f"more than {MAX_PREFIXES} names before the last bracket of one hostlist expression")
        prefixes = [prefix + name for prefix in prefixes for name in ids]
        start = bracket.end()
    for prefix in prefixes:
        yield prefix + expression[start:]
