"""Items of several sizes that have to share instances: small models for CP-SAT.

Slots are scaled to integers first. `shared_out` tears nothing; `torn_apart` tears as few items as can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

from ...solver.cpsat.lexicographic import Goal
from ...solver.cpsat.loading import new_model
from .best_in_time import best_in_time
from .needs import Amount

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

SECONDS = 0.5
"""The time that one model may take to be best; what was found by then is used."""

ROOM = 2**60
"""Of all instances together, in parts of a slot."""

Picks = list[tuple[tuple[int, Amount], ...]]


class _Scaled:
    """Sizes and instances in integers."""

    def __init__(self, sizes: Sequence[Amount], free: Sequence[Amount], full: Sequence[Amount]) -> None:
        self.factor = lcm(*(value.denominator for value in (*sizes, *free)))
        self.sizes = [int(size * self.factor) for size in sizes]
        # Sums of all have to stay inside CP-SAT's integers: of an instance of more than that, the rest is not seen.
        most = ROOM // max(1, len(free))
        self.free = {i: min(most, int(slots * self.factor)) for i, slots in enumerate(free) if slots > 0}
        self.untouched = [i for i in self.free if free[i] == full[i]]

    def slots(self, scaled: int) -> Amount:
        """Return an integer as slots again."""
        exact = Fraction(scaled, self.factor)
        return exact.numerator if exact.denominator == 1 else exact

    def goals(self, used: dict[int, cp_model.IntVar], pieces: cp_model.LinearExpr | int, most: int) -> list[Goal]:
        """Return what follows when nothing more is torn: sharing, opening, fit, the first instances."""
        free, count = self.free, len(used)
        return [
            Goal(pieces - sum(used.values()), -count, most),
            Goal(sum(used[i] for i in self.untouched), 0, count),
            Goal(sum(used[i] * free[i] for i in used), 0, sum(free.values())),
            Goal(sum(used[i] * place for place, i in enumerate(used)), 0, count * count),
        ]


def shared_out(sizes: Sequence[Amount], free: Sequence[Amount], full: Sequence[Amount]) -> Picks | None:
    """Place every item on one instance; None when that is impossible."""
    scaled = _Scaled(sizes, free, full)
    counts = Counter(scaled.sizes)
    model = new_model()
    used = {i: model.new_bool_var("") for i in scaled.free}
    number = {
        (size, i): model.new_int_var(0, min(count, room // size), "")
        for size, count in counts.items()
        for i, room in scaled.free.items()
        if room >= size
    }
    for size, count in counts.items():
        model.add(sum(variable for (of, _), variable in number.items() if of == size) == count)
    for i, room in scaled.free.items():
        here = {size: variable for (size, at), variable in number.items() if at == i}
        model.add(sum(size * variable for size, variable in here.items()) <= room)
        model.add(sum(here.values()) >= used[i])
        for variable in here.values():
            model.add(variable == 0).only_enforce_if(~used[i])
    found = best_in_time(model, scaled.goals(used, len(sizes), len(sizes)), SECONDS)
    if found is None:
        return None
    places = {
        size: [i for (of, i), v in number.items() if of == size for _ in range(found.value(v))] for size in counts
    }
    taken = {size: iter(sorted(indexes)) for size, indexes in places.items()}
    return [((next(taken[size]), exact),) for size, exact in zip(scaled.sizes, sizes, strict=True)]


def torn_apart(
    sizes: Sequence[Amount], whole: Sequence[bool], free: Sequence[Amount], full: Sequence[Amount]
) -> Picks | None:
    """Place items in as few pieces as can be; None when those that must stay whole do not fit."""
    scaled = _Scaled(sizes, free, full)
    model = new_model()
    used = {i: model.new_bool_var("") for i in scaled.free}
    piece = {}
    part = {}
    for item, size in enumerate(scaled.sizes):
        for i, room in scaled.free.items():
            if whole[item] and room < size:
                continue
            here = piece[item, i] = model.new_bool_var("")
            part[item, i] = size * here if whole[item] else model.new_int_var(0, min(size, room), "")
            if not whole[item]:
                model.add(part[item, i] >= here)
                model.add(part[item, i] <= min(size, room) * here)
        model.add(sum(amount for (of, _), amount in part.items() if of == item) == size)
    for i, room in scaled.free.items():
        model.add(sum(amount for (_, at), amount in part.items() if at == i) <= room)
        here_all = [variable for (_, at), variable in piece.items() if at == i]
        model.add(sum(here_all) >= used[i])
        for variable in here_all:
            model.add_implication(variable, used[i])
    pieces = sum(piece.values())
    most = len(piece)
    goals = [Goal(pieces, 0, most), *scaled.goals(used, pieces, most)]
    found = best_in_time(model, goals, SECONDS)
    if found is None:
        return None
    return [
        tuple(
            (i, scaled.slots(found.value(part[item, i])))
            for (of, i), v in piece.items()
            if of == item and found.value(v)
        )
        for item in range(len(sizes))
    ]
