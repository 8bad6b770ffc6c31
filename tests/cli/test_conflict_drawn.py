"""`exactfit explain --draw`: which nodes fail on what, for each job."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .conftest import Runner

TOPO = {"numa": [{"cores": "0-3", "gpus": "0"}, {"cores": "4-7", "gpus": "1"}]}


def R_of(rank: str, core: str) -> dict[str, Any]:
    return {"version": 1, "execution": {"R_lite": [{"rank": rank, "children": {"core": core}}]}}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Eight nodes of two numa of four cores, of which four are big, and two nodes of two cores, which are big too."""
    R = {
        "version": 1,
        "execution": {
            "R_lite": [
                {"rank": "0-7", "children": {"core": "0-7", "gpu": "0-1"}},
                {"rank": "8-9", "children": {"core": "0-1"}},
            ],
            "nodelist": ["n[0-9]"],
            "properties": {"big": "4-9"},
        },
        "scheduling": {"children": [{"ranks": "0-9", "topo": TOPO}]},
    }
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(R), encoding="utf-8")
    return path


@pytest.fixture
def running(tmp_path: Path) -> Path:
    path = tmp_path / "running.json"
    jobs = [R_of("0-1", "0-3"), R_of("4", "0-7"), R_of("5", "2-5"), R_of("6", "1")]
    path.write_text(json.dumps(jobs), encoding="utf-8")
    return path


def said(out: str) -> list[dict[str, str]]:
    """Return what each drawing says of nodes, by their ranks."""
    drawings: list[dict[str, str]] = []
    for line in out.splitlines():
        if ", job " in line or not drawings:
            drawings.append({})
        if found := re.match(r"ranks? ([\d,-]+) · .* · (.*)", line):
            drawings[-1][found[1]] = found[2]
    return [drawing for drawing in drawings if drawing]


SLOTS = {
    "0-1": "does not match the constraint: big",
    "2-3": "does not match the constraint: big",
    "4": "too little free",
    "5": "too little free",
    "6": "room for 1 slot",
    "7": "in conflict",
    "8-9": "too small even when idle",
}
NODES = {**SLOTS, "6": "too little free", "8-9": "fits"}
"""What R lists of a node can be asked for as a node."""


def test_each_node_says_what_it_fails_on_for_each_job(run: Runner, machine: Path, running: Path) -> None:
    options = ("--allocated", running, "--down", "7", "--requires", "big", "--drawing")
    done = run("explain", machine, "slot=6/numa/core=4", "slot=3/node", *options)
    assert said(done.out) == [SLOTS, NODES]
    for number, shape in enumerate(("slot=6/numa/core=4", "slot=3/node"), start=1):
        assert f"machine.json, job {number}: {shape}\n" in done.out


def test_jobs_that_fit_are_not_drawn_beside_those_that_do_not(run: Runner, machine: Path) -> None:
    done = run("explain", machine, "slot=1/core=1", "slot=17/numa/core=4", "--drawing")
    assert [set(drawing.values()) for drawing in said(done.out)] == [{"room for 2 slots", "too small even when idle"}]


def test_nodes_are_said_to_fail_on_the_term_that_they_do_not_meet(run: Runner, machine: Path) -> None:
    done = run("explain", machine, "slot=9/node", "--requires", "big and not host:n[4-5]", "--drawing")
    (drawing,) = said(done.out)
    assert drawing["0-3"] == "does not match the constraint: big"
    assert drawing["4-5"] == "does not match the constraint: -hostlist:n[4-5]"
    assert drawing["6-7"] == "fits"


def test_who_is_in_the_way_is_named_below(run: Runner, machine: Path, running: Path) -> None:
    done = run("explain", machine, "slot=8/node", "--allocated", running, "--drawing")
    assert re.search(r"^ 1  in conflict: .*running\.json \(\d\)$", done.out, re.MULTILINE)


def test_several_kinds_of_nodes_are_told_apart(run: Runner, machine: Path, tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    nodes = [
        {"type": "node", "count": 9, "with": [{"type": "slot", "count": 1, "label": "a", "with": [core(8)]}]},
        {"type": "node", "count": 1, "with": [{"type": "slot", "count": 1, "label": "b", "with": [core(2)]}]},
    ]
    job.write_text(json.dumps({"version": 9999, "resources": nodes}), encoding="utf-8")
    (drawing,) = said(run("explain", machine, job, "--drawing").out)
    assert drawing == {"0-7": "node[0]: fits, node[1]: fits", "8-9": "node[0]: too small even when idle, node[1]: fits"}


def core(count: int) -> dict[str, object]:
    return {"type": "core", "count": count}


def test_one_picture_shows_all_jobs(run: Runner, machine: Path, running: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "why.svg"
    run("explain", machine, "slot=6/numa/core=4", "slot=8/node/core=8", "--allocated", running, "--draw", path)
    texts = [text.strip() for text in ElementTree.fromstring(path.read_text(encoding="utf-8")).itertext()]
    assert [
        any(f"job {number}: {shape}" in text for text in texts) for number, shape in ((2, "slot=8/node/core=8"),)
    ] == [True]
    assert texts.count("too small even when idle") >= 1


@pytest.mark.parametrize("shape", ["slot=N/numa/core=3", "slot=N/[core=1;gpu=1]", "slot=N/core=5", "slot=N/node"])
def test_the_room_of_all_nodes_is_the_most_that_fits(run: Runner, machine: Path, running: Path, shape: str) -> None:
    """So many fit, and one more does not."""
    options = ("--allocated", running, "--down", "7")
    out = run("explain", machine, shape.replace("N", "99"), *options, "--drawing").out
    room = 0
    for ranks, text in said(out)[0].items():
        each = {"fits": 1}.get(text, int(re.findall(r"room for (\d+)", text)[0]) if "room" in text else 0)
        first, _, last = ranks.partition("-")
        room += each * (int(last or first) - int(first) + 1 if "," not in ranks else len(ranks.split(",")))
    assert room
    assert run("explain", machine, shape.replace("N", str(room)), *options).status == 0
    assert run("explain", machine, shape.replace("N", str(room + 1)), *options).status == 1


def test_jobs_for_which_no_mark_is_left_are_one(run: Runner, tmp_path: Path) -> None:
    """Of 200 nodes with a job each, 61 are told apart, and the others are one state."""
    machine, running = tmp_path / "machine.json", tmp_path / "running.json"
    machine.write_text(json.dumps(R_of("0-199", "0-3")), encoding="utf-8")
    running.write_text(json.dumps([R_of(str(rank), "0") for rank in range(200)]), encoding="utf-8")
    out = run("explain", machine, "slot=1/node", "--allocated", running, "--drawing").out
    assert " +  in conflict: 139 more jobs" in out
    assert sum(line.startswith("rank ") for line in out.splitlines()) == 61
    assert sum(line.startswith("ranks ") for line in out.splitlines()) == 1
