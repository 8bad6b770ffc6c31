"""From vertices with counts to a demand: the tree cut at the node, counts multiplied down.

The walk carries down in which slot a vertex stands, and whether a node has been passed. What stands above the nodes
becomes group demands, a node vertex a host demand, and a slot that names no node loose units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...grammar.jobspec import Vertex
from ...grammar.unit import gib
from ..errors import InfeasibleRequest
from ..state.domain_state import MEASURED, MIB_PER_GIB
from .demand import Bundle, Demand, GroupDemand, HostDemand, Kind, Want
from .resolve import Resolver, takes


def build_demand(
    resolver: Resolver, vertices: tuple[Vertex, ...], counts: Mapping[str, int], sizes: tuple[int, ...]
) -> Demand:
    """Return the demand of vertices.

    Parameters
    ----------
    counts
        What was chosen for the vertices that leave a choice, by path.
    sizes
        The same in pre-order.
    """
    vertices, counts = _multiplied(resolver, vertices, counts)
    builder = _Builder(resolver, counts)
    hosts, groups, amounts = builder.above_node(vertices, _Place())
    return Demand(GroupDemand("", 1, hosts, groups, amounts), builder.nslots(vertices, 1), sizes)


def _multiplied(
    resolver: Resolver, vertices: tuple[Vertex, ...], counts: Mapping[str, int]
) -> tuple[tuple[Vertex, ...], Mapping[str, int]]:
    """Take out the vertices whose type the machine lacks, their counts multiplied into what stands below them."""
    if all(resolver.is_known(below.type) for vertex in vertices for below in vertex.walk()):
        return vertices, counts
    multiplied = dict(counts)

    def without(vertices: tuple[Vertex, ...], times: int) -> tuple[Vertex, ...]:
        kept: list[Vertex] = []
        for vertex in vertices:
            count = counts.get(vertex.path, vertex.count.min) * times
            if resolver.is_known(vertex.type):
                multiplied[vertex.path] = count
                kept.append(replace(vertex, children=without(vertex.children, 1)))
            else:
                kept.extend(without(vertex.children, count))
        return tuple(kept)

    return without(vertices, 1), multiplied


@dataclass(frozen=True)
class _Place:
    """What a vertex above the node stands in.

    Attributes
    ----------
    times
        How many slots there are, where the vertex stands right below one.
    slot, nodes_per_slot, groups_per_slot
        The slot's label, of how many nodes it is made, and in how many groups the vertex stands for each slot.
    bare
        Whether the slot asks for no core and no GPU anywhere.
    """

    times: int = 1
    slot: str = ""
    nodes_per_slot: int = 1
    groups_per_slot: int = 1
    bare: bool = False


class _Builder:
    """One pass over the vertices with all counts known."""

    def __init__(self, resolver: Resolver, counts: Mapping[str, int]) -> None:
        self.resolver = resolver
        self.counts = counts

    def count(self, vertex: Vertex) -> int:
        return self.counts.get(vertex.path, vertex.count.min)

    def nslots(self, vertices: tuple[Vertex, ...], times: int) -> int:
        total = 0
        for vertex in vertices:
            here = times * self.count(vertex)
            total += here if vertex.type == "slot" else self.nslots(vertex.children, here)
        return total

    def above_node(
        self, vertices: tuple[Vertex, ...], place: _Place
    ) -> tuple[tuple[HostDemand, ...], tuple[GroupDemand, ...], tuple[tuple[str, int], ...]]:
        """Split vertices that stand above the node into hosts, groups and the group's own amounts."""
        hosts: list[HostDemand] = []
        groups: list[GroupDemand] = []
        amounts: list[tuple[str, int]] = []
        if place.slot:
            vertices = self._on_one_node(vertices, place, hosts)
        for vertex in vertices:
            count = self.count(vertex) * place.times
            if vertex.type == "node":
                hosts.append(self._node(vertex, count, place))
            elif vertex.type in self.resolver.groups:
                groups.append(self._group(vertex, count, place))
            elif vertex.type == "slot":
                more = self._slot(vertex, count)
                hosts += more[0]
                groups += more[1]
                amounts += more[2]
            elif vertex.type in self.resolver.amounts:
                self.resolver.check_in_groups(vertex)
                amounts.append((vertex.type, self._amount(vertex) * place.times))
            else:
                unit = replace(self.want(vertex, place.slot), count=1)
                hosts.append(HostDemand(Bundle((unit,), slot=place.slot), count, loose=True, path=vertex.path))
        return tuple(hosts), tuple(groups), tuple(amounts)

    def _on_one_node(self, vertices: tuple[Vertex, ...], place: _Place, hosts: list[HostDemand]) -> tuple[Vertex, ...]:
        """Put what a slot asks for in a group, but in no node, on one node; return the other vertices."""
        resolver = self.resolver
        above = ("node", *resolver.groups, *resolver.amounts)
        loose = tuple(vertex for vertex in vertices if vertex.type not in above)
        if loose:
            if place.groups_per_slot > 1:
                raise InfeasibleRequest(
                    f"{loose[0].path}: a slot that names no node stands on one node; say which nodes each group has"
                )
            wants = tuple(self.want(vertex, place.slot, bare=place.bare) for vertex in loose)
            unit = Want(Kind.SLOT, "slot", 1, label=place.slot, wants=wants, path=loose[0].path)
            hosts.append(HostDemand(Bundle((unit,)), place.times, loose=True, path=loose[0].path))
        return tuple(vertex for vertex in vertices if vertex not in loose)

    def _slot(
        self, vertex: Vertex, count: int
    ) -> tuple[tuple[HostDemand, ...], tuple[GroupDemand, ...], tuple[tuple[str, int], ...]]:
        """Give a slot above the node nodes of its own where it names them, else any."""
        above = [c for c in vertex.children if c.type == "node" or c.type in self.resolver.groups]
        label = vertex.label or ""
        if not above:
            unit = replace(self.want(vertex, ""), count=1)
            return (HostDemand(Bundle((unit,)), count, loose=True, path=vertex.path),), (), ()
        self._ask_something(vertex)
        bare = not takes(vertex)
        nodes = sum(self._nodes(child, label, bare=bare) for child in above)
        hosts, groups, amounts = self.above_node(tuple(above), _Place(count, label, nodes, bare=bare))
        rest = tuple(child for child in vertex.children if child not in above)
        if any(child.type not in self.resolver.amounts for child in rest):
            bad = next(child for child in rest if child.type not in self.resolver.amounts)
            raise InfeasibleRequest(f"{bad.path}: stands in no node, beside {above[0].path} in one slot")
        for child in rest:
            amount = (child.type, self._amount(child))
            hosts, groups = self._beside(hosts, groups, amount, count, child)
        return hosts, groups, amounts

    def _beside(
        self,
        hosts: tuple[HostDemand, ...],
        groups: tuple[GroupDemand, ...],
        amount: tuple[str, int],
        count: int,
        vertex: Vertex,
    ) -> tuple[tuple[HostDemand, ...], tuple[GroupDemand, ...]]:
        """Put an amount that stands beside a slot's one node into that node's bundle: it may reach the groups."""
        if len(hosts) != 1 or groups or hosts[0].count != count:
            raise InfeasibleRequest(f"{vertex.path}: stands beside several nodes in one slot; say it of each node")
        host = hosts[0]
        want = Want(Kind.AMOUNT, amount[0], amount[1], path=vertex.path)
        bundle = host.bundle
        bundle = Bundle(
            (*bundle.wants, want), whole=bundle.whole, slot=bundle.slot, slot_part=bundle.slot_part, ids=bundle.ids
        )
        return (replace(host, bundle=bundle),), groups

    def _nodes(self, vertex: Vertex, slot: str, *, bare: bool) -> int:
        """Return how many nodes a vertex above or at the node makes, several for a group that is taken whole."""
        count = self.count(vertex)
        if vertex.type == "node":
            return count
        if self.resolver.takes_whole(vertex, slot, bare=bare):
            return 2 * count
        return count * sum(self._nodes(child, slot, bare=bare) for child in vertex.children)

    def _group(self, vertex: Vertex, count: int, place: _Place) -> GroupDemand:
        whole = self._whole(vertex, place.slot, bare=place.bare)
        inside = replace(place, times=1, groups_per_slot=place.groups_per_slot * self.count(vertex))
        hosts, groups, amounts = self.above_node(vertex.children, inside)
        return GroupDemand(
            vertex.type,
            count,
            hosts,
            groups,
            amounts,
            whole,
            place.slot,
            vertex.id,
            inside.groups_per_slot,
            path=vertex.path,
        )

    def _node(self, vertex: Vertex, count: int, place: _Place) -> HostDemand:
        whole = self._whole(vertex, place.slot, bare=place.bare)
        wants = tuple(self.want(child, place.slot, bare=place.bare) for child in vertex.children)
        bundle = Bundle(
            wants, whole=whole, slot=place.slot, slot_part=bool(place.slot) and place.nodes_per_slot > 1, ids=vertex.id
        )
        per_slot = self.count(vertex) * place.groups_per_slot
        return HostDemand(bundle, count, per_slot=per_slot, path=vertex.path)

    def _whole(self, vertex: Vertex, slot: str, *, bare: bool) -> bool:
        whole = self.resolver.takes_whole(vertex, slot, bare=bare)
        if not whole and not vertex.children:
            raise InfeasibleRequest(f"{vertex.path}: exclusive is false and nothing stands below: it asks for nothing")
        return whole

    def want(self, vertex: Vertex, slot: str, *, bare: bool = False) -> Want:
        """Return a vertex below the node with its count.

        Parameters
        ----------
        slot
            The label of the slot that it stands in.
        bare
            Whether that slot asks for no core and no GPU anywhere, and so takes its innermost domains whole.
        """
        count, name = self.count(vertex), vertex.type
        if name in ("node", "slot") or name in self.resolver.groups:
            if slot or name != "slot":
                raise InfeasibleRequest(f"{vertex.path}: a {name} does not stand inside what is around it")
            self._ask_something(vertex)
            if vertex.id is not None:
                raise InfeasibleRequest(f"{vertex.path}: a slot has no ids")
            bare = not takes(vertex)
            wants = tuple(self.want(child, vertex.label or "", bare=bare) for child in vertex.children)
            return Want(Kind.SLOT, name, count, label=vertex.label or "", wants=wants, path=vertex.path)
        if name in ("core", "gpu"):
            kind = Kind.CORE if name == "core" else Kind.GPU
            self._childless(vertex)
            return Want(kind, name, count, ids=vertex.id, path=vertex.path)
        if name in self.resolver.amounts:
            self._childless(vertex)
            if vertex.id is not None:
                raise InfeasibleRequest(f"{vertex.path}: {name} has no ids")
            return Want(Kind.AMOUNT, name, self._amount(vertex), path=vertex.path)
        whole = self._whole(vertex, slot, bare=bare)
        wants = tuple(self.want(child, slot, bare=bare) for child in vertex.children)
        return Want(Kind.DOMAIN, name, count, whole, ids=vertex.id, wants=wants, path=vertex.path)

    def _amount(self, vertex: Vertex) -> int:
        count = self.count(vertex)
        if vertex.type in MEASURED:
            return math.ceil(count * gib(1, vertex.unit) * MIB_PER_GIB)
        return count

    def _ask_something(self, slot: Vertex) -> None:
        resolver = self.resolver
        below = (vertex for child in slot.children for vertex in child.walk() if resolver.is_domain(vertex))
        if not takes(slot) and not any(resolver.takes_whole(v, slot.label or "", bare=True) for v in below):
            beside = next((v.path for v in slot.walk() if v.type in resolver.amounts), "")
            where = f" beside {beside}" if beside else ""
            raise InfeasibleRequest(
                f"{slot.path}: asks for no core, no gpu and no whole domain: add core=1{where}, or a domain ({{x}})"
            )

    def _childless(self, vertex: Vertex) -> None:
        if vertex.children:
            below = vertex.children[0]
            raise InfeasibleRequest(f"{below.path}: no {below.type} stands inside a {vertex.type}")
