"""The tables and the picture of `future`: a line for each machine, size and load, a column for each pool."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from exactfit.adapters.study.groups import Estimate, Group, estimate, gather, greed_rows
from exactfit.adapters.study.pools import OURS
from exactfit.adapters.study.price import by_pool, column, total
from exactfit.adapters.study.store import Store
from exactfit.adapters.study.task import GREED, Task
from exactfit.topology.machine import Machine

_WEIGHTS = ("", "work")
_Batches = Mapping[str, Sequence[Mapping[str, Any]]]
_IDLE = "idle gpus"


@dataclass(frozen=True)
class Cell:
    """A machine of a size under a load, and all that is run of it."""

    machine: str
    nodes: int
    load: float
    there: Machine
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Figure:
    """A figure of a day: its name, what it is called, and in which unit it is shown."""

    name: str
    title: str
    factor: float
    form: str


def figures_of(cell: Cell) -> tuple[Figure, ...]:
    """Return the figures of days on a machine."""
    return (
        Figure("wait", "Mean wait, minutes", 1 / 60, ".1f"),
        Figure("slowdown", "Bounded slowdown", 1.0, ".1f"),
        Figure(_IDLE, "GPUs idle while a job with GPUs waits, % of the GPUs", 100.0, ".1f"),
        Figure(f"local.{cell.there.levels[-1]}", "Slots whole in a domain of the finest level, %", 100.0, ".1f"),
    )


def tables(cells: Sequence[Cell], pools: Sequence[str], store: Store) -> Iterator[str]:
    """Yield the lines of all tables in Markdown."""
    placing = list(next((task.pools for cell in cells for task in cell.tasks if task.kind == GREED), pools))
    batches = [(cell, by_pool(greed_rows(cell.tasks, store))) for cell in cells]
    for kind, title in zip(_WEIGHTS, ("Jobs", "Work"), strict=True):
        yield f"\n**{title} of batches, % of what fits together.** Known: who knows the batch, in its order."
        yield from _head(["batches", "known", *map(_called, placing)])
        for label, some in _with_all(batches):
            yield from _batch_line(label, some, placing, kind)
    compared = [(cell, _groups(cell, pools, store)) for cell in cells]
    for number in range(4):
        title = figures_of(cells[0])[number].title
        yield f"\n**{title}.** Others: more than the first, day by day, with 95 % intervals."
        yield from _head(["days", *map(_called, pools)])
        for cell, groups in compared:
            if groups:
                yield _line(_label(cell), [str(len(groups[0].seeds)), *_cells(groups, figures_of(cell)[number])])
        for label, parts in _with_all(compared):
            if len(parts) > 1:
                yield from _in_all(label, parts, pools, number)


_Some = TypeVar("_Some")


def _with_all(found: Sequence[tuple[Cell, _Some]]) -> Iterator[tuple[str, list[tuple[Cell, _Some]]]]:
    """Yield each cell by itself, all of a load, and all."""
    for one in found:
        yield _label(one[0]), [one]
    loads = sorted({cell.load for cell, _ in found})
    for load in loads if len(loads) < len(found) else ():
        yield f"all | | {load:g}", [one for one in found if one[0].load == load]
    if len(loads) > 1:
        yield "all | | ", list(found)


def _label(cell: Cell) -> str:
    return f"{cell.machine} | {cell.nodes} | {cell.load:g}"


def _head(names: Sequence[str]) -> Iterator[str]:
    yield ""
    yield f"| machine | nodes | load | {' | '.join(names)} |"
    yield "|---" * (3 + len(names)) + "|"


def _line(label: str, cells: Sequence[str]) -> str:
    return f"| {label} | {' | '.join(cells)} |"


def _called(pool: str) -> str:
    """Return a pool as a table calls it: one of ours by its policy, an order of terms by its first."""
    uri, _, policy = pool.partition(":")
    if uri != OURS:
        return pool
    first, *others = (policy or "pack").split("+")
    return f"`{first}` first" if others else f"`{first}`"


def _batch_line(label: str, found: Sequence[tuple[Cell, _Batches]], pools: Sequence[str], kind: str) -> Iterator[str]:
    """Yield how much of the optimum each pool places; after the first pool how much more, day by day."""
    found = [(cell, batches) for cell, batches in found if batches]
    rows = {pool: [row for _, batches in found for row in batches[pool]] for pool in pools} if found else {}
    if not rows:
        return
    first = rows[pools[0]]
    known = total(first, column(kind, "in order")) / total(first, column(kind, "optimum"))
    cells = [str(len(first)), f"{100 * known:.1f}"]
    for pool in pools:
        part = total(rows[pool], column(kind, "placed")) / total(rows[pool], column(kind, "optimum"))
        cells.append(f"{100 * part:.1f}" + ("" if pool == pools[0] else _of_batches(found, pool, pools[0], kind)))
    yield _line(label, cells)


def _of_batches(found: Sequence[tuple[Cell, _Batches]], pool: str, first: str, kind: str) -> str:
    """Return by how much a pool is ahead, in percent of what fits together, by the days; loads of a day count once."""
    placed, optimum = column(kind, "placed"), column(kind, "optimum")
    by_day: dict[tuple[str, int, int], float] = {}
    for cell, batches in found:
        for mine, other in zip(batches[pool], batches[first], strict=True):
            day = cell.machine, cell.nodes, mine["seed"]
            by_day[day] = by_day.get(day, 0.0) + mine[placed] - other[placed]
    mean = sum(total(batches[first], optimum) for _, batches in found) / len(by_day)
    return _difference(estimate([some / mean for some in by_day.values()]), 100.0, ".1f")


def _groups(cell: Cell, pools: Sequence[str], store: Store) -> list[Group]:
    """Return what each pool came to on the days that all of them have run."""
    runs = [task for task in cell.tasks if task.kind != GREED]
    whole = {
        seed for seed in {task.seed for task in runs} if all(store.has(task.key) for task in runs if task.seed == seed)
    }
    found = gather([task for task in runs if task.seed in whole], store)
    gpus = sum(nodes.bit_count() * g.bit_count() for nodes, _, g in cell.there.holdings)
    by_name = {group.pool: replace(group, results=[_with_idle(r, gpus) for r in group.results]) for group in found}
    return [by_name[pool] for pool in pools if pool in by_name]


def _cells(groups: Sequence[Group], figure: Figure) -> Iterator[str]:
    first = groups[0]
    for group in groups:
        found = group.figure(figure.name)
        if found is None:
            yield ""
            continue
        text = format(found.mean * figure.factor, figure.form)
        less = group.less(first, figure.name) if group is not first else None
        yield text + ("" if less is None else _difference(less, figure.factor, figure.form))


def _in_all(
    label: str, compared: Sequence[tuple[Cell, Sequence[Group]]], pools: Sequence[str], number: int
) -> Iterator[str]:
    """Yield how much more each pool comes to than the first in percent, over some machines, sizes and loads.

    A day is one seed on one machine of a size: what it has under several loads is alike, and counts once, by its mean.
    """
    found: dict[str, dict[tuple[str, int, int], list[float]]] = {pool: {} for pool in pools}
    for cell, groups in compared:
        name = figures_of(cell)[number].name
        for group in groups:
            pairs = zip(group.seeds, group.results, groups[0].results, strict=True)
            for seed, mine, first in pairs:
                ours, theirs = (result["figures"].get(name) for result in (mine, first))
                if ours and theirs:
                    key = cell.machine, cell.nodes, seed
                    found[group.pool].setdefault(key, []).append(math.log(ours / theirs))
    days = len(found[pools[0]])
    if days:
        means = {pool: estimate([sum(some) / len(some) for some in by.values()]) for pool, by in found.items()}
        cells = [f"{_difference(means[pool], 100.0, '.1f').strip(' ()')} %" for pool in pools[1:]]
        yield _line(label, [str(days), "", *cells])


def _difference(less: Estimate, factor: float, form: str) -> str:
    if less.half is None:
        return f" ({less.mean * factor:+{form}})"
    return f" ({less.mean * factor:+{form}} ± {less.half * factor:{form}})"


def _with_idle(result: Mapping[str, Any], gpus: int) -> dict[str, Any]:
    idle = idle_gpus(result["series"], result["jobs"], gpus)
    return {**result, "figures": {**result["figures"], **({} if idle is None else {_IDLE: idle})}}


def idle_gpus(series: Mapping[str, Sequence[Any]], jobs: Mapping[str, Sequence[Any]], gpus: int) -> float | None:
    """Return the part of the GPUs that is idle while a job with GPUs waits, over the time in which jobs come.

    Parameters
    ----------
    series
        The GPUs that are held from each time on.
    jobs
        When each came and started, and its GPUs.
    gpus
        Of the machine; None is returned where there are none, or no time.
    """
    end = max(jobs["submit"], default=0.0)
    if not gpus or not end:
        return None
    changes = [(time, 0, held) for time, held in zip(series["time"], series["gpus"], strict=True)]
    for submit, start, held in zip(jobs["submit"], jobs["start"], jobs["gpus"], strict=True):
        if held and start is not None:
            changes += [(submit, 1, None), (start, -1, None)]
    changes.sort(key=lambda change: change[0])
    idle = last = 0.0
    waiting, busy = 0, 0.0
    for time, more, held in changes:
        idle += (min(time, end) - min(last, end)) * (gpus - busy) * (waiting > 0)
        last, waiting, busy = time, waiting + more, busy if held is None else held
    return idle / (gpus * end)


def draw(cells: Sequence[Cell], pools: Sequence[str], store: Store, path: Path) -> None:
    """Draw how local slots are, and how much longer jobs wait than under the first pool, where days are enough."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    found = [(cell, _groups(cell, pools, store)) for cell in cells]
    found = [(cell, groups) for cell, groups in found if groups and len(groups[0].seeds) >= _ENOUGH]
    machines = list(dict.fromkeys(cell.machine for cell, _ in found))
    figure, panels = plt.subplots(2, len(machines), figsize=(14, 7), sharey="row", squeeze=False)
    names = [_called(pool).replace("`", "") for pool in pools]
    for at, machine in enumerate(machines):
        mine = [(cell, groups) for cell, groups in found if cell.machine == machine]
        above, below = panels[:, at]
        _bars(above, mine, [(name, lambda cell, groups, at: _local(cell, groups[at])) for name in names])
        _bars(below, mine, [(name, lambda _, groups, at: _longer(groups[at], groups[0])) for name in names])
        above.set(title=machine, ylim=(80, 100))
        below.axhline(0, color="black", linewidth=0.8)
    panels[0][0].set(ylabel="slots whole in a domain\nof the finest level, %")
    panels[1][0].set(ylabel=f"wait, % more than under {names[0]},\nday by day, with 95 % intervals")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=len(pools), frameon=False, loc="lower center")
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(path, dpi=110)


