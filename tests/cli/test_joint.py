"""`exactfit place --joint` and `--moves`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def test_a_job_of_another_form_is_named(run: Runner) -> None:
    assert run("place", "rfc49-a:1", "slot=1/numa{x}", "--joint").complaint.startswith(
        "--joint: job 1 (slot=1/numa{x})"
    )


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
