"""The pictures of a study, by matplotlib; the same results give the same bytes."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..drawing.palette import COLOURS
from .groups import Group
from .price import column, total

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "svg.fonttype": "path",
    "svg.hashsalt": "exactfit",
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
}
_STYLES = ("-", "--", "-.", ":")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_MOST_POINTS = 1500
_MOST_DOTS = 3000
_MOST_TICKS = 12
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_MOST_BINS = 150
_BINS = (
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 4, 8)),
    *(_DAY * n for n in (1, 7, 30)),
)
"""Sizes of the bins that lines over time are means of: every change of a busy day would be a smear."""
_MILLI = 1000.0


class Pictures:
    """Draws a study's groups.

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
        self.loads = sorted({group.load for group in groups if group.load is not None})
        first = groups[0]
        self.groups = groups
        self.one = [g for g in groups if g.load == first.load and g.scheduling == first.scheduling]
        self.scheduling = first.scheduling
        self.pools = list(dict.fromkeys(group.pool for group in groups))
        self.levels = list(levels)
        self.greed = greed
        ends = [result["series"].get("time", [0.0])[-1] for group in self.one for result in group.results]
        self.bin = bin_for(max(ends, default=0.0))

    def all(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, caption and SVG of each picture there is something to draw in."""
        seed = f" (seed {self.one[0].seeds[0]})" if len(self.one[0].seeds) > 1 else ""
        several = len(self.one[0].seeds) > 1
        over = f", of {len(self.one[0].seeds)} seeds, between the least and the most of them" if several else ""
        means = f"means of {self.bin / _MINUTE:g} minutes{over}"
        drawn: list[tuple[str, str, Callable[[Axes], None], bool]] = [
            ("locality", "Slots that stand in one domain, by level (best split of what each job holds)", self._local,
             bool(self.levels)),
            ("waits", "Jobs that waited no longer than this", self._waits, True),
            ("timeline", f"Cores held over time, {means}", self._busy, True),
            ("nodes", f"Nodes wholly free over time, {means}",
             lambda axes: self._line(axes, "intact.node", "wholly free"), True),
            ("intact", f"{self._finest()} domains wholly free over time, {means}", self._intact, bool(self.levels)),
            ("greed", "Of the jobs of a batch that fit together, how many each pool placed one after the other: a dot "
             "a batch, a line all batches", lambda axes: self._greed(axes, ""), bool(self.greed)),
            ("greed-work", "The same in work: of the parts of the machine that fit together", self._greed_work,
             bool(self.greed)),
            ("decisions", f"Time of each decision against how full the machine was{seed}", self._decisions, True),
            ("decision-times", "Decisions that took no longer than this", self._decision_times, True),
            ("load-wait", "Mean wait by load, with 95 % confidence",
             lambda axes: self._by_load(axes, "wait", 1 / _HOUR, "hours"), len(self.loads) > 1),
            ("load-slowdown", "Mean bounded slowdown by load, with 95 % confidence",
             lambda axes: self._by_load(axes, "slowdown", 1.0, ""), len(self.loads) > 1),
        ]  # fmt: skip
        for name, caption, draw, wanted in drawn:
            if wanted:
                yield name, caption, _svg(draw)

    def _style(self, pool: str) -> dict[str, Any]:
        place = self.pools.index(pool)
        return {"color": COLOURS[place % len(COLOURS)], "linestyle": _STYLES[place % len(_STYLES)], "label": pool}

    def _finest(self) -> str:
        return self.levels[-1] if self.levels else "node"

    def _local(self, axes: Axes) -> None:
        width = 0.8 / len(self.one)
        for place, group in enumerate(self.one):
            found = [group.figure(f"local.{level}") for level in self.levels]
            means = [100 * (one.mean if one else 0.0) for one in found]
            at = [i + (place - (len(self.one) - 1) / 2) * width for i in range(len(self.levels))]
            style = self._style(group.pool)
            bars = axes.bar(at, means, width * 0.92, color=style["color"], label=group.pool)
            axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=1)
        axes.set_xticks(range(len(self.levels)), self.levels)
        axes.set_ylim(0, 126)
        axes.set_yticks(range(0, 101, 20))
        axes.set_ylabel("% of slots")
        axes.legend(loc="upper center", fontsize=8, ncols=4)

    def _waits(self, axes: Axes) -> None:
        least = 100.0
        for group in self.one:
            waits = sorted(w for result in group.results for w in result["jobs"].get("wait", ()) if w is not None)
            _steps(axes, [wait / _HOUR for wait in waits], self._style(group.pool))
            least = min(least, 100.0 * sum(wait <= 0 for wait in waits) / len(waits) if waits else least)
        axes.set_xlabel("wait, hours")
        axes.set_xscale("symlog", linthresh=0.1)
        axes.set_xlim(left=0)
        _plain(axes.xaxis)
        # Jobs that did not wait at all are most of them on a quiet machine, and no news.
        axes.set_ylim(bottom=max(0.0, 5 * (least // 5) - 5))
        axes.set_ylabel("% of jobs")
        _legend(axes, "lower right")

    def _line(self, axes: Axes, column: str, ylabel: str) -> None:
        for group in self.one:
            every = [
                averaged(result["series"].get("time", []), result["series"].get(column, []), self.bin)
                for result in group.results
            ]
            bins = [[one[place] for one in every if place < len(one)] for place in range(max(map(len, every)))]
            means = [sum(some) / len(some) for some in bins]
            hours = [place * self.bin / _HOUR for place in range(len(means) + 1)]
            style = self._style(group.pool)
            axes.step(hours, [*means, *means[-1:]], where="post", linewidth=1.2, **style)
            if len(every) > 1:
                low, high = ([way(some) for some in (*bins, *bins[-1:])] for way in (min, max))
                axes.fill_between(hours, low, high, step="post", alpha=0.12, linewidth=0, color=style["color"])
        axes.set_xlabel("hours")
        axes.set_ylabel(ylabel)
        axes.set_ylim(bottom=0)
        # Lines go everywhere: there is room for a legend above them alone.
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=8, ncols=4, borderaxespad=0.2)

    def _busy(self, axes: Axes) -> None:
        self._line(axes, "cores", "cores held")

    def _intact(self, axes: Axes) -> None:
        self._line(axes, f"intact.{self._finest()}", "wholly free")

    def _greed_work(self, axes: Axes) -> None:
        self._greed(axes, "work")

    def _greed(self, axes: Axes, kind: str) -> None:
        placed, optimum = column(kind, "placed"), column(kind, "optimum")
        rows = sorted(
            self.greed,
            key=lambda row: (self.pools.index(str(row["pool"])), row["load"] or 0, row["seed"], row["batch"]),
        )
        for place, (pool, some) in enumerate(groupby(rows, key=lambda row: str(row["pool"]))):
            mine = [row for row in some if row.get(optimum)]
            shares = [100.0 * row[placed] / row[optimum] for row in mine]
            style = self._style(pool)
            spread = [place + (i % 7 - 3) * 0.05 for i in range(len(shares))]
            axes.scatter(spread, shares, s=16, alpha=0.6, color=style["color"], linewidths=0)
            if shares:
                average = 100.0 * total(mine, placed) / total(mine, optimum)
                axes.hlines(average, place - 0.3, place + 0.3, color=style["color"], linewidth=2)
                axes.annotate(f"{average:.1f} %", (place + 0.32, average), va="center", fontsize=8)
        names = list(dict.fromkeys(str(row["pool"]) for row in rows))
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.6, len(names) - 0.2)
        axes.axhline(100, color="#5b6570", linewidth=0.8)
        least = min((100.0 * row[placed] / row[optimum] for row in rows if row.get(optimum)), default=100.0)
        axes.set_ylim(max(0.0, 10 * (least // 10) - 5), 103)
        axes.set_ylabel("% of the optimum")

    def _decisions(self, axes: Axes) -> None:
        for group in self.one:
            table = group.results[0]["decisions"]
            busy, seconds = table.get("busy", []), table.get("seconds", [])
            step = max(1, len(busy) // _MOST_DOTS)
            style = self._style(group.pool)
            mark = _MARKS[self.pools.index(group.pool) % len(_MARKS)]
            axes.scatter(
                [100 * part for part in busy[::step]],
                [max(second, 1e-7) * _MILLI for second in seconds[::step]],
                s=7,
                alpha=0.45,
                linewidths=0,
                marker=mark,
                color=style["color"],
                label=group.pool,
                # Thousands of dots as paths would be most of the page.
                rasterized=True,
            )
        axes.set_yscale("log")
        _plain(axes.yaxis)
        axes.set_xlabel("% of cores held before the decision")
        axes.set_ylabel("milliseconds")
        _legend(axes)

    def _decision_times(self, axes: Axes) -> None:
        for group in self.one:
            seconds = sorted(s for result in group.results for s in result["decisions"].get("seconds", ()))
            _steps(axes, [max(second, 1e-7) * _MILLI for second in seconds], self._style(group.pool))
        axes.set_xscale("log")
        _plain(axes.xaxis)
        axes.set_xlabel("milliseconds")
        axes.set_ylabel("% of decisions")
        _legend(axes, "lower right")

    def _by_load(self, axes: Axes, figure: str, scale: float, unit: str) -> None:
        # Side by side, as the intervals would hide each other.
        apart = 0.012 * (self.loads[-1] - self.loads[0])
        for place, pool in enumerate(self.pools):
            points = [
                (group.load, group.figure(figure))
                for group in self.groups
                if group.pool == pool and group.load is not None and group.scheduling == self.scheduling
            ]
            kept = sorted((load, found) for load, found in points if found is not None and load is not None)
            axes.errorbar(
                [load + apart * (place - (len(self.pools) - 1) / 2) for load, _ in kept],
                [found.mean * scale for _, found in kept],
                yerr=[(found.half or 0.0) * scale for _, found in kept],
                capsize=3,
                marker=_MARKS[place % len(_MARKS)],
                markersize=4,
                elinewidth=1,
                **self._style(pool),
            )
        if len(self.loads) <= _MOST_TICKS:
            axes.set_xticks(self.loads, [f"{load:g}" for load in self.loads])
        axes.set_xlabel("offered load")
        axes.set_ylabel(f"{figure}, {unit}" if unit else figure)
        axes.set_ylim(bottom=0)
        _legend(axes)


def bin_for(span: float) -> float:
    """Return the least usual number of seconds of which no more than `_MOST_BINS` make a span."""
    months = math.ceil(span / (_BINS[-1] * _MOST_BINS))
    return next((size for size in _BINS if span <= size * _MOST_BINS), _BINS[-1] * months)


def averaged(times: Sequence[float], values: Sequence[float], size: float) -> list[float]:
    """Return the mean of a value over each bin of time.

    Parameters
    ----------
    times, values
        The value from each time on; times ascend, and the last ends the whole.
    size
        Of a bin, in the unit of the times. Bins begin at 0; the last one may be shorter.
    """
    if len(times) < 2 or times[-1] <= times[0]:
        return list(values[-1:])
    count = math.ceil(times[-1] / size)
    sums, spans = [0.0] * count, [0.0] * count
    for start, end, value in zip(times, times[1:], values, strict=False):
        place = int(start // size)
        while start < end:
            part = min(end, (place + 1) * size) - start
            sums[place] += part * value
            spans[place] += part
            start, place = (place + 1) * size, place + 1
    return [total / span if span else 0.0 for total, span in zip(sums, spans, strict=True)]


def _steps(axes: Axes, ordered: Sequence[float], style: Mapping[str, Any]) -> None:
    """Draw how much of some values lies below each."""
    if not ordered:
        return
    step = max(1, len(ordered) // _MOST_POINTS)
    places = [*range(0, len(ordered), step), len(ordered) - 1]
    shares = [100.0 * (place + 1) / len(ordered) for place in places]
    axes.step([ordered[place] for place in places], shares, where="post", linewidth=1.4, **style)
    axes.set_ylim(0, 102)


def _plain(axis: Any) -> None:
    """Write the numbers of a logarithmic axis out, as mathematical text is switched off."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _legend(axes: Axes, place: Any = "best") -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc=place, fontsize=8)


def _svg(draw: Callable[[Axes], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_RC):
        figure: Figure = Figure(figsize=(6.2, 3.3), layout="constrained")
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", dpi=160, metadata={"Date": None, "Creator": "exactfit"})
    return text.getvalue()
