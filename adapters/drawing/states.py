"""Nodes in equal states, found by looking at every fact about a node once.

A node's state is what a chain of facts has made of it. Chains are shared: nodes of which the same was said so far
are at the same link, and what a link looks like is found once, from the link before. Links that look alike in the end,
by whatever facts, are one state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...topology.machine import Machine
from ...topology.masks import Runs, merge_runs, positions_of, runs_of_mask

_MOST_GROUP_PARTS = 64
"""Busy states to which groups of nodes may add; with more, a drawing cannot be read."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What one slot has of a node.

    Attributes
    ----------
    cores, gpus
        Bitmasks of ids.
    torn
        Whether it crosses a border that it need not.
    place
        Of a slot that stands on several nodes: its place among such slots of its job. None for one that does not, and
        where there are more of them than letters.
    """

    cores: int
    gpus: int
    torn: bool = False
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a tenant holds on a node: bitmasks of ids, and its slots by their lowest ids where they are known."""

    cores: int = 0
    gpus: int = 0
    slots: tuple[Slot, ...] = ()

    def without(self, other: Content) -> Content:
        """Return what is left where another one holds some of it."""
        if not (self.cores & other.cores or self.gpus & other.gpus):
            return self
        return replace(self, cores=self.cores & ~other.cores, gpus=self.gpus & ~other.gpus)

    def joined(self, other: Content) -> Content:
        """Return what both are together."""
        slots = sorted((*self.slots, *other.slots), key=_first_ids) if other.slots else self.slots
        return Content(self.cores | other.cores, self.gpus | other.gpus, tuple(slots))


def _first_ids(slot: Slot) -> tuple[bool, int, int]:
    # Those without cores come last.
    return not slot.cores, slot.cores & -slot.cores, slot.gpus & -slot.gpus


@dataclass(frozen=True, slots=True)
class Look:
    """What a node looks like.

    Attributes
    ----------
    shares
        What each tenant holds, by tenant.
    notes
        What is said of the node.
    down
        Whether it is down.
    """

    shares: tuple[tuple[int, Content], ...] = ()
    notes: tuple[str, ...] = ()
    down: bool = False

    def after(self, fact: Fact) -> Look:
        """Return the look with one more fact."""
        if fact is None:
            return replace(self, down=True)
        if isinstance(fact, str):
            return replace(self, notes=(*self.notes, fact))
        tenant, content = fact
        if content == Content():
            return self
        shares = {other: held.without(content) for other, held in self.shares if other != tenant}
        mine = dict(self.shares).get(tenant, Content()).joined(content)
        return replace(self, shares=tuple(sorted({**shares, tenant: mine}.items(), key=lambda share: share[0])))


Fact = tuple[int, Content] | str | None
"""That a tenant holds something, that something is to be said, or (None) that the node is down."""


def find_states(machine: Machine, facts: Iterable[tuple[Runs, Fact]]) -> list[tuple[Look, Runs]]:
    """Return the looks of nodes with the positions of those that look so, by lowest position.

    Nodes of different types are in different states. Those that are not idle are told apart by group too, as long as
    that leaves a drawing that can be read.

    Parameters
    ----------
    machine
        The machine.
    facts
        What is true of which positions. Of two that say who holds a thing, the later one is right.
    """
    looks = [Look()]
    links: dict[tuple[int, Fact], int] = {}
    at: dict[int, int] = {}
    for places, fact in facts:
        for first, last in places:
            for position in range(first, last + 1):
                before = at.get(position, 0)
                link = links.get((before, fact))
                if link is None:
                    link = links[before, fact] = len(looks)
                    looks.append(looks[before].after(fact))
                at[position] = link
    known: dict[Look, int] = {}
    same = [known.setdefault(look, number) for number, look in enumerate(looks)]
    # Of whom nothing is said in the end are as those of whom nothing was said at all.
    return _by_state(machine, looks, {position: same[link] for position, link in at.items() if same[link]})


def _by_state(machine: Machine, looks: Sequence[Look], at: dict[int, int]) -> list[tuple[Look, Runs]]:
    types = machine.type_of
    states: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    busy = {number for number, look in enumerate(looks) if look.shares}
    for position in sorted(at):
        states[at[position], types[position]].append(position)
    for level in machine.group_levels:
        finer = _by_group(machine, level, {key: found for key, found in states.items() if key[0] in busy})
        if finer is None:
            break
        states = defaultdict(list, {key: found for key, found in states.items() if key[0] not in busy} | finer)
    found: list[tuple[Look, Runs]] = [
        (looks[key[0]], merge_runs((p, p) for p in positions)) for key, positions in states.items()
    ]
    seen = mask_of_positions(at, machine.size)
    found += [(looks[0], runs_of_mask(idle)) for mask in machine.type_masks if (idle := mask & ~seen)]
    return sorted(found, key=lambda state: state[1][0])


def _by_group(
    machine: Machine, level: str, states: dict[tuple[int, ...], list[int]]
) -> dict[tuple[int, ...], list[int]] | None:
    """Return the states cut by the groups of a level; None when these are too many."""
    if len(states) > _MOST_GROUP_PARTS:
        return None
    group_at: dict[int, int] = {}
    for group in machine.groups:
        if group.level == level:
            group_at.update(dict.fromkeys(positions_of(group.members), group.number))
    finer: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for key, positions in states.items():
        for position in positions:
            finer[(*key, group_at.get(position, -1))].append(position)
        if len(finer) > _MOST_GROUP_PARTS:
            return None
    return dict(finer)


def mask_of_positions(positions: Iterable[int], size: int) -> int:
    """Return the bitmask of positions below a size, in time linear in both."""
    digits = bytearray(b"0") * max(size, 1)
    for position in positions:
        digits[size - 1 - position] = 49  # "1"
    return int(digits, 2)
