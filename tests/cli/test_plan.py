"""`exactfit plan`: the starts of a queue, of a snapshot and of files, as table, JSON and picture."""

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
EVIL = "evil$x\x1b[31m\u202e"


def waiting(ident: str, nodes: int, seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "jobspec": jobspec([slot(nodes, vertex("node", 1))], duration=seconds),
        "queue": "main",
        **more,
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a snapshot of four nodes: one is held, one is kept for an hour from 100 s on, one is down."""
    lite = [{"rank": "0-3", "children": {"core": "0-3"}}]
    R = {"version": 1, "execution": {"R_lite": lite, "nodelist": ["n[0-3]"], "starttime": 0, "expiration": 0}}
    taken = {
        "schema": SCHEMA,
        "system": "slurm",
        "version": "23.11",
        "taken": NOW,
        "R": R,
        "down": [{"ranks": "3", "state": "drained"}],
        "queues": [{"name": "main", "ranks": "0-3"}],
        "running": [{"id": "1", "R": R_of(("0", "0-3")), "end": NOW + 600, "queue": "main", "name": EVIL}],
        "waiting": [
            waiting("10", 3, 1000),
            waiting("11", 1, 60),
            waiting("12", 2, 60),
            waiting("13", 1, 60, blocked="held by its user"),
            waiting("14", 9, 60),
            waiting(EVIL, 1, 6000),
        ],
        "reservations": [{"name": EVIL, "ranks": "2", "start": NOW + 100, "end": NOW + 3700}],
    }
    path = tmp_path / "now.json"
    path.write_text(json.dumps(taken), encoding="utf-8")
    return path


def test_a_queue_keeps_off_what_is_held_down_and_reserved(run: Runner, file: Path) -> None:
    (line,) = run("plan", file, "--json").lines
    assert faults(line, json.loads((FOLDER / "plan-1.json").read_text(encoding="utf-8"))) == []
    starts = {
        job["job"]: [job[order]["start"] and job[order]["start"] - NOW for order in ("fifo", "easy", "earliest")]
        for job in line["jobs"]
    }
    # Three nodes are there when the reservation is over.
    assert starts["10"] == [3700, 3700, 3700]
    assert starts["11"] == [4700, 0, 0]
    # Before the reservation begins there is time for the other one.
    assert starts["12"][1:] == [0, 0] or starts["12"][1:] == [600, 600]
    assert starts["14"] == [None, None, None]
    assert starts[EVIL][0] == 4760
    assert all(job["bound"] is None or job["bound"] <= job["earliest"]["start"] for job in line["jobs"])
    assert line["jobs"][0]["proven"] is True
    assert line["left_out"] == ["job 13: held by its user"]
    assert [one["ranks"] for one in line["kept"]] == ["2"]


def test_people_are_told_the_same(run: Runner, file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "plan.svg"
    done = run("plan", "--snapshot", file, "--jobs", "5", "--order", "fifo", "--draw", picture)
    text = " ".join(done.out.split())
    assert done.status == 0
    for part in (
        "10 1 h 1 min 1 h 1 min 1 h 1 min 0-2",
        "14 never never never -",
        "job 14 can never run here",
        "not planned: job 13: held by its user",
        "kept off: evil$x\\x1b",
    ):
        assert part in text
    assert done.out.replace("\n", "").isprintable()
    drawn = picture.read_text(encoding="utf-8")
    assert "\x1b" not in drawn
    assert "hours from now" in drawn


def test_files_have_a_queue_too(run: Runner) -> None:
    done = run(
        "plan", "rfc49-a", "slot=4/node", "slot=16/node", "slot=2/node", "--duration", "2h", "--now", "1000", "--json"
    )
    assert [job["easy"]["start"] for job in done.lines[0]["jobs"]] == [1000, 8200, 1000]
    assert [job["proven"] for job in done.lines[0]["jobs"]] == [True, True, True]


def test_a_plan_that_runs_out_of_work_says_what_it_knows(run: Runner, file: Path) -> None:
    (every,) = run("plan", file, "--json").lines
    assert every["work"]["limit"] == 60
    assert every["work"]["used_up"] is False
    spent = every["work"]["spent"]
    left = []
    for part in (0.1, 0.3, 0.6, 0.9):
        (line,) = run("plan", file, "--json", "--work", f"{part * spent:.6f}").lines
        assert faults(line, json.loads((FOLDER / "plan-1.json").read_text(encoding="utf-8"))) == []
        assert line["work"]["used_up"] is True
        left.append(0)
        for job, whole in zip(line["jobs"], every["jobs"], strict=True):
            for order in ("fifo", "easy", "earliest"):
                one, known = job[order], whole[order]["start"]
                left[-1] += one["why_not"] == "the work that may be done was used up"
                if one["start"] is not None:
                    assert (one["start"], one["ranks"]) == (known, whole[order]["ranks"])
                elif one["bound"] is not None:
                    assert known is None or one["bound"] <= known
            assert job["bound"] is None or job["earliest"]["start"] in (None, whole["earliest"]["start"])
    assert sorted(left, reverse=True) == left
    assert left[0] > left[-1] > 0
    told = " ".join(run("plan", file, "--work", f"{0.3 * spent:.6f}").out.split())
    assert " s of work (--work) did not find " in told
    assert "starts of earliest: they are not before what + says" in told


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("rfc49-a", "slot=1/node", "--work", "0"), "--work: expected a time above 0"),
        (("rfc49-a", "slot=1/node", "--work", "much"), "--work: "),
        (("rfc49-a",), "a machine without a queue, and no JOB is given"),
        (("--snapshot", "rfc49-a"), "a machine without a queue"),
        (("rfc49-a", "--snapshot", "x.json"), "exclude each other"),
        (("rfc49-a", "slot=1/node", "--order", "lifo"), "--order: expected fifo, easy or earliest"),
        (("rfc49-a", "slot=1/node", "--duration", "0"), "--duration: expected a time above 0"),
        (("rfc49-a", "slot=1/node", "--now", "-1"), "--now: expected seconds"),
        (("rfc49-a", "slot=1/node", "--draw", "x.gif"), "a picture ends in"),
    ],
)
def test_what_cannot_be_asked(run: Runner, arguments: tuple[str, ...], fault: str) -> None:
    assert fault in run("plan", *arguments).complaint


def test_a_system_that_is_down_is_one_line(run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FLUX_URI", raising=False)
    done = run("plan")
    assert done.status == 3
    assert done.err.count("\n") == 1


def test_what_if_the_machine_were_another(run: Runner, file: Path) -> None:
    (line,) = run("plan", file, "--with-nodes", "3", "--json").lines
    assert [job["fifo"]["start"] - NOW for job in line["jobs"][:1]] == [0], (
        "the new nodes are in the queue of the others"
    )
    (line,) = run("plan", file, "--without", "0", "--json").lines
    assert line["jobs"][0]["fifo"]["start"] is None, "of three nodes that are left one is down"
    assert run("place", "rfc49-a:2", "slot=3/node", "--with-nodes", "1", "--json").lines[0]["status"] == "placed"
    asked = ("explain", "rfc49-a:2", "slot=1/[core=1;memory=4000]", "--json")
    assert run(*asked).lines[0]["status"] == "infeasible"
    assert run(*asked, "--with", "numa memory=600").lines[0]["status"] == "fits"
    assert run("topo", "rfc49-a:4", "--without", "1-2", "--json").lines[0]["nodes"] == 2
    for option, value, fault in (
        ("--with", "numa", "expected such as 'numa memory=256'"),
        ("--with", "rack power=1", "--with: rack: the machine has none"),
        ("--without", "rack[1]", "--without: "),
    ):
        assert fault in run("place", "rfc49-a:2", "slot=1/node", option, value).complaint
