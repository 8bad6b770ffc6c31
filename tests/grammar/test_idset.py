"""RFC 22 idsets: text, canonical text, value; what is refused and where."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.errors import GrammarError
from exactfit.grammar.idset import IDSET_PARSER, IdSet, mask_text, text_mask
from exactfit.grammar.limits import MAX_ID, MAX_MASK_ID

GOOD = [
    ("", "", []),
    ("[]", "", []),
    ("0", "0", [0]),
    ("0,1", "0-1", [0, 1]),
    ("1,2,3,5,6,42", "1-3,5-6,42", [1, 2, 3, 5, 6, 42]),
    ("[1-3,5-6,42]", "1-3,5-6,42", [1, 2, 3, 5, 6, 42]),
    # Adjacent ranges are one.
    ("0-3,4-5", "0-5", [0, 1, 2, 3, 4, 5]),
    (str(MAX_ID), str(MAX_ID), [MAX_ID]),
]

BAD = [
    ("0,x-5", 3, "x"),
    ("01", 2, "1"),
    ("-1", 1, "-"),
    ("1-", 3, ""),
    ("1,", 3, ""),
    (",1", 1, ","),
    ("1,,2", 3, ","),
    ("1-2-3", 4, "-"),
    ("1 ", 2, " "),
    ("[1", 3, ""),
    ("1]", 2, "]"),
    ("[[1]]", 2, "["),
    ("1[2]", 2, "["),
    # A range holds two ids at least, as Flux has it.
    ("3-3", 1, "3-3"),
    ("3-1", 1, "3-1"),
    ("1,1", 3, "1"),
    ("[5,2]", 4, "2"),
    (str(MAX_ID + 1), 1, str(MAX_ID + 1)),
    ("1,2-" + "9" * 40, 3, "2-" + "9" * 40),
    ("9" * 5000, 1, "9" * 5000),
    # Digits of other scripts are no digits.
    ("\u0661", 1, "\u0661"),
    ("[" * 100_000, 2, "["),
    ("1," * 100_000, 200_001, ""),
    (",".join(map(str, range(100_000))) + ",x", 588_891, "x"),
]

ID_SETS = st.sets(st.integers(0, 300))


@pytest.mark.parametrize(("text", "canonical", "ids"), GOOD)
def test_reads(text: str, canonical: str, ids: list[int]) -> None:
    value = IdSet.parse(text)
    assert list(value) == ids
    assert str(value) == canonical
    assert IdSet.parse(canonical) == value == IdSet.of(ids)
    assert len(value) == len(ids)
    assert bool(value) == bool(ids)


@pytest.mark.parametrize(("text", "column", "part"), BAD, ids=range(len(BAD)))
def test_refuses(text: str, column: int, part: str) -> None:
    with pytest.raises(GrammarError) as caught:
        IdSet.parse(text)
    error = caught.value
    assert (error.rfc, error.line, error.column, error.part) == (22, 1, column, part)
    assert len(str(error)) < 250


def test_message_is_one_line() -> None:
    with pytest.raises(GrammarError, match=r"^RFC 22 idset: unexpected 'x' at line 1, column 3 \(in \"0,x-5\"\)$"):
        IdSet.parse("0,x-5")


@given(st.text("0123456789,-[]x", max_size=12))
def test_fast_reader_and_grammar_agree(text: str) -> None:
    try:
        elements = IDSET_PARSER.parse(text)
    except GrammarError:
        elements = None
    try:
        IdSet.parse(text)
        by_value = False
    except GrammarError as error:
        by_value = "unexpected" not in error.reason
        if not by_value:
            assert elements is None
            return
    assert elements is not None
    if by_value:
        numbers = [int(number) for element in elements for number in element]
        assert any(a >= b for a, b in pairwise(numbers)) or max(numbers) > MAX_ID


@given(ID_SETS, ID_SETS)
def test_algebra_is_that_of_sets(left: set[int], right: set[int]) -> None:
    a, b = IdSet.of(left), IdSet.of(right)
    assert set(a | b) == left | right
    assert set(a & b) == left & right
    assert set(a - b) == left - right
    assert (a <= b) == (left <= right)
    assert all((number in a) == (number in left) for number in range(-1, 302))
    if left:
        assert (a.first, a.last) == (min(left), max(left))


@given(ID_SETS)
def test_masks(ids: set[int]) -> None:
    mask = sum(1 << number for number in ids)
    value = IdSet.of(ids)
    assert value.mask() == mask
    assert IdSet.from_mask(mask) == value
    assert mask_text(mask) == str(value)
    assert text_mask(str(value)) == mask


def test_masks_of_many_runs() -> None:
    value = IdSet.of(range(0, 5000, 3))
    assert value.mask() == sum(1 << number for number in range(0, 5000, 3))
    assert IdSet.from_mask(value.mask()) == value
    assert text_mask(str(value)) == value.mask()


def test_masks_are_bounded() -> None:
    with pytest.raises(GrammarError, match="larger"):
        IdSet.parse(f"0-{MAX_MASK_ID + 1}").mask()
    with pytest.raises(ValueError, match="negative"):
        mask_text(-1)


@pytest.mark.parametrize("ids", [[-1], [MAX_ID + 1]])
def test_ids_are_bounded(ids: list[int]) -> None:
    with pytest.raises(GrammarError, match="ids are from 0"):
        IdSet.of(ids)
