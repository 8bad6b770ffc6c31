"""Whether slots, as they are placed, are what the request asks for: every vertex in its place, and nothing besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .above import Above, Counts, MismatchError
from .amounts import Amounts
from .answer import Piece, Slot
from .cover import Ask, Cover, Held, TooLongError, Way
from .ground import ROOT, Ground, Place
from .request import Kind, Need, Request
from .state import State


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


class Matcher:
    """Sees one request in one answer.

    Parameters
    ----------
    ground, state
        The machine and what was free before.
    request
        What was asked for.
    held
        What the job holds in all.
    amounts
        What the answer says of memory and the like.
    """

    def __init__(self, ground: Ground, state: State, request: Request, held: Held, amounts: Amounts) -> None:
        self.ground = ground
        self.state = state
        self.request = request
        self.held = held
        self.amounts = amounts
        self._known: dict[tuple[object, ...], list[Way]] = {}
        self._has_ids = any(inner.vertex.id is not None for need in request.needs for inner in need.walk())

    def match(self, slots: Sequence[Slot]) -> Match:
        """Return how the request is seen in the slots.

        Raises
        ------
        MismatchError
            It cannot be, and why.
        TooLongError
            There are too many possibilities to go through.
        """
        by_label = self._by_label(slots)
        above = Above(self.ground, self.request)
        for label, some in by_label.items():
            for slot in some:
                above.locate(label, slot)
        counts = above.counts()
        self._check_identities(above)
        wholes = self._outer_wholes(above, by_label)
        taken = {place for places in above.instances.values() for place in places}
        if len(taken) != sum(map(len, above.instances.values())):
            raise MismatchError("one place stands for two vertices")
        match = Match(counts, job_wholes=frozenset(wholes))
        used = self._see_slots(by_label, above, match, frozenset(taken))
        self._see_rest(slots, above, wholes, match, used)
        return match

    def _by_label(self, slots: Sequence[Slot]) -> dict[str, list[Slot]]:
        found: dict[str, list[Slot]] = {label: [] for label in self.request.chains}
        for slot in slots:
            if slot.label not in found:
                raise MismatchError(f"the request has no slot {slot.label!r}")
            if not any(piece.cores or piece.gpus for piece in slot.pieces):
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
                if ids is not None and self.ground.identity(place) not in ids:
                    raise MismatchError(f"{need.vertex.path}: {self.ground.say(place)} is none of {ids}")

    def _outer_wholes(self, above: Above, by_label: Mapping[str, list[Slot]]) -> list[Place]:
        """Check the whole places that have slots inside, and return them."""
        wholes: list[Place] = []
        for need, places in above.instances.items():
            if not need.whole:
                continue
            wholes += places
            for place in places:
                if not self.state.is_whole(place):
                    raise MismatchError(f"{need.vertex.path}: {self.ground.say(place)} could not be taken whole")
                if not _holds_all(self.ground, self.held, place):
                    raise MismatchError(f"{need.vertex.path}: the job does not hold all of {self.ground.say(place)}")
            for label, some in by_label.items():
                if need in self.request.chains[label]:
                    continue
                for slot in some:
                    if any(self._overlaps(place, piece) for place in places for piece in slot.pieces):
                        raise MismatchError(f"{need.vertex.path}: a slot {label!r} stands in it, which is not its own")
        return wholes

    def _overlaps(self, place: Place, piece: Piece) -> bool:
        if place[0] < 0:
            return self.ground.contains(place, (piece.position, 0))
        domain = self.ground.domain(place)
        return place[0] == piece.position and bool(domain.cores & piece.cores or domain.gpus & piece.gpus)

    def _see_slots(
        self, by_label: Mapping[str, list[Slot]], above: Above, match: Match, used: frozenset[Place]
    ) -> frozenset[Place]:
        """Find what stands for the vertices inside each slot, the same counts in all slots of a label."""
        for label, slots in by_label.items():
            need = self.request.chains[label][-1]
            ways = []
            for slot in slots:
                found = self._slot_ways(need, slot, above.around[id(slot)])
                if not found:
                    raise MismatchError(f"{need.vertex.path}: {self._say(slot)} is not what it asks for")
                # Which place a vertex stands for may be open, but not all have the memory that it asks for.
                ways.append([way for way in found if self.amounts.fits(slot, way)] if len(found) > 1 else found)
                if not ways[-1]:
                    raise MismatchError(f"{need.vertex.path}: there is not enough of what {self._say(slot)} asks for")
            common = set.intersection(*({way.counts for way in found} for found in ways))
            if not common:
                raise MismatchError(f"{need.vertex.path}: its slots differ in what they hold")
            for counts in sorted(common, key=_preference, reverse=True):
                fitting = [[way for way in found if way.counts == counts] for found in ways]
                chosen = _distinct(fitting, used)
                if chosen is not None:
                    break
            else:
                raise MismatchError(f"{need.vertex.path}: one place stands for a vertex in two slots")
            match.counts.update(dict(counts))
            for slot, way in zip(slots, chosen, strict=True):
                used |= way.used
                match.slots.append((slot, way))
        return used

    def _say(self, slot: Slot) -> str:
        ranks = ", ".join(self.ground.say((piece.position, 0)) for piece in slot.pieces[:3])
        more = "" if len(slot.pieces) <= 3 else " and others"
        return f"a slot of {slot.cores} cores and {slot.gpus} gpus on {ranks}{more}"

    def _slot_ways(self, need: Need, slot: Slot, around: Place) -> list[Way]:
        """Return the ways of seeing a slot's vertices in what it holds; slots on equal nodes share them."""
        if len(slot.pieces) > 1:
            return self._wide_slot_ways(need, slot, around)
        (piece,) = slot.pieces
        at = around
        if self._has_ids or any(inner.kind is Kind.GROUP for inner in need.walk()):
            return self._search(need, {piece.position: (piece.cores, piece.gpus)}, at)
        kind = self.ground.machine.type_of[piece.position]
        inner_place = at[1] if at[0] >= 0 else -1
        key = (need, kind, inner_place, piece.cores, piece.gpus, self._state_of(piece.position))
        if key not in self._known:
            held = {piece.position: (piece.cores, piece.gpus)}
            self._known[key] = [way.moved(0) for way in self._search(need, held, at)]
        return [_at(way, piece.position, at) for way in self._known[key]]

    def _state_of(self, position: int) -> object:
        """Return what nodes of one type have to have in common to be the same for every slot."""
        return position if self.state.gave_amounts(position) else self.state.free(position)

    def _wide_slot_ways(self, need: Need, slot: Slot, around: Place) -> list[Way]:
        """Return the ways of seeing a slot of several nodes; one of many equal nodes is taken node by node."""
        held = {piece.position: (piece.cores, piece.gpus) for piece in slot.pieces}
        (only, *more) = need.children
        if more or only.kind is not Kind.NODE or self._has_ids:
            return self._search(need, held, around)
        ways = [Way(frozenset({(only, len(held))}))] if len(held) in only.vertex.count else []
        for position, (cores, gpus) in held.items():
            if not ways:
                break
            key = (only, self.ground.machine.type_of[position], cores, gpus, self._state_of(position))
            if key not in self._known:
                here = {position: (cores, gpus)}
                cover = Cover(self.ground, self.state.is_whole, here)
                found = cover.ways([Ask(only, ROOT)], {only: 1})
                self._known[key] = [way.moved(0) for way in found]
            node = [way.moved(position) for way in self._known[key]]
            ways = [both for way in ways for other in node if (both := _joined(way, other, only)) is not None][:64]
        return ways

    def _search(self, need: Need, held: Held, around: Place) -> list[Way]:
        """Try all ways, and for a slot of which the request leaves the node open each of its nodes."""
        homes: list[Place | None] = [None]
        if around[0] < 0 and _names_no_node(need.children):
            homes = [(position, 0) for position in held]
        found: list[Way] = []
        for home in homes:
            cover = Cover(self.ground, self.state.is_whole, held)
            found += cover.ways([Ask(child, around, home) for child in need.children], {})
        return found

    def _see_rest(
        self, slots: Sequence[Slot], above: Above, wholes: Sequence[Place], match: Match, used: frozenset[Place]
    ) -> None:
        """Find what stands for the vertices outside slots in what the slots leave of the job."""
        rest = {position: list(held) for position, held in self.held.items()}
        for slot in slots:
            for piece in slot.pieces:
                rest[piece.position][0] &= ~piece.cores
                rest[piece.position][1] &= ~piece.gpus
        left = {position: (cores, gpus) for position, (cores, gpus) in rest.items() if cores or gpus}
        asks = list(self._outer_asks(above))
        plain = [ask for ask in asks if ask.need.kind is Kind.AMOUNT]
        asks = [ask for ask in asks if ask.need.kind is not Kind.AMOUNT]
        match.job_amounts = tuple((ask.need, ask.at) for ask in plain)
        if not asks:
            self._check_leftovers(left, wholes)
            return
        known = dict(match.counts)
        for cover, part in self._parts(asks, left, wholes):
            found = [way for way in cover.ways(part, known) if not way.used & used]
            if not found:
                raise MismatchError(f"{part[0].need.vertex.path}: what belongs to no slot is not what it asks for")
            best = max(found, key=lambda way: _preference(way.counts))
            known.update(dict(best.counts))
            used |= best.used
            match.job_amounts += best.amounts
            match.job_wholes |= best.wholes
        match.counts.update(known)

    def _parts(self, asks: list[Ask], left: Held, wholes: Sequence[Place]) -> Iterator[tuple[Cover, list[Ask]]]:
        """Split what is asked for node by node where each vertex stands on a node."""
        if any(ask.at[0] < 0 for ask in asks):
            yield Cover(self.ground, self.state.is_whole, left, wholes), asks
            return
        by_node: dict[int, list[Ask]] = {}
        for ask in asks:
            by_node.setdefault(ask.at[0], []).append(ask)
        others = {position: held for position, held in left.items() if position not in by_node}
        self._check_leftovers(others, wholes)
        for position, part in by_node.items():
            here = {position: left.get(position, (0, 0))}
            pools = [place for place in wholes if place[0] < 0 or place[0] == position]
            yield Cover(self.ground, self.state.is_whole, here, pools), part

    def _outer_asks(self, above: Above) -> Iterator[Ask]:
        """Go through the vertices outside slots that have no slot inside, once in each instance of their parent."""

        def below(needs: Sequence[Need], at: Place, pool: Place) -> Iterator[Ask]:
            for need in needs:
                if need.kind is Kind.SLOT:
                    continue
                if need in above.with_slots:
                    if need.kind is Kind.NOTHING:
                        for _ in range(above.nothing.get(need, 1)):
                            yield from below(need.children, at, pool)
                    continue
                yield Ask(need, at, None, pool)

        yield from below(self.request.needs, ROOT, ROOT)
        for need, places in above.instances.items():
            for place in places:
                yield from below(need.children, place, self._pool(above, place))

    def _pool(self, above: Above, place: Place) -> Place:
        """Return the innermost whole place at or around a place; ROOT if there is none."""
        around = [
            other
            for need, places in above.instances.items()
            if need.whole
            for other in places
            if self.ground.contains(other, place)
        ]
        inner = [place for place in around if all(self.ground.contains(other, place) for other in around)]
        return inner[0] if inner else ROOT

    def _check_leftovers(self, left: Held, wholes: Sequence[Place]) -> None:
        """Refuse what neither slots nor whole places explain."""
        for position, (cores, gpus) in left.items():
            for place in wholes:
                if place[0] < 0 and self.ground.contains(place, (position, 0)):
                    cores = gpus = 0
                elif place[0] == position:
                    cores &= ~self.ground.domain(place).cores
                    gpus &= ~self.ground.domain(place).gpus
            if cores or gpus:
                much = f"{cores.bit_count()} cores and {gpus.bit_count()} gpus"
                raise MismatchError(f"{self.ground.say((position, 0))}: {much} belong to nothing that was asked for")


