"""From vertices with counts to a demand: the tree cut at the node, counts multiplied down.

The walk carries down in which slot a vertex stands. What stands above the nodes becomes group demands, a node vertex a
host demand, and a slot that names no node loose units; what stands below the node is made by `wants`. A slot that holds
slots is no task slot: its nodes are asked for as if they stood in none, each with its inner slots; what it asks for
without naming a node is a unit that stands on one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from ...grammar.jobspec import Vertex
from ..errors import InfeasibleRequest
from .demand import Bundle, Demand, GroupDemand, HostDemand, Kind, SlotAmount, Want
from .resolve import Resolver
from .wants import NOWHERE, Around, WantBuilder, in_slot


class Parts(NamedTuple):
    """What a group, or the machine, must give: see `GroupDemand`."""

    hosts: tuple[HostDemand, ...] = ()
    groups: tuple[GroupDemand, ...] = ()
    amounts: tuple[tuple[str, int], ...] = ()
    slot_amounts: tuple[SlotAmount, ...] = ()


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
    root = GroupDemand("", 1, **builder.above_node(vertices, _Place())._asdict())
    return Demand(root, builder.nslots(vertices, 1), sizes)


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
    around
        The slot.
    nodes_per_slot, groups_per_slot
        Of how many nodes the slot is made, and in how many groups the vertex stands for each slot.
    path
        Of the slot; empty where there is none.
    has_gpus
        Whether the slot asks for GPUs on any of its nodes.
    """

    times: int = 1
    around: Around = NOWHERE
    nodes_per_slot: int = 1
    groups_per_slot: int = 1
    path: str = ""
    has_gpus: bool = False


