"""A screen of so many lines: head, the sections that were asked for as far as there is room, and the keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rich.text import Text

from ....grammar.errors import printable
from ...drawing.marks import DIM
from . import sections
from .moment import Moment

ALL, HELP = "all", "help"
VIEWS: Final = (ALL, *sections.SECTIONS)
"""What can be looked at, by the digits from 1."""
_IN_ALL: Final = ("racks", "nodes", "down", "jobs", "queue")
_LEAST: Final = 2
_TURNS: Final = {"queue": 2}
"""What gets more of a small screen than the others."""
_MOST_ROWS: Final = 40
"""Lines of a section where all of them are printed below each other."""
_HELP: Final = (
    "1 to 7, Tab   all, racks, nodes, cells, jobs, queue, down",
    "arrows, j k   a line down or up",
    "Space b       a page down or up; also PgDn PgUp",
    "g G           the first line, the last one; also Home End",
    "p             pause: the system is not asked until p is pressed again",
    "q             quit",
    "",
    "nodes: those of which the same is left are one line; of each domain",
    "  · is all free, 9-1 tenths, 0 less than one, # nothing, / down",
    "cells: one mark a core or GPU, the mark of its job; below it its slot,",
    "  a capital where the slot is torn: in more domains than it needs",
    "queue: what a job waits for, by counts and one look for any placement;",
    "  exactfit explain JOBID says it in full, and what would help",
)


@dataclass(frozen=True, slots=True)
class Look:
    """What one looks at.

    Attributes
    ----------
    view
        One of `VIEWS`, or `HELP`.
    offset
        Lines that are scrolled away.
    paused
        Whether the system is not asked.
    """

    view: str = ALL
    offset: int = 0
    paused: bool = False

    def after(self, key: str, page: int) -> Look:
        """Return what is looked at after a key, a page being so many lines."""
        if key.isdigit() and 1 <= int(key) <= len(VIEWS):
            return replace(self, view=VIEWS[int(key) - 1], offset=0)
        if key in ("tab", "backtab"):
            place = VIEWS.index(self.view) if self.view in VIEWS else -1
            return replace(self, view=VIEWS[(place + (1 if key == "tab" else -1)) % len(VIEWS)], offset=0)
        if key in ("?", "h"):
            return replace(self, view=ALL if self.view == HELP else HELP, offset=0)
        if key == "p":
            return replace(self, paused=not self.paused)
        moves = {"down": 1, "j": 1, "up": -1, "k": -1, "pgdn": page, " ": page, "pgup": -page, "b": -page}
        moves |= {"end": 10**9, "G": 10**9, "home": -(10**9), "g": -(10**9)}
        return replace(self, offset=max(0, self.offset + moves.get(key, 0)))


class Screen:
    """Makes frames, and remembers the lines of a moment as long as it is shown.

    Parameters
    ----------
    drawn
        Whether bars and marks stand for amounts; otherwise words do.
    """

    def __init__(self, *, drawn: bool = True) -> None:
        self._drawn = drawn
        self._known: dict[tuple[str, int], list[Text]] = {}
        self._of: Moment | None = None

    def frame(
        self, moment: Moment | None, look: Look, size: tuple[int, int], trouble: str = "", status: str = ""
    ) -> tuple[list[Text], Look]:
        """Return the lines of a screen, and what is looked at, not scrolled beyond the end.

        Parameters
        ----------
        moment
            What is known; None as long as nothing is.
        size
            Columns and lines.
        trouble
            Why the system does not answer; empty where it does.
        status
            What is being done, in a word.
        """
        width, height = max(size[0], 20), max(size[1], 4)
        lines = sections.head(moment, width, drawn=self._drawn) if moment is not None else [Text("exactfit top")]
        if status:
            lines[0] = _right(lines[0], status, width)
        if trouble:
            lines.insert(1, _cut(Text(printable(trouble), style="reverse"), width))
        if look.view == HELP:
            body = [Text(line) for line in _HELP]
        elif moment is None:
            body = []
        elif look.view == ALL:
            body = self._all(moment, width, height - len(lines) - 1)
        else:
            body = self._section(moment, look.view, width) or [Text(_none(look.view), style=DIM)]
        room = max(height - len(lines) - 1, 1)
        offset = min(look.offset, max(len(body) - room, 0))
        shown = _window(body, offset, room, headed=look.view not in (ALL, HELP, "cells", "racks"))
        lines = [*lines[: height - 1 - len(shown)], *shown]
        lines = [_cut(line.copy(), width) for line in lines] + [Text()] * (height - 1 - len(lines))
        return [*lines, _keys(look, len(body), offset, room, width)], replace(look, offset=offset)

    def whole(self, moment: Moment, width: int) -> list[Text]:
        """Return all there is to see, sections below each other, the longest of them cut."""
        lines = sections.head(moment, width, drawn=self._drawn)
        for name in _IN_ALL:
            body = self._section(moment, name, width)
            if body:
                lines += [Text(), Text(name, style="bold"), *body[:_MOST_ROWS]]
            if len(body) > _MOST_ROWS:
                lines.append(Text(f"and {len(body) - _MOST_ROWS:,} more", style=DIM))
        return lines

    def _section(self, moment: Moment, name: str, width: int) -> list[Text]:
        if moment is not self._of:
            self._of, self._known = moment, {}
        key = name, width
        if key not in self._known:
            if not self._drawn and name in ("racks", "cells"):
                self._known[key] = []
            elif name == "nodes":
                self._known[key] = sections.nodes(moment, width, drawn=self._drawn)
            else:
                self._known[key] = sections.SECTIONS[name](moment, width)
        return self._known[key]

    def _all(self, moment: Moment, width: int, room: int) -> list[Text]:
        """Return as much of each section as there is room for, dealt out line by line."""
        found = [(name, body) for name in _IN_ALL if (body := self._section(moment, name, width))]
        while found and room < _LEAST * len(found):
            found.pop(0)
        given = _dealt([1 + len(body) for _, body in found], [_TURNS.get(name, 1) for name, _ in found], room)
        lines: list[Text] = []
        for (name, body), share in zip(found, given, strict=True):
            title = Text(f"{VIEWS.index(name) + 1} {name}", style="bold")
            hidden = len(body) - (share - 1)
            if hidden > 0:
                title.append(f"  {hidden:,} more lines", style="dim not bold")
            lines += [title, *body[: share - 1]]
        return lines


def _dealt(wanted: Sequence[int], turns: Sequence[int], room: int) -> list[int]:
    """Return shares of some room: as much as is wanted, dealt out in turns of so many lines each."""
    given = [0] * len(wanted)
    left = room
    while left > 0 and any(have < want for have, want in zip(given, wanted, strict=True)):
        for place, want in enumerate(wanted):
            more = min(turns[place], want - given[place], left)
            given[place] += more
            left -= more
    return given


def _window(body: Sequence[Text], offset: int, room: int, *, headed: bool) -> list[Text]:
    """Return the lines that are seen; of a table the head stays."""
    if headed and offset and len(body) > 1:
        return [body[0], *body[offset + 1 : offset + room]]
    return list(body[offset : offset + room])


def _none(view: str) -> str:
    return {"racks": "no groups of nodes", "queue": "no jobs wait", "jobs": "no jobs run", "down": "nothing is"}.get(
        view, "nothing"
    )


def _keys(look: Look, lines: int, offset: int, room: int, width: int) -> Text:
    line = Text(no_wrap=True, style="reverse")
    for place, view in enumerate(VIEWS, start=1):
        line.append(f"{place} {view}", style="bold" if view == look.view else "")
        line.append("  ")
    line.append("? help  q quit")
    if lines > room and width - line.cell_len > 8:
        line = _right(line, f"{offset + 1}-{min(offset + room, lines)}/{lines}", width)
    return _cut(line, width)


def _right(line: Text, more: str, width: int) -> Text:
    room = width - len(more) - 1
    line = line.copy()
    line.truncate(max(room, 1), overflow="ellipsis")
    return line.append(" " * (max(room, 1) - line.cell_len + 1) + more, style="not bold")


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    line.no_wrap = True
    return line
