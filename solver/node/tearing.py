"""The best placement of equal slots that must be torn between the domains of a node, mostly without a search.

This is bin packing with item fragmentation (N. Menakerman and R. Rom, WADS 2001): slots are items, domains bins, and
each further domain of a slot is a crossing. Seen as a graph of slots and the innermost domains that they touch, a
placement falls apart into connected components. The slots of a component on the domains `S` cross at each level at
least as often as `S` has domains of it, less one (a connected graph has no fewer edges than a tree), and are no more
than there is room for in `S`. So the cheapest partition of some domains into groups with room enough is a lower bound
(`partition`).

The bound is reached where next fit fills the domains of each group one after the other, each slot going on where the
last one ended: always for cores alone, and mostly where slots take GPUs, too, in one of a few orders of the domains.
Where it is not, the caller has the bound, a placement, and the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice, permutations
from typing import NamedTuple

from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .construction import SlotKind, construct, nearer
from .lost_room import least_lost_room
from .packing import SlotShape, below
from .partition import Leaf, Partition, kinds_of
from .plan import Share
from .pricing import Shares, lineage, price
from .shares_given import Equal, share_bounds

MOST_ORDERS = 24
"""Orders of the domains of a group in which its slots are tried."""


class TornSolution(NamedTuple):
    """A placement of torn slots.

    Attributes
    ----------
    cost
        As a joint integer.
    bound
        What no placement costs less than; None where that is not known.
    slots
        What each takes, places counted from the domain that is torn.
    """

    cost: int
    bound: int | None
    slots: tuple[Shares, ...]


class TornSlots:
    """The cheapest ways of tearing slots of a shape in a domain.

    Parameters
    ----------
    scale
        The policy.
    domain
        In which slots are torn.
    shape
        What each slot takes.
    """

    def __init__(self, scale: Scale, domain: DomainState, shape: SlotShape) -> None:
        self._scale = scale
        self._domain = domain
        self._shape = shape
        self._sub = below(domain, shape)
        self._own = Share(0, *((shape.cores - self._sub.cores, shape.gpus - self._sub.gpus) if self._sub else ()))

    def best(self, count: int) -> TornSolution:
        """Return a placement of so many slots, for which there must be room: the best, if its bound says so."""
        best = self._partition.best(count) if self._partition else None
        bound = None
        if best is not None and self._sub is not None:
            bound, groups = best
            slots = _some_of([_best_order(group, self._sub) for group in groups], count)
            bound += self._least_share(count, bound) + self._least_room(count)
            torn = self._priced(slots, bound)
            if torn.cost == bound and len(slots) == count:
                return torn
        placed = self._any_placement(count)
        return TornSolution(self._cost(placed), bound, placed)

    @cached_property
    def _partition(self) -> Partition | None:
        """The ways to part the leaves; None where there are too many, or some that do not compare."""
        sub = self._sub
        if sub is None or not (sub.cores or sub.gpus):
            return None
        leaves = list(_leaves(self._domain, sub))
        flat = self._domain.flat
        if (
            None in leaves
            or len({tuple(flat[p].level for p in (*leaf.path, leaf.place)) for leaf in leaves if leaf}) > 1
        ):
            return None
        kinds = kinds_of([leaf for leaf in leaves if leaf])
        if kinds is None:
            return None
        own = self._scale.touch(self._domain)
        if self._shape.shielded and self._own.cores:
            own += self._scale.core_touch(self._domain)
        return Partition(self._scale, self._domain, kinds, sub, own)

    def _least_share(self, count: int, crossing: int) -> int:
        """Return what so many slots count at the least for their cores and GPUs standing apart, as a joint integer.

        Parameters
        ----------
        crossing
            A joint integer with what they cross.
        """
        scale, shape, sub = self._scale, self._shape, self._sub
        if shape.apart or sub is None or not scale.shares:
            return count * shares_apart(scale, self._domain, shape)
        if sub.apart:
            return count * sum(shares_apart(scale, child, sub) for child in self._with_free(sub)[:1])
        least = list(scale.values(crossing).values())
        bounds = share_bounds(scale, self._domain, Equal(count, shape.cores, shape.gpus), least)
        return sum(scale.units[number] * bound for number, bound in bounds)

    def _least_room(self, count: int) -> int:
        """Return what so many slots take of the room for others at the least, as a joint integer."""
        cores, gpus = count * self._shape.cores, count * self._shape.gpus
        return least_lost_room(self._scale, self._domain, cores, gpus) if self._scale.rooms else 0

    def _with_free(self, sub: SlotShape) -> list[DomainState]:
        inner = self._domain.children
        return [child for child in inner if (sub.cores and child.free_cores) or (sub.gpus and child.free_gpus)]

    def _priced(self, slots: Iterable[Shares], bound: int | None) -> TornSolution:
        """Return a placement with what it costs."""
        whole = tuple((self._own, *slot) if self._own.cores or self._own.gpus else slot for slot in slots)
        if not self._shape.apart and self._scale.shares:
            (whole,) = nearer(self._domain, [whole])
        return TornSolution(self._cost(whole), bound, tuple(sorted(whole, key=_places)))

    def _cost(self, slots: Iterable[Shares]) -> int:
        shape = self._shape
        return price(self._scale, self._domain, ((slot, shape.shielded) for slot in slots), shape.apart)

    def _any_placement(self, count: int) -> tuple[Shares, ...]:
        """Return a placement that is constructed, be it the best or not."""
        shape = self._shape
        found = construct(self._scale, self._domain, (SlotKind(count, shape.cores, shape.gpus, shape.shielded),))
        assert found is not None
        return found.slots[0]


def own_shares(scale: Scale, domain: DomainState, shape: SlotShape) -> int:
    """Return what one slot counts at a domain's level whose GPUs stand further out, or its cores."""
    return shape.apart * (shape.cores + shape.gpus) * scale.shares.get(domain.level, 0) if shape.apart else 0


