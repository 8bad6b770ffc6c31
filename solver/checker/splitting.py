"""Find slots in an R that does not say how it is split, as those of other allocators do not.

Slots of cores and gpus, and slots of domains, are looked for, one or several types of them below the same vertices.
What comes out is a proposal: whether it is what was asked for is for the matcher to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from .above import MismatchError
from .answer import Answer, Slot, SlotPart
from .cover import TooLongError
from .dealing import Shares
from .forms import Content, UncountedError, content_of, has_outside, unsearched
from .ground import ROOT, Ground, Place
from .packing import Item, NodePacker
from .request import Kind, Need, Request

Held = Mapping[int, tuple[int, int]]

_MAX_NODES = 200
_MAX_GUESSES = 256
_SEARCHED = "R does not say how it is split into slots: the best split is taken"
_NOT_PROVEN = "R does not say how it is split into slots: a good split is taken, there may be a better one"


@dataclass(frozen=True, slots=True)
class Split:
    """A proposal.

    Parameters
    ----------
    slots
        The slots.
    notes
        How far the search went.
    """

    slots: tuple[Slot, ...]
    notes: tuple[str, ...]


def splits(ground: Ground, request: Request, answer: Answer) -> Iterator[Split]:
    """Go through proposals: one, or one for each number of slots where nothing gives it, the largest first.

    Raises
    ------
    MismatchError
        There is none, or requests of this form are not searched.
    TooLongError
        The search was cut off before it found one.
    """
    try:
        yield _Splitter(ground, request, answer).split()
        return
    except UncountedError:
        pass
    splitter = _Splitter(ground, request, answer)
    for tried, nslots in enumerate(range(splitter.most_slots(), 0, -1)):
        if tried == _MAX_GUESSES:
            raise TooLongError
        with suppress(MismatchError):
            yield _Splitter(ground, request, replace(answer, nslots=nslots)).split()


class _Splitter:
    def __init__(self, ground: Ground, request: Request, answer: Answer) -> None:
        self.ground = ground
        self.request = request
        self.answer = answer
        self.proven = True
        if any(need.kind is Kind.OUTER for chain in request.chains.values() for need in chain):
            raise unsearched()
        self.contents = [content_of(chain[-1]) for chain in request.chains.values()]
        self.has_rest = any(need.whole for chain in request.chains.values() for need in chain)
        self._packed: dict[object, tuple[tuple[str, int, int], ...]] = {}

    def split(self) -> Split:
        above = self._common()
        regions = self._regions(above[-1] if above else None)
        slots: list[Slot] = []
        if len(self.contents) == 1:
            for place, held in regions:
                slots += self._one_type(place, held, regions)
        else:
            for place, held in regions:
                slots += self._several_types(place, held)
        return Split(tuple(slots), (_SEARCHED if self.proven else _NOT_PROVEN,))

    def most_slots(self) -> int:
        """Return how many slots there can be at most."""
        most = []
        for content in self.contents:
            for needs, held in zip((content.cores, content.gpus), _total(self.answer.held), strict=True):
                least = sum(need.vertex.count.min for need in needs)
                if least:
                    most.append(held // least)
        return min(most, default=sum(_total(self.answer.held)))

    def _common(self) -> list[Need]:
        """Return the places around all slots."""
        chains = [
            [need for need in chain[:-1] if need.kind is not Kind.NOTHING] for chain in self.request.chains.values()
        ]
        # Where more is held than the slots hold, the places that they are in do not show.
        hidden = any(need.whole for need in chains[0][:-1]) or has_outside(self.request.needs)
        if hidden or any(chain != chains[0] for chain in chains):
            raise unsearched()
        return chains[0]

    def _regions(self, around: Need | None) -> list[tuple[Place, Held]]:
        """Return the touched places of the vertex right around the slots, with what is held in each."""
        held = self.answer.held
        if around is None:
            return [(ROOT, held)]
        found: dict[Place, dict[int, tuple[int, int]]] = {}
        for position, (cores, gpus) in held.items():
            if around.kind is Kind.GROUP:
                for group in self.ground.groups_around(position):
                    if self.ground.level((-1, group)) == around.vertex.type:
                        found.setdefault((-1, group), {})[position] = cores, gpus
                continue
            for place in self.ground.touched(position, around.vertex.type, cores, gpus):
                domain = self.ground.domain(place)
                found[place] = {position: (cores & domain.cores, gpus & domain.gpus)}
        return list(found.items())

    def _one_type(self, place: Place, held: Held, regions: Sequence[tuple[Place, Held]]) -> list[Slot]:
        """Split a region into slots of one type."""
        (content,) = self.contents
        label = content.need.vertex.label or ""
        if content.place is not None:
            return self._slots_of_places(label, content, content.place, held, regions)
        nslots = self.answer.nslots
        slots: list[Slot] = []
        if place[0] >= 0:
            per_region = self._number(content, regions)
            (position,) = held
            item = Item(label, per_region, *self._each(content, self._least(regions), per_region))
            return self._pack(place, held[position], [item])
        # Which nodes have how many follows from what one slot holds.
        number = nslots // len(regions) if nslots else None
        each = self._each(content, _total(held), number)
        for position, (cores, gpus) in held.items():
            size, one = (cores.bit_count(), each[0]) if each[0] else (gpus.bit_count(), each[1])
            if one == 0 or size % one:
                rank = self.ground.say((position, 0))
                raise MismatchError(f"{content.need.vertex.path}: what {rank} gives is no whole number of slots")
            item = Item(label, size // one, *each)
            self._check_totals((cores, gpus), [item], position)
            slots += self._pack((position, 0), (cores, gpus), [item])
        return slots

    def _number(self, content: Content, regions: Sequence[tuple[Place, Held]]) -> int:
        """Return how many slots stand in each region."""
        count = content.need.vertex.count
        if count.is_fixed:
            return count.min
        nslots = self.answer.nslots
        if not nslots:
            raise UncountedError(f"{content.need.vertex.path}: R does not say how many slots there are")
        if nslots % len(regions):
            raise MismatchError(
                f"{content.need.vertex.path}: {nslots} slots in {len(regions)} places are no equal number in each"
            )
        return nslots // len(regions)

    @staticmethod
    def _least(regions: Sequence[tuple[Place, Held]]) -> tuple[int, int]:
        """Return the cores and gpus that every region has: slots hold the same in all of them."""
        totals = [_total(held) for _, held in regions]
        return min(cores for cores, _ in totals), min(gpus for _, gpus in totals)

    def _each(self, content: Content, held: tuple[int, int], number: int | None) -> tuple[int, int]:
        """Return how many cores and gpus one slot holds, so that nothing is left over where counts are open."""
        found = []
        for needs, total in ((content.cores, held[0]), (content.gpus, held[1])):
            least = sum(need.vertex.count.min for need in needs)
            if all(need.vertex.count.is_fixed for need in needs):
                found.append(least)
            elif number is None:
                raise UncountedError(f"{content.need.vertex.path}: R does not say how many slots there are")
            elif self.has_rest and len(needs) == 1:
                # A whole place around the slots keeps what they leave.
                found.append(needs[0].vertex.count.largest(total // number) or least)
            else:
                found.append(total // number)
        return found[0], found[1]

    def _slots_of_places(
        self, label: str, content: Content, inner: Need, held: Held, regions: Sequence[tuple[Place, Held]]
    ) -> list[Slot]:
        """Make slots of places: what is held of a place is one slot's, as no two vertices stand for one place."""
        slot_parts: list[SlotPart] = []
        if inner.kind is Kind.GROUP or (self.has_rest and not inner.whole):
            raise unsearched()
        for position, (cores, gpus) in sorted(held.items()):
            for place in self.ground.touched(position, inner.vertex.type, cores, gpus):
                domain = self.ground.domain(place)
                slot_parts.append(SlotPart(position, cores & domain.cores, gpus & domain.gpus))
        number = None
        if content.need.vertex.count.is_fixed or self.answer.nslots:
            number = self._number(content, regions)
        per_slot: int = inner.vertex.count.min
        if not inner.vertex.count.is_fixed:
            if number is None:
                raise UncountedError(f"{content.need.vertex.path}: R does not say how many slots there are")
            per_slot = len(slot_parts) // number
        if self.has_rest and len(slot_parts) != inner.vertex.count.min * (number or 1):
            # Which of the places are slots does not show.
            raise unsearched()
        if per_slot == 0 or len(slot_parts) != per_slot * (number or len(slot_parts) // per_slot):
            raise MismatchError(f"{inner.vertex.path}: {len(slot_parts)} are held, which is no whole number of slots")
        if inner.kind is not Kind.NODE and 1 < per_slot < len(slot_parts):
            # Neighbours make one slot, which is good, but not always best.
            self.proven = False
        if inner.kind is Kind.NODE:
            return [Slot(label, tuple(slot_parts[i : i + per_slot])) for i in range(0, len(slot_parts), per_slot)]
        return [_one_part(label, slot_parts[i : i + per_slot]) for i in range(0, len(slot_parts), per_slot)]

    def _several_types(self, place: Place, held: Held) -> list[Slot]:
        """Split a region into slots of several types, whose counts and contents are all given."""
        items = []
        for content in self.contents:
            counts = [content.need.vertex.count, *(need.vertex.count for need in (*content.cores, *content.gpus))]
            if content.place is not None or not all(count.is_fixed for count in counts):
                raise unsearched()
            cores, gpus = self._each(content, (0, 0), None)
            items.append(Item(content.need.vertex.label or "", content.need.vertex.count.min, cores, gpus))
        if place[0] >= 0:
            (position,) = held
            self._check_totals(held[position], items, position)
            return self._pack(place, held[position], items)
        slots = []
        for position, here in self._on_nodes(items, held).items():
            slots += self._pack((position, 0), held[position], here)
        return slots

    def _on_nodes(self, items: Sequence[Item], held: Held) -> dict[int, list[Item]]:
        """Say which node gives how many slots of each type, so that nothing is left over."""
        nodes = sorted(held)
        sizes = [(cores.bit_count(), gpus.bit_count()) for cores, gpus in (held[node] for node in nodes)]
        if len(nodes) > _MAX_NODES:
            raise TooLongError
        shares = Shares(items, self.has_rest)
        deals = shares.deals(sizes, tuple(item.count for item in items))
        found = next(deals, None)
        if found is None:
            raise MismatchError("what the ranks give cannot be split into the slots that were asked for")
        self.proven = self.proven and self._is_only(deals)
        return {
            node: [replace(item, count=count) for item, count in zip(items, some, strict=True) if count]
            for node, some in zip(nodes, found, strict=True)
        }

    @staticmethod
    def _is_only(others: Iterator[object]) -> bool:
        """Tell whether there are no others; where that takes too long there may be."""
        try:
            return next(others, None) is None
        except TooLongError:
            return False

    def _check_totals(self, held: tuple[int, int], items: Sequence[Item], position: int) -> None:
        cores = sum(item.count * item.cores for item in items)
        gpus = sum(item.count * item.gpus for item in items)
        has = held[0].bit_count(), held[1].bit_count()
        if cores > has[0] or gpus > has[1] or (not self.has_rest and (cores, gpus) != has):
            rank = self.ground.say((position, 0))
            raise MismatchError(f"{rank} gives {has[0]} cores and {has[1]} gpus, its slots ask for {cores} and {gpus}")

    def _pack(self, place: Place, held: tuple[int, int], items: Sequence[Item]) -> list[Slot]:
        position = place[0]
        self._check_totals(held, items, position)
        key = (self.ground.machine.type_of[position], place[1], held, tuple(items))
        if key not in self._packed:
            packed = NodePacker(self.ground, place, *held).pack(items)
            self.proven = self.proven and packed.proven
            self._packed[key] = packed.slots
        return [Slot(label, (SlotPart(position, cores, gpus),)) for label, cores, gpus in self._packed[key]]


def _total(held: Held) -> tuple[int, int]:
    cores = sum(cores.bit_count() for cores, _ in held.values())
    return cores, sum(gpus.bit_count() for _, gpus in held.values())


def _one_part(label: str, slot_parts: Sequence[SlotPart]) -> Slot:
    """Join what a slot holds of one node."""
    by_node: dict[int, tuple[int, int]] = {}
    for slot_part in slot_parts:
        cores, gpus = by_node.get(slot_part.position, (0, 0))
        by_node[slot_part.position] = cores | slot_part.cores, gpus | slot_part.gpus
    return Slot(label, tuple(SlotPart(position, *held) for position, held in by_node.items()))
