"""RFC 46 shapes: the resources that they stand for, and their canonical text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.errors import GrammarError
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape, shape_text


def v(kind: str, count: object = 1, *children: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """Return one RFC 14 vertex."""
    return {"type": kind, "count": count, **keys, **({"with": list(children)} if children else {})}


def slot(count: object, *children: dict[str, Any], label: str = "default") -> dict[str, Any]:
    return v("slot", count, *children, label=label)


# The use cases of RFC 14 as RFC 46 writes them, and as RFC 14 does.
RFC_EXAMPLES: list[tuple[str, str, list[dict[str, Any]]]] = [
    ("1.1, 2.1, 2.2", "slot=4/node", [slot(4, v("node"))]),
    ("1.2", "slot=3-30/node", [slot({"min": 3, "max": 30, "operator": "+", "operand": 1}, v("node"))]),
    (
        "1.3",
        "slot=4{nodelevel}/node{-x}/socket=2+/core=4+",
        [
            slot(
                4,
                v("node", 1, v("socket", {"min": 2}, v("core", {"min": 4})), exclusive=False),
                label="nodelevel",
            )
        ],
    ),
    (
        "1.4",
        "slot=4{nodelevel}/node/socket=2/core=4",
        [slot(4, v("node", 1, v("socket", 2, v("core", 4))), label="nodelevel")],
    ),
    (
        "1.5",
        "[cluster/slot=2{ib}/node/[memory=4{unit:GB};ib10g];switch/slot=2{bicore}/node/core=2]",
        [
            v("cluster", 1, slot(2, v("node", 1, v("memory", 4, unit="GB"), v("ib10g")), label="ib")),
            v("switch", 1, slot(2, v("node", 1, v("core", 2)), label="bicore")),
        ],
    ),
    (
        "1.6",
        "cluster=2/slot/node=1+{-x}/core=30",
        [v("cluster", 2, slot(1, v("node", {"min": 1}, v("core", 30), exclusive=False)))],
    ),
    (
        "1.7",
        "switch=3/slot/node=1+{-x}/core",
        [v("switch", 3, slot(1, v("node", {"min": 1}, v("core"), exclusive=False)))],
    ),
    ("1.8", "slot=4,9,16,25/node", [slot("4,9,16,25", v("node"))]),
    ("2.3", "slot=10/core=2", [slot(10, v("core", 2))]),
    (
        "2.4",
        "node/[slot=10{read-db}/[core;memory=4{unit:GB}];slot{db}/[core=6;memory=24{unit:GB}]]",
        [
            v(
                "node",
                1,
                slot(10, v("core"), v("memory", 4, unit="GB"), label="read-db"),
                slot(1, v("core", 6), v("memory", 24, unit="GB"), label="db"),
            )
        ],
    ),
    ("2.5", "slot=10/[memory=2+{unit:GB};core]", [slot(10, v("memory", {"min": 2}, unit="GB"), v("core"))]),
    (
        "2.6",
        "slot=2{4GB-node}/node/memory=4+{unit:GB}",
        [slot(2, v("node", 1, v("memory", {"min": 4}, unit="GB")), label="4GB-node")],
    ),
    ("2.7, 2.8, 2.9", "slot/node", [slot(1, v("node"))]),
]

GOOD: list[tuple[str, str, list[dict[str, Any]]]] = [
    (
        "slot{my label}/core{a key : some\t value }",
        'slot{"my label"}/core{"a key":"some\\t value"}',
        [slot(1, v("core", **{"a key": "some\t value"}), label="my label")],
    ),
    ("core", "core", [v("core")]),
    ("[ core = 2 ; gpu ]", "[core=2;gpu]", [v("core", 2), v("gpu")]),
    ("[slot=[2]/core]", "slot=2/core", [slot(2, v("core"), label="task")]),
    ("slot=[2-8:2:*]/node", "slot=2-8:2:*/node", [slot(parse_shape("a=2-8:2:*")[0]["count"], v("node"), label="task")]),
    ("slot{task}/core", "slot/core", [slot(1, v("core"), label="task")]),
    # The first entry of a slot is its label, even this one.
    ("slot{x}/core", "slot{x}/core", [slot(1, v("core"), label="x")]),
    ("slot{a,x}/core", "slot{a,x}/core", [v("slot", 1, v("core"), label="a", exclusive=True)]),
    ("slots/core", "slots/core", [v("slots", 1, v("core"))]),
    ("node{}", "node", [v("node")]),
    ("node{x}", "node{x}", [v("node", exclusive=True)]),
    ("node{+exclusive}", "node{x}", [v("node", exclusive=True)]),
    ("node{exclusive:false}", "node{-x}", [v("node", exclusive=False)]),
    ("node{id:0-3,x}", "node{x,id:0-3}", [v("node", exclusive=True, id="0-3")]),
    ("\"a b\"{'k l':'m n'}", '"a b"{"k l":"m n"}', [{**v("a b"), "k l": "m n"}]),
    # Text that would be another value keeps its quotes.
    ('a{b:"1",c:"true",d:1.5,e:null}', 'a{b:"1",c:"true",d:1.5,e:null}', [v("a", b="1", c="true", d=1.5, e=None)]),
    ("a{b:{c,-d,e:[1,f,{g}]}}", 'a{b:{"c":true,"d":false,"e":[1,"f",{"g":true}]}}', []),
]

BAD = [
    ("", 46, 1, "unexpected end"),
    ("slot", 46, 5, "unexpected end"),
    ("slot/", 46, 6, "unexpected end"),
    ("core;core", 46, 5, "unexpected ';'"),
    ("[core", 46, 6, "unexpected end"),
    ("core]", 46, 5, "unexpected ']'"),
    ("[]", 46, 2, "unexpected ']'"),
    ("core/gpu}", 46, 9, "unexpected '}'"),
    ("slot{+x}/core", 46, 6, "unexpected '+x'"),
    ("node{unit:}", 46, 11, "unexpected '}'"),
    ("node{x", 46, 7, "unexpected end"),
    ("node{'x}", 46, 6, 'unexpected "\'"'),
    ("node=/core", 46, 5, "unexpected '=/core'"),
    ("node=0", 45, 6, "'0' is less than 1"),
    ("a/\nnode= x", 45, 7, "unexpected 'x'"),
    ("node=1-", 45, 8, "unexpected end"),
    ("node=3-1", 45, 6, "the maximum 1 is less than the minimum 3"),
    ("slot=1-9223372036854775807/core", 45, 8, "'9223372036854775807' is larger than 9007199254740991"),
    ("node{x,-exclusive}", 46, 9, 'the key "exclusive" is given twice'),
    ("node{a:{b,b}}", 46, 11, 'the key "b" is given twice'),
    ("node{count:3}", 46, 6, "the key count is given twice"),
    ("slot{a,label:b}/core", 46, 8, "the key label is given twice"),
    ("[slot{a}/core;slot/core]", 46, 15, "one of several slots needs a label"),
    ("node{a:" + "9" * 40 + "}", 46, 8, "a number too long"),
    ("[" * 100_000, 46, 2, "unexpected '['"),
    ("a/" * 100_000 + "a", 46, 202, "more than 100 levels deep"),
    ("a{x}/" * 100_000 + "a", 46, 502, "more than 100 levels deep"),
    ("a/[" * 100_000 + "a", 46, 152, "more than 100 levels deep"),
    ("a{b:" + "[" * 100_000, 46, 104, "more than 100 levels deep"),
    ("a{b:" + "{c:" * 100_000, 46, 302, "more than 100 levels deep"),
]


@pytest.mark.parametrize(("case", "text", "resources"), RFC_EXAMPLES)
def test_examples_of_the_rfc(case: str, text: str, resources: list[dict[str, Any]]) -> None:
    assert case
    assert parse_shape(text, label="default") == resources
    assert parse_shape(shape_text(resources)) == resources
    assert shape_text(parse_shape(text)) == text
    assert parse_resources(resources)


@pytest.mark.parametrize(("text", "canonical", "resources"), GOOD)
def test_reads(text: str, canonical: str, resources: list[dict[str, Any]]) -> None:
    value = parse_shape(text)
    assert value == resources or not resources
    assert shape_text(value) == canonical
    assert parse_shape(canonical) == value


@pytest.mark.parametrize(("text", "rfc", "column", "reason"), BAD, ids=range(len(BAD)))
def test_refuses(text: str, rfc: int, column: int, reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_shape(text)
    error = caught.value
    assert (error.rfc, error.line, error.column) == (rfc, 1 + text.count("\n"), column)
    assert error.reason == reason
    assert len(str(error)) < 250


@pytest.mark.parametrize("value", [None, [], [1], [{"count": 1}], [{"type": "slot", "count": 1}], [v("a", b={1})]])
def test_only_resources_have_a_shape(value: Any) -> None:
    with pytest.raises(GrammarError):
        shape_text(value)


NAMES = st.text(st.sampled_from("ab -=/;{}[]:,'\"1.+é\n"), min_size=1, max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 999) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
COUNTS = st.sampled_from([1, 4, {"min": 2}, "4,9", {"min": 1, "max": 8, "operator": "*", "operand": 2}])
KEYS = NAMES.filter(lambda name: name not in ("type", "count", "with", "x"))
LEAVES = st.builds(lambda t, c, keys: {**keys, **v(t, c)}, NAMES, COUNTS, st.dictionaries(KEYS, VALUES, max_size=2))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda t, c, below: v(t, c, *below), NAMES, COUNTS, st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


@given(st.lists(TREES, min_size=1, max_size=3))
def test_shapes_round_trip(resources: list[dict[str, Any]]) -> None:
    text = shape_text(resources)
    assert json.dumps(parse_shape(text), sort_keys=True) == json.dumps(resources, sort_keys=True)
    assert shape_text(parse_shape(text)) == text
