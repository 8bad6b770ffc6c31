"""What is free on each node, and which nodes a batch can matter to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...grammar.constraint import evaluate
from ...topology.machine import Machine
from ...topology.tree import NodeType
from ..node_classes import bits
from ..pool import Pool
from .wants import BatchJob, Want


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
    leaves
        (cores, gpus) that are free in each innermost domain, as bitmasks.
    """

    position: int
    type: NodeType
    cores: int
    gpus: int
    leaves: tuple[tuple[int, int], ...]

    @property
    def is_idle(self) -> bool:
        """Whether all of it is free."""
        return self.cores == self.type.cores and self.gpus == self.type.gpus

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
    # A domain without children, or whose children list nothing, is innermost: what it lists, no other does.
    leaves = tuple((d.own_cores & cores, d.own_gpus & gpus) for d in kind.domains if d.own_cores or d.own_gpus)
    return Node(position, kind, cores, gpus, leaves)


def eligible(machine: Machine, jobs: Iterable[BatchJob]) -> dict[int, int]:
    """Return for each job's id the positions that its constraint allows, as a bitmask."""
    return {job.id: evaluate(job.request.constraint, machine.facts) for job in jobs}


def trimmed(nodes: Sequence[Node], wants: Mapping[int, Want], allowed: Mapping[int, int]) -> list[Node]:
    """Return nodes enough for any placement of all the jobs: of nodes that are alike, as many as could be used.

    Notes
    -----
    Alike are nodes with as many free cores and gpus in each innermost domain that the same jobs may use. A placement
    that uses others of a kind can use these in their stead.
    """
    most = sum(want.hosts or want.slots for want in wants.values())
    kept: list[Node] = []
    used: dict[object, int] = {}
    for node in nodes:
        if not any(allowed[job] >> node.position & 1 and node.most(want) for job, want in wants.items()):
            continue
        sizes = tuple((cores.bit_count(), gpus.bit_count()) for cores, gpus in node.leaves)
        kind = (node.type, sizes, tuple(job for job in wants if allowed[job] >> node.position & 1))
        used[kind] = used.get(kind, 0) + 1
        if used[kind] <= most:
            kept.append(node)
    return kept
