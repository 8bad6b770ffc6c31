"""The best placement of slots of several shapes, with memory, on a node where none or few have to be torn: tables.

What `packing` does for one shape of cores and GPUs: for a policy that compares affinity first, slots that can all be
whole are placed best by some split over the children of each domain. Here a split is of a vector, so many slots of
each shape, and a slot takes its memory from the domain of its cores or the nearest above that lists any. Where not all
can be whole, slots of cores alone may be torn between innermost domains that stand together (`torn_table`), as long as
none has to be torn further up: whatever is, costs more.

The tables have an entry for each vector, up to `VECTORS`; what has more, or takes more than `MOST_PAIRS` steps, goes to
the node's model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod

from ...grammar.memory import Memory
from ..cpsat.budget import Budget, CutOff
from ..demand.demand import SlotSet
from ..policy.scale import Scale
from ..state.domain_state import UNNAMED, DomainState
from .packed_vectors import MOST, Packed, fits, numbers, packed, spare_bits
from .plan import NodePlan, NodeSolution, Share, SlotPlan
from .pricing import Shares
from .slot_shapes import Shape, Vector, inside_of, most_slots, own_of
from .torn_table import NOTHING, Ended, Run, TooMany, TornTables, Ways, dealt, listed

VECTORS = 1200
"""Splits of more vectors than this are left to the node's model."""

MADE_FOR_MORE = 64
"""Up to so many vectors a table is made for larger limits than are asked for, so that it serves them, too."""

MOST_CHILDREN = 8
"""Innermost domains that stand together; more of them are left to the node's model, which sees through them."""

MOST_PAIRS = 500_000
"""Pairs of vectors that are added for one table."""

PAIRS_A_STEP = 8
"""So many of them are a step of work."""

VECTOR_STEPS = 3
"""Steps for each vector of a table beside that."""

Torn = dict[Packed, tuple[int, Ended]]
"""For each vector its least cost and the runs along which slots are dealt."""

Joined = dict[Packed, tuple[int, tuple[Packed, ...]]]
"""For each vector its least cost and the vectors of the children."""


@dataclass(frozen=True)
class Table:
    """For each vector that fits, its least cost and how it is shared out.

    Attributes
    ----------
    limits
        Up to which vectors it goes.
    costs
        By vector.
    split, torn
        What the children take, or the steps of runs that go through them; the other is empty.
    inside
        The tables of the children where slots are split over them.
    """

    limits: Vector
    costs: dict[Packed, int]
    split: Joined
    torn: Torn
    inside: tuple[Table, ...]


