"""How many cores and GPUs of equal slots stand in which domain: a lower bound for slots that are torn, by counting.

Slots are equal, so of a domain it matters how many of them it completes, in how many pieces it is in others, and how
many GPUs these pieces have; of their cores only the most matter, since more serve no worse. Domains that hold others
are put together from what these allow. Those whose pieces belong to the same slots hang together: a connected graph of
domains and slots has no fewer edges than a tree, and each edge is a piece. So the domains inside one are cut into
groups, each with the slots that are complete in it and the pieces that go further out, and all ways to cut them are
gone through, those of equal domains once. What is left open is which piece is joined to which, and who has the cores
of a domain. So the least cost is a lower bound, for all terms at once: it counts what slots cross under the condition
that they cross the coarser levels no more, and so on.

What pieces count for cores and GPUs standing apart is bounded by what is near together: with `c` cores and `g` GPUs to
a slot, no more than the smaller of `g` times their cores and `c` times their GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, product
from typing import Any, NamedTuple, TypeAlias

from ..cpsat.budget import Budget
from ..policy.scale import Scale
from ..policy.terms import Cross
from ..state.domain_state import DomainState
from .lost_room import least_lost_room
from .lower_bounds import bound_of_slots

MOST_PAIRS = 60_000
"""Pairs of what some domains and the next one do, up to which they are gone through."""

PAIR_STEPS = 1
"""Steps of work for each of them."""

MOST_GROUPS = 300
"""Ways to choose some of the domains inside one, up to which they are gone through."""


class Given(NamedTuple):
    """What a domain does: slots that are complete in it, and pieces of others.

    Attributes
    ----------
    state
        Of the domain.
    whole
        Slots that are complete in it, for an innermost one.
    pieces
        Of slots that are torn among domains around it.
    gpus
        Of these pieces.
    inside
        What the domains in it do, those together that have pieces of the same slots; nothing for an innermost one.
    """

    state: DomainState
    whole: int
    pieces: int
    gpus: int
    inside: tuple[Joined, ...] = ()


class Joined(NamedTuple):
    """Domains next to each other that have pieces of the same slots.

    Attributes
    ----------
    torn
        Slots that are complete in them together.
    pieces
        Of other slots, which stand around them too.
    edges
        In how many pieces all these are at the least.
    parts
        What each of the domains does.
    """

    torn: int
    pieces: int
    edges: int
    parts: tuple[Given, ...]


_Key: TypeAlias = tuple[int, int, int]
"""Slots that are complete, pieces of others, and the GPUs of these."""

_Ways: TypeAlias = "dict[_Key, list[tuple[int, int, Any]]]"
"""What it costs, how many cores the pieces have at the most, and how it is done: those that none beats."""

_START: _Key = (0, 0, 0)

_Some: TypeAlias = tuple[int, ...]
"""How many domains of each kind."""


class _TooMany(Exception):  # noqa: N818  # it is an outcome, no error
    """More pairs than are gone through."""


class _Level(NamedTuple):
    """What a level counts for equal slots.

    Attributes
    ----------
    cross
        The joint integer of a slot that crosses from one of its domains to another.
    share
        That of a unit of a slot's cores and GPUs that stand apart.
    most
        How often slots cross it at the most in any placement that is no dearer than the one that is known.
    """

    cross: int
    share: int
    most: int


def least_torn(
    scale: Scale, domain: DomainState, slots: tuple[int, int, int], cost: int, budget: Budget
) -> tuple[int, Given | None] | None:
    """Return what slots cost at least, and how much is where in that case; None where it is not known.

    Parameters
    ----------
    slots
        How many, and the cores and GPUs of each, some of both.
    cost
        Of a placement that is known. Where nothing is cheaper, nothing is said of where slots stand.

    Raises
    ------
    CutOff
        When the work was used up.
    """
    path = _levels_of(domain)
    if path is None:
        return None
    count, cores, gpus = slots
    bound = bound_of_slots(scale, domain, count, cores, gpus)
    least = scale.values(bound)
    crossed = {c.level: least[c.name] for c in scale.components if isinstance(c, Cross)}
    levels = []
    for name in path:
        unit = scale.cross.get(name, 0)
        most = crossed[name] + (cost - bound) // unit if unit else count * len(domain.flat)
        levels.append(_Level(unit, scale.shares.get(name, 0), most))
    try:
        found = _Tables(scale, slots, levels, budget).best(domain)
    except _TooMany:
        return None
    if found is None:
        return cost, None
    least_cost = found[0] + (least_lost_room(scale, domain, count * cores, count * gpus) if scale.rooms else 0)
    return (cost, None) if least_cost >= cost else (least_cost, found[1])


def _levels_of(domain: DomainState) -> tuple[str, ...] | None:
    """Return the levels in a domain, the coarsest first; None unless all that is free is in domains of the finest."""
    paths: set[tuple[str, ...]] = set()

    def walk(inner: DomainState, path: tuple[str, ...]) -> bool:
        if not inner.children:
            if inner.free_cores or inner.free_gpus:
                paths.add(path)
            return True
        if inner.own_free_cores or inner.own_free_gpus:
            return False
        return all(walk(child, (*path, child.level)) for child in inner.children)

    if not walk(domain, ()) or len(paths) != 1:
        return None
    (path,) = paths
    return path if path and len(set(path)) == len(path) else None


class _Tables:
    """What each domain can do, put together from the inside out."""

    def __init__(self, scale: Scale, slots: tuple[int, int, int], levels: Sequence[_Level], budget: Budget) -> None:
        self.count, self.cores, self.gpus = slots
        self.levels = levels
        self._scale = scale
        self._budget = budget
        self._known: dict[DomainState, _Ways] = {}
        self._pairs = 0

    def best(self, domain: DomainState) -> tuple[int, Given] | None:
        """Return the cheapest way for all slots; None where none is within the limits."""
        ways = self._together(domain, 0, 0).get((self.count, 0, 0))
        if not ways:
            return None
        cost, _, inside = min(ways, key=_cost_of)
        return cost + self._scale.touch(domain), Given(domain, 0, 0, 0, inside)

    def _together(self, domain: DomainState, outer: int, depth: int) -> _Ways:
        """Return what the domains inside one do together, with no more slots torn around it than so many."""
        some = sorted((c for c in domain.children if c.free_cores or c.free_gpus), key=hash)
        kinds = [(state, len(list(same))) for state, same in groupby(some)]
        groups = _Groups(self, [state for state, _ in kinds], outer, depth)
        full = tuple(number for _, number in kinds)
        found: dict[_Some, _Ways] = {(0,) * len(kinds): {_START: [(0, 0, ())]}}
        for chosen in _choices(full):
            last = max(kind for kind, number in enumerate(chosen) if number)
            ways: _Ways = {}
            for group in _choices(chosen):
                if group[last]:
                    rest = tuple([number - taken for number, taken in zip(chosen, group, strict=True)])
                    self.join(ways, found[rest], groups.closed(group), 2 * outer)
            found[chosen] = ways
        return found[full]

    def room(self, domain: DomainState) -> int:
        """Return how many slots a domain has room for."""
        return min(domain.free_cores // self.cores, domain.free_gpus // self.gpus)

    def join(self, joined: _Ways, found: _Ways, ways: _Ways, pieces: int) -> None:
        """Enter what two parts do together, with no more pieces than so many."""
        number = sum(map(len, ways.values()))
        for key, some in found.items():
            self._pay(len(some) * number)
            for more, others in ways.items():
                both = key[0] + more[0], key[1] + more[1], key[2] + more[2]
                if both[0] > self.count or both[1] > pieces:
                    continue
                for cost, cores, how in some:
                    for more_cost, more_cores, more_how in others:
                        _enter(joined, both, (cost + more_cost, cores + more_cores, how + more_how))

    def _pay(self, pairs: int) -> None:
        self._pairs += pairs
        if self._pairs > MOST_PAIRS:
            raise _TooMany
        self._budget.spend(PAIR_STEPS * pairs)

    def ways(self, domain: DomainState, depth: int) -> _Ways:
        """Return what a domain does that stands at a depth."""
        known = self._known.get(domain)
        if known is None:
            known = self._known[domain] = self._of_branch(domain, depth) if domain.children else self._of_leaf(domain)
        return known

    def _of_leaf(self, domain: DomainState) -> _Ways:
        level = self.levels[-1]
        touch = self._scale.touch(domain)
        ways: _Ways = {_START: [(0, 0, ())]}
        for whole in range(min(self.count, self.room(domain)) + 1):
            cores, gpus = domain.free_cores - whole * self.cores, domain.free_gpus - whole * self.gpus
            if whole:
                ways[whole, 0, 0] = [(touch, 0, (Given(domain, whole, 0, 0),))]
            for taken in range(min(gpus, self.gpus * level.most) + 1):
                for pieces, most, cost in self.pieces(cores, taken, min(self.count - whole, level.most), level):
                    ways[whole, pieces, taken] = [(touch + cost, most, (Given(domain, whole, pieces, taken),))]
        return ways

    def pieces(self, cores: int, gpus: int, limit: int, level: _Level) -> Iterator[tuple[int, int, int]]:
        """Yield numbers of pieces with so many GPUs, the most cores that they have, and what they cost there.

        A piece is never a whole slot. More pieces than serve for more cores, or for cores nearer to GPUs, are left out.
        """
        before: tuple[int, int] | None = None
        for pieces in range(max(1, -(-gpus // self.gpus)), limit + 1):
            full = max(0, gpus - pieces * (self.gpus - 1))  # so many have all GPUs of a slot, and so not all its cores
            most = min(cores, pieces * self.cores - full)
            if most + gpus < pieces:
                return
            near = min(self.gpus * most, self.cores * gpus - self.gpus * full)
            if before == (most, near):
                return
            before = most, near
            yield pieces, most, pieces * level.cross - near * level.share

    def _of_branch(self, domain: DomainState, depth: int) -> _Ways:
        level = self.levels[depth - 1]
        touch = self._scale.touch(domain)
        ways: _Ways = {}
        for (whole, pieces, gpus), some in self._together(domain, level.most, depth).items():
            key = whole, pieces, gpus
            for cost, cores, inside in some:
                if key == _START:
                    ways[key] = [(0, 0, ())]
                    continue
                full = max(0, gpus - pieces * (self.gpus - 1))
                most = min(cores, pieces * self.cores - full)
                near = min(self.gpus * most, self.cores * gpus - self.gpus * full)
                total = cost + touch + pieces * level.cross - near * level.share
                _enter(ways, key, (total, most, (Given(domain, 0, pieces, gpus, inside),)))
        return ways


class _Groups:
    """The domains inside one that hang together, with what they complete.

    Parameters
    ----------
    tables
        What each of them does.
    kinds
        The domains, of equal ones only one.
    outer
        How many slots are torn around the domain at the most.
    depth
        How deep it stands.
    """

    def __init__(self, tables: _Tables, kinds: Sequence[DomainState], outer: int, depth: int) -> None:
        self._tables = tables
        self._kinds = kinds
        self._outer = outer
        self._inner = tables.levels[depth:]
        self._depth = depth
        largest = max((state.free_cores for state in kinds), default=0)
        with_gpus = max((state.free_gpus for state in kinds), default=0)
        parts = max(2, -(-tables.cores // max(1, largest)), -(-tables.gpus // max(1, with_gpus)))
        self._parts = parts
        apart = tables.cores * tables.gpus
        self._each = sum(level.share * apart - level.cross for level in self._inner)
        self._open: dict[_Some, _Ways] = {}
        self._closed: dict[_Some, _Ways] = {}

    def closed(self, group: _Some) -> _Ways:
        """Return what a group of domains does that is joined to one: slots complete, and pieces that go further out."""
        known = self._closed.get(group)
        if known is not None:
            return known
        size = sum(group)
        ways: _Ways = {}
        if size == 1:
            (state,) = (state for state, number in zip(self._kinds, group, strict=True) if number)
            for key, some in self._tables.ways(state, self._depth + 1).items():
                if not key[1]:
                    joined = tuple([(c, m, (Joined(0, 0, 0, parts),) if parts else ()) for c, m, parts in some])
                    ways[key] = list(joined)
        for key, some in self._opened(group).items():
            for way in some:
                self._complete(ways, key, way, size)
        self._closed[group] = ways
        return ways

    def _opened(self, group: _Some) -> _Ways:
        """Return what domains of a group do side by side, each with some piece."""
        known = self._open.get(group)
        if known is not None:
            return known
        last = max(kind for kind, number in enumerate(group) if number)
        rest = tuple([number - (kind == last) for kind, number in enumerate(group)])
        alone = self._tables.ways(self._kinds[last], self._depth + 1)
        ways = {key: some for key, some in alone.items() if key[1]}
        if any(rest):
            joined: _Ways = {}
            self._tables.join(joined, self._opened(rest), ways, 2 * self._inner[0].most)
            ways = joined
        self._open[group] = ways
        return ways

    def _complete(self, ways: _Ways, key: _Key, way: tuple[int, int, Any], size: int) -> None:
        """Enter the ways to join the pieces of a group to slots, and to pieces that go further out."""
        whole, pieces, gpus = key
        cost, cores, parts = way
        tables = self._tables
        unit, most = self._inner[0].cross, self._inner[0].most
        torn = 0
        while torn <= most and whole + torn <= tables.count:
            left, rest = gpus - torn * tables.gpus, cores - torn * tables.cores
            if left < 0 or rest < 0:
                break
            if torn and size > 1 and not left:
                edges = max(pieces, size + torn - 1, self._parts * torn)
                total = cost + torn * self._each + (edges - pieces) * unit
                _enter(ways, (whole + torn, 0, 0), (total, 0, (Joined(torn, 0, edges, parts),)))
            if torn and size == 1:
                break
            limit = min(tables.count - whole - torn, self._outer)
            for others in range(max(1, -(-left // tables.gpus)), limit + 1):
                full = max(0, left - others * (tables.gpus - 1))
                have = min(rest, others * tables.cores - full)
                if have + left < others:
                    break
                edges = max(pieces, size + torn + others - 1, self._parts * torn + others)
                total = cost + torn * self._each + (edges - pieces) * unit
                _enter(ways, (whole + torn, others, left), (total, have, (Joined(torn, others, edges, parts),)))
            torn += 1


def _choices(full: _Some) -> list[_Some]:
    """Return all ways to choose some of so many of each kind, at least one."""
    found = list(product(*(range(number + 1) for number in full)))[1:]
    if len(found) > MOST_GROUPS:
        raise _TooMany
    return found


def _cost_of(way: tuple[int, int, Any]) -> int:
    return way[0]


def _enter(ways: _Ways, key: _Key, way: tuple[int, int, Any]) -> None:
    """Enter a way unless another one is as cheap and has as many cores; leave out those that it beats."""
    known = ways.get(key)
    if known is None:
        ways[key] = [way]
        return
    cost, cores, _ = way
    for some in known:
        if some[0] <= cost and some[1] >= cores:
            return
    ways[key] = [some for some in known if some[0] < cost or some[1] > cores]
    ways[key].append(way)
