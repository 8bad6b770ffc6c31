"""Snapshots on the command line: taken, given as a machine, and asked why a job waits."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.snapshot.anonymous import anonymized
from exactfit.adapters.snapshot.model import SCHEMA, read_snapshot
from json_schema import faults

from .conftest import R_of, Runner, jobspec, slot, vertex

NOW = 1_700_000_000.0
FOLDER = Path(__file__).parents[2] / "adapters" / "cli" / "schemas"


def waiting(ident: str, *resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    system = more.pop("system", {})
    return {"id": ident, "jobspec": jobspec(list(resources), **system), "queue": "main", **more}


def running(ident: str, *held: tuple[str, str], end: float, **more: Any) -> dict[str, Any]:
    return {"id": ident, "R": R_of(*held), "end": end, "queue": "main", **more}


NODES = slot(2, vertex("node", 1))


def snapshot(**changes: Any) -> dict[str, Any]:
    """Return a snapshot of four nodes of four cores: two are held, one is down, and four jobs wait."""
    lite = [{"rank": "0-3", "children": {"core": "0-3"}}]
    R = {"version": 1, "execution": {"R_lite": lite, "nodelist": ["n[0-3]"], "starttime": 0, "expiration": 0}}
    return {
        "schema": SCHEMA,
        "system": "slurm",
        "version": "23.11",
        "cluster": "c",
        "taken": NOW,
        "R": R,
        "down": [{"ranks": "3", "state": "drained", "why": "fan \x1b[31m"}],
        "queues": [
            {"name": "main", "ranks": "0-3", "open": True, "tier": 1, "limits": {"nodes": 3, "seconds": 3600}},
            {"name": "other", "ranks": "2", "open": False, "tier": 0, "limits": {}},
        ],
        "running": [
            running("1", ("0", "0-3"), end=NOW + 600, user="ada", name="one"),
            running("2", ("1", "0-3"), end=NOW + 1200, user="bob"),
        ],
        "waiting": [
            waiting("10", NODES, user="ada", name="two\nnodes", submit=NOW - 60, reason="Resources"),
            waiting("11", slot(1, vertex("core", 2)), user="bob", priority=1, left_out=["--licenses=x:1"]),
            waiting("12", slot(1, vertex("core", 1)), blocked="held by its user"),
            waiting("13", slot(4, vertex("node", 1)), system={"duration": 7200}),
        ],
        "reservations": [{"name": "maint", "ranks": "2", "start": NOW + 3000, "end": NOW + 9000, "why": "for root"}],
        "unseen": ["something of n1"],
        **changes,
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "now.json"
    path.write_text(json.dumps(snapshot()), encoding="utf-8")
    return path


def test_a_snapshot_is_a_machine_in_its_state(run: Runner, file: Path) -> None:
    done = run("place", file, "slot=1/node", "slot=1/core=1", "--no-drawing", "--json")
    assert [line["status"] for line in done.lines] == ["placed", "insufficient"]
    assert done.lines[0]["R"]["execution"]["R_lite"][0]["rank"] == "2"
    assert "slurm at" in done.err
    assert "not seen: something of n1" in done.err
    assert run("explain", file, "slot=1/node", "--json").lines[0]["status"] == "fits"
    assert run("topo", file, "--json").lines[0]["nodes"] == 4
    placed = file.with_name("placed.json")
    placed.write_text(json.dumps(R_of(("0", "0"))), encoding="utf-8")
    assert run("check", file, "slot=1/core=1", placed).status == 1, "job 1 holds that core"


def test_why_a_job_waits(run: Runner, file: Path) -> None:
    done = run("explain", "10", "--snapshot", file)
    text = " ".join(done.out.split())
    assert done.status == 1
    for part in (
        "job 10 (two\\nnodes) of ada in main waits for 1 min 0 s now; slurm says Resources",
        "of its nodes rank 3 is drained: fan \\x1b[31m",
        "it does not fit now",
        "held by jobs 1 of ada and 2 of bob",
        "let job 1 of ada end",
    ):
        assert part in text
    assert "it starts by" in text
    assert "in 10 min 0 s" in text
    assert "maint" not in text, "it ends before"
    assert done.out.replace("\n", "").isprintable()


def test_who_is_before_it_what_is_left_out_and_what_blocks_it(run: Runner, file: Path) -> None:
    lines = run("explain", "11", "12", "13", "--snapshot", file, "--json").lines
    eleven, twelve, thirteen = (" ".join(line["waits"]) for line in lines)
    assert [line["status"] for line in lines] == ["fits", "fits", "infeasible"] or lines[2]["status"] == "insufficient"
    assert "1 job stands before it by priority: 10; it fits beside what runs, and waits for its turn" in eleven
    assert "not looked at, as it has no counterpart here: --licenses=x:1" in eleven
    assert "it cannot start whatever is free: it is held by its user" in twelve
    assert lines[1]["start"] is None
    assert "main allows a job 1 h 0 min, and it asks for 2 h 0 min" in thirteen
    assert "main allows a job 3 nodes, and it asks for 4" in thirteen
    assert "rank 2 is kept by reservation maint (for root) from" in thirteen
    for line in lines:
        assert faults(line, json.loads((FOLDER / "explain-1.json").read_text(encoding="utf-8"))) == []


def test_what_cannot_be_asked(run: Runner, file: Path, machine_R: Path) -> None:
    assert "no job 99 waits there; jobs that do: 10, 11, 12, 13" in run("explain", "99", "--snapshot", file).complaint
    assert "job 1 runs already" in run("explain", "1", "--snapshot", file).complaint
    assert "a machine without a queue" in run("explain", "1", "--snapshot", machine_R).complaint
    assert "a JOB is missing" in run("explain", machine_R).complaint
    assert "17" in run("explain", "17", "slot=1/node").complaint, "of these one is no job"
    assert "--from: expected flux or slurm" in run("snapshot", "-o", "x", "--from", "lsf").complaint


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"schema": "exactfit.snapshot/2"}, 'schema: "exactfit.snapshot/2": exactfit.snapshot/1 is read here'),
        ({"taken": "now"}, 'taken: "now" is not a number'),
        ({"taken": True}, "taken: true is not a number"),
        ({"R": []}, "R: not an object"),
        ({"R": {}}, "version"),
        ({"running": {}}, "running: not an array"),
        ({"running": [{"id": "1"}]}, "running[0]: "),
        ({"waiting": [{"id": 1, "jobspec": {}}]}, "waiting[0].id: 1 is not a string"),
        ({"down": [{"ranks": "x", "state": "down"}]}, "RFC 22 idset"),
        ({"running": [{"id": "1", "R": {}}]}, "job 1 has no R"),
        ({"running": [running("1", ("9", "0"), end=0)]}, "ranks not in resource pool"),
        ({"unseen": ["a", 7]}, "unseen[1]: 7 is not a string"),
        ({"queues": [{"name": "q", "ranks": "0", "limits": {"\x1b[31m": "x"}}]}, r"queues[0].limits.\x1b[31m: "),
        ({"waiting": [{"id": "1", "jobspec": 7}]}, "waiting[0].jobspec: not an object"),
    ],
)
def test_what_is_no_snapshot_is_refused(change: dict[str, Any], fault: str, run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "now.json"
    path.write_text(json.dumps(snapshot(**change)), encoding="utf-8")
    done = run("place", path, "slot=1/core=1", "-q")
    assert done.status == 2
    assert fault in done.err


def test_a_snapshot_is_as_its_schema_says() -> None:
    schema = json.loads((FOLDER / "snapshot-1.json").read_text(encoding="utf-8"))
    assert schema["$id"] == SCHEMA
    assert faults(json.loads(read_snapshot(snapshot()).text()), schema) == []


def test_without_names_it_says_the_same(run: Runner, tmp_path: Path) -> None:
    constraint = {"constraints": {"not": [{"hostlist": ["n[0-1],gone"]}]}}
    named = snapshot(
        waiting=[waiting("10", slot(1, vertex("node", 1)), user="ada", reason="secret n1", system=constraint)]
    )
    hidden = anonymized(read_snapshot(named)).text()
    for word in ("ada", "bob", "n0", "n[0", "n1", "gone", "fan", "maint", "root", "secret", "one"):
        assert f'"{word}' not in hidden
        assert f" {word}" not in hidden
    value = json.loads(hidden)
    assert [job["user"] for job in value["running"]] == ["user0", "user1"]
    assert value["waiting"][0]["user"] == "user0"
    path = tmp_path / "hidden.json"
    path.write_text(hidden, encoding="utf-8")
    assert run("explain", "10", "--snapshot", path, "-q").status == 0


def test_3_when_the_system_does_not_answer(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FLUX_URI", raising=False)
    live = (("explain", "17"), ("explain", "17", "18_2"), ("explain", "f2TzTq1Z", "ƒ3abcD"))
    for command in (("snapshot", "-o", tmp_path / "x.json"), *live):
        done = run(*command)
        assert (done.status, done.out) == (3, "")
        assert done.err == "exactfit: neither flux nor scontrol is on the PATH\n"
    fake = tmp_path / "scontrol"
    fake.write_text("#!/bin/sh\necho 'slurm_load_node error: Unable to contact slurm controller' >&2\nexit 1\n")
    os.chmod(fake, 0o755)
    done = run("snapshot", "-o", tmp_path / "x.json")
    assert (done.status, done.err.count("\n")) == (3, 1)
    assert "Unable to contact slurm controller" in done.err
    assert not (tmp_path / "x.json").exists()
