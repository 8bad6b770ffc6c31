"""What there is to see of a moment, section by section, as lines: racks, nodes, jobs, the queue, what is down."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from rich.text import Text

from ....grammar.errors import printable
from ....grammar.idset import IdSet
from ...drawing.group_lines import group_lines
from ...drawing.groups import GroupLook
from ...drawing.marks import DIM, HELD_STYLE
from ...drawing.terminal import draw_terminal
from ..why_waits import clock
from .folds import AWAY, DOWN, Fold, left, numbers, part_mark, where
from .moment import Moment, Runs, Waits
from .rows import Column, table

MOST_LINES: Final = 12
"""Groups that have a line each in `racks`."""
_KINDS: Final = (("core", "cores"), ("gpu", "gpus"))


def head(moment: Moment, width: int, *, drawn: bool = True) -> list[Text]:
    """Return what is true of the whole machine: what it is, how many nodes, how much is held."""
    snapshot = moment.snapshot
    where = f" on {printable(snapshot.cluster)}" if snapshot.cluster else ""
    title = Text(f"{printable(snapshot.system)} {printable(snapshot.version)}{where}", style="bold", no_wrap=True)
    title.append(f"  {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(_moment(snapshot.taken)))}", style="not bold")
    counts = [f"{number:,} {word}" for word, number in numbers(moment.folds).items() if number]
    lines = [title, Text(f"{moment.machine.size:,} nodes: {', '.join(counts)}")]
    lines.append(Text(jobs_line(moment)))
    for what, name in _KINDS:
        held, free, gone = left(moment.folds, what)
        if held + free + gone:
            away = away_words(moment, gone)
            lines.append(
                _bar(name, held, free, gone, away, width)
                if drawn
                else Text(_in_words(name, held, free, held + free + gone, away))
            )
    return [_cut(line, width) for line in lines]


def jobs_line(moment: Moment) -> str:
    """Return how many jobs run and wait, and how many of their slots are torn."""
    torn = moment.torn
    said = f"{len(moment.running):,} jobs run, {len(moment.waiting):,} wait"
    if not torn.slots:
        return said
    jobs = sum(1 for one in moment.running if one.torn.torn)
    return f"{said}; {torn.torn:,} of {torn.slots:,} slots are torn" + (f", of {jobs:,} jobs" if jobs else "")


def away_words(moment: Moment, gone: int) -> str:
    """Return how many of something are on nodes that are down or kept."""
    words = [word for word, number in numbers(moment.folds).items() if number and word in AWAY]
    return f", {gone:,} {' or '.join(words)}" if gone else ""


def _in_words(name: str, held: int, free: int, there: int, away: str) -> str:
    return f"{name}: {held:,} of {there:,} held, {free:,} free{away}"


def _bar(name: str, held: int, free: int, gone: int, away: str, width: int) -> Text:
    there = held + free + gone
    said = f" {100 * held // there:3}% of {there:,}{away}"
    room = max(width - len(said) - 7 - 2, 4)
    full, lost = room * held // there, -(-room * gone // there)
    lost = min(lost, room - full)
    line = Text(f"{name:<6}[", no_wrap=True)
    line.append("#" * full, style=HELD_STYLE)
    line.append("·" * (room - full - lost), style=DIM).append("/" * lost, style=DIM)
    return line.append("]").append(said)


# -- racks --


def racks(moment: Moment, width: int) -> list[Text]:
    """Return the groups: a line each where they are few, a map of what is free of each where they are many."""
    looks = [look for look in moment.scene.groups if look.own]
    if not looks:
        return []
    if len(moment.scene.groups) <= MOST_LINES:
        return table(
            (
                Column("group"),
                Column("nodes", right=True),
                Column("idle", right=True),
                Column("down", right=True, needed=5),
                Column("cores free", right=True, needed=7),
                Column("gpus free", right=True, needed=6),
                Column("each node", least=8, needed=8),
            ),
            [group_row(look) for look in moment.scene.groups],
            width,
        )
    return [_cut(line, width) for line in group_lines(moment.scene, width)]


def group_row(look: GroupLook) -> list[str]:
    """Return what is told of a group: its name, its nodes, what is free, and a mark for each node."""
    nodes = "".join(
        "/" if state.down else part_mark(state.type.cores.bit_count() - len(state.cores), state.type.cores.bit_count())
        for state in look.own
    )
    name = f"{'  ' * look.depth}{printable(look.name)}"
    return [
        name,
        f"{look.nodes:,}",
        f"{look.idle:,}",
        f"{look.down:,}" if look.down else "",
        f"{look.cores[0]:,} of {look.cores[1]:,}",
        f"{look.gpus[0]:,} of {look.gpus[1]:,}" if look.gpus[1] else "",
        f"[{nodes}]" if nodes else "",
    ]


# -- nodes --


def nodes(moment: Moment, width: int, *, drawn: bool = True) -> list[Text]:
    """Return the nodes, those of which the same is left in one line."""
    levels = {fold.level for fold in moment.folds}
    marks = f"free of each {'/'.join(sorted(levels))}"
    columns = (
        Column("nodes", right=True),
        Column("are"),
        Column("cores free", right=True, needed=7),
        Column("gpus free", right=True, needed=6),
        Column(marks, needed=4, least=12),
        Column("torn", right=True, needed=5),
        Column("where", least=10, needed=8),
    )
    return table(columns, [_fold_row(fold, drawn) for fold in moment.folds], width)


def _fold_row(fold: Fold, drawn: bool) -> list[str]:
    gone = fold.word == DOWN
    return [
        f"{fold.count:,}",
        fold.word,
        "" if gone else f"{fold.cores[0]} of {fold.cores[1]}",
        f"{fold.gpus[0]} of {fold.gpus[1]}" if fold.gpus[1] and not gone else "",
        fold.marks if drawn else "",
        f"{fold.torn:,}" if fold.torn else "",
        fold.where,
    ]


def cells(moment: Moment, width: int) -> list[Text]:
    """Return each node's cores and GPUs with who holds them; a capital letter below is a torn slot."""
    return [_cut(line, width) for line in draw_terminal(moment.scene, width, legend=True)]


