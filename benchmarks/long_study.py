"""How much memory one simulation takes by the number of its jobs: ``python -m benchmarks.long_study``.

Each number of jobs runs in a process of its own, on eight nodes under Flux's Rv1Pool, strictly in order, its tables
written as they grow. Its largest part of the machine's memory is what counts. The load is so low that few jobs wait:
those that do are in memory. With ``--trace`` the jobs are no longer
generated there, but come as those of a trace do: packed in the task.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import typer

from exactfit.adapters.study.outline import outline_of
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.task import FIFO, RUN, Source, Task, machine_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


def task_of(jobs: int, trace: bool) -> dict[str, Any]:
    """Return the task of so many jobs, as it travels."""
    machine = read_R(preset("rfc49-a:8"))
    source = Source(generator=f"lublin:jobs={jobs},load=0.2,longest=1,gpu=0")
    if trace:
        source = Source.of(source.workload(outline_of(machine), 1, None))
    return Task(RUN, machine_R(machine), source, ("Rv1Pool",), FIFO, prove=False).to_json()


def one(task: Path) -> dict[str, Any]:
    """Run a task, and return what that took."""
    with tempfile.TemporaryDirectory() as folder:
        begin = process_time()
        figures = run_task(json.loads(task.read_text(encoding="utf-8")), str(Path(folder, "run")))["figures"]
        size = sum(file.stat().st_size for file in Path(folder, "run").iterdir())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "jobs": figures["jobs"],
        "ran": figures["ran"],
        "peak": peak,
        "seconds": round(process_time() - begin, 1),
        "tables": size,
    }


def main(
    jobs: Annotated[list[int] | None, typer.Option(help="1,000, 100,000 and 300,000 by default.")] = None,
    trace: Annotated[bool, typer.Option(help="As those of a trace, packed in the task.")] = False,
    alone: Annotated[Path | None, typer.Option(help="Run the task of this file here, and print JSON.")] = None,
) -> None:
    """Print a line for each number of jobs, and bytes a job between the last two."""
    if alone is not None:
        print(json.dumps(one(alone)))
        return
    found = []
    for count in jobs or (1_000, 100_000, 300_000):
        with tempfile.TemporaryDirectory() as folder:
            task = Path(folder, "task.json")
            task.write_text(json.dumps(task_of(count, trace)), encoding="utf-8")
            command = [sys.executable, "-m", "benchmarks.long_study", "--alone", str(task)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(run.stdout.splitlines()[-1]))
        last = found[-1]
        print(f"{count:,} jobs: {last['peak'] / 2**20:.0f} MiB, {last['seconds']} s of the processor", flush=True)
    if len(found) > 1:
        more = (found[-1]["peak"] - found[-2]["peak"]) / (found[-1]["jobs"] - found[-2]["jobs"])
        print(f"{more:.0f} bytes a job")


if __name__ == "__main__":
    typer.run(main)
