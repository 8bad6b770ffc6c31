"""On a real Slurm: what is asked for is granted, workers stay within it, and release cancels.

In the place of gutscore's, a group of the test's own runs: it restores the set and starts the workers as gutscore does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.gutscore import ResourceManager, ResourceSetSlurm
from exactfit.grammar.slurm_time import parse_slurm_time
from real_slurm import RealSlurm

pytestmark = pytest.mark.usefixtures("slurm", "two_cpus")

GROUP = """\
import json, multiprocessing, os, sys, time
from pathlib import Path
from exactfit.adapters.gutscore import ResourceManager

def tell(number):
    seen = {name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")}
    told = {"worker": number, "cpus": sorted(os.sched_getaffinity(0)), **seen}
    Path(f"told_{wgroup}_{number}").write_text(json.dumps(told))
    time.sleep(60 if Path("stay").exists() else 0)

wgroup = sys.argv[sys.argv.index("-wg") + 1]
entry = Path(f"entry_{wgroup}")
while not entry.exists():
    time.sleep(0.05)
found = ResourceManager({"resource": {"backend": "slurm"}}).instanciate_resource(entry.read_text())
granted = {"cpus": sorted(os.sched_getaffinity(0)), **{k: v for k, v in os.environ.items() if k.startswith("SLURM_")}}
Path(f"granted_{wgroup}").write_text(json.dumps(granted))
context = multiprocessing.get_context("fork")
try:
    while not found.workers_initiated():
        found.append_worker_process(context.Process(target=tell, args=(found.get_nworkers_active(),)))
except RuntimeError as error:
    Path(f"refused_{wgroup}").write_text(str(error))
"""


@pytest.fixture
def group(folder: Path) -> str:
    """An interpreter that runs the test's group, whatever it is told to run."""
    (folder / "group.py").write_text(GROUP)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {folder}/group.py "$@"\n')
    python.chmod(0o755)
    return str(python)


Submit = Callable[..., ResourceSetSlurm]


@pytest.fixture
def submit(group: str) -> Any:
    """Requests a set from the manager and enters it where gutscore would, in its queue."""
    made: list[ResourceSetSlurm] = []

    def make(wgroup: int = 0, **config: Any) -> ResourceSetSlurm:
        manager = ResourceManager({"resource": {"backend": "slurm"}})
        found = manager.get_resources({"nworkers": 1, "runtime": "5", "python": group, **config}, wgroup)
        assert isinstance(found, ResourceSetSlurm)
        Path(f"entry_{wgroup}.part").write_text(found.serialize())
        os.replace(f"entry_{wgroup}.part", f"entry_{wgroup}")
        made.append(found)
        return found

    yield make
    for found in made:
        found.release()


def read(name: str, seconds: float = 60) -> Any:
    """Return what a job writes, once it has."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return json.loads(Path(name).read_text())
        except (OSError, ValueError):
            time.sleep(0.05)
    logs = "\n".join(path.read_text() for path in Path().glob("slurm-*.out"))
    raise AssertionError(f"no {name}; {logs}")


def job(slurm: RealSlurm, found: ResourceSetSlurm) -> dict[str, str]:
    """Return what Slurm says of a job."""
    number = json.loads(found.serialize())["job_id"]
    told = slurm.command("scontrol", "show", "job", str(number))
    return dict(word.partition("=")[::2] for word in told.split() if "=" in word)


def test_workers_have_cores_of_their_own_within_what_slurm_granted(submit: Submit) -> None:
    submit(nworkers=2)
    told = [read("told_0_0"), read("told_0_1")]
    granted = read("granted_0")["cpus"]
    assert [len(each["cpus"]) for each in told] == [1, 1]
    assert told[0]["cpus"] != told[1]["cpus"]
    assert set(told[0]["cpus"] + told[1]["cpus"]) <= set(granted)


def test_two_groups_on_a_node_get_different_cores_of_slurm_and_stay_on_them(submit: Submit) -> None:
    Path("stay").touch()
    for wgroup in (0, 1):
        submit(wgroup)
    told = [read(f"told_{wgroup}_0")["cpus"] for wgroup in (0, 1)]
    assert told == [read(f"granted_{wgroup}")["cpus"] for wgroup in (0, 1)]
    assert told[0] != told[1]


def test_slurm_reads_the_script_as_it_was_meant(slurm: RealSlurm, submit: Submit) -> None:
    found = submit(nworkers=2, runtime="0-00:07:00", gpus_per_worker="a100:1", extra_directives={"--hold": None})
    told = job(slurm, found)
    assert (told["NumNodes"], told["NumCPUs"], told["CPUs/Task"]) in {("1", "2", "1"), ("1-1", "2", "1")}
    assert told["NtasksPerN:B:S:C"].startswith("2:")
    assert told["TresPerNode"] == "gres:gpu:a100:2"
    assert told["TimeLimit"] == "00:07:00"
    assert told["JobName"] == "GUTS_WG00000"


def test_release_cancels_the_job_and_what_runs_in_it(slurm: RealSlurm, submit: Submit) -> None:
    Path("stay").touch()
    found = submit(nworkers=1)
    number = json.loads(found.serialize())["job_id"]
    read("told_0_0")
    found.release()
    deadline = time.monotonic() + 30
    while slurm.command("squeue", "-h", "-j", str(number)).strip() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "CANCELLED" in slurm.command("scontrol", "show", "job", str(number))
    found.release()


def test_releasing_a_job_that_has_ended_is_no_error(submit: Submit) -> None:
    found = submit(nworkers=1)
    read("told_0_0")
    ResourceSetSlurm(0, json_str=found.serialize()).release()
    ResourceSetSlurm(0, json_str=json.dumps({**json.loads(found.serialize()), "job_id": 99999999})).release()


def test_the_nodes_gpus_are_dealt_to_the_workers(submit: Submit, slurm: RealSlurm) -> None:
    assert slurm.gpus == 2
    submit(nworkers=2, gpus_per_worker="a100:1")
    for variable in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
        assert sorted(read(f"told_0_{number}")[variable] for number in (0, 1)) == ["0", "1"]


def test_groups_get_the_gpus_that_slurm_granted_them(submit: Submit) -> None:
    Path("stay").touch()
    for wgroup in (0, 1):
        submit(wgroup, gpus_per_worker=1)
    told = [read(f"told_{wgroup}_0")["CUDA_VISIBLE_DEVICES"] for wgroup in (0, 1)]
    assert told == [read(f"granted_{wgroup}")["SLURM_JOB_GPUS"] for wgroup in (0, 1)]
    assert sorted(told) == ["0", "1"]


def test_a_job_that_slurm_gives_less_than_the_workers_need_says_so(submit: Submit) -> None:
    submit(nworkers=2, extra_directives={"-n": 1})
    deadline = time.monotonic() + 60
    while not Path("refused_0").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "Maximum number of CPUs reached: 1" in Path("refused_0").read_text()


@pytest.mark.parametrize("config", [{"nodes": 100_000}, {"partition": "other"}, {"nworkers": 4096}, {"runtime": "9-0"}])
def test_what_this_slurm_can_never_give_is_refused_before_it_is_asked(config: dict[str, Any]) -> None:
    manager = ResourceManager({"resource": {"backend": "slurm"}})
    with pytest.raises(ValueError, match=r"exceeds|unknown|never"):
        manager.get_resources({"nworkers": 1, "runtime": "5", **config}, 0)


@pytest.mark.parametrize(
    "text", ["30", "5:30", "1:00:00", "1-0", "1-12", "1-12:30", "1-12:30:59", "0:90:00", "UNLIMITED", "-1", "0"]
)
def test_slurm_agrees_on_what_a_time_is(slurm: RealSlurm, text: str) -> None:
    command = ["sbatch", "--hold", "--parsable", "--partition=endless", f"--time={text}", "--wrap=true"]
    number = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    told = slurm.command("scontrol", "show", "job", number)
    slurm.command("scancel", number)
    limit = next(word for word in told.split() if word.startswith("TimeLimit=")).partition("=")[2]
    seconds = parse_slurm_time(text)
    # Slurm counts whole minutes, upwards.
    assert parse_slurm_time(limit) == (seconds and -(-seconds // 60) * 60)
