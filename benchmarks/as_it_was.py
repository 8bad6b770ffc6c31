"""Judge where a pool of Flux's put the jobs of some days as if it were the trace of a site: ``--as-it-was`` in figures.

No public trace says which cores its jobs had, so this one is made: generated jobs, placed by the pool that Flux loads,
under sched-backfill's order, and written as Flux keeps jobs. ``python -m benchmarks.as_it_was``.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from exactfit.adapters.study.as_it_was import judge_all
from exactfit.adapters.study.lived import history_of
from exactfit.adapters.study.lived_said import AsItWas
from exactfit.adapters.study.outline import outline_of
from exactfit.adapters.study.patience import Patience
from exactfit.adapters.study.submissions import Workload
from exactfit.adapters.study.task import FLUX, RUN, Source, Task, machine_R
from exactfit.adapters.study.task_simulation import Twin
from exactfit.adapters.study.workloads.trace import TraceJob
from exactfit.adapters.twin.jobs import Outcome
from exactfit.adapters.twin.observers import Observer
from exactfit.solver.options import Options
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


class _Kept(Observer):
    """Keeps what each job got, and when."""

    def __init__(self) -> None:
        self.R: dict[int, dict[str, Any]] = {}
        self.starts: dict[int, float] = {}

    def started(self, outcome: Outcome) -> None:
        assert outcome.started is not None
        self.R[outcome.job.id] = json.loads(json.dumps(dict(outcome.resources)))
        self.starts[outcome.job.id] = outcome.started


def racked(nodes: int, racks: int) -> Machine:
    """Return so many nodes of RFC 49's cluster A, in racks of equal size."""
    R = json.loads(json.dumps(preset(f"rfc49-a:{nodes}")))
    each = nodes // racks
    R["scheduling"]["groups"] = {"rack": [{"ranks": f"{n * each}-{n * each + each - 1}"} for n in range(racks)]}
    return read_R(R)


def lived(machine: Machine, pool: str, generator: str) -> tuple[list[TraceJob], Workload]:
    """Return the jobs as the pool placed them, and what they asked for."""
    task = Task(RUN, machine_R(machine), Source(generator=generator), (pool,), FLUX, prove=False)
    workload = task.source.workload(outline_of(machine), 1, None)
    kept = _Kept()
    Twin(task, machine, workload, Patience(0.0), observers=[kept]).simulation.run()
    trace = [
        TraceJob(
            str(job.number),
            job.submit,
            job.runtime,
            job.limit,
            1,
            start=kept.starts.get(job.number),
            held=kept.R.get(job.number),
        )
        for job in workload.jobs
    ]
    return trace, workload


def main(
    pools: Annotated[list[str] | None, typer.Option(help="Rv1Pool and TreePool by default.")] = None,
    nodes: int = 32,
    racks: int = 4,
    days: float = 2.0,
    load: float = 0.85,
    out: Annotated[Path, typer.Option(help="Where as-it-was.json goes.")] = Path("build/bench"),
) -> None:
    """Print what judging came to, pool by pool."""
    machine = racked(nodes, racks)
    found = {}
    for pool in pools or ("Rv1Pool", "TreePool"):
        trace, workload = lived(machine, pool, f"lublin:days={days},load={load},gpu=0.4,longest=8")
        history = history_of(machine, trace, workload)
        judged = AsItWas(machine, history, judge_all(machine, history, Options(time_limit=0.5)))
        print(f"{pool}: {len(history.jobs)} jobs of {days:g} days at load {load:g}")
        print("\n".join(judged.sentences()))
        found[pool] = {**judged.fields(), "terms": judged.by_term(), "torn": [asdict(one) for one in judged.torn()]}
    out.mkdir(parents=True, exist_ok=True)
    (out / "as-it-was.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
