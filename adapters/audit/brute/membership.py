"""Whether an answer is one of all placements: the slow way of judging what the checker judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ....grammar.constraint import ALWAYS, Constraint
from ....grammar.idset import IdSet
from ....grammar.jobspec import Vertex
from ....topology.machine import Machine
from .counts import all_counts
from .request import Need, read
from .search import Partial, Search, Slots, Standing, States
from .world import World, holdings

Filled = tuple[str, tuple[int, ...]]
"""The label of a slot and how much of each cell it holds."""


def allows(
    machine: Machine,
    vertices: Sequence[Vertex],
    R: Mapping[str, Any],
    *,
    constraint: Constraint = ALWAYS,
    running: Sequence[Mapping[str, Any]] = (),
    down: int = 0,
    slot_exclusive: str = "shared",
    patience: int = 100_000,
) -> bool:
    """Whether what an R says of cores and gpus, slot by slot, is a placement of the request; see `find`.

    An R without a placement is one if there is some split into slots that is.
    """
    needs, idsets = read(machine, vertices, slot_exclusive, "refuse")
    world = World(machine, running, down, constraint, idsets, patience)
    held = {position: (cores, gpus) for position, cores, gpus in holdings(machine, R)}
    if any(cores & ~world.cores[p] or gpus & ~world.gpus[p] for p, (cores, gpus) in held.items()):
        return False
    taken = numbers(world, held)
    if sum(taken) != sum(cores.bit_count() + gpus.bit_count() for cores, gpus in held.values()):
        return False  # of a node that must not be used
    slots = filled(world, R)
    _restrict(world, taken)
    for counts in all_counts(world, needs):
        for state, standing in _Distinguishing(world, (), counts).all(needs).items():
            same = slots is None or Counter(_filled(standing.slots)) == slots
            if state.taken == taken and same and world.stock_fits(state.demands):
                return True
    return False


def numbers(world: World, held: Mapping[int, tuple[int, int]]) -> tuple[int, ...]:
    """Return how much of each cell is held."""
    found = []
    for cell in world.cells:
        place = world.places[cell.place]
        cores, gpus = held.get(place.position, (0, 0))
        mask = place.own_cores & cores if cell.kind == "core" else place.own_gpus & gpus
        found.append(sum(world.sets_of(cell.kind, number) == cell.sets for number in IdSet.from_mask(mask)))
    return tuple(found)


def filled(world: World, R: Mapping[str, Any]) -> Counter[Filled] | None:
    """Return the slots of an R; None when it does not say."""
    if "scheduling" not in R:
        return None
    slots: dict[tuple[str, object], dict[int, tuple[int, int]]] = {}
    for entry in R["scheduling"]["placement"]:
        for slot in entry.get("slots", ()):
            for rank in IdSet.parse(entry["ranks"]):
                key = slot["label"], slot.get("slot", object())
                cores, gpus = (IdSet.parse(slot.get(kind, "")).mask() for kind in ("cores", "gpus"))
                slots.setdefault(key, {})[world.machine.position(rank)] = cores, gpus
    return Counter((label, numbers(world, held)) for (label, _), held in slots.items())


def _restrict(world: World, taken: tuple[int, ...]) -> None:
    """Leave nothing free but what the answer holds; places of which it does not hold all cannot be taken whole."""
    short = {cell.place for cell, number in zip(world.cells, taken, strict=True) if number < cell.free}
    broken = frozenset().union(*(world.places[place].holders for place in short))
    world.places = [replace(place, intact=place.intact and key not in broken) for key, place in enumerate(world.places)]
    world.cells = tuple(replace(cell, free=number) for cell, number in zip(world.cells, taken, strict=True))


class _Distinguishing(Search):
    """A search that keeps placements apart that split the same holdings differently."""

    def close_slot(
        self, need: Need, around: int, state: Partial, standing: Standing
    ) -> Iterator[tuple[Partial, Standing]]:
        for closed in super().close_slot(need, around, state, standing):
            # A place with a number that no place has stands for the multiset of slots so far.
            others = frozenset(key for key in closed[0].used if isinstance(key, int) and key >= 0)
            yield closed[0]._replace(used=others | {self._mark(closed[1].slots)}), closed[1]

    def _mark(self, last: Slots | None) -> int:
        key = frozenset(Counter(_filled(last)).items())
        return -2 - self.marks.setdefault(key, len(self.marks))

    def all(self, needs: Sequence[Need]) -> States:
        self.marks: dict[frozenset[tuple[Filled, int]], int] = {}
        return super().all(needs)


def _filled(last: Slots | None) -> list[Filled]:
    found = []
    while last is not None:
        found.append((last.label, last.slot))
        last = last.before
    return found
