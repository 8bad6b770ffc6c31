"""A plan of a queue as a picture: nodes from top to bottom, time from left to right, a bar for each job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...grammar.errors import printable
from ...topology.masks import runs_of_mask
from .file import DOTS, METADATA, RC
from .palette import DOWN, HELD, ink_on, job_colour

_WIDTH, _HEIGHT, _EDGE = 10.0, 6.0, 0.7
_HOUR: Final = 3600.0
_NAME: Final = 12
_MOST_TICKS: Final = 20


@dataclass(frozen=True, slots=True)
class Bar:
    """Nodes for some time.

    Attributes
    ----------
    name
        Of the job.
    number
        From 1, of one that waits, by which it has its colour; 0 of one that runs, -1 of nodes that are kept.
    start, end
        In seconds from now; the end may be infinite.
    nodes
        Bitmask of positions.
    """

    name: str
    number: int
    start: float
    end: float
    nodes: int


def draw_gantt(title: str, hosts: Sequence[str], bars: Iterable[Bar], path: Path) -> None:
    """Write the picture to a file that `check_target` accepts.

    Parameters
    ----------
    hosts
        What the nodes are called, by position.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    some = list(bars)
    ends = [bar.end for bar in some if bar.end < float("inf")] + [bar.start for bar in some]
    last = max([1.0, *ends]) * 1.05 / _HOUR
    with mpl.rc_context(RC):
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        axes = figure.add_axes((0.09, 0.1, 0.89, 0.82))
        axes.set_title(printable(title), loc="left", fontsize=9)
        axes.set_xlim(0, last)
        axes.set_ylim(len(hosts), 0)
        axes.set_xlabel("hours from now", fontsize=8)
        step = max(1, -(-len(hosts) // _MOST_TICKS))
        axes.set_yticks([n + 0.5 for n in range(0, len(hosts), step)])
        axes.set_yticklabels([printable(hosts[n])[:_NAME] for n in range(0, len(hosts), step)], fontsize=6)
        axes.tick_params(axis="x", labelsize=7)
        for bar in some:
            _draw_bar(axes, bar, last, len(hosts))
        figure.savefig(path, format=path.suffix.lower()[1:], dpi=DOTS, metadata=METADATA[path.suffix.lower()])


def _draw_bar(axes: Any, bar: Bar, last: float, nodes: int) -> None:
    """Draw a rectangle for each run of nodes, and write the name into the largest, where there is room."""
    from matplotlib.patches import Rectangle

    colour = HELD if bar.number == 0 else DOWN if bar.number < 0 else job_colour(bar.number)
    left, right = max(bar.start, 0.0) / _HOUR, min(bar.end / _HOUR, last)
    look: dict[str, Any] = {
        "facecolor": colour,
        "edgecolor": "#4a4a4a",
        "linewidth": 0.3,
        "alpha": 1.0 if bar.number else 0.55,
    }
    hatch = "////" if bar.number < 0 else None
    runs = list(runs_of_mask(bar.nodes))
    for first, end in runs:
        axes.add_patch(Rectangle((left, first), right - left, end + 1 - first, hatch=hatch, **look))
    first, end = max(runs, key=lambda run: (run[1] - run[0], -run[0]), default=(0, -1))
    tall = end + 1 - first
    if bar.number and tall * _HEIGHT * 60 > 7 * nodes and (right - left) * 100 > last:
        place = (left + right) / 2, first + tall / 2
        text = printable(bar.name)[:_NAME]
        axes.text(*place, text, fontsize=5, ha="center", va="center", color=ink_on(colour), clip_on=True)