def _names_no_node(needs: Sequence[Need]) -> bool:
    """Whether something below a slot stands on a node without the request naming one."""
    return any(
        need.kind in (Kind.CORE, Kind.GPU, Kind.DOMAIN)
        or (need.kind is not Kind.NODE and _names_no_node(need.children))
        for need in needs
    )


def _holds_all(ground: Ground, held: Held, place: Place) -> bool:
    if place[0] < 0:
        members = ground.machine.groups[place[1]].members
        nodes = [position for position in range(members.bit_length()) if members >> position & 1]
        return all(_holds_all(ground, held, (position, 0)) for position in nodes)
    cores, gpus = held.get(place[0], (0, 0))
    domain = ground.domain(place)
    return not (domain.cores & ~cores or domain.gpus & ~gpus)


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


def _preference(counts: frozenset[tuple[Need, int]]) -> tuple[int, ...]:
    """Return what to compare counts by: the larger first, in the order of the request."""
    return tuple(number for _, number in sorted((need.index, number) for need, number in counts))


def _distinct(choices: Sequence[Sequence[Way]], used: frozenset[Place]) -> list[Way] | None:
    """Choose a way for each slot so that no place stands for two vertices; None if there is no such choice."""
    chosen: list[Way] = [choices[index][0] for index in range(len(choices))]
    open_ones = []
    taken = set(used)
    for index, ways in enumerate(choices):
        if len({way.used for way in ways}) > 1:
            open_ones.append(index)
        elif ways[0].used & taken:
            return None
        else:
            taken |= ways[0].used
    if len(open_ones) > 200:
        raise TooLongError
    steps = 0

    def choose(place: int, taken: frozenset[Place]) -> bool:
        nonlocal steps
        steps += 1
        if steps > 20_000:
            raise TooLongError
        if place == len(open_ones):
            return True
        for way in choices[open_ones[place]]:
            if not way.used & taken:
                chosen[open_ones[place]] = way
                if choose(place + 1, taken | way.used):
                    return True
        return False

    return chosen if choose(0, frozenset(taken)) else None
