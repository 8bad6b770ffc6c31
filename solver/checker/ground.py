"""The places of a machine: its groups, its nodes and the domains in them, with one name for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache

from ...topology.machine import Machine
from ...topology.tree import Domain

Place = tuple[int, int]
"""A node or a domain as (position, index of the domain), a group as (-1, index of the group)."""

ROOT: Place = (-1, -1)
"""What contains everything."""


class Ground:
    """Answers questions about places.

    Parameters
    ----------
    machine
        The machine.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._roots = [group for group in machine.groups if group.parent < 0]
        self._around: dict[int, tuple[int, ...]] = {}
        self.listed = {name for group in machine.groups for name, _ in group.resources}
        self.at_level = lru_cache(maxsize=None)(self._at_level)
        self.deepest = lru_cache(maxsize=None)(self._deepest)

    def domain(self, place: Place) -> Domain:
        """Return the domain (or the node) at a place that is no group."""
        return self.machine.type_at(place[0]).domains[place[1]]

    def level(self, place: Place) -> str:
        """Return the name of a place's level."""
        return self.machine.groups[place[1]].level if place[0] < 0 else self.domain(place).level

    def identity(self, place: Place) -> int:
        """Return what the `id` of a vertex is compared with: a node's rank, otherwise the number within the level."""
        if place[0] < 0:
            return self.machine.groups[place[1]].number
        return self.machine.ranks[place[0]] if place[1] == 0 else self.domain(place).number

    def say(self, place: Place) -> str:
        """Return words for a place, for messages."""
        if place == ROOT:
            return "the machine"
        if place[0] < 0:
            return f"{self.level(place)} {self.machine.groups[place[1]].number}"
        rank = f"rank {self.machine.ranks[place[0]]}"
        return rank if place[1] == 0 else f"{self.level(place)} {self.domain(place).number} of {rank}"

    def has_all(self, held: Mapping[int, tuple[int, int]], place: Place) -> bool:
        """Whether something (cores and gpus by position) has all cores and gpus of a place."""
        if place[0] < 0:
            members = positions(self.machine.groups[place[1]].members)
            return all(self.has_all(held, (position, 0)) for position in members)
        cores, gpus = held.get(place[0], (0, 0))
        domain = self.domain(place)
        return not (domain.cores & ~cores or domain.gpus & ~gpus)

    def is_partial(self, place: Place) -> bool:
        """Whether R lists a part of a place only; of a group: of one of its nodes."""
        if place[0] < 0:
            members = positions(self.machine.groups[place[1]].members)
            return any(self.is_partial((position, 0)) for position in members)
        return not self.domain(place).whole

    def groups_around(self, position: int) -> tuple[int, ...]:
        """Return the indices of the groups that a node stands in, the outermost first."""
        if position not in self._around:
            found: list[int] = []
            nodes = list(self._roots)
            while nodes:
                group = nodes.pop()
                if group.members >> position & 1:
                    found.append(group.index)
                    nodes.extend(self.machine.groups[child] for child in group.children)
            self._around[position] = tuple(sorted(found))
        return self._around[position]

    def contains(self, outer: Place, inner: Place) -> bool:
        """Whether a place is another one or contains it."""
        if outer in (ROOT, inner):
            return True
        if inner == ROOT or (outer[0] >= 0 and outer[0] != inner[0]):
            return False
        if outer[0] < 0:
            return outer[1] in (self.groups_around(inner[0]) if inner[0] >= 0 else self._chain(inner[1]))
        domains = self.machine.type_at(outer[0]).domains
        index = inner[1]
        while index > outer[1]:
            index = domains[index].parent
        return index == outer[1]

    def _chain(self, group: int) -> Iterator[int]:
        while group >= 0:
            yield group
            group = self.machine.groups[group].parent

    def _at_level(self, kind: int, level: str) -> tuple[Domain, ...]:
        """Return the domains of a level in a node type."""
        return tuple(domain for domain in self.machine.types[kind].domains if domain.level == level)

    def touched(self, position: int, level: str, cores: int, gpus: int) -> list[Place]:
        """Return the domains of a level (or the node) that have any of these cores and gpus."""
        domains = self.at_level(self.machine.type_of[position], level)
        return [(position, domain.index) for domain in domains if domain.cores & cores or domain.gpus & gpus]

    def _deepest(self, kind: int, cores: int, gpus: int) -> tuple[int, ...]:
        """Return the indices of the domains that list these cores and gpus themselves."""
        domains = self.machine.types[kind].domains
        return tuple(domain.index for domain in domains if domain.own_cores & cores or domain.own_gpus & gpus)

    def innermost(self, position: int, cores: int, gpus: int) -> list[Place]:
        """Return the innermost domains of these cores and gpus."""
        return [(position, index) for index in self.deepest(self.machine.type_of[position], cores, gpus)]

    def listing(self, place: Place, name: str) -> Fraction | None:
        """Return how much of a resource a place itself lists, None when it lists none."""
        if place == ROOT:
            return None
        if place[0] < 0:
            return dict(self.machine.groups[place[1]].resources).get(name)
        domain = self.domain(place)
        own = {"memory": domain.memory, "storage": domain.storage}
        found = own[name] if name in own else dict(domain.resources).get(name)
        return None if found is None else Fraction(found)

    def below(self, place: Place, usable: int) -> Iterator[Place]:
        """Go through the places inside a place, leaving out the nodes that are not usable."""
        if place[0] >= 0:
            for domain in self.machine.type_at(place[0]).domains[place[1] + 1 :]:
                if self.contains(place, (place[0], domain.index)):
                    yield place[0], domain.index
            return
        for group in self.machine.groups:
            if (-1, group.index) != place and self.contains(place, (-1, group.index)):
                yield -1, group.index
        members = usable if place == ROOT else self.machine.groups[place[1]].members & usable
        for position in positions(members):
            yield position, 0
            yield from self.below((position, 0), usable)

    def nearest(self, place: Place, name: str) -> Place | None:
        """Return the place at or above a place that lists a resource."""
        position, index = place
        while position >= 0 and index >= 0:
            if self.listing((position, index), name) is not None:
                return position, index
            index = self.machine.type_at(position).domains[index].parent
        above = self.groups_around(position) if position >= 0 else sorted(self._chain(index))
        if name in self.listed:
            for group in reversed(above):
                if self.listing((-1, group), name) is not None:
                    return -1, group
        return None

    def around_all(self, name: str, nodes: Iterable[int]) -> Place | None:
        """Return the innermost group that has all of some nodes and lists a resource."""
        common = set.intersection(*(set(self.groups_around(position)) for position in nodes))
        listing = [group for group in common if self.listing((-1, group), name) is not None]
        return (-1, max(listing)) if listing else None

    def layers(self, place: Place, name: str) -> list[Place]:
        """Return the groups around a group that list a resource: what it gives, they give."""
        if place[0] >= 0:
            return []
        above = self._chain(self.machine.groups[place[1]].parent)
        return [(-1, group) for group in above if self.listing((-1, group), name) is not None]

    def around(self, place: Place) -> Iterator[Place]:
        """Go through a domain and all that contain it, up to its node."""
        position, index = place
        while index >= 0:
            yield position, index
            index = self.machine.type_at(position).domains[index].parent

    def within_reach(self, name: str, at: Place, position: int) -> frozenset[Place]:
        """Return the domains of a node that list an amount and are inside a place or around it."""
        domains = ((position, domain.index) for domain in self.machine.type_at(position).domains)
        return frozenset(
            place
            for place in domains
            if self.listing(place, name) is not None and (self.contains(at, place) or self.contains(place, at))
        )

    def lists(self, position: int, name: str) -> bool:
        """Whether anything in a node lists an amount."""
        return any(self.listing((position, d.index), name) is not None for d in self.machine.type_at(position).domains)

    def sources(self, name: str, at: Place, taken: Iterable[Place], usable: int) -> frozenset[Place]:
        """Return where an amount comes from.

        From the domains that the cores (without cores: the gpus) in `taken` are in, or the nearest above. Where nothing
        is taken: from the place itself, or what is inside it, or the nearest above.
        """
        taken = list(taken)
        if taken:
            near = {self.nearest(place, name) for place in taken}
            return frozenset(place for place in near if place is not None)
        if self.listing(at, name) is not None:
            return frozenset({at})
        # What stands beside nodes is not the nodes'.
        outside = at[0] < 0 and name in self.listed
        inside = frozenset(
            place
            for place in self.below(at, usable)
            if self.listing(place, name) is not None and (place[0] < 0 or not outside)
        )
        if inside or at == ROOT:
            return inside
        above = self.nearest(at, name)
        return frozenset() if above is None else frozenset({above})


def positions(mask: int) -> Iterator[int]:
    """Go through the positions in a bitmask, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
