"""What a job holds outside its slots: the rest of whole places, and what vertices outside slots ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .above import Above, Counts, MismatchError
from .answer import Slot
from .case import Case
from .choice import preference
from .cover import Ask, Cover, Held, Used, Way
from .ground import ROOT, Place
from .request import Kind, Need, names_no_node

Homes = Mapping[Need, Mapping[int, int]]
"""For slots that hold slots, how many stand on each node."""


@dataclass(slots=True)
class Match:
    """How the request is seen in the slots.

    Parameters
    ----------
    counts
        How many each vertex stands for; those of memory and the like are found later.
    slots
        For each slot how the vertices inside it are seen.
    job_amounts
        What asks for memory and the like outside slots: vertex and place.
    job_wholes
        The whole places that belong to the job and to no slot.
    """

    counts: Counts
    slots: list[tuple[Slot, Way]] = field(default_factory=list)
    job_amounts: tuple[tuple[Need, Place], ...] = ()
    job_wholes: frozenset[Place] = frozenset()


class Outside:
    """Sees in one answer what the request has outside slots.

    Parameters
    ----------
    case
        What is judged.
    above
        The places around the slots.
    """

    def __init__(self, case: Case, above: Above) -> None:
        self.case = case
        self.above = above
        self._counts: Counts = {}

    def see(self, slots: Sequence[Slot], match: Match, used: Used) -> Match:
        """Find what stands for the vertices outside slots, given what stands for those inside.

        Raises
        ------
        MismatchError
            Nothing does, or something is left over.
        """
        self._counts = match.counts
        homes = self._homes(match.counts)
        rest = {position: list(held) for position, held in self.case.held.items()}
        for slot in slots:
            for slot_part in slot.slot_parts:
                rest[slot_part.position][0] &= ~slot_part.cores
                rest[slot_part.position][1] &= ~slot_part.gpus
        left = {position: (cores, gpus) for position, (cores, gpus) in rest.items() if cores or gpus}
        asks = list(self._asks(homes))
        amounts = [(ask.need, ask.at) for ask in asks if ask.need.kind is Kind.AMOUNT]
        asks = [ask for ask in asks if ask.need.kind is not Kind.AMOUNT]
        wholes = match.job_wholes
        if not asks:
            self._check_leftovers(left, wholes)
            return replace(match, job_amounts=tuple(amounts))
        counts = dict(match.counts)
        for cover, part in self._parts(asks, left, match.job_wholes):
            found = [way for way in cover.ways(part, counts) if not way.used & used]
            if not found:
                raise MismatchError(f"{part[0].need.vertex.path}: what belongs to no slot is not what it asks for")
            best = max(found, key=lambda way: (preference(way.counts), -self._partials(way)))
            counts.update(dict(best.counts))
            used |= best.used
            wholes |= best.wholes
            amounts += best.amounts
        return replace(match, counts=counts, job_amounts=tuple(amounts), job_wholes=wholes)

    def _partials(self, way: Way) -> int:
        """Count the places of a way that are taken whole and of which R lists a part."""
        return sum(self.case.ground.is_partial(place) for place in way.wholes)

    def _parts(self, asks: list[Ask], left: Held, wholes: Collection[Place]) -> Iterator[tuple[Cover, list[Ask]]]:
        """Split what is asked for node by node where each vertex stands on a node."""
        if any(ask.at[0] < 0 for ask in asks):
            yield Cover(self.case.ground, self.case.state.is_whole, left, tuple(wholes)), asks
            return
        by_node: dict[int, list[Ask]] = {}
        for ask in asks:
            by_node.setdefault(ask.at[0], []).append(ask)
        others = {position: held for position, held in left.items() if position not in by_node}
        self._check_leftovers(others, wholes)
        for position, part in by_node.items():
            here = {position: left.get(position, (0, 0))}
            pools = [place for place in wholes if place[0] < 0 or place[0] == position]
            yield Cover(self.case.ground, self.case.state.is_whole, here, pools), part

    def _homes(self, counts: Counts) -> Homes:
        """Find the nodes of slots that hold slots and stand in none that is named, or have amounts beside one."""
        homes: dict[Need, dict[int, int]] = {}
        for chain in self.case.request.chains.values():
            for need in chain:
                if need.kind in (Kind.NODE, Kind.DOMAIN):
                    break
                beside = any(child.kind is Kind.AMOUNT for child in need.children)
                if need.kind is Kind.OUTER and need not in homes and (beside or names_no_node(need.children)):
                    homes[need] = self.above.homes(need, counts)
        return homes

    def _asks(self, homes: Homes) -> Iterator[Ask]:
        """Go through the vertices outside slots that have no slot inside, once in each instance of their parent."""
        yield from self._below(self.case.request.needs, ROOT, ROOT, homes)
        for need, places in self.above.instances.items():
            for place in places:
                yield from self._below(need.children, place, self._pool(place), homes)

    def _below(self, needs: Sequence[Need], at: Place, pool: Place, homes: Homes, times: int = 1) -> Iterator[Ask]:
        """Go through some of them in so many instances of their parent; those in other places are left out."""
        for need in needs:
            if need.kind is Kind.SLOT:
                continue
            if need not in self.above.with_slots:
                yield from [Ask(need, at, None, pool)] * times
            elif need in homes:
                # These are all that there are around here, whatever they stand in.
                for position, number in homes[need].items():
                    if self.case.ground.contains(at, (position, 0)):
                        yield from self._on_node(need.children, at, (position, 0), pool, number)
            elif need.kind in (Kind.NOTHING, Kind.OUTER):
                yield from self._below(need.children, at, pool, homes, times * self._counts.get(need, 1))

    def _on_node(self, needs: Sequence[Need], at: Place, node: Place, pool: Place, times: int) -> Iterator[Ask]:
        """Go through what so many slots that hold slots have on a node beside these; other nodes are all around."""
        for need in needs:
            if need not in self.above.with_slots:
                place = at if need.kind in (Kind.NODE, Kind.GROUP) else node
                yield from [Ask(need, place, None, pool)] * times
            elif need.kind in (Kind.NOTHING, Kind.OUTER):
                each = self._counts.get(need, 1)
                yield from self._on_node(need.children, at, node, pool, times * each)

    def _pool(self, place: Place) -> Place:
        """Return the innermost whole place at or around a place; ROOT if there is none."""
        around = [
            other
            for need, places in self.above.instances.items()
            if need.whole
            for other in places
            if self.case.ground.contains(other, place)
        ]
        inner = [place for place in around if all(self.case.ground.contains(other, place) for other in around)]
        return inner[0] if inner else ROOT

    def _check_leftovers(self, left: Held, wholes: Collection[Place]) -> None:
        """Refuse what neither slots nor whole places explain."""
        for position, (cores, gpus) in left.items():
            for place in wholes:
                if place[0] < 0 and self.case.ground.contains(place, (position, 0)):
                    cores = gpus = 0
                elif place[0] == position:
                    cores &= ~self.case.ground.domain(place).cores
                    gpus &= ~self.case.ground.domain(place).gpus
            if cores or gpus:
                much = f"{cores.bit_count()} cores and {gpus.bit_count()} gpus"
                raise MismatchError(
                    f"{self.case.ground.say((position, 0))}: {much} belong to nothing that was asked for"
                )
