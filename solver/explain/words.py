"""A request and what belongs to it in words: as the user wrote it, and as one says it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...grammar.constraint import NEVER, Constraint, query_text, to_json
from ...grammar.errors import GrammarError
from ...grammar.jobspec import Vertex
from ...grammar.unit import gib
from ..state.domain_state import MEASURED

_UNCHANGED = ("storage", "memory", "chassis", "series")
_MOST_NAMED = 4
_LONGEST = 120


def shape(vertices: Sequence[Vertex]) -> str:
    """Return vertices as RFC 46 writes them, labels left out, cut short where they are very long."""
    return clipped(_level(vertices))


def clipped(text: str) -> str:
    """Return a text, its end replaced by an ellipsis where it is very long."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _level(vertices: Sequence[Vertex]) -> str:
    texts = [_vertex(vertex) for vertex in vertices[:_LONGEST]]
    return texts[0] if len(texts) == 1 else f"[{';'.join(texts)}]"


def _vertex(vertex: Vertex) -> str:
    text = vertex.type
    if str(vertex.count) != "1":
        text += f"={vertex.count}"
    keys = [f"unit:{vertex.unit}"] if vertex.unit else []
    keys += [f"id:'{vertex.id}'"] if vertex.id is not None else []
    keys += {True: ["x"], False: ["-x"], None: []}[vertex.exclusive]
    if keys:
        text += "{" + ",".join(keys) + "}"
    return f"{text}/{_level(vertex.children)}" if vertex.children else text


def number(value: float | None) -> str:
    """Return a number as one reads it."""
    return "?" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def plural(name: str, count: float | None) -> str:
    """Return a type for so many of it."""
    if count == 1 or name in _UNCHANGED or name[-1:].isdigit():
        return name
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    return f"{name}s"


def amount(name: str, count: float | None, unit: str = "") -> str:
    """Return so many things of a type."""
    if unit:
        return f"{number(count)} {unit} of {name}"
    return f"{number(count)} {plural(name, count)}"


def holds(vertex: Vertex, *, free: bool) -> str:
    """Return what each thing that a vertex stands for must have.

    Parameters
    ----------
    free
        Whether that must be free.
    """
    whole = vertex.exclusive or not vertex.children
    texts = ["wholly free"] if free and whole and vertex.exclusive is not False else []
    return clipped(" and ".join(texts + [_held(child, free) for child in vertex.children[:_LONGEST]]))


def _held(vertex: Vertex, free: bool) -> str:
    count = vertex.count.min
    if vertex.is_slot:
        return f"{amount('slot', count) if count > 1 else 'a slot'} of {shape(vertex.children)}"
    unit = "GiB" if vertex.type in MEASURED else ""
    if unit:
        size = count * gib(1, vertex.unit)
        return amount(vertex.type, int(size) if size.denominator == 1 else round(float(size), 2), unit)
    inside = holds(vertex, free=free) if vertex.children else ""
    if not inside:
        return f"{count} {'free ' if free else ''}{plural(vertex.type, count)}"
    return f"{amount(vertex.type, count)} with {inside}"


def query(term: Constraint) -> str:
    """Return a term of a constraint as RFC 35 writes it; what it has no words for, as RFC 31 does."""
    if term == NEVER:
        return json.dumps(to_json(term))
    try:
        return clipped(query_text(term))
    except GrammarError:
        return clipped(str(to_json(term)))


def listed(names: Sequence[str]) -> str:
    """Return names as one lists them, the first of many."""
    shown = list(names[:_MOST_NAMED]) if len(names) > _MOST_NAMED + 1 else list(names)
    more = len(names) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
