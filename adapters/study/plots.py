"""Draws charts as SVG by matplotlib, for print and where no script runs; the same charts give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..drawing.palette import COLOURS, job_colour
from .charts import BARS, DOTS, ERRORS, SPANS, STEPS, Axis, Chart, Series

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
_WIDTH, _HEIGHT = 6.2, 3.3
_RED = "#c00000"


def svg_of(chart: Chart) -> str:
    """Return a chart as SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_RC):
        size = (2 * _WIDTH, _HEIGHT * 1.2) if chart.kind == SPANS else (_WIDTH, _HEIGHT)
        figure: Figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        _DRAWN[chart.kind](axes, chart)
        _scale(axes.xaxis, chart.x, axes.set_xlim)
        _scale(axes.yaxis, chart.y, axes.set_ylim)
        if chart.kind != SPANS and axes.get_legend_handles_labels()[0]:
            # Lines go everywhere: there is room for a legend above them alone.
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=8, ncols=4, borderaxespad=0.2)
        text = io.StringIO()
        figure.savefig(text, format="svg", dpi=160, metadata={"Date": None, "Creator": "exactfit"})
    return text.getvalue()


def _scale(axis: Any, of: Axis, limits: Any) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_label_text(of.label)
    if of.log:
        (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
        # Numbers are written out, as mathematical text is switched off.
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    if of.names:
        axis.set_ticks(range(len(of.names)), labels=list(of.names))
    elif of.ticks:
        axis.set_ticks(list(of.ticks), labels=[f"{tick:g}" for tick in of.ticks])
    if of.falls:
        limits(of.high, of.low)
    else:
        limits(of.low, of.high)


def _look(one: Series) -> dict[str, Any]:
    colour, line = COLOURS[one.place % len(COLOURS)], _STYLES[one.place % len(_STYLES)]
    return {"color": colour, "linestyle": line, "label": one.name}


def _steps(axes: Axes, chart: Chart) -> None:
    for one in chart.series:
        axes.step(one.x, one.y, where="post", linewidth=1.3, **_look(one))
        if one.low:
            colour = _look(one)["color"]
            axes.fill_between(one.x, one.low, one.high, step="post", alpha=0.12, linewidth=0, color=colour)


def _bars(axes: Axes, chart: Chart) -> None:
    width = 0.8 / max(1, len(chart.series))
    for place, one in enumerate(chart.series):
        at = [x + (place - (len(chart.series) - 1) / 2) * width for x in one.x]
        bars = axes.bar(at, one.y, width * 0.92, color=_look(one)["color"], label=one.name)
        axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=1)


def _dots(axes: Axes, chart: Chart) -> None:
    for one in chart.series:
        # A category says whose they are.
        name: Mapping[str, Any] = {} if chart.x.names else {"label": one.name}
        mark = _MARKS[one.place % len(_MARKS)]
        # Thousands of dots as paths would be most of the page.
        look = {"alpha": 0.5, "linewidths": 0, "marker": mark, "color": _look(one)["color"], "rasterized": True}
        axes.scatter(one.x, one.y, s=16 if chart.x.names else 7, **look, **name)
    if chart.x.names:
        for place, one in enumerate(chart.series):
            if one.mean is not None:
                axes.hlines(one.mean, place - 0.3, place + 0.3, color=_look(one)["color"], linewidth=2)
                axes.annotate(f"{one.mean:.1f} %", (place + 0.32, one.mean), va="center", fontsize=8)
        axes.set_xlim(-0.6, len(chart.x.names) - 0.2)
    if chart.mark is not None:
        axes.axhline(chart.mark, color="#5b6570", linewidth=0.8)


def _errors(axes: Axes, chart: Chart) -> None:
    for one in chart.series:
        halves = [high - mean for high, mean in zip(one.high, one.y, strict=True)]
        mark = _MARKS[one.place % len(_MARKS)]
        axes.errorbar(one.x, one.y, yerr=halves, capsize=3, marker=mark, markersize=4, elinewidth=1, **_look(one))


def _spans(axes: Axes, chart: Chart) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator

    for torn in (False, True):
        some = [span for span in chart.spans if span.torn == torn]
        boxes = [Rectangle((s.start, s.first), s.end - s.start, s.last + 1 - s.first) for s in some]
        edge: dict[str, Any] = (
            {"edgecolor": _RED, "linewidth": 1.2} if torn else {"edgecolor": "#ffffff", "linewidth": 0.3}
        )
        colours = [span_colour(span.job) for span in some]
        axes.add_collection(PatchCollection(boxes, facecolor=colours, hatch="////" if torn else None, **edge))
    if chart.mark is not None:
        axes.axvline(chart.mark, color="#1d2430", linewidth=1.2)
    axes.grid(visible=False)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def span_colour(job: int) -> str:
    """Return the colour of a job among so many that colours come round again."""
    return job_colour(1 + job % len(COLOURS))


_DRAWN = {STEPS: _steps, BARS: _bars, DOTS: _dots, ERRORS: _errors, SPANS: _spans}
