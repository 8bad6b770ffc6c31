"""Slurm's generic resources, as `--gres` takes them and `sinfo` and `scontrol` print them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import lark

from .idset import IdSet
from .parser import Parser

MAX_GRES: Final = 2**31 - 1

_SUFFIXES = "kmgtp"
_MAX_LENGTH = 11


@dataclass(frozen=True, slots=True)
class Gres:
    """Some resources of one name and type.

    Parameters
    ----------
    name
        What Slurm calls them, e.g. "gpu".
    type
        Their type, None where none is said.
    count
        How many; one where it is not said.
    sockets
        The sockets that they are near; None where that is not said.
    """

    name: str
    type: str | None = None
    count: int = 1
    sockets: IdSet | None = None

    def __str__(self) -> str:
        """Return the text with the count, as `--gres` takes it."""
        return ":".join(filter(None, (self.name, self.type, str(self.count))))


class _Values(lark.Transformer[lark.Token, Any]):
    def start(self, parts: list[Any]) -> tuple[Gres, ...]:
        return tuple(part for part in parts if isinstance(part, Gres))

    def entry(self, parts: list[Any]) -> Gres:
        kind, count, sockets = None, 1, None
        for part in parts[1:]:
            if isinstance(part, tuple):
                kind, count = part
            elif part.startswith("(S:"):
                sockets = IdSet.parse(part[3:-1])
        return Gres(str(parts[0]), kind, count, sockets)

    def count(self, parts: list[lark.Token]) -> tuple[None, int]:
        return None, _number(parts[-1])

    def typed(self, parts: list[lark.Token]) -> tuple[str, int]:
        return str(parts[0]), _number(parts[-1]) if len(parts) > 1 else 1


_PARSER = Parser(None, "Slurm gres", "slurm_gres.lark", _Values())


def parse_gres(text: str) -> tuple[Gres, ...]:
    """Return the resources that a text names, none for `(null)`.

    Notes
    -----
    `gpu:4` is a count and `gpu:a100` a type, as for Slurm; a number is a type where a count follows (`gpu:1080:2`).

    Raises
    ------
    GrammarError
        For any other text, and for more than Slurm can count.
    """
    found: tuple[Gres, ...] = _PARSER.parse(text)
    return found


def total(found: Iterable[Gres], name: str) -> int:
    """Return how many there are of a name, of all types."""
    return sum(gres.count for gres in found if gres.name == name)


def _number(token: lark.Token) -> int:
    """Return a count: the suffix is a power of 1024."""
    digits, suffix = (token[:-1], token[-1].lower()) if token[-1].isalpha() else (str(token), "")
    count = MAX_GRES + 1
    if len(digits.lstrip("0")) <= _MAX_LENGTH:
        count = int(digits) * 1024 ** (_SUFFIXES.index(suffix) + 1 if suffix else 0)
    if count > MAX_GRES:
        raise _PARSER.error("more than Slurm can count", part=str(token)[:60])
    return count
