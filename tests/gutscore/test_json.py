"""JSON goes both ways between exactfit's resource sets and gutscore's own."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.gutscore import ResourceSetBaseclass, ResourceSetLocal, ResourceSetSlurm

LOCAL = {"type": "local", "wgroup_id": 3, "nworkers": 2, "runtime": 60, "daemonize": False, "wgroup_CLI_pid": 4711}
SLURM = {
    "type": "slurm",
    "wgroup_id": 4,
    "nworkers": 2,
    "runtime": 90,
    "job_id": 17,
    "job_script": ["#!/bin/bash", "true"],
}


def upstream(name: str) -> Any:
    return getattr(importlib.import_module("scheduler.resource_set"), name)


@pytest.mark.parametrize(("kind", "entry"), [(ResourceSetLocal, LOCAL), (ResourceSetSlurm, SLURM)])
def test_what_gutscore_writes_is_read_and_written_again(
    kind: type[ResourceSetBaseclass], entry: dict[str, Any]
) -> None:
    found = kind(entry["wgroup_id"], json_str=json.dumps(entry))
    assert found.worker_runtime() == entry["runtime"]
    again = json.loads(found.serialize())
    assert {key: again[key] for key in entry} == entry


@pytest.mark.usefixtures("two_cpus")
def test_a_set_that_gutscore_requested_gets_its_slots_when_its_workers_start() -> None:
    found = ResourceSetLocal(3, json_str=json.dumps(LOCAL))
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_tell, args=(f"worker{number}",)) for number in range(2)]
    for worker in workers:
        found.append_worker_process(worker)
    for worker in workers:
        worker.join(30)
    told = [json.loads(Path(f"worker{number}").read_text()) for number in range(2)]
    assert not set(told[0]) & set(told[1])


def _tell(name: str) -> None:
    Path(name).write_text(json.dumps(sorted(os.sched_getaffinity(0))))


@pytest.mark.usefixtures("plain_gutscore")
@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("ResourceSetLocal", {"nworkers": 2, "runtime": 60}),
        ("ResourceSetSlurm", {"nworkers": 2, "runtime": "01:30", "nodes": 1, "partition": "main"}),
        ("ResourceSetSlurm", {"nworkers": 2, "runtime": "45:00", "nodes": 1, "partition": "main"}),
        ("ResourceSetSlurm", {"nworkers": 2, "runtime": "99:59:59", "nodes": 1, "partition": "main"}),
    ],
)
def test_what_exactfit_writes_gutscore_reads_with_the_same_meaning(name: str, config: dict[str, Any]) -> None:
    ours = {"ResourceSetLocal": ResourceSetLocal, "ResourceSetSlurm": ResourceSetSlurm}[name]
    found: Any = ours(5, res_config={**config, "cores_per_worker": 2, "gpus_per_worker": 1})
    theirs = upstream(name)(5, json_str=found.serialize())
    assert theirs.get_nworkers() == found.get_nworkers()
    assert theirs.worker_runtime() == found.worker_runtime()
    again = ours(5, json_str=theirs.serialize())
    assert again.worker_runtime() == found.worker_runtime()
    assert theirs.from_json(found.serialize()).get_nworkers() == 2


@pytest.mark.usefixtures("plain_gutscore")
def test_what_gutscores_own_classes_write_exactfit_reads() -> None:
    theirs = upstream("ResourceSetLocal")(6, res_config={"nworkers": 3, "runtime": 7, "daemonize": True})
    found = ResourceSetLocal(6, json_str=theirs.serialize())
    assert (found.get_nworkers(), found.worker_runtime()) == (3, 7)
    theirs = upstream("ResourceSetSlurm")(6, res_config={"nworkers": 3, "runtime": "00:05:00", "nodes": 1})
    assert ResourceSetSlurm(6, json_str=theirs.serialize()).worker_runtime() == 300


@pytest.mark.usefixtures("gutscore")
def test_exactfits_sets_are_resource_sets_of_gutscore() -> None:
    assert isinstance(ResourceSetLocal(0, res_config={"nworkers": 1}), upstream("ResourceSetBaseclass"))
    assert issubclass(ResourceSetSlurm, upstream("ResourceSetBaseclass"))
