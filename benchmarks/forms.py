"""Requests of every form that slots of cores and GPUs have, drawn to fit about what is free."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

SIZES = (8, 16, 32)
"""The most cores of a slot; drawn from these."""

MOST_SLOTS = 64


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes
    ----------
    form
        In words.
    shape
        As RFC 46 has it.
    fits
        Whether first fit finds room for the least of it, by numbers alone.
    """

    form: str
    shape: str
    fits: bool


@dataclass(frozen=True)
class Slots:
    """Equal slots: how many, and what each takes."""

    count: int
    cores: int
    gpus: int

    def text(self, label: str, count: str = "", more: str = "") -> str:
        """Return them in words of a shape; the count, and what comes behind that of the cores, may be open."""
        cores = [f"core={self.cores}{more}"] if self.cores else []
        gpus = [f"gpu={self.gpus}"] if self.gpus else []
        return f"slot={count or self.count}{{{label}}}/[{';'.join(cores + gpus)}]"


def draw(ways: random.Random, left: Sequence[tuple[int, int]]) -> Asked | None:
    """Return a request on nodes of which so many cores and GPUs are free; None where nothing is.

    One or several types of slots, with GPUs or without, open counts, slots anywhere or on nodes that are named.
    """
    types = ways.choice((1, 1, 2, 2, 3))
    named = ways.randint(1, len(left)) if ways.random() < 0.4 else 0
    open_counts = not named and types < 3 and ways.random() < 0.25
    room = _room(ways, left, named)
    kinds: list[Slots] = []
    for number in range(types):
        part = ways.choice((0.3, 0.6, 0.75, 0.9, 1)) if types == 1 else ways.choice((0.1, 0.3, 0.5))
        with_gpu = room[1] > 0 and ways.random() < (0.6 if number == 0 else 0.2)
        some = _slots(ways, room, part, with_gpu=with_gpu)
        if some is None:
            return None
        kinds.append(some)
    if open_counts:
        texts, kinds = _open(ways, kinds)
    else:
        texts = [some.text("abc"[number]) for number, some in enumerate(kinds)]
    shape = texts[0] if len(texts) == 1 else f"[{';'.join(texts)}]"
    form = f"{('one type', 'two types', 'three types')[types - 1]}{', GPUs' if any(k.gpus for k in kinds) else ''}"
    form += ", open counts" if open_counts else f", {'on nodes' if named else 'anywhere'}"
    return Asked(form, f"node={named}/{shape}" if named else shape, _fits(kinds, left, named))


def _room(ways: random.Random, left: Sequence[tuple[int, int]], named: int) -> tuple[int, int]:
    """Return about what is free for all slots: of all nodes, or of each that is named."""
    if named:
        return sorted(left, reverse=True)[named - 1]
    some = ways.randint(1, len(left))
    chosen = ways.sample(list(left), some)
    return sum(cores for cores, _ in chosen), sum(gpus for _, gpus in chosen)


def _slots(ways: random.Random, room: tuple[int, int], part: float, *, with_gpu: bool) -> Slots | None:
    """Return slots that take about so much of what is free."""
    cores = ways.randint(0 if with_gpu and ways.random() < 0.1 else 1, ways.choice(SIZES))
    gpus = ways.choice((1, 1, 1, 2)) if with_gpu else 0
    most = min(room[0] // cores if cores else MOST_SLOTS, room[1] // gpus if gpus else MOST_SLOTS)
    if most < 1:
        return None
    return Slots(min(max(1, int(most * part)), MOST_SLOTS), cores, gpus)


def _open(ways: random.Random, kinds: Sequence[Slots]) -> tuple[list[str], list[Slots]]:
    """Return slots of which the numbers are open, and the least that is asked for."""
    texts, least = [], []
    for number, some in enumerate(kinds):
        low = ways.randint(1, some.count)
        how = ways.choice(("+", "range", "list"))
        if how == "list":
            numbers = sorted({low, some.count, some.count + ways.randint(1, 9)})
            count = ",".join(map(str, numbers))
        else:
            count = f"{low}+" if how == "+" else f"{low}-{some.count + ways.randint(1, 9)}"
        more = "+" if len(kinds) == 1 and some.cores and ways.random() < 0.3 else ""
        texts.append(some.text("abc"[number], count, more))
        least.append(Slots(low, some.cores, some.gpus))
    return texts, least


def _fits(kinds: Sequence[Slots], left: Sequence[tuple[int, int]], named: int) -> bool:
    """Tell whether first fit places slots, the largest first; on nodes that are named each has all of them."""
    if named:
        asked = sum(some.count * some.cores for some in kinds), sum(some.count * some.gpus for some in kinds)
        return sum(1 for cores, gpus in left if cores >= asked[0] and gpus >= asked[1]) >= named
    room = list(left)
    for some in sorted(kinds, key=lambda some: (-some.gpus, -some.cores)):
        for _ in range(some.count):
            place = next((i for i, (cores, gpus) in enumerate(room) if cores >= some.cores and gpus >= some.gpus), None)
            if place is None:
                return False
            room[place] = room[place][0] - some.cores, room[place][1] - some.gpus
    return True
