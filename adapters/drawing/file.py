"""A scene as an SVG, PNG or PDF file, by matplotlib.

The same scene gives the same bytes: files carry no date and no random ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .palette import DOWN, FREE, HELD, ink_on, job_colour
from .picture import CHARACTER, LABEL, PAD, Box, Cell, Picture, lay_out
from .scene import HELD_BEFORE, Scene

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
_DOTS = 160
_FILLS = ("#f7f7f7", "#ebeff3", "#dfe6ec", "#f7f7f7")
_EDGE = "#5b6570"
_GREY = "#4a4a4a"
_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "svg.fonttype": "none",
    "svg.hashsalt": "exactfit",
    "pdf.fonttype": 42,
    "hatch.linewidth": 0.6,
    "hatch.color": "#b5b5b5",
    # A $ in a job or host name is a $.
    "text.parse_math": False,
}
_METADATA: dict[str, dict[str, Any]] = {
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


def draw_file(scene: Scene, path: Path) -> None:
    """Write the scene to a file; its suffix says in which format.

    Parameters
    ----------
    scene
        What to draw.
    path
        One that `check_target` accepts; an existing file is replaced.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    picture = lay_out(scene)
    legend = _legend_entries(scene, picture)
    column = 3 + CHARACTER * max(len(text) for _, _, text in legend)
    columns = max(1, int(max(picture.width, _LEAST_WIDTH) // column))
    lines = -(-len(legend) // columns)
    width = max(picture.width, _LEAST_WIDTH, column) + 2 * _MARGIN
    height = picture.height + _LEGEND_LINE * (lines + 1) + 3 * _MARGIN
    inches = min(_INCHES, _MOST_INCHES / max(width, height))
    suffix = path.suffix.lower()
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(width * inches, height * inches))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(-_MARGIN, width - _MARGIN)
        axes.set_ylim(height - _MARGIN, -_MARGIN)
        axes.axis("off")
        points = inches * 72
        axes.text(0, 0, scene.title, va="top", ha="left", fontsize=1.15 * points, weight="bold")
        shifted = _LEGEND_LINE + 0.5 * _MARGIN
        _draw_boxes(axes, picture.boxes, shifted, points)
        _draw_cells(axes, picture.cells, shifted, points)
        _draw_legend(axes, legend, lines, column, shifted + picture.height + _MARGIN, points)
        figure.savefig(path, format=suffix[1:], dpi=_DOTS, metadata=_METADATA[suffix])


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
                edgecolor=_EDGE,
                linewidth=0.9 if box.depth == 0 else 0.5,
                zorder=1 + box.depth / 100,
            )
        )
        bold = "bold" if box.depth == 0 else "normal"
        size = (0.9 if box.depth == 0 else 0.72) * points
        x, y = box.x + PAD, box.y + down + 0.35
        axes.text(x, y, box.label, va="top", ha="left", fontsize=size, weight=bold, zorder=3)
        if box.note:
            axes.text(x, y + LABEL, box.note, va="top", ha="left", fontsize=0.8 * points, color=_GREY, zorder=3)


def _draw_cells(axes: Axes, cells: Sequence[Cell], down: float, points: float) -> None:
    """Draw the cells, one collection for all of one look."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import FancyBboxPatch, Patch, Rectangle

    looks: dict[tuple[str, bool], list[Patch]] = defaultdict(list)
    for cell in cells:
        colour = _colour(cell)
        corner = (cell.x + 0.06, cell.y + down + 0.06)
        size = (cell.width - 0.12, cell.height - 0.12)
        patch: Patch
        if cell.gpu:
            patch = FancyBboxPatch(corner, *size, boxstyle="round,pad=0,rounding_size=0.4")
        else:
            patch = Rectangle(corner, *size)
        looks[colour, cell.down].append(patch)
        text = _cell_text(cell)
        if text:
            axes.text(
                cell.x + cell.width / 2,
                cell.y + down + cell.height / 2,
                text,
                va="center_baseline",
                ha="center",
                fontsize=(0.62 if cell.gpu else 0.7) * points,
                color=ink_on(colour),
                zorder=4,
            )
    for (colour, hatched), patches in looks.items():
        hatch = "/////" if hatched else None
        axes.add_collection(
            PatchCollection(patches, facecolor=colour, edgecolor=_EDGE, linewidth=0.35, hatch=hatch, zorder=2)
        )


def _colour(cell: Cell) -> str:
    if cell.tenant is None:
        return DOWN if cell.down else FREE
    return HELD if cell.tenant == HELD_BEFORE else job_colour(cell.tenant)


def _cell_text(cell: Cell) -> str:
    """Return what stands in a cell: the job on its first core in a domain, the id (and the job) on a GPU."""
    job = str(cell.tenant) if cell.tenant else ""
    if cell.gpu:
        return f"g{cell.number}:{job}" if job else f"g{cell.number}"
    return job if cell.first and len(job) < 3 else ""


_Entry = tuple[str | None, bool, str]
"""A line of the legend: its colour (None for text alone), whether it is hatched, the text."""


def _legend_entries(scene: Scene, picture: Picture) -> list[_Entry]:
    entries: list[_Entry] = []
    for tenant in scene.tenants:
        text = f"{tenant.number}  {tenant.text}"
        clipped = text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
        entries.append((job_colour(tenant.number), False, clipped))
    if scene.held_before:
        entries.append((HELD, False, "busy before"))
    entries.append((FREE, False, "free (square: core, round: GPU)"))
    if any(state.down for state in scene.states):
        entries.append((DOWN, True, "down"))
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
                Rectangle((x, y), 1.2, 1.2, facecolor=colour, edgecolor=_EDGE, linewidth=0.5, hatch=hatch, zorder=2)
            )
        axes.text(x + 1.9, y + 0.6, text, va="center", ha="left", fontsize=0.9 * points, zorder=3)
