"""What pools leave for the jobs to come: machines, sizes, loads and days, side by side, in one table of each figure.

For each machine and load the jobs of a day are run through the queue under each pool, day by day the same jobs for all,
and batches that come next at some moments are placed by each pool on the same states, against what fits together. What
is done is kept in the folder, so that a run goes on where it was. The first day of all machines, sizes and loads comes
before the second of any. ``--minutes 0`` runs nothing and writes the tables of what is there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from exactfit.adapters.study.engines import make_engine, run_all
from exactfit.adapters.study.plan import Axes, Settings, tasks_of
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.store import Store
from exactfit.adapters.study.task import GREED, Source, Task, machine_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

from .future_tables import Cell, draw, tables
from .future_traces import rules_text, weeks_to_run

MACHINES = ("rfc49-a", "rfc49-b", "sierra")
NODES = (16, 64, 256)
LOADS = (0.7, 0.9, 1.1)
USED = (0.2,)
POOLS = ("exactfit", "exactfit:future", "TreePool", "Rv1Pool")
ROOM_FIRST = "exactfit:future+affinity+share+spread+intact+shield+fit"
"""Of batches alone: what slots that are kept whole cost."""
PLACING = ("exactfit", "exactfit:future", "exactfit:future=learned", "TreePool", "Rv1Pool", ROOM_FIRST)
"""Pools of batches, where none are named."""


def main(
    machine: Annotated[
        list[str] | None, typer.Option(help="Presets; cluster A, cluster B and sierra by default.")
    ] = None,
    nodes: Annotated[list[int] | None, typer.Option(help="Sizes; 16, 64 and 256 by default.")] = None,
    load: Annotated[list[float] | None, typer.Option(help="What is offered; 0.7, 0.9 and 1.1 by default.")] = None,
    pool: Annotated[list[str] | None, typer.Option(help="Pools; others are compared with the first.")] = None,
    seeds: Annotated[int, typer.Option(help="Days, or weeks of a trace.")] = 20,
    longest: Annotated[float, typer.Option(help="Hours that no job runs longer.")] = 6.0,
    used: Annotated[
        list[float] | None, typer.Option(help="The least part of its limit that a job runs for; 1: ends are known.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="A trace whose weeks are run in the place of generated days.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Shapes of the trace's jobs, as exactfit study takes them.")
    ] = None,
    each: Annotated[int, typer.Option(help="Without rules: processors of the trace that are a task.")] = 1,
    days: Annotated[bool, typer.Option(help="Run the days through the queue, which takes most of the time.")] = True,
    snapshots: Annotated[int, typer.Option(help="Batches of a day; 0 for none.")] = 4,
    joint_limit: Annotated[float, typer.Option(help="Seconds of work for each optimum of a batch.")] = 10.0,
    workers: Annotated[int, typer.Option(help="Processes; 0 for all cores, 1 for this one.")] = 0,
    minutes: Annotated[float, typer.Option(help="After which no more is begun, if there is one process.")] = 1e9,
    out: Annotated[Path, typer.Option(help="Where results are kept.")] = Path("build/future"),
    picture: Annotated[Path | None, typer.Option(help="A picture to be drawn.")] = None,
) -> None:
    """Compare pools on days and on batches."""
    pools = tuple(pool or POOLS)
    store = Store(out)
    cells = []
    for name in machine or MACHINES:
        for size in nodes or NODES:
            there = read_R(preset(f"{name}:{size}"))
            settings = Settings(machine_R(there), Source(), prove=False, snapshots=snapshots, joint_limit=joint_limit)
            weeks = weeks_to_run(trace, rules_text(rules, each), there, seeds) if trace is not None else []
            for offered, part in product(load or LOADS, used or USED):
                day = Source(f"lublin:days=1,load={offered:g},longest={longest:g}{_unlike_usual(part)}")
                one = (pools, settings, offered if weeks else None)
                tasks = [
                    task for seed, source in enumerate(weeks or [day] * seeds, 1) for task in _tasks(*one, seed, source)
                ]
                kept = tuple(task for task in tasks if days or task.kind == GREED)
                label = f"{trace.name.partition('.swf')[0]}, {name}" if trace is not None else name
                cells.append(Cell(label + (", ends known" if part == 1 else ""), size, offered, there, kept))
    _run(cells, store, workers, minutes)
    text = "\n".join(tables(cells, pools, store))
    store.write_text("tables.md", text + "\n")
    Console(width=240).print(text, soft_wrap=True, markup=False)
    if picture is not None:
        draw(cells, pools, store, picture)


def _unlike_usual(used: float) -> str:
    return "" if (used,) == USED else f",used={used:g}"


def _tasks(pools: tuple[str, ...], settings: Settings, load: float | None, seed: int, source: Source) -> Iterator[Task]:
    """Yield what is run of a day or a week: each pool, and batches under an order more."""
    for task in tasks_of(Axes(pools, loads=(load,), seeds=(seed,)), replace(settings, source=source)):
        placing = PLACING if pools == POOLS else tuple(dict.fromkeys((*pools, ROOM_FIRST)))
        yield replace(task, pools=placing) if task.kind == GREED else task


def _run(cells: Sequence[Cell], store: Store, workers: int, minutes: float) -> None:
    """Run what is left, a day of all cells before the next of any, so that all have as many at any time."""
    end = time.monotonic() + 60 * minutes
    order = [
        (task.seed, cell.nodes, at, number, task)
        for at, cell in enumerate(cells)
        for number, task in enumerate(cell.tasks)
        if minutes and not store.has(task.key)
    ]
    order.sort(key=lambda one: one[:4])
    left: list[Task] = [task for *_, task in order]
    if workers != 1:
        run_all(left, store, lambda: make_engine("local", workers, store), lambda _task: None)
        return
    for task in left:
        if time.monotonic() > end:
            return
        store.put(task.key, task.label, run_task(task.to_json(), str(store.scratch(task.key))))


if __name__ == "__main__":
    typer.run(main)
