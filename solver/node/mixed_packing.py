"""The best placement of slots of several shapes, with memory, on a node where none has to be torn: dynamic programming.

What `packing` does for one shape of cores and GPUs: for a policy that compares affinity first, slots that can all be
whole are placed best by some split over the children of each domain. Here a split is of a vector, so many slots of
each shape, and a slot takes its memory from the domain of its cores or the nearest above that lists any. The tables
have an entry for each vector, up to `VECTORS`; what has more goes to the node's model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from ...grammar.memory import Memory
from ..demand.demand import SlotSet
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .plan import NodePlan, Share, SlotPlan

Vector = tuple[int, ...]
Needs = tuple[tuple[str, int], ...]
"""What one slot takes: (resource, amount), each above zero, sorted."""

VECTORS = 1200
"""Splits of more vectors than this are left to the node's model."""

TABLES = 5_000
"""Tables that are remembered."""


@dataclass(frozen=True)
class Shape:
    """One slot of a kind: what it still takes in the domain at hand, and whether it has no GPU at all."""

    needs: Needs
    shielded: bool


@dataclass(frozen=True)
class Table:
    """For each vector that fits, its least cost and the vectors of the children."""

    best: dict[Vector, tuple[int, tuple[Vector, ...]]]


class MixedSlots:
    """Finds and remembers the best splits of vectors of whole slots.

    Parameters
    ----------
    scale
        The policy, for which `Scale.affinity_first` holds.
    """

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._tables: Memory[tuple[DomainState, tuple[Shape, ...], Vector], Table | None] = Memory(TABLES)

    def cost(self, state: DomainState, slots: Sequence[SlotSet]) -> int | None:
        """Return what whole slots on a node cost at least; None where not all can be whole, or that is not known."""
        shapes, counts = _shapes(slots)
        table = self._table(state, shapes, counts)
        found = None if table is None else table.best.get(counts)
        return None if found is None else found[0]

    def plan(self, state: DomainState, slots: Sequence[SlotSet]) -> NodePlan:
        """Return a placement of that cost, of slots that can all be whole."""
        shapes, counts = _shapes(slots)
        shares = self._shares(state, 0, shapes, counts, counts)
        return NodePlan(
            tuple(SlotPlan(kind.label, slot) for kind, some in zip(slots, shares, strict=True) for slot in some)
        )

    def _table(self, domain: DomainState, shapes: tuple[Shape, ...], limits: Vector) -> Table | None:
        """Return a table of all vectors up to the limits; one that serves more limits where that is not too large."""
        most = tuple(_most(domain, shape) for shape in shapes)
        rounded = tuple(min(top, (1 << limit.bit_length()) - 1) for top, limit in zip(most, limits, strict=True))
        chosen = next((some for some in (most, rounded, limits) if prod(n + 1 for n in some) <= VECTORS), None)
        if chosen is None:
            return None
        limits = chosen
        key = (domain, shapes, limits)
        if key not in self._tables:
            self._tables[key] = self._make(domain, shapes, limits)
        return self._tables[key]

    def _make(self, domain: DomainState, shapes: tuple[Shape, ...], limits: Vector) -> Table | None:
        own = _own(domain, shapes)
        if own is None:
            return None
        inside = _inside(shapes, own)
        if inside is None:
            return None
        below = tuple(limit if shape.needs else 0 for shape, limit in zip(inside, limits, strict=True))
        tables = [self._table(child, inside, below) for child in domain.children]
        if any(table is None for table in tables):
            return None
        joined = _join([table.best for table in tables if table is not None], below)
        best: dict[Vector, tuple[int, tuple[Vector, ...]]] = {}
        for vector in _vectors(limits):
            if any(_sum(shapes, vector, name) > free for name, free in own.items()):
                continue
            found = joined.get(tuple(n if shape.needs else 0 for n, shape in zip(vector, inside, strict=True)))
            if found is not None:
                best[vector] = (found[0] + self._touch(domain, shapes, own, vector), found[1])
        return Table(best)

    def _touch(self, domain: DomainState, shapes: tuple[Shape, ...], own: dict[str, int], vector: Vector) -> int:
        if not any(vector):
            return 0
        cost = self._scale.touch(domain)
        if "core" in own and any(n and shape.shielded for n, shape in zip(vector, shapes, strict=True)):
            cost += self._scale.core_touch(domain)
        return cost

    def _shares(
        self, domain: DomainState, place: int, shapes: tuple[Shape, ...], limits: Vector, vector: Vector
    ) -> list[list[tuple[Share, ...]]]:
        """Return for each shape what each of its slots takes of a domain that stands at a place."""
        table, own = self._table(domain, shapes, limits), _own(domain, shapes)
        assert table is not None
        assert own is not None
        inside = _inside(shapes, own)
        assert inside is not None
        below = tuple(limit if shape.needs else 0 for shape, limit in zip(inside, limits, strict=True))
        slots: list[list[tuple[Share, ...]]] = [[] for _ in shapes]
        at = place + 1
        for child, part in zip(domain.children, table.best[vector][1], strict=True):
            if any(part):
                for of_shape, more in zip(slots, self._shares(child, at, inside, below, part), strict=True):
                    of_shape += more
            at += len(child.flat)
        for i, (shape, count) in enumerate(zip(shapes, vector, strict=True)):
            taken = [(name, amount) for name, amount in shape.needs if name in own]
            if taken:
                slots[i] = [(_share(place, taken), *slot) for slot in slots[i] or [()] * count]
        return slots


