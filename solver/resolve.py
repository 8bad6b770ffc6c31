"""From a request's vertices to a demand: what each vertex means on this machine, and which counts are to be chosen.

SPEC 2: every vertex keeps its place, none is ignored in silence. The walk carries down whether it is inside a slot
and whether a node has been passed; what is legal in RFC 14 and cannot exist on this machine is infeasible, and the
message names the vertex.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ..grammar.jobspec import Vertex
from ..grammar.unit import gib
from ..topology.machine import Machine
from .demand import Bundle, Demand, GroupDemand, HostDemand, Kind, Want
from .domain_state import MEASURED, MIB_PER_GIB
from .errors import InfeasibleRequest
from .options import Options

MOST_SLOT_TYPES = 64
MOST_VERTICES = 1000
"""Requests of more are refused: the search would not end, whatever the time limit."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class Choice:
    """A vertex whose count is to be chosen.

    Attributes
    ----------
    vertex
        Its admissible counts are ``vertex.count``.
    most
        No placement has more.
    """

    vertex: Vertex
    most: int


class Problem:
    """A request on a machine.

    Attributes
    ----------
    choices
        The vertices that leave a choice of count, in pre-order.
    """

    def __init__(self, machine: Machine, options: Options, vertices: tuple[Vertex, ...], warn: Log) -> None:
        self._resolver = Resolver(machine, options, warn)
        self._vertices = self._resolver.known(vertices)
        self._check_size()
        self.choices = tuple(self._resolver.choices(self._vertices))
        self._demands: dict[tuple[int, ...], Demand] = {}

    def _check_size(self) -> None:
        every = [below for vertex in self._vertices for below in vertex.walk()]
        slots = sum(1 for vertex in every if vertex.is_slot)
        if slots > MOST_SLOT_TYPES:
            raise InfeasibleRequest(f"{slots} slot types in one request; this pool decides up to {MOST_SLOT_TYPES} together")
        if len(every) > MOST_VERTICES:
            raise InfeasibleRequest(f"{len(every)} vertices in one request; this pool decides up to {MOST_VERTICES} together")

    @cached_property
    def uneven(self) -> frozenset[int]:
        """The choices, by place, of which a larger count may fit where a smaller one does not.

        Counts inside a slot that takes amounts: those come from the domains of its cores, and fewer cores have fewer.
        """
        amounts = self._resolver.amounts
        paths: set[str] = set()
        for slot in (below for vertex in self._vertices for below in vertex.walk() if below.is_slot):
            inside = list(slot.walk())[1:]
            if any(v.type in amounts for v in inside):
                paths |= {v.path for v in inside if v.type not in amounts}
        return frozenset(i for i, choice in enumerate(self.choices) if choice.vertex.path in paths)

    @cached_property
    def without_amounts(self) -> Problem:
        """The same request with no amounts inside slots: what does not fit there does not fit here."""
        relaxed = object.__new__(Problem)
        relaxed._resolver = self._resolver
        relaxed._vertices = tuple(_without(v, self._resolver.amounts, in_slot=False) for v in self._vertices)
        relaxed.choices = tuple(self._resolver.choices(relaxed._vertices))
        relaxed._demands = {}
        return relaxed

    @property
    def least(self) -> tuple[int, ...]:
        """The smallest admissible counts."""
        return tuple(choice.vertex.count.min for choice in self.choices)

    def demand(self, sizes: tuple[int, ...]) -> Demand:
        """Return the request with these counts chosen."""
        demand = self._demands.get(sizes)
        if demand is None:
            if len(self._demands) > 1000:
                self._demands.clear()
            counts = {c.vertex.path: size for c, size in zip(self.choices, sizes, strict=True)}
            demand = self._demands[sizes] = self._resolver.demand(self._vertices, counts, sizes)
        return demand


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


