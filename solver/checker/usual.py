"""The term `future`: how much less room for the usual jobs there is, straight from its definition.

Each usual job has a weight, slots of so many cores and GPUs, and, where it names nodes, what it takes of one. A domain
has room for a slot as often as its free cores and GPUs hold it, if the slot fits the domain when idle and none of the
domains next below; a node also for what jobs take of a node. Each time counts, in thousandths, the part of all weights
that asks for just that, times the larger share of the domain's cores and GPUs that it takes, in cores. With no usual
jobs a domain has room for itself: a thousand for each core while all of it is free, else nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from ...grammar.jobspec import Vertex, parse_resources
from ...grammar.shape import parse_shape
from ...topology.tree import Domain, NodeType
from .ground import Ground
from .state import State

Pair = tuple[int, int]
Asked = dict[Pair | None, Fraction]
"""Weights of what takes so many cores and GPUs; None for a whole node."""


class Usual:
    """What is asked for usually.

    Parameters
    ----------
    text
        ``WEIGHT => SHAPE`` a line; nothing: whole domains.

    Raises
    ------
    ValueError
        For a line that is none.
    """

    def __init__(self, text: str = "") -> None:
        self.slots: Asked = {}
        self.nodes: Asked = {}
        self.all = Fraction(0)
        for line in text.splitlines():
            weight, _, shape = line.partition("#")[0].partition("=>")
            if weight.strip():
                self._add(Fraction(weight.strip()), parse_resources(parse_shape(shape.strip())))

    def _add(self, weight: Fraction, roots: Iterable[Vertex]) -> None:
        self.all += weight
        (root,) = roots
        vertices = list(root.walk())
        node = next((vertex for vertex in vertices if vertex.type == "node"), None)
        if node is not None and (node.exclusive or not any(v.type in ("core", "gpu") for v in node.walk())):
            self.nodes[None] = self.nodes.get(None, Fraction(0)) + weight
            return
        (slot,) = [vertex for vertex in vertices if vertex.is_slot]
        size = _number(slot, "core"), _number(slot, "gpu")
        self.slots[size] = self.slots.get(size, Fraction(0)) + weight
        if node is not None:
            each = sum(_times(child, slot) for child in node.children)
            of_node = each * size[0], each * size[1]
            self.nodes[of_node] = self.nodes.get(of_node, Fraction(0)) + weight

    def room(self, kind: NodeType, domain: Domain, cores: int, gpus: int) -> int:
        """Return the room of a domain of a kind of node with so many free cores and GPUs."""
        size = domain.cores.bit_count(), domain.gpus.bit_count()
        if not self.all:
            return 1000 * max(size) if (cores, gpus) == size else 0
        inside = [kind.domains[child] for child in domain.children]
        total = 0
        for asked, weight in self.slots.items():
            assert asked is not None
            held = any(_fits(asked, (child.cores.bit_count(), child.gpus.bit_count())) for child in inside)
            if _fits(asked, size) and not held:
                total += _weighed(asked, weight / self.all, size, (cores, gpus))
        for of_node, weight in self.nodes.items() if domain.level == "node" else ():
            if _fits(of_node or size, size):
                total += _weighed(of_node or size, weight / self.all, size, (cores, gpus))
        return total


def future(usual: Usual, ground: Ground, state: State, held: Mapping[int, Pair]) -> int:
    """Return how much less room there is in all domains that the job takes any core or GPU of."""
    lost = 0
    for position, (cores, gpus) in held.items():
        kind, free = ground.machine.type_at(position), state.free(position)
        for domain in kind.domains:
            before = (domain.cores & free[0]).bit_count(), (domain.gpus & free[1]).bit_count()
            after = (domain.cores & free[0] & ~cores).bit_count(), (domain.gpus & free[1] & ~gpus).bit_count()
            lost += usual.room(kind, domain, *before) - usual.room(kind, domain, *after)
    return lost


def _number(slot: Vertex, name: str) -> int:
    return sum(child.count.min for child in slot.children if child.type == name)


def _times(vertex: Vertex, slot: Vertex) -> int:
    """Return how many slots one vertex list holds in all."""
    if vertex is slot:
        return vertex.count.min
    return vertex.count.min * sum(_times(child, slot) for child in vertex.children)


def _fits(asked: Pair, size: Pair) -> bool:
    return asked[0] <= size[0] and asked[1] <= size[1]


def _weighed(asked: Pair, weight: Fraction, size: Pair, free: Pair) -> int:
    """Return how often what is asked for is free, each time by its weight and by what it takes."""
    times = min([have // need for have, need in zip(free, asked, strict=True) if need], default=0)
    of_gpus = Fraction(asked[1], size[1]) * (size[0] or size[1]) if size[1] else Fraction(0)
    return times * round(1000 * weight * max(Fraction(asked[0]), of_gpus))
