"""What gutscore's own classes get wrong, and exactfit's get right; gutscore is asked too where it is there."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from exactfit.adapters.gutscore import ResourceManager, ResourceSetLocal, ResourceSetSlurm
from exactfit.adapters.gutscore import local as local_module
from exactfit.adapters.gutscore.batch_script import batch_script
from exactfit.adapters.gutscore.cluster import Cluster
from exactfit.adapters.gutscore.this_machine import this_machine
from exactfit.adapters.gutscore.wants import Wants


def upstream(module: str) -> Any:
    return importlib.import_module(f"scheduler.{module}")


def runtime(text: str) -> int:
    return ResourceSetSlurm(0, res_config={"runtime": text, "nodes": 1}).worker_runtime()


def test_a_day_is_a_day() -> None:
    assert runtime("1-00:00:00") == 86400


def test_a_single_number_is_minutes_as_for_slurm() -> None:
    assert runtime("5") == 300


def test_hours_after_days_need_no_minutes() -> None:
    assert runtime("1-12") == 129600


@pytest.mark.parametrize(("gres", "count"), [("gpu:a100:16", 16), ("gpu:4", 4), ("gpu:a100:2(S:0-1),gpu:v100:12", 14)])
def test_all_gpus_of_a_node_are_counted(gres: str, count: int) -> None:
    (kind,) = Cluster.parse(f"gpu*|n1|1|4|{gres}|infinite").partitions["gpu"].nodes
    assert len(kind.gpus_of(None)) == count


def test_a_number_of_sinfo_may_end_in_a_plus() -> None:
    (kind,) = Cluster.parse("cpu*|n1|2+|8+|(null)|30:00").partitions["cpu"].nodes
    assert (kind.sockets, kind.cores) == (2, 8)


def test_gpus_per_node_are_asked_for() -> None:
    config = {"runtime": "5", "gpus-per-node": 2}
    assert "#SBATCH --gpus-per-node=2" in batch_script(0, config, Wants(1))


def test_short_options_are_written_as_sbatch_takes_them() -> None:
    config = {"runtime": "5", "extra_directives": {"-n": 1}}
    assert "#SBATCH -n 1" in batch_script(0, config, Wants(1))


@pytest.mark.parametrize("text", ["2:00", "1:40:00", "3-00:00:00", "UNLIMITED"])
def test_a_slurm_set_of_any_runtime_is_restored(text: str) -> None:
    found = ResourceSetSlurm(0, res_config={"runtime": text, "nodes": 1})
    assert ResourceSetSlurm(0, json_str=found.serialize()).worker_runtime() == found.worker_runtime()


def test_cores_come_back_when_a_group_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["sleep", "60"])
    manager = ResourceManager({})
    for _ in range(this_machine().cores.bit_count() + 1):
        manager.get_resources({"nworkers": 1, "runtime": 5}, 0).release()


def test_two_managers_do_not_give_the_same_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["sleep", "60"])

    def one(manager: ResourceManager) -> Any:
        return manager.get_resources({"nworkers": 1, "runtime": 5}, 0)

    made = [one(ResourceManager({})) for _ in range(this_machine().cores.bit_count())]
    with pytest.raises(RuntimeError, match="does not fit now"):
        one(ResourceManager({}))
    cpus = [json.loads(found.serialize())["slots"][0]["cpus"] for found in made]
    assert len(set(cpus)) == len(cpus) > 0
    for found in made:
        found.release()


def test_a_local_runtime_of_text_is_a_number_of_seconds() -> None:
    assert ResourceSetLocal(0, res_config={"runtime": "10"}).worker_runtime() == 10


@pytest.mark.usefixtures("plain_gutscore")
def test_gutscore_has_these_faults_still() -> None:
    # When one of these fails, gutscore has mended it, and a sentence of adapters/docs/how-to/gutscore.md is to go.
    time_to_s = upstream("slurm_utils").time_to_s
    assert time_to_s("1-00:00:00") == 60 * 86400
    assert time_to_s("5") == 5
    kind = upstream("resource_set").ResourceSetSlurm
    found = kind(0, res_config={"runtime": "00:02:00", "nodes": 1})
    with pytest.raises(ValueError, match="Format error"):
        kind(0, json_str=found.serialize())
    script = kind(0, res_config={"runtime": "5", "nodes": 1, "gpus-per-node": 2})._slurm_job_script
    assert not [line for line in script if "gpu" in line]