class MixedSlots:
    """Finds and remembers the best splits of vectors of slots.

    Parameters
    ----------
    scale
        The policy, for which `Scale.affinity_first` holds.
    remembered
        How many tables are kept before the memory is emptied.
    """

    def __init__(self, scale: Scale, remembered: int = 5_000) -> None:
        self._scale = scale
        self._tables: Memory[tuple[DomainState, tuple[Shape, ...], Vector, int], Table | None] = Memory(remembered)

    def solution(self, state: DomainState, slots: Sequence[SlotSet], budget: Budget) -> NodeSolution | None:
        """Return the best placement on a node; None where that is not known, also since the work was used up."""
        shapes = tuple(Shape(kind.needs, not kind.gpus) for kind in slots)
        counts = tuple(kind.count for kind in slots)
        if any(count > min(MOST, most_slots(state, shape)) for count, shape in zip(counts, shapes, strict=True)):
            return None
        if not budget.left:
            return None
        for torn in range(_height(state) + 1):
            try:
                table = self._table(state, shapes, counts, budget, torn=torn)
            except CutOff:
                return None
            cost = None if table is None else table.costs.get(packed(counts))
            if table is not None and cost is not None:
                plan = partial(_plan, state, slots, shapes, table)
                return NodeSolution(cost, cost, plan)
        return None

    def _table(
        self, domain: DomainState, shapes: tuple[Shape, ...], limits: Vector, budget: Budget, *, torn: int
    ) -> Table | None:
        """Return a table of all vectors up to the limits; one that serves more limits where that is not too large.

        Raises
        ------
        CutOff
            The work was used up.
        """
        most = tuple(min(MOST, most_slots(domain, shape)) for shape in shapes)
        exact = tuple(map(min, most, limits))
        rounded = tuple(min(top, (1 << limit.bit_length()) - 1) for top, limit in zip(most, exact, strict=True))
        sizes = ((most, MADE_FOR_MORE), (rounded, MADE_FOR_MORE), (exact, VECTORS))
        chosen = next((some for some, top in sizes if prod(n + 1 for n in some) <= top), None)
        if chosen is None:
            return None
        shapes = _possible(shapes, chosen)
        key = (domain, shapes, chosen, min(torn, _height(domain)))
        if key not in self._tables:
            self._tables[key] = self._make(domain, shapes, chosen, budget, torn=torn)
        return self._tables[key]

    def _make(
        self, domain: DomainState, shapes: tuple[Shape, ...], limits: Vector, budget: Budget, *, torn: int
    ) -> Table | None:
        budget.spend(VECTOR_STEPS * prod(limit + 1 for limit in limits))
        own = own_of(domain, shapes)
        inside = None if own is None else inside_of(shapes, own)
        if own is None or inside is None:
            return None
        below = _below(inside, limits)
        split: Joined = {0: (0, ())}
        runs: Torn = {}
        tables: list[Table] = []
        if torn and not _are_alike(domain):
            return None
        if domain.children and torn >= _height(domain):
            found = self._torn(domain, inside, below, budget)
            if found is None:
                return None
            runs = found
        elif domain.children:
            for child in domain.children:
                table = self._table(child, inside, below, budget, torn=torn)
                if table is None:
                    return None
                tables.append(table)
            joined = _join([table.costs for table in tables], below, budget)
            if joined is None:
                return None
            split = joined
        asked = packed([int(bool(shape.needs)) * MOST for shape in inside])
        costs: dict[Packed, int] = {}
        along = _levels_along(domain, runs)
        for numbers_of in _vectors(limits):
            vector = packed(numbers_of)
            if all(_sum(shapes, numbers_of, name) <= free for name, free in own.items()):
                known = (runs or split).get(vector & asked)
                if known is not None:
                    costs[vector] = known[0] + self._touch(domain, shapes, own, numbers_of)
                    costs[vector] += self._apart(inside, numbers_of, along)
        return Table(limits, costs, split, runs, tuple(tables))

    def _torn(self, domain: DomainState, inside: tuple[Shape, ...], below: Vector, budget: Budget) -> Torn | None:
        """Return the best ways to share slots of cores alone out among all that is inside a domain."""
        if self._scale.rooms or any(name != "core" for shape in inside for name, _ in shape.needs):
            return None
        shielded = {shape.shielded for shape in inside if shape.needs}
        if len(shielded) > 1 and any(self._scale.core_touch(leaf) for leaf in domain.flat if not leaf.children):
            return None
        tables = TornTables([shape.of("core") for shape in inside], packed(below), budget)
        try:
            ways = self._ways(domain, tables, {}, shielded=shielded == {True}, is_last=True)
        except TooMany:
            return None
        return None if ways is None else {vector: (way.cost, way.ended) for (vector, _), way in ways.items()}

    def _ways(
        self,
        domain: DomainState,
        tables: TornTables,
        known: dict[DomainState, Ways],
        *,
        shielded: bool,
        is_last: bool = False,
    ) -> Ways | None:
        """Return the ways to share slots out among a domain's children; None where not all cores are further in."""
        if domain.own_free_cores or not _are_alike(domain):
            return None
        levels = _levels(domain)
        cross = sum(self._scale.cross.get(level, 0) for level in levels)
        if len(levels) == 1:
            if len(domain.children) > MOST_CHILDREN:
                return None
            free = [child.free_cores for child in domain.children]
            touch = [
                self._scale.touch(child) + (self._scale.core_touch(child) if shielded else 0)
                for child in domain.children
            ]
            return tables.of_leaves(free, touch, cross, is_last=is_last)
        children: list[Ways] = []
        for child in domain.children:
            ways = known.get(child, NOTHING if not child.free_cores else None)
            if ways is None:
                inside = self._ways(child, tables, known, shielded=shielded)
                if inside is None:
                    return None
                touched = self._scale.touch(child)
                ways = {key: way._replace(cost=way.cost + touched) if any(key) else way for key, way in inside.items()}
                known[child] = ways
            children.append(ways)
        return tables.of_branches(children, cross, is_last=is_last)

    def _touch(self, domain: DomainState, shapes: tuple[Shape, ...], own: dict[str, int], vector: Vector) -> int:
        if not any(vector):
            return 0
        cost = self._scale.touch(domain)
        if self._scale.rooms:
            cost += self._scale.lost_room(domain, _sum(shapes, vector, "core"), _sum(shapes, vector, "gpu"))
        if "core" in own and any(n and shape.shielded for n, shape in zip(vector, shapes, strict=True)):
            cost += self._scale.core_touch(domain)
        return cost + self._apart(shapes, vector, [domain.level])

    def _apart(self, shapes: Sequence[Shape], vector: Vector, levels: Sequence[str]) -> int:
        """Return what slots count at some levels whose GPUs stand further out, or their cores."""
        units = sum(self._scale.shares.get(level, 0) for level in levels)
        if not units:
            return 0
        parted = ((n, shape) for n, shape in zip(vector, shapes, strict=True) if n and shape.apart)
        return units * sum(n * shape.apart * (shape.of("core") + shape.of("gpu")) for n, shape in parted)


def _plan(state: DomainState, slots: Sequence[SlotSet], shapes: tuple[Shape, ...], table: Table) -> NodePlan:
    vector = packed([kind.count for kind in slots])
    shares = _shares(state, 0, shapes, table, vector)
    return NodePlan(
        tuple(SlotPlan(kind.label, slot) for kind, some in zip(slots, shares, strict=True) for slot in some)
    )


