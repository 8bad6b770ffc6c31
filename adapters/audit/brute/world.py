"""The machine as a list of places, and what is free in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from ....grammar.constraint import Constraint, evaluate
from ....grammar.idset import IdSet
from ....grammar.jobspec import Vertex
from ....grammar.unit import gib
from ....topology.machine import Machine

ROOT = -1

TRIES = 20
"""Ways of having amounts, and sets of demands, that are tried for each partial placement of one's patience."""


@dataclass(frozen=True)
class Place:
    """A vertex of the machine's tree: a group, a node or a domain below the node, as it is before the placement."""

    level: str
    number: int
    position: int  # of the node it belongs to; -1 for a group
    parent: int
    holders: frozenset[int]  # itself and every place that contains it
    usable: bool  # up, and allowed by the constraint
    intact: bool  # all its cores and gpus are free
    complete: bool  # R lists all of it
    cores: int
    gpus: int
    own_cores: int
    own_gpus: int
    stock: Mapping[str, int]  # what it lists itself, in `pieces`


@dataclass(frozen=True)
class Cell:
    """Cores, or GPUs, that one place lists by itself and that every `id` of the request treats alike."""

    place: int
    kind: str
    sets: frozenset[IdSet]
    free: int
    gpu: int = -1  # the id, where it matters how GPUs are joined


