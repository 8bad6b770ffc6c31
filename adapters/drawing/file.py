"""A scene as an SVG, PNG or PDF file, by matplotlib.

The same scene gives the same bytes: files carry no date and no random ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .blocks import CHARACTER, LABEL, PAD, Box
from .cells import EDGE, draw_cells, draw_gauges
from .palette import DOWN, FREE, HELD, job_colour
from .picture import Picture, lay_out
from .scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".svg", ".png", ".pdf")

_INCHES = 0.125
"""Size of a core on paper."""
_MOST_INCHES = 60.0
_MARGIN = 1.2
_LEGEND_LINE = 1.7
_LEAST_WIDTH = 46.0
_LONGEST_TEXT = 90
_LEAST_LINES = 12
"""Of a legend, below a machine that is lower than that."""
DOTS = 160
_FILLS = ("#f7f7f7", "#ebeff3", "#dfe6ec", "#f7f7f7")
_GREY = "#4a4a4a"
RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "svg.fonttype": "none",
    "svg.hashsalt": "exactfit",
    "pdf.fonttype": 42,
    "hatch.linewidth": 0.6,
    "hatch.color": "#b5b5b5",
    # A $ in a job or host name is a $.
    "text.parse_math": False,
}
METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": "exactfit"},
    ".png": {"Software": "exactfit"},
    ".pdf": {"CreationDate": None, "Creator": "exactfit"},
}


def check_target(path: Path) -> None:
    """Make sure that a picture can be written there in principle.

    Raises
    ------
    ValueError
        For a suffix that is none of `SUFFIXES`, a folder that is not there, or a missing matplotlib.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: a picture ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if not path.parent.is_dir():
        raise ValueError(f"{path}: there is no folder {path.parent}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ValueError("pictures in files need matplotlib: pip install 'exactfit[draw]'") from None


def draw_file(scenes: Scene | Sequence[Scene], path: Path) -> None:
    """Write scenes to a file, one below the other; its suffix says in which format.

    Parameters
    ----------
    scenes
        What to draw, at least one.
    path
        One that `check_target` accepts; an existing file is replaced.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    draw_to(scenes, path, path.suffix.lower())


def draw_to(scenes: Scene | Sequence[Scene], target: Path | IO[bytes], suffix: str) -> None:
    """Write scenes to a path or an open file in the format of a suffix, one of `SUFFIXES`.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    parts = [_part(scene) for scene in ([scenes] if isinstance(scenes, Scene) else scenes)]
    width = max(part.width for part in parts) + 2 * _MARGIN
    height = sum(part.height for part in parts) + 2 * _MARGIN * len(parts)
    inches = min(_INCHES, _MOST_INCHES / max(width, height))
    with mpl.rc_context(RC):
        figure = Figure(figsize=(width * inches, height * inches))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(-_MARGIN, width - _MARGIN)
        axes.set_ylim(height - _MARGIN, -_MARGIN)
        axes.axis("off")
        top = 0.0
        for part in parts:
            _draw_part(axes, part, top, inches * 72)
            top += part.height + 2 * _MARGIN
        figure.savefig(target, format=suffix[1:], dpi=DOTS, metadata=METADATA[suffix])


@dataclass(frozen=True, slots=True)
class _Part:
    """A scene on the page: its title, its picture below, its legend in columns below that."""

    title: str
    picture: Picture
    legend: Sequence[_Entry]
    lines: int
    column: float

    @property
    def width(self) -> float:
        return max(self.picture.width, _LEAST_WIDTH, self.column)

    @property
    def height(self) -> float:
        return self.picture.height + _LEGEND_LINE * (self.lines + 1) + _MARGIN


def _part(scene: Scene) -> _Part:
    picture = lay_out(scene)
    jobs, others = _job_entries(scene), _other_entries(scene, picture)
    column = 3 + CHARACTER * max(len(text) for _, _, text in (*jobs, *others))
    columns = max(1, int(max(picture.width, _LEAST_WIDTH) // column))
    # The legend is there for the picture, not the other way round.
    room = columns * max(_LEAST_LINES, int(picture.height / _LEGEND_LINE))
    if len(jobs) + len(others) > room:
        kept = max(0, room - len(others) - 1)
        jobs = [*jobs[:kept], (None, False, f"and {len(jobs) - kept} more jobs")]
    legend = [*jobs, *others]
    return _Part(scene.title, picture, legend, -(-len(legend) // columns), column)


def _draw_part(axes: Axes, part: _Part, top: float, points: float) -> None:
    axes.text(0, top, part.title, va="top", ha="left", fontsize=1.15 * points, weight="bold")
    shifted = top + _LEGEND_LINE + 0.5 * _MARGIN
    _draw_boxes(axes, part.picture.boxes, shifted, points)
    draw_gauges(axes, part.picture.gauges, shifted, points)
    draw_cells(axes, part.picture.cells, shifted, points)
    _draw_legend(axes, part.legend, part.lines, part.column, shifted + part.picture.height + _MARGIN, points)


def _draw_boxes(axes: Axes, boxes: Sequence[Box], down: float, points: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    for box in boxes:
        style = "round,pad=0,rounding_size=" + ("0.6" if box.depth == 0 else "0.35")
        axes.add_patch(
            FancyBboxPatch(
                (box.x, box.y + down),
                box.width,
                box.height,
                boxstyle=style,
                facecolor=_FILLS[min(box.depth, len(_FILLS) - 1)],
                edgecolor=EDGE,
                linewidth=0.9 if box.depth == 0 else 0.5,
                zorder=1 + box.depth / 100,
            )
        )
        bold = "bold" if box.depth == 0 else "normal"
        size = (0.9 if box.depth == 0 else 0.72) * points
        x, y = box.x + PAD, box.y + down + 0.35
        axes.text(x, y, box.label, va="top", ha="left", fontsize=size, weight=bold, zorder=3)
        for line, note in enumerate(box.notes, start=1):
            axes.text(x, y + line * LABEL, note, va="top", ha="left", fontsize=0.8 * points, color=_GREY, zorder=3)


_Entry = tuple[str | None, bool, str]
"""A line of the legend: its colour (None for text alone), whether it is hatched, the text."""


def _job_entries(scene: Scene) -> list[_Entry]:
    entries: list[_Entry] = []
    for tenant in scene.tenants:
        text = f"{tenant.number}  {tenant.text}"
        clipped = text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
        entries.append((job_colour(tenant.number), False, clipped))
    return entries


def _other_entries(scene: Scene, picture: Picture) -> list[_Entry]:
    entries: list[_Entry] = []
    if scene.held_before:
        entries.append((HELD, False, "busy before"))
    entries.append((FREE, False, "free (square: core, round: GPU)"))
    if picture.gauges:
        entries.append((None, False, "a square of a group: a node, or a group; filled: held"))
    if any(state.down for state in scene.states):
        entries.append((DOWN, True, "down"))
    marks = {cell.slot for cell in picture.cells} - {""}
    if marks:
        entries.append((None, False, "a letter, a shape: one slot"))
    if any(mark.isupper() for mark in marks):
        entries.append((None, False, "capital, bold red line: a torn slot"))
    if picture.left_out:
        entries.append((None, False, f"{picture.left_out} more node states are not drawn"))
    return entries


def _draw_legend(axes: Axes, entries: Sequence[_Entry], lines: int, column: float, top: float, points: float) -> None:
    from matplotlib.patches import Rectangle

    for place, (colour, hatched, text) in enumerate(entries):
        x = column * (place // lines)
        y = top + _LEGEND_LINE * (place % lines)
        if colour is not None:
            hatch = "/////" if hatched else None
            axes.add_patch(
                Rectangle((x, y), 1.2, 1.2, facecolor=colour, edgecolor=EDGE, linewidth=0.5, hatch=hatch, zorder=2)
            )
        axes.text(x + 1.9, y + 0.6, text, va="center", ha="left", fontsize=0.9 * points, zorder=3)