def _shapes(slots: Sequence[SlotSet]) -> tuple[tuple[Shape, ...], Vector]:
    return tuple(Shape(kind.needs, not kind.gpus) for kind in slots), tuple(kind.count for kind in slots)


def _most(domain: DomainState, shape: Shape) -> int:
    """Return how many slots of a shape there may be, by what is free in the domain and inside."""
    return min([domain.all_free(name) // amount for name, amount in shape.needs], default=0)


def _own(domain: DomainState, shapes: Sequence[Shape]) -> dict[str, int] | None:
    """Return what the domain itself gives of the resources asked for; None where children list them, too."""
    own: dict[str, int] = {}
    for name in {name for shape in shapes for name, _ in shape.needs}:
        if domain.lists(name):
            if any(below.lists(name) for below in domain.flat[1:]):
                return None
            own[name] = domain.own_free(name)
    return own


def _inside(shapes: Sequence[Shape], own: dict[str, int]) -> tuple[Shape, ...] | None:
    """Return what slots still take of the domain's children; None where amounts stand below the cores they go with."""
    inside = tuple(Shape(tuple(need for need in shape.needs if need[0] not in own), shape.shielded) for shape in shapes)
    for before, after in zip(shapes, inside, strict=True):
        # Amounts go with the cores, or with the GPUs of a slot that has no cores, and never come from further in.
        beside = "core" if "core" in dict(before.needs) else "gpu"
        if beside in own and any(name not in ("core", "gpu") for name, _ in after.needs):
            return None
    return inside


def _sum(shapes: Sequence[Shape], vector: Vector, name: str) -> int:
    return sum(n * dict(shape.needs).get(name, 0) for n, shape in zip(vector, shapes, strict=True))


def _vectors(limits: Vector) -> Iterator[Vector]:
    """Yield all vectors up to the limits, the largest first."""
    return product(*(range(limit, -1, -1) for limit in limits))


def _join(
    tables: Sequence[dict[Vector, tuple[int, tuple[Vector, ...]]]], limits: Vector
) -> dict[Vector, tuple[int, tuple[Vector, ...]]]:
    """Share vectors out among children; between equal costs the first child takes the most."""
    joined: dict[Vector, tuple[int, tuple[Vector, ...]]] = {(0,) * len(limits): (0, ())}
    for table in reversed(tables):
        more: dict[Vector, tuple[int, tuple[Vector, ...]]] = {}
        for first, (cost, _) in table.items():
            for rest, (others, choice) in joined.items():
                total = tuple(a + b for a, b in zip(first, rest, strict=True))
                if any(n > limit for n, limit in zip(total, limits, strict=True)):
                    continue
                known = more.get(total)
                if known is None or cost + others < known[0]:
                    more[total] = (cost + others, (first, *choice))
        joined = more
    return joined


def _share(place: int, taken: Sequence[tuple[str, int]]) -> Share:
    amounts = dict(taken)
    cores, gpus = amounts.pop("core", 0), amounts.pop("gpu", 0)
    return Share(place, cores, gpus, tuple(sorted(amounts.items())))
