"""What one node would give for a request, and how good that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from .fitting import Fit, Instances, fit
from .locality import NEAR, Places
from .needs import Amount, Need, NodeNeeds
from .stock import NodeState

Taken = tuple[str, int, Amount]
"""A type, the index of an instance of it, and slots."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A placement on one node.

    Attributes
    ----------
    cost
        What is compared, the first number first, lower is better: items torn over several instances, items that share
        one, numa domains (and others) straddled, 1 for a node that was wholly free, free slots of types that the
        request has no need of (GPUs next to a test without any), free slots of those that it needs (the fullest node
        that will do), instances that were wholly free.
    taken
        In the order of the items; for a whole node in the order of the node's own lists.
    """

    cost: tuple[Amount, ...]
    taken: tuple[Taken, ...]


COSTS = 7


def offer(needs: NodeNeeds, state: NodeState) -> Offer | None:
    """Return the best that a node can give; None when it cannot."""
    if needs.exclusive and not state.unused:
        return None
    asked: dict[str, list[int]] = {}
    for position, need in enumerate(needs.items):
        asked.setdefault(need.type, []).append(position)
    if any(state.instances(name) is None for name in asked):
        return None
    fits = _fits(needs.items, asked, state)
    if fits is None:
        return None
    placed, straddled = fits
    if needs.exclusive:
        return _whole_node(state)
    return Offer(_cost(placed, straddled, asked, state), tuple(_taken(needs.items, asked, placed)))


def _whole_node(state: NodeState) -> Offer:
    taken = [(name, i, slots) for name, of in state.types for i, slots in enumerate(of.free) if slots]
    return Offer((0, 0, 0, 1, 0, sum(slots for _, _, slots in taken), len(taken)), tuple(taken))


def _cost(placed: dict[str, Fit], straddled: int, asked: dict[str, list[int]], state: NodeState) -> tuple[Amount, ...]:
    free = {name: sum(instances.free) for name, instances in state.types}
    return (
        sum(fit.torn for fit in placed.values()),
        sum(fit.shared for fit in placed.values()),
        straddled,
        int(state.unused),
        sum(slots for name, slots in free.items() if name not in asked and name != "cpus"),
        sum(free[name] for name in asked),
        sum(fit.opened for fit in placed.values()),
    )


def _taken(items: tuple[Need, ...], asked: dict[str, list[int]], placed: dict[str, Fit]) -> Iterator[Taken]:
    picks = {
        position: pick
        for name, positions in asked.items()
        for position, pick in zip(positions, placed[name].picks, strict=True)
    }
    for position, need in enumerate(items):
        for index, slots in picks[position]:
            yield need.type, index, slots


def _fits(items: tuple[Need, ...], asked: dict[str, list[int]], state: NodeState) -> tuple[dict[str, Fit], int] | None:
    """Place the items of every type; also return how many domains they straddle."""
    near = {name: wanted for name, wanted in asked.items() if name in NEAR and any(items[i].slots for i in wanted)}
    placed: dict[str, Fit] = {}
    straddled = 0
    if near and state.places is not None:
        together = _near(items, near, state, state.places)
        if together is not None:
            placed, straddled = together
    for name, positions in asked.items():
        if name in placed:
            continue
        found = _fit(items, positions, state.instances(name))
        if found is None:
            return None
        placed[name] = found
    return placed, straddled


def _fit(items: tuple[Need, ...], positions: list[int], instances: Instances | None) -> Fit | None:
    if instances is None:
        return None
    return fit([items[i].slots for i in positions], [items[i].whole for i in positions], instances)


def _near(
    items: tuple[Need, ...], near: dict[str, list[int]], state: NodeState, places: Places
) -> tuple[dict[str, Fit], int] | None:
    """Place cpus and gpus as close together as can be; None when the tree has too few of them."""
    chosen = _each_its_own(items, near, state, places)
    return _in_a_domain(items, near, state, places) if chosen is None else chosen


def _each_its_own(
    items: tuple[Need, ...], near: dict[str, list[int]], state: NodeState, places: Places
) -> tuple[dict[str, Fit], int] | None:
    """Place items alike on an instance each, by the solver; None where they are not alike or too many."""
    masks, counts = [], []
    for number, name in enumerate(NEAR):
        instances = state.instances(name) or Instances((), ())
        sizes = {items[i].slots for i in near.get(name, ()) if items[i].slots}
        if len(sizes) > 1:
            return None
        least = next(iter(sizes), None)
        usable = (i for i, slots in enumerate(instances.free) if slots and (least is None or slots >= least))
        masks.append(places.mask(number, usable))
        counts.append(sum(1 for i in near.get(name, ()) if items[i].slots))
    found = places.layout.choose(masks[0], masks[1], counts[0], counts[1])
    if found is None:
        return None
    placed = {}
    for number, name in enumerate(NEAR):
        own = state.instances(name)
        if name in near and own is not None:
            best = _fullest_there(number, found[number], masks[number], own, places)
            fitted = _fit(items, near[name], own.only(best))
            if fitted is None:
                return None
            placed[name] = fitted
    return placed, found[2]


def _fullest_there(number: int, chosen: int, usable: int, instances: Instances, places: Places) -> frozenset[int]:
    """Return as many instances of each domain as were chosen there, the fullest: the solver knows no part of one."""
    domain_of = places.layout.node.innermost[number]
    best: list[int] = []
    count = {domain: len(list(same)) for domain, same in groupby(sorted(domain_of[i] for i in _bits(chosen)))}
    for domain, wanted in count.items():
        inside = sum(1 << i for i in _bits(usable) if domain_of[i] == domain)
        best += sorted(places.indexes(number, inside), key=instances.weight)[:wanted]
    return frozenset(best)


def _in_a_domain(
    items: tuple[Need, ...], near: dict[str, list[int]], state: NodeState, places: Places
) -> tuple[dict[str, Fit], int] | None:
    """Place items of any sizes in the smallest domain that holds them untorn."""
    for finer, domains in places.layout.regions:
        found: list[tuple[tuple[Amount, ...], dict[str, Fit]]] = []
        for masks in domains:
            placed: dict[str, Fit] = {}
            room: Amount = 0
            for name, positions in near.items():
                instances = state.instances(name)
                number = NEAR.index(name)
                inside = frozenset(places.indexes(number, masks[number]))
                part = None if instances is None else instances.only(inside)
                fitted = _fit(items, positions, part)
                if fitted is None or fitted.torn or part is None:
                    break
                placed[name] = fitted
                room += sum(part.free)
            else:
                order = (sum(f.shared for f in placed.values()), sum(f.opened for f in placed.values()), room)
                found.append((order, placed))
        if found:
            return min(found, key=lambda option: option[0])[1], finer
    return None


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
