"""Whether a pool is worth loading on this machine, in words: what is shown to be better, what worse, and what is not.

A difference is taken seed by seed and counts where its 95 % confidence interval leaves out zero: one seed shows none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .groups import Group
from .pools import PoolName

_LESS, _MORE = -1, 1
_MINUTE = 60.0
_MILLI = 1000.0


def verdicts(groups: Sequence[Group], levels: Sequence[str]) -> list[str]:
    """Return a sentence for each other pool, queue and load: what loading the first pool of ours would change.

    Parameters
    ----------
    groups
        Of a study.
    levels
        Below the node, the finest last.
    """
    found = []
    for scheduling, load in dict.fromkeys((group.scheduling, group.load) for group in groups):
        alike = [group for group in groups if (group.scheduling, group.load) == (scheduling, load)]
        ours = next((group for group in alike if PoolName.read(group.pool).ours), None)
        where = f" ({scheduling}{f', load {load:g}' if load is not None else ''})"
        if ours is not None:
            found += [_against(ours, other, levels, where) for other in alike if other is not ours]
    return found


def recommended(groups: Sequence[Group], batches: Batches, levels: Sequence[str]) -> list[str]:
    """Return a sentence for each queue and load: which of the pools a site should load for these jobs.

    It is one that no other is shown to surpass in jobs run, waiting and slowdown. Where there are several, it is the
    one that places most work of the batches, if any were placed; else the one whose slots are whole most often.
    """
    found = []
    for scheduling, load in dict.fromkeys((group.scheduling, group.load) for group in groups):
        alike = [group for group in groups if (group.scheduling, group.load) == (scheduling, load)]
        seeds = set.intersection(*(set(group.seeds) for group in alike))
        if len(alike) < 2 or len(seeds) < 2:
            continue
        where = f" under {scheduling}{f' at load {load:g}' if load is not None else ''}"
        unsurpassed = [group for group in alike if not any(_surpasses(other, group) for other in alike)]
        names = ", ".join(group.pool for group in unsurpassed)
        if not unsurpassed:
            found.append(f"What to load{where}: each pool is surpassed by another in jobs run, waiting or slowdown.")
            continue
        placed = {pool: sum(row.get("work") or 0 for row in rows) for pool, rows in batches(load).items()}
        best = max(unsurpassed, key=lambda group: (placed.get(group.pool, 0), _local(group, levels)))
        why = ""
        if len(unsurpassed) > 1:
            reason = "places most work of the batches" if any(placed.values()) else "keeps most slots whole"
            why = f" No other is shown to run more jobs or sooner than {names}; of these it {reason}."
        found.append(f"What to load{where}: {best.pool}.{why}")
    return found


Batches = Callable[[float | None], Mapping[str, Sequence[Mapping[str, Any]]]]
"""Returns what was placed of batches at a load, by pool."""


def _surpasses(one: Group, other: Group) -> bool:
    """Tell whether one pool is shown to be better in any of what counts first."""
    for figure, way in (("ran", _MORE), ("wait", _LESS), ("slowdown", _LESS)):
        less = one.less(other, figure)
        if less is not None and less.half is not None and way * less.mean > less.half:
            return True
    return False


def _local(group: Group, levels: Sequence[str]) -> float:
    found = group.figure(f"local.{levels[-1]}") if levels else None
    return found.mean if found else 0.0


def _against(ours: Group, other: Group, levels: Sequence[str], where: str) -> str:
    head = f"Is {ours.pool} worth loading here in the place of {other.pool}{where}? "
    if len(set(ours.seeds) & set(other.seeds)) < 2:
        return f"{head}One seed shows no difference that may not be luck: --sweep seeds=N does."
    sides: dict[bool, list[str]] = {True: [], False: []}
    unknown = []
    for figure, name, factor, unit, form, way in _figures(levels):
        one = ours.less(other, figure)
        if one is None or one.half is None:
            continue
        mean, half = one.mean * factor, one.half * factor
        said = f"{name} {mean:+{form}}{unit} ({mean - half:+{form}} to {mean + half:+{form}})"
        if abs(one.mean) > one.half:
            sides[way * one.mean > 0].append(said)
        else:
            unknown.append(name)
    better, worse = sides[True], sides[False]
    parts = [
        *((f"better: {', '.join(better)}",) if better else ()),
        *((f"worse: {', '.join(worse)}",) if worse else ()),
        *((f"no difference shown: {', '.join(unknown)}",) if unknown else ()),
    ]
    answer = ("It depends" if worse else "Yes") if better else "No" if worse else "Not shown"
    text = "; ".join(parts)
    return f"{head}{answer}. {text[:1].upper()}{text[1:]}. In brackets: 95 % intervals."


def _figures(levels: Sequence[str]) -> list[tuple[str, str, float, str, str, int]]:
    """Return figure, name, factor, unit, format and which way is better."""
    local = [(f"local.{levels[-1]}", f"slots in one {levels[-1]}", 100.0, " %", ".1f", _MORE)] if levels else []
    return [
        ("ran", "jobs run", 1.0, "", ".1f", _MORE),
        ("wait", "mean wait", 1 / _MINUTE, " min", ".1f", _LESS),
        ("slowdown", "bounded slowdown", 1.0, "", ".2f", _LESS),
        *local,
        ("jobs refused wrongly", "jobs refused wrongly", 1.0, "", ".1f", _LESS),
        ("decision", "time of a decision", _MILLI, " ms", ".2f", _LESS),
    ]