_ENOUGH = 5
"""Days."""

_Value = Callable[[Cell, Sequence[Group], int], Estimate]


def _local(cell: Cell, group: Group) -> Estimate:
    found = group.figure(f"local.{cell.there.levels[-1]}")
    assert found is not None
    return Estimate(100 * found.mean, None)


def _longer(group: Group, first: Group) -> Estimate:
    pairs = zip(group.results, first.results, strict=True)
    ratios = [
        mine["figures"]["wait"] / theirs["figures"]["wait"] for mine, theirs in pairs if theirs["figures"]["wait"]
    ]
    found = estimate([math.log(ratio) for ratio in ratios if ratio])
    return Estimate(100 * found.mean, 100 * (found.half or 0.0))


def _bars(panel: Any, compared: Sequence[tuple[Cell, Sequence[Group]]], pools: Sequence[tuple[str, _Value]]) -> None:
    """Draw a group of bars for each size and load."""
    width = 0.8 / len(pools)
    for number, (pool, value) in enumerate(pools):
        found = [value(cell, groups, number) for cell, groups in compared]
        places = [at + (number - (len(pools) - 1) / 2) * width for at in range(len(compared))]
        errors = [one.half or 0.0 for one in found]
        panel.bar(places, [one.mean for one in found], width, yerr=errors if any(errors) else None, label=pool)
    panel.set_xticks(range(len(compared)), [f"{cell.load:g}\n{cell.nodes}" for cell, _ in compared])
    panel.set_xlabel("load, and nodes")
