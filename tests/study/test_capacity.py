"""Capacity questions as sweeps: the same jobs on the machine as it would be, and what that changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from exactfit.adapters.cli import app
from exactfit.adapters.cli.machine_input import read_machine
from exactfit.adapters.cli.options import WhatIf
from exactfit.adapters.cli.source import Sources
from exactfit.adapters.cli.study_options import AxesOptions, SimulationOptions, WorkloadOptions
from exactfit.adapters.cli.study_planned import planned
from exactfit.adapters.snapshot.model import SCHEMA as SNAPSHOT
from exactfit.adapters.study.altered import Altered
from exactfit.adapters.study.capacity import capacity, capacity_in_words
from exactfit.adapters.study.groups import Group
from exactfit.adapters.study.plan import Axes
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.task import Source, Task
from json_schema import faults

SCHEMA = Path(__file__).parents[2] / "adapters" / "cli" / "schemas" / "study-1.json"
MINUTE = 60.0


def study(*arguments: object) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["study", *map(str, arguments)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout, found.stderr


def line(number: int, cores: int, seconds: int) -> str:
    """Return a job of the Standard Workload Format that is submitted at once."""
    return f"{number} 0 -1 {seconds} {cores} -1 -1 {cores} {seconds} -1 1 1 1 -1 1 -1 -1 -1\n"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Six jobs that take two nodes of 120 cores for 1,000 s each, and all come at once."""
    path = tmp_path / "jobs.swf"
    path.write_text("".join(line(number, 240, 1000) for number in range(1, 7)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "machines"),
    [
        ("with-nodes=0,16,32", [Altered(), Altered(16), Altered(32)]),
        ("with-nodes=0+8:16:8", [Altered(), Altered(8), Altered(16)]),
        ("seeds=2,with-nodes=0,4,load=0.7,0.8", [Altered(), Altered(4)]),
        ("without=none+rack[0,2]+3,8-11", [Altered(), Altered(without="rack[0,2]"), Altered(without="3,8-11")]),
        ("with=none+numa memory=256", [Altered(), Altered(amount="numa memory=256")]),
        ("with-nodes=1,without=rack[0]+none", [Altered(1, without="rack[0]"), Altered(1)]),
    ],
)
def test_machines_are_an_axis(text: str, machines: list[Altered]) -> None:
    axes = Axes(("Rv1Pool",)).swept(text)
    assert axes.machines == machines
    assert not text.startswith("seeds") or axes.loads == (0.7, 0.8)


@pytest.mark.parametrize(
    "text",
    ["with-nodes=-1", "with-nodes=1.5", "with-nodes=0,0", "with-nodes=1e9", "without=", "with=none+none", ",load=1"],
)
def test_what_is_no_machine_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Axes(("Rv1Pool",)).swept(text)


def test_jobs_are_made_for_the_machine_as_it_is(task: Callable[..., Task]) -> None:
    """A generator makes as many jobs, of the same sizes and times, for whatever machine they then run on."""
    plain = task()
    outline: dict[str, Any] = {"nodes": 2, "cores": 240, "gpus": 16, "node_cores": 120, "node_gpus": 8}
    outline |= {"node_memory": 0, "domains": 8, "domain_cores": 15, "sizes": {}}
    other = Source(generator=plain.source.generator, outline=outline)
    smaller = task(source=other, machine="2 nodes less", prove=False)
    assert Task.from_json(json.loads(json.dumps(smaller.to_json()))) == smaller
    assert "2 nodes less" in smaller.label
    jobs, fewer = (run_task(one.to_json())["jobs"] for one in (task(prove=False), smaller))
    assert sum(jobs["submit"]) < sum(fewer["submit"]), "of a smaller machine the same load is fewer jobs an hour"
    assert plain.key == task(machine="as it is").key, "what a machine is called is no part of what was found"


