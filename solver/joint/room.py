"""What is free on each node as counts, and which nodes a batch can matter to.

Of nodes in equal states only as many are kept as the batch could use (dominance), so that the model is as large as the
batch and the number of states, not as the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...grammar.constraint import evaluate
from ...topology.machine import Machine
from ...topology.tree import NodeType
from ..allocator import Allocator
from ..state.node_classes import Packed, bits
from .wants import BatchJob, Want, want_of


@dataclass(frozen=True, slots=True)
class Inner:
    """A domain below the node, as far as slots are counted in it.

    Attributes
    ----------
    level
        Its level.
    parent
        The place of the domain around it; -1 for the node.
    cores, gpus
        Bitmasks of all that is in it.
    has_cores, has_gpus
        Whether domains of its level list any; where none does, a slot in it has them from above.
    whole
        Whether R lists all of it.
    """

    level: str
    parent: int
    cores: int
    gpus: int
    has_cores: bool
    has_gpus: bool
    whole: bool


@lru_cache(maxsize=256)
def inners(kind: NodeType) -> tuple[Inner, ...]:
    """Return the domains below such a node, those around before those inside."""
    found = []
    for domain in kind.domains[1:]:
        peers = kind.by_level[domain.level]
        has = any(d.cores for d in peers), any(d.gpus for d in peers)
        found.append(Inner(domain.level, domain.parent - 1, domain.cores, domain.gpus, *has, domain.whole))
    return tuple(found)


def joint_levels(machine: Machine) -> tuple[str, ...]:
    """Return the levels below the node whose domains all list cores or gpus, and so can be counted."""
    bare = {d.level for kind in machine.types for d in kind.domains[1:] if not (d.cores or d.gpus)}
    return tuple(level for level in machine.levels if level not in bare)


def wants_of(pool: Allocator, jobs: Iterable[BatchJob]) -> dict[int, Want]:
    """Return what jobs want of a pool, by id. NotJointError for one of another form than the model's."""
    levels, exclusive = joint_levels(pool.machine), pool.options.slot_exclusive
    return {job.id: want_of(job.request, levels, slot_exclusive=exclusive) for job in jobs}


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is up.

    Attributes
    ----------
    position
        In the machine.
    type
        Its tree.
    cores, gpus
        Bitmasks of what is free.
    domains
        Those below it, by `inners`.
    broached
        Bitmask of the domains' places, and of the node's as the highest, in or below which an amount is taken.
    """

    position: int
    type: NodeType
    cores: int
    gpus: int
    domains: tuple[Inner, ...]
    broached: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether all of it is free."""
        return self.cores == self.type.cores and self.gpus == self.type.gpus

    @property
    def can_be_whole(self) -> bool:
        """Whether it can be taken whole: all that R lists of it is free, and R lists something."""
        return self.is_idle and bool(self.cores or self.gpus) and not self.broached

    def all_of(self, place: int) -> tuple[int, int]:
        """Return the bitmasks of all cores and gpus of a domain that can be taken whole; of any other, none."""
        domain = self.domains[place]
        if self.broached >> place & 1 or domain.cores & ~self.cores or domain.gpus & ~self.gpus:
            return 0, 0
        return domain.cores, domain.gpus

    def inside(self, place: int, want: Want) -> int:
        """Return how many slots of a want fit into a domain, all else staying free."""
        domain = self.domains[place]
        if domain.level == want.level:
            return int(self._holds_one(place, want))
        if want.level and not self._is_below(place, want.level):
            return sum(self.inside(at, want) for at, below in enumerate(self.domains) if below.parent == place)
        if want.fills:
            return 0
        needs = want.cores * domain.has_cores, want.gpus * domain.has_gpus
        there = self.cores & domain.cores, self.gpus & domain.gpus
        fits = [free.bit_count() // each for free, each in zip(there, needs, strict=True) if each]
        return min(fits) if fits else self.most(want)

    def _holds_one(self, place: int, want: Want) -> bool:
        """Tell whether a domain has what a slot asks for that names one: no two slots of a job name the same."""
        domain = self.domains[place]
        cores, gpus = self.all_of(place) if want.fills else (self.cores & domain.cores, self.gpus & domain.gpus)
        return bool(cores or gpus) and cores.bit_count() >= want.cores and gpus.bit_count() >= want.gpus

    def _is_below(self, place: int, level: str) -> bool:
        """Tell whether a domain of a level is around this one."""
        return any(self.is_in(place, at) for at, d in enumerate(self.domains) if d.level == level and at != place)

    def is_in(self, place: int, around: int) -> bool:
        """Tell whether a domain is another, or stands in it."""
        while place > around:
            place = self.domains[place].parent
        return place == around

    def most(self, want: Want) -> int:
        """Return how many slots of a want fit, all else staying free."""
        if want.level:
            return sum(self.inside(at, want) for at, domain in enumerate(self.domains) if domain.level == want.level)
        if want.whole:
            enough = (
                want.slots * want.cores <= self.cores.bit_count() and want.slots * want.gpus <= self.gpus.bit_count()
            )
            return want.slots if self.can_be_whole and enough else 0
        fits = [have.bit_count() // each for have, each in ((self.cores, want.cores), (self.gpus, want.gpus)) if each]
        return min(fits, default=0)


def rooms(pool: Allocator) -> list[Node]:
    """Return the nodes of a pool that are up."""
    knowledge, state = pool.present
    found = []
    for number, free, nodes in knowledge.changes.alike(state, Packed.of(pool.up_mask)):
        kind = pool.machine.types[number]
        domains = inners(kind)
        broached = 0
        for index, _, _ in free.used:
            while index > 0:
                broached |= 1 << index - 1
                index = kind.domains[index].parent
            broached |= 1 << len(domains)
        found += [Node(at, kind, free.cores, free.gpus, domains, broached) for at in bits(nodes)]
    return sorted(found, key=lambda node: node.position)


def eligible(machine: Machine, jobs: Iterable[BatchJob]) -> dict[int, int]:
    """Return for each job's id the positions that its constraint allows, as a bitmask."""
    return {job.id: evaluate(job.request.constraint, machine.facts) for job in jobs}


def trimmed(nodes: Sequence[Node], wants: Mapping[int, Want], allowed: Mapping[int, int], keep: int = 0) -> list[Node]:
    """Return nodes enough for any placement of all the jobs: of nodes that are alike, as many as could be used.

    Parameters
    ----------
    nodes, wants, allowed
        What there is, and which jobs may use it.
    keep
        Bitmask of positions to be returned whatever they are like.

    Notes
    -----
    Alike are nodes with as many free cores and gpus in each domain that the same jobs may use. A placement
    that uses others of a kind can use these in their stead.
    """
    most = sum(want.hosts or want.slots for want in wants.values())
    kept: list[Node] = []
    used: dict[object, int] = {}
    for node in sorted(nodes, key=lambda node: not keep >> node.position & 1):
        if not any(allowed[job] >> node.position & 1 and node.most(want) for job, want in wants.items()):
            continue
        free = tuple(((node.cores & d.cores).bit_count(), (node.gpus & d.gpus).bit_count()) for d in node.domains)
        sizes = (node.cores.bit_count(), node.gpus.bit_count(), free, node.broached)
        kind = (node.type, sizes, tuple(job for job in wants if allowed[job] >> node.position & 1))
        used[kind] = used.get(kind, 0) + 1
        if used[kind] <= most or keep >> node.position & 1:
            kept.append(node)
    return sorted(kept, key=lambda node: node.position)
