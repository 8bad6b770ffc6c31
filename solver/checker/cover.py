"""Whether what is held is just what some vertices ask for, by trying which place stands for which vertex.

A vertex with a place (`numa=2/core=4`) is met by that many places, each with what the vertex below it says. Once places
are chosen, which core is meant by which vertex does not matter: as places nest, there is an assignment if no place is
asked for more than is held in it (Hall's condition for nested sets).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ...grammar.idset import IdSet
from .ground import ROOT, Ground, Place
from .request import Kind, Need

Held = Mapping[int, tuple[int, int]]
"""Cores and gpus by position."""

Used = frozenset[tuple[int, ...]]
"""The places that stand for a vertex; of those that others may share, the group and the place right around it."""

MAX_WAYS = 64
MAX_STEPS = 20_000
MAX_AGENDA = 300


class TooLongError(Exception):
    """There are more possibilities than the search may go through."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of seeing the vertices in what is held.

    Parameters
    ----------
    counts
        How many each vertex stands for.
    used
        The places that stand for a vertex.
    amounts
        The vertices that ask for memory and the like, each with the place that it stands in.
    wholes
        The places that are taken whole.
    """

    counts: frozenset[tuple[Need, int]] = frozenset()
    used: Used = frozenset()
    amounts: tuple[tuple[Need, Place], ...] = ()
    wholes: frozenset[Place] = frozenset()

    def moved(self, position: int) -> Way:
        """Return the same on another node, for a way that speaks of one node only."""
        used = frozenset((position, *place[1:]) for place in self.used)
        amounts = tuple((need, place if place[0] < 0 else (position, place[1])) for need, place in self.amounts)
        wholes = frozenset(place if place[0] < 0 else (position, place[1]) for place in self.wholes)
        return Way(self.counts, used, amounts, wholes)


@dataclass(frozen=True, slots=True)
class Ask:
    """A vertex to be met: where, and out of what.

    Parameters
    ----------
    need
        The vertex.
    at
        The place around it.
    home
        The node of a slot for which the request names none.
    pool
        The whole place that it stands in, out of which it takes nothing that is not the job's already; ROOT if none.
    """

    need: Need
    at: Place
    home: Place | None = None
    pool: Place = ROOT

    @property
    def spot(self) -> Place:
        """The place that it is looked for in."""
        if self.home is None or self.at[0] >= 0 or self.need.kind in (Kind.GROUP, Kind.NODE):
            return self.at
        return self.home


@dataclass(frozen=True, slots=True)
class _Take:
    """So many cores or gpus out of a place."""

    pool: Place
    at: Place
    of_gpus: bool
    count: int
    ids: IdSet | None


class Cover:
    """One search: what is held, and the whole places that are known beforehand.

    Parameters
    ----------
    ground
        The machine's places.
    is_whole
        Whether a place could be taken whole.
    held
        What has to be explained, to the last core.
    pools
        Whole places of which something may be left over.
    """

    def __init__(
        self, ground: Ground, is_whole: Callable[[Place], bool], held: Held, pools: Sequence[Place] = ()
    ) -> None:
        self.ground = ground
        self.is_whole = is_whole
        self.held = held
        self.pools = tuple(pools)
        self.steps = 0

    def ways(self, asks: Sequence[Ask], counts: Mapping[Need, int]) -> list[Way]:
        """Return the ways of meeting the vertices, given some counts already; at most `MAX_WAYS`.

        Raises
        ------
        TooLongError
            The search was cut off.
        """
        found: dict[Way, None] = {}
        for way in self._search(tuple(asks), dict(counts), frozenset(), (), (), self.pools):
            found[replace(way, used=frozenset(place for place in way.used if len(place) == 2))] = None
            if len(found) == MAX_WAYS:
                break
        return list(found)

    def _search(
        self,
        agenda: tuple[Ask, ...],
        counts: dict[Need, int],
        used: Used,
        takes: tuple[_Take, ...],
        amounts: tuple[tuple[Need, Place], ...],
        pools: tuple[Place, ...],
    ) -> Iterator[Way]:
        self.steps += 1
        if self.steps > MAX_STEPS or len(agenda) > MAX_AGENDA:
            raise TooLongError
        if not agenda:
            if self._balances(takes, pools):
                yield Way(frozenset(counts.items()), used, amounts, frozenset(pools))
            return
        ask, rest = agenda[0], agenda[1:]
        need = ask.need
        if need.kind is Kind.AMOUNT:
            if not need.children:
                place = ask.at if need.is_of_groups else ask.spot
                yield from self._search(rest, counts, used, takes, (*amounts, (need, place)), pools)
            return
        places = self._candidates(ask, used)
        for number in self._numbers(ask, len(places), counts):
            chosen = {**counts, need: number}
            if need.kind in (Kind.CORE, Kind.GPU):
                take = _Take(ask.pool, ask.spot, need.kind is Kind.GPU, number, need.vertex.id)
                if not need.children and self._has(take):
                    yield from self._search(rest, chosen, used, (*takes, take), amounts, pools)
            elif need.kind is Kind.NOTHING:
                inner = tuple(Ask(child, ask.at, ask.home, ask.pool) for child in need.children) * number
                yield from self._search((*inner, *rest), chosen, used, takes, amounts, pools)
            else:
                for some in combinations(places, number):
                    inner = tuple(
                        Ask(child, place, ask.home, place if need.whole else ask.pool)
                        for place in some
                        for child in need.children
                    )
                    now = (*pools, *some) if need.whole else pools
                    marks = used | {_mark(ask, place) for place in some}
                    yield from self._search((*inner, *rest), chosen, marks, takes, amounts, now)

    def _numbers(self, ask: Ask, places: int, counts: Mapping[Need, int]) -> Iterator[int]:
        """Go through the counts that come into question, the largest first."""
        need = ask.need
        if need in counts:
            yield from (counts[need],) if places >= counts[need] or not need.kind.is_place else ()
            return
        if need.kind is Kind.NOTHING and not need.children:
            yield need.vertex.count.min
            return
        limit = places
        if not need.kind.is_place:
            limit = sum(c.bit_count() + g.bit_count() for c, g in self.held.values())
            if any(inner.kind is Kind.AMOUNT for inner in need.walk()):
                limit = MAX_AGENDA
        yield from need.vertex.count.descending(limit)

    def _candidates(self, ask: Ask, used: Used) -> list[Place]:
        """Return the places that could stand for a vertex, all of them on the nodes held."""
        need = ask.need
        if not need.kind.is_place:
            return []
        level, ids = need.vertex.type, need.vertex.id
        takes_any = any(inner.kind in (Kind.CORE, Kind.GPU) for inner in need.walk())
        found: dict[Place, None] = {}
        for position, (cores, gpus) in self.held.items():
            if need.kind is Kind.GROUP:
                around = self.ground.groups_around(position)
                here = [(-1, group) for group in around if self.ground.level((-1, group)) == level]
            elif need.kind is Kind.NODE:
                here = [(position, 0)]
            elif takes_any or need.whole:
                here = self.ground.touched(position, level, cores, gpus)
            else:
                kind = self.ground.machine.type_of[position]
                here = [(position, domain.index) for domain in self.ground.at_level(kind, level)]
            found.update(dict.fromkeys(here))
        return [
            place
            for place in found
            if _mark(ask, place) not in used
            and place != ask.at
            and self.ground.contains(ask.spot, place)
            and self.ground.contains(ask.at, place)
            and (ids is None or self.ground.identity(place) in ids)
            and not (need.whole and not (self.ground.has_all(self.held, place) and self.is_whole(place)))
        ]

    def _has(self, take: _Take) -> bool:
        """Whether a place has so many at all."""
        return self._supply(take, take.at, ()).bit_count_total >= take.count

    def _supply(self, take: _Take, at: Place, without: Sequence[Place]) -> _Ids:
        """Return the held ids inside a place that are of the pool and in none of the whole places inside it."""
        ids: dict[int, int] = {}
        for position, held in self.held.items():
            mask = held[take.of_gpus]
            for around in (take.pool, at):
                mask &= self._mask(around, position, take.of_gpus)
            for pool in without:
                mask &= ~self._mask(pool, position, take.of_gpus)
            if mask:
                ids[position] = mask
        return _Ids(ids)

    def _mask(self, place: Place, position: int, of_gpus: bool) -> int:
        """Return the ids that a place has on a node."""
        if place[0] < 0:
            return -1 if self.ground.contains(place, (position, 0)) else 0
        if place[0] != position:
            return 0
        domain = self.ground.domain(place)
        return domain.gpus if of_gpus else domain.cores

    def _balances(self, takes: Sequence[_Take], pools: tuple[Place, ...]) -> bool:
        """Whether there is enough for all, and nothing left over except in whole places."""
        for of_gpus in (False, True):
            for pool in (ROOT, *pools):
                here = [take for take in takes if take.of_gpus == of_gpus and take.pool == pool]
                inner = [other for other in pools if other != pool and self.ground.contains(pool, other)]
                everything = self._supply(_Take(pool, pool, of_gpus, 0, None), pool, inner)
                asked = sum(take.count for take in here)
                if asked > everything.bit_count_total or (pool == ROOT and asked != everything.bit_count_total):
                    return False
                if any(take.ids is not None for take in here):
                    if not self._assignable(here, inner):
                        return False
                elif not self._enough(here, inner):
                    return False
        return True

    def _enough(self, takes: Sequence[_Take], without: Sequence[Place]) -> bool:
        """Whether no place is asked for more than it has, counting what is asked for inside it."""
        for place in {take.at for take in takes}:
            inside = [take for take in takes if self.ground.contains(place, take.at)]
            supply = self._supply(inside[0], place, without).bit_count_total
            if sum(take.count for take in inside) > supply:
                return False
        return True

    def _assignable(self, takes: Sequence[_Take], without: Sequence[Place]) -> bool:
        """Whether each can be given ids of its own, where the request names ids (bipartite matching)."""
        wanted: list[list[tuple[int, int]]] = []
        for take in takes:
            supply = self._supply(take, take.at, without)
            fitting = [(p, i) for p, i in supply.pairs() if take.ids is None or i in take.ids]
            wanted += [fitting] * take.count
        owner: dict[tuple[int, int], int] = {}

        def give(taker: int, tried: set[tuple[int, int]]) -> bool:
            for pair in wanted[taker]:
                if pair not in tried:
                    tried.add(pair)
                    if pair not in owner or give(owner[pair], tried):
                        owner[pair] = taker
                        return True
            return False

        return len(wanted) <= MAX_AGENDA and all(give(taker, set()) for taker in range(len(wanted)))


def _mark(ask: Ask, place: Place) -> tuple[int, ...]:
    """Return what is used of a place that stands for a vertex."""
    return (*place, *ask.at) if ask.need.is_shared else place


@dataclass(frozen=True, slots=True)
class _Ids:
    """Ids by position."""

    masks: Mapping[int, int]

    @property
    def bit_count_total(self) -> int:
        return sum(mask.bit_count() for mask in self.masks.values())

    def pairs(self) -> Iterator[tuple[int, int]]:
        for position, mask in self.masks.items():
            for number in IdSet.from_mask(mask):
                yield position, number
