"""`exactfit place --joint` and `--moves`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runner = Callable[..., Any]

BATCH = ("slot=1/core=60", "node=1/slot=8/[core=15;gpu=1]", "slot=1/core=60")


def test_a_batch_is_placed_together(run: Runner) -> None:
    alone = run("place", "rfc49-a:1", *BATCH, "--json")
    together = run("place", "rfc49-a:1", *BATCH, "--joint", "--json")
    assert [line["status"] for line in alone.lines].count("placed") == 2
    assert [line["status"] for line in together.lines].count("placed") == 2
    assert all(line["R"]["scheduling"]["certificate"]["joint"] for line in together.lines if line["R"])


def test_it_says_whether_more_could_fit(run: Runner) -> None:
    found = run("place", "rfc49-a:1", *BATCH, "--joint", "--no-drawing")
    assert found.status == 1
    assert "joint: 2 of 3 jobs placed; no more fit" in found.out


MIXED = ("slot=1/core=100", "slot=1/numa=2/core=10", "slot=1/core=90")


def test_jobs_of_other_forms_are_placed_beside_the_others_and_named(run: Runner) -> None:
    found = run("place", "rfc49-a:1", "slot=4/numa/core=10", "slot=1/numa=8/core=8", "--joint", "--no-drawing")
    assert found.status == 1
    assert "joint: 1 of 2 jobs placed; at most 2 fit, a gap of 50.0 %" in found.out
    assert "placed one by one, as the joint model does not take them:" in found.out
    assert "job 2: slot/numa: several domains in a slot" in found.out


def test_what_is_known_of_a_batch_stands_in_every_line(run: Runner) -> None:
    lines = run("place", "rfc49-a:1", *MIXED, "--joint", "--json").lines
    assert [line["batch"] for line in lines] == [
        {"weight": 2, "bound": 2, "together": together} for together in (True, False, True)
    ]
    assert all("batch" not in line for line in run("place", "rfc49-a:1", *MIXED, "--json").lines)


def test_priorities_say_which_jobs_are_worth_most(run: Runner) -> None:
    for priority, placed in (("5,1,1", [True, True, False]), ("1,1,5", [False, True, True])):
        found = run("place", "rfc49-a:1", *MIXED, "--joint", "--json", "--priority", priority)
        assert [line["status"] == "placed" for line in found.lines] == placed
    found = run("place", "rfc49-a:1", *BATCH, "--joint", "--priority", "1, 9, 1", "--no-drawing")
    assert "joint: 1 of 3 jobs placed, of priority 9 in all; no better batch fits" in found.out


@pytest.mark.parametrize(
    ("priority", "fault"),
    [
        ("1,2", "--priority: 2 numbers for 3 jobs"),
        ("1,0,1", "--priority: '0' is no whole number from 1"),
        ("1,,1", "--priority: '' is no whole number from 1"),
        ("1,x,1", "--priority: 'x' is no whole number from 1"),
        ("1,2,9999999999", "--priority: '9999999999' is no whole number from 1"),
    ],
)
def test_priorities_that_are_none_are_named(run: Runner, priority: str, fault: str) -> None:
    assert run("place", "rfc49-a:1", *BATCH, "--joint", "--priority", priority).complaint.startswith(fault)


def test_priorities_go_with_joint(run: Runner) -> None:
    assert run("place", "rfc49-a:1", *BATCH, "--priority", "1,1,1").complaint.startswith("--priority goes with --joint")


def test_moves_make_room(run: Runner, tmp_path: Path) -> None:
    running = tmp_path / "running.jsonl"
    spread = run("place", "rfc49-a:2", *["node=1/slot=4/core=15"] * 2, "--policy", "spread", "--json")
    running.write_text(spread.out, encoding="utf-8")
    found = run("place", "rfc49-a:2", "slot=1/node", "--allocated", running, "--moves", 2, "--json")
    (line,) = found.lines
    assert line["status"] == "insufficient"
    assert "after 1 moves: " in line["reason"]
    assert "of --allocated from ranks" in line["reason"]
    assert json.loads(found.out)["R"] is None
