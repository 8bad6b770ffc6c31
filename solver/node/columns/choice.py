"""Whole runs of those that are known: a small search by CP-SAT, one component after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...cpsat.budget import Budget
from ...cpsat.lexicographic import Expression, Goal, lexmin
from ...cpsat.loading import new_model
from ...cpsat.status import Status
from .forest import Run
from .making import Making
from .master import Master
from .weights import Weights


@dataclass(frozen=True)
class Counted:
    """A component, and between what it must lie; it may also be less."""

    weights: Weights
    low: int
    high: int


@dataclass(frozen=True)
class Choice:
    """What came of a search: its status, and the runs that are taken, and how often each."""

    status: Status
    runs: tuple[tuple[Run, int], ...] = ()


def choose(master: Master, makings: Mapping[Run, Making | None], counted: Sequence[Counted], budget: Budget) -> Choice:
    """Find the best choice of some runs.

    Parameters
    ----------
    makings
        The runs, as they can be; None for one that counts what it does at the least.
    counted
        Components, first compared first. Where all of them are fixed, any choice will do.
    """
    forest, model = master.forest, new_model()
    runs = list(makings)
    times = [
        model.new_int_var(0, min(len(forest.leaves[leaf].places) // n for leaf, n in run.leaves), "") for run in runs
    ]
    taken: dict[tuple[str, int], list[Expression]] = {}
    for run, x in zip(runs, times, strict=True):
        for what, numbers in (("kind", enumerate(run.vector)), ("leaf", run.leaves), ("gpus", run.gpus)):
            for number, n in numbers:
                taken.setdefault((what, number), []).append(n * x)
    for number, kind in enumerate(master.kinds):
        model.add(sum(taken.get(("kind", number), ())) >= kind.count)
    touched = [model.new_bool_var("") for _ in forest.branches]
    for number, branch in enumerate(forest.branches):
        if branch.parent >= 0:
            model.add_implication(touched[number], touched[branch.parent])
        for leaf in branch.leaves:
            model.add(sum(taken.get(("leaf", leaf), ())) <= len(forest.leaves[leaf].places) * touched[number])
        model.add(sum(taken.get(("gpus", number), ())) <= branch.gpus * touched[number])
    goals: list[Goal] = []
    is_free = False
    for some in counted:
        values = [_value(master, some.weights, run, makings[run]) for run in runs]
        value: Expression = sum(n * x for n, x in zip(values, times, strict=True) if n)
        value += sum(n * x for n, x in zip(some.weights.branches, touched, strict=True) if n)
        model.add(value <= some.high)
        goals.append(Goal(value, some.low, some.high))
        is_free = is_free or some.low < some.high
    found = lexmin(model, goals if is_free else [], budget)
    if found.solver is None:
        return Choice(found.status)
    taken_runs = ((run, found.solver.value(x)) for run, x in zip(runs, times, strict=True))
    return Choice(found.status, tuple((run, n) for run, n in taken_runs if n))


def _value(master: Master, weights: Weights, run: Run, making: Making | None) -> int:
    """Return what a run counts as it is made."""
    if making is None:
        return master.value(weights, run) if weights.share < 0 else 0
    if weights.share >= 0:
        return making.shares[weights.share]
    if any(weights.shield):
        bare = {
            piece[0:2]
            for some, kind in zip(making.slots, master.kinds, strict=True)
            if kind.shielded
            for slot in some
            for piece, (cores, _) in slot.items()
            if cores
        }
        return sum(weights.shield[leaf] for leaf, _ in bare)
    return master.value(weights, run)
