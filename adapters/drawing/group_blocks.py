"""The groups of a machine on a page: frames in frames with a gauge for each node, or a gauge for each group.

Where there are more than can be read one by one, an innermost group is a gauge itself: so 700 racks are a map.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .blocks import BOLD, CHARACTER, LABEL, PAD, Block, Box, Gauge, arrange, stack
from .groups import GroupLook

if TYPE_CHECKING:
    from .node_state import NodeState

_MOST_FRAMES = 48
_MOST_NODES = 2000
_MOST_GAUGES = 20_000
_NODE = 1.4
"""Size of a node's gauge, in cores."""
_GROUP = (2.6, 2.0)
"""Size of a group's gauge on a map."""
_ASPECT = 2.2
_PAGE_ASPECT = 1.7


def groups_block(looks: Sequence[GroupLook]) -> Block | None:
    """Return all groups as one part of the page; None of a machine without any, or of one with too many.

    Parameters
    ----------
    looks
        In pre-order.
    """
    innermost = [look for look in looks if look.own]
    if not looks or len(innermost) > _MOST_GAUGES:
        return None
    frames = len(innermost) <= _MOST_FRAMES and sum(len(look.own) for look in innermost) <= _MOST_NODES
    below: dict[int, list[GroupLook]] = {}
    for look in looks:
        below.setdefault(look.group.parent, []).append(look)
    if frames:
        return _side_by_side([_frame(look, below, 0) for look in below[-1]], _PAGE_ASPECT)
    outer = [look for look in below[-1] if look.group.children]
    if not outer or len(looks) - len(innermost) > _MOST_FRAMES:
        return _maps(innermost, "all groups", 0)
    return _side_by_side([_map_frame(look, below, 0) for look in outer], _PAGE_ASPECT)


def _frame(look: GroupLook, below: dict[int, list[GroupLook]], depth: int) -> Block:
    """Return a group with its nodes, and the groups in it."""
    parts = []
    children = [_frame(child, below, depth + 1) for child in below.get(look.group.index, [])]
    if children:
        parts.append(_side_by_side(children, _ASPECT))
    if look.own:
        parts.append(_gauges([_node_gauge(state) for state in look.own], _NODE, _NODE))
    return _framed(stack(parts), look.name, look.remarks(), depth, down=look.down == look.nodes)


def _map_frame(look: GroupLook, below: dict[int, list[GroupLook]], depth: int) -> Block:
    """Return a group with a gauge for each innermost group in it."""
    children = below.get(look.group.index, [])
    parts = []
    outer = [_map_frame(child, below, depth + 1) for child in children if below.get(child.group.index)]
    if outer:
        parts.append(_side_by_side(outer, _ASPECT))
    inner = [child for child in children if not below.get(child.group.index)]
    if inner:
        parts.append(_maps(inner, "", depth))
    return _framed(stack(parts), look.name, look.remarks(), depth, down=look.down == look.nodes)


def _maps(looks: Sequence[GroupLook], title: str, depth: int) -> Block:
    """Return a gauge for each group, by what is held of its cores, and the same for each amount that they list."""
    level = looks[0].group.level
    parts = [_framed(_group_gauges(looks, lambda look: look.shares), f"{level}: cores held", [], depth + 1)]
    for name in list(dict.fromkeys(name for look in looks for name, _, _ in look.amounts))[:3]:
        listing = [look for look in looks if any(name == own for own, _, _ in look.amounts)]
        parts.append(_framed(_group_gauges(listing, _taken(name)), f"{level}: {name} held", [], depth + 1))
    joined = _side_by_side(parts, _ASPECT)
    return _framed(joined, title, [], depth) if title else joined


_Shares = tuple[tuple[int, float], ...]


def _taken(name: str) -> Callable[[GroupLook], _Shares]:
    def shares(look: GroupLook) -> _Shares:
        left, there = next((left, there) for own, left, there in look.amounts if own == name)
        # Whose it is R does not say group by group.
        return ((0, float(1 - left / there)),) if there and left < there else ()

    return shares


def _group_gauges(looks: Sequence[GroupLook], shares: Callable[[GroupLook], _Shares]) -> Block:
    width, height = _GROUP
    gauges = [
        Gauge(0, 0, width, height, shares(look), look.down == look.nodes, str(look.group.number)) for look in looks
    ]
    return _gauges(gauges, width, height)


def _node_gauge(state: NodeState) -> Gauge:
    cores, gpus = state.type.cores.bit_count(), state.type.gpus.bit_count()
    shares = tuple(
        (tenant, (content.cores.bit_count() / cores) if cores else content.gpus.bit_count() / max(gpus, 1))
        for tenant, content in state.shares
    )
    tenants = [str(tenant) for tenant, _ in shares if tenant]
    label = tenants[0] if len(tenants) == 1 and len(tenants[0]) < 3 else ""
    return Gauge(0, 0, _NODE, _NODE, shares, state.down, label)


def _gauges(gauges: Sequence[Gauge], width: float, height: float) -> Block:
    """Return gauges in rows, which are full where that is near the shape wanted."""
    ideal = max(1.0, math.sqrt(len(gauges) * _ASPECT * height / width))
    options = range(max(1, math.floor(ideal * 0.75)), min(len(gauges), math.ceil(ideal * 1.5)) + 1)
    columns = min(options, key=lambda columns: (-len(gauges) % columns, abs(math.log(columns / ideal))))
    placed = [
        replace(gauge, x=width * (place % columns), y=height * (place // columns)) for place, gauge in enumerate(gauges)
    ]
    return Block(width * min(columns, len(gauges)), height * math.ceil(len(gauges) / columns), [], [], placed)


def _side_by_side(blocks: Sequence[Block], aspect: float) -> Block:
    return blocks[0] if len(blocks) == 1 else arrange(blocks, aspect, PAD)


def _framed(inside: Block, label: str, remarks: Sequence[str], depth: int, *, down: bool = False) -> Block:
    text = max([BOLD * len(label), *(CHARACTER * len(line) for line in remarks)])
    width = max(inside.width, text) + 2 * PAD
    top = LABEL * (1 + len(remarks)) + PAD
    moved = inside.moved((width - inside.width) / 2, top)
    height = inside.height + top + PAD
    frame = Box(0, 0, width, height, depth, label, tuple(remarks), down)
    return Block(width, height, [frame, *moved.boxes], moved.cells, moved.gauges)
