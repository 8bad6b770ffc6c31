"""The groups of a scene as lines of text: a frame for each with a mark for each of its nodes, or a map of them all.

A frame says what a group has and has left. Where there are more than can be read one by one, each group is a mark that
says how much of it is free: so 700 racks are ten lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from rich.style import Style
from rich.text import Text

from ...grammar.errors import printable
from .groups import GroupLook
from .marks import DIM, DOWN_MARK, FREE_MARK, HELD_MARK, HELD_STYLE, SEVERAL_MARK, job_style
from .node_state import NodeState
from .palette import job_mark
from .scene import HELD_BEFORE, Scene

_MOST_FRAMES = 24
_MOST_AMOUNTS = 4
_TENS = 10


def group_lines(scene: Scene, width: int) -> list[Text]:
    """Return the groups as lines; none of a machine that has no groups, or nothing to tell of them.

    Parameters
    ----------
    scene
        What to draw.
    width
        Columns that there are. Rows of marks are no wider.
    """
    looks = scene.groups
    if all(look.idle == look.nodes and all(left == there for _, left, there in look.amounts) for look in looks):
        return []
    innermost = [look for look in looks if look.own]
    if len(innermost) <= _MOST_FRAMES:
        return [line for look in looks for line in _frame(look, width)] + [_node_key(innermost)]
    outer = [look for look in looks if not look.own]
    lines = [line for look in (outer if len(outer) <= _MOST_FRAMES else []) for line in _frame(look, width)]
    for level, same in groupby(sorted(innermost, key=lambda look: look.group.level), lambda look: look.group.level):
        lines += _maps(level, list(same), width)
    return lines


def _frame(look: GroupLook, width: int) -> Iterator[Text]:
    indent = "  " * look.depth
    line = Text(f"{indent}{look.name}", style=Style(bold=True), no_wrap=True)
    yield line.append(f"  {'; '.join(look.remarks())}", style=Style(dim=True, bold=False))
    if not look.own:
        return
    room = max(width - len(indent) - 4, 8)
    for first in range(0, len(look.own), room):
        row = Text(f"{indent}  [", no_wrap=True)
        for mark, style in map(_node_mark, look.own[first : first + room]):
            row.append(mark, style=style)
        yield row.append("]")


def _node_mark(state: NodeState) -> tuple[str, Style]:
    tenants = [tenant for tenant, _ in state.shares]
    if state.down:
        return DOWN_MARK, DIM
    if not tenants:
        return FREE_MARK, DIM
    if len(tenants) > 1:
        return SEVERAL_MARK, HELD_STYLE
    return (HELD_MARK, HELD_STYLE) if tenants[0] == HELD_BEFORE else (job_mark(tenants[0]), job_style(tenants[0]))


def _node_key(innermost: Sequence[GroupLook]) -> Text:
    used = {_node_mark(state)[0] for look in innermost for state in look.own}
    told = {FREE_MARK: "idle", SEVERAL_MARK: "several jobs", HELD_MARK: "busy before", DOWN_MARK: "down"}
    parts = [f"{mark} {meaning}" for mark, meaning in told.items() if mark in used]
    if used - told.keys():
        parts.append("number or letter: the job on it")
    return Text(f"[nodes] of one group   {'   '.join(parts)}", style=DIM)


# -- maps --


def _maps(level: str, looks: Sequence[GroupLook], width: int) -> Iterator[Text]:
    """Yield a map of the cores of some groups, and one of each amount that they list."""
    yield from _map(f"{level} (all {len(looks)}): cores free", looks, lambda look: look.free, width)
    names = dict.fromkeys(name for look in looks for name, _, _ in look.amounts)
    for name in list(names)[:_MOST_AMOUNTS]:
        listing = [look for look in looks if any(name == own for own, _, _ in look.amounts)]
        yield from _map(f"{level} (all {len(listing)}): {printable(name)} left", listing, _part_left(name), width)
    if len(names) > _MOST_AMOUNTS:
        yield Text(f"(and {len(names) - _MOST_AMOUNTS} more amounts)", style=DIM)
    key = f"of each {level}: {FREE_MARK} all   9-1 tenths   0 less than one   {HELD_MARK} none"
    down = f"   {DOWN_MARK} all down" if any(look.down == look.nodes for look in looks) else ""
    yield Text(key + down, style=DIM)


def _part_left(name: str) -> Callable[[GroupLook], float]:
    def part(look: GroupLook) -> float:
        left, there = next((left, there) for own, left, there in look.amounts if own == name)
        return float(left / there) if there else 0.0

    return part


def _map(title: str, looks: Sequence[GroupLook], part: Callable[[GroupLook], float], width: int) -> Iterator[Text]:
    yield Text(title, style=Style(bold=True))
    label = max(len(str(look.group.number)) for look in looks)
    # As many tens as there is room for, with a blank after each.
    most = _TENS * max(1, (width - label - 1) // (_TENS + 1))
    for first in range(0, len(looks), most):
        row = Text(f"{looks[first].group.number:>{label}} ", style=DIM, no_wrap=True)
        for place, look in enumerate(looks[first : first + most]):
            if place and place % _TENS == 0:
                row.append(" ")
            row.append(*_part_mark(look, part(look)))
        yield row


def _part_mark(look: GroupLook, part: float) -> tuple[str, Style]:
    if look.down == look.nodes:
        return DOWN_MARK, DIM
    if part >= 1:
        return FREE_MARK, DIM
    if part <= 0:
        return HELD_MARK, HELD_STYLE
    return str(min(int(part * _TENS), 9)), Style()
