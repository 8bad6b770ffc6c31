"""Machines in one line: what a line says, and what is refused where."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from exactfit.grammar.errors import GrammarError
from exactfit.grammar.machine_line import Level, MachineLine, parse_machine_line

LINES: list[tuple[str, MachineLine]] = [
    ("core:4", MachineLine(node=Level("node", cores=4))),
    ("core", MachineLine(node=Level("node", cores=1))),
    (
        "socket:2 numa:4 core:16 gpu:1",
        MachineLine(levels=(Level("socket", 2), Level("numa", 4, cores=16, gpus=1))),
    ),
    # Cores and gpus in any order; gpus may stand further out than cores.
    ("socket:2 gpu:1 core:16", MachineLine(levels=(Level("socket", 2, cores=16, gpus=1),))),
    ("socket:2 gpu:4 numa:4 core:2", MachineLine(levels=(Level("socket", 2, gpus=4), Level("numa", 4, cores=2)))),
    ("gpu:8 socket core:2", MachineLine(node=Level("node", gpus=8), levels=(Level("socket", 1, cores=2),))),
    (
        "numa:4(memory=128) core:2",
        MachineLine(levels=(Level("numa", 4, (("memory", Fraction(128)),), cores=2),)),
    ),
    (
        "  node:2(storage=0.5TiB,memory=1024MiB,license=3)\n\tcore:2 ",
        MachineLine(
            node=Level(
                "node",
                2,
                (("storage", Fraction(512)), ("memory", Fraction(1)), ("license", Fraction(3))),
                cores=2,
            ),
            counted=True,
        ),
    ),
    (
        "row:2 rack:3(storage=10) node:4 l3-cache:2 core:2",
        MachineLine(
            groups=(Level("row", 2), Level("rack", 3, (("storage", Fraction(10)),))),
            node=Level("node", 4),
            levels=(Level("l3-cache", 2, cores=2),),
            counted=True,
        ),
    ),
]


@pytest.mark.parametrize(("text", "said"), LINES, ids=[text for text, _ in LINES])
def test_a_line(text: str, said: MachineLine) -> None:
    assert parse_machine_line(text) == said


@pytest.mark.parametrize(
    ("text", "reason", "column"),
    [
        ("", "unexpected end", 1),
        ("   ", "unexpected end", 4),
        ("socket:2", "no core", 0),
        ("gpu:2", "no core", 0),
        ("core:0", "a count is from 1", 5),
        ("core:-1", "unexpected", 5),
        ("core: 4", "unexpected", 5),
        ("core:99999999999999999999", "a count is from 1", 5),
        ("core:4194305", "a count is from 1", 5),
        ("core:4x", "unexpected", 5),
        ("core:4 core:5", "core is given twice", 8),
        ("gpu gpu core", "gpu is given twice", 5),
        ("numa:2 numa:2 core", "numa is given twice", 8),
        ("rack:2 node rack:2 core", "rack is given twice", 13),
        ("core:2 numa:2", "numa stands behind core", 8),
        ("core:2 node:2", "core stands in a node", 1),
        ("socket:2 core:16(memory=2)", "a core has no amounts", 10),
        ("slot:2 core", "no level can be called slot", 1),
        ("memory:2 core", "numa:4(memory=128)", 1),
        ("pu:2", "threads are not counted", 1),
        ("core:2 thread:2", "threads are not counted", 8),
        ("numa:2() core", "unexpected", 8),
        ("numa:2(memory) core", "unexpected", 14),
        ("numa:2(memory=) core", "unexpected", 15),
        ("numa:2(memory=1,) core", "unexpected", 17),
        ("numa:2(memory=1 core", "unexpected", 21),
        ("numa:2(memory=1.5) core", "memory: whole GiB", 15),
        ("numa:2(license=1.5) core", "license: a whole number", 16),
        ("numa:2(memory=1,memory=2) core", "memory is given twice", 17),
        ("numa:2(memory=1XB) core", "unknown unit", 16),
        ("numa:2(core=1) core", "no amount can be called so", 8),
        (f"numa:2(memory={'9' * 30}) core", "more than 18 characters", 15),
        ("socket:2,core:4", "unexpected", 9),
        ("socket:2/core:4", "unexpected", 9),
        ("s\x00:2 core", "unexpected", 2),
        ("sockel\u0435t core", "unexpected", 7),
        (f"{'a' * 65} core", "a name of more than 64", 1),
    ],
)
def test_refuses(text: str, reason: str, column: int) -> None:
    with pytest.raises(GrammarError, match="machine: ") as caught:
        parse_machine_line(text)
    assert reason in str(caught.value)
    assert caught.value.column == column


@pytest.mark.parametrize(
    "text", ["a " * 100_000, "(" * 5000, "core:" + "9" * 9000, "a:1 " * 2000, "core(" + "a=1," * 2000]
)
def test_hostile_text_is_refused_in_short(text: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_machine_line(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [None, 3, b"core:2", ["core:2"]])
def test_what_is_no_text(value: Any) -> None:
    with pytest.raises(GrammarError, match="expected text"):
        parse_machine_line(value)
