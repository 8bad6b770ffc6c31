"""Domains that hang together, as they have pieces of the same slots, and what is complete in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, TypeAlias

from ..state.domain_state import DomainState
from .shares import alone
from .shares_given import Equal, crossing_share
from .torn_ways import Joined, Key, Level, Open, Slots, TooMany, Ways, enter, enter_open

MOST_GROUPS = 300
"""Ways to choose some of the domains inside one, up to which they are gone through."""

Some: TypeAlias = tuple[int, ...]
"""How many domains of each kind."""


class Groups:
    """The domains inside one that hang together, with what they complete.

    Parameters
    ----------
    slots
        What is asked for.
    levels
        Theirs, and those further in.
    kinds
        The domains, of equal ones only one.
    outer
        How many slots are torn around the domain at the most.
    ways
        Says what each of them does.
    """

    def __init__(
        self,
        slots: Slots,
        levels: Sequence[Level],
        kinds: Sequence[DomainState],
        outer: int,
        ways: Callable[[DomainState], Ways],
    ) -> None:
        self._slots = slots
        self._kinds = kinds
        self._outer = outer
        self._inner = levels
        self._ways = ways
        largest = max((state.free_cores for state in kinds), default=0)
        with_gpus = max((state.free_gpus for state in kinds), default=0)
        parts = max(2, -(-slots.cores // max(1, largest)), -(-slots.gpus // max(1, with_gpus)))
        self._parts = parts
        apart = slots.cores * slots.gpus
        self._each = sum(level.share * apart - level.cross for level in self._inner)
        self._near: dict[Some, int] = {}
        self._open: dict[Some, Open] = {}
        self._closed: dict[Some, Ways] = {}

    def closed(self, group: Some) -> Ways:
        """Return what a group of domains does that is joined to one: slots complete, and pieces that go further out."""
        known = self._closed.get(group)
        if known is not None:
            return known
        size = sum(group)
        ways: Ways = {}
        if size == 1:
            (state,) = (state for state, number in zip(self._kinds, group, strict=True) if number)
            for key, some in self._ways(state).items():
                if not key[1]:
                    joined = tuple([(c, m, (Joined(0, 0, 0, parts),) if parts else ()) for c, m, parts in some])
                    ways[key] = list(joined)
        for key, opened in self._opened(group).items():
            for way in opened:
                self._complete(ways, key, way, group)
        self._closed[group] = ways
        return ways

    def _opened(self, group: Some) -> Open:
        """Return what domains of a group do side by side, each with some piece."""
        known = self._open.get(group)
        if known is not None:
            return known
        last = max(kind for kind, number in enumerate(group) if number)
        rest = tuple([number - (kind == last) for kind, number in enumerate(group)])
        ways = self._with_pieces(last)
        if any(rest):
            ways = self._side_by_side(self._opened(rest), ways)
        self._open[group] = ways
        return ways

    def _with_pieces(self, kind: int) -> Open:
        """Return what a domain does with pieces of other slots."""
        slots, share = self._slots, self._inner[0].share
        ways: Open = {}
        for key, some in self._ways(self._kinds[kind]).items():
            _, pieces, gpus = key
            if pieces:
                ways[key] = [
                    (cost, cost + share * slots.near(most, pieces, gpus), most, parts) for cost, most, parts in some
                ]
        return ways

    def _side_by_side(self, found: Open, ways: Open) -> Open:
        slots, most = self._slots, 2 * self._inner[0].most
        joined: Open = {}
        for both, some, others in slots.pairs(found, ways, most):
            for cost, far, cores, parts in some:
                for more_cost, more_far, more_cores, more_parts in others:
                    way = cost + more_cost, far + more_far, cores + more_cores, parts + more_parts
                    enter_open(joined, both, way)
        return joined

    def _complete(self, ways: Ways, key: Key, way: tuple[int, int, int, Any], group: Some) -> None:
        """Enter the ways to join the pieces of a group to slots, and to pieces that go further out."""
        whole, pieces, gpus = key
        cost, far, cores, parts = way
        slots, inner = self._slots, self._inner[0]
        size = sum(group)
        near_one = self._near_one(group)
        torn = 0
        while torn <= inner.most and whole + torn <= slots.count:
            left, rest = gpus - torn * slots.gpus, cores - torn * slots.cores
            if left < 0 or rest < 0 or (torn and size == 1):
                break
            each = torn * self._each
            if torn and not left:
                edges = max(pieces, size + torn - 1, self._parts * torn)
                total = max(cost, far - inner.share * torn * near_one) + each + (edges - pieces) * inner.cross
                enter(ways, (whole + torn, 0, 0), (total, 0, (Joined(torn, 0, edges, parts),)))
            limit = min(slots.count - whole - torn, self._outer)
            for others in range(slots.fewest(left), limit + 1):
                have = slots.most(rest, others, left)
                if have + left < others:
                    break
                edges = max(pieces, size + torn + others - 1, self._parts * torn + others)
                # No slot has more near than alone, and no other pieces more than what they are.
                near = torn * near_one + slots.near(have, others, left)
                total = max(cost, far - inner.share * near) + each + (edges - pieces) * inner.cross
                enter(ways, (whole + torn, others, left), (total, have, (Joined(torn, others, edges, parts),)))
            torn += 1

    def _near_one(self, group: Some) -> int:
        """Return what is near of a torn slot at the most that has all domains of a group for itself."""
        if not self._slots.gpus:
            return 0
        known = self._near.get(group)
        if known is None:
            cores, gpus = self._slots.cores, self._slots.gpus
            bins = []
            for state, number in zip(self._kinds, group, strict=True):
                bins += [(min(state.free_cores, cores), min(state.free_gpus, gpus))] * number
            apart = max(alone(tuple(sorted(bins)), cores, gpus), crossing_share(Equal(1, cores, gpus), 1))
            known = self._near[group] = cores * gpus - apart
        return known


def choices(full: Some) -> list[Some]:
    """Return all ways to choose some of so many of each kind, at least one."""
    found = list(product(*(range(number + 1) for number in full)))[1:]
    if len(found) > MOST_GROUPS:
        raise TooMany
    return found
