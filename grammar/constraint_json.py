"""RFC 31 constraints: JSON text, the object that it stands for, and the algebra."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import lark

from .algebra import ALWAYS, NEGATED, And, Constraint, Hosts, Not, Or, Properties, Ranks
from .errors import GrammarError, shown
from .hostlist import Hostlist
from .idset import IdSet
from .limits import MAX_DEPTH
from .parser import Nesting, Parser

_OPERATORS: Final = frozenset({"and", "or", "not", "properties", "hostlist", "ranks"})
_FORBIDDEN: Final = frozenset("!&'\"`|()^")


class _Values(lark.Transformer[lark.Token, Any]):
    def mapping(self, pairs: list[tuple[lark.Token, list[Any]]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, values in pairs:
            if key in result:
                raise _RepeatedError(key)
            result[key] = values
        return result

    def pair(self, parts: list[Any]) -> tuple[lark.Token, list[Any]]:
        return parts[0], parts[1]

    def array(self, values: list[Any]) -> list[Any]:
        return values

    def STRING(self, token: lark.Token) -> lark.Token:  # noqa: N802 - the name of the terminal
        value: str = json.loads(token)
        # The place of the first letter, behind the quote.
        return lark.Token(token.type, value, start_pos=(token.start_pos or 0) + 1)


class _RepeatedError(Exception):
    def __init__(self, key: lark.Token) -> None:
        self.key = key


_PARSER = Parser(
    31,
    "constraint",
    "constraint_json.lark",
    _Values(),
    Nesting(opening=frozenset({"LBRACE"}), closing=frozenset({"RBRACE"})),
)


def parse_constraint(value: object) -> Constraint:
    """Read an RFC 31 constraint: JSON text, or the object that such text stands for.

    Raises
    ------
    GrammarError
        For anything that RFC 31 does not allow, with line and column in text, or with the path in an object.
    """
    if not isinstance(value, str):
        return constraint_of(value)
    try:
        tree = _PARSER.parse(value)
    except _RepeatedError as fault:
        offset = (fault.key.start_pos or 1) - 1
        raise _PARSER.error(f"{shown(str(fault.key))} is given twice", value, offset, str(fault.key)) from None
    return constraint_of(tree, value)


def constraint_of(value: object, text: str = "", rfc: int = 31, language: str = "constraint") -> Constraint:
    """Read an RFC 31 object; with a text, its strings are tokens that know their place in it, for messages."""
    return _Walk(text, rfc, language).constraint(value, "", 1)


@dataclass(frozen=True, slots=True)
class _Walk:
    text: str
    rfc: int
    language: str

    def constraint(self, value: object, place: str, depth: int) -> Constraint:
        if not isinstance(value, Mapping):
            raise self.error(f"expected an object, not {shown(value)}", place, value)
        if depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} levels deep", place[:60] + "...", next(iter(value), None))
        parts = tuple([self.operator(key, values, place, depth) for key, values in value.items()])
        return parts[0] if len(parts) == 1 else And(parts)

    def operator(self, key: object, values: object, place: str, depth: int) -> Constraint:
        if key not in _OPERATORS:
            raise self.error(f"unknown operator {shown(key)}", place, key)
        here = f"{place}.{key}" if place else str(key)
        if not isinstance(values, (list, tuple)):
            raise self.error(f"the values of {key} are a list, not {shown(values)}", place, key)
        if key not in ("and", "or", "not"):
            return self.leaf(str(key), values, here)
        parts = tuple([self.constraint(item, f"{here}[{i}]", depth + 1) for i, item in enumerate(values)])
        if key == "or":
            return Or(parts)
        if key == "and":
            return And(parts)
        return Not(parts[0] if len(parts) == 1 else And(parts))

    def leaf(self, key: str, values: list[Any] | tuple[Any, ...], here: str) -> Constraint:
        read: list[Any] = []
        for index, item in enumerate(values):
            if not isinstance(item, str):
                raise self.error(f"expected text, not {shown(item)}", f"{here}[{index}]", item)
            try:
                read.append(_READERS[key](item))
            except GrammarError as fault:
                raise self.inner(fault, f"{here}[{index}]", item) from None
        if key == "properties":
            return Properties(tuple(read))
        if key == "hostlist":
            return Hosts(Hostlist(chain.from_iterable(hosts.runs for hosts in read)))
        ids = IdSet.EMPTY
        for more in read:
            ids |= more
        return Ranks(ids)

    def error(self, reason: str, place: str, part: object) -> GrammarError:
        """Return an error with the place in the text when there is one, else with the path."""
        offset = None
        if self.text:
            offset = part.start_pos if isinstance(part, lark.Token) else 0
        return GrammarError(
            reason,
            rfc=self.rfc,
            language=self.language,
            text=self.text,
            offset=offset,
            part=part if isinstance(part, str) else "",
            place="" if self.text else place,
        )

    def inner(self, fault: GrammarError, place: str, item: str) -> GrammarError:
        """Return the error of a value in its own language, moved to where the value stands in the whole text."""
        if not self.text or not isinstance(item, lark.Token) or item.start_pos is None:
            return fault.at(place)
        # An escape in a JSON string shifts what follows it; then the start of the string has to do.
        plain = self.text.startswith(str(item), item.start_pos)
        return GrammarError(
            fault.reason,
            rfc=fault.rfc,
            language=fault.language,
            text=self.text,
            offset=item.start_pos + ((fault.offset or 0) if plain else 0),
            part=fault.part,
        )


def _read_property(name: str) -> str:
    start = 1 if name.startswith(NEGATED) else 0
    for offset in range(start, len(name)):
        if name[offset] in _FORBIDDEN:
            reason = f"unexpected {shown(name[offset])}"
            raise GrammarError(reason, rfc=20, language="property", text=name, offset=offset, part=name[offset])
    if len(name) == start:
        raise GrammarError("a property without a name", rfc=31, language="property", text=name, offset=start)
    return str(name)


_READERS: Final = {"properties": _read_property, "hostlist": Hostlist.parse, "ranks": IdSet.parse}


def to_json(constraint: Constraint) -> dict[str, Any]:
    """Return the RFC 31 object of a constraint, with one operator in each object, as Flux needs it."""
    if isinstance(constraint, Properties):
        return {"properties": list(constraint.names)}
    if isinstance(constraint, Hosts):
        return {"hostlist": [str(constraint.names)] if constraint.names else []}
    if isinstance(constraint, Ranks):
        return {"ranks": [str(constraint.ids)] if constraint.ids else []}
    if isinstance(constraint, Not):
        return {"not": [] if constraint.part == ALWAYS else [to_json(constraint.part)]}
    operator = "and" if isinstance(constraint, And) else "or"
    return {operator: [to_json(part) for part in constraint.parts]}
