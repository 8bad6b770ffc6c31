"""What Fluxion's resource graph (RFC 40) says of nodes and groups, in the words of R.

Inside a node a vertex that contains others is a domain; outside, one that contains nodes is a group. What contains
nothing counts as an amount of what contains it, under its type, by its size. A container without nodes (a storage unit
beside the nodes of a chassis) is a holder: what it lists, its parent has. A group that lists an amount lists what
stands below it as well, since what is taken below is taken there, too.

Fluxion compares sizes with counts whatever the unit, so that GB, as its graphs say it, is what one of a request is:
units of bytes are binary here.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..grammar.collecting import uncollected
from ..grammar.errors import shown
from ..grammar.idset import IdSet, mask_text
from .jgf import Graph, Vertex, named, read_graph
from .listing import MAX_DEPTH
from .topo import MAX_LOCAL_ID

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Amounts = dict[str, Fraction]

_GIB: Mapping[str, Fraction] = {
    f"{prefix}{suffix}": Fraction(1024**power, 1024**3)
    for power, prefix in enumerate(("", "K", "M", "G", "T", "P"))
    for suffix in ("B", "iB")
}
_IDS = {"core": "cores", "gpu": "gpus"}


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of the graph.

    Attributes
    ----------
    rank
        As the graph has it; nodes of a graph without ranks are numbered in its order.
    name
        Of the host.
    topo
        The RFC 49 object of what is in it.
    cores, gpus
        Bitmasks of its ids.
    properties
        Its properties' names.
    """

    rank: int
    name: str
    topo: Json
    cores: int
    gpus: int
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GraphMachine:
    """What a graph says in the words of R.

    Attributes
    ----------
    nodes
        By rank.
    groups
        `scheduling.groups`; a list of ranks stands where R has its text.
    elsewhere
        Ranks whose cores stand in something that is no node (Fluxion's `storage_node`).
    ranked
        Whether the graph itself numbers its nodes.
    """

    nodes: tuple[GraphNode, ...]
    groups: Json
    elsewhere: tuple[int, ...]
    ranked: bool = True


def machine_of_graph(value: object, place: str) -> GraphMachine:
    """Read a graph: the object with `nodes` and `edges`.

    Raises
    ------
    ValueError
        It is not as RFC 40 has it, two nodes have one rank, or an amount is in two units; the message names the place.
    """
    with uncollected():
        return _Reader(read_graph(value, place), place).read()