class World:
    """The machine, what is free in it, and the request's view of it."""

    def __init__(
        self,
        machine: Machine,
        running: Sequence[Mapping[str, Any]],
        down: int,
        constraint: Constraint,
        idsets: Sequence[tuple[str, IdSet]],
        patience: int,
        linked: bool = False,
    ) -> None:
        self.linked = linked
        self.machine = machine
        self.patience = patience
        self.tries = TRIES * patience
        count = len(machine.ranks)
        self.cores = [machine.types[machine.type_of[p]].domains[0].cores for p in range(count)]
        self.gpus = [machine.types[machine.type_of[p]].domains[0].gpus for p in range(count)]
        for job in running:
            for position, cores, gpus in holdings(machine, job):
                self.cores[position] &= ~cores
                self.gpus[position] &= ~gpus
        self.down = down
        self.allowed = evaluate(constraint, machine.facts) & ~down
        for position in range(count):
            if down >> position & 1:
                self.cores[position] = self.gpus[position] = 0
        self.places: list[Place] = []
        self._add_groups()
        for position in range(count):
            self._add_node(position)
        self.idsets = idsets
        self.cells = tuple(self._cells())
        self.base = self._running_stock(running)
        self.stock_held = frozenset().union(*(sources for _, sources in self.base))
        self._fits: dict[Demands, bool] = {}
        self._gives: dict[tuple[str, frozenset[int]], int] = {}
        self._layers: dict[tuple[str, int], list[int]] = {}

    def _add_groups(self) -> None:
        for group in self.machine.groups:
            members = [p for p in range(len(self.machine.ranks)) if group.members >> p & 1]
            whole = all(self.machine.types[self.machine.type_of[p]].domains[0].whole for p in members)
            nodes = [self.machine.types[self.machine.type_of[p]].domains[0] for p in members]
            intact = all(
                d.cores == self.cores[p] and d.gpus == self.gpus[p] and self.allowed >> p & 1
                for p, d in zip(members, nodes, strict=True)
            )
            key = len(self.places)
            holders = frozenset({key}) | (self.places[group.parent].holders if group.parent >= 0 else frozenset())
            stock = {name: pieces(name, amount) for name, amount in group.resources}
            self.places.append(
                Place(group.level, group.number, -1, group.parent, holders, True, intact, whole, 0, 0, 0, 0, stock)
            )

    def _add_node(self, position: int) -> None:
        base = len(self.places)
        cores, gpus = self.cores[position], self.gpus[position]
        up, usable = not self.down >> position & 1, bool(self.allowed >> position & 1)
        for domain in self.machine.types[self.machine.type_of[position]].domains:
            key = len(self.places)
            if domain.parent < 0:
                around = frozenset(g for g, group in enumerate(self.machine.groups) if group.members >> position & 1)
                parent = max(around, default=ROOT)
            else:
                parent = base + domain.parent
                around = self.places[parent].holders
            listed = {**dict(domain.resources), "memory": domain.memory, "storage": domain.storage}
            stock = {name: pieces(name, amount) for name, amount in listed.items() if amount is not None}
            self.places.append(
                Place(
                    level=domain.level,
                    number=self.machine.ranks[position] if domain.level == "node" else domain.number,
                    position=position,
                    parent=parent,
                    holders=around | {key},
                    usable=usable,
                    intact=up and domain.cores & ~cores == 0 and domain.gpus & ~gpus == 0,
                    complete=domain.whole,
                    cores=(domain.cores & cores).bit_count(),
                    gpus=(domain.gpus & gpus).bit_count(),
                    own_cores=domain.own_cores & cores,
                    own_gpus=domain.own_gpus & gpus,
                    stock=stock,
                )
            )

    def _cells(self) -> Iterator[Cell]:
        for key, place in enumerate(self.places):
            if not place.usable:
                continue
            for kind, mask in (("core", place.own_cores), ("gpu", place.own_gpus)):
                alike: dict[tuple[frozenset[IdSet], int], int] = {}
                for number in IdSet.from_mask(mask):
                    apart = self.linked and kind == "gpu"
                    one = self.sets_of(kind, number), number if apart else -1
                    alike[one] = alike.get(one, 0) + 1
                for (sets, gpu), free in sorted(
                    alike.items(), key=lambda item: (sorted(map(str, item[0][0])), item[0][1])
                ):
                    yield Cell(key, kind, sets, free, gpu)

    def sets_of(self, kind: str, number: int) -> frozenset[IdSet]:
        """Return the `id` sets of the request that an id is in."""
        return frozenset(ids for k, ids in self.idsets if k == kind and number in ids)

    def _running_stock(self, running: Sequence[Mapping[str, Any]]) -> dict[Demand, int]:
        """Return what running jobs hold of memory and the like, as R says it (scheduling.amounts, else placement)."""
        self._listing: dict[tuple[str, int], frozenset[int]] = {}
        held: dict[Demand, int] = {}
        for job in running:
            scheduling = job.get("scheduling") or {}
            said = list(self._by_domain(scheduling.get("amounts", ())))
            known = {(home, name) for home, name, _, _ in said}
            placed = self._by_placement(scheduling.get("placement", ()))
            said += [held for held in placed if held[:2] not in known]
            for _, name, sources, amount in said:
                held[name, sources] = held.get((name, sources), 0) + pieces(name, amount)
        return held

    def _by_domain(self, entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, str, frozenset[int], float]]:
        """Yield node, name, sources and amount of what is said with the domains."""
        for entry in entries:
            for rank in IdSet.parse(entry["ranks"]):
                node = self.node(self.machine.position(rank))
                for domain in self.machine.types[self.machine.type_of[self.machine.position(rank)]].domains:
                    for name in entry.keys() - {"ranks"}:
                        amount = entry[name].get(f"{domain.level} {domain.number}")
                        if amount is not None:
                            yield node, name, frozenset({node + domain.index}), amount

    def _by_placement(self, entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, str, frozenset[int], float]]:
        """Yield node or group, name, sources and amount of what is said of slots, and of no slot."""
        for entry in entries:
            if "ranks" not in entry:
                level_and_number = entry["level"], entry["number"]
                home = next(k for k, place in enumerate(self.places) if (place.level, place.number) == level_and_number)
                for name in entry.keys() - {"level", "number"}:
                    yield home, name, self.sources(name, home, ()), entry[name]
                continue
            for rank in IdSet.parse(entry["ranks"]):
                node = self.node(self.machine.position(rank))
                for name in entry.keys() - {"ranks", "slots"}:
                    yield node, name, self.sources(name, node, ()), entry[name]
                for slot in entry.get("slots", ()):
                    places = self.places_of(node, slot.get("cores"), slot.get("gpus"))
                    said = slot.get("domains", {})
                    for name in slot.keys() - {"label", "slot", "cores", "gpus", "domains"} - said.keys():
                        yield node, name, self.sources(name, node, places), slot[name]
                    for name, domains in said.items():
                        for domain, amount in domains.items():
                            yield node, name, frozenset({self.domain(node, domain)}), amount

    def node(self, position: int) -> int:
        """Return the key of the node at a position."""
        return next(k for k, place in enumerate(self.places) if place.position == position and place.level == "node")

    def domain(self, node: int, text: str) -> int:
        """Return the key of a domain of a node, by level and number as R says them."""
        return next(k for k in self.under[node] if f"{self.places[k].level} {self.number(k)}" == text)

    def number(self, key: int) -> int:
        """Return the number of a node's domain in its level; of a node 0, of whatever rank."""
        return 0 if self.places[key].level == "node" else self.places[key].number

    def places_of(self, node: int, cores: str | None, gpus: str | None) -> tuple[int, ...]:
        """Return the innermost places of the cores (or, where there are none, the GPUs) with these ids."""
        position = self.places[node].position
        domains = self.machine.types[self.machine.type_of[position]].domains
        if cores:
            mask = IdSet.parse(cores).mask()
            return tuple(node + d.index for d in domains if d.own_cores & mask)
        mask = IdSet.parse(gpus or "").mask()
        return tuple(node + d.index for d in domains if d.own_gpus & mask)

    @cached_property
    def under(self) -> tuple[frozenset[int], ...]:
        """For each place the keys of itself and of all places inside it."""
        return tuple(
            frozenset(other for other, place in enumerate(self.places) if key in place.holders)
            for key in range(len(self.places))
        )

    def inside(self, outer: int, inner: int) -> bool:
        """Whether `inner` is a place within `outer`, and not `outer` itself."""
        return inner != outer and (outer == ROOT or outer in self.places[inner].holders)

    def lowest_listing(self, name: str, place: int) -> frozenset[int]:
        """Return the nearest place at or above `place` that lists a resource (several where hierarchies cross)."""
        if (name, place) not in self._listing:
            listing = [key for key in self.places[place].holders if name in self.places[key].stock]
            nearest = frozenset(key for key in listing if not any(self.inside(key, other) for other in listing))
            self._listing[name, place] = nearest
        return self._listing[name, place]

    def sources(self, name: str, at: int, taken_from: Sequence[int]) -> frozenset[int]:
        """Where a resource asked for at a place comes from, given the innermost places of what the slot took there.

        From the domains that the slot's cores are in, or the nearest above. Without cores: from the place itself, or
        what is inside it, or the nearest above it.
        """
        if taken_from:
            return frozenset().union(*(self.lowest_listing(name, place) for place in taken_from))
        if at != ROOT and name in self.places[at].stock:
            return frozenset({at})
        # What stands beside nodes is not the nodes'.
        outside = (at == ROOT or self.places[at].position < 0) and self.is_in_groups(name)
        inner = frozenset(
            key
            for key, place in enumerate(self.places)
            if name in place.stock and self.inside(at, key) and place.usable and (place.position < 0 or not outside)
        )
        return inner if inner or at == ROOT else self.lowest_listing(name, at)

    def reach(self, name: str, at: int, node: int) -> frozenset[int]:
        """Return all that lists a resource inside a place or around it, of those in a node."""
        return frozenset(
            key
            for key in self.under[node]
            if name in self.places[key].stock
            and (at == ROOT or at in self.places[key].holders or key in self.places[at].holders)
        )

    def stock_fits(self, demands: Demands) -> bool:
        """Whether all demands, each to be met from any of its sources, can be met together (Hall's condition)."""
        if demands not in self._fits:
            self._fits[demands] = self._stock_fits(demands)
        return self._fits[demands]

    def _stock_fits(self, demands: Demands) -> bool:
        total = dict(self.base)
        for demand, amount in demands:
            total[demand] = total.get(demand, 0) + amount
        for kind in {name for name, _ in total}:
            wanted = [(sources, amount) for (name, sources), amount in total.items() if name == kind]
            unions = {frozenset[int]()}
            for sources, _ in wanted:
                self.tried(len(unions))
                unions |= {sources | union for union in unions}
            # Of demands whose sources come to the same, all are in it.
            for places in unions:
                self.tried()
                if self.can_give(kind, places) < sum(amount for sources, amount in wanted if sources <= places):
                    return False
        return True

    def tried(self, number: int = 1) -> None:
        """Count so many more ways of having amounts, or sets of demands, that are tried.

        Raises
        ------
        TooManyError
            There were too many.
        """
        self.tries -= number
        if self.tries < 0:
            raise TooManyError

    def can_give(self, kind: str, places: frozenset[int]) -> int:
        """Return how much some places can give together: no more than any layer of groups around them has."""

        def most(key: int) -> int:
            own = self.places[key].stock[kind]
            return own if key in places else min(own, sum(most(inner) for inner in self.layer(kind, key)))

        if (kind, places) not in self._gives:
            self._gives[kind, places] = sum(most(key) for key in self.layer(kind, ROOT))
        return self._gives[kind, places]

    def layer(self, kind: str, outer: int) -> list[int]:
        """Return what lists an amount in a place or, of ROOT, anywhere, and stands for it in no group in between."""
        key = kind, outer
        if key not in self._layers:
            self._layers[key] = [
                k for k, place in enumerate(self.places) if kind in place.stock and self.group_above(kind, k) == outer
            ]
        return self._layers[key]

    def group_above(self, kind: str, key: int) -> int:
        """Return the nearest group around a group that lists an amount; ROOT for none, and for a node's own."""
        if self.places[key].position >= 0:
            return ROOT
        above = self.places[key].parent
        while above != ROOT and kind not in self.places[above].stock:
            above = self.places[above].parent
        return above

    def group_or_root(self, key: int) -> int:
        """Return a place if it is a group, else ROOT."""
        return key if self.places[key].position < 0 else ROOT

    def is_in_groups(self, name: str) -> bool:
        """Whether a group lists an amount."""
        return any(place.position < 0 and name in place.stock for place in self.places)

    def around_all(self, name: str, places: Sequence[int]) -> int | None:
        """Return the innermost group that has all of some places and lists an amount."""
        common = frozenset.intersection(*(self.places[key].holders for key in places))
        listing = [key for key in common if self.places[key].position < 0 and name in self.places[key].stock]
        return max(listing, default=None)


Demand = tuple[str, frozenset[int]]
"""An amount of some resource that any of these places may give."""

Demands = frozenset[tuple[Demand, int]]


def pieces(name: str, amount: float | Fraction) -> int:
    """Return an amount in whole numbers: bytes of memory and storage (R has them in GiB), pieces of all else."""
    return int(Fraction(amount) * 2**30) if name in {"memory", "storage"} else int(amount)


def asked_pieces(vertex: Vertex, count: int) -> int:
    """Return what `count` units of a vertex come to, likewise."""
    return int(gib(count, vertex.unit) * 2**30) if vertex.type in {"memory", "storage"} else count


def holdings(machine: Machine, job: Mapping[str, Any]) -> Iterator[tuple[int, int, int]]:
    """Go through what an allocated R holds: position, cores, gpus."""
    for entry in job["execution"]["R_lite"]:
        cores = IdSet.parse(entry["children"].get("core", "")).mask()
        gpus = IdSet.parse(entry["children"].get("gpu", "")).mask()
        for rank in IdSet.parse(entry["rank"]):
            yield machine.position(rank), cores, gpus


class TooManyError(Exception):
    """There are more placements than one has the patience for."""
