"""`exactfit check`: placements from anywhere, judged and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import R_of, Runner

SHAPE = "slot=1/node=1/[core=8;gpu=1]"


def R_with_gpu(rank: str, core: str, gpu: str) -> dict[str, Any]:
    R = R_of((rank, core))
    R["execution"]["R_lite"][0]["children"]["gpu"] = gpu
    return R


@pytest.fixture
def judged(run: Runner, tmp_path: Path) -> Any:
    """Judge an R on cluster A, as JSON."""

    def judge(R: object, *options: object, shape: str = SHAPE, status: int = 0) -> dict[str, Any]:
        path = tmp_path / "answer.json"
        path.write_text(json.dumps(R), encoding="utf-8")
        done = run("check", "rfc49-a", shape, path, "--json", *options)
        assert done.status == status
        (line,) = done.lines
        return line

    return judge


def test_a_placement_of_our_own_is_legal_and_the_best(run: Runner, judged: Any) -> None:
    (line,) = run("place", "rfc49-a", SHAPE, "--json").lines
    verdict = judged(line["R"], "--compare")
    assert verdict["legal"]
    assert verdict["violations"] == []
    assert verdict["best"]["status"] == "OPTIMAL"
    assert verdict["best"]["better"] is None
    certified = line["R"]["scheduling"]["certificate"]["terms"]
    assert {name: verdict["terms"][name] for name in certified} == certified


def test_the_usual_jobs_of_a_file_count_for_the_checker_too(run: Runner, judged: Any, tmp_path: Path) -> None:
    """A numa without 8 cores has no room for 10, a third of all jobs, or 15: each is a numa's whole GPU, or all."""
    usual = tmp_path / "usual.mix"
    usual.write_text("1 => slot=1/[core=10;gpu=1]\n2 => slot=1/core=15\n", encoding="utf-8")
    policy = ("--policy", f"future={usual}")
    (line,) = run("place", "rfc49-a", SHAPE, "--json", *policy).lines
    verdict = judged(line["R"], "--compare", *policy)
    assert verdict["best"]["better"] is None
    assert verdict["terms"]["future"] == line["R"]["scheduling"]["certificate"]["terms"]["future"] == 5000 + 10_000
    assert judged(line["R"])["terms"]["future"] == 1000 * (120 + 60 + 15)


def test_what_room_is_lost_is_said_in_cores_of_usual_jobs(run: Runner, tmp_path: Path) -> None:
    """Three slots of a core break three numas, three sockets and two nodes; where jobs of 15 are usual, three numas."""
    usual = tmp_path / "usual.mix"
    usual.write_text("1 => slot=1/core=15\n", encoding="utf-8")
    placed = tmp_path / "R.json"
    placed.write_text(json.dumps(run("place", "rfc49-a:2", "slot=3/core=1", "--policy", "spread", "--json").lines[0]))
    for policy, lost, least, jobs in (
        ("future", 3 * 15 + 3 * 60 + 2 * 120, 15 + 60 + 120, "whole domains"),
        (f"future={usual}", 45, 15, "the jobs that the site lists"),
        ("future=learned", 3 * 15 + 3 * 60 + 2 * 120, 15 + 60 + 120, "whole domains"),
    ):
        done = run("check", "rfc49-a:2", "slot=3/core=1", placed, "--compare", "--policy", policy)
        assert done.out.splitlines()[-1] == (
            f"future: it takes away room for {lost} cores of usual jobs, "
            f"the best found room for {least} cores of usual jobs (usual are {jobs})"
        )


def test_a_line_of_place_is_taken_as_it_is(run: Runner, judged: Any) -> None:
    (line,) = run("place", "rfc49-a", SHAPE, "--json").lines
    assert judged(line)["legal"]


def test_an_R_of_others_is_split_into_slots(judged: Any) -> None:
    verdict = judged(R_with_gpu("3", "0-7", "0"))
    assert verdict["legal"]
    assert verdict["terms"]["affinity.numa"] == 0
    assert verdict["best"] is None


def test_a_worse_placement_says_in_what(judged: Any) -> None:
    torn = judged(R_with_gpu("0", "11-18", "0"), "--compare")
    assert torn["legal"]
    assert torn["best"]["better"] == "affinity.numa"
    assert torn["terms"]["affinity.numa"] == 1
    # Under spread, the idle node is preferred to the busy one.
    busy = judged(R_with_gpu("0", "15-22", "1"), "--compare", "--policy", "spread")
    assert busy["best"]["better"] is None


def test_spread_compares_free_cores_the_other_way_round(judged: Any, tmp_path: Path) -> None:
    held = tmp_path / "held.json"
    held.write_text(json.dumps(R_with_gpu("0", "0-7", "0")), encoding="utf-8")
    options = ("--allocated", held, "--compare")
    assert judged(R_with_gpu("0", "15-22", "1"), *options)["best"]["better"] is None
    spread = judged(R_with_gpu("0", "15-22", "1"), *options, "--policy", "spread")
    assert spread["best"]["better"] == "worst-fit.node"


@pytest.mark.parametrize(
    ("R", "violation"),
    [
        (R_with_gpu("0", "0-6", "0"), "core"),
        (R_of(("0", "0-7")), "gpu"),
        (R_with_gpu("16", "0-7", "0"), "rank 16"),
        (R_with_gpu("0", "0-7", "8"), "rank 0"),
        (R_with_gpu("1", "0-7", "0"), "down"),
        (R_with_gpu("2", "0-7", "0"), "match"),
    ],
)
def test_illegal_placements(judged: Any, R: dict[str, Any], violation: str) -> None:
    verdict = judged(R, "--down", "1", "--requires", "not rank:2", status=1)
    assert not verdict["legal"]
    assert any(violation in text for text in verdict["violations"])


def test_what_another_job_holds_is_no_longer_free(judged: Any, tmp_path: Path) -> None:
    held = tmp_path / "held.json"
    held.write_text(json.dumps(R_with_gpu("0", "0-7", "0")), encoding="utf-8")
    verdict = judged(R_with_gpu("0", "7-14", "1"), "--allocated", held, status=1)
    assert "another job" in verdict["violations"][0]


def test_for_people(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(R_with_gpu("0", "11-18", "0")), encoding="utf-8")
    done = run("check", "rfc49-a", SHAPE, path, "--compare")
    assert done.status == 0
    assert done.out.startswith("legal\n")
    assert "worse than the best found (OPTIMAL), first in affinity.numa" in done.out
    illegal = run("check", "rfc49-a", "slot=1/core=9", path)
    assert illegal.status == 1
    assert illegal.out.startswith("illegal\n")


def test_a_job_that_has_no_placement(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(R_of(("0", "0-119"))), encoding="utf-8")
    done = run("check", "rfc49-a", "slot=1/node=1/core=121", path, "--compare")
    assert done.status == 1
    assert "exactfit itself does not place this job: infeasible" in done.out


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is empty"),
        ("{}", "no R"),
        ("[]", "is empty"),
        (json.dumps([R_of(("0", "0"))] * 2), "not 1 and 2"),
        ('{"version": 1, "execution": 3}', ""),
        ('{"version": 1, "execution": {"R_lite": [{"rank": "x", "children": {}}]}}', ""),
    ],
)
def test_what_is_no_placement(run: Runner, tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text, encoding="utf-8")
    done = run("check", "rfc49-a", SHAPE, path)
    assert done.status in (1, 2)
    assert part in done.out + done.err
    assert "fault of exactfit" not in done.err
