"""Run in a Flux instance by its Python: random jobs between others that hold parts of nodes, and how tasks are bound.

Prints a JSON line for each job: its R, the RFC 34 map of its tasks, and for each task what it sees of the options that
bind it, its GPUs, and, where the shell's log came through, the PUs that Flux's own plugin says. Nodes are made up, so
that it only says them (``cpu-affinity=dry-run``).
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

flux: Any = import_module("flux")
job: Any = import_module("flux.job")
resource_list: Any = import_module("flux.resource.list").resource_list

TASK = re.compile(r"cpu-affinity: task (\d+): cpus: (\S+)")
SHAPES = [  # nodes or none, tasks, cores and GPUs of each
    *[(None, tasks, cores, gpus) for tasks, cores, gpus in ((4, 2, 1), (5, 3, 0), (7, 1, 1), (9, 1, 0), (3, 5, 1))],
    *[(nodes, tasks, 2, gpus) for nodes, tasks, gpus in ((2, 3, 1), (3, 7, 0), (4, 4, 1), (2, 4, 0))],
]


def submit(handle: Any, shape: tuple[int | None, int, int, int], out: Path | None, options: dict[str, Any]) -> int:
    """Submit a job; one without a file for its output only holds what it gets."""
    nodes, tasks, cores, gpus = shape
    shell = ["sh", "-c", 'echo "@ $FLUX_TASK_RANK $FLUX_TASK_LOCAL_ID $CPU_AFFINITY $CUDA_VISIBLE_DEVICES"']
    spec = job.JobspecV1.from_command(
        shell, num_nodes=nodes, num_tasks=tasks, cores_per_task=cores, gpus_per_task=gpus or None
    )
    spec.cwd, spec.environment = os.getcwd(), dict(os.environ)
    if out is None:
        spec.setattr("system.exec.test.run_duration", "3600s")
    else:
        spec.stdout = spec.stderr = str(out)
        for name, value in {"cpu-affinity": "dry-run", **options}.items():
            spec.setattr_shell_option(name, value)
    return int(job.submit(handle, spec))


def main() -> None:
    """Take a folder for output, a seed, a number of jobs, and shell options as JSON."""
    folder, seed, jobs, options = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
    draw, handle = random.Random(seed), flux.Flux()
    size = int(resource_list(handle).get().up.ncores)

    def hold() -> int:
        return submit(handle, (None, 1, draw.randint(1, 3), draw.choice([0, 0, 1])), None, {})

    holders = [hold() for _ in range(size // 4)]
    for number in range(jobs):
        for jobid in draw.sample(holders, len(holders) // 2):
            job.cancel(handle, jobid)
            holders.remove(jobid)
        while len(holders) < size // 5:
            holders.append(hold())
        out = folder / f"{seed}-{number}"
        jobid = submit(handle, draw.choice(SHAPES), out, options)
        while subprocess.run(["flux", "job", "wait-event", "-t2", str(jobid), "alloc"], capture_output=True).returncode:
            job.cancel(handle, holders.pop())
        result = job.result(handle, jobid)
        if result.returncode:
            raise SystemExit(f"job ended with {result.returncode}: {out.read_text()}")
        told = out.read_text()
        taskmap = subprocess.run(["flux", "job", "taskmap", str(jobid)], capture_output=True, text=True, check=True)
        R = job.job_kvs_lookup(handle, jobid, keys=["R"])["R"]
        said = [line.split(" ")[1:] for line in told.splitlines() if line.startswith("@ ")]
        tasks = {int(task): {"local": int(local), "cpus": cpus, "gpus": gpus} for task, local, cpus, gpus in said}
        for task, pus in TASK.findall(told):
            tasks[int(task)]["pus"] = pus
        print(json.dumps({"R": R, "map": json.loads(taskmap.stdout), "tasks": tasks}), flush=True)
    for jobid in holders:
        job.cancel(handle, jobid)


if __name__ == "__main__":
    main()
