"""gutscore itself on exactfit's sets: its scheduler, queue and workers, on this machine and on a real Slurm."""

from __future__ import annotations

import importlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.gutscore import ResourceManager, ResourceSetLocal, ResourceSetSlurm, install, ledger, uninstall

pytestmark = pytest.mark.usefixtures("gutscore")

Start = Callable[..., Any]


def load(module: str) -> Any:
    return importlib.import_module(f"scheduler.{module}")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a scheduler as its documentation has it: a TOML file, a Scheduler, start()."""
    made = []

    def begin(tasks: int = 0, **resource: Any) -> Any:
        config = importlib.import_module("toml").dumps({"case": {"name": "run"}, "resource": resource})
        Path("input.toml").write_text(config)
        scheduler = load("scheduler").Scheduler([])
        made.append(scheduler)
        for _ in range(tasks):
            scheduler.add_task(load("task").Task("nap_test", {"nap_duration": 0.1}))
        scheduler.start()
        return scheduler

    yield begin
    for scheduler in made:
        for wgroup in scheduler._wgroups:
            if getattr(wgroup, "_resource_set", None):
                wgroup._resource_set.release()
        # Workers that were ended are in the queue still, and it would wait for them.
        scheduler.get_queue().delete(timeout=0.1)


def wait(ready: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        texts = [*Path().glob("std*_*.txt"), *Path().glob("slurm-*.out")]
        assert time.monotonic() < deadline, "\n".join(path.read_text() for path in texts)
        time.sleep(0.05)


def affinities(found: ResourceSetLocal) -> dict[str, list[set[int]]]:
    """Return by role what the processes of a set may run on."""
    told: dict[str, list[set[int]]] = {"worker": [], "group": []}
    assert found._claim is not None
    for role, process in found._claim.processes():
        told[role].append(os.sched_getaffinity(process.pid))
    return told


@pytest.mark.usefixtures("two_cpus")
def test_a_local_run_does_all_tasks_with_each_worker_on_cores_of_its_own(start: Start) -> None:
    scheduler = start(tasks=10, nwgroups=2, config={"nworkers": 1, "runtime": 60})
    sets = [wgroup._resource_set for wgroup in scheduler._wgroups]
    assert all(type(found) is ResourceSetLocal for found in sets)
    wait(lambda: scheduler.get_queue().get_completed_tasks() == 10)
    wait(lambda: all(affinities(found)["worker"] for found in sets))
    pinned = [affinities(found)["worker"] for found in sets]
    assert [len(each) for each in pinned] == [1, 1]
    assert not pinned[0][0] & pinned[1][0]


@pytest.mark.usefixtures("two_cpus")
def test_a_group_of_two_workers_is_two_slots(start: Start) -> None:
    scheduler = start(tasks=6, nwgroups=1, config={"nworkers": 2, "runtime": 60})
    found = scheduler._wgroups[0]._resource_set
    wait(lambda: scheduler.get_queue().get_completed_tasks() == 6)
    wait(lambda: len(affinities(found)["worker"]) == 2)
    first, second = affinities(found)["worker"]
    assert not first & second


def test_a_run_that_ends_by_itself_gives_its_cores_back(start: Start) -> None:
    scheduler = start(nwgroups=1, config={"nworkers": 1, "runtime": 1})
    wait(lambda: ledger.held(os.environ["EXACTFIT_LEDGER"]).cpus == 0)
    assert scheduler._wgroups[0]._resource_set._group.wait(10) == 0


def test_release_ends_the_workers_and_frees_their_cores(start: Start) -> None:
    scheduler = start(nwgroups=1, config={"nworkers": 1, "runtime": 600})
    found = scheduler._wgroups[0]._resource_set
    wait(lambda: bool(affinities(found)["worker"]))
    workers = [process for role, process in found._claim.processes() if role == "worker"]
    found.release()
    assert all(process.is_gone for process in workers)
    assert ledger.held(os.environ["EXACTFIT_LEDGER"]).cpus == 0


def test_too_many_workers_are_refused_as_gutscore_refuses_them(start: Start) -> None:
    many = len(os.sched_getaffinity(0))
    with pytest.raises(RuntimeError, match=r"Maximum number of CPUs reached"):
        start(nwgroups=2, config={"nworkers": many, "runtime": 60})


def test_the_queue_has_a_set_that_either_manager_restores(start: Start) -> None:
    scheduler = start(nwgroups=1, config={"nworkers": 1, "runtime": 60})
    text = scheduler.get_queue().get_worker_group_resource(0)
    assert ResourceManager({}).instanciate_resource(text).get_nworkers() == 1
    uninstall()
    assert load("resource_manager").ResourceManager({}).instanciate_resource(text).get_nworkers() == 1


def test_a_run_on_slurm_does_all_tasks_in_jobs(start: Start, slurm: Any) -> None:
    scheduler = start(tasks=10, nwgroups=2, backend="slurm", config={"nworkers": 1, "runtime": "5", "nodes": 1})
    sets = [wgroup._resource_set for wgroup in scheduler._wgroups]
    assert all(type(found) is ResourceSetSlurm for found in sets)
    wait(lambda: scheduler.get_queue().get_completed_tasks() == 10, 90)
    for found in sets:
        number = str(json.loads(found.serialize())["job_id"])
        assert "RUNNING" in slurm.command("scontrol", "show", "job", number)
        found.release()
        wait(lambda number=number: "CANCELLED" in slurm.command("scontrol", "show", "job", number))  # type: ignore[misc]


def test_switching_on_and_off_leaves_gutscore_as_it_was() -> None:
    assert load("resource_manager").ResourceSetLocal is ResourceSetLocal
    assert load("scheduler").ResourceManager is ResourceManager
    install()
    uninstall()
    for module, name in [("resource_manager", "ResourceSetLocal"), ("scheduler", "ResourceManager")]:
        assert getattr(load(module), name).__module__.startswith("scheduler.")


def test_a_gutscore_that_is_built_otherwise_is_refused_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    uninstall()
    monkeypatch.delattr(load("resource_manager"), "ResourceSetSlurm")
    with pytest.raises(ImportError, match=r"scheduler\.resource_manager .*has no class ResourceSetSlurm"):
        install()
    assert load("resource_manager").ResourceSetLocal.__module__ == "scheduler.resource_set"


@pytest.mark.parametrize(
    ("owner", "name", "method", "said"),
    [
        ("ResourceSetBaseclass", "pause", lambda self: self, r"ResourceSetBaseclass has pause\(self\)"),
        ("ResourceSetLocal", "release", lambda self, now: (self, now), r"ResourceSetLocal has release\(self, now\)"),
        ("ResourceManager", "get_nwgroups", lambda self, kind: (self, kind), r"has get_nwgroups\(self, kind\)"),
    ],
)
def test_a_gutscore_that_calls_otherwise_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: str, name: str, method: Any, said: str
) -> None:
    uninstall()
    module = "resource_manager" if owner == "ResourceManager" else "resource_set"
    monkeypatch.setattr(getattr(load(module), owner), name, method, raising=False)
    with pytest.raises(ImportError, match=said):
        install()
    assert load("resource_manager").ResourceSetLocal.__module__ == "scheduler.resource_set"
