"""Each worker is in its slot before it works, sees its GPUs and no others, and gives back what it had on release."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.gutscore import ResourceSetLocal, ledger
from exactfit.adapters.gutscore import local as local_module
from exactfit.adapters.gutscore.slots import Slot, SlotGpu
from told_worker import SEEN, tell


def run_workers(found: ResourceSetLocal, method: str = "fork") -> list[dict[str, Any]]:
    """Start all workers of a set in this process, and return what they told."""
    context = multiprocessing.get_context(method)
    processes: list[Any] = []
    while not found.workers_initiated():
        processes.append(context.Process(target=tell, args=(f"worker{len(processes)}",)))  # type: ignore[attr-defined]
        found.append_worker_process(processes[-1])
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return [json.loads(Path(f"worker{number}").read_text()) for number in range(len(processes))]


def local(nworkers: int, **config: Any) -> ResourceSetLocal:
    return ResourceSetLocal(0, res_config={"nworkers": nworkers, "runtime": 60, **config})


@pytest.fixture
def idle_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups that are requested do nothing, for a minute."""
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["sleep", "60"])


@pytest.mark.usefixtures("two_cpus")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_each_worker_is_on_cores_of_its_own_before_its_first_line(method: str) -> None:
    told = run_workers(local(2), method)
    assert all(each["cpus"] for each in told)
    assert not set(told[0]["cpus"]) & set(told[1]["cpus"])


@pytest.mark.usefixtures("two_cpus")
def test_a_worker_gets_as_many_cores_as_it_asks_for() -> None:
    (told,) = run_workers(local(1, cores_per_worker=2))
    assert len(told["cpus"]) >= 2


def test_a_worker_sees_the_gpus_of_its_slot_which_are_near_its_cores(node: str, two_cpus: list[int]) -> None:
    if len(os.sched_getaffinity(0)) != 2:
        pytest.skip("the sockets of the test's node have one core each only where there are two CPUs")
    told = run_workers(local(2, gpus_per_worker=2, topology=node))
    near = {tuple(each["cpus"]): each["CUDA_VISIBLE_DEVICES"] for each in told}
    assert near == {(two_cpus[0],): "0,1", (two_cpus[1],): "2,3"}


def test_no_gpu_is_seen_by_two_workers(node: str) -> None:
    told = run_workers(local(2, gpus_per_worker=1, topology=node))
    assert len({each["CUDA_VISIBLE_DEVICES"] for each in told}) == 2


