"""Hostile text in every language: refused at once, whatever its length; fast readers agree with their grammars."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.constraint import parse_constraint, parse_query
from exactfit.grammar.count import COUNT_PARSER, parse_count
from exactfit.grammar.errors import GrammarError
from exactfit.grammar.hostlist import HOSTLIST_PARSER, Hostlist
from exactfit.grammar.idset import IdSet
from exactfit.grammar.parser import Parser
from exactfit.grammar.shape import parse_shape

READERS: list[Callable[[str], object]] = [
    IdSet.parse,
    Hostlist.parse,
    parse_count,
    parse_shape,
    parse_query,
    parse_constraint,
]

MANY = 100_000
TEXTS = [
    "[" * MANY,
    "(" * MANY,
    "{" * MANY,
    "]" * MANY,
    "a[" * MANY,
    "a/[" * MANY,
    "a{b:" * MANY,
    '{"not":[' * MANY,
    '{"and":[{},' * MANY,
    "not " * MANY,
    "-" * MANY,
    "1-" * MANY,
    "0" * MANY,
    "'" + "a" * MANY,
    '"' + "\\" * MANY,
    "(a" * MANY,
    "9" * 40 + "[",
    "[0-" + "9" * 40 + "]]",
    "1-9223372036854775807:1:**",
    "\x00",
    "\ud800 \ud800",
]


def message_of(read: Callable[[str], object], text: str) -> str | None:
    try:
        read(text)
    except GrammarError as error:
        return str(error)
    return None


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("read", READERS, ids=["idset", "hostlist", "count", "shape", "query", "constraint"])
def test_refused_at_once(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(GrammarError):
        read("[|")
    start = time.process_time()
    message = message_of(read, text)
    # Several times what it takes, for a busy machine.
    assert time.process_time() - start < 30
    assert message is None or (len(message) < 300 and "\n" not in message)


@pytest.mark.parametrize(
    ("parser", "read", "letters"),
    [(COUNT_PARSER, parse_count, "0123-,:+*^[]x"), (HOSTLIST_PARSER, Hostlist.parse, "ab019-,[] ")],
)
def test_fast_readers_and_grammars_agree(parser: Parser, read: Callable[[str], object], letters: str) -> None:
    @given(st.text(letters, max_size=10))
    def agree(text: str) -> None:
        by_grammar, by_reader = message_of(parser.parse, text), message_of(read, text)
        if by_grammar is None:
            # Rules on values are no part of a grammar.
            assert by_reader is None or "unexpected" not in by_reader
        else:
            assert by_reader is not None

    agree()


def test_an_error_says_all_and_survives_pickling() -> None:
    with pytest.raises(GrammarError) as caught:
        parse_shape("node/\nslot=2/core=x")
    error = caught.value
    for same in (error, pickle.loads(pickle.dumps(error))):
        assert (same.rfc, same.language, same.line, same.column, same.part) == (45, "count", 2, 13, "x")
        assert str(same).endswith('at line 2, column 13 (in "node/\\nslot=2/core=x")')
