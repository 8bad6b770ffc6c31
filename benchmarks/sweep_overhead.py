"""How much of a sweep on this machine's processes is simulation: ``python -m benchmarks.sweep_overhead``.

Seconds of the processor are compared and not of the clock, so that what else the machine does changes nothing.
"""

from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from exactfit.adapters.study.engines import make_engine, run_all
from exactfit.adapters.study.plan import Axes, Settings, tasks_of
from exactfit.adapters.study.store import Store
from exactfit.adapters.study.task import Source, machine_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


def _processor() -> float:
    """Return the seconds of the processor that this process took, and all that it has started: over or alive."""
    some = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    spent = sum(one.ru_utime + one.ru_stime for one in some)
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            # After the name: its own time and that of those whom it has seen end, of the process and of the system.
            times = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:15]
            spent += sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return spent


def main(
    jobs: Annotated[int, typer.Option(help="Of each simulation.")] = 2000,
    seeds: Annotated[int, typer.Option(help="Of each pool.")] = 10,
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
) -> None:
    """Print the seconds in all, and in simulations."""
    axes = Axes(("Rv1Pool", "TreePool")).swept(f"seeds={seeds}")
    source = Source(generator=f"lublin:jobs={jobs},load=0.7,longest=2,gpu=0.4")
    tasks = tasks_of(axes, Settings(machine_R(read_R(preset("rfc49-a:8"))), source, prove=False))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        before = _processor()
        run_all(tasks, store, lambda: make_engine("local", workers, store))
        spent = _processor() - before
        used = sum(store.get(task.key)["figures"]["time in all"] for task in tasks)
    print(
        f"{len(tasks)} simulations: {spent:.1f} s of the processor, of which {used:.1f} s simulate ({used / spent:.1%})"
    )


if __name__ == "__main__":
    typer.run(main)
