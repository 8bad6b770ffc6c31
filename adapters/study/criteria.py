"""What pools are judged by, one against another: differences seed by seed, and how large one must be to matter.

A difference is shown where its 95 % confidence interval leaves out zero: one seed shows none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .groups import Estimate, Group, Situation, estimate
from .price import Rows, column, total

LESS, MORE = -1, 1
_MINUTE = 60.0
_MILLI = 1000.0

Batches = Callable[[Situation], Mapping[str, Rows]]
"""Returns what was placed of batches in a situation, by pool."""


def no_batches(_: Situation) -> Mapping[str, Rows]:
    """Return that no batches were placed."""
    return {}


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that pools are judged by.

    Attributes
    ----------
    name
        In words.
    factor, unit, form
        From the figure to what is shown, and how.
    way
        `LESS` or `MORE`, whichever is better.
    of
        Its value of each seed of a group.
    matters
        How large a difference to a group has to be to count when a pool is chosen; None where it does not count there.
    first
        Whether it is shown on the first screen.
    """

    name: str
    factor: float
    unit: str
    form: str
    way: int
    of: Callable[[Group], Mapping[int, float]]
    matters: Callable[[Group], float] | None = None
    first: bool = True

    def less(self, one: Group, other: Group) -> Estimate | None:
        """Return how much more the one has than the other, seed by seed; None where no seed has both."""
        mine, theirs = self.of(one), self.of(other)
        values = [value - theirs[seed] for seed, value in mine.items() if seed in theirs]
        return estimate(values) if values else None

    def better(self, one: Group, other: Group) -> bool:
        """Tell whether the one is shown to be better than the other, by as much as matters."""
        less = self.less(one, other)
        if less is None or less.half is None or self.matters is None:
            return False
        return self.way * less.mean > max(less.half, self.matters(other))

    def mean(self, group: Group) -> float | None:
        """Return the mean over the seeds, None of nothing."""
        values = self.of(group).values()
        return sum(values) / len(values) if values else None


def criteria(levels: Sequence[str], batches: Mapping[str, Rows]) -> list[Criterion]:
    """Return what pools are judged by, what counts first before the rest.

    Parameters
    ----------
    levels
        Below the node, the finest last.
    batches
        What each pool placed of batches; where there are none, work is the cores in use while jobs come.
    """
    work = "work placed of batches" if any(batches.values()) else "core use while jobs come"
    found = [
        Criterion("jobs run", 1.0, "", ".1f", MORE, _figure("ran"), lambda _: 0.0),
        Criterion("mean wait", 1 / _MINUTE, " min", ".1f", LESS, _figure("wait"), _of_mean("wait", 0.05)),
        Criterion("bounded slowdown", 1.0, "", ".2f", LESS, _figure("slowdown"), first=False),
        Criterion(work, 100.0, " %", ".1f", MORE, _work(batches), lambda _: 0.01),
    ]
    if levels:
        local = _figure(f"local.{levels[-1]}")
        found.append(Criterion(f"slots in one {levels[-1]}", 100.0, " %", ".1f", MORE, local, lambda _: 0.01))
    wrong = _figure("jobs refused wrongly")
    return [
        *found,
        Criterion("jobs refused wrongly", 1.0, "", ".1f", LESS, wrong, _of_mean("jobs", 0.001)),
        Criterion("time of a decision", _MILLI, " ms", ".2f", LESS, _figure("decision")),
    ]


def _figure(name: str) -> Callable[[Group], Mapping[int, float]]:
    def of(group: Group) -> Mapping[int, float]:
        some = zip(group.seeds, group.results, strict=True)
        return {seed: result["figures"][name] for seed, result in some if name in result["figures"]}

    return of


def _of_mean(name: str, part: float) -> Callable[[Group], float]:
    def of(group: Group) -> float:
        found = group.figure(name)
        return part * found.mean if found else 0.0

    return of


def _work(batches: Mapping[str, Rows]) -> Callable[[Group], Mapping[int, float]]:
    """Return the part of the work of the batches that fits together, seed by seed, or else the cores in use."""
    use = _figure("loaded utilisation")

    def of(group: Group) -> Mapping[int, float]:
        rows: Rows = [row for row in batches.get(group.pool, ()) if row.get(column("work", "optimum"))]
        seeds = dict.fromkeys(int(row["seed"]) for row in rows)
        shares = {}
        for seed in seeds:
            mine = [row for row in rows if row["seed"] == seed]
            shares[seed] = total(mine, column("work", "placed")) / total(mine, column("work", "optimum"))
        return shares or use(group)

    return of
