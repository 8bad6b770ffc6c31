"""The tables that a run prints, and the picture of time against ranks."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from .contenders import NAMES
from .lines import lines
from .results import Record, Results


def show(results: Results, console: Console) -> None:
    """Print all figures, then what is asked for against what was measured."""
    for measure in dict.fromkeys(record.measure for record in results.records):
        console.print(_figures(results, measure))
    console.print(_lines(results))


def _figures(results: Results, measure: str) -> Table:
    table = Table("machine", "ranks", *NAMES, title=measure, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    found = {(record.site, record.ranks, record.pool): record for record in results.of(measure)}
    for site, ranks in dict.fromkeys((site, ranks) for site, ranks, _ in found):
        cells = [found.get((site, ranks, name)) for name in NAMES]
        table.add_row(site, f"{ranks:,}", *("" if cell is None else _cell(cell) for cell in cells))
    return table


def _cell(record: Record) -> str:
    if record.times is None:
        return _amount(float(record.amount or 0), "B")
    if record.times.calls < 100:
        return _amount(record.times.median, "s")
    return f"{_amount(record.times.median, 's')} (p99 {_amount(record.times.p99, 's')})"


def _lines(results: Results) -> Table:
    table = Table("what is asked for", "ours", "against", "ratio", "asked", "reached", title="goals")
    for column in table.columns[1:]:
        column.justify = "right"
    for line in lines(results):
        reached = "[green]yes[/]" if line.reached else f"[red]no, by {line.ratio / line.share:.2g}[/]"
        amounts = [_amount(value, line.unit) for value in (line.ours, line.theirs)]
        table.add_row(line.text, *amounts, f"{line.ratio:.3g}", f"{line.share:.3g}", reached)
    return table


def _amount(value: float, unit: str) -> str:
    """Return seconds or bytes for people."""
    if unit == "B":
        return f"{value / 1e6:.3g} MB"
    if value < 1e-3:
        return f"{value * 1e6:.3g} us"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def draw(results: Results, path: Path) -> None:
    """Draw time against ranks, both logarithmic, a panel for each measure."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    sites = list(dict.fromkeys(record.site for record in results.records))
    measures = ["alloc with R", "refused", "copy", "half"]
    figure, axes = plt.subplots(len(sites), len(measures), figsize=(16, 4.2 * len(sites)), squeeze=False, sharex=True)
    for row, site in zip(axes, sites, strict=True):
        for panel, measure in zip(row, measures, strict=True):
            for number, name in enumerate(NAMES):
                points = [r for r in results.of(measure) if r.site == site and r.pool == name and r.times is not None]
                if not points:
                    continue
                ranks = [point.ranks for point in points]
                median = [point.times.median * 1e3 for point in points if point.times is not None]
                high = [point.times.p99 * 1e3 for point in points if point.times is not None]
                panel.plot(ranks, median, "o-", color=f"C{number}", label=name)
                if measure == "alloc with R":
                    panel.plot(ranks, high, ".:", color=f"C{number}")
            panel.set(xscale="log", yscale="log", title=f"{measure}, {site}", xlabel="ranks", ylabel="ms")
            panel.grid(visible=True, alpha=0.3)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    handles, labels = axes[0][0].get_legend_handles_labels()
    if handles:
        title = "solid: median, dotted: 99th percentile"
        figure.legend(handles, labels, title=title, loc="lower center", ncols=len(handles), frameon=False)
    figure.savefig(path, dpi=110)
