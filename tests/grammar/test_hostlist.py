"""RFC 29 hostlists: text, canonical text, names."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.errors import GrammarError
from exactfit.grammar.hostlist import Hostlist, encode_hosts

GOOD = [
    # The test vectors of RFC 29.
    ("", "", ""),
    ("foox,fooy,fooz", "foox,fooy,fooz", "foox fooy fooz"),
    ("[1-3,5-6]", "[1-3,5-6]", "1 2 3 5 6"),
    ("foo[1-5]", "foo[1-5]", "foo1 foo2 foo3 foo4 foo5"),
    # The number of these names is the last one.
    ("foo[0-1]-eth2", "foo0-eth2,foo1-eth2", "foo0-eth2 foo1-eth2"),
    ("foo1,foo1,foo1", "foo[1,1,1]", "foo1 foo1 foo1"),
    ("[00-02]", "[00-02]", "00 01 02"),
    ("[00-2]", "[00-02]", "00 01 02"),
    ("foo[1,1,2,1]", "foo[1,1-2,1]", "foo1 foo1 foo2 foo1"),
    # The zeros of the first number count for all.
    ("[005,4,11-13]", "[005,004,011-013]", "005 004 011 012 013"),
    ("5,4,11-13", "[5,4],11-13", "5 4 11-13"),
    ("foo[1,02,3]", "foo1,foo02,foo3", "foo1 foo02 foo3"),
    ("foo[3-3]", "foo3", "foo3"),
    ("foo9,foo10", "foo[9-10]", "foo9 foo10"),
    ("foo09,foo10", "foo[09-10]", "foo09 foo10"),
    ("foo[098-101]", "foo[098-101]", "foo098 foo099 foo100 foo101"),
    # Digits before the brackets belong to the number.
    ("foo1[8-11]", "foo[18-19,110-111]", "foo18 foo19 foo110 foo111"),
    ("foo0[1-2]", "foo[01-02]", "foo01 foo02"),
    ("foo1-bar,foo2-bar", "foo[1-2]-bar", "foo1-bar foo2-bar"),
    ("[00-01]p", "[00-01]p", "00p 01p"),
    # Empty expressions are empty lists.
    (",1,,2,", "[1-2]", "1 2"),
    ("b,a,b1,a1", "b,a,b1,a1", "b a b1 a1"),
    ("n" + "7" * 40, "n" + "7" * 40, "n" + "7" * 40),
    ("n12345678901234567[8-10]", "", ""),
]

BAD = [
    ("foo[]", 5, "]"),
    ("foo[", 5, ""),
    ("foo[1,3", 8, ""),
    ("foo[[1,3]", 5, "["),
    ("foo]", 4, "]"),
    ("foo[x]", 5, "x"),
    ("foo[0-1,2--5]", 11, "-5"),
    ("foo[1,]", 7, "]"),
    ("foo[1]x[2]", 8, "["),
    ("foo[0-2,3-1]", 9, "3-1"),
    ("a b", 2, " "),
    ("h\u00e9", 2, "\u00e9"),
    ("foo[0-99999999]", 5, "0-99999999"),
    ("foo[" + "9" * 40 + "]", 5, "9" * 40),
    ("foo[0-131071,0]x2", 14, "0"),
    ("[" * 100_000, 2, "["),
    ("a," * 100_000 + "b c", 200_002, " "),
]

NAMES = st.lists(st.from_regex(r"\A[a-b]?-?[0-9]{0,3}(?:x|x1|)\Z").filter(bool), max_size=12)


@pytest.mark.parametrize(("text", "canonical", "names"), GOOD[:-1])
def test_reads(text: str, canonical: str, names: str) -> None:
    hosts = Hostlist.parse(text)
    assert list(hosts) == names.split()
    assert str(hosts) == canonical
    assert encode_hosts(names.split()) == canonical
    assert Hostlist.parse(canonical) == hosts


@pytest.mark.parametrize(("text", "column", "part"), BAD, ids=range(len(BAD)))
def test_refuses(text: str, column: int, part: str) -> None:
    with pytest.raises(GrammarError) as caught:
        Hostlist.parse(text)
    error = caught.value
    assert (error.rfc, error.line, error.column, error.part) == (29, 1, column, part)
    assert len(str(error)) < 250


def test_numbers_of_more_than_18_digits_are_names() -> None:
    hosts = Hostlist.parse("n12345678901234567[8-10]")
    assert list(hosts) == [f"n12345678901234567{number}" for number in (8, 9, 10)]
    assert Hostlist.of(hosts) == hosts


@given(NAMES)
def test_text_is_a_function_of_the_names(names: list[str]) -> None:
    hosts = Hostlist.of(names)
    assert list(hosts) == names
    assert Hostlist.parse(str(hosts)) == hosts
    assert Hostlist.parse(",".join(names)) == hosts
    assert list(Hostlist.parse(str(hosts))) == names


@given(NAMES, NAMES, st.slices(12))
def test_is_a_sequence(names: list[str], others: list[str], part: slice) -> None:
    hosts = Hostlist.of(names)
    assert len(hosts) == len(names)
    assert [hosts[index] for index in range(-len(names), len(names))] == names + names
    assert list(hosts[part]) == names[part]
    assert hosts[part] == Hostlist.of(names[part])
    for name in names + others:
        assert (name in hosts) == (name in names)
        if name in names:
            assert hosts.index(name) == names.index(name)
    assert hosts.mask_of(Hostlist.of(others)) == sum(1 << i for i, name in enumerate(names) if name in others)


def test_a_place_outside_is_an_index_error() -> None:
    with pytest.raises(IndexError, match="no host at place 2"):
        Hostlist.parse("a[0-1]")[2]
    with pytest.raises(ValueError, match="no host"):
        Hostlist.parse("a[0-1]").index("a2")


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a[1]", "\u00e9"])
def test_names_outside_the_rfc_are_refused(name: str) -> None:
    with pytest.raises(GrammarError, match="RFC 29 host name"):
        encode_hosts([name])


def test_large_lists_stay_compact() -> None:
    start = time.process_time()
    hosts = Hostlist.parse("host[0-9999999]")
    assert (len(hosts), hosts[9_999_999]) == (10_000_000, "host9999999")
    assert hosts.mask_of(Hostlist.parse("host[5-6,09]")) == 0b1100000
    assert str(hosts[10:9_000_000]) == "host[10-8999999]"
    assert time.process_time() - start < 30
