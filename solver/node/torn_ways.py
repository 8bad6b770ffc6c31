"""What domains may do for equal slots that are torn, and what pieces of such slots can have.

A way to give something is an entry: what it costs, and the most cores of its pieces. Of entries with as many slots that
are complete, pieces and GPUs of pieces, only those are kept that no other one beats. `torn_groups` and `torn_tables`
put them together, from the inside out; `torn_counts` says what for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ..cpsat.budget import Budget
from ..policy.scale import Scale
from ..state.domain_state import DomainState

MOST_PAIRS = 60_000
"""Pairs of what some domains and the next one do, up to which they are gone through."""

PAIR_STEPS = 1
"""Steps of work for each of them."""


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


Key: TypeAlias = tuple[int, int, int]
"""Slots that are complete, pieces of others, and the GPUs of these."""

Ways: TypeAlias = "dict[Key, list[tuple[int, int, Any]]]"
"""What it costs, how many cores the pieces have at the most, and how it is done: those that none beats."""

Open: TypeAlias = "dict[Key, list[tuple[int, int, int, Any]]]"
"""The same of pieces that are not joined yet: what it costs with what is near, and as if nothing were, comes first."""

START: Key = (0, 0, 0)

Way = TypeVar("Way")
"""An entry of either."""

Some: TypeAlias = tuple[int, ...]
"""How many domains of each kind."""


class TooMany(Exception):  # noqa: N818  # it is an outcome, no error
    """More pairs than are gone through."""


class Level(NamedTuple):
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


class Slots:
    """Equal slots, and what is spent on them.

    Parameters
    ----------
    count, cores, gpus
        How many, and what each takes: some cores.
    budget
        What each pair is spent of.
    shielded
        Whether they count as slots without GPUs.
    """

    def __init__(self, count: int, cores: int, gpus: int, budget: Budget, *, shielded: bool = False) -> None:
        self.count = count
        self.cores = cores
        self.gpus = gpus
        self._budget = budget
        self._shielded = shielded
        self._pairs = 0

    def pay(self, pairs: int) -> None:
        """Pay for pairs that are about to be gone through."""
        self._pairs += pairs
        if self._pairs > MOST_PAIRS:
            raise TooMany
        self._budget.spend(PAIR_STEPS * pairs)

    def pairs(
        self, found: Mapping[Key, list[Way]], ways: Mapping[Key, list[Way]], most: int
    ) -> Iterator[tuple[Key, list[Way], list[Way]]]:
        """Yield what two parts do together, with no more pieces than so many, and the ways of each; all is paid for."""
        number = sum(map(len, ways.values()))
        for key, some in found.items():
            self.pay(len(some) * number)
            for more, others in ways.items():
                both = key[0] + more[0], key[1] + more[1], key[2] + more[2]
                if both[0] <= self.count and both[1] <= most:
                    yield both, some, others

    def touch(self, scale: Scale, domain: DomainState) -> int:
        """Return what it costs that they take something of a domain."""
        cost = scale.touch(domain)
        return cost + scale.core_touch(domain) if self._shielded and not domain.children else cost

    def room(self, domain: DomainState) -> int:
        """Return how many slots a domain has room for."""
        room = domain.free_cores // self.cores
        return min(room, domain.free_gpus // self.gpus) if self.gpus else room

    def fewest(self, gpus: int) -> int:
        """Return in how many pieces so many GPUs are at the least, one at least."""
        return max(1, -(-gpus // self.gpus)) if self.gpus else 1

    def most(self, cores: int, pieces: int, gpus: int) -> int:
        """Return how many of so many cores pieces have at the most: one with all GPUs of a slot has not all of its."""
        full = max(0, gpus - pieces * (self.gpus - 1)) if self.gpus else pieces
        return min(cores, pieces * self.cores - full)

    def near(self, cores: int, pieces: int, gpus: int) -> int:
        """Return what is near at the most of so many pieces that have so much together."""
        full = max(0, gpus - pieces * (self.gpus - 1))
        return min(self.gpus * cores, self.cores * gpus - self.gpus * full) if gpus else 0

    def pieces(self, cores: int, gpus: int, limit: int, level: Level) -> Iterator[tuple[int, int, int]]:
        """Yield numbers of pieces with so many GPUs, the most cores that they have, and what they cost there.

        A piece is never a whole slot. More pieces than serve for more cores, or for cores nearer to GPUs, are left out.
        """
        before: tuple[int, int] | None = None
        for pieces in range(self.fewest(gpus), limit + 1):
            most = self.most(cores, pieces, gpus)
            if most + gpus < pieces:
                return
            near = self.near(most, pieces, gpus)
            if before == (most, near):
                return
            before = most, near
            yield pieces, most, pieces * level.cross - near * level.share


def enter_open(ways: Open, key: Key, way: tuple[int, int, int, Any]) -> None:
    """Enter a way unless another one is as good in all; leave out those that it beats."""
    known = ways.get(key)
    if known is None:
        ways[key] = [way]
        return
    cost, far, cores, _ = way
    for some in known:
        if some[0] <= cost and some[1] <= far and some[2] >= cores:
            return
    ways[key] = [some for some in known if some[0] < cost or some[1] < far or some[2] > cores]
    ways[key].append(way)


def enter(ways: Ways, key: Key, way: tuple[int, int, Any]) -> None:
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