def test_a_worker_without_gpus_sees_none_and_where_nothing_is_said_of_gpus_what_there_is(
    node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (none,) = run_workers(local(1, gpus_per_worker=0, topology=node))
    assert [none[key] for key in SEEN] == ["-1", "-1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    (all_of_them,) = run_workers(local(1, topology=node))
    assert all_of_them["CUDA_VISIBLE_DEVICES"] == "1,3"


def test_only_gpus_that_this_process_may_see_are_given(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    told = run_workers(local(2, gpus_per_worker=1, topology=node))
    assert {each["CUDA_VISIBLE_DEVICES"] for each in told} == {"1", "3"}


def test_more_gpus_than_there_are_is_a_runtime_error_that_says_so(node: str) -> None:
    with pytest.raises(RuntimeError, match=r"Maximum number of GPUs reached: 4: .*3 GPUs each never fits"):
        local(2, gpus_per_worker=3, topology=node).request({})


@pytest.mark.usefixtures("idle_group", "two_cpus")
def test_what_one_group_holds_no_other_gets_until_it_is_released() -> None:
    every = len(os.sched_getaffinity(0))
    first, second = local(1, cores_per_worker=_cores()), local(1)
    first.request({})
    with pytest.raises(RuntimeError, match=r"does not fit now: .*workergroup 0 holds CPUs"):
        second.request({})
    first.release()
    second.request({})
    assert len(ledger_cpus()) < every
    second.release()
    assert ledger_cpus() == []


@pytest.mark.usefixtures("idle_group")
def test_gpus_are_held_too(node: str) -> None:
    first, second = local(1, gpus_per_worker=3, topology=node), local(1, gpus_per_worker=2, topology=node)
    first.request({})
    with pytest.raises(RuntimeError, match=r"Maximum number of GPUs reached: 4: 1 worker .* does not fit now"):
        second.request({})
    first.release()
    second.request({})
    second.release()


@pytest.mark.usefixtures("idle_group")
def test_a_set_restored_elsewhere_releases_what_was_requested() -> None:
    found = local(1)
    found.request({})
    pid = json.loads(found.serialize())["wgroup_CLI_pid"]
    ResourceSetLocal(0, json_str=found.serialize()).release()
    assert found._group is not None
    assert found._group.wait(10) != 0
    assert not Path(f"/proc/{pid}").exists()
    assert ledger_cpus() == []


def test_release_ends_what_workers_started_and_what_does_not_want_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "_GRACE_SECONDS", 0.2)
    script = "trap '' TERM; (trap '' TERM; sleep 61 & echo $! > inner; wait) & wait; sleep 62"
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["sh", "-c", script])
    found = local(1)
    found.request({})
    inner = int(wait_for(Path("inner")))
    found.release()
    assert not Path(f"/proc/{inner}").exists() or "Z" in Path(f"/proc/{inner}/stat").read_text()
    assert ledger_cpus() == []


@pytest.mark.usefixtures("idle_group")
def test_a_set_is_requested_once() -> None:
    found = local(1)
    found.request({})
    with pytest.raises(RuntimeError, match="holds resources already"):
        found.request({})
    found.release()


def test_there_is_one_worker_for_each_slot() -> None:
    found = local(1)
    run_workers(found)
    process = multiprocessing.get_context("fork").Process(target=tell, args=("more",))
    with pytest.raises(RuntimeError, match="has 1 slots, and all have a worker"):
        found.append_worker_process(process)


def test_a_set_of_no_workers_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["true"])
    found = local(0)
    found.request({})
    assert found.workers_initiated()
    assert not Path(os.environ["EXACTFIT_LEDGER"]).exists()


def test_a_worker_that_cannot_have_its_cpus_does_not_work() -> None:
    nowhere = Slot(1 << 4000)
    with pytest.raises(RuntimeError, match="pinned to CPUs 4000"):
        nowhere.enter()


@pytest.mark.parametrize("gpus", [None, (), (SlotGpu("0000:3b:00.0", "nvidia", "GPU-1"),)])
def test_a_slot_is_read_back_as_it_was_written(gpus: tuple[SlotGpu, ...] | None) -> None:
    slot = Slot(0b1011, gpus)
    assert Slot.from_json(json.loads(json.dumps(slot.to_json()))) == slot


@pytest.mark.parametrize(
    "value", [{}, {"cpus": 3}, {"cpus": "0-"}, {"cpus": "0", "gpus": [{}]}, {"cpus": "0", "gpus": 1}, 5]
)
def test_what_is_no_slot_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError, match=r"idset|slot"):
        Slot.from_json(value)


def test_the_module_runs_a_group_and_says_how() -> None:
    command = [sys.executable, "-m", "exactfit.adapters.gutscore", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Run a worker group of gutscore" in told.stdout


def wait_for(path: Path, seconds: float = 30) -> str:
    """Return what a file says as soon as it says something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().strip():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} does not come")


def ledger_cpus() -> list[int]:
    """Return the CPUs that are held."""
    cpus = ledger.held(os.environ["EXACTFIT_LEDGER"]).cpus
    return [cpu for cpu in range(cpus.bit_length()) if cpus >> cpu & 1]


def _cores() -> int:
    from exactfit.adapters.gutscore.this_machine import this_machine

    return this_machine().cores.bit_count()
