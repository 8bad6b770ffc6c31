"""Slurm's configuration lines: Name=Value, comments, continuation."""

from __future__ import annotations

import time

import pytest

from exactfit.grammar.errors import GrammarError
from exactfit.grammar.slurm_conf import MAX_CHARACTERS, parse_slurm_conf


def pairs(text: str) -> list[list[tuple[str, str]]]:
    return [[(pair.name, pair.value) for pair in line] for line in parse_slurm_conf(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nothing\n\n   # but comments", []),
        ("SwitchName=s0 Nodes=tux[0-3,7]", [[("switchname", "s0"), ("nodes", "tux[0-3,7]")]]),
        ("A=1\nB=2\n\n\nC=3", [[("a", "1")], [("b", "2")], [("c", "3")]]),
        (
            "\tSWITCHNAME = s0   LinkSpeed=  900 \r\nA=1\r\n",
            [[("switchname", "s0"), ("linkspeed", "900")], [("a", "1")]],
        ),
        # A comment ends a value, and a backslash at its end is part of it.
        ("A=b#c d\nB=c # \\\nC=d", [[("a", "b")], [("b", "c")], [("c", "d")]]),
        ('A="b c" B=d', [[("a", "b c"), ("b", "d")]]),
        ("A=b \\\n  B=c\nC=d", [[("a", "b"), ("b", "c")], [("c", "d")]]),
        # Without a blank before it the next line goes on with the value.
        ("Nodes=a[0-3],\\\nb[1-2] B=c", [[("nodes", "a[0-3],b[1-2]"), ("b", "c")]]),
        ("A=\\\n   b", [[("a", "b")]]),
        (r"A=a\#b\\c", [[("a", r"a#b\c")]]),
        ("A==b", [[("a", "=b")]]),
    ],
)
def test_lines_of_pairs(text: str, expected: list[list[tuple[str, str]]]) -> None:
    assert pairs(text) == expected


def test_lines_are_numbered_as_in_the_file() -> None:
    lines = parse_slurm_conf("# one\nA=1 \\\n B=2\n\nC=3")
    assert [[pair.line for pair in line] for line in lines] == [[2, 3], [5]]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("A=1\nB\nC=2", "line 2, column 2"),
        ("A=1\n\nB=2 junk\n", "line 3, column 9"),
        ('A="b', "line 1, column 3"),
        ("include other.conf", "line 1, column 9"),
        ("A=1 =2", "line 1, column 5"),
    ],
)
def test_what_is_no_pair_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(GrammarError) as refused:
        parse_slurm_conf(text)
    assert place in str(refused.value)
    assert str(refused.value).startswith("Slurm configuration: ")


@pytest.mark.parametrize("text", ["a" * 10**6, "[" * 10**6, '"' * 10**6, "\\\n" * 10**5, "A=" * 10**5])
def test_hostile_text_is_read_or_refused_soon(text: str) -> None:
    start = time.process_time()
    refusal = ""
    try:
        parse_slurm_conf(text)
    except GrammarError as error:
        refusal = str(error)
    assert len(refusal) < 400
    assert time.process_time() - start < 60


def test_more_text_than_any_cluster_needs_is_refused() -> None:
    with pytest.raises(GrammarError, match="longer than"):
        parse_slurm_conf("#" * (MAX_CHARACTERS + 1))
