"""A placement of slots of cores and GPUs wherever counting says that there is room, without a search.

Any cores and GPUs of a node may be one slot, at a price in affinity; so as many slots as there are cores and GPUs for
can be placed. Domains are gone through from the inside out, and each takes the slots that fit into it, in as few of
its parts as may be: so a slot is torn only where nothing further in has room for it. The other way fills one domain
after the other, and touches the fewest. Both are tried in several orders of the domains, and the cheapest is kept.

It costs a number of steps of the order of slots times domains, and is the first upper bound of every search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .amounts_at_hand import Amounts, with_amounts_of
from .plan import Share
from .pricing import Shares, price
from .shares import balanced

ITEM_STEPS = 25
"""Steps of work for each slot and each domain."""


@dataclass(frozen=True)
class SlotKind:
    """So many equal slots.

    Attributes
    ----------
    count, cores, gpus
        How many slots, and what each takes.
    shielded
        Whether they count as slots without GPUs.
    """

    count: int
    cores: int
    gpus: int
    shielded: bool


@dataclass(frozen=True)
class Constructed:
    """A placement.

    Attributes
    ----------
    cost
        As a joint integer.
    slots
        What each slot of each kind takes.
    """

    cost: int
    slots: tuple[tuple[Shares, ...], ...]


def construct(
    scale: Scale, domain: DomainState, kinds: Sequence[SlotKind], amounts: Sequence[Amounts] = ()
) -> Constructed | None:
    """Return the cheapest placement of slots that is constructed; None where there is no room by the numbers.

    Parameters
    ----------
    amounts
        What a slot of each kind takes beside cores and GPUs: where the node lacks these, there is no placement either.
    """
    for free, asked in (
        (domain.free_cores, sum(kind.count * kind.cores for kind in kinds)),
        (domain.free_gpus, sum(kind.count * kind.gpus for kind in kinds)),
    ):
        if asked > free:
            return None
    best: Constructed | None = None
    shares = bool(scale.shares) and any(kind.cores and kind.gpus for kind in kinds)
    seen: set[tuple[tuple[Shares, ...], ...]] = set()
    for slots in _attempts(domain, kinds):
        if slots in seen:
            continue  # to price it takes longer than to make it
        seen.add(slots)
        if shares:
            slots = nearer(domain, slots)  # the same attempt, made better
        shielded = ((slot, kind.shielded) for kind, some in zip(kinds, slots, strict=True) for slot in some)
        cost = price(scale, domain, shielded)
        if best is not None and cost >= best.cost:
            continue
        if any(amounts):
            dealt = with_amounts_of(domain, slots, amounts, anywhere=True)
            if dealt is None:
                return None
            slots = dealt
            shielded = ((slot, kind.shielded) for kind, some in zip(kinds, slots, strict=True) for slot in some)
            cost = price(scale, domain, shielded)
            if best is not None and cost >= best.cost:
                continue
        best = Constructed(cost, slots)
    return best


def nearer(domain: DomainState, slots: Sequence[tuple[Shares, ...]]) -> tuple[tuple[Shares, ...], ...]:
    """Return slots whose cores stand as near to their GPUs as what they touch, and what is free, allows."""
    free = {place: inner.own_free_cores for place, inner in enumerate(domain.flat) if inner.own_free_cores}
    for some in slots:
        for shares in some:
            for share in shares:
                if share.cores:
                    free[share.place] -= share.cores
    found = []
    for some in slots:
        held = [{share.place: (share.cores, share.gpus) for share in shares} for shares in some]
        found.append(tuple(_shares(slot) for slot in balanced(held, free)))
    return tuple(found)


def _attempts(domain: DomainState, kinds: Sequence[SlotKind]) -> Iterator[tuple[tuple[Shares, ...], ...]]:
    """Yield placements: every way to fill, in every order of the domains, the kinds that need most first."""
    largest = sorted(range(len(kinds)), key=lambda i: (-kinds[i].gpus, -kinds[i].cores, i))
    for order in ORDERS:
        for fill in (_inside_out, _one_after_the_other):
            room = Room(domain, order)
            slots: list[tuple[Shares, ...]] = [()] * len(kinds)
            fill(room, [(i, kinds[i]) for i in largest], slots)
            yield tuple(slots)


def _inside_out(room: Room, kinds: Sequence[tuple[int, SlotKind]], slots: list[tuple[Shares, ...]]) -> None:
    for i, kind in kinds:
        taken: list[Shares] = []
        for place in room.inner_first:
            while len(taken) < kind.count and room.holds(place, kind):
                taken.append(room.take(place, kind))
        slots[i] = tuple(taken)


def _one_after_the_other(room: Room, kinds: Sequence[tuple[int, SlotKind]], slots: list[tuple[Shares, ...]]) -> None:
    for i, kind in kinds:
        slots[i] = tuple(room.take_in_order(kind) for _ in range(kind.count))


Key = Callable[[DomainState], tuple[int, ...]]

ORDERS: tuple[Key, ...] = (
    lambda domain: (domain.free_cores, domain.free_gpus),
    lambda domain: (-domain.free_cores, -domain.free_gpus),
    lambda domain: (domain.free_gpus, domain.free_cores),
)
"""The orders in which the children of each domain are gone through; the first is that of the normal form."""


class Room:
    """What is left of a domain while slots take their shares.

    Parameters
    ----------
    domain
        In which slots are placed.
    order
        Of the children of each domain.

    Attributes
    ----------
    inner_first
        The places, each after all that stand inside it.
    """

    def __init__(self, domain: DomainState, order: Key) -> None:
        flat = domain.flat
        self._own = [(inner.own_free_cores, inner.own_free_gpus) for inner in flat]
        self._size = [len(inner.flat) for inner in flat]
        self._cores = [inner.free_cores for inner in flat]
        self._gpus = [inner.free_gpus for inner in flat]
        self._parents = [-1] * len(flat)
        self._children: list[list[int]] = [[] for _ in flat]
        self.inner_first: list[int] = []
        self._spots: list[int] = []
        self._walk(flat, 0, order)
        depth = [0] * len(flat)
        for place, parent in enumerate(self._parents[1:], 1):
            depth[place] = depth[parent] + 1
        self.inner_first.sort(key=lambda place: -depth[place])

    def _walk(self, flat: Sequence[DomainState], place: int, order: Key) -> None:
        at = place + 1
        children = []
        for child in flat[place].children:
            self._parents[at] = place
            children.append(at)
            at += len(child.flat)
        children.sort(key=lambda child: order(flat[child]))
        self._children[place] = children
        self._spots.append(place)
        for child_place in children:
            self._walk(flat, child_place, order)
        self.inner_first.append(place)

    def holds(self, place: int, kind: SlotKind) -> bool:
        """Tell whether a domain has room for a slot."""
        return self._cores[place] >= kind.cores and self._gpus[place] >= kind.gpus

    def drain(self, place: int) -> None:
        """Leave nothing of a domain."""
        for inner in range(place, place + self._size[place]):
            self._give(inner, *self._own[inner], {})

    def take(self, place: int, kind: SlotKind) -> Shares:
        """Take a slot from a domain, from few of its parts."""
        shares: dict[int, tuple[int, int]] = {}
        self._take(place, kind.cores, kind.gpus, shares)
        return _shares(shares)

    def take_in_order(self, kind: SlotKind) -> Shares:
        """Take a slot from the first domains that have anything left: GPUs, the cores beside them, then others."""
        shares: dict[int, tuple[int, int]] = {}
        cores, gpus = kind.cores, kind.gpus
        for place in self._spots:
            if gpus and self._own[place][1]:
                more = min(gpus, self._own[place][1])
                near = min(cores, self._own[place][0])
                self._give(place, near, more, shares)
                cores, gpus = cores - near, gpus - more
            if not gpus:
                break
        for place in self._spots:
            if not cores:
                break
            self._give(place, more := min(cores, self._own[place][0]), 0, shares)
            cores -= more
        return _shares(shares)

    def _take(self, place: int, cores: int, gpus: int, shares: dict[int, tuple[int, int]]) -> None:
        """Take so much, which the domain has, from itself, then from those children that leave the least over."""
        own_cores, own_gpus = self._own[place]
        near = min(cores, own_cores), min(gpus, own_gpus)
        self._give(place, *near, shares)
        cores, gpus = cores - near[0], gpus - near[1]
        left = list(self._children[place])
        while cores or gpus:
            child = self._next(left, cores, gpus)
            left.remove(child)
            part = min(cores, self._cores[child]), min(gpus, self._gpus[child])
            self._take(child, *part, shares)
            cores, gpus = cores - part[0], gpus - part[1]

    def _next(self, children: Sequence[int], cores: int, gpus: int) -> int:
        """Return the child with the least that is enough; where none is, the one with the most, GPUs before cores."""
        enough = [child for child in children if self._cores[child] >= cores and self._gpus[child] >= gpus]
        if enough:
            return min(enough, key=lambda child: (self._gpus[child], self._cores[child]))
        return max(children, key=lambda child: (min(gpus, self._gpus[child]), min(cores, self._cores[child])))

    def _give(self, place: int, cores: int, gpus: int, shares: dict[int, tuple[int, int]]) -> None:
        if not (cores or gpus):
            return
        before = shares.get(place, (0, 0))
        shares[place] = before[0] + cores, before[1] + gpus
        self._own[place] = self._own[place][0] - cores, self._own[place][1] - gpus
        while place >= 0:
            self._cores[place] -= cores
            self._gpus[place] -= gpus
            place = self._parents[place]


def _shares(taken: dict[int, tuple[int, int]]) -> Shares:
    return tuple(Share(place, cores, gpus) for place, (cores, gpus) in sorted(taken.items()))
