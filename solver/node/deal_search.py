"""The best runs through some stops: dynamic programming, all vectors of slots at once.

The stops are gone through one by one. Each is left out, or is a run by itself, or begins one, or goes on with one that
was begun. What is kept is what it costs at the least to have room for each vector, by what the runs that go on have of
cores, how often they crossed, and where they last were. All vectors are one array, so that a run that ends is added to
all of them at once.

Of stops that are the same, it does not matter which is used. So those that are left out come last, and what one run has
of them next to each other: a run that was in one is sealed, until other stops come, as soon as another one is used
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ..cpsat.budget import Budget
from .deal_fills import Fill, Fills, GaveUp, Vector
from .deal_stops import Costs, Stop

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Row: TypeAlias = "npt.NDArray[np.complex128]"

MOST_NUMBERS = 400_000
"""Numbers in all arrays together; where there would be more, it is left to others."""

MOST_ROWS = 2_000
"""Arrays; where there would be more, it is left to others."""

SUMS_A_STEP = 80
"""So many numbers of an array are a step of work."""

ROW_STEPS = 6
"""Steps for each array beside that."""

ELSEWHERE, HERE, SEALED = range(3)
"""Whether a run has none of the stops that are the same as the last, or has the last one, or had some of them."""


class Opened(NamedTuple):
    """A run that goes on.

    Attributes
    ----------
    cores
        That it has so far.
    depth
        How deep the domain is that it was in and that is not left yet.
    joints
        How often it crossed, where that matters; else 0.
    mark
        How it stands to stops that are the same.
    """

    cores: int
    depth: int
    joints: int
    mark: int


class Key(NamedTuple):
    """Where it is.

    Attributes
    ----------
    touched
        How deep the domain is that is touched and not left yet.
    opened
        The runs that go on, in order.
    passed
        Whether a stop was left out that is the same as the next.
    """

    touched: int
    opened: tuple[Opened, ...]
    passed: bool


Rows: TypeAlias = "dict[Key, Row]"


@dataclass
class Run:
    """Slots that are dealt along stops: how many of each kind, and the numbers of the stops."""

    vector: Vector
    stops: list[int] = field(default_factory=list)


class _Option(NamedTuple):
    """What may be done with a stop.

    Attributes
    ----------
    key
        Where it is after that.
    cost
        What that costs.
    fill
        What a run has that ends there; None where none does.
    joined
        The run that goes on there; None where it begins, or where the stop is left out.
    made
        The run that goes on after it; None where there is none.
    """

    key: Key
    cost: complex
    fill: Fill | None = None
    joined: Opened | None = None
    made: Opened | None = None


@dataclass(frozen=True)
class Limits:
    """What is looked for.

    Attributes
    ----------
    within
        Runs do not leave domains of this depth; that of the stops themselves where no run has several.
    below
        What it must cost less than.
    slots
        For each kind how often a slot crosses at the least.
    """

    within: int
    below: complex
    slots: tuple[int, ...]


class Search:
    """One search.

    Parameters
    ----------
    stops, costs
        Of one depth.
    fills
        The slots.
    limits
        What is looked for.
    budget
        What it takes is spent.
    """

    def __init__(self, stops: Sequence[Stop], costs: Costs, fills: Fills, limits: Limits, budget: Budget) -> None:
        import numpy  # here, since most pools never need it

        self._np = numpy
        self._stops = stops
        self._costs = costs
        self._cross = costs.cross
        self._fills = fills
        self._limits = limits
        self._budget = budget
        self._depth = stops[0].depth
        self._tells_touched = any(any(some) for some in costs.touch)
        self._counts_joints = any(limits.slots)
        self._ahead = fills.weighed(limits.slots) if self._counts_joints else None
        self._missing = fills.weighed([kind.cores for kind in fills.kinds])
        self._slots_left = fills.weighed([1] * len(fills.kinds))
        behind = list(accumulate([stop.cores for stop in reversed(stops)]))
        self._cores_left = [*behind[-2::-1], 0]
        self._largest = _largest_first(stops)
        self._left, self._later = _to_come(stops, limits.within)
        self._steps: list[tuple[Rows, Rows]] = []
        self._rows: Rows = {}

    def cost(self) -> complex | None:
        """Return what the best runs cost; None where there are none.

        Raises
        ------
        GaveUp
            There is too much to look at.
        CutOff
            When the work was used up.
        """
        np = self._np
        first = np.full(self._fills.size, complex(np.inf, 0), np.complex128)
        first[0] = 0
        rows: Rows = {Key(-1, (), passed=False): first}
        for number in range(len(self._stops)):
            here = self._moved(rows, number)
            self._steps.append((rows, here))
            rows = {}
            for key, row in here.items():
                for option in self._options(number, key):
                    if self._can_end(number, option.key):
                        self._keep(rows, option.key, self._after(row, option))
            rows = {key: row for key, row in rows.items() if self._is_of_use(number, key, row)}
            if len(rows) * self._fills.size > MOST_NUMBERS or len(rows) > MOST_ROWS:
                raise GaveUp
        self._rows = {key: row for key, row in rows.items() if not key.opened and np.isfinite(row[-1])}
        return min((row[-1] for row in self._rows.values()), key=_pair, default=None)

    def _moved(self, rows: Rows, number: int) -> Rows:
        """Return what is left on the way to a stop."""
        here: Rows = {}
        for key, row in rows.items():
            to = self._before_stop(key, number)
            if to is not None:
                self._keep(here, to, row)
        return here

    def _before_stop(self, key: Key, number: int) -> Key | None:
        """Return where it is before a stop; None where a run would have to go too far."""
        stop = self._stops[number]
        if stop.same:
            return key
        opened = [run._replace(depth=min(run.depth, stop.shared), mark=ELSEWHERE) for run in key.opened]
        if any(run.depth < self._limits.within for run in opened):
            return None
        return Key(min(key.touched, stop.shared), tuple(sorted(opened)), passed=False)

    def _keep(self, rows: Rows, key: Key, row: Row) -> None:
        known = rows.get(key)
        rows[key] = row if known is None else self._np.minimum(known, row)

    def _can_end(self, number: int, key: Key) -> bool:
        """Tell whether as many stops come as runs go on, and those that do not go on in stops that are the same."""
        if key.opened and not key.opened[0].cores:
            return False
        waiting = len(key.opened) if key.passed else sum(run.mark == SEALED for run in key.opened)
        return len(key.opened) <= self._left[number] and waiting <= self._later[number]

    def _is_of_use(self, number: int, key: Key, row: Row) -> bool:
        """Tell whether there is anything in a row from which what is looked for may come, and forget the rest."""
        runs = len(key.opened)
        missing = self._missing - sum(run.cores for run in key.opened)
        row[missing > self._cores_left[number]] = self._np.inf
        # Each run that goes on crosses once more at the least, from where it is.
        finest = self._costs.units[-1]
        ahead = sum((self._cross[run.depth + 1] - finest for run in key.opened), 0j)
        times: npt.NDArray[np.int64] | int = runs
        if self._ahead is not None:
            times = self._np.maximum(self._ahead - sum(run.joints for run in key.opened), times)
        if self._limits.within < self._depth:
            # What is missing takes so many stops more, of which at most one for each slot begins a run.
            stops = self._np.searchsorted(self._largest[number], missing)
            times = self._np.maximum(stops - self._slots_left + runs, times)
        row[row + (ahead + times * finest) >= self._limits.below] = self._np.inf
        return bool(self._np.isfinite(row).any())

    def _options(self, number: int, key: Key) -> Iterator[_Option]:
        """Yield what may be done with a stop: the first is to leave it out."""
        yield _Option(key._replace(passed=True), 0j)
        if key.passed:
            return
        stop, costs = self._stops[number], self._costs
        touch = costs.touch[number][key.touched + 1]
        touched = self._depth - 1 if self._tells_touched else -1
        bare = touch + costs.shield[number]
        others = tuple(sorted(run._replace(mark=SEALED) if run.mark == HERE else run for run in key.opened))
        kinds = self._fills.kinds
        if any(not kind.gpus for kind in kinds):
            yield _Option(Key(touched, others, passed=False), bare, Fill(stop.cores, stop.gpus, bare=True))
        if stop.gpus and any(kind.gpus for kind in kinds):
            yield _Option(Key(touched, others, passed=False), touch, Fill(stop.cores, stop.gpus, bare=False))
        if self._limits.within == self._depth or any(kind.gpus for kind in kinds):
            return
        yield self._going_on(touched, others, bare, Opened(stop.cores, self._depth - 1, 0, HERE), None)
        for place, run in enumerate(key.opened):
            if run.mark == SEALED or run in key.opened[:place]:
                continue
            rest = [*key.opened[:place], *key.opened[place + 1 :]]
            others = tuple(sorted(other._replace(mark=SEALED) if other.mark == HERE else other for other in rest))
            cores, cost = run.cores + stop.cores, bare + self._cross[run.depth + 1]
            yield _Option(Key(touched, others, passed=False), cost, Fill(cores, 0, bare=True), run)
            joints = run.joints + 1 if self._counts_joints else 0
            yield self._going_on(touched, others, cost, Opened(cores, self._depth - 1, joints, HERE), run)

    def _going_on(
        self, touched: int, others: Sequence[Opened], cost: complex, made: Opened, joined: Opened | None
    ) -> _Option:
        """Return the option of a run that goes on: where there is one kind of slots, with those taken that fit."""
        fill = None
        kinds = self._fills.kinds
        if len(kinds) == 1 and made.cores >= kinds[0].cores:
            left = made.cores % kinds[0].cores
            fill = Fill(made.cores - left, 0, bare=True)
            # The next slot has what is left of the last stop: it did not cross yet.
            made = made._replace(cores=left, joints=0)
        return _Option(Key(touched, tuple(sorted((*others, made))), passed=False), cost, fill, joined, made)

    def _after(self, row: Row, option: _Option) -> Row:
        """Return what vectors cost after something was done with a stop."""
        numbers = None if option.fill is None else self._fills.of(option.fill)[1]
        self._budget.spend(ROW_STEPS + (row.size if numbers is None else numbers.size) // SUMS_A_STEP)
        if numbers is not None:
            row = row[numbers].min(axis=0)
        return row + option.cost if option.cost else row.copy()

    # -- back from the last stop to the first ------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        """Return the best runs, after `cost` found some."""
        value, key = min(((row[-1], key) for key, row in self._rows.items()), key=lambda end: (*_pair(end[0]), end[1]))
        vector = self._fills.counts
        begun: list[tuple[Opened, Run]] = []
        runs: list[Run] = []
        for number in range(len(self._stops) - 1, -1, -1):
            before, here = self._steps[number]
            key, option, way = self._step(here, number, key, vector, value)
            if option.made is not None:
                _, run = begun.pop(next(i for i, (opened, _) in enumerate(begun) if _is_like(opened, option.made)))
                run.stops.append(number)
                run.vector = tuple(n + min(m, left) for n, m, left in zip(run.vector, way, vector, strict=True))
                vector = _without(vector, way)
                if option.joined is not None:
                    begun.append((option.joined, run))
            elif option.fill is not None:
                runs.append(Run(tuple(map(min, way, vector)), [number]))
                vector = _without(vector, way)
                if option.joined is not None:
                    begun.append((option.joined, runs[-1]))
            value = here[key][self._fills.number(vector)]
            key = self._before(before, number, key, vector, value)
            self._tell(begun, key, self._stops[number])
        for run in runs:
            run.stops.reverse()
        return runs

    def _step(self, here: Rows, number: int, key: Key, vector: Vector, value: complex) -> tuple[Key, _Option, Vector]:
        """Return from where, by what option and by what way to fill a run something came: left out, if it may be."""
        nothing = (0,) * len(vector)
        for before, row in sorted(here.items(), key=lambda entry: (entry[0].opened != key.opened, entry[0])):
            for option in self._options(number, before):
                if option.key != key:
                    continue
                for way in [nothing] if option.fill is None else self._fills.of(option.fill)[0]:
                    if row[self._fills.number(_without(vector, way))] + option.cost == value:
                        return before, option, way
        raise RuntimeError("what was found came from nowhere")

    @staticmethod
    def _tell(begun: list[tuple[Opened, Run]], key: Key, stop: Stop) -> None:
        """Tell runs that go on at a stop how deep they were before it: which of some that are alike is no matter."""
        if stop.same:
            return
        free = list(key.opened)
        for place, (opened, run) in enumerate(begun):
            was = next(o for o in free if _is_like(o._replace(depth=min(o.depth, stop.shared)), opened))
            free.remove(was)
            begun[place] = was, run

    def _before(self, rows: Rows, number: int, key: Key, vector: Vector, value: complex) -> Key:
        """Return where it was before it came to a stop."""
        place = self._fills.number(vector)
        for before, row in sorted(rows.items(), key=_by_key):
            if self._before_stop(before, number) == key and row[place] == value:
                return before
        raise RuntimeError("what was found came from nowhere")


def _largest_first(stops: Sequence[Stop]) -> list[list[int]]:
    """Return for each stop the cores of the largest 0, 1, 2, ... of those after it, together."""
    after: list[int] = []
    sums = []
    for stop in reversed(stops):
        sums.append([0, *accumulate(sorted(after, reverse=True))])
        after.append(stop.cores)
    return sums[::-1]


def _to_come(stops: Sequence[Stop], within: int) -> tuple[list[int], list[int]]:
    """Return how many stops come after each in its domain of some depth, and how many after those that are the same."""
    left, later = [0], [0]
    for number in range(len(stops) - 1, 0, -1):
        stop = stops[number]
        goes_on = stop.same or stop.shared >= within
        left.append(left[-1] + 1 if goes_on else 0)
        later.append(later[-1] if stop.same else left[-1])
    return left[::-1], later[::-1]


def _is_like(one: Opened, other: Opened) -> bool:
    """Tell whether runs are alike in all but how they stand to stops that are the same."""
    return one[:3] == other[:3]


def _without(vector: Vector, way: Vector) -> Vector:
    return tuple(max(0, n - m) for n, m in zip(vector, way, strict=True))


def _pair(cost: complex) -> tuple[float, float]:
    return cost.real, cost.imag


def _by_key(entry: tuple[Key, Row]) -> Key:
    return entry[0]
