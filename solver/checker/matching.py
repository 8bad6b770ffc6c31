"""Whether slots, as they are placed, are what the request asks for: every vertex in its place, and nothing besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

from .above import Above, MismatchError
from .amounts import Amounts
from .answer import Slot, SlotPart
from .case import Case
from .choice import distinct, preference
from .cover import MAX_WAYS, Ask, Cover, Held, Used, Way
from .ground import ROOT, Place
from .outside import Match, Outside
from .request import Kind, Need, names_no_node

MAX_COUNTS = 64
"""Counts of what is around slots that are tried: there are several only where some show nowhere in the answer."""


class Matcher:
    """Sees one request in one answer.

    Parameters
    ----------
    case
        What is judged.
    amounts
        What the answer says of memory and the like.
    """

    def __init__(self, case: Case, amounts: Amounts) -> None:
        self.case = case
        self.amounts = amounts
        self.is_cut = False
        self._known: dict[tuple[object, ...], list[Way]] = {}
        self._has_ids = any(inner.vertex.id is not None for need in case.request.needs for inner in need.walk())

    def matches(self, slots: Sequence[Slot]) -> Iterator[Match]:
        """Go through the ways of seeing the request in the slots, those with larger counts first.

        Raises
        ------
        MismatchError
            There is none, and why.
        TooLongError
            There are too many possibilities to go through.
        """
        by_label = self._by_label(slots)
        above = Above(self.case.ground, self.case.request)
        for label, some in by_label.items():
            for slot in some:
                above.locate(label, slot)
        counts = list(islice(above.counts(), MAX_COUNTS))
        self.is_cut = self.is_cut or len(counts) == MAX_COUNTS
        self._check_identities(above)
        wholes = frozenset(self._outer_wholes(above, by_label))
        taken = {place for places in above.instances.values() for place in places}
        if len(taken) != sum(map(len, above.instances.values())):
            raise MismatchError("one place stands for two vertices")
        ways = {label: self._ways(label, some, above) for label, some in by_label.items()}
        outside = Outside(self.case, above)
        none = True
        reason: MismatchError | None = None
        matches = (Match(some, job_wholes=wholes) for some in counts)
        seen_slots = (self._see_slots(list(by_label), by_label, ways, match, frozenset(taken)) for match in matches)
        for seen, used in chain.from_iterable(seen_slots):
            try:
                complete = outside.see(slots, seen, used)
            except MismatchError as error:
                reason = reason or error
                continue
            none = False
            yield complete
        if none:
            raise reason or MismatchError("one place stands for a vertex in two slots")

    def _by_label(self, slots: Sequence[Slot]) -> dict[str, list[Slot]]:
        found: dict[str, list[Slot]] = {label: [] for label in self.case.request.chains}
        for slot in slots:
            if slot.label not in found:
                raise MismatchError(f"the request has no slot {slot.label!r}")
            if not any(slot_part.cores or slot_part.gpus for slot_part in slot.slot_parts):
                raise MismatchError(f"a slot {slot.label!r} has neither core nor gpu")
            found[slot.label].append(slot)
        for label, some in found.items():
            if not some:
                raise MismatchError(f"there is no slot {label!r}")
        return found

    def _check_identities(self, above: Above) -> None:
        for need, places in above.instances.items():
            ids = need.vertex.id
            for place in places if ids is not None else ():
                if ids is not None and self.case.ground.identity(place) not in ids:
                    raise MismatchError(f"{need.vertex.path}: {self.case.ground.say(place)} is none of {ids}")

    def _outer_wholes(self, above: Above, by_label: Mapping[str, list[Slot]]) -> list[Place]:
        """Check the whole places that have slots inside, and return them."""
        wholes: list[Place] = []
        for need, places in above.instances.items():
            if not need.whole:
                continue
            wholes += places
            for place in places:
                if not self.case.state.is_whole(place):
                    raise MismatchError(f"{need.vertex.path}: {self.case.ground.say(place)} could not be taken whole")
                if not self.case.ground.has_all(self.case.held, place):
                    raise MismatchError(
                        f"{need.vertex.path}: the job does not hold all of {self.case.ground.say(place)}"
                    )
            for label, some in by_label.items():
                if need in self.case.request.chains[label]:
                    continue
                for slot in some:
                    if any(self._overlaps(place, slot_part) for place in places for slot_part in slot.slot_parts):
                        raise MismatchError(f"{need.vertex.path}: a slot {label!r} stands in it, which is not its own")
        return wholes

    def _overlaps(self, place: Place, slot_part: SlotPart) -> bool:
        if place[0] < 0:
            return self.case.ground.contains(place, (slot_part.position, 0))
        domain = self.case.ground.domain(place)
        return place[0] == slot_part.position and bool(domain.cores & slot_part.cores or domain.gpus & slot_part.gpus)

    def _ways(self, label: str, slots: Sequence[Slot], above: Above) -> list[list[Way]]:
        """Return for each slot of a label what could stand for the vertices inside it."""
        need = self.case.request.chains[label][-1]
        ways = []
        for slot in slots:
            found = self._slot_ways(need, slot, above.around[id(slot)])
            if not found:
                raise MismatchError(f"{need.vertex.path}: {self._say(slot)} is not what it asks for")
            # Which place a vertex stands for may be open, but not all have the memory that it asks for.
            ways.append([way for way in found if self.amounts.fits(slot, way)] if len(found) > 1 else found)
            if not ways[-1]:
                raise MismatchError(f"{need.vertex.path}: there is not enough of what {self._say(slot)} asks for")
            self.is_cut = self.is_cut or len(found) >= MAX_WAYS
        if not set.intersection(*({way.counts for way in found} for found in ways)):
            raise MismatchError(f"{need.vertex.path}: its slots differ in what they hold")
        return ways

    def _see_slots(
        self,
        labels: list[str],
        slots: Mapping[str, list[Slot]],
        ways: Mapping[str, list[list[Way]]],
        match: Match,
        used: Used,
    ) -> Iterator[tuple[Match, Used]]:
        """Choose what stands for the vertices inside each slot, with the same counts in all slots of a label."""
        if not labels:
            yield match, used
            return
        label, *others = labels
        common = set.intersection(*({way.counts for way in found} for found in ways[label]))
        for counts in sorted(common, key=preference, reverse=True):
            fitting = [sorted((w for w in found if w.counts == counts), key=self._partials) for found in ways[label]]
            for chosen in distinct(fitting, used):
                now = replace(
                    match,
                    counts={**match.counts, **dict(counts)},
                    slots=[*match.slots, *zip(slots[label], chosen, strict=True)],
                )
                taken = used.union(*(way.used for way in chosen))
                yield from self._see_slots(others, slots, ways, now, taken)

    def _partials(self, way: Way) -> int:
        """Count the places of a way that are taken whole and of which R lists a part."""
        return sum(self.case.ground.is_partial(place) for place in way.wholes)

    def _say(self, slot: Slot) -> str:
        ranks = ", ".join(self.case.ground.say((slot_part.position, 0)) for slot_part in slot.slot_parts[:3])
        more = "" if len(slot.slot_parts) <= 3 else " and others"
        return f"a slot of {slot.cores} cores and {slot.gpus} gpus on {ranks}{more}"

    def _slot_ways(self, need: Need, slot: Slot, around: Place) -> list[Way]:
        """Return the ways of seeing a slot's vertices in what it holds; slots on equal nodes share them."""
        if len(slot.slot_parts) > 1:
            return self._wide_slot_ways(need, slot, around)
        (slot_part,) = slot.slot_parts
        at = around
        if self._has_ids or any(inner.kind is Kind.GROUP for inner in need.walk()):
            return self._search(need, {slot_part.position: (slot_part.cores, slot_part.gpus)}, at)
        kind = self.case.ground.machine.type_of[slot_part.position]
        inner_place = at[1] if at[0] >= 0 else -1
        key = (need, kind, inner_place, slot_part.cores, slot_part.gpus, self._state_of(slot_part.position))
        if key not in self._known:
            held = {slot_part.position: (slot_part.cores, slot_part.gpus)}
            self._known[key] = [way.moved(0) for way in self._search(need, held, at)]
        return [_at(way, slot_part.position, at) for way in self._known[key]]

    def _state_of(self, position: int) -> object:
        """Return what nodes of one type have to have in common to be the same for every slot."""
        return position if self.case.state.gave_amounts(position) else self.case.state.free(position)

    def _wide_slot_ways(self, need: Need, slot: Slot, around: Place) -> list[Way]:
        """Return the ways of seeing a slot of several nodes."""
        held = {slot_part.position: (slot_part.cores, slot_part.gpus) for slot_part in slot.slot_parts}
        return self._search(need, held, around) if self._has_ids else self._place_by_place(need, held, around)

    def _place_by_place(self, parent: Need, held: Held, around: Place) -> list[Way]:
        """Take groups and nodes one by one where all that is held stands in those of one vertex."""
        amounts = tuple((child, around) for child in parent.children if child.kind is Kind.AMOUNT)
        structural = [child for child in parent.children if child.kind is not Kind.AMOUNT]
        if len(structural) != 1 or structural[0].kind not in (Kind.GROUP, Kind.NODE):
            return self._search(parent, held, around)
        (only,) = structural
        if only.kind is Kind.GROUP and only.whole:
            return self._search(parent, held, around)
        parts = self._parts(only, held, around)
        ways = [Way(frozenset({(only, len(parts))}), amounts=amounts)] if len(parts) in only.vertex.count else []
        for place, part in parts.items():
            if not ways:
                break
            inner = self._group_ways(only, place, part) if only.kind is Kind.GROUP else self._node_ways(only, part)
            ways = [both for way in ways for other in inner if (both := _joined(way, other, only)) is not None]
            self.is_cut = self.is_cut or len(ways) > MAX_WAYS
            del ways[MAX_WAYS:]
        return ways

    def _parts(self, only: Need, held: Held, around: Place) -> dict[Place, dict[int, tuple[int, int]]]:
        """Return what is held in each place of a vertex; nothing where some of it is in none."""
        parts: dict[Place, dict[int, tuple[int, int]]] = {}
        for position, ids in held.items():
            place: Place | None = (position, 0)
            if only.kind is Kind.GROUP:
                groups = [(-1, group) for group in self.case.ground.groups_around(position)]
                inner = [group for group in groups if self.case.ground.level(group) == only.vertex.type]
                place = inner[-1] if inner and inner[-1] != around else None
            if place is None or not self.case.ground.contains(around, place):
                return {}
            parts.setdefault(place, {})[position] = ids
        return parts

    def _group_ways(self, need: Need, place: Place, held: Held) -> list[Way]:
        """Return the ways of seeing what a vertex asks for in one group."""
        ways = self._place_by_place(need, held, place)
        return ways if need.is_shared else [replace(way, used=way.used | {place}) for way in ways]

    def _node_ways(self, need: Need, held: Held) -> list[Way]:
        """Return the ways of seeing a node vertex in one node; equal nodes share them."""
        ((position, (cores, gpus)),) = held.items()
        key = (need, self.case.ground.machine.type_of[position], cores, gpus, self._state_of(position))
        if key not in self._known:
            found = Cover(self.case.ground, self.case.state.is_whole, held).ways([Ask(need, ROOT)], {need: 1})
            self._known[key] = [way.moved(0) for way in found]
        return [way.moved(position) for way in self._known[key]]

    def _search(self, need: Need, held: Held, around: Place) -> list[Way]:
        """Try all ways, and for a slot of which the request leaves the node open each of its nodes."""
        homes: list[Place | None] = [None]
        if around[0] < 0 and names_no_node(need.children):
            homes = [(position, 0) for position in held]
        found: list[Way] = []
        for home in homes:
            cover = Cover(self.case.ground, self.case.state.is_whole, held)
            found += cover.ways([Ask(child, around, home) for child in need.children], {})
        return found


def _at(way: Way, position: int, around: Place) -> Way:
    """Move a remembered way to a node; what stood at the slot's own surroundings stays there."""
    moved = way.moved(position)
    amounts = tuple((need, around if place[0] < 0 else place) for need, place in moved.amounts)
    return Way(moved.counts, moved.used, amounts, moved.wholes)


def _joined(left: Way, right: Way, node: Need) -> Way | None:
    """Join the ways of two nodes of one slot; None when they differ in a count."""
    merged = dict(left.counts)
    for need, number in right.counts:
        if need is not node and merged.setdefault(need, number) != number:
            return None
    return Way(
        frozenset(merged.items()), left.used | right.used, left.amounts + right.amounts, left.wholes | right.wholes
    )
