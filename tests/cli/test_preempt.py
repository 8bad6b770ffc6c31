"""`exactfit explain --preempt`: whom it would cost, of a snapshot and of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.snapshot.model import SCHEMA
from json_schema import faults

from .conftest import R_of, Runner, jobspec, slot, vertex

NOW = 1_700_000_000.0
FOLDER = Path(__file__).parents[2] / "adapters" / "cli" / "schemas"


def running(ident: str, ranks: str, ran: float, **more: Any) -> dict[str, Any]:
    return {"id": ident, "R": R_of((ranks, "0-3")), "start": NOW - ran, "end": NOW + 600, "queue": "main", **more}


def snapshot(**changes: Any) -> dict[str, Any]:
    """Return a snapshot of eight nodes, all of which are held, and a job that waits for three."""
    lite = [{"rank": "0-7", "children": {"core": "0-3"}}]
    R = {"version": 1, "execution": {"R_lite": lite, "nodelist": ["n[0-7]"], "starttime": 0, "expiration": 0}}
    return {
        "schema": SCHEMA,
        "system": "slurm",
        "version": "23.11",
        "taken": NOW,
        "R": R,
        "queues": [{"name": "main", "ranks": "0-7", "tier": 1}, {"name": "low", "ranks": "0-7", "tier": 0}],
        "running": [
            running("1", "0-1", 36000, user="ada"),
            running("2", "2-3", 60, user="bob"),
            running("3", "4", 7200, user="\x1b[31meve", queue="low"),
            running("4", "5", 3600, user="dan", queue="low", priority=9),
            running("5", "6-7", 0, user="bob"),
        ],
        "waiting": [{"id": "10", "jobspec": jobspec([slot(3, vertex("node", 1))]), "queue": "main"}],
        **changes,
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "now.json"
    path.write_text(json.dumps(snapshot()), encoding="utf-8")
    return path


def test_the_lowest_tier_gives_way_first_and_of_the_next_the_least(run: Runner, file: Path) -> None:
    done = run("explain", "10", "--snapshot", file, "--preempt")
    text = " ".join(done.out.split())
    assert done.status == 1
    # Two nodes of the lower tier are not enough, so that two of the upper one are needed as well, and one below.
    assert "10 starts now if 2 jobs end (nothing less will do)" in text
    assert "lost: 2 node-seconds of tier 1; 1.0 node-hours of tier 0" in text
    assert "2 of bob main" not in text
    assert "5 of bob" in text
    assert "4 of dan low 0 1 1 h 0 min" in text
    assert "it then starts on ranks 5-7" in text
    assert done.out.replace("\n", "").isprintable()


def plan(run: Runner, file: Path, *more: object) -> dict[str, Any]:
    (line,) = run("explain", "10", "--snapshot", file, "--preempt", "--json", *more).lines
    assert faults(line, json.loads((FOLDER / "explain-1.json").read_text(encoding="utf-8"))) == []
    found: dict[str, Any] = line["preempt"]
    return found


def test_who_does_not_give_way_and_what_is_lost(run: Runner, file: Path, tmp_path: Path) -> None:
    assert plan(run, file)["end"] == ["4", "5"]
    assert plan(run, file, "--exempt", "bob")["end"] == ["1", "4"]
    assert plan(run, file, "--exempt", "low", "--exempt", "5")["end"] == ["1", "2"]
    assert plan(run, file, "--exempt", "main") is None
    path = tmp_path / "named.json"
    taken = snapshot()
    taken["running"][-1]["name"] = "train"
    path.write_text(json.dumps(taken), encoding="utf-8")
    assert taken["running"][-1]["id"] not in plan(run, path, "--exempt", "train")["end"]
    assert plan(run, file, "--rank", "priority")["terms"] == {"lost.9": 0, "lost.0": 122, "jobs": 2}
    assert plan(run, file, "--rank", "none", "--cost", "jobs")["terms"] == {"lost.0": 2, "jobs": 2}
    costs = tmp_path / "costs.json"
    costs.write_text('{"1": 5, "2": 40, "3": 2}', encoding="utf-8")
    found = plan(run, file, "--rank", "none", "--cost", costs)
    assert (found["status"], found["end"], found["terms"]["lost.0"]) == ("OPTIMAL", ["1", "3"], 7)


def test_jobs_that_move(run: Runner, file: Path) -> None:
    other = snapshot()
    other["running"] = [
        {"id": str(rank), "R": R_of((str(rank), "0")), "start": NOW - 60, "end": NOW + 600, "queue": "main"}
        for rank in range(6)
    ]
    file.write_text(json.dumps(other), encoding="utf-8")
    found = plan(run, file, "--move", "10s")
    assert (found["status"], found["end"], len(found["move"]), found["together"]) == ("OPTIMAL", [], 1, 0)
    text = " ".join(run("explain", "10", "--snapshot", file, "--preempt", "--move", "10s").out.split())
    assert "10 starts now if 1 job moves (nothing less will do)" in text
    assert "moves from rank" in text


def test_files_have_victims_too(run: Runner, machine_R: Path, tmp_path: Path) -> None:
    held = tmp_path / "held.json"
    lines = [run("place", machine_R, "slot=1/node", "--json").lines[0]["R"]]
    held.write_text(json.dumps(lines), encoding="utf-8")
    nodes = run("topo", machine_R, "--json").lines[0]["nodes"]
    done = run("explain", machine_R, f"slot={nodes}/node", "slot=1/core=1", "--allocated", held, "--preempt", "--json")
    assert [len(line["preempt"]["end"]) for line in done.lines] == [1, 0]
    done = run("explain", machine_R, f"slot={nodes + 1}/node", "--allocated", held, "--preempt")
    assert "it does not start now whoever gives way" in done.out


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--exempt", "x"), "--exempt goes with --preempt"),
        (("--move", "1h"), "--move goes with --preempt"),
        (("--preempt", "--exempt", "x\x1b"), "no queue, user or running job is called x\\x1b"),
        (("--preempt", "--cost", "none.json"), "--cost: expected time, jobs or a file of JSON"),
        (("--preempt", "--rank", "size"), "--rank: expected tier, priority or none"),
        (("--preempt", "--move", "0s"), "--move: expected a time above 0"),
        (("--preempt", "--move", "soon"), "--move: "),
    ],
)
def test_what_cannot_be_asked(run: Runner, file: Path, options: tuple[str, ...], fault: str) -> None:
    assert fault in run("explain", "10", "--snapshot", file, *options).complaint


def test_costs_that_are_none(run: Runner, file: Path, tmp_path: Path) -> None:
    costs = tmp_path / "costs.json"
    for text, fault in (("[]", "expected an object"), ('{"1": 0}', "1: expected a number above 0"), ("{", "not JSON")):
        costs.write_text(text, encoding="utf-8")
        assert fault in run("explain", "10", "--snapshot", file, "--preempt", "--cost", costs).complaint
