"""RFC 35 queries, as Flux's command line takes them."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.grammar.constraint import parse_query, query_text, to_json
from exactfit.grammar.errors import GrammarError


def p(*names: str) -> dict[str, Any]:
    return {"properties": list(names)}


def no(part: dict[str, Any]) -> dict[str, Any]:
    return {"not": [part]}


def both(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"and": list(parts)}


def either(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"or": list(parts)}


A, B, C = p("a"), p("b"), p("c")

GOOD = [
    # The examples of RFC 35, with properties for the default operator and hosts for its other one.
    ("foo", "foo", p("foo")),
    ("foo bar", "foo,bar", both(p("foo"), p("bar"))),
    ("foo bar hostlist:started", "foo,bar & hostlist:started", both(p("foo"), p("bar"), {"hostlist": ["started"]})),
    ("a|b|c", "a | b | c", either(A, B, C)),
    ("a|b&c", "a | b,c", either(A, both(B, C))),
    ("(a|b)&c", "(a | b) & c", both(either(A, B), C)),
    ("(a|-b)&c", "(a | ^b) & c", both(either(A, no(B)), C)),
    # Every spelling of the operators.
    ("a and b && c", "a,b,c", both(A, B, C)),
    ("a or b || c", "a | b | c", either(A, B, C)),
    ("not a", "^a", no(A)),
    ("not (a b)", "not (a,b)", no(both(A, B))),
    ("-a b", "^a,b", both(no(A), B)),
    ("not not a", "a", no(no(A))),
    ("not-a", "a", no(no(A))),
    # Words that only start like operators are terms.
    ("order android nothing", "order,android,nothing", both(p("order"), p("android"), p("nothing"))),
    # What Flux's command line knows besides.
    ("a,^b", "a,^b", p("a", "^b")),
    ("properties:a,b", "a,b", p("a", "b")),
    ("host:h[0-3,5]", "hostlist:h[0-3,5]", {"hostlist": ["h[0-3,5]"]}),
    ("hosts:h1 rank:0-3", "hostlist:h1 & ranks:0-3", both({"hostlist": ["h1"]}, {"ranks": ["0-3"]})),
    ("-host:h7", "-hostlist:h7", no({"hostlist": ["h7"]})),
    # Quotes keep blanks and reserved letters; Flux reads an operator inside them, too.
    ("'a'", "a", A),
    ("properties:'a b'", "properties:'a b'", p("a b")),
    ('properties:"not"', "properties:not", p("not")),
    ("'host:h1'", "hostlist:h1", {"hostlist": ["h1"]}),
    ("host: h1", "hostlist:h1", {"hostlist": ["h1"]}),
    ("a'b'", "a,b", both(A, B)),
    # Terms side by side: the left side is all that stands before, unless the right one is negated.
    ("a|b c", "(a | b) & c", both(either(A, B), C)),
    ("a|b & c", "a | b,c", either(A, both(B, C))),
    ("a b|c", "a,b | c", either(both(A, B), C)),
    ("a|b -c", "a | b,^c", either(A, both(B, no(C)))),
    ("a (b|c)", "a & (b | c)", both(A, either(B, C))),
    ("not a b", "^a,b", both(no(A), B)),
    ("not a -b", "not (a,^b)", no(both(A, no(B)))),
    ("not a|b", "^a | b", either(no(A), B)),
    # No ranks is RFC 35 for what never matches.
    ("ranks:''", "ranks:''", {"ranks": []}),
    ("not ranks:''", "not ranks:''", no({"ranks": []})),
]

BAD = [
    ("", 35, 1, "unexpected end"),
    ("  ", 35, 3, "unexpected end"),
    ("a|", 35, 3, "unexpected end"),
    ("&a", 35, 1, "unexpected '&'"),
    ("a &&& b", 35, 5, "unexpected '&'"),
    ("a and or b", 35, 7, "unexpected 'or'"),
    ("(a", 35, 3, "unexpected end"),
    ("(a))", 35, 4, "unexpected ')'"),
    ("()", 35, 2, "unexpected ')'"),
    ("-(a|b)", 35, 2, "unexpected '('"),
    ("--a", 35, 2, "unexpected '-'"),
    ("foo and a:", 35, 11, "unexpected end"),
    ("a:' ", 35, 3, 'unexpected "\'"'),
    ("4g,host:foo", 35, 1, 'unknown operator "4g,host"'),
    ("a\n| user:b", 35, 3, 'unknown operator "user"'),
    ("and:foo", 35, 1, "unexpected 'and'"),
    ("'and:foo'", 35, 6, 'expected an object, not "foo"'),
    ("a,,b", 31, 3, "a property without a name"),
    ("a,b^", 20, 4, 'unexpected "^"'),
    ("a rank:0,x-5", 22, 10, "unexpected 'x'"),
    ("a host:'h[0-'", 29, 13, "unexpected end"),
    ("(" * 100_000, 35, 101, "more than 100 levels deep"),
    ("not " * 100_000 + "a", 35, 401, "more than 100 levels deep"),
    ("a:" * 100_000, 35, 200_001, "unexpected end"),
    ("a|b c" * 300, 35, 1, "more than 100 levels deep"),
]


@pytest.mark.parametrize(("text", "canonical", "json"), GOOD)
def test_reads(text: str, canonical: str, json: dict[str, Any]) -> None:
    constraint = parse_query(text)
    assert to_json(constraint) == json
    assert query_text(constraint) == canonical
    assert query_text(parse_query(canonical)) == canonical


@pytest.mark.parametrize(("text", "rfc", "column", "reason"), BAD, ids=range(len(BAD)))
def test_refuses(text: str, rfc: int, column: int, reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_query(text)
    error = caught.value
    assert (error.rfc, error.line, error.column) == (rfc, 1 + text.count("\n"), column)
    assert error.reason == reason
    assert len(str(error)) < 250


def test_long_flat_queries_are_no_depth() -> None:
    assert query_text(parse_query(" ".join(["a"] * 1000))) == "a"
    assert query_text(parse_query(" or ".join(["-a"] * 1000))) == "^a"
    assert query_text(parse_query(" & ".join(["not (a)"] * 300))) == "^a"
