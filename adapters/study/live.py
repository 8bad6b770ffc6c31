"""Charts with hover values and zoom, by Bokeh, whose script the page carries: it needs no network.

Where Bokeh is not installed there are none, and the page shows the drawn pictures; so it does in print, and where no
script runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..drawing.palette import COLOURS
from .charts import BARS, DOTS, ERRORS, SPANS, STEPS, Axis, Chart, Series
from .plots import span_colour

_HEIGHT, _TALL = 300, 420
_DASHES = ("solid", "dashed", "dotdash", "dotted")
_MARKS = ("circle", "square", "triangle", "diamond", "inverted_triangle", "plus", "x")
_RED, _INK = "#c00000", "#1d2430"
_DIGITS = 6


def has_bokeh() -> bool:
    """Tell whether Bokeh is installed."""
    return find_spec("bokeh") is not None


def live(charts: Sequence[Chart]) -> str:
    """Return the scripts that put each chart into the element ``live-NAME``; "" without Bokeh or charts."""
    if not charts or not has_bokeh():
        return ""
    resources = import_module("bokeh.resources").Resources
    library = "\n".join(resources(mode="inline", components=["bokeh"], minified=True).js_raw)
    items = {chart.name: _item(chart) for chart in charts}
    # A "<" begins nothing in a string of JSON, and cannot end the script so.
    text = json.dumps(items, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    library = library.replace("</script", "<\\/script")
    return (
        f"<script>{library}</script>\n"
        f'<script type="application/json" id="charts">{text}</script>\n<script>{_BEGIN}</script>'
    )


def place_of(chart: Chart) -> str:
    """Return the element that a chart goes to; it is empty, and not seen, until the chart is there."""
    label = escape(chart.caption, quote=True)
    return f'<div class="chart" id="live-{chart.name}" role="group" aria-label="{label}"></div>'


# The drawn picture gives way once the chart is there, chart by chart.
_BEGIN = """
for (const [name, item] of Object.entries(JSON.parse(document.getElementById("charts").textContent))) {
  const place = document.getElementById("live-" + name)
  Bokeh.embed.embed_item(item, place).then(() => place.parentElement.classList.add("live"))
}
"""


def _item(chart: Chart) -> Mapping[str, Any]:
    """Return a chart as Bokeh's JSON, whose ids are the chart's own: the same chart is the same text."""
    item = import_module("bokeh.embed").json_item(_figure(chart))
    numbers: dict[str, str] = {}

    def own(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: own(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [own(inner) for inner in value]
        if isinstance(value, str) and _ID.fullmatch(value):
            return numbers.setdefault(value, f"{chart.name}-{len(numbers)}")
        return value

    found: Mapping[str, Any] = own(item)
    return found


_ID = re.compile(r"p\d{4,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What Bokeh numbers its objects and documents by."""


def _model(name: str, **values: Any) -> Any:
    """Return one of Bokeh's models; it is loaded only now, as it takes a second."""
    return getattr(import_module("bokeh.models"), name)(**values)


def _figure(chart: Chart) -> Any:
    made = import_module("bokeh.plotting").figure(
        height=_TALL if chart.kind == SPANS else _HEIGHT,
        sizing_mode="stretch_width",
        tools="box_zoom,pan,wheel_zoom,reset,save",
        active_drag="box_zoom",
        toolbar_location="right",
        x_axis_type="log" if chart.x.log else "linear",
        y_axis_type="log" if chart.y.log else "linear",
        x_axis_label=chart.x.label or None,
        y_axis_label=chart.y.label or None,
        output_backend="canvas",
    )
    made.toolbar.logo = None
    made.toolbar.autohide = True
    # A legend of its own place hides no line.
    made.add_layout(
        _model(
            "Legend",
            orientation="horizontal",
            ncols=4,
            border_line_width=0,
            padding=0,
            margin=4,
            location="left",
            click_policy="hide",
        ),
        "above",
    )
    _DRAWN[chart.kind](made, chart)
    _scale(made.x_range, made.xaxis[0], chart.x)
    _scale(made.y_range, made.yaxis[0], chart.y)
    return made


def _scale(span: Any, axis: Any, of: Axis) -> None:
    # A range without an end takes it from the data.
    low, high = (of.high, of.low) if of.falls else (of.low, of.high)
    if low is not None:
        span.start = low
    if high is not None:
        span.end = high
    span.range_padding = 0.02
    if of.names:
        axis.ticker = _model("FixedTicker", ticks=list(range(len(of.names))))
        axis.major_label_overrides = dict(enumerate(of.names))
    elif of.ticks:
        axis.ticker = _model("FixedTicker", ticks=list(of.ticks))
    elif of.log:
        axis.formatter = _model("CustomJSTickFormatter", code="return String(Number(tick.toPrecision(3)))")


def _hover(made: Any, chart: Chart, glyphs: Sequence[Any], *, line: bool, bounds: bool = False) -> None:
    tips = [("", "$name"), (chart.y.label, "@y{0,0.[00]}")]
    if bounds:
        tips.append(("from, to", "@low{0,0.[00]}, @high{0,0.[00]}"))
    tips.append((chart.x.label or "of", "@name" if chart.x.names else "@x{0,0.[000]}"))
    made.add_tools(_model("HoverTool", renderers=list(glyphs), tooltips=tips, mode="vline" if line else "mouse"))


