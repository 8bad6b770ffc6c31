"""What the machine would be as another one: the same jobs, sooner or later, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from . import html
from .altered import called
from .figures_table import difference
from .groups import Estimate, Group
from .verdict import signed

_MINUTE, _HOUR = 60.0, 3600.0

_FIGURES = (
    ("wait", "mean wait", 1 / _MINUTE, " min", ".1f"),
    ("wait p95", "wait p95", 1 / _MINUTE, " min", ".0f"),
    ("slowdown", "bounded slowdown", 1.0, "", ".2f"),
    ("makespan", "makespan", 1 / _HOUR, " h", ".2f"),
    ("loaded utilisation", "core use while jobs come", 100.0, " %", ".1f"),
    ("ran", "jobs run", 1.0, "", ".0f"),
)
"""Figure, what it is called, factor, unit and format."""


def capacity_in_words(groups: Sequence[Group]) -> list[str]:
    """Return a sentence for each pool, queue, load and other machine: what that changes, against the first machine."""
    return [_sentence(group, first) for group, first in _pairs(groups)]


def _pairs(groups: Sequence[Group]) -> Iterator[tuple[Group, Group]]:
    """Yield each group of another machine with that of the first machine that is like it."""
    for group in groups:
        first = next((g for g in groups if _but_machine(g) == _but_machine(group)), group)
        if first.machine != group.machine and first.machine == groups[0].machine:
            yield group, first


def _but_machine(group: Group) -> tuple[str, str, float | None]:
    return group.pool, group.scheduling, group.load


def _sentence(group: Group, first: Group) -> str:
    load = f", load {group.load:g}" if group.load is not None else ""
    against = f", against {first.machine}" if first.machine else ""
    head = f"What if: {called(group.machine)}{against} ({group.pool}, {group.scheduling}{load})? "
    shown, unknown = [], []
    for figure, name, factor, unit, form in _FIGURES:
        one = group.less(first, figure)
        if one is None:
            continue
        if one.half is None:
            shown.append(f"{name} {signed(one.mean * factor, form)}{unit}")
        elif abs(one.mean) > one.half:
            mean, half = one.mean * factor, one.half * factor
            interval = f"{signed(mean - half, form)} to {signed(mean + half, form)}"
            shown.append(f"{name} {signed(mean, form)}{unit} ({interval})")
        elif one.mean or one.half:
            unknown.append(name)
    several = len(set(group.seeds) & set(first.seeds)) > 1
    parts = [", ".join(shown)] if shown else []
    if unknown:
        parts.append(f"no difference shown: {', '.join(unknown)}")
    text = "; ".join(parts) or "nothing changes"
    tail = "In brackets: 95 % intervals." if several else "One seed: it may be the luck of one day."
    return f"{head}{text[:1].upper()}{text[1:]}. {tail}"


def capacity(groups: Sequence[Group]) -> list[str]:
    """Return the differences of each other machine to the first one, a line a figure; nothing for one machine."""
    pairs = list(_pairs(groups))
    if not pairs:
        return []
    rows = [
        [
            escape(f"{name},{unit}" if unit else name),
            *(_cell(group.less(first, figure), factor, form) for group, first in pairs),
        ]
        for figure, name, factor, unit, form in _FIGURES
    ]
    several = {other.pool for other in groups}, {(other.scheduling, other.load) for other in groups}
    heads = [_head(group, *(len(some) > 1 for some in several)) for group, _ in pairs]
    what = called(groups[0].machine)
    text = (
        f"The same jobs on the machine as it would be, less the machine {what}, seed by seed: bold where the 95 % "
        "interval of the difference leaves out zero. Jobs that did not run on each machine are in no waits."
    )
    return [
        html.paragraph(text),
        html.table(["", *heads], rows, f"Differences to the machine {what}, seed by seed"),
    ]


def _head(group: Group, pools: bool, situations: bool) -> str:
    parts = [called(group.machine)]
    if pools:
        parts.append(group.pool)
    if situations:
        parts.append(group.scheduling + (f", load {group.load:g}" if group.load is not None else ""))
    return ", ".join(parts)


def _cell(one: Estimate | None, factor: float, form: str) -> str:
    if one is not None and one.half is None:
        return signed(one.mean * factor, form)
    return difference(one, factor, form)
