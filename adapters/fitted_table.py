"""Tables that stay complete however narrow the terminal is.

A table that is too wide first comes closer together under shorter names, then folds the columns that may be folded, and
where that does not do either it is stacked: each row a paragraph of names and values. Nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.box import HEAVY_HEAD, SIMPLE_HEAD, Box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_ASCII_HEAD = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
_INDENT = 2
_BREAKS = (" ", "/;,]")
"""After which a value is parted, better after the first ones."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes
    ----------
    name
        In its head.
    short
        The same where room is scarce; the name itself by default.
    right
        Whether numbers stand in it, to the right.
    least
        To how few characters it may be folded; None for one whose values stay whole.
    lead
        Whether its value begins the paragraph of a row that is stacked, rather than being named in it.
    omit
        A value that such a paragraph does without.
    """

    name: str
    short: str = ""
    right: bool = False
    least: int | None = None
    lead: bool = False
    omit: str = ""


@dataclass(frozen=True)
class FittedTable:
    """A table for rich to print.

    Attributes
    ----------
    columns
        From left to right.
    rows
        A value for each column.
    title
        Above it; none by default.
    ruled
        Whether there are lines around and between the columns, where there is room for them.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Text]] = field(default=())
    title: str = ""
    ruled: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table | Text]:
        """Yield the widest of the forms that fits."""
        if self.title:
            yield Text(self.title, style="italic")
        for close, folding in ((False, False), (True, False), (True, True)):
            widths = self._widths(options.max_width - self._frame(close), close, folding=folding)
            if widths is not None:
                yield self._table(widths, close, options)
                return
        yield from self._stacked(options.max_width)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return that it takes what it gets."""
        return Measurement(1, options.max_width)

    def _frame(self, close: bool) -> int:
        columns = len(self.columns)
        if close:
            return 2 * columns - 2
        return 3 * columns + 1 if self.ruled else 3 * columns - 1

    def _widths(self, room: int, close: bool, *, folding: bool) -> list[int] | None:
        """Return the widths of the columns, those that may be folded as wide as can be; None when there is no room."""
        wanted, least = [], []
        for place, column in enumerate(self.columns):
            head = len(_name(column, close))
            width = max([head, *(row[place].cell_len for row in self.rows)])
            wanted.append(width)
            least.append(max(head, min(width, column.least)) if folding and column.least is not None else width)
        over = sum(wanted) - room
        # What is widest gives way first.
        while over > 0:
            foldable = [place for place in range(len(wanted)) if wanted[place] > least[place]]
            if not foldable:
                return None
            widest = max(foldable, key=lambda place: wanted[place])
            wanted[widest] -= 1
            over -= 1
        return wanted

    def _table(self, widths: Sequence[int], close: bool, options: ConsoleOptions) -> Table:
        ruled = self.ruled and not close
        table = Table(
            box=HEAVY_HEAD if ruled else _ASCII_HEAD if options.ascii_only else SIMPLE_HEAD,
            pad_edge=ruled,
            show_edge=not close,
            padding=(0, 1, 0, 0) if close else (0, 1),
        )
        for column, width in zip(self.columns, widths, strict=True):
            table.add_column(_name(column, close), justify="right" if column.right else "left", width=width)
        for row in self.rows:
            cells = zip(row, widths, strict=True)
            table.add_row(*(Text("\n").join(folded(cell, width)) for cell, width in cells))
        return table

    def _stacked(self, width: int) -> Iterator[Text]:
        for row in self.rows:
            lead, named = Text(), []
            for column, value in zip(self.columns, row, strict=True):
                if column.lead:
                    lead.append_text(Text.assemble("  " if lead else f"{column.name} " if column.right else "", value))
                elif value.plain not in ("", column.omit):
                    named.append(Text.assemble(f"{column.name} ", value))
            yield from folded(lead, width)
            yield from _paragraph(named, width - _INDENT)


def _name(column: Column, close: bool) -> str:
    return (column.short if close else "") or column.name


def folded(line: Text, width: int) -> Iterator[Text]:
    """Yield a line in pieces as wide as there is room: at words, else within a shape or a list, else anywhere."""
    width = max(width, 1)
    while line.cell_len > width:
        cut = _cut(line.plain, width)
        head, line = line.divide([cut])
        head.rstrip()
        yield head
        line = line[len(line.plain) - len(line.plain.lstrip(" ")) :]
    yield line


def _cut(text: str, width: int) -> int:
    """Return where to part a text that is wider than that; near its end if that is at a good place."""
    most = width
    while most > 1 and cell_len(text[:most]) > width:
        most -= 1
    if text[most] == " ":
        return most
    for marks in _BREAKS:
        best = max(text.rfind(mark, 0, most) for mark in marks) + 1
        if best > most // 3:
            return best
    return most


def _paragraph(items: Sequence[Text], width: int) -> Iterator[Text]:
    """Yield items with commas between, indented, as many to a line as there is room for."""
    line = Text()
    for place, item in enumerate(items):
        whole = Text.assemble(item, "," if place < len(items) - 1 else "")
        if line and line.cell_len + 1 + whole.cell_len > width:
            yield from _indented(line, width)
            line = Text()
        line = Text.assemble(line, " ", whole) if line else whole
    yield from _indented(line, width)


def _indented(line: Text, width: int) -> Iterator[Text]:
    for part in folded(line, width):
        yield Text.assemble(" " * _INDENT, part)
