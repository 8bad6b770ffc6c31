"""What the term `future` gains: pools side by side on generated days, and on batches against what fits together.

For each machine and load the jobs of a day are run through the queue under each pool, day by day the same jobs for all,
and batches that come next at some moments are placed by each pool on the same states. The usual jobs are those of
another day. What is done is kept in the folder, so that a run goes on where it was; `--seeds` and `--machine` say how
much is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from exactfit.adapters.study.engines import make_engine, run_all
from exactfit.adapters.study.groups import Group, gather, greed_rows
from exactfit.adapters.study.outline import outline_of
from exactfit.adapters.study.plan import Axes, Settings, tasks_of
from exactfit.adapters.study.price import by_pool, column, percent, total
from exactfit.adapters.study.store import Store
from exactfit.adapters.study.task import GREED, Source, Task, machine_R
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

MACHINES = ("rfc49-a:16", "rfc49-b:16", "sierra:16")
PEERS = ("TreePool", "Rv1Pool")
ANOTHER_DAY = 1001
"""The seed of the day whose jobs are the usual ones."""

_MINUTE = 60.0


def main(
    machine: Annotated[list[str] | None, typer.Option(help="Presets; 16 nodes of three by default.")] = None,
    load: Annotated[list[float] | None, typer.Option(help="What is offered; 0.9 by default.")] = None,
    seeds: Annotated[int, typer.Option(help="Days.")] = 20,
    longest: Annotated[float, typer.Option(help="Hours that no job runs longer.")] = 6.0,
    days: Annotated[bool, typer.Option(help="Run the days through the queue, which takes most of the time.")] = True,
    snapshots: Annotated[int, typer.Option(help="Batches of a day.")] = 4,
    workers: Annotated[int, typer.Option(help="Processes; 0 for all cores.")] = 0,
    out: Annotated[Path, typer.Option(help="Where results are kept.")] = Path("build/future"),
) -> None:
    """Compare policies with and without the term future with TreePool and Rv1Pool."""
    console = Console(width=200)
    store = Store(out)
    for name in machine or MACHINES:
        for offered in load or [0.9]:
            text = f"lublin:days=1,load={offered:g},longest={longest:g}"
            there = read_R(preset(name))
            pools = ("exactfit", "exactfit:future", f"exactfit:future={_usual(out, name, there, text)}", *PEERS)
            settings = Settings(machine_R(there), Source(text), prove=False, snapshots=snapshots)
            tasks = tasks_of(Axes(pools, seeds=tuple(range(1, seeds + 1))), settings)
            if not days:
                tasks = [task for task in tasks if task.kind == GREED]
            left = [task for task in tasks if not store.has(task.key)]
            run_all(left, store, lambda: make_engine("local", workers, store), lambda _task: None)
            for line in _lines(name, offered, tasks, store, there):
                console.print(line, soft_wrap=True)


def _usual(out: Path, name: str, machine: Machine, text: str) -> Path:
    """Write the jobs of another day, each shape with how often it came, and return where."""
    workload = Source(text).workload(outline_of(machine), ANOTHER_DAY, None)
    counts = Counter(workload.forms[job.form].text for job in workload.jobs)
    path = out / f"{name}-{text}".replace(":", "-").replace(",", "-").replace("=", "")
    path.write_text("".join(f"{n} => {shape}\n" for shape, n in counts.most_common()), encoding="utf-8")
    return path


def _lines(name: str, offered: float, tasks: Sequence[Task], store: Store, machine: Machine) -> Iterator[str]:
    """Yield a table in Markdown, a line a pool; differences are to the first pool, seed by seed."""
    groups = {group.pool: group for group in gather(tasks, store)}
    first, finest = next(iter(groups.values()), None), machine.levels[-1]
    batches = by_pool(greed_rows(tasks, store))
    rows = next(iter(batches.values()))
    order = [percent(total(rows, column(kind, "in order")), total(rows, column(kind, "optimum"))) for kind in _WEIGHTS]
    days = len({row["seed"] for row in rows})
    yield f"\n{name}, load {offered:g}, {days} days, {len(rows)} batches.\n"
    heads = ["pool", "jobs of a batch, %", "work of a batch, %", "mean wait, min", "slowdown", "core use, %"]
    yield f"| {' | '.join([*heads, f'slots in one {finest}, %', 'decision, ms'])} |"
    yield "|---|---|---|---|---|---|---|---|"
    yield f"| who knows the batch, in its order | {order[0]} | {order[1]} | | | | | |"
    for pool, mine in batches.items():
        shares = [percent(total(mine, column(k, "placed")), total(mine, column(k, "optimum"))) for k in _WEIGHTS]
        cells = [pool.partition("=")[0] + ("=FILE" if "=" in pool else ""), *shares]
        group = groups.get(pool)
        if group is not None and first is not None:
            cells += [_cell(group, first, *figure) for figure in _FIGURES]
            local, decision = group.figure(f"local.{finest}"), group.figure("decision")
            cells += [f"{100 * local.mean:.1f}" if local else "", f"{1000 * decision.mean:.2f}" if decision else ""]
        yield f"| {' | '.join(cells)} |"


_WEIGHTS = ("", "work")
_FIGURES = (("wait", 1 / _MINUTE, ".1f"), ("slowdown", 1.0, ".1f"), ("loaded utilisation", 100.0, ".1f"))


def _cell(group: Group, first: Group, figure: str, factor: float, form: str) -> str:
    found = group.figure(figure)
    if found is None:
        return ""
    text = format(found.mean * factor, form)
    less = group.less(first, figure) if group is not first else None
    if less is None or less.half is None:
        return text
    return f"{text} ({less.mean * factor:+{form}} ± {less.half * factor:{form}})"


if __name__ == "__main__":
    typer.run(main)
