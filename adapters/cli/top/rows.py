"""Tables of one line a row, for a screen: columns give way where it is narrow, the least needed ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from ....grammar.errors import printable
from ...drawing.marks import DIM

_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes
    ----------
    name
        In its head.
    right
        Whether numbers stand in it.
    least
        To how few characters it may be cut; None for one that stays whole or goes.
    needed
        How needed it is: of those that do not fit, the one with the smallest number goes first.
    """

    name: str
    right: bool = False
    least: int | None = None
    needed: int = 9


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[Text]:
    """Return a head and a line for each row, none wider than that; nothing without rows."""
    if not rows:
        return []
    shown = [[printable(cell) for cell in row] for row in rows]
    kept = [place for place in range(len(columns)) if any(row[place] for row in shown)]
    wanted = {place: max(len(columns[place].name), *(Text(row[place]).cell_len for row in shown)) for place in kept}
    while kept and (over := sum(_least(columns[place], wanted[place]) for place in kept) - _room(kept, width)) > 0:
        if len(kept) == 1:
            wanted[kept[0]] -= over
            break
        kept.remove(min(kept, key=lambda place: (columns[place].needed, -place)))
    widths = {place: wanted[place] for place in kept}
    over = sum(widths.values()) - _room(kept, width)
    while over > 0:
        widest = max(kept, key=lambda place: widths[place] - _least(columns[place], widths[place]))
        if widths[widest] <= _least(columns[widest], widths[widest]):
            break
        widths[widest] -= 1
        over -= 1
    head = _line([(columns[place], columns[place].name, widths[place]) for place in kept])
    head.stylize(DIM)
    return [head, *(_line([(columns[place], row[place], widths[place]) for place in kept]) for row in shown)]


def _least(column: Column, wanted: int) -> int:
    return wanted if column.least is None else min(wanted, max(column.least, len(column.name)))


def _room(kept: Sequence[int], width: int) -> int:
    return width - _GAP * (len(kept) - 1)


def _line(cells: Sequence[tuple[Column, str, int]]) -> Text:
    line = Text(no_wrap=True)
    for number, (column, value, width) in enumerate(cells):
        cell = Text(value)
        cell.truncate(max(width, 1), overflow="ellipsis")
        blank = " " * (width - cell.cell_len)
        line.append(" " * _GAP if number else "")
        line.append_text(Text.assemble(blank, cell) if column.right else Text.assemble(cell, blank))
    line.rstrip()
    return line
