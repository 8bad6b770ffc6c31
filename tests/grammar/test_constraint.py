"""RFC 31 constraints: JSON text and objects, the algebra, and what a node fails on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.constraint import (
    ALWAYS,
    NEVER,
    And,
    Constraint,
    Hosts,
    Not,
    Or,
    Properties,
    Ranks,
    evaluate,
    failing,
    parse_constraint,
    parse_query,
    query_text,
    simplify,
    to_json,
)
from exactfit.grammar.errors import GrammarError
from exactfit.grammar.hostlist import Hostlist
from exactfit.grammar.idset import IdSet


class Nodes:
    """Four nodes: host0 has ssd and huge, host1 ssd, host2 slowgpu and huge, host3 nothing."""

    all = 0b1111

    def property(self, name: str) -> int:
        return {"ssd": 0b0011, "slowgpu": 0b0100, "huge": 0b0101}.get(name, 0)

    def hosts(self, names: Hostlist) -> int:
        return Hostlist.parse("host[0-3]").mask_of(names)

    def ranks(self, ids: IdSet) -> int:
        return ids.mask()


NODES = Nodes()

MEANING: list[tuple[dict[str, Any], int]] = [
    # The examples of RFC 31.
    ({"properties": ["ssd"]}, 0b0011),
    ({"properties": ["^slowgpu"]}, 0b1011),
    ({"not": [{"properties": ["slowgpu"]}]}, 0b1011),
    ({"or": [{"properties": ["ssd"]}, {"properties": ["huge"]}]}, 0b0111),
    ({"hostlist": ["host[0-1]"]}, 0b0011),
    ({"not": [{"hostlist": ["host[0-1]"]}]}, 0b1100),
    ({"and": [{"hostlist": ["host[0-1]"]}, {"properties": ["ssd"]}]}, 0b0011),
    ({"ranks": ["0"]}, 0b0001),
    ({"not": [{"properties": ["ssd", "huge"]}]}, 0b1110),
    # Operators without values.
    ({}, 0b1111),
    ({"and": []}, 0b1111),
    ({"or": []}, 0b1111),
    ({"not": []}, 0b0000),
    ({"properties": []}, 0b1111),
    ({"hostlist": []}, 0b0000),
    ({"ranks": []}, 0b0000),
    ({"hostlist": [""]}, 0b0000),
    ({"ranks": [""]}, 0b0000),
    # Nested.
    ({"not": [{"not": []}]}, 0b1111),
    ({"or": [{"not": []}, {"ranks": ["2"]}]}, 0b0100),
    ({"and": [{}, {"ranks": ["2"]}]}, 0b0100),
    ({"not": [{}]}, 0b0000),
    # Several values of `not` are negated together.
    ({"not": [{"properties": ["ssd"]}, {"properties": ["huge"]}]}, 0b1110),
    # Several operators in one object all hold.
    ({"properties": ["huge"], "ranks": ["1-3"]}, 0b0100),
    # Several values of one operator.
    ({"hostlist": ["host0", "host[2-9]"]}, 0b1101),
    ({"ranks": ["0", "2-3"]}, 0b1101),
    ({"ranks": ["3-2000000"]}, 0b1000),
    ({"properties": ["nosuch"]}, 0b0000),
]

BAD_TEXT = [
    ("", 31, 1, "unexpected end"),
    ("[", 31, 1, "unexpected '['"),
    ("{", 31, 2, "unexpected end"),
    ('{"ranks":"0"}', 31, 10, "unexpected '\"0\"'"),
    ('{"ranks":[0]}', 31, 11, "unexpected '0'"),
    ('{"ranks":["0"],}', 31, 16, "unexpected '}'"),
    ('{"ranks":["0" "1"]}', 31, 15, "unexpected '\"1\"'"),
    ('{"and":[{}]', 31, 12, "unexpected end"),
    ('{"ranks":["\\x"]}', 31, 11, "unexpected '\"'"),
    ('{"ranks":["0"],"ranks":["1"]}', 31, 16, '"ranks" is given twice'),
    ('{"foo":[]}', 31, 3, 'unknown operator "foo"'),
    ('{"and":["a"]}', 31, 10, 'expected an object, not "a"'),
    ('{"properties":[{}]}', 31, 1, "expected text, not a value of type dict"),
    ('{"properties":["a&b"]}', 20, 18, 'unexpected "&"'),
    ('{"properties":["^^a"]}', 20, 18, 'unexpected "^"'),
    ('{"properties":["^"]}', 31, 18, "a property without a name"),
    ('{"properties":[""]}', 31, 17, "a property without a name"),
    ('{"and":[\n {"ranks":["0,x"]}]}', 22, 15, "unexpected 'x'"),
    # An escape moves the place to the start of the string.
    ('{"ranks":["\\u0030,x"]}', 22, 12, "unexpected 'x'"),
    ('{"hostlist":["a[0-"]}', 29, 19, "unexpected end"),
    ('{"not":[' * 100_000, 31, 801, "more than 100 levels deep"),
    ('{"not":[' * 101 + "]}" * 101, 31, 801, "more than 100 levels deep"),
]

BAD_VALUES: list[tuple[Any, str]] = [
    (None, "RFC 31 constraint: expected an object, not null"),
    ([], "RFC 31 constraint: expected an object"),
    ({"foo": []}, 'RFC 31 constraint: unknown operator "foo"'),
    ({1: []}, "RFC 31 constraint: unknown operator 1"),
    ({"and": {}}, "RFC 31 constraint: the values of and are a list"),
    ({"and": [{}, 3]}, "and[1]: RFC 31 constraint: expected an object, not 3"),
    ({"not": [{"ranks": [0]}]}, "not[0].ranks[0]: RFC 31 constraint: expected text, not 0"),
    ({"not": [{"ranks": ["0", "x"]}]}, "not[0].ranks[1]: RFC 22 idset: unexpected 'x' at line 1, column 1"),
    ({"properties": ["a|b"]}, 'properties[0]: RFC 20 property: unexpected "|" at line 1, column 2'),
]


@pytest.mark.parametrize(("value", "nodes"), MEANING)
def test_meaning(value: dict[str, Any], nodes: int) -> None:
    constraint = parse_constraint(value)
    assert evaluate(constraint, NODES) == nodes
    assert parse_constraint(json.dumps(value, indent=1)) == constraint
    assert evaluate(constraint.negate(), NODES) == 0b1111 & ~nodes
    assert evaluate(simplify(constraint), NODES) == nodes
    assert evaluate(parse_constraint(to_json(constraint)), NODES) == nodes
    assert evaluate(parse_query(query_text(constraint)), NODES) == nodes


@pytest.mark.parametrize(("text", "rfc", "column", "reason"), BAD_TEXT, ids=range(len(BAD_TEXT)))
def test_refuses_text(text: str, rfc: int, column: int, reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_constraint(text)
    error = caught.value
    assert (error.rfc, error.line, error.column, error.reason) == (rfc, 1 + text.count("\n"), column, reason)
    assert len(str(error)) < 250


@pytest.mark.parametrize(("value", "message"), BAD_VALUES)
def test_refuses_values(value: Any, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_constraint(value)
    assert str(caught.value).startswith(message)


def test_deep_objects_are_refused() -> None:
    value: dict[str, Any] = {}
    for _ in range(100_000):
        value = {"not": [value]}
    with pytest.raises(GrammarError, match="more than 100 levels deep") as caught:
        parse_constraint(value)
    assert len(str(caught.value)) < 250


A, B, NO_A = Properties(("a",)), Properties(("b",)), Properties(("^a",))
LOW, HIGH = Ranks(IdSet.parse("0-2")), Ranks(IdSet.parse("2-4"))
HOST = Hosts(Hostlist.parse("host1"))


@pytest.mark.parametrize(
    ("constraint", "simple"),
    [
        (And((A, And((B, HOST)))), And((Properties(("a", "b")), HOST))),
        (And((A, A)), A),
        (And((A, NO_A)), NEVER),
        (And((A, ALWAYS)), A),
        (And((A, NEVER)), NEVER),
        (And((LOW, HIGH)), Ranks(IdSet.parse("2"))),
        (And((LOW, Ranks(IdSet.parse("7")))), NEVER),
        (And((HOST, Not(HOST))), NEVER),
        (Or((A, Or((B, HOST)))), Or((A, B, HOST))),
        (Or((A, NO_A)), ALWAYS),
        (Or((A, ALWAYS)), ALWAYS),
        (Or((A, NEVER)), A),
        (Or((NEVER, NEVER)), NEVER),
        (Or((LOW, HIGH)), Ranks(IdSet.parse("0-4"))),
        (Or(()), ALWAYS),
        (Not(Not(HOST)), HOST),
        (Not(A), NO_A),
        (Not(Properties(())), NEVER),
        (Hosts(Hostlist()), NEVER),
    ],
)
def test_simplifies(constraint: Constraint, simple: Constraint) -> None:
    assert simplify(constraint) == simple


LEAVES: st.SearchStrategy[Constraint] = st.one_of(
    st.lists(st.sampled_from(["ssd", "^ssd", "huge", "^slowgpu", "not", "no such"]), max_size=2).map(
        lambda names: Properties(tuple(names))
    ),
    st.sets(st.integers(0, 3)).map(lambda ids: Ranks(IdSet.of(ids))),
    st.sets(st.integers(0, 3)).map(lambda ids: Hosts(Hostlist.of(f"host{i}" for i in ids))),
)
CONSTRAINTS: st.SearchStrategy[Constraint] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=8,
)


@given(CONSTRAINTS)
def test_every_form_means_the_same(constraint: Constraint) -> None:
    nodes = evaluate(constraint, NODES)
    assert parse_constraint(to_json(constraint)) == parse_constraint(json.dumps(to_json(constraint)))
    assert evaluate(parse_constraint(to_json(constraint)), NODES) == nodes
    assert evaluate(parse_query(query_text(constraint)), NODES) == nodes
    assert evaluate(constraint.negate(), NODES) == 0b1111 & ~nodes
    simple = simplify(constraint)
    assert evaluate(simple, NODES) == nodes
    assert simplify(simple) == simple


@given(CONSTRAINTS, st.integers(0, 3))
def test_a_node_fails_on_a_part_that_it_does_not_match(constraint: Constraint, node: int) -> None:
    part = failing(constraint, NODES, node)
    assert (part is None) == bool(evaluate(constraint, NODES) >> node & 1)
    assert part is None or not evaluate(part, NODES) >> node & 1


def test_a_node_fails_on_the_smallest_part() -> None:
    constraint = parse_constraint({"and": [{"ranks": ["0-3"]}, {"properties": ["ssd", "huge"]}]})
    assert failing(constraint, NODES, 0) is None
    assert failing(constraint, NODES, 1) == Properties(("huge",))
    either = parse_constraint({"or": [{"ranks": ["0"]}, {"properties": ["huge"]}]})
    assert failing(either, NODES, 3) == either
