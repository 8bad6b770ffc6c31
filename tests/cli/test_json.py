"""What is printed as JSON names its schema and is as that says; the schemas are shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.cli.json_output import VERSIONS, json_line
from json_schema import faults

from .conftest import R_of, Run, Runner

FOLDER = Path(__file__).parents[2] / "adapters" / "cli" / "schemas"
JOB = "slot=2/[core=8;gpu=1]"
RACKS = "rack:2(storage=100) node:2(license=3) socket:2 numa:2(memory=64) core:4 gpu:1"


def schema(command: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{command}-{VERSIONS[command]}.json").read_text(encoding="utf-8"))
    return found


def held(done: Run, command: str) -> list[dict[str, Any]]:
    """Return the objects that a run printed, all as the schema of the command says."""
    assert done.out
    for line in done.lines:
        assert line["schema"] == f"exactfit.{command}/{VERSIONS[command]}"
        assert faults(line, schema(command)) == []
    return done.lines


@pytest.fixture
def running(tmp_path: Path) -> Path:
    path = tmp_path / "running.json"
    ends = {**R_of(("0", "0-3"))["execution"], "expiration": 1000.0}
    path.write_text(json.dumps([R_of(("1", "0-3")), {"version": 1, "execution": ends}]), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ("rfc49-a:2", JOB, "slot=1/core=500", "slot=2/node", "slot=1/core=1"),
        ("rfc49-a:2", "node=2/slot=1+/core=7", "slot=9/gpu=9"),
        ("rfc49-a:2", JOB, JOB, "slot=3/node", "--joint"),
        ("rfc49-a:2", JOB, "--policy", "lowest", "--no-drawing"),
        (RACKS, "rack=1/slot=2/node", "slot=1/[core=2;memory=3]", "slot/node=2/core=2"),
    ],
)
def test_place(arguments: tuple[str, ...], run: Runner) -> None:
    lines = held(run("place", *arguments, "--json"), "place")
    assert [line["job"] for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize(
    "arguments",
    [
        ("slot=1/core=1", "slot=5/node", "slot=1/gpu=1", "slot=1/core=5", "slot=1/ssd=1"),
        ("slot=3/node", "--down", "2", "--down", "3"),
        ("slot=3/node", "--requires", "big"),
        ("slot=1/node", "slot=4/node", "--when", "--now", "500", "--order", "easy"),
        ("slot=6/core=3", "node=3/slot=2/core=2"),
    ],
)
def test_explain(arguments: tuple[str, ...], run: Runner, machine_R: Path, running: Path) -> None:
    held(run("explain", machine_R, *arguments, "--allocated", running, "--json"), "explain")
    held(run("explain", machine_R, *arguments, "--json"), "explain")


def test_explain_of_amounts_and_groups(run: Runner) -> None:
    jobs = ("slot=99/[core=1;memory=7]", "rack=3/slot=1/core=1", "rack{id:'7'}/slot=1/node", "slot=1/rack/node=3")
    held(run("explain", RACKS, *jobs, "--json"), "explain")


@pytest.mark.parametrize("compare", [(), ("--compare",)])
@pytest.mark.parametrize("shape", ["slot=1/core=4", "slot=2/core=2", "slot=1/core=5", "slot=1+/core=2"])
def test_check(shape: str, compare: tuple[str, ...], run: Runner, machine_R: Path, tmp_path: Path) -> None:
    placed = tmp_path / "placed.json"
    placed.write_text(json.dumps(R_of(("0", "0-3"))), encoding="utf-8")
    (line,) = held(run("check", machine_R, shape, placed, *compare, "--json"), "check")
    assert (line["best"] is not None) == bool(compare)


@pytest.mark.parametrize("machine", ["rfc49-a", "rfc49-b:3", "sierra", RACKS, "core:1"])
def test_topo(machine: str, run: Runner) -> None:
    done = run("topo", machine, "--json")
    (line,) = held(done, "topo")
    assert sum(kind["nodes"] for kind in line["types"]) == line["nodes"]


def test_topo_says_what_there_is(run: Runner, machine_R: Path) -> None:
    (line,) = held(run("topo", RACKS, "--json"), "topo")
    assert (line["nodes"], line["cores"], line["gpus"], line["ranks"]) == (4, 64, 16, "0-3")
    assert (line["levels"], line["group_levels"]) == (["socket", "numa"], ["rack"])
    assert line["groups"][1] == {
        "level": "rack",
        "number": 1,
        "parent": None,
        "ranks": "2-3",
        "amounts": {"storage": 100},
    }
    (kind,) = line["types"]
    assert (kind["hosts"], kind["tree"]["amounts"]) == ("node[0-3]", {"license": 3})
    numa = kind["tree"]["children"][1]["children"][0]
    assert numa == {
        "level": "numa",
        "number": 2,
        "cores": "8-11",
        "gpus": "2",
        "amounts": {"memory": 64},
        "whole": True,
        "children": [],
    }
    (line,) = held(run("topo", machine_R, "--json"), "topo")
    assert (line["properties"], line["types"][0]["hosts"]) == ({"big": "2-3"}, "n[0-3]")


def test_topo_prints_nothing_beside(run: Runner, tmp_path: Path) -> None:
    assert run("topo", "sierra", "--json", "-o", tmp_path / "R.json").out.count("\n") == 1
    assert "standard output" in run("topo", "sierra", "--json", "-o", "-").complaint
    assert "--drawing and --json" in run("topo", "sierra", "--json", "--drawing").complaint


def test_study(run: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    arguments = ("study", "rfc49-a:1", "lublin:jobs=20", "--pools", "exactfit,exactfit:lowest", "-o", folder)
    done = run(*arguments, "--sweep", "seeds=2", "--snapshots", "1", "--batch", "3", "--time-limit", "2s", "--json")
    (line,) = held(done, "study")
    assert [group["pool"] for group in line["groups"]] == ["exactfit", "exactfit:lowest"]
    assert all(group["seeds"] == [1, 2] for group in line["groups"])
    assert line["groups"][0]["figures"]["ran"]["mean"] == 20.0
    assert line["simulations"] == 6
    assert line["greed"]
    (advice,) = line["to_load"]
    assert advice["pool"] in advice["equal"]
    assert set(advice["lost"]) | set(advice["fewer"]) == {"exactfit", "exactfit:lowest"}
    assert Path(line["report"]).exists()


def test_study_of_where_jobs_really_ran(run: Runner, tmp_path: Path) -> None:
    """A slot of eight cores over both sockets of an empty node."""
    trace = tmp_path / "jobs.jsonl"
    R = {"version": 1, "execution": {"R_lite": [{"rank": "0", "children": {"core": "56-63"}}]}}
    job = {"t_submit": 0.0, "t_run": 1.0, "t_cleanup": 9.0, "ncores": 8, "nnodes": 1, "R": R}
    rules = tmp_path / "rules"
    rules.write_text("otherwise => slot=1/core=<processors>", encoding="utf-8")
    trace.write_text(json.dumps(job) + "\n", encoding="utf-8")
    options = ("--rules", rules, "--pools", "exactfit", "--workers", "1", "-o", tmp_path / "study")
    (line,) = held(run("study", "rfc49-a:1", trace, *options, "--as-it-was", "--json"), "study")
    assert line["as_it_was"]["worse"] == line["as_it_was"]["proven"] == 1
    assert {"level": "socket", "jobs": 1, "needless": 1, "whole": 1, "takes": {"no change": 1}} in line["as_it_was"][
        "torn"
    ]
    page = Path(line["report"]).read_text(encoding="utf-8")
    # One pool has nothing to be compared with: what a manager reads is what was judged, and there are no verdicts.
    assert "need not have been torn at all" in page[page.index('id="in-short"') : page.index('id="figures"')]
    assert 'id="verdicts"' not in page
    assert list((tmp_path / "study").glob("as-it-was.*"))


class TestSchemas:
    def test_there_is_one_for_every_command_that_prints_json(self, run: Runner) -> None:
        printing = [
            command
            for command in ("place", "explain", "plan", "topo", "check", "study", "audit", "verify")
            if "--json" in run(command, "--help").out
        ]
        # A snapshot is written to a file.
        assert sorted([*printing, "snapshot"]) == sorted(VERSIONS)
        assert {path.name for path in FOLDER.iterdir()} == {
            f"{name}-{version}.json" for name, version in VERSIONS.items()
        }

    @pytest.mark.parametrize("command", VERSIONS)
    def test_it_can_be_printed(self, command: str, run: Runner) -> None:
        done = run("--schema", command)
        assert (done.status, done.err) == (0, "")
        printed = json.loads(done.out)
        assert printed == schema(command)
        assert printed["$id"] == printed["properties"]["schema"]["const"] == f"exactfit.{command}/{VERSIONS[command]}"
        assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert set(printed["required"]) <= set(printed["properties"])

    def test_another_is_refused(self, run: Runner) -> None:
        assert (
            "--schema: expected one of place, explain, plan, check, topo, study, snapshot"
            in run("--schema", "all").complaint
        )

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"job": 0}, "$.job: 0 is below 1"),
            ({"job": True}, "$.job: True is no integer"),
            ({"status": "lost"}, "$.status: 'lost' is none of"),
            ({"R": 3}, "$.R: none of the 2 forms"),
            ({"more": 1}, "$: more is not described"),
            ({"seconds": None}, "$.seconds: None is no number"),
            ({"schema": "exactfit.place/2"}, "$.schema: 'exactfit.place/2' is not"),
        ],
    )
    def test_what_is_not_so_is_found(self, change: dict[str, Any], fault: str) -> None:
        fields = {"job": 1, "status": "insufficient", "R": None, "reason": "full", "seconds": 0.5}
        line = json.loads(json_line("place", fields))
        assert faults(line, schema("place")) == []
        (found,) = faults({**line, **change}, schema("place"))
        assert found.startswith(fault)
        assert faults({"schema": "exactfit.place/1"}, schema("place")) == [
            f"$: no {key}" for key in ("job", "status", "R", "reason", "seconds")
        ]


def test_numbers_that_json_does_not_have_are_a_fault() -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_line("place", {"seconds": float("nan")})