def shares_apart(scale: Scale, domain: DomainState, shape: SlotShape) -> int:
    """Return what one slot counts in a domain, and in what is inside it, whose GPUs stand further out, or its cores.

    All that it takes there has to stand in domains of the same levels.
    """
    if not shape.apart or not scale.shares:
        return 0
    free = [(inner.own_free_cores if shape.cores else inner.own_free_gpus) for inner in domain.flat]
    place = next(place for place, some in enumerate(free) if some)
    units = sum(scale.shares.get(domain.flat[at].level, 0) for at in lineage(domain)[place])
    return shape.apart * (shape.cores + shape.gpus) * units


def _leaves(domain: DomainState, shape: SlotShape) -> Iterator[Leaf | None]:
    """Yield the innermost domains that have what slots take; None where one further up has some."""

    def walk(inner: DomainState, place: int, path: tuple[int, ...]) -> Iterator[Leaf | None]:
        at = place + 1
        for child in inner.children:
            if child.children:
                if (shape.cores and child.own_free_cores) or (shape.gpus and child.own_free_gpus):
                    yield None
                yield from walk(child, at, (*path, at))
            elif (shape.cores and child.free_cores) or (shape.gpus and child.free_gpus):
                yield Leaf(at, path, child)
            at += len(child.flat)

    return walk(domain, 0, ())


def _best_order(group: Sequence[Leaf], shape: SlotShape) -> list[Shares]:
    """Return the most slots that next fit makes of the leaves of a group, in one of their orders."""
    free = [(leaf.place, leaf.state.free_cores, leaf.state.free_gpus) for leaf in group]
    if not (shape.cores and shape.gpus):
        return _next_fit(free, shape)
    room = shape.times(sum(cores for _, cores, _ in free), sum(gpus for _, _, gpus in free))
    best: list[Shares] = []
    for order in islice(permutations(free), MOST_ORDERS):
        slots = _next_fit(order, shape)
        if len(slots) > len(best):
            best = slots
        if len(best) == room:
            break
    return best


def _next_fit(free: Sequence[tuple[int, int, int]], shape: SlotShape) -> list[Shares]:
    """Return the slots that next fit puts into domains, given as (place, free cores, free GPUs)."""
    slots: list[Shares] = []
    begun: list[Share] = []
    need_cores, need_gpus = shape.cores, shape.gpus
    for place, cores, gpus in free:
        while True:
            share = Share(place, min(cores, need_cores), min(gpus, need_gpus))
            if share.cores or share.gpus:
                begun.append(share)
                cores, gpus = cores - share.cores, gpus - share.gpus
                need_cores, need_gpus = need_cores - share.cores, need_gpus - share.gpus
            if need_cores or need_gpus:
                break
            slots.append(tuple(begun))
            begun = []
            need_cores, need_gpus = shape.cores, shape.gpus
    return slots


def _some_of(runs: Sequence[Sequence[Shares]], count: int) -> list[Shares]:
    """Take so many slots of some runs: one of each, then what is left, of the first ones most; fewer if need be."""
    left = count - len(runs)
    slots: list[Shares] = []
    for run in runs:
        more = max(0, min(left, len(run) - 1))
        left -= more
        slots += run[: more + 1]
    return slots


def _places(shares: Shares) -> tuple[int, ...]:
    return tuple(share.place for share in shares)