def _shares(
    domain: DomainState,
    place: int,
    shapes: tuple[Shape, ...],
    table: Table,
    vector: Packed,
) -> list[list[Shares]]:
    """Return for each shape what each of its slots takes of a domain that stands at a place."""
    shapes = _possible(shapes, table.limits)
    own = own_of(domain, shapes)
    assert own is not None
    inside = inside_of(shapes, own)
    assert inside is not None
    asked = packed([int(bool(shape.needs)) * MOST for shape in inside])
    if table.torn:
        slots = _torn_shares(domain, place, inside, table.torn[vector & asked][1])
    else:
        slots = [[] for _ in shapes]
        at = place + 1
        for child, of_child, part in zip(domain.children, table.inside, table.split[vector & asked][1], strict=False):
            if part:
                more = _shares(child, at, inside, of_child, part)
                slots = [[*some, *others] for some, others in zip(slots, more, strict=True)]
            at += len(child.flat)
    for i, (shape, count) in enumerate(zip(shapes, numbers(vector, len(shapes)), strict=True)):
        taken = [(name, amount) for name, amount in shape.needs if name in own]
        if taken:
            slots[i] = [(_share(place, taken), *slot) for slot in slots[i] or [()] * count]
    return slots


def _torn_shares(domain: DomainState, place: int, inside: Sequence[Shape], ended: Ended) -> list[list[Shares]]:
    """Return what slots take that are dealt along runs through a domain."""
    slots: list[list[Shares]] = [[] for _ in inside]
    for run in listed(ended):
        free = sorted(_leaves_of(run, domain, place))
        for some, more in zip(slots, dealt(run, free, [shape.of("core") for shape in inside]), strict=True):
            some += [tuple(Share(at, cores) for at, cores in sorted(slot.items())) for slot in more]
    return slots


def _leaves_of(run: Run, domain: DomainState, place: int) -> Iterator[tuple[int, int]]:
    """Yield the place and the free cores of each innermost domain of a run through a domain that stands at a place."""
    for number, inner in run.parts:
        at = place + 1 + sum(len(child.flat) for child in domain.children[:number])
        child = domain.children[number]
        if inner is None:
            yield at, child.free_cores
        else:
            yield from _leaves_of(inner, child, at)


def _height(domain: DomainState) -> int:
    """Return how many levels there are inside a domain."""
    return 1 + max(map(_height, domain.children)) if domain.children else 0


def _are_alike(domain: DomainState) -> bool:
    """Tell whether a domain's children that have anything free are of one level, and as high as each other."""
    kinds = {(child.level, _height(child)) for child in domain.children if child.free_cores or child.free_gpus}
    return len(kinds) < 2 and all(level != UNNAMED for level, _ in kinds)


def _levels(domain: DomainState) -> list[str]:
    """Return the levels inside a domain, the coarsest first."""
    return [domain.children[0].level, *_levels(domain.children[0])] if domain.children else []


def _levels_along(domain: DomainState, runs: Torn) -> list[str]:
    """Return the levels that runs go through, the costs of which are theirs and not those of tables inside."""
    return _levels(domain) if runs else []


def _possible(shapes: tuple[Shape, ...], limits: Vector) -> tuple[Shape, ...]:
    """Return shapes without the needs of those of which there can be no slot."""
    return tuple(shape if limit else Shape((), shape.shielded) for shape, limit in zip(shapes, limits, strict=True))


def _below(inside: Sequence[Shape], limits: Vector) -> Vector:
    return tuple(limit if shape.needs else 0 for shape, limit in zip(inside, limits, strict=True))


def _sum(shapes: Sequence[Shape], vector: Vector, name: str) -> int:
    return sum(n * shape.of(name) for n, shape in zip(vector, shapes, strict=True))


def _vectors(limits: Vector) -> Iterator[Vector]:
    """Yield all vectors up to the limits, the largest first."""
    return product(*(range(limit, -1, -1) for limit in limits))


def _join(tables: Sequence[dict[Packed, int]], limits: Vector, budget: Budget) -> Joined | None:
    """Share vectors out among children; between equal costs the first child takes the most. None if it is too much."""
    most, spare = packed(limits), spare_bits(len(limits))
    joined: Joined = {0: (0, ())}
    pairs = 0
    for table in reversed(tables):
        pairs += len(table) * len(joined)
        if pairs > MOST_PAIRS:
            return None
        budget.spend(len(table) * len(joined) // PAIRS_A_STEP)
        more: Joined = {}
        for first, cost in table.items():
            for rest, (others, choice) in joined.items():
                total = first + rest
                if fits(total, most, spare):
                    known = more.get(total)
                    if known is None or cost + others < known[0]:
                        more[total] = (cost + others, (first, *choice))
        joined = more
    return joined


def _share(place: int, taken: Sequence[tuple[str, int]]) -> Share:
    amounts = dict(taken)
    cores, gpus = amounts.pop("core", 0), amounts.pop("gpu", 0)
    return Share(place, cores, gpus, tuple(sorted(amounts.items())))
