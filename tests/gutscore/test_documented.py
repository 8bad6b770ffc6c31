"""What gutscore documents of resource sets and their manager, a test for each sentence, on exactfit's classes."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.gutscore import (
    ResourceManager,
    ResourceSetBaseclass,
    ResourceSetLocal,
    ResourceSetSlurm,
    ledger,
)
from exactfit.adapters.gutscore import local as local_module

FORK = multiprocessing.get_context("fork")


class Bare(ResourceSetBaseclass):
    """The smallest set: what is inherited is what is tested."""

    given: tuple[Any, Any] = (None, None)

    def _init_rs(self, res_config: dict[Any, Any] | None = None, json_str: str | None = None) -> None:
        self.given = (res_config, json_str)

    def request(self, config: dict[Any, Any]) -> None: ...

    def serialize(self) -> str:
        return ""

    def from_json(self, resource_set_json: str) -> Bare:
        return Bare(0, json_str=resource_set_json)

    def release(self) -> None: ...

    def _slot_of(self, number: int) -> tuple[None, None]:  # noqa: ARG002
        return None, None


def nothing() -> None:
    """What a worker does that has no work."""


# -- the base class ---------------------------------------------------------------------------------------------------


def test_a_set_is_initialized_from_a_dictionary_or_a_serialized_version() -> None:
    assert Bare(0, res_config={"nworkers": 3}).get_nworkers() == 3
    assert Bare(0, json_str='{"nworkers": 4}').get_nworkers() == 4


@pytest.mark.parametrize("kind", [Bare, ResourceSetLocal, ResourceSetSlurm])
def test_neither_dictionary_nor_json_is_a_runtime_error(kind: type[ResourceSetBaseclass]) -> None:
    given: list[dict[str, Any]] = [{}, {"res_config": {}}, {"json_str": ""}]
    for nothing_given in given:
        with pytest.raises(RuntimeError, match="either a dictionary or a json string"):
            kind(0, **nothing_given)


def test_there_is_one_worker_unless_more_are_asked_for() -> None:
    assert ResourceSetLocal(0, res_config={"runtime": 1}).get_nworkers() == 1
    assert ResourceSetLocal(0, json_str='{"runtime": 1}').get_nworkers() == 1


def test_concrete_sets_set_their_attributes_in_init_rs_which_gets_what_was_passed() -> None:
    assert Bare(0, res_config={"a": 1}).given == ({"a": 1}, None)
    assert Bare(0, json_str='{"a": 1}').given == (None, '{"a": 1}')


def test_the_base_class_cannot_be_made_itself() -> None:
    with pytest.raises(TypeError, match="abstract"):
        ResourceSetBaseclass(0, res_config={"nworkers": 1})  # type: ignore[abstract]


def test_all_workers_are_initiated_when_as_many_were_appended() -> None:
    found = Bare(0, res_config={"nworkers": 2})
    seen = []
    while not found.workers_initiated():
        seen.append(found.get_nworkers_active())
        found.append_worker_process(FORK.Process(target=nothing))
    assert seen == [0, 1]
    assert (found.get_nworkers_active(), found.get_nworkers()) == (2, 2)


def test_appending_a_worker_starts_it() -> None:
    found = Bare(0, res_config={"nworkers": 1})
    process = FORK.Process(target=nothing)
    found.append_worker_process(process)
    process.join(10)
    assert process.exitcode == 0


def test_a_worker_that_cannot_be_started_raises_what_it_raised() -> None:
    found = Bare(0, res_config={"nworkers": 1})
    process = FORK.Process(target=nothing)
    process.start()
    process.join(10)
    with pytest.raises(AssertionError, match="start a process twice"):
        found.append_worker_process(process)
    assert found.get_nworkers_active() == 0


def test_a_worker_without_a_pid_is_a_runtime_error() -> None:
    class NoPid:
        pid = None
        run = staticmethod(nothing)

        def start(self) -> None: ...

    with pytest.raises(RuntimeError, match="pid"):
        Bare(0, res_config={"nworkers": 1}).append_worker_process(NoPid())  # type: ignore[arg-type]


def test_the_worker_runtime_is_in_seconds() -> None:
    assert ResourceSetLocal(0, res_config={"runtime": 30}).worker_runtime() == 30
    assert ResourceSetSlurm(0, res_config={"runtime": "30", "nodes": 1}).worker_runtime() == 1800


@pytest.mark.parametrize("runtime", [-1, float("nan"), float("inf"), "-30", "soon", True, [30]])
def test_a_runtime_that_is_no_number_of_seconds_is_refused(runtime: object) -> None:
    with pytest.raises(ValueError, match="is no number of seconds"):
        ResourceSetLocal(0, res_config={"runtime": runtime})


@pytest.mark.parametrize("kind", [Bare, ResourceSetLocal, ResourceSetSlurm])
def test_a_worker_runtime_that_is_not_set_is_a_runtime_error(kind: type[ResourceSetBaseclass]) -> None:
    with pytest.raises(RuntimeError, match="Runtime not set"):
        kind(0, res_config={"nworkers": 1, "runtime": None}).worker_runtime()


# -- local ------------------------------------------------------------------------------------------------------------


def test_a_local_runtime_is_100_seconds_unless_another_is_given() -> None:
    assert ResourceSetLocal(0, res_config={"nworkers": 1}).worker_runtime() == 100


def test_a_local_set_serializes_to_what_restores_it() -> None:
    found = ResourceSetLocal(10000, res_config={"nworkers": 2, "runtime": "10", "daemonize": True})
    entry = json.loads(found.serialize())
    expected = {"type": "local", "wgroup_id": 10000, "nworkers": 2, "runtime": 10, "daemonize": True}
    assert {key: entry[key] for key in expected} == expected
    assert entry["wgroup_CLI_pid"] == -1
    assert ResourceSetLocal(10000, json_str=found.serialize()).serialize() == found.serialize()


def test_from_json_returns_another_set_of_the_kind() -> None:
    for found in (
        ResourceSetLocal(7, res_config={"nworkers": 2, "runtime": 10}),
        ResourceSetSlurm(7, res_config={"nworkers": 2, "runtime": "10", "nodes": 1}),
    ):
        again = found.from_json(found.serialize())
        assert again is not found
        assert type(again) is type(found)
        assert again.serialize() == found.serialize()


@pytest.mark.parametrize("kind", [ResourceSetLocal, ResourceSetSlurm])
def test_a_request_without_a_runtime_is_a_runtime_error(kind: type[ResourceSetBaseclass]) -> None:
    with pytest.raises(RuntimeError, match="Runtime not set"):
        kind(0, res_config={"nworkers": 1, "runtime": None}).request({})


def test_a_local_request_starts_the_group_in_a_session_of_its_own_and_does_not_wait(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["sleep", "30"])
    found = ResourceSetLocal(3, res_config={"nworkers": 1, "runtime": 10})
    began = time.monotonic()
    found.request({"case": {"name": "demo"}})
    assert time.monotonic() - began < 60
    pid = json.loads(found.serialize())["wgroup_CLI_pid"]
    assert os.getsid(pid) == pid
    assert {path.name for path in folder.glob("*_00003.txt")} == {"stdout_00003.txt", "stderr_00003.txt"}
    text = (folder / "input_WG00003.toml").read_text()
    assert 'name = "demo"' in text
    assert "[WG00003]" in text
    found.release()


def test_a_command_that_is_not_there_is_raised_on_and_nothing_stays_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["/nowhere/python"])
    found = ResourceSetLocal(0, res_config={"nworkers": 1, "runtime": 10})
    with pytest.raises(FileNotFoundError):
        found.request({})
    assert ledger.held(os.environ["EXACTFIT_LEDGER"]).cpus == 0


@pytest.mark.parametrize("kind", [ResourceSetLocal, ResourceSetSlurm])
def test_releasing_what_was_never_requested_does_nothing(kind: type[ResourceSetBaseclass]) -> None:
    found = kind(0, res_config={"nworkers": 1, "runtime": 10})
    found.release()
    found.release()


# -- Slurm ------------------------------------------------------------------------------------------------------------


def test_a_slurm_set_serializes_to_what_restores_it() -> None:
    found = ResourceSetSlurm(12, res_config={"nworkers": 12, "nodes": 1, "runtime": "1:30"})
    entry = json.loads(found.serialize())
    assert (entry["type"], entry["wgroup_id"], entry["nworkers"], entry["runtime"]) == ("slurm", 12, 12, 90)
    assert entry["job_id"] is None
    assert entry["job_script"][0] == "#!/bin/bash"
    assert ResourceSetSlurm(12, json_str=found.serialize()).serialize() == found.serialize()


def test_a_script_that_slurm_does_not_take_is_a_runtime_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="sbatch failed"):
        ResourceSetSlurm(0, res_config={"nodes": 1, "runtime": "5"}).request({})


# -- the manager ------------------------------------------------------------------------------------------------------


def test_the_manager_has_one_local_group_unless_told_otherwise() -> None:
    assert ResourceManager({}).get_nwgroups() == 1
    assert ResourceManager({"resource": {"nwgroups": 2}}).get_nwgroups() == 2
    assert isinstance(ResourceManager({}).instanciate_resource('{"type": "local", "wgroup_id": 0}'), ResourceSetLocal)


def test_an_unknown_backend_is_a_value_error_once_resources_are_asked_for() -> None:
    manager = ResourceManager({"resource": {"backend": "cloud"}})
    with pytest.raises(ValueError, match="cloud"):
        manager.get_resources({}, 0)


def test_a_backend_that_is_not_there_is_a_runtime_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="slurm"):
        ResourceManager({"resource": {"backend": "slurm"}})


@pytest.mark.parametrize(
    "config", [{"nworkers": -1}, {"cores_per_worker": 0}, {"gpus_per_worker": "2 3"}, {"runtime": "x"}]
)
def test_wrong_parameters_are_a_value_error(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(config))):
        ResourceManager({}).get_resources({"nworkers": 1, "runtime": 1, **config}, 0)


def test_json_of_another_backend_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="backend"):
        ResourceManager({}).instanciate_resource('{"type": "slurm"}')


def test_more_workers_than_cores_are_a_runtime_error_with_the_reason() -> None:
    many = len(os.sched_getaffinity(0)) + 1
    with pytest.raises(RuntimeError, match=r"Maximum number of CPUs reached: \d+: .* never fits this machine: "):
        ResourceManager({}).get_resources({"nworkers": many}, 0)


def test_the_manager_returns_a_set_that_was_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["sleep", "30"])
    found = ResourceManager({}).get_resources({"nworkers": 1}, 0)
    assert json.loads(found.serialize())["wgroup_CLI_pid"] != -1
    found.release()
