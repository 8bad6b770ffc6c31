"""A machine in the few numbers that rules and loads are made of."""

from __future__ import annotations

from dataclasses import dataclass

from ...grammar.jobspec import Vertex
from ...topology.machine import Machine


@dataclass(frozen=True, slots=True)
class Outline:
    """What there is, in all and on the largest node.

    Attributes
    ----------
    nodes, cores, gpus
        In all.
    node_cores, node_gpus, node_memory
        On the node with the most cores; memory in GiB, 0 where R lists none.
    domains, domain_cores
        How many domains of the finest level such a node has, and how many cores the largest of them; the node itself
        where R describes no domain.
    sizes
        (cores, gpus) of the largest domain of each level, the node included.
    """

    nodes: int
    cores: int
    gpus: int
    node_cores: int
    node_gpus: int
    node_memory: int
    domains: int
    domain_cores: int
    sizes: dict[str, tuple[int, int]]

    @property
    def units(self) -> int:
        """The domains of the finest level in all: the size of the machine on the scale of a workload model."""
        return max(1, self.nodes * self.domains)

    def values(self) -> dict[str, float]:
        """Return the numbers by the names that rules use."""
        names = ("node_cores", "node_gpus", "node_memory", "domains", "domain_cores")
        return {name: getattr(self, name) for name in names}

    def appetite(self, vertices: tuple[Vertex, ...]) -> tuple[int, int]:
        """Return the cores and gpus that a request takes at least, whole nodes and domains with all they have."""
        cores = gpus = 0
        for vertex in vertices:
            more_cores, more_gpus = self._of(vertex)
            cores += more_cores
            gpus += more_gpus
        return cores, gpus

    def _of(self, vertex: Vertex) -> tuple[int, int]:
        times = vertex.count.min
        if vertex.type == "core":
            return times, 0
        if vertex.type == "gpu":
            return 0, times
        if vertex.type in self.sizes and (vertex.exclusive or not vertex.children):
            cores, gpus = self.sizes[vertex.type]
        else:
            cores, gpus = self.appetite(vertex.children)
        return times * cores, times * gpus

    def share(self, cores: int, gpus: int) -> float:
        """Return the part of the machine that so many cores and gpus are, whichever is more."""
        return max(cores / self.cores if self.cores else 0.0, gpus / self.gpus if self.gpus else 0.0)


def outline_of(machine: Machine) -> Outline:
    """Return the outline of a machine."""
    counts = [mask.bit_count() for mask in machine.type_masks]
    largest = max(machine.types, key=lambda kind: kind.cores.bit_count())
    finest = [d for d in largest.domains if d.level == largest.levels[-1]] if largest.levels else []
    sizes: dict[str, tuple[int, int]] = {}
    for kind in machine.types:
        for domain in kind.domains:
            cores, gpus = sizes.get(domain.level, (0, 0))
            sizes[domain.level] = max(cores, domain.cores.bit_count()), max(gpus, domain.gpus.bit_count())
    return Outline(
        nodes=machine.size,
        cores=sum(n * kind.cores.bit_count() for n, kind in zip(counts, machine.types, strict=True)),
        gpus=sum(n * kind.gpus.bit_count() for n, kind in zip(counts, machine.types, strict=True)),
        node_cores=largest.cores.bit_count(),
        node_gpus=largest.gpus.bit_count(),
        node_memory=sum(int(d.memory or 0) for d in largest.domains),
        domains=max(1, len(finest)),
        domain_cores=max((d.cores.bit_count() for d in finest), default=largest.cores.bit_count()),
        sizes=sizes,
    )
