"""Parts of a page: boxes, cells and gauges that are moved as one, below or beside one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

PAD = 0.45
LABEL = 1.25
"""Height of a line of a box's label."""
CHARACTER = 0.54
"""Width that a character of a label is given."""
BOLD = 0.66
"""The same of the label of a node or group."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node or domain: upper left corner on the page (y grows downwards), size, its label and the lines below it."""

    x: float
    y: float
    width: float
    height: float
    depth: int
    label: str
    notes: tuple[str, ...] = ()
    down: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A core or a GPU.

    Attributes
    ----------
    tenant
        Who holds it; None when free.
    first
        Whether the cell before it, in its domain, is another tenant's or another slot's: then it is labelled, so that
        jobs are told apart without colour.
    down
        Whether its node is down.
    slot
        The letter of the slot that it belongs to, a capital where the slot is torn; empty where there is none.
    joined
        Its sides (of "left", "right", "up" and "down") behind which the same slot goes on.
    """

    x: float
    y: float
    width: float
    height: float
    gpu: bool
    number: int
    tenant: int | None
    first: bool
    down: bool
    slot: str = ""
    joined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Gauge:
    """A node of a group, or a group, as a square that is filled by who holds how much of it.

    Attributes
    ----------
    shares
        The part that each tenant holds, by tenant.
    down
        Whether it is down, as a whole.
    label
        What stands in it.
    """

    x: float
    y: float
    width: float
    height: float
    shares: tuple[tuple[int, float], ...]
    down: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the page that can be moved as one."""

    width: float
    height: float
    boxes: Sequence[Box]
    cells: Sequence[Cell]
    gauges: Sequence[Gauge] = ()

    def moved(self, x: float, y: float) -> Block:
        """Return it so far to the right and down."""
        boxes = [replace(box, x=box.x + x, y=box.y + y) for box in self.boxes]
        cells = [replace(cell, x=cell.x + x, y=cell.y + y) for cell in self.cells]
        gauges = [replace(gauge, x=gauge.x + x, y=gauge.y + y) for gauge in self.gauges]
        return Block(self.width, self.height, boxes, cells, gauges)


def stack(parts: Sequence[Block], gap: float = PAD, *, left: bool = False) -> Block:
    """Return the parts one below the other, centred or at the left."""
    width = max((part.width for part in parts), default=0.0)
    boxes: list[Box] = []
    cells: list[Cell] = []
    gauges: list[Gauge] = []
    y = 0.0
    for part in parts:
        moved = part.moved(0 if left else (width - part.width) / 2, y)
        boxes += moved.boxes
        cells += moved.cells
        gauges += moved.gauges
        y += part.height + gap
    return Block(width, max(0.0, y - gap), boxes, cells, gauges)


def arrange(blocks: Sequence[Block], aspect: float, gap: float) -> Block:
    """Return the blocks in rows, as many to a row as comes near the aspect wanted and leaves the last row full."""

    def misfit(columns: int) -> float:
        width, height, _ = _in_rows(blocks, columns, gap)
        missing = -len(blocks) % columns
        return abs(math.log(width / height / aspect)) + 0.6 * missing / columns

    width, height, places = _in_rows(blocks, min(range(1, len(blocks) + 1), key=misfit), gap)
    moved = [block.moved(x, y) for block, (x, y) in zip(blocks, places, strict=True)]
    return Block(
        width,
        height,
        [box for part in moved for box in part.boxes],
        [cell for part in moved for cell in part.cells],
        [gauge for part in moved for gauge in part.gauges],
    )


def _in_rows(blocks: Sequence[Block], columns: int, gap: float) -> tuple[float, float, list[tuple[float, float]]]:
    """Return the size of blocks in rows, and where each stands; columns line up."""
    widths = [max(block.width for block in blocks[column::columns]) for column in range(columns)]
    places = []
    y = 0.0
    for start in range(0, len(blocks), columns):
        row = blocks[start : start + columns]
        x = 0.0
        for width in widths[: len(row)]:
            places.append((x, y))
            x += width + gap
        y += max(block.height for block in row) + gap
    return sum(widths) + gap * (columns - 1), y - gap, places
