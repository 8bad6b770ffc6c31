"""What is free on each node, and which nodes a batch can matter to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...grammar.constraint import evaluate
from ...topology.machine import Machine
from ...topology.tree import NodeType
from ..node_classes import bits
from ..pool import Pool
from .wants import BatchJob, Want


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
    """

    level: str
    parent: int
    cores: int
    gpus: int
    has_cores: bool
    has_gpus: bool


@lru_cache(maxsize=256)
def inners(kind: NodeType) -> tuple[Inner, ...]:
    """Return the domains below such a node, those around before those inside."""
    found = []
    for domain in kind.domains[1:]:
        peers = kind.by_level[domain.level]
        has = any(d.cores for d in peers), any(d.gpus for d in peers)
        found.append(Inner(domain.level, domain.parent - 1, domain.cores, domain.gpus, *has))
    return tuple(found)


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
    """

    position: int
    type: NodeType
    cores: int
    gpus: int
    domains: tuple[Inner, ...]

    @property
    def is_idle(self) -> bool:
        """Whether all of it is free."""
        return self.cores == self.type.cores and self.gpus == self.type.gpus

    def inside(self, place: int, want: Want) -> int:
        """Return how many slots of a want fit into a domain, all else staying free."""
        domain = self.domains[place]
        needs = want.cores * domain.has_cores, want.gpus * domain.has_gpus
        there = self.cores & domain.cores, self.gpus & domain.gpus
        fits = [free.bit_count() // each for free, each in zip(there, needs, strict=True) if each]
        return min(fits, default=self.most(want))

    def most(self, want: Want) -> int:
        """Return how many slots of a want fit, all else staying free."""
        if want.whole:
            enough = (
                want.slots * want.cores <= self.cores.bit_count() and want.slots * want.gpus <= self.gpus.bit_count()
            )
            return want.slots if self.is_idle and enough else 0
        fits = [have.bit_count() // each for have, each in ((self.cores, want.cores), (self.gpus, want.gpus)) if each]
        return min(fits, default=0)


def rooms(pool: Pool) -> list[Node]:
    """Return the nodes of a pool that are up."""
    held: dict[int, tuple[int, int]] = {}
    for nodes, cores, gpus in pool.allocated():
        for position in bits(nodes):
            held[position] = cores, gpus
    return [_node(pool.machine, position, *held.get(position, (0, 0))) for position in bits(pool.up_mask)]


def _node(machine: Machine, position: int, held_cores: int, held_gpus: int) -> Node:
    kind = machine.type_at(position)
    cores, gpus = kind.cores & ~held_cores, kind.gpus & ~held_gpus
    return Node(position, kind, cores, gpus, inners(kind))


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
        sizes = (node.cores.bit_count(), node.gpus.bit_count(), free)
        kind = (node.type, sizes, tuple(job for job in wants if allowed[job] >> node.position & 1))
        used[kind] = used.get(kind, 0) + 1
        if used[kind] <= most or keep >> node.position & 1:
            kept.append(node)
    return sorted(kept, key=lambda node: node.position)
