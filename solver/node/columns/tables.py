"""Tables over cores and GPUs: what slots pay that go into so many, and what a run costs that has so many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..construction import SlotKind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]

NEVER = 1 << 60
"""What costs more than anything."""

Shape = tuple[int, int]
"""How many numbers of cores there are, and of GPUs: the last number of GPUs stands for all that are more."""


class Entry(NamedTuple):
    """What a run may take: cores and GPUs, what they cost, and how many things that is."""

    cores: int
    gpus: int
    cost: int
    times: int = 1


class Item(NamedTuple):
    """A step in which a run took one of some entries, or none.

    Attributes
    ----------
    before
        What runs cost before.
    entries
        Of these.
    what, number
        "leaf", "branch" or "gpus", and its number.
    """

    before: Numbers
    entries: Sequence[Entry]
    what: str
    number: int


class Values:
    """What slots pay at the most that go into so many cores and GPUs.

    Parameters
    ----------
    kinds, slots
        The slots, and what one of each kind pays.
    shape
        Up to where.
    bare
        Whether none of them has GPUs; else one at least has.

    Attributes
    ----------
    values
        The table.
    """

    def __init__(self, kinds: Sequence[SlotKind], slots: Sequence[int], shape: Shape, *, bare: bool) -> None:
        import numpy as np  # here, since most pools never need it

        self._kinds, self._slots = kinds, slots
        self._items: list[tuple[int, int, Numbers, Numbers]] = []
        # Of no slot with GPUs, and of one at least.
        none = np.zeros(shape, np.int64)
        some = np.full(shape, -NEVER, np.int64)
        for number, kind in enumerate(self._kinds):
            if bare and kind.gpus:
                continue
            for times in powers(min(kind.count, (shape[0] - 1) // kind.cores)):
                cores, gpus = times * kind.cores, times * kind.gpus
                self._items.append((number, times, none, some))
                pays = times * slots[number]
                if cores >= shape[0] or gpus >= shape[1]:
                    continue
                if kind.gpus:
                    before = np.maximum(none, some)[: shape[0] - cores, : shape[1] - gpus] + pays
                    some = some.copy()
                    np.maximum(some[cores:, gpus:], before, out=some[cores:, gpus:])
                else:
                    none = _with_more(np, none, cores, pays)
                    some = some if bare else _with_more(np, some, cores, pays)
        self._last = none, some
        self._has_gpus = not bare
        self.values = none if bare else some

    def vector(self, cores: int, gpus: int) -> tuple[int, ...]:
        """Return the slots that pay most."""
        vector = [0] * len(self._kinds)
        none, some = self._last
        with_gpu = self._has_gpus
        for number, times, old_none, old_some in reversed(self._items):
            now = (some if with_gpu else none)[cores, gpus]
            kind = self._kinds[number]
            stays = (old_some if with_gpu else old_none)[cores, gpus]
            if now != stays:
                vector[number] += times
                cores -= times * kind.cores
                gpus -= times * kind.gpus
                rest = now - times * self._slots[number]
                if kind.gpus and with_gpu and old_none[cores, gpus] == rest:
                    with_gpu = False
            none, some = old_none, old_some
        return tuple(vector)


class Table:
    """What a run costs at the least that has so many cores and GPUs of a domain.

    Attributes
    ----------
    costs
        The table.
    items
        How it came about.
    """

    def __init__(self, shape: Shape) -> None:
        import numpy

        self._np = numpy
        self.costs = self._np.full(shape, NEVER, self._np.int64)
        self.costs[0, 0] = 0
        self.items: list[Item] = []

    def add(self, what: str, number: int, entries: Sequence[Entry]) -> None:
        """Let a run take one of some entries."""
        before = self.costs
        rows, columns = before.shape
        now = before.copy()
        for cores, gpus, cost, _ in entries:
            if cores >= rows:
                continue
            if not gpus:  # row by row, which is one after the other
                flat, shift = now.reshape(-1), cores * columns
                part = flat[shift:]
                self._np.minimum(part, before.reshape(-1)[: len(flat) - shift] + cost, out=part)
                continue
            some = min(gpus, columns - 1)
            part = now[cores:, some:]
            self._np.minimum(part, before[: rows - cores, : columns - some] + cost, out=part)
            if some:
                last = now[cores:, -1]
                self._np.minimum(last, before[: rows - cores, columns - some :].min(axis=1) + cost, out=last)
        self.items.append(Item(before, entries, what, number))
        self.costs = now

    def trace(self, cores: int, gpus: int) -> Iterator[tuple[Item, Entry]]:
        """Yield what the cheapest run takes that has so much."""
        value = self.costs[cores, gpus]
        for item in reversed(self.items):
            if item.before[cores, gpus] == value:
                continue
            for entry, left in sources(item, cores, gpus):
                if item.before[cores - entry.cores, left] == value - entry.cost:
                    yield item, entry
                    cores, gpus, value = cores - entry.cores, left, value - entry.cost
                    break
            else:
                raise RuntimeError("what was found came from nowhere")


def sources(item: Item, cores: int, gpus: int) -> Iterator[tuple[Entry, int]]:
    """Yield the entries by which a run may have come to so much, each with the GPUs that it had before."""
    most = item.before.shape[1] - 1
    for entry in item.entries:
        if entry.cores > cores:
            continue
        if gpus == most and entry.gpus:
            for left in range(max(0, gpus - entry.gpus), most + 1):
                yield entry, left
        elif entry.gpus <= gpus:
            yield entry, gpus - entry.gpus


def _with_more(np: Any, values: Numbers, cores: int, pays: int) -> Numbers:
    """Return what slots pay at the most where some may be added that take so many cores and pay so much."""
    more = values.copy()
    flat, shift = more.reshape(-1), cores * values.shape[1]
    np.maximum(flat[shift:], values.reshape(-1)[: len(flat) - shift] + pays, out=flat[shift:])
    return more


def powers(number: int) -> Iterator[int]:
    """Yield numbers that add up to a number, so that some of them add up to any smaller one."""
    times = 1
    while number > 0:
        yield min(times, number)
        number -= times
        times *= 2
