"""`exactfit explain`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def R_of(rank: str, core: str, end: float) -> dict[str, Any]:
    execution = {"R_lite": [{"rank": rank, "children": {"core": core}}], "starttime": 0, "expiration": end}
    return {"version": 1, "execution": execution}


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """Two jobs that hold all of ranks 0 and 1, one core of rank 2 a third, with ends."""
    path = tmp_path / "running.json"
    jobs = [R_of("0", "0-3", 1000.0), R_of("1", "0-3", 2000.0), R_of("2", "0", 3000.0)]
    path.write_text(json.dumps(jobs), encoding="utf-8")
    return path


def explained(run: Run, *arguments: object) -> dict[str, Any]:
    result = run("explain", *arguments, "--json")
    (line,) = result.lines
    assert result.status == (0 if line["status"] == "fits" else 1)
    found: dict[str, Any] = line
    return found


def test_it_says_what_lacks_and_what_would_help(run: Run, machine_R: Path, running: Path) -> None:
    result = run("explain", machine_R, "slot=3/node", "--allocated", running, "--down", "3")
    assert result.status == 1
    assert "job 1 (slot=3/node) does not fit now" in result.out
    assert "3 slots of node need 3 nodes, wholly free: none is free" in result.out
    assert "asked   exist   match   up   free" in result.out
    assert "in conflict: slot (count)" in result.out
    assert "what would make it fit:" in result.out


def test_json_has_the_conflict_the_numbers_and_the_changes(run: Run, machine_R: Path, running: Path) -> None:
    line = explained(run, machine_R, "slot=2/node", "--allocated", running)
    assert line["status"] == "insufficient"
    assert line["complete"] is True
    assert {"vertex": "slot", "aspect": "count"} in line["conflict"]
    assert {"jobs": [f"{running} (1)"]} in line["conflict"]
    assert line["vertices"][1] == {
        "vertex": "slot/node",
        "type": "node",
        "asked": 2,
        "there": 4,
        "exist": 4,
        "match": 4,
        "up": 4,
        "free": 1,
    }
    kinds = {change["kind"] for change in line["changes"]}
    assert {"end", "fewer"} <= kinds
    assert line["start"] is None


def test_a_job_that_fits_is_no_failure(run: Run, machine_R: Path) -> None:
    line = explained(run, machine_R, "slot=4/node")
    assert (line["status"], line["conflict"], line["changes"]) == ("fits", [], [])


def test_a_job_that_fits_takes_room_from_those_to_come_where_the_policy_counts_that(run: Run, machine_R: Path) -> None:
    asked = ("slot=1/core=4", "--policy", "future")
    (line,) = run("explain", "rfc49-a:2", *asked, "--json").lines
    assert line["sentences"] == ["placed now, it takes away room for 195 cores of usual jobs (usual are whole domains)"]
    assert line["sentences"][0] in run("explain", "rfc49-a:2", *asked).out
    assert not explained(run, machine_R, "slot=1/core=4")["sentences"]


def test_a_job_that_never_fits(run: Run, machine_R: Path) -> None:
    line = explained(run, machine_R, "slot=3/node", "--requires", "big")
    assert line["status"] == "infeasible"
    assert {"constraint": {"properties": ["big"]}} in line["conflict"]
    assert line["changes"][1] == {
        "kind": "constraint",
        "text": "drop big from the constraint",
        "now": True,
        "constraint": [{"properties": ["big"]}],
    }


def test_when_a_queue_starts(run: Run, machine_R: Path, running: Path) -> None:
    arguments = ("explain", machine_R, "slot=2/node", "slot=4/node", "slot/node", "--allocated", running)
    result = run(*arguments, "--when", "--now", "500", "--json")
    # Shapes have no duration: what is behind one of them is not known.
    assert [line["start"] for line in result.lines] == [1000.0, None, None]
    result = run(*arguments[:3], *arguments[5:], "--when", "--now", "500")
    assert "8 min 20 s" in result.out


def test_shapes_have_no_duration_and_may_be_given_one(run: Run, machine_R: Path, running: Path, tmp_path: Path) -> None:
    arguments = ("explain", machine_R, "slot=2/node", "slot=4/node", "slot/node", "--allocated", running)
    queue = (*arguments, "--when", "--now", "500")
    told = run(*queue).out
    assert "jobs 2, 3: not known, as job 1 ahead of it does not say how long it runs" in told
    assert told.count("give one with --duration") == 1
    given = run(*queue, "--duration", "10m", "--json")
    assert [line["start"] for line in given.lines] == [1000.0, 3000.0, 3600.0]
    assert "not known" not in run(*queue, "--duration", "10m").out
    # A jobspec that says it keeps its own.
    slot = {"type": "slot", "count": 2, "label": "task", "with": [{"type": "node", "count": 1}]}
    spec = tmp_path / "own.json"
    spec.write_text(
        json.dumps({"version": 999, "resources": [slot], "attributes": {"system": {"duration": 2500}}}),
        encoding="utf-8",
    )
    mixed = ("explain", machine_R, spec, "slot=4/node", "--allocated", running, "--when", "--now", "500")
    assert [line["start"] for line in run(*mixed, "--duration", "600", "--json").lines] == [1000.0, 3500.0]


def test_what_waits_for_jobs_without_an_end_says_so(run: Run, machine_R: Path, tmp_path: Path) -> None:
    endless = tmp_path / "endless.json"
    endless.write_text(json.dumps(R_of("0-3", "0-3", 0.0)), encoding="utf-8")
    arguments = ("explain", machine_R, "slot/node", "slot/core", "--allocated", endless, "--when", "--duration", "60")
    for order in ("fifo", "easy", "flux", "conservative"):
        told = run(*arguments, "--order", order).out
        assert "job 1: not known, as jobs that run hold what it needs, and have no end that is known" in told
        assert "job 2: not known, as it is not known when job 1 ahead of it starts" in told
        assert "--duration" not in told


def test_easy_lets_a_short_job_pass(run: Run, machine_R: Path, running: Path, tmp_path: Path) -> None:
    paths = []
    for number, (nodes, duration) in enumerate([(2, 100), (1, 10)]):
        slot = {"type": "slot", "count": nodes, "label": "task", "with": [{"type": "node", "count": 1}]}
        spec = {"version": 999, "resources": [slot], "attributes": {"system": {"duration": duration}}}
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(spec), encoding="utf-8")
    for order, starts in (("fifo", [1000.0, 1100.0]), ("easy", [1000.0, 500.0]), ("conservative", [1000.0, 500.0])):
        result = run(
            "explain", machine_R, *paths, "--allocated", running, "--when", "--order", order, "--now", "500", "--json"
        )
        assert [line["start"] for line in result.lines] == starts


def test_the_conflict_is_drawn_on_the_machine(run: Run, machine_R: Path, running: Path, tmp_path: Path) -> None:
    picture = tmp_path / "why.svg"
    arguments = ("explain", machine_R, "slot=2/node", "--requires", "not big", "--allocated", running, "--drawing")
    result = run(*arguments, "--draw", picture)
    assert "does not match the constraint" in result.out
    assert "1111" in result.out
    drawn = picture.read_text(encoding="utf-8")
    assert "in conflict: " in drawn
    assert "does not match the constraint" in drawn


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--order", "lifo"], "--order: expected fifo, easy, flux or conservative"),
        (["--duration", "2h"], "--duration goes with --when"),
        (["--when", "--duration", "0"], "--duration: expected a time above 0 that ends, got '0'"),
        (["--when", "--duration", "infinity"], "--duration: expected a time above 0 that ends"),
        (["--when", "--duration", "soon"], "--duration: RFC 23 duration: expected seconds"),
        (["--down", "9"], "--down: the machine has no rank 9"),
    ],
)
def test_wrong_input_is_one_line(run: Run, machine_R: Path, arguments: list[str], says: str) -> None:
    assert says in run("explain", machine_R, "slot/core", *arguments).complaint
