"""Fluxion's recipes for resource graphs (GRUG, in GraphML), carried out: the graph that one makes, as RFC 40 has it.

A recipe's vertex is a kind of resource, and an edge says how many of its target each of its source has (`multi_scale`).
Edges that associate what is there already make a second hierarchy, which is left out with a warning.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from ..grammar.errors import shown
from .hwloc_xml import ENCODINGS
from .listing import MAX_DEPTH

logger = logging.getLogger(__name__)

MAX_BYTES: Final = 2**20
MAX_VERTICES: Final = 2**20
"""The most vertices that a recipe may make."""

_CONTAINMENT: Final = "containment"
_MULTIPLY: Final = "MULTIPLY"


@dataclass(slots=True)
class _Part:
    """A vertex or an edge of the recipe."""

    tag: str
    attributes: dict[str, str]
    line: int
    data: dict[str, str] = field(default_factory=dict)


def grug_graph(xml: str | bytes) -> dict[str, Any]:
    """Return the graph that a recipe makes: the object with `nodes` and `edges`.

    Raises
    ------
    ValueError
        The text is no recipe, declares entities, or makes more than `MAX_VERTICES`.

    Notes
    -----
    Cores and GPUs get no ids, so that they are numbered through the node. Other vertices are numbered through the
    graph from the edge's `id_start` on, by its `id_stride`.
    """
    return _Making(_Recipe().read(xml)).graph()


class _Recipe:
    """GraphML to parts."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.keys: dict[str, tuple[str, str]] = {}
        """What is taken where a part says nothing, by key: (node or edge, value)."""
        self.open: list[str] = []
        self.key = ""
        self.text: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text.append
        self.parser.EntityDeclHandler = self.refuse_entity
        self.parser.XmlDeclHandler = self.check_encoding

    def read(self, xml: str | bytes) -> list[_Part]:
        if len(xml) > MAX_BYTES:
            raise ValueError(f"GRUG: more than {MAX_BYTES} bytes")
        try:
            self.parser.Parse(xml, True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise ValueError(f"GRUG: {what} at line {error.lineno}, column {error.offset + 1}") from None
        for part in self.parts:
            for key, (kind, value) in self.keys.items():
                if kind == part.tag:
                    part.data.setdefault(key, value)
        return self.parts

    def refuse_entity(self, *_: object) -> None:
        raise ValueError(f"GRUG: an entity declaration at line {self.parser.CurrentLineNumber}")

    def check_encoding(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            raise ValueError(f"GRUG: the encoding {shown(encoding)}")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.open and tag != "graphml":
            raise ValueError(f"GRUG: {shown(tag)} instead of graphml")
        if len(self.open) > MAX_DEPTH:
            raise ValueError(f"GRUG: more than {MAX_DEPTH} elements inside one another")
        self.open.append(tag)
        self.text.clear()
        if tag == "key":
            self.key = attributes.get("id", "")
            self.keys.setdefault(self.key, (attributes.get("for", ""), ""))
        elif tag == "data":
            self.key = attributes.get("key", "")
        elif tag in ("node", "edge"):
            self.parts.append(_Part(tag, attributes, self.parser.CurrentLineNumber))

    def end(self, tag: str) -> None:
        self.open.pop()
        value = "".join(self.text).strip()
        if tag == "default" and self.key in self.keys:
            self.keys[self.key] = self.keys[self.key][0], value
        elif tag == "data" and self.parts:
            self.parts[-1].data[self.key] = value


class _Making:
    """What a recipe makes, vertex by vertex."""

    def __init__(self, parts: list[_Part]) -> None:
        self.kinds = {part.attributes.get("id", ""): part for part in parts if part.tag == "node"}
        self.edges: dict[str, list[_Part]] = {}
        self.nodes: list[dict[str, Any]] = []
        self.links: list[dict[str, str]] = []
        self.made: Counter[str] = Counter()
        others: Counter[str] = Counter()
        for edge in (part for part in parts if part.tag == "edge"):
            ends = edge.attributes.get("source", ""), edge.attributes.get("target", "")
            if not all(end in self.kinds for end in ends):
                raise ValueError(f"GRUG: line {edge.line}: an edge between {' and '.join(map(shown, ends))}")
            subsystem = edge.data.get("e_subsystem") or _CONTAINMENT
            if subsystem == _CONTAINMENT and (edge.data.get("gen_method") or _MULTIPLY) == _MULTIPLY:
                self.edges.setdefault(ends[0], []).append(edge)
            else:
                others[subsystem] += 1
        for subsystem, count in others.items():
            logger.warning("GRUG: %d edges of %s: a second hierarchy, left out", count, shown(subsystem))

    def graph(self) -> dict[str, Any]:
        roots = [
            name
            for name, part in self.kinds.items()
            if _number(part, "root", 0) and part.data.get("subsystem", _CONTAINMENT) == _CONTAINMENT
        ]
        if len(roots) != 1:
            raise ValueError(f"GRUG: {len(roots)} roots of the containment subsystem where one is expected")
        pending = [(roots[0], "", 0, 0)]
        while pending:
            kind, parent, number, depth = pending.pop()
            if depth > MAX_DEPTH:
                raise ValueError(f"GRUG: {shown(kind)} stands below more than {MAX_DEPTH} others")
            ident = self.make(kind, parent, number)
            for edge in reversed(self.edges.get(kind, [])):
                target, count = edge.attributes["target"], _number(edge, "multi_scale", 1)
                if len(self.nodes) + len(pending) + count > MAX_VERTICES:
                    raise ValueError(f"GRUG: line {edge.line}: more than {MAX_VERTICES} vertices")
                first, stride = _number(edge, "id_start", 0), _number(edge, "id_stride", 1)
                name = self.kinds[target].data.get("basename", "")
                start = self.made[name]
                self.made[name] += count
                numbers = [first + stride * (start + n) for n in range(count)]
                pending += [(target, ident, number, depth + 1) for number in reversed(numbers)]
        return {"nodes": self.nodes, "edges": self.links}

    def make(self, kind: str, parent: str, number: int) -> str:
        part, ident = self.kinds[kind], str(len(self.nodes))
        data: dict[str, Any] = {"type": part.data.get("type", ""), "size": _number(part, "size", 1)}
        data["unit"] = part.data.get("unit", "")
        if data["type"] not in ("core", "gpu"):
            data["name"] = f"{part.data.get('basename', '') or data['type']}{number}"
        self.nodes.append({"id": ident, "metadata": data})
        if parent:
            self.links.append({"source": parent, "target": ident})
        return ident


def _number(part: _Part, key: str, default: int) -> int:
    text = part.data.get(key) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ValueError(f"GRUG: line {part.line}: {key}: {shown(text)} is no number")
    return int(text)
