"""The few figures of a study that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Group as Tables
from rich.text import Text

from ...topology.machine import Machine
from ..fitted_table import Column, FittedTable
from .groups import Estimate, Group, gather
from .store import Store
from .task import Task

_MINUTE = 60.0


def lines(tasks: Sequence[Task], store: Store, machine: Machine) -> Tables:
    """Return a table for each queue, load and machine, with a column for each pool, whose figures stay whole."""
    finest = machine.levels[-1] if machine.levels else ""
    wanted: list[tuple[str, str, float, str]] = [("ran", "jobs run", 1.0, ".0f")]
    if finest:
        wanted.append((f"local.{finest}", f"slots in one {finest}, %", 100.0, ".1f"))
    wanted += [
        ("jobs refused wrongly", "refused wrongly", 1.0, ".0f"),
        ("wait", "mean wait, min", 1 / _MINUTE, ".1f"),
        ("slowdown", "slowdown", 1.0, ".2f"),
        ("utilisation", "core use, %", 100.0, ".1f"),
        ("decision", "decision, ms", 1000.0, ".2f"),
    ]
    groups = gather(tasks, store)
    machines = list(dict.fromkeys(group.machine for group in groups))

    def place(group: Group) -> tuple[str, float, int]:
        return group.scheduling, -1.0 if group.load is None else group.load, machines.index(group.machine)

    tables = []
    for _, members in groupby(sorted(groups, key=place), key=place):
        pools = list(members)
        columns = (Column("", lead=True), *(Column(pool.pool, right=True) for pool in pools))
        rows = [
            (Text(head), *(Text(_cell(pool.figure(figure), factor, form)) for pool in pools))
            for figure, head, factor, form in wanted
        ]
        tables.append(FittedTable(columns, rows, pools[0].situation.words, ruled=True))
    return Tables(*tables)


def _cell(found: Estimate | None, factor: float, form: str) -> str:
    if found is None:
        return ""
    text = format(found.mean * factor, form)
    return text if found.half is None else f"{text} ± {format(found.half * factor, form)}"
