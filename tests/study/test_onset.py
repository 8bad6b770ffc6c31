"""A study that begins in the state of a snapshot: what runs goes on, what waits comes first, what is down stays so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from busy_system import NOW, busy
from exactfit.adapters.cli.machine_input import read_machine
from exactfit.adapters.cli.source import Sources
from exactfit.adapters.cli.study_given import read_given
from exactfit.adapters.cli.study_options import WorkloadOptions
from exactfit.adapters.snapshot.model import Snapshot, read_snapshot
from exactfit.adapters.study.onset import Onset, onset_of
from exactfit.adapters.study.outline import Outline
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.submissions import Form, Submission, Submissions, Workload
from exactfit.adapters.study.task import GREED, Source, Task
from exactfit.grammar.shape import parse_shape

MakeTask = Callable[..., Task]


def held(ident: str, ranks: str, end: float) -> dict[str, Any]:
    lite = [{"rank": ranks, "children": {"core": "0-119", "gpu": "0-7"}}]
    execution = {"R_lite": lite, "starttime": NOW - 50, "expiration": end}
    return {"id": ident, "R": {"version": 1, "execution": execution}, "end": end}


def waits(ident: str, shape: str, seconds: float, **more: Any) -> dict[str, Any]:
    system = {"duration": seconds}
    jobspec = {"version": 1, "resources": parse_shape(shape), "tasks": [], "attributes": {"system": system}}
    return {"id": ident, "jobspec": jobspec, **more}


@pytest.fixture
def taken() -> Snapshot:
    """Four nodes: three are held, one is down; of five jobs that wait, three can be simulated."""
    return read_snapshot(
        {
            **busy(4, 0, 0),
            "running": [held("1", "0-1", NOW + 100), held("2", "2", NOW + 300)],
            "waiting": [
                waits("10", "node=2/slot=1/core=120", 50),
                waits("11", "node=1/slot=1/core=120", 20, begin=NOW + 500),
                waits("12", "slot=1/core=1", 20, blocked="held by its user"),
                waits("13", "slot=1/core=1", 0),
                waits("14", "node=1/slot=1/core=120", 30),
            ],
            "reservations": [{"name": "r", "ranks": "0", "start": NOW, "end": NOW + 1}],
        }
    )


def test_what_is_taken_over_and_what_is_not(taken: Snapshot, outline: Outline) -> None:
    onset, said = onset_of(taken, outline)
    assert [left for _, left in onset.held] == [100.0, 300.0]
    assert onset.down == "3"
    assert [row[1:4] for row in onset.jobs] == [(0.0, 50.0, 50.0), (500.0, 20.0, 20.0), (0.0, 30.0, 30.0)]
    assert said == [
        "It begins as slurm was: 2 jobs run, each to its limit; 3 wait and come first, each for as long as it may run.",
        "Of those that wait 2 cannot start or do not say how long, and are left out: 12, 13.",
        "1 reservations are not looked at.",
    ]
    endless = read_snapshot({**busy(4, 0, 0), "running": [held("1", "0", 0)]})
    onset, said = onset_of(endless, outline)
    assert onset.held[0][1] == 0
    assert said[1] == "1 of those that run have no end, and hold what they have to the last."


def test_the_queue_comes_before_the_workload(taken: Snapshot, outline: Outline) -> None:
    onset, _ = onset_of(taken, outline)
    form = Form("slot=1/core=1", parse_shape("slot=1/core=1"), None, 1, 0)
    coming = Workload((Submission(1, 0.0, 5, 5, 16, 0), Submission(2, 600.0, 5, 5, 16, 0)), (form,), 0.3)
    made = onset.before(coming)
    assert [(job.number, job.submit, made.forms[job.form].text) for job in made.jobs] == [
        (1, 0.0, "node=2/slot/core=120"),
        (2, 0.0, "node/slot/core=120"),
        (3, 0.0, "slot=1/core=1"),
        (4, 500.0, "node/slot/core=120"),
        (5, 600.0, "slot=1/core=1"),
    ]
    assert made.load == 0.3


@pytest.mark.parametrize("pool", ["exactfit", "Rv1Pool", "TreePool"])
def test_jobs_start_when_what_runs_has_ended(task: MakeTask, taken: Snapshot, outline: Outline, pool: str) -> None:
    onset, _ = onset_of(taken, outline)
    later = Submissions([(1, 600.0, 10.0, 10.0, 16, 0)]).packed()
    source = Source(jobs=later, forms=(("node=1", parse_shape("node=3/slot=1/core=120"), None, 360, 0),), onset=onset)
    given = json.loads(json.dumps(task(pool, source=source).to_json()))
    assert Task.from_json(given).source.onset == Onset.from_json(given["source"]["onset"])
    result = run_task(given)
    # Job 14 has a node to itself only after job 10, which is before it, and before job 2 ends.
    assert dict(zip(result["jobs"]["job"], result["jobs"]["start"], strict=True)) == {1: 100, 2: 150, 3: 500, 4: 600}
    figures = result["figures"]
    assert (figures["jobs"], figures["ran"], figures["wait"]) == (4, 4, (100 + 150) / 4)
    used = 2 * 100 + 300 + 2 * 50 + 30 + 20 + 3 * 10
    assert figures["utilisation"] == pytest.approx(used / (4 * 610))
    assert figures["nodes a job"] == (2 + 1 + 1 + 3) / 4


def test_what_has_no_end_holds_to_the_last(task: MakeTask, outline: Outline) -> None:
    endless = read_snapshot({**busy(4, 0, 0), "running": [held("1", "0-1", 0)], "waiting": [
        waits("2", "node=2/slot=1/core=1", 10)]})  # fmt: skip
    onset, _ = onset_of(endless, outline)
    result = run_task(task("exactfit", source=Source(generator="lublin:jobs=2", onset=onset)).to_json())
    assert result["jobs"]["start"][0] is None
    assert result["figures"]["jobs"] == 3


def test_batches_are_compared_from_there_on(task: MakeTask, taken: Snapshot, outline: Outline) -> None:
    onset, _ = onset_of(taken, outline)
    source = Source(generator="lublin:jobs=8,load=0.7,longest=2", onset=onset)
    result = run_task(task(kind=GREED, source=source, pools=("Rv1Pool", "exactfit"), snapshots=1, batch=4).to_json())
    assert result["greed"]


def test_a_snapshot_as_the_machine_of_a_study_is_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "now.json"
    path.write_text(json.dumps(busy(4, 2, 3)), encoding="utf-8")
    given = read_given(WorkloadOptions("lublin:jobs=2"), read_machine(str(path), Sources()))
    assert given.source.onset is not None
    assert (len(given.source.onset.held), len(given.source.onset.jobs)) == (2, 3)
    assert given.shapes[0].startswith("It begins as slurm was: 2 jobs run, each to its limit; 3 wait and come first")
    idle = read_given(WorkloadOptions("lublin:jobs=2"), read_machine("rfc49-a:4", Sources()))
    assert idle.source.onset is None
