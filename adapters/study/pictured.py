"""Which charts a study has, as numbers: of the first queue and load, but for those by load and the price of greed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .charts import BARS, DOTS, ERRORS, STEPS, Axis, Chart, Series
from .curves import averaged, bin_for, shares_below
from .groups import Group
from .price import column, total

_MOST_DOTS = 1500
_MOST_TICKS = 12
_MINUTE, _HOUR = 60.0, 3600.0
_MILLI = 1000.0
_LEAST_WAIT = 1 / 60
"""Hours: the axis of waits is logarithmic and begins at a minute, which is as good as none."""
_LEAST_DECISION = 1e-3
"""Milliseconds."""


class Pictured:
    """The charts of a study.

    Parameters
    ----------
    groups
        Not empty.
    levels
        Below the node, the coarsest first.
    greed
        Rows of the comparison with the optimum.
    """

    def __init__(self, groups: Sequence[Group], levels: Sequence[str], greed: Sequence[Mapping[str, Any]]) -> None:
        first = groups[0]
        self.groups = groups
        self.loads = sorted({group.load for group in groups if group.load is not None})
        self.one = [g for g in groups if g.situation == first.situation]
        self.scheduling, self.machine = first.scheduling, first.machine
        self.pools = list(dict.fromkeys(group.pool for group in groups))
        self.levels = list(levels)
        self.greed = greed
        ends = [result["series"].get("time", [0.0])[-1] for group in self.one for result in group.results]
        self.bin = bin_for(max(ends, default=0.0))

    def all(self) -> Iterator[Chart]:
        """Yield each chart that there is something for."""
        finest = self.levels[-1] if self.levels else ""
        if finest:
            yield self._locality()
        yield self._waits()
        yield self._over_time("timeline", "Cores held", "cores", "cores held")
        yield self._over_time("nodes", "Nodes wholly free", "intact.node", "nodes wholly free")
        if finest:
            what = f"{finest} domains wholly free"
            yield self._over_time("intact", what[:1].upper() + what[1:], f"intact.{finest}", what)
        if any(row.get("optimum") for row in self.greed):
            caption = "Of the jobs of a batch that fit together, how many each pool placed one after the other"
            yield self._greed("greed", f"{caption}: a dot a batch, a line all batches", "")
            yield self._greed("greed-work", "The same in work: of the parts of the machine that fit together", "work")
        yield self._decisions()
        yield self._decision_times()
        if len(self.loads) > 1:
            yield self._by_load("wait", "Mean wait", 1 / _HOUR, "mean wait, hours")
            yield self._by_load("slowdown", "Mean bounded slowdown", 1.0, "bounded slowdown")

    def _place(self, pool: str) -> int:
        return self.pools.index(pool)

    def _locality(self) -> Chart:
        series = []
        for group in self.one:
            found = [group.figure(f"local.{level}") for level in self.levels]
            means = [100 * (one.mean if one else 0.0) for one in found]
            halves = [100 * (one.half or 0.0) if one else 0.0 for one in found]
            low, high = (
                [m + sign * h for m, h in zip(means, halves, strict=True)] if any(halves) else [] for sign in (-1, 1)
            )
            series.append(Series(group.pool, self._place(group.pool), range(len(means)), means, low, high))
        caption = "Slots that stand in one domain, by level (best split of what each job holds)"
        y = Axis("% of slots", 0, 108, ticks=range(0, 101, 20))
        return Chart("locality", caption, BARS, Axis(names=self.levels), y, series)

    def _waits(self) -> Chart:
        series = []
        for group in self.one:
            waits = [w for result in group.results for w in result["jobs"].get("wait", ()) if w is not None]
            x, y = shares_below(waits, 1 / _HOUR, _LEAST_WAIT)
            series.append(Series(group.pool, self._place(group.pool), x, y))
        # Jobs that did not wait at all are most of them on a quiet machine, and no news.
        low = min((one.y[0] for one in series if one.y), default=0.0)
        y_axis = Axis("% of jobs", max(0.0, 5 * (low // 5) - 5), 101)
        x_axis = Axis("wait, hours; up to a minute counts as one", _LEAST_WAIT, log=True)
        return Chart("waits", "Jobs that waited no longer than this", STEPS, x_axis, y_axis, series)

    def _over_time(self, name: str, what: str, key: str, label: str) -> Chart:
        seeds = len(self.one[0].seeds)
        over = f", of {seeds} seeds, between the least and the most of them" if seeds > 1 else ""
        series = []
        for group in self.one:
            every = [
                averaged(result["series"].get("time", []), result["series"].get(key, []), self.bin)
                for result in group.results
            ]
            bins = [[one[place] for one in every if place < len(one)] for place in range(max(map(len, every)))]
            # The last one holds to its end.
            bins += bins[-1:]
            hours = [place * self.bin / _HOUR for place in range(len(bins))]
            means = [sum(some) / len(some) for some in bins]
            low, high = ([way(some) for some in bins] if len(every) > 1 else [] for way in (min, max))
            series.append(Series(group.pool, self._place(group.pool), hours, means, low, high))
        caption = f"{what} over time, means of {self.bin / _MINUTE:g} minutes{over}"
        return Chart(name, caption, STEPS, Axis("hours", 0), Axis(label, 0), series)

    def _greed(self, name: str, caption: str, kind: str) -> Chart:
        placed, optimum = column(kind, "placed"), column(kind, "optimum")
        names = list(dict.fromkeys(str(row["pool"]) for row in self.greed))
        series, least = [], 100.0
        for place, pool in enumerate(names):
            mine = sorted(
                (row for row in self.greed if row["pool"] == pool and row.get(optimum)),
                key=lambda row: (row["load"] or 0, row["seed"], row["batch"]),
            )
            shares = [100.0 * row[placed] / row[optimum] for row in mine]
            spread = [place + (i % 7 - 3) * 0.05 for i in range(len(shares))]
            average = 100.0 * total(mine, placed) / total(mine, optimum) if mine else None
            series.append(
                Series(pool, self._place(pool) if pool in self.pools else place, spread, shares, mean=average)
            )
            least = min([least, *shares])
        y = Axis("% of the optimum", max(0.0, 10 * (least // 10) - 5), 103)
        return Chart(name, caption, DOTS, Axis(names=names), y, series, mark=100.0)

    def _decisions(self) -> Chart:
        series = []
        for group in self.one:
            table = group.results[0]["decisions"]
            busy, seconds = table.get("busy", []), table.get("seconds", [])
            step = max(1, len(busy) // _MOST_DOTS)
            x, y = [100 * part for part in busy[::step]], [_milliseconds(second) for second in seconds[::step]]
            series.append(Series(group.pool, self._place(group.pool), x, y))
        seed = f" (seed {self.one[0].seeds[0]})" if len(self.one[0].seeds) > 1 else ""
        caption = f"Time of each decision against how full the machine was{seed}"
        x_axis = Axis("% of cores held before the decision")
        return Chart("decisions", caption, DOTS, x_axis, Axis("milliseconds", log=True), series)

    def _decision_times(self) -> Chart:
        series = []
        for group in self.one:
            seconds = [s for result in group.results for s in result["decisions"].get("seconds", ())]
            x, y = shares_below(seconds, _MILLI, _LEAST_DECISION)
            series.append(Series(group.pool, self._place(group.pool), x, y))
        x_axis = Axis("milliseconds", log=True)
        y_axis = Axis("% of decisions", 0, 101)
        return Chart("decision-times", "Decisions that took no longer than this", STEPS, x_axis, y_axis, series)

    def _by_load(self, figure: str, what: str, scale: float, label: str) -> Chart:
        # Side by side, as the intervals would hide each other.
        apart = 0.012 * (self.loads[-1] - self.loads[0])
        series = []
        for place, pool in enumerate(self.pools):
            points = [
                (group.load, group.figure(figure))
                for group in self.groups
                if (group.pool, group.scheduling, group.machine) == (pool, self.scheduling, self.machine)
            ]
            kept = sorted((load, found) for load, found in points if found is not None and load is not None)
            x = [load + apart * (place - (len(self.pools) - 1) / 2) for load, _ in kept]
            y = [found.mean * scale for _, found in kept]
            low, high = ([(f.mean + sign * (f.half or 0.0)) * scale for _, f in kept] for sign in (-1, 1))
            series.append(Series(pool, place, x, y, low, high))
        ticks = self.loads if len(self.loads) <= _MOST_TICKS else ()
        caption = f"{what} by load, with 95 % confidence"
        return Chart(f"load-{figure}", caption, ERRORS, Axis("offered load", ticks=ticks), Axis(label, 0), series)


def _milliseconds(seconds: float) -> float:
    return max(seconds * _MILLI, _LEAST_DECISION)
