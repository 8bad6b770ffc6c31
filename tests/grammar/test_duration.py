"""RFC 23 durations."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.grammar.duration import parse_duration
from exactfit.grammar.errors import GrammarError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 10.0),
        ("10s", 10.0),
        (" 0.5 ", 0.5),
        (".5h", 1800.0),
        ("5.", 5.0),
        ("500ms", 0.5),
        ("2m", 120.0),
        ("1.5h", 5400.0),
        ("2d", 172800.0),
        ("1e3", 1000.0),
        ("1e-3s", 0.001),
        ("0", 0.0),
        ("infinity", float("inf")),
        ("INF", float("inf")),
    ],
)
def test_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "-1",
        "+1",
        "1 s",
        "1w",
        "1S",
        "nan",
        "0x1",
        "1,5",
        "1h30m",
        "1_0",
        "\uff11",
        "9" * 10_000,
        "1e999",
        "10\n20",
    ],
)
def test_refuses_what_is_none(text: str) -> None:
    with pytest.raises(GrammarError, match="RFC 23 duration: expected seconds") as caught:
        parse_duration(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [None, 10, b"10"])
def test_refuses_what_is_no_text(value: Any) -> None:
    with pytest.raises(GrammarError, match="expected text"):
        parse_duration(value)
