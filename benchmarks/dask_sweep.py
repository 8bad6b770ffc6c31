"""A sweep of 100 simulations over a Dask cluster of four workers, one of which is killed.

The same sweep runs on the processes of this machine, and every number of both must be equal but for times:
``python -m benchmarks.dask_sweep``.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from exactfit.adapters.study.engine import Engine
from exactfit.adapters.study.engines import make_engine, run_all
from exactfit.adapters.study.groups import gather
from exactfit.adapters.study.plan import Axes, Settings, tasks_of
from exactfit.adapters.study.store import Store
from exactfit.adapters.study.task import Source, Task, machine_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

TIMES = ("decision", "decision p95", "decision longest", "time in decisions", "time in all")
POOLS = ("exactfit", "Rv1Pool", "TreePool", "exactfit:spread", "exactfit:lowest")


def _figures(tasks: list[Task], store: Store) -> list[dict[str, float]]:
    return [{k: v for k, v in store.get(task.key)["figures"].items() if k not in TIMES} for task in tasks]


def _seconds(
    tasks: list[Task], store: Store, engine: Callable[[], Engine], done: Callable[[Task], None], patience: float
) -> float:
    begin = time.monotonic()
    run_all(tasks, store, engine, done, patience)
    return time.monotonic() - begin


def main(
    workers: Annotated[int, typer.Option(help="Of the cluster.")] = 4,
    jobs: Annotated[int, typer.Option(help="Of each simulation.")] = 150,
    patience: Annotated[float, typer.Option(help="Seconds of the processor for one simulation, 0 for no limit.")] = 300,
    out: Annotated[Path, typer.Option(help="Where dask-sweep.json goes.")] = Path("build/bench"),
) -> None:
    """Run it, and print what it took and whether a number differs."""
    distributed: Any = import_module("distributed")
    axes = Axes(POOLS).swept("load=0.7+0.9,seeds=10")
    source = Source(generator=f"lublin:jobs={jobs},load=0.8,longest=6,gpu=0.4")
    tasks = tasks_of(axes, Settings(machine_R(read_R(preset("rfc49-a:8"))), source, prove=False))
    killed: list[int] = []
    finished: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        far, near = Store(Path(folder, "dask")), Store(Path(folder, "local"))
        cluster_of = distributed.LocalCluster
        with cluster_of(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
            address = cluster.scheduler_address.removeprefix("tcp://")

            def done(task: Task) -> None:
                finished.append(task.key)
                if len(finished) == len(tasks) // 3 and not killed:
                    killed.append(next(iter(cluster.workers.values())).pid)
                    os.kill(killed[0], signal.SIGKILL)

            dask = _seconds(tasks, far, lambda: make_engine(f"dask://{address}", 0, far), done, patience)
        local = _seconds(tasks, near, lambda: make_engine("local", 0, near), lambda _: None, patience)
        equal = sum(a == b for a, b in zip(_figures(tasks, far), _figures(tasks, near), strict=True))
        table = [
            {
                "pool": group.pool,
                "load": group.load,
                "wait": group.figure("wait").mean,  # type: ignore[union-attr]  # every group has waits
                "local": group.figure("local.numa").mean,  # type: ignore[union-attr]  # and slots
                "runs": len(group.results),
            }
            for group in gather(tasks, far)
        ]
    found = {
        "runs": len(tasks),
        "workers": workers,
        "killed": len(killed),
        "equal": equal,
        "seconds": {"dask": round(dask, 1), "local": round(local, 1)},
        "groups": table,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "dask-sweep.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    typer.run(main)
