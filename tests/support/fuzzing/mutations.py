"""Hostile texts, made of samples: parts cut out, doubled, swapped for what is at the edge, or made up."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from .target import Target

Draw = st.DrawFn

HIDDEN = "\x1b[31m\u202e\n"
"""What a terminal obeys in the place of showing it."""

EDGES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    2**31,
    2**53,
    2**64,
    10**40,
    float("inf"),
    float("nan"),
    "",
    "0-4294967295",
    "0-16777215",
    "5-1",
    "[",
    "\x00",
    "\ud800",
    HIDDEN,
    "9" * 400,
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"min": 2**52},
)
"""Values that readers tend to stumble over."""

TOKENS = (
    *("[", "]" * 50, "[" * 300, "{" * 300, '{"a":' * 300, "(" * 300, "a/" * 300, "^" * 300, "-", "\x00", "\ufeff"),
    *("2147483647", "2147483648", "9" * 60, "0-2147483647", "1-2,", "1e999", "-0", "٣", "é", "\ud800", "\u2028"),
    *("\x1b[31m", "\x9b2J", "\u202e", "\u200b", "\r", "\x85"),
    *("<!ENTITY a SYSTEM 'file:///etc/passwd'>", "&a;", "<!DOCTYPE x [", "]]>", "<![CDATA[", "<a>" * 120),
    *(
        "!!python/name:os.system ",
        "!!timestamp ",
        "!!int ",
        "!!bool ",
        "!!binary ",
        "!!set ",
        "!!omap ",
        "&a ",
        "*a",
        "<<: ",
        "? ",
        "\t",
        "---\n",
        "%YAML 9.9\n",
    ),
)


@st.composite
def _cut(draw: Draw, samples: tuple[str, ...], signs: str) -> str:
    """Change a sample's text in a few places."""
    text = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(text)))
        last = min(len(text), first + draw(st.sampled_from((0, 1, 1, 2, 5, 40))))
        made = draw(st.one_of(st.sampled_from(TOKENS), st.text(signs, max_size=6), st.just(text[first:last] * 2)))
        text = text[:first] + made + text[last:]
    return text


@st.composite
def _swapped(draw: Draw, samples: tuple[str, ...]) -> str:
    """Change a few values of a sample that is JSON, keys included."""
    value = json.loads(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 3))):
        value = _with_edge(draw, value)
    return json.dumps(value)


def _with_edge(draw: Draw, value: Any) -> Any:
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not keys or draw(st.integers(0, 4)) == 0:
        return draw(st.one_of(st.sampled_from(EDGES), st.integers(), st.text(max_size=5)))
    key = draw(st.sampled_from(keys))
    inner = _with_edge(draw, value[key])
    if isinstance(value, list):
        return [*value[:key], inner, *value[key + draw(st.integers(0, 1)) :]]
    name = draw(st.sampled_from((*keys, HIDDEN))) if draw(st.integers(0, 7)) == 0 else key
    return {**value, name: inner}


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def texts(target: Target) -> st.SearchStrategy[str]:
    """Return hostile texts for a reader."""
    samples = target.samples()
    every: list[st.SearchStrategy[str]] = [
        _cut(samples, target.signs),
        st.text(target.signs, max_size=40),
        st.text(max_size=30),
    ]
    documents = tuple(filter(_is_json, samples))
    if documents:
        every += [_swapped(documents), _swapped(documents)]
    return st.one_of(every)