def test_more_nodes_are_so_much_sooner(trace: Path, tmp_path: Path) -> None:
    """On two nodes the jobs wait for 0, 1,000, ... 5,000 s, on four two run at a time, on twelve none waits."""
    status, out, err = study(
        *("rfc49-a:2", trace, "--pools", "exactfit", "--no-prove", "--json"),
        *("--sweep", "with-nodes=0,2,10", "--workers", 1, "-o", tmp_path / "found"),
    )
    assert status == 0, err
    found = json.loads(out)
    assert faults(found, json.loads(SCHEMA.read_text(encoding="utf-8"))) == []
    waits = {group["machine"]: group["figures"]["wait"]["mean"] for group in found["groups"]}
    assert waits == {"": 2500.0, "2 nodes more": 1000.0, "10 nodes more": 0.0}
    page = (tmp_path / "found" / "report.html").read_text(encoding="utf-8")
    assert "What if: 2 nodes more (exactfit, easy)? Mean wait -25.0 min" in page
    assert "One seed: it may be the luck of one day." in page
    assert "Differences to the machine as it is, seed by seed" in page
    assert "-41.7" in page


def test_a_state_goes_with_its_machine(trace: Path, tmp_path: Path) -> None:
    """Of a snapshot what runs on nodes that are taken away is over, and new nodes are idle."""
    lite = [{"rank": "0-2", "children": {"core": "0-119"}}]
    R = {"version": 1, "execution": {"R_lite": lite, "nodelist": ["n[0-2]"], "starttime": 0, "expiration": 0}}
    held = {"version": 1, "execution": {"R_lite": [{"rank": "2", "children": {"core": "0-119"}}], "expiration": 0}}
    taken = {
        "schema": SNAPSHOT,
        "system": "slurm",
        "version": "23.11",
        "taken": 1e9,
        "R": R,
        "running": [{"id": "1", "R": held, "end": 1e9 + 6000}],
    }
    path = tmp_path / "now.json"
    path.write_text(json.dumps(taken), encoding="utf-8")
    axes = AxesOptions(pools="exactfit", sweep="without=none+2,with-nodes=0,1,2").axes(WhatIf())
    named = read_machine(str(path), Sources())
    _, tasks, _ = planned(named, WorkloadOptions(str(trace)), axes, SimulationOptions(prove=False))
    waits = {task.machine: run_task(task.to_json())["figures"]["wait"] for task in tasks}
    # Two at a time as soon as there are four nodes beside the one that is held, or in its place.
    alone, together = 2500.0, 1000.0
    assert waits == {
        "": alone,
        "1 node more": alone,
        "2 nodes more": together,
        "without rank 2": alone,
        "without rank 2, 1 node more": alone,
        "without rank 2, 2 nodes more": together,
    }


def group(machine: str, waits: list[float], **more: Any) -> Group:
    results = [{"figures": {"wait": wait * MINUTE, "makespan": 7200.0}} for wait in waits]
    return Group("exactfit", "easy", None, results, list(range(1, len(waits) + 1)), machine=machine, **more)


def test_differences_are_taken_seed_by_seed() -> None:
    """Each day is sooner by about ten minutes, though the days differ by more than that."""
    groups = [group("", [20, 90, 50]), group("16 nodes more", [10, 79, 41]), group("1 node more", [19, 92, 50])]
    surely, not_so = capacity_in_words(groups)
    assert surely == (
        "What if: 16 nodes more (exactfit, easy)? Mean wait -10.0 min (-12.5 to -7.5). In brackets: 95 % intervals."
    )
    assert not_so.startswith("What if: 1 node more (exactfit, easy)? No difference shown: mean wait.")
    table = "".join(capacity(groups))
    assert "16 nodes more" in table
    assert "-10.0" in table
    assert capacity_in_words(groups[:1]) == capacity(groups[:1]) == []


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--sweep", "with-nodes=0,1", "--with-nodes", "2"), "--with-nodes and with-nodes= of --sweep exclude"),
        (("--sweep", "without=rack[1]"), "--without: "),
        (("--sweep", "with=numa"), "--with: expected such as 'numa memory=256'"),
        (("--sweep", "with-nodes=some"), "with-nodes: expected a number, got 'some'"),
        (("--sweep", "with-nodes=0,,4"), "with-nodes: expected a number, got ''"),
        (("--sweep", "with-nodes=0.5"), "with-nodes: expected numbers of nodes from 0"),
    ],
)
def test_what_the_machine_has_not_is_named(trace: Path, tmp_path: Path, arguments: tuple[str, ...], fault: str) -> None:
    status, _, err = study("rfc49-a:2", trace, "-o", tmp_path / "none", *arguments)
    assert status == 2
    assert fault in err
