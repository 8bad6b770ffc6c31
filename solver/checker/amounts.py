"""Memory, storage and the like: what was asked for, what R says was taken, and whether there was enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from .above import Counts, MismatchError
from .answer import Answer, Slot, SlotPart
from .cover import TooLongError, Way
from .givers import check_wholes, nearest, touched
from .ground import Ground, Place
from .request import MEASURED, Kind, Need
from .state import Demand, State, can_give

ROUNDING = Fraction(1, 1024)
"""GiB that R may say more than was asked for, each time that it was: other units may be rounded up to MiB."""

_MAX_TRIES = 1_000

Asked = Sequence[tuple[Need, Place]]


class Amounts:
    """Compares the amounts of one answer with its request.

    Parameters
    ----------
    ground, state
        The machine and what was free before.
    usable
        The nodes that could be used, as a bitmask.
    recorded
        Whether R says what slots hold.
    """

    def __init__(self, ground: Ground, state: State, usable: int, recorded: bool) -> None:
        self.ground = ground
        self.state = state
        self.usable = usable
        self.recorded = recorded

    def fits(self, slot: Slot, way: Way) -> bool:
        """Whether there is enough for one way of seeing one slot, were it the only one."""
        try:
            self._settle([*self._of_slot(slot, way)], {})
        except MismatchError:
            return False
        return True

    def check(
        self, slots: Sequence[tuple[Slot, Way]], job: Asked, job_wholes: Iterable[Place], answer: Answer, counts: Counts
    ) -> None:
        """Find the counts of what asks for amounts, and check that there was as much.

        Parameters
        ----------
        slots
            The slots and how the request is seen in them.
        job
            What asks for amounts outside slots.
        job_wholes
            The whole places that belong to the job and to no slot.
        answer
            The answer.
        counts
            The counts found so far, which are completed.

        Raises
        ------
        MismatchError
            R says something else than was asked for, or there was not enough.
        """
        holdings = [holding for slot, way in slots for holding in self._of_slot(slot, way)]
        beside = [asked for slot, way in slots for asked in self._beside(slot, way)]
        holdings += self._of_job([*job, *beside], job_wholes, answer)
        check_wholes(self.ground, slots, job_wholes)
        self._settle(holdings, counts)

    def _of_slot(self, slot: Slot, way: Way) -> Iterator[_Holding]:
        """Yield what one slot holds, resource by resource; of several nodes node by node, where it is asked for so."""
        own = [(need, place) for need, place in way.amounts if not self._is_of_groups(slot, need, place)]
        if any(place[0] < 0 for _, place in own):
            yield from self._of_parts(slot, slot.slot_parts, own, way.wholes)
            return
        for part in slot.slot_parts:
            node = part.position, 0
            asked = [(need, place) for need, place in own if place[0] == part.position]
            around = any(self.ground.contains(place, node) for place in way.wholes)
            wholes = [node] if around else [place for place in way.wholes if place[0] == part.position]
            yield from self._of_parts(slot, [part], asked, wholes)

    def _of_parts(
        self, slot: Slot, parts: Sequence[SlotPart], own: Asked, wholes: Collection[Place]
    ) -> Iterator[_Holding]:
        """Yield what some parts of a slot hold, resource by resource."""
        for name in dict.fromkeys([*(need.vertex.type for need, _ in own), *_amounts_of(parts)]):
            asked = [(need, place) for need, place in own if need.vertex.type == name]
            said = [dict(part.amounts)[name] for part in parts if name in dict(part.amounts)]
            domains = tuple((at, n) for part in parts for other, at, n in part.domains if other == name)
            listed = self._listed(name, wholes)
            yield _Holding(name, asked, sum(said, Fraction(0)), listed, len(said), slot, domains)

    def _is_beside(self, need: Need, place: Place) -> bool:
        """Whether something asked for in a slot stands beside its nodes, and groups give it."""
        return need.is_of_groups and place[0] < 0 and need.vertex.type in self.ground.listed

    def _is_of_groups(self, slot: Slot, need: Need, place: Place) -> bool:
        """Whether R says with a group what a slot has beside its nodes: with a node it would be read as the node's."""
        if not self._is_beside(need, place):
            return False
        kind = self.ground.machine.type_at(slot.slot_parts[0].position)
        own = any(self.ground.listing((slot.slot_parts[0].position, d.index), need.vertex.type) for d in kind.domains)
        several = len(slot.slot_parts) > 1 or not slot.amount(need.vertex.type)
        return own or several or need.of_slot is not Kind.SLOT

    def _beside(self, slot: Slot, way: Way) -> Iterator[tuple[Need, Place]]:
        """Yield what a slot asks for beside its nodes and R says with groups, with the group that gives it."""
        for need, place in way.amounts:
            if self._is_of_groups(slot, need, place):
                yield need, self._group(slot, need) if need.of_slot is Kind.SLOT else place

    def _group(self, slot: Slot, need: Need) -> Place:
        """Return the innermost group that has all nodes of a slot and lists what it asks for."""
        group = self.ground.around_all(need.vertex.type, [slot_part.position for slot_part in slot.slot_parts])
        if group is None:
            raise MismatchError(f"{need.vertex.path}: no group has all nodes of a slot and {need.vertex.type}")
        return group

    def _of_job(self, job: Asked, wholes: Iterable[Place], answer: Answer) -> Iterator[_Holding]:
        """Yield what belongs to the job and to no slot."""
        for name in dict.fromkeys([*(need.vertex.type for need, _ in job), *(n for _, n in answer.amounts)]):
            asked = [(need, place) for need, place in job if need.vertex.type == name]
            said = {place: amount for (place, other), amount in answer.amounts.items() if other == name}
            self._check_places(name, asked, said)
            listed = self._listed(name, wholes)
            yield _Holding(name, asked, sum(said.values(), Fraction(0)), listed, len(said), places=said)

    def _settle(self, holdings: Sequence[_Holding], counts: Counts) -> None:
        """Find the open counts, first by what R says, then the largest for which there was enough."""
        open_needs: list[Need] = []
        for holding in holdings:
            for need in holding.times:
                if need.vertex.count.is_fixed or not self.recorded:
                    counts.setdefault(need, need.vertex.count.min)
            left = [need for need in holding.times if need not in counts]
            if left and holding.all_of_wholes:
                open_needs += left
            elif left:
                self._read_counts(holding, left, counts)
        for need in sorted(dict.fromkeys(open_needs), key=lambda need: need.index):
            if need not in counts:
                self._choose(need, [other for other in open_needs if other not in counts], holdings, counts)
        if self.recorded:
            for holding in holdings:
                holding.check(counts)
        lacking = self._lacking(holdings, counts)
        if lacking is not None:
            raise MismatchError(lacking)

    def _read_counts(self, holding: _Holding, open_needs: Sequence[Need], counts: Counts) -> None:
        """Find the counts that come to what R says, and that the domains can give of which it says so.

        Of those outside slots, counts come first that fit the places of which R says it, one by one.
        """
        open_ones = [(need, holding.times[need] * need.amount(1)) for need in open_needs]
        first: Counts | None = None
        for tried, chosen in enumerate(_sums(open_ones, holding.said - holding.total(counts), holding.over)):
            if tried > _MAX_TRIES:
                raise TooLongError
            found = {**counts, **dict(zip(open_needs, chosen, strict=True))}
            if holding.domains and not self._domains_give(holding, found):
                continue
            if len(holding.places) < 2 or self._places_give(holding, found):
                counts.update(found)
                return
            first = first or found
        if first is not None:
            counts.update(first)
            return
        path, said = open_ones[0][0].vertex.path, f"R says that {_say(holding.said)} of {holding.name} was taken"
        where = ", of those domains" if holding.domains else ""
        raise MismatchError(f"{path}: {said}, which no count comes to{where}")

    def _choose(self, need: Need, open_needs: Sequence[Need], holdings: Sequence[_Holding], counts: Counts) -> None:
        """Find the largest count for which there was enough, those still open being at their least."""
        least = {other: other.vertex.count.min for other in open_needs}
        most = min(int((h.said + h.unsaid) / (h.times[need] * need.amount(1))) for h in holdings if need in h.times)
        for tried, number in enumerate(need.vertex.count.descending(most)):
            if tried > _MAX_TRIES:
                raise TooLongError
            if self._lacking(holdings, {**counts, **least, need: number}) is None:
                counts[need] = number
                return
        counts[need] = need.vertex.count.min

    def _lacking(self, holdings: Sequence[_Holding], counts: Mapping[Need, int]) -> str | None:
        """Say what speaks against these counts: domains that cannot be what was asked for, or too little left."""
        for holding in holdings:
            if holding.domains and not self._domains_give(holding, counts):
                return f"R says that {holding.name} was taken of domains where it was not asked for"
        lacking = self.state.lacks(self._demands(holdings, counts))
        return None if lacking is None else f"there is not enough {lacking} left"

    def _demands(self, holdings: Sequence[_Holding], counts: Mapping[Need, int]) -> dict[Demand, Fraction]:
        """Add up what has to come from where."""
        demands: dict[Demand, Fraction] = {}
        for holding in holdings:
            if holding.domains:
                for place, amount in holding.domains:
                    here = holding.name, frozenset({place})
                    demands[here] = demands.get(here, Fraction(0)) + amount
            for need, at in holding.unsaid_of_nodes:
                sources = self._sources(holding, need, at)
                amount = need.amount(counts[need])
                demands[holding.name, sources] = demands.get((holding.name, sources), Fraction(0)) + amount
        return demands

    def _domains_give(self, holding: _Holding, counts: Mapping[Need, int]) -> bool:
        """Tell whether the domains that R says give an amount to a slot can be those where it was asked for."""
        wanted: dict[Demand, Fraction] = {}
        said = {place for place, _ in holding.domains}
        for need, at in holding.asked:
            if (need, at) in holding.unsaid_of_nodes:
                continue
            reach = need.in_whole and self._inside(holding.name, at)
            if not reach:
                nodes = {position for position, _ in said}
                reach = frozenset().union(*(self.ground.within_reach(holding.name, at, node) for node in nodes))
            here = holding.name, reach & said
            wanted[here] = wanted.get(here, Fraction(0)) + need.amount(counts[need])
        return can_give(dict(holding.domains), wanted)

    def _places_give(self, holding: _Holding, counts: Mapping[Need, int]) -> bool:
        """Tell whether the places of which R says an amount outside slots give it where it was asked for."""
        wanted: dict[Demand, Fraction] = {}
        for need, at in holding.asked:
            reach = [place for place in holding.places if self._is_near(place, at)]
            here = holding.name, frozenset(reach)
            wanted[here] = wanted.get(here, Fraction(0)) + need.amount(counts[need])
        return can_give(dict(holding.places), wanted)

    def _sources(self, holding: _Holding, need: Need, at: Place) -> frozenset[Place]:
        """Return where what a vertex asks for has to come from."""
        if need.in_whole and (inside := self._inside(holding.name, at)):
            return inside
        if holding.slot is not None and self._is_beside(need, at):
            return frozenset({self._group(holding.slot, need)})
        parts = () if holding.slot is None else holding.slot.slot_parts
        sources = touched(self.ground, holding.name, parts, at, everything=not self.recorded)
        if not sources:
            sources = self.ground.sources(holding.name, at, nearest(self.ground, parts, at), self.usable)
        if not sources:
            raise MismatchError(f"{need.vertex.path}: there is no {holding.name} where it was asked for")
        return sources

    def _inside(self, name: str, at: Place) -> frozenset[Place]:
        """Return all that lists an amount in a place, itself and those inside it."""
        places = (at, *self.ground.below(at, self.usable))
        return frozenset(place for place in places if self.ground.listing(place, name) is not None)

    def _check_places(self, name: str, asked: Asked, said: Iterable[Place]) -> None:
        """Refuse what is said of a place that is neither inside nor around one where it was asked for."""
        for place in said:
            if asked and not any(self._is_near(place, at) for _, at in asked):
                raise MismatchError(
                    f"R says that {name} was taken of {self.ground.say(place)}: not where it was asked for"
                )

    def _is_near(self, place: Place, at: Place) -> bool:
        """Tell whether one place is inside the other."""
        return self.ground.contains(at, place) or self.ground.contains(place, at)

    def _listed(self, name: str, wholes: Iterable[Place]) -> Fraction:
        """Return what whole places list of a resource: a job that has them may say that it has that, too."""
        found = Fraction(0)
        for whole in wholes:
            for place in (whole, *self.ground.below(whole, self.ground.machine.all)):
                found += self.ground.listing(place, name) or 0
        return found