# -- jobs --


def running(moment: Moment, width: int) -> list[Text]:
    """Return the jobs that run, the largest first."""
    columns = (
        Column("job", least=6),
        Column("user", least=6, needed=6),
        Column("name", least=6, needed=3),
        Column("queue", least=5, needed=4),
        Column("nodes", right=True),
        Column("cores", right=True, needed=7),
        Column("gpus", right=True, needed=5),
        Column("ends in", right=True),
        Column("slots", right=True, needed=2),
        Column("torn", right=True, needed=8),
    )
    return table(columns, ROWS["jobs"](moment), width)


def _run_row(moment: Moment, one: Runs) -> list[str]:
    job = one.job
    ends = short(job.end - moment.snapshot.taken) if job.end > 0 else "?"
    return [
        job.id,
        job.user,
        job.name,
        job.queue,
        f"{one.nodes:,}",
        f"{one.cores:,}",
        f"{one.gpus:,}" if one.gpus else "",
        ends,
        f"{one.torn.slots:,}" if one.torn.slots else "",
        f"{one.torn.torn:,}" if one.torn.torn else "",
    ]


def queue(moment: Moment, width: int) -> list[Text]:
    """Return the jobs that wait, in their order, with what each waits for."""
    columns = (
        Column("job", least=6),
        Column("user", least=6, needed=6),
        Column("queue", least=5, needed=4),
        Column("asks for", least=14, needed=7),
        Column("since", right=True, needed=5),
        Column("waits for", least=36),
    )
    return table(columns, ROWS["queue"](moment), width)


def _wait_row(moment: Moment, one: Waits) -> list[str]:
    job = one.job
    since = short(moment.snapshot.taken - job.submit) if 0 < job.submit < moment.snapshot.taken else ""
    return [job.id, job.user, job.queue, one.asks, since, one.why]


def down(moment: Moment, width: int) -> list[Text]:
    """Return what takes no jobs and why, what is reserved, and what could not be seen."""
    columns = (Column("nodes", least=8), Column("state", least=8), Column("why", least=12))
    lines = table(columns, ROWS["down"](moment), width)
    return lines + [_cut(Text(f"not seen: {printable(line)}"), width) for line in moment.snapshot.unseen]


def _down_rows(moment: Moment) -> list[list[str]]:
    snapshot = moment.snapshot
    rows = [[_where(moment, gone.ranks), gone.state, gone.why] for gone in snapshot.down]
    for one in snapshot.reservations:
        when = f"{clock(one.start)} to {clock(one.end)}"
        rows.append([_where(moment, one.ranks), f"kept by {one.name}", f"{when}{', ' + one.why if one.why else ''}"])
    return rows


def _where(moment: Moment, ranks: str) -> str:
    return where(moment.machine, moment.machine.mask_of(IdSet.parse(ranks)))


def short(seconds: float) -> str:
    """Return a span of time in as few characters as tell it: 45 s, 10 min, 2 h 05, 3 d 4 h."""
    if seconds < 60:
        return f"{max(int(seconds), 0)} s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02}" if minutes < 1440 else f"{minutes // 1440} d {minutes % 1440 // 60} h"


ROWS: Final[Mapping[str, Callable[[Moment], list[list[str]]]]] = {
    "jobs": lambda moment: [_run_row(moment, one) for one in moment.running],
    "queue": lambda moment: [_wait_row(moment, one) for one in moment.waiting],
    "down": _down_rows,
}
"""The cells of those sections that are tables of jobs, or of what is down."""

SECTIONS: Final[Mapping[str, Callable[[Moment, int], list[Text]]]] = {
    "racks": racks,
    "nodes": nodes,
    "cells": cells,
    "jobs": running,
    "queue": queue,
    "down": down,
}
"""By name, in the order in which they stand."""


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    line.no_wrap = True
    return line


def _moment(seconds: float) -> float:
    return min(max(seconds, 0.0), 2.0**33)
