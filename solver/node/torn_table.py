"""The best ways to share out slots of several shapes among the domains inside one, torn ones among them.

Slots of cores alone can be dealt along any sequence of domains, a *run* (`run_tree`), which crosses from one domain to
the next once; and no placement crosses less. So a placement is a set of runs, each with some innermost domains and some
slots that fit into them together. Domains are gone through one by one, and those that hold others are put together from
what these allow: a run begins in a domain, or goes on in it; it ends, or stays open with the cores that its slots leave
over, also beyond the domain that it is in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ..cpsat.budget import Budget
from .packed_vectors import Packed, fits, numbers, packed, spare_bits

MOST_STEPS = 20_000
"""Ways to go on that are looked at for one table; domains that have more are left to the node's model."""

WAY_STEPS = 9
"""Steps of work for each of them."""

PAID_AT_ONCE = 20
"""Ways that are paid for together."""


class Run(NamedTuple):
    """A run through a domain.

    Attributes
    ----------
    parts
        The children that it goes through, by their numbers, each with its run in there; None for innermost ones.
    slots
        The slots that are complete only where these come together.
    """

    parts: tuple[tuple[int, Run | None], ...]
    slots: Packed


Ended: TypeAlias = "tuple[Run, Ended] | tuple[int, Ended, Ended] | tuple[()]"
"""The run that ended last and those before it; or those that ended in a child, by its number, and those before it."""


class Way(NamedTuple):
    """A way to share slots out: its cost, the runs that ended, and those that are open, in the order of their cores."""

    cost: int
    ended: Ended
    opened: tuple[Run, ...]


Key: TypeAlias = "tuple[Packed, tuple[int, ...]]"
"""The slots that are complete, and the cores that each open run has left, ascending."""

Ways: TypeAlias = "dict[Key, Way]"
"""The cheapest of each kind."""

NOTHING: Ways = {(0, ()): Way(0, (), ())}


MANY = 1 << 30
"""More runs than are ever open."""


class TooMany(Exception):  # noqa: N818  # it is an outcome, no error
    """More ways than are looked at."""


@dataclass
class TornTables:
    """Makes tables for slots of some shapes.

    Attributes
    ----------
    sizes
        Cores of a slot of each shape; 0 for shapes that take nothing, of which there are none then.
    limits
        How many slots of each shape there are at the most.
    budget
        What they take is spent.
    steps
        The ways that were looked at so far.

    Raises
    ------
    TooMany
        From any method, when there are more than `MOST_STEPS`.
    CutOff
        When the work was used up.
    """

    sizes: Sequence[int]
    limits: Packed
    budget: Budget
    steps: int = 0
    _paid: int = 0

    def of_leaves(self, free: Sequence[int], touch: Sequence[int], cross: int, *, is_last: bool) -> Ways:
        """Return the ways to share slots out among innermost domains.

        Parameters
        ----------
        free, touch
            Of each domain: its free cores, and what it costs to touch it.
        cross
            What it costs that a run goes from one to another.
        is_last
            Whether no run may stay open.
        """
        ways = NOTHING
        for child, cores in enumerate(free):
            if cores:
                # Alone it holds slots, or some of its cores go on, as what is inside it would.
                whole = Way(touch[child], (), (Run((), 0),))
                later = sum(1 for some in free[child + 1 :] if some)
                ways = self._with(ways, {**NOTHING, (0, (cores,)): whole}, child, cross, later if is_last else MANY)
        return ways

    def of_branches(self, children: Sequence[Ways], cross: int, *, is_last: bool) -> Ways:
        """Return the ways to share slots out among domains that hold others, from the ways to do so in each of them."""
        ways = NOTHING
        for child, inside in enumerate(children):
            # Every run that is open has to go on in a run of some later child.
            later = sum(max(len(lefts) for _, lefts in some) for some in children[child + 1 :])
            ways = self._with(ways, inside, child, cross, later if is_last else MANY)
        return ways

    def _with(self, ways: Ways, inside: Ways, child: int, cross: int, later: int) -> Ways:
        """Return the ways that there are with one more child; no more runs stay open than so many."""
        found: Ways = {}
        spare = spare_bits(len(self.sizes))
        for (vector, lefts), way in ways.items():
            before = tuple(zip(lefts, way.opened, strict=True))
            self._count(len(inside))
            for (slots, others), more in inside.items():
                if not fits(vector + slots, self.limits, spare):
                    continue
                start = _Partial(vector + slots, before, (), way.cost + more.cost, (child, more.ended, way.ended))
                if not others:
                    self._keep(found, start, later)
                    continue
                for done in self._joined(start, tuple(zip(others, more.opened, strict=True)), child, cross):
                    self._keep(found, done, later)
        return found

    def _count(self, steps: int) -> None:
        """Count ways before they are looked at, and pay for many of them at once."""
        self.steps += steps
        while self.steps > self._paid:
            if self._paid >= MOST_STEPS:
                raise TooMany
            self.budget.spend(WAY_STEPS * PAID_AT_ONCE)
            self._paid += PAID_AT_ONCE

    def _keep(self, found: Ways, done: _Partial, later: int) -> None:
        """Keep a way if it is the cheapest of its kind, and its open runs can go on."""
        opened = sorted((*done.before, *done.here), key=_left_of) if done.here else done.before
        if len(opened) > later or (opened and len(opened) > sum(numbers(self.limits - done.vector, len(self.sizes)))):
            return
        key = (done.vector, tuple([left for left, _ in opened]))
        known = found.get(key)
        if known is None or done.cost < known.cost:
            found[key] = Way(done.cost, done.ended, tuple([run for _, run in opened]))

    def _joined(self, start: _Partial, runs: Sequence[tuple[int, Run]], child: int, cross: int) -> Iterator[_Partial]:
        """Yield the ways to go on with the open runs of a child: by themselves, or joined to some from before."""
        if not runs:
            yield start
            return
        (left, run), *others = runs
        inner = run if run.parts else None
        begun = Run(((child, inner),), 0)
        for ended in (
            self._ended(start, left, begun) if inner is None else [start._replace(here=(*start.here, (left, begun)))]
        ):
            yield from self._joined(ended, others, child, cross)
        for place, (cores, before) in enumerate(start.before):
            if any(cores == same for same, _ in start.before[:place]):
                continue
            rest = start._replace(before=start.before[:place] + start.before[place + 1 :], cost=start.cost + cross)
            longer = Run((*before.parts, (child, inner)), before.slots)
            for ended in self._ended(rest, cores + left, longer):
                yield from self._joined(ended, others, child, cross)

    def _ended(self, start: _Partial, cores: int, run: Run) -> Iterator[_Partial]:
        """Yield the ways to complete slots in a run with so many cores at hand, and to end it or keep it open."""
        missing = numbers(self.limits - start.vector, len(self.sizes))
        for counts, left in _choices(cores, self.sizes, missing):
            self._count(1)
            slots = packed(counts)
            now = start._replace(vector=start.vector + slots)
            with_slots = Run(run.parts, run.slots + slots)
            if slots:
                yield now._replace(ended=(with_slots, start.ended))
            largest = 0
            for size, count, most in zip(self.sizes, counts, missing, strict=True):
                if count < most:
                    largest = max(largest, size)
            if 0 < left < largest:
                yield now._replace(here=(*start.here, (left, with_slots)))


