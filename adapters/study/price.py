"""The price of greed in a report: a sentence and a table of what pools placed of batches, against the optimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from . import html

Rows = Sequence[Mapping[str, Any]]
"""A batch and pool each, as `greed.compare` returns them."""


def price_in_words(rows: Rows) -> list[str]:
    """Return a paragraph; nothing where no batch had a job that fits."""
    sums = {pool: (_sum(mine, "placed"), _sum(mine, "optimum")) for pool, mine in _by_pool(rows).items()}
    best = max((optimum for _, optimum in sums.values()), default=0)
    if not best:
        return []
    parts = [f"{pool} placed {placed} ({_percent(placed, optimum)} %)" for pool, (placed, optimum) in sums.items()]
    text = f"The price of greed: of {len(rows) // len(sums)} batches {best} jobs fit together{_open(best, rows)}. "
    text += "One after the other, "
    return [html.paragraph(f"{text}{', '.join(parts)}.")]


def _open(best: int, rows: Rows) -> str:
    """Return how many more jobs might fit, for all that is proven."""
    bound = max(_sum(mine, "bound") for mine in _by_pool(rows).values())
    return f" (no more than {bound} can)" if bound > best else " (proven)"


def price_table(rows: Rows) -> list[str]:
    """Return a table with a line a pool, and what it means."""
    lines = []
    for pool, mine in _by_pool(rows).items():
        placed, best, bound = (_sum(mine, column) for column in ("placed", "optimum", "bound"))
        lines.append([escape(pool), str(len(mine)), str(placed), str(best), str(bound), _percent(placed, best)])
    head = ["pool", "batches", "jobs placed", "optimum", "its bound", "% of the optimum"]
    text = (
        "A batch is the jobs that came next at one moment of the first pool's run, placed one after the other by each "
        "pool on the machine as it was then. The optimum places the batch together; where its bound is higher, it is "
        "not proven. The number of jobs is what counts: a pool that places no large one has room for several "
        "small ones."
    )
    return [html.table(head, lines), html.paragraph(text, "note")]


def _by_pool(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row["pool"]), []).append(row)
    return found


def _sum(rows: Rows, column: str) -> int:
    return sum(int(row[column]) for row in rows)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""
