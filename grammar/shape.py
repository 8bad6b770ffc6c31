"""RFC 46 shapes: the RFC 14 `resources` list as one compact line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import lark

from .count import parse_count
from .errors import GrammarError, shown
from .jobspec import DEFAULT_LABEL, SLOT
from .limits import MAX_DEPTH
from .parser import Nesting, Parser

_SHORT_KEYS: Final = {"x": "exclusive"}
_VERTEX_KEYS: Final = frozenset({"type", "count", "with"})
_KEY_ORDER: Final = ("exclusive", "unit", "label", "id")
_PLAIN_TYPE: Final = re.compile(r"[^={}\[\]/;\s\"']+")
_PLAIN_KEY: Final = re.compile(r"[^:,{}\[\]\s\"'+-][^:,{}\[\]\s\"']*")
_PLAIN_VALUE: Final = re.compile(r"[^,{}\[\]\s\"']+")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_MAX_NUMBER_LENGTH: Final = 30


class _Item(NamedTuple):
    key: lark.Token
    value: Any


@dataclass(frozen=True, slots=True)
class _Vertex:
    """A vertex as the text has it."""

    type: lark.Token
    count: lark.Token | None
    label: lark.Token | None
    items: list[_Item] | None
    children: list[_Vertex] | None


class _Values(lark.Transformer[lark.Token, Any]):
    def level(self, vertices: list[_Vertex]) -> list[_Vertex]:
        return vertices

    def vertex(self, parts: list[Any]) -> _Vertex:
        count = label = items = children = None
        for part in parts[1:]:
            if isinstance(part, lark.Token):
                count = part
            elif isinstance(part, tuple):
                label, items = part
            else:
                children = part
        return _Vertex(parts[0], count, label, items, children)

    def slot_items(self, parts: list[Any]) -> tuple[lark.Token, list[_Item]]:
        return parts[0], parts[1:]

    def items(self, items: list[_Item]) -> tuple[None, list[_Item]]:
        return None, items

    def label(self, parts: list[lark.Token]) -> lark.Token:
        return parts[0]

    def item(self, parts: list[Any]) -> _Item:
        if len(parts) == 1:
            return _Item(parts[0], True)
        if isinstance(parts[0], lark.Token) and parts[0].type == "SIGN":
            return _Item(parts[1], parts[0] == "+")
        return _Item(parts[0], parts[1])

    def mapping(self, items: list[_Item]) -> tuple[_Item, ...]:
        return tuple(items)

    def array(self, values: list[Any]) -> list[Any]:
        return values


_PARSER: Final = Parser(
    46,
    "shape",
    "shape.lark",
    _Values(),
    Nesting(
        opening=frozenset({"LSQB", "LBRACE"}),
        closing=frozenset({"RSQB", "RBRACE"}),
        steps=frozenset({"SLASH"}),
        rests=frozenset({"SEMICOLON"}),
    ),
)


def parse_shape(text: str, label: str = DEFAULT_LABEL) -> list[dict[str, Any]]:
    """Return the RFC 14 `resources` list that a shape stands for.

    Parameters
    ----------
    text
        The shape.
    label
        Label of the only slot, when the shape gives it none.

    Raises
    ------
    GrammarError
        For text outside RFC 46, counts outside RFC 22 and RFC 45, keys given twice, and a slot without a label where
        there are several.
    """
    if not isinstance(text, str):
        raise _PARSER.error(f"expected text, not {shown(text)}")
    return _Expansion(text, label, []).resources(_PARSER.parse(text))


@dataclass(frozen=True, slots=True)
class _Expansion:
    text: str
    label: str
    slots: list[_Vertex]

    def resources(self, vertices: list[_Vertex]) -> list[dict[str, Any]]:
        result = [self.vertex(vertex) for vertex in vertices]
        unlabelled = [slot for slot in self.slots if slot.label is None]
        if unlabelled and len(self.slots) > 1:
            raise self.error("one of several slots needs a label", unlabelled[0].type)
        return result

    def vertex(self, vertex: _Vertex) -> dict[str, Any]:
        result: dict[str, Any] = {"type": self.string(vertex.type), "count": self.count(vertex.count)}
        if vertex.type.type == "SLOT":
            self.slots.append(vertex)
            result["label"] = self.label if vertex.label is None else self.string(vertex.label)
        for key, value in self.pairs(vertex.items or ()):
            if key in result or key in _VERTEX_KEYS:
                raise self.error(f"the key {key} is given twice", self.token_of(vertex, key))
            result[key] = value
        if vertex.children is not None:
            result["with"] = [self.vertex(child) for child in vertex.children]
        return result

    def count(self, token: lark.Token | None) -> int | str | dict[str, int | str]:
        if token is None:
            return 1
        text = token[1:].strip()
        try:
            return parse_count(text).to_json()
        except GrammarError as fault:
            offset = (token.start_pos or 0) + token.index(text, 1) + (fault.offset or 0)
            raise GrammarError(
                fault.reason, rfc=fault.rfc, language=fault.language, text=self.text, offset=offset, part=fault.part
            ) from None

    def pairs(self, items: list[_Item] | tuple[_Item, ...]) -> list[tuple[str, Any]]:
        result: dict[str, Any] = {}
        for item in items:
            key = self.string(item.key)
            key = _SHORT_KEYS.get(key, key)
            if key in result:
                raise self.error(f"the key {shown(key)} is given twice", item.key)
            result[key] = self.value(item.value)
        return list(result.items())

    def value(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return dict(self.pairs(value))
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, lark.Token):
            return value
        if value.type == "QUOTED":
            return self.string(value)
        if value in _WORDS:
            return _WORDS[value]
        if _NUMBER.fullmatch(value):
            if len(value) > _MAX_NUMBER_LENGTH:
                raise self.error("a number too long", value)
            return json.loads(value)
        return str(value)

    def string(self, token: lark.Token) -> str:
        if token.type != "QUOTED":
            return str(token)
        text: str = token[1:-1] if token[0] == "'" else json.loads(token)
        return text

    def token_of(self, vertex: _Vertex, key: str) -> lark.Token:
        names = [
            (_SHORT_KEYS.get(name, name), item.key) for item in vertex.items or () for name in [self.string(item.key)]
        ]
        return next(token for name, token in names if name == key)

    def error(self, reason: str, token: lark.Token) -> GrammarError:
        return _PARSER.error(reason, self.text, token.start_pos, str(token))


def shape_text(resources: object) -> str:
    """Return the canonical shape of an RFC 14 `resources` list.

    Raises
    ------
    GrammarError
        For what is no such list, and for slots that hold nothing.
    """
    labels = 0
    pending = [resources]
    # Labels of all slots count before the first is written.
    while pending:
        for vertex in _listed(pending.pop()):
            labels += vertex.get("type") == SLOT
            if "with" in vertex:
                pending.append(vertex["with"])
    return _list_text(resources, labels == 1, 1)


def _list_text(resources: object, one_slot: bool, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise _PARSER.error(f"more than {MAX_DEPTH} levels deep")
    texts = [_vertex_text(vertex, one_slot, depth) for vertex in _listed(resources)]
    return texts[0] if len(texts) == 1 else f"[{';'.join(texts)}]"


def _vertex_text(vertex: Mapping[str, Any], one_slot: bool, depth: int) -> str:
    kind = vertex.get("type")
    if not isinstance(kind, str):
        raise _PARSER.error(f"type is text, not {shown(kind)}")
    count = str(parse_count(vertex.get("count")))
    keys = [key for key in _KEY_ORDER if key in vertex]
    keys += sorted(key for key in vertex if key not in _KEY_ORDER and key not in _VERTEX_KEYS)
    items = [_item_text(key, vertex[key]) for key in keys if key != "label" or kind != SLOT]
    if kind == SLOT:
        label = vertex.get("label", DEFAULT_LABEL)
        if "with" not in vertex:
            raise _PARSER.error("a slot holds at least one resource")
        if items or label != DEFAULT_LABEL or not one_slot:
            items.insert(0, _quoted(label, _PLAIN_KEY))
    text = _quoted(kind, _PLAIN_TYPE) + ("" if count == "1" else f"={count}")
    if items:
        text += f"{{{','.join(items)}}}"
    return f"{text}/{_list_text(vertex['with'], one_slot, depth + 1)}" if "with" in vertex else text


def _item_text(key: str, value: object) -> str:
    name = "x" if key == "exclusive" else _quoted(key, _PLAIN_KEY)
    if isinstance(value, bool):
        return name if value else f"-{name}"
    return f"{name}:{_quoted(value, _PLAIN_VALUE) if isinstance(value, str) else _json(value)}"


def _quoted(text: object, plain: re.Pattern[str]) -> str:
    if not isinstance(text, str):
        raise _PARSER.error(f"expected text, not {shown(text)}")
    as_other = plain is _PLAIN_VALUE and (text in _WORDS or _NUMBER.fullmatch(text))
    return text if plain.fullmatch(text) and not as_other else json.dumps(text)


def _listed(resources: object) -> list[Mapping[str, Any]]:
    if not isinstance(resources, (list, tuple)) or not resources:
        raise _PARSER.error(f"expected a list of vertices, not {shown(resources)}")
    for vertex in resources:
        if not isinstance(vertex, Mapping):
            raise _PARSER.error(f"expected a vertex, not {shown(vertex)}")
    return list(resources)


def _json(value: object) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise _PARSER.error(f"not JSON: {shown(value)}") from None
