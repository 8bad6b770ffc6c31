"""What there is on a machine and what of it is free: groups, nodes and domains as places, cores and GPUs in cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from ...grammar.constraint import Constraint, evaluate
from ...grammar.idset import IdSet
from ...topology.machine import Machine
from ...topology.tree import Domain, NodeType

NODE = "node"
MEASURED = frozenset({"memory", "storage"})
"""Amounts in GiB."""


NO_AMOUNTS = frozenset({"ranks", "slots", "level", "number", "label", "slot", "cores", "gpus", "domains"})
"""What stands beside amounts in a placement."""


@dataclass(frozen=True, slots=True)
class Place:
    """A group, a node or a domain.

    Attributes
    ----------
    key
        Its number.
    level, number
        Its name; of a node the rank.
    node
        The position of the node that it is or is in, -1 for a group.
    around
        The keys of all places that it is in, and its own.
    cores, gpus
        Ids that it lists or holds, of a node or a domain.
    free_cores, free_gpus
        Those of them that a job may be given.
    may_be_taken
        Whether a job may use it at all: its nodes are up and match the constraint.
    whole
        Whether a job may take it whole.
    intact
        Whether all that it lists is free and up.
    partial
        Whether R lists only a part of it.
    """

    key: int
    level: str
    number: int
    node: int
    around: frozenset[int]
    cores: int
    gpus: int
    free_cores: int
    free_gpus: int
    may_be_taken: bool
    whole: bool
    intact: bool
    partial: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """Free cores, or GPUs, of one innermost place that no `id` of the request tells apart.

    Attributes
    ----------
    place
        The key of the place that lists them.
    kind
        ``core`` or ``gpu``.
    ids
        Bitmask.
    """

    place: int
    kind: str
    ids: int

    @property
    def free(self) -> int:
        """How many there are."""
        return self.ids.bit_count()


class Places:
    """All places of a machine in a state.

    Parameters
    ----------
    machine
        The machine.
    running
        R of the jobs that hold something.
    down
        Bitmask of positions.
    constraint
        What nodes must be.
    """

    def __init__(
        self, machine: Machine, running: Iterable[Mapping[str, Any]], down: int, constraint: Constraint
    ) -> None:
        self.machine = machine
        self.places: list[Place] = []
        self.node_of: dict[int, int] = {}
        held = [[0, 0] for _ in range(machine.size)]
        self.unsure: set[str] = set()
        self._gone: dict[int, dict[str, int]] = {}
        for job in running:
            for position, cores, gpus in _holdings(machine, job):
                held[position][0] |= cores
                held[position][1] |= gpus
            for position, name, number in _amounts_held(machine, job):
                gone = self._gone.setdefault(position, {})
                gone[name] = gone.get(name, 0) + number
        matching = evaluate(constraint, machine.facts)
        groups = self._add_groups()
        for position in range(machine.size):
            up = not down >> position & 1
            self._add_node(position, groups, held[position], up, bool(matching >> position & 1))
        self._finish_groups()

    def _add_groups(self) -> list[int]:
        for group in self.machine.groups:
            around = {group.index}
            parent = group.parent
            while parent >= 0:
                around.add(parent)
                parent = self.machine.groups[parent].parent
            made = Place(
                group.index, group.level, group.number, -1, frozenset(around), 0, 0, 0, 0, True, True, True, False
            )
            self.places.append(made)
        return [group.members for group in self.machine.groups]

    def _add_node(self, position: int, groups: Sequence[int], held: Sequence[int], up: bool, matches: bool) -> None:
        kind = self.machine.type_at(position)
        base = len(self.places)
        self.node_of[position] = base
        above = frozenset(key for key, members in enumerate(groups) if members >> position & 1)
        taken_cores, taken_gpus = held
        giving = self._may_give(kind, self._gone.get(position, {}))
        for domain in kind.domains:
            around = above if domain.index == 0 else self.places[base + domain.parent].around
            key = base + domain.index
            touched = domain.cores & taken_cores or domain.gpus & taken_gpus
            free = up and not touched
            self.places.append(
                Place(
                    key,
                    domain.level,
                    self.machine.ranks[position] if domain.index == 0 else domain.number,
                    position,
                    around | {key},
                    domain.cores,
                    domain.gpus,
                    domain.cores & ~taken_cores if up else 0,
                    domain.gpus & ~taken_gpus if up else 0,
                    up and matches,
                    free and matches and domain.index not in giving,
                    free,
                    not domain.whole,
                )
            )

    def _may_give(self, kind: NodeType, names: Iterable[str]) -> set[int]:
        """Return the domains of a node in which some of what is held of these names may be; then none is free whole.

        Where several list a name, it is not looked into which of them gave it: nothing is said of whole domains, nor of
        requests for more of it.
        """
        found: set[int] = set()
        for name in names:
            listing = [domain.index for domain in kind.domains if name in _listed(domain)]
            self.unsure |= {name} if len(listing) > 1 else set()
            for index in listing:
                while index >= 0:
                    found.add(index)
                    index = kind.domains[index].parent if index else -1
        return found

    def _finish_groups(self) -> None:
        from dataclasses import replace

        for group in self.machine.groups:
            nodes = [self.places[self.node_of[p]] for p in range(self.machine.size) if group.members >> p & 1]
            self.places[group.index] = replace(
                self.places[group.index],
                may_be_taken=any(node.may_be_taken for node in nodes),
                whole=bool(nodes) and all(node.whole for node in nodes),
                intact=all(node.intact for node in nodes),
                partial=any(node.partial for node in nodes),
            )

    def name(self, key: int) -> str:
        """Return the name that a domain has in R."""
        position = self.places[key].node
        domain = self.machine.type_at(position).domains[key - self.node_of[position]]
        return f"{domain.level} {domain.number}"

    def at(self, level: str) -> list[Place]:
        """Return the places of a level."""
        return [place for place in self.places if place.level == level]

    def inside(self, outer: int) -> list[Place]:
        """Return the places in a place, itself included."""
        return [place for place in self.places if outer in place.around]

    def stock(self, name: str) -> dict[int, int]:
        """Return how much of an amount is free, by the key of the place that lists it; memory and storage in MiB."""
        found = {}
        for position, base in self.node_of.items():
            if self.places[base].may_be_taken:
                gone = self._gone.get(position, {}).get(name, 0)
                for domain in self.machine.type_at(position).domains:
                    free = _listed(domain).get(name, 0) - gone
                    if free > 0:
                        found[base + domain.index] = free
        return found

    def listing(self, name: str) -> frozenset[int]:
        """Return the keys of the places that list an amount, of nodes that a job may use, however little is free."""
        return frozenset(
            base + domain.index
            for position, base in self.node_of.items()
            if self.places[base].may_be_taken
            for domain in self.machine.type_at(position).domains
            if name in _listed(domain)
        )

    def cells(self, idsets: Sequence[tuple[str, IdSet]]) -> list[Cell]:
        """Return what is free of nodes that a job may use, parted by the `id` sets of the request."""
        return [cell for position in self.node_of for cell in self.cells_of(position, idsets)]

    def cells_of(self, position: int, idsets: Sequence[tuple[str, IdSet]] = ()) -> list[Cell]:
        """Return what is free of one node, likewise; nothing where a job may not use it."""
        base = self.node_of[position]
        if not self.places[base].may_be_taken:
            return []
        found = []
        for domain in self.machine.type_at(position).domains:
            place = self.places[base + domain.index]
            for kind, own in (
                ("core", domain.own_cores & place.free_cores),
                ("gpu", domain.own_gpus & place.free_gpus),
            ):
                parts = [own]
                for which, ids in idsets:
                    if which == kind:
                        mask = sum(1 << i for i in IdSet.from_mask(own) if i in ids)
                        parts = [part for whole in parts for part in (whole & mask, whole & ~mask)]
                found += [Cell(place.key, kind, part) for part in parts if part]
        return found


def _holdings(machine: Machine, job: Mapping[str, Any]) -> Iterator[tuple[int, int, int]]:
    for entry in job["execution"]["R_lite"]:
        masks = [sum(1 << i for i in IdSet.parse(entry["children"].get(kind, ""))) for kind in ("core", "gpu")]
        for rank in IdSet.parse(str(entry["rank"])):
            yield machine.position(rank), masks[0], masks[1]


def _amounts_held(machine: Machine, job: Mapping[str, Any]) -> Iterator[tuple[int, str, int]]:
    """Go through the nodes of which a job holds memory or the like, with the name of that and how much."""
    scheduling = job.get("scheduling") or {}
    for entry in [*(scheduling.get("placement") or ()), *(scheduling.get("amounts") or ())]:
        for holder in [entry, *entry.get("slots", ())]:
            for name in holder.keys() - NO_AMOUNTS:
                for rank in IdSet.parse(str(entry["ranks"])) if "ranks" in entry else ():
                    yield machine.position(rank), name, in_units(name, Fraction(holder[name]))


def _listed(domain: Domain) -> dict[str, int]:
    """Return the amounts that a domain itself lists."""
    own = {"memory": domain.memory, "storage": domain.storage, **dict(domain.resources)}
    return {name: in_units(name, Fraction(number)) for name, number in own.items() if number is not None}


def in_units(name: str, number: Fraction) -> int:
    """Return an amount in whole units, GiB of memory and storage in MiB; what is more than whole MiB is one more."""
    return ceil(number * 1024) if name in MEASURED else ceil(number)