def _source(one: Series, **more: Sequence[Any]) -> Any:
    columns = {"x": one.x, "y": one.y, "low": one.low, "high": one.high}
    kept: dict[str, list[Any]] = {name: [_short(v) for v in values] for name, values in columns.items() if len(values)}
    return _model(
        "ColumnDataSource", data={"x": [], "y": [], **kept, **{name: list(values) for name, values in more.items()}}
    )


def _short(value: float) -> float:
    """Return a number with as many digits as anyone sees."""
    return float(f"{value:.{_DIGITS}g}")


def _colour(one: Series) -> str:
    return COLOURS[one.place % len(COLOURS)]


def _stairs(values: Sequence[float], *, later: bool) -> list[float]:
    """Return values, each twice but one at an end, so that a line between them is stairs."""
    twice = [value for value in values for _ in range(2)]
    return twice[1:] if later else twice[:-1]


def _steps(made: Any, chart: Chart) -> None:
    lines = []
    for one in chart.series:
        y, low, high = (_stairs(values, later=False) for values in (one.y, one.low, one.high))
        stairs = Series(one.name, one.place, _stairs(one.x, later=True), y, low, high)
        source = _source(stairs)
        look: dict[str, Any] = {"color": _colour(one), "legend_label": one.name, "source": source}
        if one.low:
            made.varea("x", "low", "high", fill_alpha=0.12, **look)
        dash = _DASHES[one.place % len(_DASHES)]
        lines.append(made.line("x", "y", line_width=1.6, line_dash=dash, name=one.name, **look))
    _hover(made, chart, lines, line=True, bounds=any(len(one.low) for one in chart.series))


def _bars(made: Any, chart: Chart) -> None:
    width = 0.8 / max(1, len(chart.series))
    bars = []
    for place, one in enumerate(chart.series):
        at = [x + (place - (len(chart.series) - 1) / 2) * width for x in one.x]
        moved = Series(one.name, one.place, at, one.y, one.low, one.high)
        look: dict[str, Any] = {"color": _colour(one), "legend_label": one.name, "name": one.name}
        bars.append(made.vbar("x", width * 0.92, "y", source=_source(moved, name=chart.x.names), **look))
    _hover(made, chart, bars, line=False, bounds=any(len(one.low) for one in chart.series))


def _dots(made: Any, chart: Chart) -> None:
    dots = []
    for place, one in enumerate(chart.series):
        names = [chart.x.names[place]] * len(one.x) if chart.x.names else [one.name] * len(one.x)
        look: dict[str, Any] = {"color": _colour(one), "legend_label": one.name, "name": one.name}
        mark = _MARKS[one.place % len(_MARKS)]
        source = _source(one, name=names)
        dots.append(made.scatter("x", "y", marker=mark, size=6, fill_alpha=0.5, line_width=0, source=source, **look))
        if one.mean is not None:
            made.segment(place - 0.3, one.mean, place + 0.3, one.mean, line_width=2, color=_colour(one))
    if chart.mark is not None:
        made.add_layout(_model("Span", location=chart.mark, dimension="width", line_color="#5b6570", line_width=1))
    _hover(made, chart, dots, line=False)


def _errors(made: Any, chart: Chart) -> None:
    dots = []
    for one in chart.series:
        look: dict[str, Any] = {"color": _colour(one), "legend_label": one.name, "source": _source(one)}
        made.segment("x", "low", "x", "high", line_width=1, **look)
        made.line("x", "y", line_width=1.6, line_dash=_DASHES[one.place % len(_DASHES)], **look)
        dots.append(made.scatter("x", "y", marker=_MARKS[one.place % len(_MARKS)], size=7, name=one.name, **look))
    _hover(made, chart, dots, line=False, bounds=True)


def _spans(made: Any, chart: Chart) -> None:
    glyphs = []
    for torn, name in ((False, "jobs"), (True, "jobs with a torn slot")):
        some = [span for span in chart.spans if span.torn == torn]
        source = _model(
            "ColumnDataSource",
            data={
                "job": [s.job for s in some],
                "left": [_short(s.start) for s in some],
                "right": [_short(s.end) for s in some],
                "top": [s.first for s in some],
                "bottom": [s.last + 1 for s in some],
                "nodes": [f"{s.first}-{s.last}" if s.last > s.first else str(s.first) for s in some],
                "colour": [span_colour(s.job) for s in some],
            },
        )
        edge: dict[str, Any] = (
            {"line_color": _RED, "line_width": 2, "hatch_pattern": "/", "hatch_color": _RED, "hatch_alpha": 0.5}
            if torn
            else {"line_color": "#ffffff", "line_width": 0.5}
        )
        if some:
            glyphs.append(
                made.quad(
                    "left", "right", "top", "bottom", fill_color="colour", source=source, legend_label=name, **edge
                )
            )
    if chart.mark is not None:
        made.add_layout(_model("Span", location=chart.mark, dimension="height", line_color=_INK, line_width=1.5))
    tips = [("job", "@job"), ("nodes", "@nodes"), (chart.x.label, "@left{0,0.[00]} to @right{0,0.[00]}")]
    made.add_tools(_model("HoverTool", renderers=glyphs, tooltips=tips))
    made.grid.visible = False


_DRAWN: Mapping[str, Callable[[Any, Chart], None]] = {
    STEPS: _steps,
    BARS: _bars,
    DOTS: _dots,
    ERRORS: _errors,
    SPANS: _spans,
}
