"""The places around slots, which show in where the slots are, and the counts that follow from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod

from .answer import Slot
from .ground import ROOT, Ground, Place
from .request import Kind, Need, Request

Counts = dict["Need", int]

_PASSED_OVER = (Kind.NOTHING, Kind.OUTER)
"""What stands for no place, and for nothing that R shows: its count multiplies what is inside."""


class MismatchError(Exception):
    """The slots are not what the request asks for; the message is a sentence that says why."""


class Above:
    """The places that stand for the vertices around slots.

    Parameters
    ----------
    ground
        The machine's places.
    request
        What was asked for.

    Attributes
    ----------
    instances
        For each vertex the places that stand for it, each with the place of the vertex around.
    slots_in
        For each slot vertex how many slots each place around them has.
    around
        The place around each slot, by the slot's identity.
    with_slots
        The vertices that are slots or have some below.
    """

    def __init__(self, ground: Ground, request: Request) -> None:
        self.ground = ground
        self.request = request
        self.instances: dict[Need, dict[Place, Place]] = {}
        self.slots_in: dict[Need, dict[Place, int]] = {}
        self.around: dict[int, Place] = {}
        self._failure: MismatchError | None = None
        self._on: dict[str, Counter[int]] = {label: Counter() for label in request.chains}
        self.with_slots = {need for chain in request.chains.values() for need in chain}

    def locate(self, label: str, slot: Slot) -> None:
        """Find the place of each vertex above a slot."""
        *above, need = self.request.chains[label]
        place = ROOT
        for outer in above:
            if outer.kind in _PASSED_OVER:
                continue
            inner = self._place(outer, slot)
            if inner is None or inner == place or not self.ground.contains(place, inner):
                where = f" of {self.ground.say(place)}" if place != ROOT else ""
                raise MismatchError(f"{outer.vertex.path}: a slot {label!r} does not stand in one{where}")
            self.instances.setdefault(outer, {}).setdefault(inner, place)
            place = inner
        self.around[id(slot)] = place
        inside = self.slots_in.setdefault(need, {})
        inside[place] = inside.get(place, 0) + 1
        self._on[label].update(slot_part.position for slot_part in slot.slot_parts)

    def homes(self, outer: Need, counts: Counts) -> dict[int, int]:
        """Return how many of a slot that holds slots stand on each node, which its inner slots show.

        Raises
        ------
        MismatchError
            Some stand on several nodes.
        """
        homes: dict[int, int] | None = None
        for label, chain in self.request.chains.items():
            if outer not in chain:
                continue
            number = prod(counts[need] for need in chain[: chain.index(outer) + 1])
            each = sum(self._on[label].values()) // number
            here = {position: count // each for position, count in self._on[label].items() if not count % each}
            if len(here) < len(self._on[label]) or (homes is not None and here != homes):
                raise MismatchError(f"{outer.vertex.path}: what one of them holds stands on several nodes")
            homes = here
        return homes or {}

    def _place(self, need: Need, slot: Slot) -> Place | None:
        """Return the place of a vertex's level that has all of a slot."""
        level = need.vertex.type
        first = slot.slot_parts[0]
        if need.kind is Kind.GROUP:
            around = [(-1, group) for group in self.ground.groups_around(first.position)]
            fitting = [place for place in around if self.ground.level(place) == level]
            place = fitting[-1] if fitting else None
            if place is None or not all(self.ground.contains(place, (p.position, 0)) for p in slot.slot_parts):
                return None
            return place
        if len(slot.slot_parts) > 1:
            return None
        touched = self.ground.touched(first.position, level, first.cores, first.gpus)
        if len(touched) != 1:
            return None
        domain = self.ground.domain(touched[0])
        return None if first.cores & ~domain.cores or first.gpus & ~domain.gpus else touched[0]

    def counts(self) -> Iterator[Counts]:
        """Go through the counts that the vertices around slots and the slots themselves may have, larger ones first.

        There are several where types are passed over, or slots hold slots, whose counts are open.

        Raises
        ------
        MismatchError
            They differ between instances of a parent, or none are admissible.
        """
        numbers: Counts = {}
        for chain in self.request.chains.values():
            parent: Need | None = None
            for need in chain:
                if need.kind not in _PASSED_OVER:
                    numbers[need] = self._number(need, parent)
                    parent = need
        none = True
        for counts in self._admitted(self.request.needs, numbers, 1):
            none = False
            yield counts
        if none:
            raise self._failure or MismatchError("no counts of what is around slots are admissible")

    def _number(self, need: Need, parent: Need | None) -> int:
        parents = [ROOT] if parent is None else list(self.instances[parent])
        if need.kind is Kind.SLOT:
            per_parent = [self.slots_in[need].get(place, 0) for place in parents]
        else:
            inside: dict[Place, int] = dict.fromkeys(parents, 0)
            for outer in self.instances[need].values():
                inside[outer] += 1
            per_parent = list(inside.values())
        if len(set(per_parent)) > 1:
            few, many = min(per_parent), max(per_parent)
            raise MismatchError(f"{need.vertex.path}: {few} in one {_type(parent)} and {many} in another")
        return per_parent[0]

    def _admitted(self, needs: Sequence[Need], numbers: Counts, times: int) -> Iterator[Counts]:
        """Divide by the counts of types that are passed over, and keep what is admissible."""
        if not needs:
            yield {}
            return
        first, *others = needs
        for here in self._counts_of(first, numbers, times):
            for there in self._admitted(others, numbers, times):
                yield here | there

    def _counts_of(self, need: Need, numbers: Counts, times: int) -> Iterator[Counts]:
        if need not in self.with_slots:
            yield {}
        elif need.kind in _PASSED_OVER:
            for number in need.vertex.count.descending(max(numbers.values())):
                for inside in self._admitted(need.children, numbers, times * number):
                    yield {need: number, **inside}
            self._fail(f"{need.vertex.path}: its count is larger than all there is")
        else:
            number, odd = divmod(numbers[need], times)
            if odd or number not in need.vertex.count:
                self._fail(f"{need.vertex.path}: {numbers[need]} in {_around(need)}, not {need.vertex.count}")
                return
            for inside in [{}] if need.kind is Kind.SLOT else self._admitted(need.children, numbers, 1):
                yield {need: number, **inside}

    def _fail(self, reason: str) -> None:
        """Note the first reason why counts are not admissible, in case none are."""
        self._failure = self._failure or MismatchError(reason)


def _type(parent: Need | None) -> str:
    return "machine" if parent is None else parent.vertex.type


def _around(need: Need) -> str:
    above = need.vertex.path.rpartition("/")[0].rpartition("/")[2].partition("[")[0]
    return f"each {above}" if above else "all"
