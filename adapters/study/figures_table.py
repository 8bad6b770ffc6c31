"""The tables of all figures: each pool under each queue and load, and each against the first pool."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ...topology.machine import Machine
from . import html
from .groups import Estimate, Group

_MINUTE, _HOUR = 60.0, 3600.0
_LESS, _MORE = -1, 1


def _columns(machine: Machine) -> list[tuple[str, str, float, str, int]]:
    """Return the table's columns: figure, head, factor, format, which way is better."""
    found: list[tuple[str, str, float, str, int]] = [("ran", "jobs run", 1.0, ".0f", _MORE)]
    levels = machine.levels[::-1]
    found += [(f"local.{level}", f"slots in one {level}, %", 100.0, ".1f", _MORE) for level in levels]
    found += [(f"touched.{level}", f"{level} domains a slot", 1.0, ".2f", _LESS) for level in levels]
    found += [
        ("jobs refused wrongly", "jobs refused wrongly", 1.0, ".0f", _LESS),
        ("denied wrongly", "denied wrongly", 1.0, ".0f", _LESS),
        ("not proven", "refusals not proven", 1.0, ".0f", _LESS),
        ("wait", "mean wait, min", 1 / _MINUTE, ".1f", _LESS),
        ("wait p95", "wait p95, min", 1 / _MINUTE, ".0f", _LESS),
        ("slowdown", "bounded slowdown", 1.0, ".2f", _LESS),
        ("utilisation", "core use, %", 100.0, ".1f", _MORE),
        ("loaded utilisation", "core use while jobs come, %", 100.0, ".1f", _MORE),
        ("makespan", "makespan, h", 1 / _HOUR, ".2f", _LESS),
        ("nodes a job", "nodes a job", 1.0, ".2f", _LESS),
    ]
    found += [(f"{level}s a job", f"{level}s a job", 1.0, ".2f", _LESS) for level in machine.group_levels]
    found += [(f"intact.{level}", f"intact {level}, %", 100.0, ".1f", _MORE) for level in ("node", *machine.levels)]
    found += [
        ("decision", "mean decision, ms", 1000.0, ".2f", _LESS),
        ("decision p95", "decision p95, ms", 1000.0, ".2f", _LESS),
        ("decision longest", "longest decision, ms", 1000.0, ".0f", _LESS),
    ]
    return found


def figures_table(groups: Sequence[Group], machine: Machine) -> str:
    """Return the figures, a line a figure and a column a group, and what they mean."""
    names = [_name(group, groups) for group in groups]
    rows = []
    for figure, head, factor, form, better in _columns(machine):
        found = [group.figure(figure) for group in groups]
        shown = [format(one.mean * factor, form) if one else "" for one in found]
        best = best_of(groups, figure, shown, better)
        cells = []
        for one, text, marked in zip(found, shown, best, strict=True):
            half = (
                f' <span class="pm">± {format(one.half * factor, form)}</span>'
                if one and one.half is not None and figure != "ran"
                else ""
            )
            star = "*" if marked else ""
            cells.append(f"{star}{text}{half}")
        rows.append([escape(head), *cells])
    return html.table(["", *names], rows, "Figures of each pool, by order of the queue, load and machine")


def best_of(groups: Sequence[Group], figure: str, shown: Sequence[str], better: int) -> list[bool]:
    """Tell which groups are shown to be best of those of the same jobs: apart from each that shows another figure."""
    found = []
    for group, text in zip(groups, shown, strict=True):
        others = [
            (other, theirs)
            for other, theirs in zip(groups, shown, strict=True)
            if theirs and theirs != text and other.situation == group.situation
        ]
        apart = (group.less(other, figure) for other, _ in others)
        found.append(
            bool(text and others)
            and all(one is not None and one.half is not None and better * one.mean > one.half for one in apart)
        )
    return found


def _name(group: Group, groups: Sequence[Group]) -> str:
    """Return what a group is called among others: the pool, and of queue, load and machine what there is more of."""
    return ", ".join([group.pool, *group.situation.parts([other.situation for other in groups])])


_AGAINST = ("wait", "slowdown", "utilisation", "nodes a job", "intact.node", "jobs refused wrongly", "decision")


def against_first(groups: Sequence[Group], machine: Machine) -> list[str]:
    """Return the differences to the first pool, seed by seed, where there are several seeds."""
    pairs = []
    for group in groups:
        first = next(g for g in groups if g.situation == group.situation)
        if group is not first and len(group.seeds) > 1:
            pairs.append((group, first))
    if not pairs:
        text = "One seed: a difference in waiting may be the luck of one day. --sweep seeds=N tells more."
        return [html.paragraph(text, "note")]
    rows = []
    for figure, head, factor, form, _ in _columns(machine):
        if figure in _AGAINST or figure.startswith("local."):
            rows.append(
                [escape(head), *(difference(group.less(first, figure), factor, form) for group, first in pairs)]
            )
    text = "Each pool against the first, seed by seed: bold where the 95 % interval of the difference leaves out zero."
    heads = [f"{_name(group, groups)} less {first.pool}" for group, first in pairs]
    return [html.paragraph(text), html.table(["", *heads], rows, "Differences to the first pool, seed by seed")]


def difference(one: Estimate | None, factor: float, form: str) -> str:
    """Return a difference with its interval; bold where that leaves out zero, nothing for one seed."""
    if one is None or one.half is None:
        return ""
    mean = f"{one.mean * factor:+{form}}"
    mean = mean if float(mean) else mean[1:]
    text = f'{mean} <span class="pm">± {one.half * factor:{form}}</span>'
    return f"*{text}" if abs(one.mean) > one.half else text


EXPLAINED = (
    "Slots in one domain: what each job holds is split into its slots in the best way, level by level, whichever pool "
    "gave it. Wrong refusals: the pool said no although exactfit found a placement in the same state; not "
    "proven: its search was cut off by the time limit, so that nobody knows. Bounded slowdown: "
    "waiting and running over running, no job shorter than 10 s. Intact: mean part of the domains that were wholly "
    "free while jobs came. ± is the 95 % confidence interval over seeds. The best of a line is bold, load by load, "
    "where the interval of its difference to each other, seed by seed, leaves out zero: with one seed nothing is."
)