@dataclass(frozen=True)
class _Holding:
    """What R says that a slot, or the job outside of its slots, holds of one resource.

    Attributes
    ----------
    name, asked
        The resource, and what asks for it where.
    said
        How much R says.
    whole
        What places that are held whole list: R may say that this is held, too.
    summands
        How many numbers of R make the sum, each of them rounded.
    slot
        The slot; None for the job.
    domains
        Where R says which domains give how much.
    places
        Outside slots, the places of which R says how much.
    """

    name: str
    asked: Asked
    said: Fraction
    whole: Fraction
    summands: int
    slot: Slot | None = None
    domains: tuple[tuple[Place, Fraction], ...] = ()
    places: Mapping[Place, Fraction] = field(default_factory=dict)

    @cached_property
    def times(self) -> Counter[Need]:
        """How often each vertex asks, in the order of the request."""
        found = Counter(need for need, _ in self.asked)
        return Counter({need: found[need] for need in sorted(found, key=lambda need: need.index)})

    @cached_property
    def unsaid_of_nodes(self) -> Asked:
        """What asks on nodes of which R does not say which domains gave it, as it may of others of the slot."""
        nodes = {place[0] for place, _ in self.domains}
        return [(need, at) for need, at in self.asked if not nodes or (at[0] >= 0 and at[0] not in nodes)]

    @property
    def slack(self) -> Fraction:
        """How much may be said more for rounding."""
        return ROUNDING * max(1, self.summands, len(self.asked)) if self.name in MEASURED else Fraction(0)

    @property
    def all_of_wholes(self) -> bool:
        """Whether all that is said may be so because places are held whole: it tells nothing of counts then."""
        return self.whole > 0 and self.said <= self.whole + self.slack

    @property
    def over(self) -> Fraction:
        """How much may be said more than was asked for.

        That is what places list that are held whole, where what is asked for outside of them need not come from them.
        """
        if self.said <= self.whole + self.slack:
            return self.said
        return self.slack if all(need.in_whole for need in self.times) else self.whole + self.slack

    @property
    def unsaid(self) -> Fraction:
        """How much may be asked for and not said: what the job has whole goes without saying, of a slot R says all."""
        return self.whole if self.slot is None else Fraction(0)

    def total(self, counts: Mapping[Need, int]) -> Fraction:
        """Return how much is asked for by the vertices whose counts are known."""
        known = ((need, times) for need, times in self.times.items() if need in counts)
        return sum((times * need.amount(counts[need]) for need, times in known), Fraction(0))

    def check(self, counts: Mapping[Need, int]) -> None:
        """Compare what is said with what was asked for.

        Raises
        ------
        MismatchError
            Where it is less, or more than it may be.
        """
        total = self.total(counts)
        elsewhere = [times * need.amount(counts[need]) for need, times in self.times.items() if not need.in_whole]
        most = max(total, self.whole + sum(elsewhere, Fraction(0))) + self.slack
        if not total - self.unsaid <= self.said <= most:
            raise MismatchError(f"{_say(total)} of {self.name} was asked for, R says that {_say(self.said)} was taken")


def _sums(open_ones: Sequence[tuple[Need, Fraction]], left: Fraction, over: Fraction) -> Iterator[list[int]]:
    """Yield the counts that come to an amount or at most so much less, larger ones of the first before the others."""
    if not open_ones:
        if 0 <= left <= over:
            yield []
        return
    (need, one), *others = open_ones
    least = sum((each * other.vertex.count.min for other, each in others), Fraction(0))
    for tried, number in enumerate(need.vertex.count.descending(int((left - least) / one)) if left > least else ()):
        if tried > _MAX_TRIES:
            raise TooLongError
        for rest in _sums(others, left - number * one, over):
            yield [number, *rest]
        if not others:
            break


def _amounts_of(parts: Sequence[SlotPart]) -> list[str]:
    return list(dict.fromkeys(name for part in parts for name, _ in part.amounts))


def _say(amount: Fraction) -> str:
    return str(amount) if amount.denominator == 1 else f"{float(amount):.6g}"