class Resolver:
    """Knows what types mean on one machine."""

    def __init__(self, machine: Machine, options: Options, warn: Log) -> None:
        self.machine = machine
        self.options = options
        self.warn = warn
        self.levels = set(machine.levels)
        self.groups = set(machine.group_levels)
        domains = [domain for node_type in machine.types for domain in node_type.domains]
        self.amounts = {name for domain in domains for name, _ in domain.resources}
        self.amounts |= {name for group in machine.groups for name, _ in group.resources}
        self.amounts |= {"memory"} if any(domain.memory is not None for domain in domains) else set()
        self.amounts |= {"storage"} if any(domain.storage is not None for domain in domains) else set()

    # -- which vertices there are ---------------------------------------------------------------------------------

    def known(self, vertices: tuple[Vertex, ...]) -> tuple[Vertex, ...]:
        """Return the vertices without those whose type the machine lacks, or refuse the request because of them."""
        kept: list[Vertex] = []
        for vertex in vertices:
            children = self.known(vertex.children)
            if self._is_known(vertex.type):
                kept.append(replace(vertex, children=children))
            elif vertex.type == "cluster":
                if vertex.count.largest(1) is None:
                    raise InfeasibleRequest(f"{vertex.path}: asks for {vertex.count} clusters, this is one")
                kept.extend(children)
            elif self.options.unknown_types == "ignore":
                self.warn(f"{vertex.path}: this machine has no {vertex.type}; passed over")
                kept.extend(children)
            else:
                raise InfeasibleRequest(f"{vertex.path}: this machine has no {vertex.type}")
        return tuple(kept)

    def _is_known(self, name: str) -> bool:
        fixed = ("slot", "node", "core", "gpu")
        return name in fixed or name in self.levels or name in self.groups or name in self.amounts

    def choices(self, vertices: tuple[Vertex, ...]) -> list[Choice]:
        """Return the vertices that leave a choice, in pre-order."""
        every = (below for vertex in vertices for below in vertex.walk())
        return [Choice(vertex, self._most(vertex)) for vertex in every if not vertex.count.is_fixed]

    def _most(self, vertex: Vertex) -> int:
        machine = self.machine
        if vertex.type == "node":
            return machine.size
        if vertex.type in self.groups:
            return sum(1 for group in machine.groups if group.level == vertex.type)
        most = 0
        for mask, node_type in zip(machine.type_masks, machine.types, strict=True):
            node = node_type.domains[0]
            each = node.cores.bit_count() + node.gpus.bit_count() + len(node_type.domains)
            most += each * mask.bit_count()
        if vertex.type in self.amounts:
            return self._total(vertex)
        return most

    def _total(self, vertex: Vertex) -> int:
        """Return how much there is of an amount, in the vertex' unit."""
        total = sum(int(amount) for group in self.machine.groups for n, amount in group.resources if n == vertex.type)
        for mask, node_type in zip(self.machine.type_masks, self.machine.types, strict=True):
            for domain in node_type.domains:
                own = {"memory": domain.memory, "storage": domain.storage, **dict(domain.resources)}.get(vertex.type)
                total += math.ceil(own or 0) * mask.bit_count()
        return math.ceil(total / gib(1, vertex.unit)) if vertex.type in MEASURED else total

    # -- what they mean -------------------------------------------------------------------------------------------

    def demand(self, vertices: tuple[Vertex, ...], counts: Mapping[str, int], sizes: tuple[int, ...]) -> Demand:
        """Return the demand with the counts of the choices."""
        builder = _Builder(self, counts)
        hosts, groups, amounts = builder.above_node(vertices, _Place())
        return Demand(GroupDemand("", 1, hosts, groups, amounts), builder.nslots(vertices, 1), sizes)

    def check_in_groups(self, vertex: Vertex) -> None:
        """Refuse an amount that stands above the nodes and is listed in nodes alone: no node would be chosen for it."""
        if not any(name == vertex.type for group in self.machine.groups for name, _ in group.resources):
            raise InfeasibleRequest(
                f"{vertex.path}: here {vertex.type} is a thing of nodes: ask for it below a node or a slot"
            )

    def is_domain(self, vertex: Vertex) -> bool:
        """Tell whether a vertex stands for a node, a group of nodes or a part of a node."""
        return vertex.type == "node" or vertex.type in self.levels or vertex.type in self.groups

    def has_domain(self, vertex: Vertex) -> bool:
        """Tell whether a domain stands below the vertex."""
        return any(self.is_domain(below) for child in vertex.children for below in child.walk())

    def takes_whole(self, vertex: Vertex, slot: str, *, bare: bool) -> bool:
        """Tell whether a domain vertex asks for all of the domain.

        Parameters
        ----------
        slot
            The label of the slot that it stands in.
        bare
            Whether that slot asks for no core and no GPU anywhere, and so takes its innermost domains whole.
        """
        if vertex.exclusive is not None:
            return vertex.exclusive
        if not vertex.children or (bare and not self.has_domain(vertex)):
            return True
        return bool(slot) and self.options.slot_exclusive == "rfc14"


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

    def _on_one_node(
        self, vertices: tuple[Vertex, ...], place: _Place, hosts: list[HostDemand]
    ) -> tuple[Vertex, ...]:
        """Put what a slot asks for in a group, but in no node, on one node; return the other vertices."""
        resolver = self.resolver
        above = ("node", *resolver.groups, *resolver.amounts)
        loose = tuple(vertex for vertex in vertices if vertex.type not in above)
        if loose:
            if place.groups_per_slot > 1:
                raise InfeasibleRequest(f"{loose[0].path}: a slot that names no node stands on one node")
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
        bundle = Bundle((*bundle.wants, want), whole=bundle.whole, slot=bundle.slot, piece=bundle.piece, ids=bundle.ids)
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
            wants, whole=whole, slot=place.slot, piece=bool(place.slot) and place.nodes_per_slot > 1, ids=vertex.id
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
            raise InfeasibleRequest(f"{slot.path}: asks for no core, no gpu and no whole domain")

    def _childless(self, vertex: Vertex) -> None:
        if vertex.children:
            below = vertex.children[0]
            raise InfeasibleRequest(f"{below.path}: no {below.type} stands inside a {vertex.type}")


def _without(vertex: Vertex, amounts: set[str], *, in_slot: bool) -> Vertex:
    """Return a vertex without the amounts in the slots below it, as long as something is left."""
    inside = in_slot or vertex.is_slot
    kept = tuple(child for child in vertex.children if not (inside and child.type in amounts))
    children = tuple(_without(child, amounts, in_slot=inside) for child in kept or vertex.children)
    return replace(vertex, children=children)


def takes(vertex: Vertex) -> bool:
    """Tell whether a vertex or anything below asks for a core or a GPU."""
    return any(below.type in ("core", "gpu") for below in vertex.walk())
