"""Slurm's configuration files, as slurm.conf(5) and topology.conf(5) have them: lines of Name=Value.

Names do not care about case. A `#` starts a comment, a backslash at the end of a line lets it go on on the next one,
and values with blanks stand in quotes. A line `include PATH` stands for the lines of that file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import lark

from .errors import GrammarError
from .parser import Parser

MAX_CHARACTERS: Final = 2**22
"""The longest text that is read."""

_INCLUDE: Final = re.compile(r"^[ \t]*include[ \t]+([^\s=#]+)[ \t\r]*(?:#[^\n]*)?$", re.IGNORECASE | re.MULTILINE)
_CONTINUATION: Final = re.compile(r"\\[ \t\r]*\n")
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Pair:
    """One Name=Value.

    Parameters
    ----------
    name
        In lower case.
    value
        Without quotes and backslashes.
    line
        Number of the line, from 1.
    """

    name: str
    value: str
    line: int


def split_includes(text: str) -> tuple[list[Pair], str]:
    """Return the include lines, each as a pair, and the text with these lines empty."""
    found, line, before = [], 1, 0
    for match in _INCLUDE.finditer(text):
        line += text.count("\n", before, match.start())
        before = match.start()
        found.append(Pair("include", match[1], line))
    return found, _INCLUDE.sub("", text) if found else text


class _Values(lark.Transformer[lark.Token, Any]):
    def start(self, lines: list[list[Pair]]) -> list[list[Pair]]:
        return lines

    def line(self, pairs: list[Pair]) -> list[Pair]:
        return pairs

    def pair(self, parts: list[lark.Token]) -> Pair:
        name, value = parts
        text = str(value)
        text = text[1:-1] if value.type == "QUOTED" else _ESCAPED.sub(r"\1", _CONTINUATION.sub("", text))
        return Pair(name.lower(), text, name.line or 0)


_PARSER: Final = Parser(None, "Slurm configuration", "slurm_conf.lark", _Values())


def parse_slurm_conf(text: str) -> list[list[Pair]]:
    """Read a configuration file: its lines, each with its pairs.

    Raises
    ------
    GrammarError
        For a line that is not of Name=Value, with its number, and for more than `MAX_CHARACTERS`.
    """
    if len(text) > MAX_CHARACTERS:
        raise GrammarError(f"longer than {MAX_CHARACTERS} characters", language=_PARSER.language)
    lines: list[list[Pair]] = _PARSER.parse(text if text.endswith("\n") else text + "\n")
    return lines