@dataclass
class _Reader:
    """One graph while it is read; what could not be said is collected for one warning each."""

    graph: Graph
    place: str
    nodes: list[GraphNode] = field(default_factory=list)
    lost: dict[str, list[Vertex]] = field(default_factory=lambda: defaultdict(list))
    elsewhere: set[int] = field(default_factory=set)
    units: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vertices, children = self.graph.vertices, self.graph.children
        self.containers = {vertices[v].kind for v, below in enumerate(children) if below}
        listed = [v for root in self.graph.roots for v in self.graph.within(root) if vertices[v].kind == "node"]
        self.ranked = any(vertices[v].rank >= 0 for v in listed)
        self.rank_of = {v: vertices[v].rank if self.ranked else n for n, v in enumerate(listed)}

    def read(self) -> GraphMachine:
        groups: Json = {}
        amounts: Amounts = {}
        for root in self.graph.roots:
            self._above(root, groups, amounts, Amounts(), depth=0)
        self.nodes.sort(key=lambda node: node.rank)
        for before, node in zip(self.nodes, self.nodes[1:], strict=False):
            if before.rank == node.rank:
                raise ValueError(f"{self.place}: {shown(before.name)} and {shown(node.name)} are both rank {node.rank}")
        for why, vertices in self.lost.items():
            logger.warning("%s: %s: %s", self.place, named(vertices), why)
        elsewhere = sorted(self.elsewhere.difference(node.rank for node in self.nodes))
        if elsewhere:
            logger.warning("%s: ranks %s: their cores stand in no node; left out", self.place, IdSet.of(elsewhere))
        return GraphMachine(tuple(self.nodes), groups, tuple(elsewhere), self.ranked)

    # -- above the nodes --

    def _above(self, v: int, into: Json, own: Amounts, total: Amounts, depth: int) -> bool:
        """Put a vertex into the object of the group around it, and tell whether it is, or has, a node.

        Parameters
        ----------
        into : the object: `ranks` as a list, the groups by level.
        own : what the group around it lists itself.
        total : the same with what stands in the groups and nodes below it.
        """
        vertex = self.graph.vertices[v]
        if depth > MAX_DEPTH:
            raise ValueError(f"{self.place}: {shown(vertex.name)} stands below more than {MAX_DEPTH} levels")
        if vertex.kind == "node":
            return self._node(v, into, total)
        below = self.graph.children[v]
        if not below:
            self._leaf(vertex, own, total)
            return False
        group: Json = {}
        mine, all_of_it = Amounts(), Amounts()
        found = [self._above(child, group, mine, all_of_it, depth + 1) for child in below]
        if not any(found):
            if vertex.rank >= 0 and any(self.graph.vertices[child].kind == "core" for child in below):
                self.elsewhere.add(vertex.rank)
            _add(own, mine)
            _add(total, all_of_it)
            return False
        _add(total, all_of_it)
        group.update({name: _written(name, all_of_it[name]) for name in mine})
        if depth == 0 and vertex.kind == "cluster":
            into.update(group)
        else:
            into.setdefault(vertex.kind, []).append(group)
        return True

    def _leaf(self, vertex: Vertex, *sums: Amounts) -> None:
        if vertex.kind in _IDS:
            self.lost["in no node, left out"].append(vertex)
        elif vertex.kind not in self.containers:
            amount = {vertex.kind: self._amount(vertex)}
            for amounts in sums:
                _add(amounts, amount)

    def _amount(self, vertex: Vertex) -> Fraction:
        if vertex.down:
            self.lost["down in the graph, left out"].append(vertex)
            return Fraction(0)
        each = _GIB.get(vertex.unit)
        unit = "GiB" if each is not None or not vertex.unit else vertex.unit
        if self.units.setdefault(vertex.kind, unit) != unit:
            raise ValueError(
                f"{self.place}: {shown(vertex.kind)} in {shown(self.units[vertex.kind])}, and in {shown(unit)}"
            )
        return Fraction(vertex.size) if each is None else vertex.size * each

    # -- in a node --

    def _node(self, v: int, into: Json, total: Amounts) -> bool:
        vertex = self.graph.vertices[v]
        rank = self.rank_of[v]
        if rank < 0:
            self.lost["without a rank where others have one, left out"].append(vertex)
            return False
        if vertex.down:
            self.lost["down in the graph, which R does not say: mark it down"].append(vertex)
        ids: dict[str, list[tuple[Vertex, Json]]] = {"core": [], "gpu": []}
        topo = self._inside(v, ids, total, depth=0)
        masks = {kind: _numbered(kind, found) for kind, found in ids.items()}
        self.nodes.append(GraphNode(rank, vertex.name, topo, masks["core"], masks["gpu"], vertex.properties))
        into.setdefault("ranks", []).append(rank)
        return True

    def _inside(self, v: int, ids: dict[str, list[tuple[Vertex, Json]]], total: Amounts, depth: int) -> Json:
        """Return the RFC 49 object of a domain, its ids still to be written."""
        if depth > MAX_DEPTH:
            raise ValueError(
                f"{self.place}: {shown(self.graph.vertices[v].name)} is below more than {MAX_DEPTH} levels"
            )
        domain: Json = {}
        amounts = Amounts()
        for child in self.graph.children[v]:
            vertex = self.graph.vertices[child]
            if vertex.kind in ids:
                ids[vertex.kind].append((vertex, domain))
            elif vertex.kind == "node":
                self.lost["a node in a node, left out"].append(vertex)
            elif self.graph.children[child]:
                domain.setdefault(vertex.kind, []).append(self._inside(child, ids, total, depth + 1))
            else:
                self._leaf(vertex, amounts, total)
        domain.update({name: _written(name, amount) for name, amount in amounts.items()})
        return domain


def _add(amounts: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        amounts[name] = amounts.get(name, Fraction(0)) + amount


def _written(name: str, amount: Fraction) -> int | float:
    """Return an amount as R has it: whole numbers, never more than there is, but of storage."""
    return float(amount) if name == "storage" and amount.denominator != 1 else amount.numerator // amount.denominator


def _numbered(kind: str, found: Sequence[tuple[Vertex, Json]]) -> int:
    """Write the ids of cores or GPUs to their domains, and return the bitmask of all.

    Ids that are not there, not unique in the node or of pools of several are given anew, in the order of the graph.
    """
    numbers = [vertex.number for vertex, _ in found]
    known = set(numbers)
    anew = None in known or len(known) < len(found) or any(vertex.size != 1 for vertex, _ in found)
    anew = anew or max((number for number in numbers if number is not None), default=0) > MAX_LOCAL_ID
    masks: dict[int, tuple[Json, int]] = {}
    everything = next_id = 0
    for (vertex, domain), number in zip(found, numbers, strict=True):
        first = next_id if anew or number is None else number
        size = min(vertex.size, MAX_LOCAL_ID + 2)
        next_id += size
        if next_id > MAX_LOCAL_ID + 1:
            raise ValueError(f"{shown(vertex.path or vertex.name)}: more than {MAX_LOCAL_ID + 1} of {kind} in a node")
        mask = ((1 << size) - 1) << first
        everything |= mask
        masks[id(domain)] = domain, masks.get(id(domain), (domain, 0))[1] | mask
    for domain, mask in masks.values():
        domain[_IDS[kind]] = mask_text(mask)
    return everything
