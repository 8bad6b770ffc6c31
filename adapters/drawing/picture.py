"""A scene laid out as boxes and cells, in units of one core: where everything stands, not how it is inked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...grammar.idset import IdSet
from ...topology.tree import Domain
from .blocks import BOLD, CHARACTER, LABEL, PAD, Block, Box, Cell, Gauge, arrange, stack
from .group_blocks import groups_block
from .node_state import NodeState
from .scene import Scene

GPU = (2.0, 1.3)
"""Size of a GPU's cell."""
_ASPECT = 1.9
_PAGE_ASPECT = 1.5
_WIDE = (3.0, 6.0, 12.0, 24.0)
"""Shapes of what stands below groups, which are as wide as they are."""
_GAP = 1.2
_MOST_STATES = 48
_MOST_CELLS = 40_000


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything on the page, boxes from the outside to the inside."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    cells: tuple[Cell, ...]
    left_out: int = 0
    gauges: tuple[Gauge, ...] = ()


def lay_out(scene: Scene) -> Picture:
    """Place the scene's groups and, below them, its node states on a page, each as wide as what is in it.

    States beyond what a page can show are left out, and counted.
    """
    blocks: list[Block] = []
    cells = 0
    for state in scene.foremost(scene.states, _MOST_STATES):
        block = _node_block(state)
        cells += len(block.cells)
        if blocks and cells > _MOST_CELLS:
            break
        blocks.append(block)
    page = arrange(blocks, _PAGE_ASPECT, _GAP)
    groups = groups_block(scene.groups)
    if groups is not None:
        wider = (arrange(blocks, aspect, _GAP) for aspect in _WIDE)
        page = max((wide for wide in (page, *wider) if wide.width <= groups.width), key=_width, default=page)
        page = stack([groups, page], _GAP, left=True)
    boxes = tuple(sorted(page.boxes, key=lambda box: box.depth))
    left_out = len(scene.states) - len(blocks)
    return Picture(page.width, page.height, boxes, tuple(page.cells), left_out, tuple(page.gauges))


def _width(block: Block) -> float:
    return block.width


def _node_block(state: NodeState) -> Block:
    inside = _domain_block(state, state.type.domains[0], 1)
    text = max(BOLD * len(state.heading), CHARACTER * max(map(len, state.remarks)))
    width = max(inside.width, text + 2 * PAD)
    below = LABEL * len(state.remarks)
    height = inside.height + below
    moved = inside.moved((width - inside.width) / 2, below)
    frame = Box(0, 0, width, height, 0, state.heading, tuple(state.remarks), state.down)
    return Block(width, height, [frame, *moved.boxes], moved.cells)


def _domain_block(state: NodeState, domain: Domain, depth: int) -> Block:
    """Return a domain in its frame with its label; the node itself has only its label's room."""
    parts = []
    if domain.own_cores:
        parts.append(_grid(state, domain.own_cores, state.cores, gpu=False))
    if domain.own_gpus:
        parts.append(_grid(state, domain.own_gpus, state.gpus, gpu=True))
    own = stack(parts)
    children = [_domain_block(state, state.type.domains[index], depth + 1) for index in domain.children]
    inside = stack([*([arrange(children, _ASPECT, PAD)] if children else []), *([own] if parts else [])])
    label = f"{domain.level} {domain.number}" if domain.parent >= 0 else ""
    width = max(inside.width, CHARACTER * len(label)) + 2 * PAD
    height = inside.height + LABEL + 2 * PAD - (0 if label else PAD)
    moved = inside.moved((width - inside.width) / 2, LABEL + (PAD if label else 0))
    frame = [Box(0, 0, width, height, depth, label, down=state.down)] if label else []
    return Block(width, height, [*frame, *moved.boxes], moved.cells)


def _grid(state: NodeState, ids: int, owners: Mapping[int, int], *, gpu: bool) -> Block:
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
    return Block(width * min(columns, len(numbers)), block_height, [], cells)


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
