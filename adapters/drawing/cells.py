"""Cells on paper: cores as squares, GPUs as round boxes, the cores of one slot as one shape.

A slot that crosses a border that it need not has a bold red line around it, which is seen without colour as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .blocks import Cell, Gauge
from .palette import DOWN, FREE, HELD, ink_on, job_colour
from .scene import HELD_BEFORE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EDGE = "#5b6570"
TORN = "#d00000"
"""Around a slot that crosses a border that it need not."""
_GAP = 0.06
_LINE, _TORN_LINE = 0.35, 1.8
_FAINT = 0.45
_LONGEST_IN_CELL = 4


def draw_cells(axes: Axes, cells: Sequence[Cell], down: float, points: float) -> None:
    """Draw the cells, one collection for all of one look; those of one slot are one shape.

    Parameters
    ----------
    axes
        Where.
    cells
        What, in cores from the corner of the picture.
    down
        How far below the corner of the axes that is.
    points
        Size of a core.
    """
    from matplotlib.collections import LineCollection, PatchCollection
    from matplotlib.patches import FancyBboxPatch, Patch, Rectangle

    looks: dict[tuple[str, bool], list[Patch]] = defaultdict(list)
    edges: dict[bool, list[_Segment]] = defaultdict(list)
    inner: dict[str, list[_Segment]] = defaultdict(list)
    for cell in cells:
        colour = _colour(cell)
        patch: Patch
        if cell.gpu:
            size = (cell.width - 2 * _GAP, cell.height - 2 * _GAP)
            patch = FancyBboxPatch(
                (cell.x + _GAP, cell.y + down + _GAP),
                *size,
                boxstyle="round,pad=0,rounding_size=0.4",
                linewidth=_line(cell),
            )
        else:
            left, top, right, bottom = _corners(cell, down)
            patch = Rectangle((left, top), right - left, bottom - top, linewidth=0)
            edges[cell.slot.isupper()] += _edges(cell, down)
            inner[ink_on(colour)] += _inner(cell, down)
        patch.set_facecolor(colour)
        patch.set_edgecolor(TORN if cell.slot.isupper() else EDGE)
        looks[colour, cell.down].append(patch)
        text = _cell_text(cell)
        if text:
            axes.text(
                cell.x + cell.width / 2,
                cell.y + down + cell.height / 2,
                text,
                va="center_baseline",
                ha="center",
                fontsize=_text_size(cell, text) * points,
                color=ink_on(colour),
                zorder=4,
            )
    for (_, hatched), patches in looks.items():
        axes.add_collection(PatchCollection(patches, match_original=True, hatch="/////" if hatched else None, zorder=2))
    for ink, segments in inner.items():
        axes.add_collection(LineCollection(segments, colors=ink, linewidths=_LINE, alpha=_FAINT, zorder=2.05))
    for torn, segments in edges.items():
        line = {"colors": TORN, "linewidths": _TORN_LINE} if torn else {"colors": EDGE, "linewidths": _LINE}
        axes.add_collection(LineCollection(segments, capstyle="projecting", zorder=3.1 if torn else 2.1, **line))


def draw_gauges(axes: Axes, gauges: Sequence[Gauge], down: float, points: float) -> None:
    """Draw nodes and groups, each filled from below by who holds how much of it; parameters as of `draw_cells`."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Patch, Rectangle

    looks: dict[tuple[str, bool, float], list[Patch]] = defaultdict(list)
    for gauge in gauges:
        left, top = gauge.x + _GAP, gauge.y + down + _GAP
        width, height = gauge.width - 2 * _GAP, gauge.height - 2 * _GAP
        back = DOWN if gauge.down else FREE
        looks[back, gauge.down, _LINE].append(Rectangle((left, top), width, height))
        bottom = top + height
        for tenant, part in gauge.shares:
            filled = height * min(part, 1.0)
            bottom -= filled
            looks[_tenant_colour(tenant), False, 0.0].append(Rectangle((left, bottom), width, filled))
        if gauge.label:
            axes.text(
                gauge.x + gauge.width / 2,
                gauge.y + down + gauge.height / 2,
                gauge.label,
                va="center_baseline",
                ha="center",
                fontsize=min(0.62, (gauge.width - 0.3) / (0.62 * len(gauge.label))) * points,
                color=_label_ink(gauge),
                zorder=4,
            )
    for order, ((colour, hatched, line), patches) in enumerate(looks.items()):
        for patch in patches:
            patch.set(facecolor=colour, edgecolor=EDGE, linewidth=line)
        above = 2 + (0 if line else 0.01 + order / 1e6)
        hatch = "/////" if hatched else None
        axes.add_collection(PatchCollection(patches, match_original=True, hatch=hatch, zorder=above))


def _label_ink(gauge: Gauge) -> str:
    """Return an ink that reads on what stands behind the middle of a gauge."""
    filled = 0.0
    for tenant, part in gauge.shares:
        filled += part
        if filled > 0.5:
            return ink_on(_tenant_colour(tenant))
    return ink_on(FREE)


_Segment = tuple[tuple[float, float], tuple[float, float]]


def _corners(cell: Cell, down: float) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a core's cell, which leaves no gap where its slot goes on."""
    left, top, right, bottom = (0.0 if side in cell.joined else _GAP for side in ("left", "up", "right", "down"))
    return (
        cell.x + left,
        cell.y + down + top,
        cell.x + cell.width - right,
        cell.y + down + cell.height - bottom,
    )


def _edges(cell: Cell, down: float) -> list[_Segment]:
    """Return the sides of a core's cell at which its slot ends."""
    left, top, right, bottom = _corners(cell, down)
    sides: dict[str, _Segment] = {
        "left": ((left, top), (left, bottom)),
        "right": ((right, top), (right, bottom)),
        "up": ((left, top), (right, top)),
        "down": ((left, bottom), (right, bottom)),
    }
    return [segment for side, segment in sides.items() if side not in cell.joined]


def _inner(cell: Cell, down: float) -> list[_Segment]:
    """Return the sides of a core's cell between it and the next core of its slot, to the right and below."""
    left, top, right, bottom = _corners(cell, down)
    sides: dict[str, _Segment] = {"right": ((right, top), (right, bottom)), "down": ((left, bottom), (right, bottom))}
    return [segment for side, segment in sides.items() if side in cell.joined]


def _line(cell: Cell) -> float:
    return _TORN_LINE if cell.slot.isupper() else _LINE


def _colour(cell: Cell) -> str:
    if cell.tenant is None:
        return DOWN if cell.down else FREE
    return _tenant_colour(cell.tenant)


def _tenant_colour(tenant: int) -> str:
    return HELD if tenant == HELD_BEFORE else job_colour(tenant)


def _cell_text(cell: Cell) -> str:
    """Return what stands in a cell: job and slot on the first core of either, the id (and both) on a GPU."""
    job = f"{cell.tenant}{cell.slot}" if cell.tenant else ""
    if cell.gpu:
        return f"g{cell.number}:{job}" if job else f"g{cell.number}"
    return job if cell.first and len(job) <= _LONGEST_IN_CELL else ""


def _text_size(cell: Cell, text: str) -> float:
    """Return the size of a cell's text, in cores, so that it stays inside."""
    return min(0.62 if cell.gpu else 0.7, (cell.width - 0.2) / (0.62 * len(text)))
