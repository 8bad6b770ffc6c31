"""The few figures of a study that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from ...topology.machine import Machine
from .groups import gather
from .store import Store
from .task import Task

_MINUTE = 60.0


def lines(tasks: Sequence[Task], store: Store, machine: Machine) -> Table:
    """Return a table with a line for each pool, policy and load."""
    finest = machine.levels[-1] if machine.levels else ""
    wanted: list[tuple[str, str, float, str]] = [("ran", "jobs run", 1.0, ".0f")]
    if finest:
        wanted.append((f"local.{finest}", f"slots in one {finest}", 100.0, ".1f"))
    wanted += [
        ("jobs refused wrongly", "refused wrongly", 1.0, ".0f"),
        ("wait", "mean wait, min", 1 / _MINUTE, ".1f"),
        ("slowdown", "slowdown", 1.0, ".2f"),
        ("utilisation", "core use, %", 100.0, ".1f"),
        ("decision", "decision, ms", 1000.0, ".2f"),
    ]
    table = Table()
    for head in ("pool", "queue", "load", *(head for _, head, _, _ in wanted)):
        table.add_column(head, justify="left" if head in ("pool", "queue") else "right")
    for group in gather(tasks, store):
        cells = [group.pool, group.scheduling, "" if group.load is None else f"{group.load:g}"]
        for figure, _, factor, form in wanted:
            found = group.figure(figure)
            text = format(found.mean * factor, form) if found else ""
            if found and found.half is not None:
                text += f" ± {format(found.half * factor, form)}"
            cells.append(text)
        table.add_row(*cells)
    return table
