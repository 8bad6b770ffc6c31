"""A scene laid out as boxes and cells, in units of one core: where everything stands, not how it is inked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...grammar.idset import IdSet
from ...topology.tree import Domain
from .node_state import NodeState
from .scene import Scene

PAD = 0.45
LABEL = 1.25
"""Height of a line of a box's label."""
GPU = (2.0, 1.3)
"""Size of a GPU's cell."""
CHARACTER = 0.54
"""Width that a character of a label is given."""
_BOLD = 0.66
"""The same of the label of a node."""
_ASPECT = 1.9
_PAGE_ASPECT = 1.5
_GAP = 1.2
_MOST_STATES = 48
_MOST_CELLS = 40_000


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
class Picture:
    """Everything on the page, boxes from the outside to the inside."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    cells: tuple[Cell, ...]
    left_out: int = 0


def lay_out(scene: Scene) -> Picture:
    """Place the scene's node states on a page, left to right and down, each as wide as what is in it.

    States beyond what a page can show are left out, and counted.
    """
    blocks: list[_Block] = []
    cells = 0
    for state in scene.foremost(scene.states, _MOST_STATES):
        block = _node_block(state)
        cells += len(block.cells)
        if blocks and cells > _MOST_CELLS:
            break
        blocks.append(block)
    page = _arrange(blocks, _PAGE_ASPECT, _GAP)
    boxes = tuple(sorted(page.boxes, key=lambda box: box.depth))
    return Picture(page.width, page.height, boxes, tuple(page.cells), len(scene.states) - len(blocks))


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of the page that can be moved as one."""

    width: float
    height: float
    boxes: Sequence[Box]
    cells: Sequence[Cell]

    def moved(self, x: float, y: float) -> _Block:
        boxes = [replace(box, x=box.x + x, y=box.y + y) for box in self.boxes]
        cells = [replace(cell, x=cell.x + x, y=cell.y + y) for cell in self.cells]
        return _Block(self.width, self.height, boxes, cells)


def _node_block(state: NodeState) -> _Block:
    inside = _domain_block(state, state.type.domains[0], 1)
    text = max(_BOLD * len(state.heading), CHARACTER * max(map(len, state.remarks)))
    width = max(inside.width, text + 2 * PAD)
    below = LABEL * len(state.remarks)
    height = inside.height + below
    moved = inside.moved((width - inside.width) / 2, below)
    frame = Box(0, 0, width, height, 0, state.heading, tuple(state.remarks), state.down)
    return _Block(width, height, [frame, *moved.boxes], moved.cells)


def _domain_block(state: NodeState, domain: Domain, depth: int) -> _Block:
    """Return a domain in its frame with its label; the node itself has only its label's room."""
    parts = []
    if domain.own_cores:
        parts.append(_grid(state, domain.own_cores, state.cores, gpu=False))
    if domain.own_gpus:
        parts.append(_grid(state, domain.own_gpus, state.gpus, gpu=True))
    own = _stack(parts)
    children = [_domain_block(state, state.type.domains[index], depth + 1) for index in domain.children]
    inside = _stack([*([_arrange(children, _ASPECT, PAD)] if children else []), *([own] if parts else [])])
    label = f"{domain.level} {domain.number}" if domain.parent >= 0 else ""
    width = max(inside.width, CHARACTER * len(label)) + 2 * PAD
    height = inside.height + LABEL + 2 * PAD - (0 if label else PAD)
    moved = inside.moved((width - inside.width) / 2, LABEL + (PAD if label else 0))
    frame = [Box(0, 0, width, height, depth, label, down=state.down)] if label else []
    return _Block(width, height, [*frame, *moved.boxes], moved.cells)


def _grid(state: NodeState, ids: int, owners: Mapping[int, int], *, gpu: bool) -> _Block:
    """Return cells in rows; a number of columns that divides them evenly is preferred."""
    width, height = GPU if gpu else (1.0, 1.0)
    numbers = list(IdSet.from_mask(ids))
    columns = _columns(len(numbers), height / width)
    marks = state.slot_marks[gpu]
    slots = [None if gpu else state.slot_of.get(number) for number in numbers]
    cells = []
    before: tuple[int | None, str] = (None, "")
    for place, number in enumerate(numbers):
        tenant, mark = owners.get(number), marks.get(number, "")
        x, y = width * (place % columns), height * (place // columns)
        first = (tenant, mark) != before
        joined = _joined(place, columns, slots)
        cells.append(Cell(x, y, width, height, gpu, number, tenant, first, state.down, mark, joined))
        before = (tenant, mark)
    block_height = height * math.ceil(len(numbers) / columns)
    return _Block(width * min(columns, len(numbers)), block_height, [], cells)


def _joined(place: int, columns: int, slots: Sequence[int | None]) -> frozenset[str]:
    """Return the sides behind which a cell's slot goes on, of cells in rows."""
    slot = slots[place]
    if slot is None:
        return frozenset()
    beside = {
        "left": place - 1 if place % columns else -1,
        "right": place + 1 if (place + 1) % columns else -1,
        "up": place - columns,
        "down": place + columns,
    }
    return frozenset(side for side, other in beside.items() if 0 <= other < len(slots) and slots[other] == slot)


def _columns(count: int, flat: float) -> int:
    ideal = max(1.0, math.sqrt(count * _ASPECT * flat))
    options = range(max(1, math.floor(ideal * 0.7)), min(count, math.ceil(ideal * 1.6)) + 1)
    return min(options, key=lambda columns: (-count % columns, abs(math.log(columns / ideal))))


def _stack(parts: Sequence[_Block]) -> _Block:
    """Return the parts one below the other, centred."""
    width = max((part.width for part in parts), default=0.0)
    boxes: list[Box] = []
    cells: list[Cell] = []
    y = 0.0
    for part in parts:
        moved = part.moved((width - part.width) / 2, y)
        boxes += moved.boxes
        cells += moved.cells
        y += part.height + PAD
    return _Block(width, max(0.0, y - PAD), boxes, cells)


def _arrange(blocks: Sequence[_Block], aspect: float, gap: float) -> _Block:
    """Return the blocks in rows, as many to a row as comes near the aspect wanted and leaves the last row full."""

    def misfit(columns: int) -> float:
        width, height, _ = _in_rows(blocks, columns, gap)
        missing = -len(blocks) % columns
        return abs(math.log(width / height / aspect)) + 0.6 * missing / columns

    width, height, places = _in_rows(blocks, min(range(1, len(blocks) + 1), key=misfit), gap)
    moved = [block.moved(x, y) for block, (x, y) in zip(blocks, places, strict=True)]
    return _Block(
        width, height, [box for part in moved for box in part.boxes], [cell for part in moved for cell in part.cells]
    )


def _in_rows(blocks: Sequence[_Block], columns: int, gap: float) -> tuple[float, float, list[tuple[float, float]]]:
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
