"""The price of greed in a report: a sentence and a table of what pools placed of batches, against the optimum.

All parts are of sums over batches, in the sentence, the table and the picture alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from . import html
from .groups import Situation

Rows = Sequence[Mapping[str, Any]]
"""A batch and pool each, as `greed.compare` returns them."""

KINDS = (("", "jobs"), ("work", "work"), ("work time", "work, times its time limit"))
"""What batches are weighed by, and what it is called."""


def column(kind: str, name: str) -> str:
    """Return the column of a kind of weight: ``placed``, ``optimum``, ``bound`` or ``in order``."""
    if not kind:
        return name
    return kind if name == "placed" else f"{kind} {name}"


def price_in_words(rows: Rows) -> list[str]:
    """Return a paragraph; nothing where no batch had a job that fits."""
    pools = by_pool(rows)
    if not any(total(mine, "optimum") for mine in pools.values()):
        return []
    first = next(iter(pools.values()))
    best = total(first, "optimum")
    text = f"The price of greed: of {len(first)} batches {best:.0f} jobs fit together{_open(best, rows)}. "
    ahead = [percent(total(first, column(kind, "in order")), total(first, column(kind, "optimum"))) for kind in _ORDER]
    if _is_known(first):
        text += f"One who knows them all places {ahead[0]} % of them in their order, and {ahead[1]} % of the work. "
    parts = []
    for pool, mine in pools.items():
        shares = [percent(total(mine, column(k, "placed")), total(mine, column(k, "optimum"))) for k in _ORDER]
        parts.append(
            f"{pool} placed {total(mine, 'placed'):.0f} ({shares[0]} % of the jobs, {shares[1]} % of the work)"
        )
    return [html.paragraph(f"{text}One after the other, {', '.join(parts)}.")]


_ORDER = ("", "work")


def _is_known(rows: Rows) -> bool:
    """Tell whether it is known what there is in the order of the jobs."""
    return all(row.get("in order") is not None for row in rows)


def _open(best: float, rows: Rows) -> str:
    """Return how many more jobs might fit, for all that is proven."""
    bound = max(total(mine, "bound") for mine in by_pool(rows).values())
    return f" (no more than {bound:.0f} can)" if bound > best else " (proven)"


def price_table(rows: Rows) -> list[str]:
    """Return a table with a line a pool and kind of weight, and what it means."""
    lines = []
    for kind, name in KINDS:
        form = ".2f" if kind else ".0f"
        for pool, mine in by_pool(rows).items():
            if any(column(kind, "placed") not in row for row in mine):
                continue
            placed, best, bound = (total(mine, column(kind, c)) for c in ("placed", "optimum", "bound"))
            order = total(mine, column(kind, "in order")) if _is_known(mine) else None
            cells = [f"{value:{form}}" for value in (placed, best, bound)]
            shares = [percent(placed, best), "" if order is None else percent(placed, order)]
            lines.append([escape(pool), name, str(len(mine)), *cells, *shares])
    head = ["pool", "weight", "batches", "placed", "optimum", "its bound", "% of it", "% of what is in order"]
    return [
        html.table(head, lines, "Batches placed one after the other, against the optimum"),
        html.paragraph(_EXPLAINED, "note"),
    ]


_EXPLAINED = (
    "A batch is the jobs that came next at one moment of the first pool's run, placed one after the other by each pool "
    "on the machine as it was then. The optimum places the batch together, a weight each; where its bound is higher, "
    "it is not proven. Work is the part of the machine's cores or of its GPUs that a job asks for, the larger one, in "
    "machines; times the time limit, in machines for an hour. What is in order: each job is placed that can be beside "
    "those placed before it, by one who knows them all. From a pool up to there is the price of not knowing what "
    "comes; from there to the optimum the price of the order. A pool that places no large job has room for several "
    "small ones, so it may place more jobs than that. All are sums over the batches."
)


def by_pool(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of each pool."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row["pool"]), []).append(row)
    return found


def batches_of(rows: Rows) -> Callable[[Situation], dict[str, list[Mapping[str, Any]]]]:
    """Return what gives the rows of a load and a machine, by pool."""

    def batches(situation: Situation) -> dict[str, list[Mapping[str, Any]]]:
        of = situation.load, situation.machine
        return by_pool([row for row in rows if (row["load"], row["machine"]) == of])

    return batches


def total(rows: Rows, name: str) -> float:
    """Return the sum of a column; what is missing counts nothing."""
    return sum(row.get(name) or 0 for row in rows)


def percent(part: float, whole: float) -> str:
    """Return a part in percent; nothing of nothing."""
    return f"{100 * part / whole:.1f}" if whole else ""
