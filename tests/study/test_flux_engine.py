"""Sweeps inside a real Flux, where there is one: jobs that are cancelled and killed change no number."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SECONDS = 180

SWEEP = """
import signal, sys
from pathlib import Path
import flux, flux.job
from exactfit.adapters.study.engines import make_engine, run_all
from exactfit.adapters.study.store import Store
from exactfit.adapters.study.task import RUN, Source, Task, machine_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

R, source = machine_R(read_R(preset("rfc49-a:4"))), Source(generator="lublin:jobs=40,load=0.7,longest=2")
tasks = [Task(RUN, R, source, ("Rv1Pool",), seed=seed, prove=False) for seed in (1, 2, 3, 4)]
calm, rough = Store(Path(sys.argv[1], "calm")), Store(Path(sys.argv[1], "rough"))
for task in tasks:
    from exactfit.adapters.study.run import run_task
    calm.put(task.key, task.label, run_task(task.to_json()))

engine = make_engine("flux", 0, rough)
hit = []
submit = engine.submit

def rough_submit(task):
    future = submit(task)
    if len(hit) < 2:
        job = next(iter(engine._flying - set(hit)))
        hit.append(job)
        handle = flux.Flux()
        if len(hit) == 1:
            flux.job.cancel(handle, job.jobid(20))
        else:
            job.add_event_callback("start", lambda job, _: flux.job.kill(flux.Flux(), job.jobid(), signal.SIGKILL))
    return future

engine.submit = rough_submit
run_all(tasks, rough, lambda: engine)
same = [{k: v for k, v in store.get(task.key)["jobs"].items()} for store in (calm, rough) for task in tasks]
print("@same", same[:4] == same[4:], "@hit", len(hit))
"""


@pytest.fixture(autouse=True)
def _flux() -> None:
    if shutil.which("flux") is None:
        pytest.skip("there is no flux command on the PATH")
    command = ["flux", "python", "-c", "import exactfit.adapters.study.flux_engine"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if found.returncode:
        pytest.skip(f"Flux's Python cannot import exactfit: {found.stderr.strip().splitlines()[-1]}")


def test_jobs_that_are_cancelled_and_killed_change_no_number(tmp_path: Path) -> None:
    command = ["flux", "start", "flux", "python", "-c", SWEEP, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert "@same True @hit 2" in done.stdout, done.stdout + done.stderr
