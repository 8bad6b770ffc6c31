"""RFC 35 constraint queries, the text that Flux's command line takes after `--requires`."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

import lark

from .algebra import ALWAYS, NEVER, And, Constraint, Hosts, Not, Or, Properties, Ranks, simplify
from .constraint_json import constraint_of
from .errors import shown
from .parser import Nesting, Parser

DEFAULT_OPERATOR: Final = "properties"
_LONG_NAMES: Final = {"host": "hostlist", "hosts": "hostlist", "rank": "ranks"}
_PLAIN_OPERAND: Final = re.compile(r"[^()|&\s\"']+")
_PLAIN_TERM: Final = re.compile(r"(?!-|(?:not|and|or)\b)[^()|&\s\"':]+")


class _Values(lark.Transformer[lark.Token, Any]):
    """Builds the RFC 31 object; the strings of the text are tokens in it, `and`, `or` and `not` of ours are not."""

    def term(self, parts: list[lark.Token]) -> dict[str, Any]:
        operand = parts[-1]
        if operand.type == "QUOTED":
            operand = _cut(operand, 1, len(operand) - 1)
        if len(parts) == 2:
            operator = _cut(parts[0], 0, len(parts[0]) - 1)
        else:
            colon = operand.find(":")
            operator = _cut(operand, 0, colon) if colon >= 0 else operand.update(value=DEFAULT_OPERATOR)
            operand = _cut(operand, colon + 1, len(operand))
        name = operator.update(value=_LONG_NAMES.get(operator, str(operator)))
        return {name: _split(operand) if name == DEFAULT_OPERATOR else [operand]}

    def negation(self, parts: list[Any]) -> dict[str, Any]:
        return {"not": [parts[-1]]}

    def both(self, parts: list[Any]) -> dict[str, Any]:
        return _joined("and", parts[0], parts[-1])

    def either(self, parts: list[Any]) -> dict[str, Any]:
        return _joined("or", parts[0], parts[-1])


def _cut(token: lark.Token, start: int, end: int) -> lark.Token:
    return lark.Token(token.type, token[start:end], start_pos=(token.start_pos or 0) + start)


def _split(operand: lark.Token) -> list[lark.Token]:
    bounds = [-1, *(match.start() for match in re.finditer(",", operand)), len(operand)]
    return [_cut(operand, before + 1, end) for before, end in pairwise(bounds)]


def _joined(operator: str, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    (key,) = left
    if key == operator and not isinstance(key, lark.Token):
        left[operator].append(right)
        return left
    return {operator: [left, right]}


_PARSER: Final = Parser(
    35,
    "query",
    "query.lark",
    _Values(),
    Nesting(
        opening=frozenset({"LPAR"}),
        closing=frozenset({"RPAR"}),
        steps=frozenset({"NOT", "MINUS"}),
        rests=frozenset({"WORD", "QUOTED", "RPAR"}),
    ),
)


def parse_query(text: str) -> Constraint:
    """Read an RFC 35 query.

    Notes
    -----
    As on Flux's command line a term without an operator names properties, several of them parted by commas; `host` and
    `hosts` are short for `hostlist`, `rank` for `ranks`.

    Raises
    ------
    GrammarError
        For text outside RFC 35, unknown operators, and operands outside RFC 22 or RFC 29.
    """
    if not isinstance(text, str):
        raise _PARSER.error(f"expected text, not {shown(text)}")
    return constraint_of(_PARSER.parse(text), text, 35, "query")


def query_text(constraint: Constraint) -> str:
    """Return the canonical RFC 35 text of a constraint, which is written simplified.

    Raises
    ------
    GrammarError
        For names that RFC 35 cannot write: properties with commas, and anything with quotes of both kinds.
    """
    return _text(simplify(constraint))


def _text(constraint: Constraint) -> str:
    if isinstance(constraint, Properties):
        return _term(DEFAULT_OPERATOR, constraint.names)
    if isinstance(constraint, Hosts):
        return _term("hostlist", (str(constraint.names),))
    if isinstance(constraint, Ranks):
        return _term("ranks", (str(constraint.ids),))
    if constraint == ALWAYS:
        return "not ranks:''"
    if constraint == NEVER:
        return "ranks:''"
    if isinstance(constraint, Not):
        part = _text(constraint.part)
        return f"-{part}" if isinstance(constraint.part, (Hosts, Ranks)) else f"not ({part})"
    if isinstance(constraint, And):
        return " & ".join(f"({_text(part)})" if isinstance(part, Or) else _text(part) for part in constraint.parts)
    return " | ".join(map(_text, constraint.parts))


def _term(operator: str, values: tuple[str, ...]) -> str:
    operand = ",".join(values)
    if operator == DEFAULT_OPERATOR:
        if operand.count(",") >= len(values):
            raise _PARSER.error(f"a comma in a property: {shown(operand)}", part=operand)
        if _PLAIN_TERM.fullmatch(operand):
            return operand
    if _PLAIN_OPERAND.fullmatch(operand):
        return f"{operator}:{operand}"
    if "'" not in operand:
        return f"{operator}:'{operand}'"
    if '"' not in operand:
        return f'{operator}:"{operand}"'
    raise _PARSER.error(f"quotes of both kinds: {shown(operand)}", part=operand)