class _Builder(WantBuilder):
    """One pass over the vertices with all counts known."""

    def nslots(self, vertices: tuple[Vertex, ...], times: int) -> int:
        """Return how many slots there are; of a slot that holds slots, these."""
        total = 0
        for vertex in vertices:
            here = times * self.count(vertex)
            innermost = vertex.is_slot and not vertex.holds_slots
            total += here if innermost else self.nslots(vertex.children, here)
        return total

    def above_node(self, vertices: tuple[Vertex, ...], place: _Place) -> Parts:
        """Split vertices that stand above the node into hosts, groups and the group's own amounts."""
        hosts: list[HostDemand] = []
        groups: list[GroupDemand] = []
        amounts: list[tuple[str, int]] = []
        slot_amounts: list[SlotAmount] = []
        if place.around.in_slot:
            vertices = self._on_one_node(vertices, place, hosts)
        for vertex in vertices:
            count = self.count(vertex) * place.times
            if vertex.type == "node":
                hosts.append(self._node(vertex, count, place))
            elif vertex.type in self.resolver.groups:
                groups.append(self._group(vertex, count, place))
            elif vertex.type == "slot":
                more = self._slot(vertex, count)
                hosts += more.hosts
                groups += more.groups
                amounts += more.amounts
                slot_amounts += more.slot_amounts
            elif vertex.type in self.resolver.amounts:
                self.resolver.check_in_groups(vertex)
                amounts.append((vertex.type, self.amount(vertex) * place.times))
            else:
                unit = replace(self.want(vertex, place.around), count=1)
                hosts.append(HostDemand(Bundle((unit,), slot=place.around.slot), count, loose=True, path=vertex.path))
        return Parts(tuple(hosts), tuple(groups), tuple(amounts), tuple(slot_amounts))

    def _names_nodes(self, vertex: Vertex) -> bool:
        """Tell whether a vertex is a node or a group, or a slot of such."""
        if vertex.is_slot:
            return any(self._names_nodes(child) for child in vertex.children)
        return vertex.type == "node" or vertex.type in self.resolver.groups

    def _on_one_node(self, vertices: tuple[Vertex, ...], place: _Place, hosts: list[HostDemand]) -> tuple[Vertex, ...]:
        """Put what a slot asks for in a group, but in no node, on one node; return the other vertices."""
        loose = tuple(v for v in vertices if v.type not in self.resolver.amounts and not self._names_nodes(v))
        if loose:
            if place.groups_per_slot > 1:
                raise InfeasibleRequest(
                    f"{loose[0].path}: a slot that names no node stands on one node; say which nodes each group has"
                )
            wants = self.wants(loose, place.around)
            if place.around.slot:
                wants = (Want(Kind.SLOT, "slot", 1, label=place.around.slot, wants=wants, path=loose[0].path),)
            hosts.append(HostDemand(Bundle(wants), place.times, loose=True, path=loose[0].path))
        return tuple(vertex for vertex in vertices if vertex not in loose)

    def _slot(self, vertex: Vertex, count: int) -> Parts:
        """Give a slot above the node nodes of its own where it names them, else any."""
        above = tuple(child for child in vertex.children if self._names_nodes(child))
        if not above:
            if vertex.holds_slots:
                self.check_slot(vertex)
                wants = self.wants(vertex.children, in_slot(vertex))
            else:
                wants = (replace(self.want(vertex, NOWHERE), count=1),)
            return Parts((HostDemand(Bundle(wants), count, loose=True, path=vertex.path),))
        self.check_slot(vertex)
        around = in_slot(vertex)
        nodes = max(1, sum(self._nodes(child, around) for child in above)) if around.slot else 1
        has_gpus = self._has_gpus(vertex, around)
        parts = self.above_node(above, _Place(count, around, nodes, path=vertex.path, has_gpus=has_gpus))
        hosts = list(_hosts(parts)) if around.slot else []
        loose = next((host for host in hosts if host.loose), None)
        if loose is not None and len(hosts) > 1:
            raise InfeasibleRequest(f"{loose.path}: stands in no node, beside nodes of one slot: say in which node")
        for child in vertex.children:
            if child in above:
                continue
            if child.type not in self.resolver.amounts:
                raise InfeasibleRequest(f"{child.path}: stands in no node, beside {above[0].path} in one slot")
            parts = self._beside(parts, around.slot if nodes > 1 else "", count, child)
        return parts

    def _beside(self, parts: Parts, slot: str, count: int, vertex: Vertex) -> Parts:
        """Add an amount that stands in a slot beside its nodes: that of the one node is asked of the groups with it.

        Parameters
        ----------
        slot
            The label of the slot if it has several nodes; else empty.
        count
            How many slots there are.
        """
        above = self.resolver.is_in_groups(vertex.type)
        if slot and above:
            amount = SlotAmount(slot, vertex.type, self.amount(vertex), path=vertex.path)
            return parts._replace(slot_amounts=(*parts.slot_amounts, amount))
        want = Want(Kind.AMOUNT, vertex.type, self.amount(vertex), above=above, path=vertex.path)
        hosts, groups = parts.hosts, parts.groups
        if len(hosts) == 1 and not groups and hosts[0].count == count:
            return parts._replace(hosts=(_with_want(hosts[0], want),))
        if not hosts and len(groups) == 1 and groups[0].count == count and above:
            return parts._replace(groups=(self._in_group(groups[0], vertex, want),))
        raise InfeasibleRequest(f"{vertex.path}: stands beside several nodes in one slot; say it of each node")

    def _in_group(self, group: GroupDemand, vertex: Vertex, want: Want) -> GroupDemand:
        """Add an amount to the one node that stands in a group vertex of a slot, at any depth."""
        inside = Parts(group.hosts, group.groups, group.amounts, group.slot_amounts)
        if len(inside.hosts) == 1 and not inside.groups and inside.hosts[0].count == 1:
            return replace(group, hosts=(_with_want(inside.hosts[0], want),))
        if not inside.hosts and len(inside.groups) == 1 and inside.groups[0].count == 1:
            return replace(group, groups=(self._in_group(inside.groups[0], vertex, want),))
        raise InfeasibleRequest(f"{vertex.path}: stands beside several nodes in one slot; say it of each node")

    def _has_gpus(self, vertex: Vertex, around: Around) -> bool:
        """Tell whether something at or below a vertex surely has GPUs."""
        return any(self.resolver.brings_gpus(below, bare=around.bare) for below in vertex.walk())

    def _nodes(self, vertex: Vertex, around: Around) -> int:
        """Return how many nodes a vertex above or at the node makes, several for a group that is taken whole."""
        count = self.count(vertex)
        if vertex.type == "node":
            return count
        if vertex.type not in self.resolver.groups:
            return 0
        if self.resolver.takes_whole(vertex, in_slot=around.in_slot, bare=around.bare):
            return 2 * count
        return count * sum(self._nodes(child, around) for child in vertex.children)

    def _group(self, vertex: Vertex, count: int, place: _Place) -> GroupDemand:
        whole = self.whole(vertex, place.around)
        shared = bool(place.around.slot) and not whole
        inside = replace(place, times=1, groups_per_slot=place.groups_per_slot * self.count(vertex))
        parts = self.above_node(vertex.children, inside)
        return GroupDemand(
            vertex.type,
            count,
            **parts._asdict(),
            whole=whole,
            slot=place.around.slot,
            ids=vertex.id,
            per_slot=inside.groups_per_slot,
            shared=place.path if shared else "",
            most=place.times if shared else 1,
            path=vertex.path,
        )

    def _node(self, vertex: Vertex, count: int, place: _Place) -> HostDemand:
        around = place.around
        whole = self.whole(vertex, around)
        wants = self.wants(vertex.children, around)
        slot_part = bool(around.slot) and place.nodes_per_slot > 1
        elsewhere = slot_part and place.has_gpus and not self._has_gpus(vertex, around)
        bundle = Bundle(
            wants,
            whole=whole,
            slot=around.slot,
            slot_part=slot_part,
            ids=vertex.id,
            gpus_elsewhere=elsewhere,
        )
        per_slot = self.count(vertex) * place.groups_per_slot
        return HostDemand(bundle, count, per_slot=per_slot, path=vertex.path)


def _hosts(parts: Parts | GroupDemand) -> Iterator[HostDemand]:
    yield from parts.hosts
    for below in parts.groups:
        yield from _hosts(below)


def _with_want(host: HostDemand, want: Want) -> HostDemand:
    """Return a host demand of which each node, or the slot that stands on any, gives one thing more."""
    bundle = host.bundle
    if host.loose and len(bundle.wants) == 1 and bundle.wants[0].kind is Kind.SLOT:
        (slot,) = bundle.wants
        return replace(host, bundle=Bundle((replace(slot, wants=(*slot.wants, want)),)))
    return replace(host, bundle=bundle.but(wants=(*bundle.wants, want)))