class _Partial(NamedTuple):
    """A way that is being put together: the runs that were open before, and those that go through the child at hand."""

    vector: Packed
    before: tuple[tuple[int, Run], ...]
    here: tuple[tuple[int, Run], ...]
    cost: int
    ended: Ended


def _left_of(run: tuple[int, Run]) -> int:
    return run[0]


def listed(ended: Ended) -> list[Run]:
    """Return the runs that ended."""
    runs: list[Run] = []
    while ended:
        if len(ended) == 3:
            child, inside, ended = ended
            runs += [Run(((child, run),), 0) for run in listed(inside)]
        else:
            run, ended = ended
            runs.append(run)
    return runs


def dealt(run: Run, free: Sequence[tuple[int, int]], sizes: Sequence[int]) -> list[list[dict[int, int]]]:
    """Return for each shape what each slot of a run takes.

    Parameters
    ----------
    free
        The place and the free cores of each innermost domain of the run, those that stand together next to each other.
    """
    slots: list[list[dict[int, int]]] = [[] for _ in sizes]
    pieces = list(free)
    for shape, count in enumerate(numbers(slots_of(run), len(sizes))):
        for _ in range(count):
            slot, pieces = _taken(pieces, sizes[shape])
            slots[shape].append(slot)
    return slots


def slots_of(run: Run) -> Packed:
    """Return all slots of a run."""
    return run.slots + sum(slots_of(inner) for _, inner in run.parts if inner is not None)


def _taken(pieces: Sequence[tuple[int, int]], cores: int) -> tuple[dict[int, int], list[tuple[int, int]]]:
    """Return what a slot takes of the first pieces, and what is left of all."""
    slot: dict[int, int] = {}
    left: list[tuple[int, int]] = []
    for place, there in pieces:
        more = min(cores, there)
        if more:
            slot[place] = more
            cores -= more
        if there > more:
            left.append((place, there - more))
    return slot, left


def _choices(cores: int, sizes: Sequence[int], missing: Sequence[int]) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield all vectors of slots that fit into so many cores, with the cores left."""
    if not sizes:
        yield (), cores
        return
    size = sizes[0]
    most = min(missing[0], cores // size) if size else 0
    for count in range(most + 1):
        for others, left in _choices(cores - count * size, sizes[1:], missing[1:]):
            yield (count, *others), left
