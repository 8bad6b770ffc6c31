"""RFC 14 counts in every form, with RFC 45 and RFC 22 text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.count import Count, parse_count
from exactfit.grammar.errors import GrammarError
from exactfit.grammar.limits import MAX_COUNT

GOOD: list[tuple[object, str, object, list[int]]] = [
    # value, canonical text, RFC 14 value, admissible counts up to 30
    (1, "1", 1, [1]),
    ("4", "4", 4, [4]),
    ("[4]", "4", 4, [4]),
    ("3-3", "3", 3, [3]),
    ("3-6", "3-6", {"min": 3, "max": 6, "operator": "+", "operand": 1}, [3, 4, 5, 6]),
    ("[1-4:2:*]", "1-4:2:*", {"min": 1, "max": 4, "operator": "*", "operand": 2}, [1, 2, 4]),
    ("28+", "28+", {"min": 28}, [28, 29, 30]),
    ("[100+]", "100+", {"min": 100}, []),
    ("20+:5", "20+:5", {"min": 20, "operator": "+", "operand": 5}, [20, 25, 30]),
    ("1-5:2:+", "1-5:2", {"min": 1, "max": 5, "operator": "+", "operand": 2}, [1, 3, 5]),
    ("1-4:1:+", "1-4", {"min": 1, "max": 4, "operator": "+", "operand": 1}, [1, 2, 3, 4]),
    # The canonical maximum is one that is reached; the RFC 14 value keeps what was written.
    ("2-9:2:*", "2-8:2:*", {"min": 2, "max": 9, "operator": "*", "operand": 2}, [2, 4, 8]),
    ("4-5:3", "4", 4, [4]),
    ("2+:2:^", "2+:2:^", {"min": 2, "operator": "^", "operand": 2}, [2, 4, 16]),
    ("3-30:3:^", "3-27:3:^", {"min": 3, "max": 30, "operator": "^", "operand": 3}, [3, 27]),
    ("4,9,16,25", "4,9,16,25", "4,9,16,25", [4, 9, 16, 25]),
    ("[1,3-5]", "1,3-5", "1,3-5", [1, 3, 4, 5]),
    ("3,4,5", "3-5", {"min": 3, "max": 5, "operator": "+", "operand": 1}, [3, 4, 5]),
    ({"min": 29}, "29+", {"min": 29}, [29, 30]),
    ({"min": 3, "max": 5}, "3-5", {"min": 3, "max": 5, "operator": "+", "operand": 1}, [3, 4, 5]),
    # What Flux's own reader of shapes makes of "29+".
    ({"min": 29, "max": float("inf")}, "29+", {"min": 29}, [29, 30]),
]

BAD_TEXT = [
    ("", 1, "unexpected end"),
    ("[]", 2, "unexpected ']'"),
    ("0", 1, "'0' is less than 1"),
    ("0,3", 1, "'0' is less than 1"),
    ("04", 1, "unexpected '0'"),
    ("a", 1, "unexpected 'a'"),
    ("2-", 3, "unexpected end"),
    ("+2", 1, "unexpected '+'"),
    ("4:2", 2, "unexpected ':'"),
    ("1-3,5:2", 6, "unexpected ':'"),
    ("1-4:2:-", 7, "unexpected '-'"),
    ("1-4:2:**", 8, "unexpected '*'"),
    ("1-4:0", 5, "unexpected '0'"),
    ("[3", 3, "unexpected end"),
    ("3]", 2, "unexpected ']'"),
    ("5-3", 1, "the maximum 3 is less than the minimum 5"),
    ("3,1", 3, "'1' does not ascend from 3"),
    ("1-4:1:*", 1, "the operand of * is at least 2"),
    ("1-4:2:^", 1, "the minimum of ^ is at least 2"),
    ("2-4:1:^", 1, "the operand of ^ is at least 2"),
    ("9" * 40, 1, f"'{'9' * 40}' is larger than {MAX_COUNT}"),
    ("1-9223372036854775807", 3, f"'9223372036854775807' is larger than {MAX_COUNT}"),
    ("1+:9223372036854775807:*", 4, f"'9223372036854775807' is larger than {MAX_COUNT}"),
    ("1-3,5-9223372036854775807", 5, f"'5-9223372036854775807' is larger than {MAX_COUNT}"),
    ("[" * 100_000, 2, "unexpected '['"),
    ("9" * 100_000, 1, f"larger than {MAX_COUNT}"),
]

BAD_VALUES: list[tuple[object, str]] = [
    (0, "the count is at least 1, not 0"),
    (-3, "the count is at least 1, not -3"),
    (2**63, f"the count is at most {MAX_COUNT}, not {2**63}"),
    (10**4000, f"the count is at most {MAX_COUNT}, not an integer of more than 38 digits"),
    # True is 1 in Python, but not in JSON.
    (True, "expected an integer, text or a mapping, not true"),
    (1.5, "expected an integer, text or a mapping, not 1.5"),
    (None, "expected an integer, text or a mapping, not null"),
    ([1], "expected an integer, text or a mapping, not a value of type list"),
    ({}, "the key min is missing"),
    ({"min": 1, "step": 2}, 'unknown key "step"'),
    ({"min": 1, "operator": "+"}, "operator and operand are given both or not at all"),
    ({"min": 1, "operand": 2}, "operator and operand are given both or not at all"),
    ({"min": "1"}, 'min is an integer, not "1"'),
    ({"min": 3, "max": 2}, "the maximum 2 is less than the minimum 3"),
    ({"min": 1, "max": None}, "max is an integer, not null"),
    ({"min": 1, "operator": "-", "operand": 1}, 'operator is one of + * ^, not "-"'),
    ({"min": 1, "operator": [], "operand": 1}, "operator is one of + * ^, not a value of type list"),
    ({"min": 1, "operator": "*", "operand": 1}, "the operand of * is at least 2"),
]


def slow_counts(count: Count, limit: int) -> list[int]:
    """List the admissible counts by the words of RFC 14."""
    if count.intervals is not None:
        return [n for first, last in count.intervals for n in range(first, min(last, limit) + 1)]
    numbers, number = [], count.min
    while number <= (limit if count.max is None else min(limit, count.max)):
        numbers.append(number)
        number = {"+": number + count.operand, "*": number * count.operand, "^": number**count.operand}[count.operator]
    return numbers


@pytest.mark.parametrize(("value", "canonical", "json", "counts"), GOOD)
def test_reads(value: object, canonical: str, json: object, counts: list[int]) -> None:
    count = parse_count(value)
    assert str(count) == canonical
    assert count.to_json() == json
    assert parse_count(canonical) == count == parse_count(count.to_json())
    assert sorted(count.descending(30)) == counts
    assert [n for n in range(31) if n in count] == counts
    assert count.is_fixed == (count.min == count.max)


@pytest.mark.parametrize(("text", "column", "reason"), BAD_TEXT, ids=range(len(BAD_TEXT)))
def test_refuses_text(text: str, column: int, reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_count(text)
    assert (caught.value.rfc, caught.value.line, caught.value.column) == (45, 1, column)
    assert caught.value.reason == reason
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(("value", "reason"), BAD_VALUES, ids=range(len(BAD_VALUES)))
def test_refuses_values(value: object, reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_count(value)
    assert str(caught.value) == f"RFC 14 count: {reason}"


@st.composite
def counts(draw: st.DrawFn) -> Any:
    if draw(st.booleans()):
        numbers = draw(st.sets(st.integers(1, 60), min_size=1))
        return ",".join(map(str, sorted(numbers)))
    operator = draw(st.sampled_from("+*^"))
    smallest = draw(st.integers(1 if operator != "^" else 2, 40))
    operand = draw(st.integers(1 if operator == "+" else 2, 7))
    value: dict[str, Any] = {"min": smallest, "operator": operator, "operand": operand}
    if draw(st.booleans()):
        value["max"] = draw(st.integers(smallest, 200))
    return value


@given(counts(), st.integers(-1, 250))
def test_largest_is_that_of_the_list(value: Any, limit: int) -> None:
    count = parse_count(value)
    admissible = slow_counts(count, limit)
    assert list(count.descending(limit)) == admissible[::-1]
    assert count.largest(limit) == (admissible[-1] if admissible else None)
    assert parse_count(str(count)) == count


def test_huge_counts_are_not_expanded() -> None:
    assert parse_count(f"1-{MAX_COUNT}").largest(10**15) == 10**15
    assert parse_count("2+:2:^").largest(MAX_COUNT) == 2**32
    assert parse_count("2+:9007199254740991:^").largest(MAX_COUNT) == 2
    assert parse_count("3+:7:*").largest(MAX_COUNT) == 3 * 7**18
