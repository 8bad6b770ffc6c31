"""What the vertices of a request mean on one machine.

Every vertex keeps its place, none is ignored in silence. What is legal in RFC 14 and cannot exist on this
machine is infeasible, and the message names the vertex.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import is_
from weakref import WeakKeyDictionary

from ...grammar.jobspec import Vertex
from ...grammar.suggest import hint
from ...grammar.unit import gib
from ...topology.machine import Machine
from ...topology.tree import NodeType
from ..errors import InfeasibleRequest
from ..options import Options
from ..state.domain_state import MEASURED
from .omitted import named_levels, stand_ins

_most_of: WeakKeyDictionary[Machine, dict[str, tuple[int, int]]] = WeakKeyDictionary()
"""How many of a type one node of a machine has at most, and all have together: there may be as many types as nodes."""

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


class Resolver:
    """Knows what types mean on one machine."""

    def __init__(self, machine: Machine, options: Options, warn: Log) -> None:
        self.machine = machine
        self.options = options
        self.warn = warn
        self.levels = set(machine.levels)
        self.groups = set(machine.group_levels)
        self.amounts = machine.amounts
        self.stand_ins = stand_ins(machine.levels, self.groups | self.amounts)

    # -- which vertices there are ---------------------------------------------------------------------------------

    def stated(self, vertices: tuple[Vertex, ...]) -> tuple[Vertex, ...]:
        """Return vertices that name levels which the tree has, where it leaves out those that are asked for."""
        by_default = self.options.slot_exclusive == "rfc14"
        return named_levels(vertices, self.stand_ins, self.levels | self.groups, by_default=by_default)

    def known(self, vertices: tuple[Vertex, ...]) -> tuple[Vertex, ...]:
        """Return the vertices without those whose type the machine lacks, or refuse the request because of them.

        What is passed over stays where it has a count by which all below it is multiplied.
        """
        kept: list[Vertex] = []
        for vertex in vertices:
            children = self.known(vertex.children)
            if self.is_known(vertex.type):
                _check_unit(vertex)
                kept.append(vertex if children is vertex.children else replace(vertex, children=children))
            elif vertex.type == "cluster" and vertex.children:
                _check_root(vertex)
                kept.extend(children)
            elif self.options.unknown_types == "ignore":
                self.warn(f"{vertex.path}: this machine has no {vertex.type}; passed over")
                if children and (vertex.count.min, vertex.count.max) != (1, 1):
                    kept.append(replace(vertex, children=children))
                else:
                    kept.extend(children)
            else:
                raise InfeasibleRequest(f"{vertex.path}: {unknown(self.machine, vertex.type)}")
        return vertices if len(kept) == len(vertices) and all(map(is_, kept, vertices)) else tuple(kept)

    def is_known(self, name: str) -> bool:
        """Tell whether the machine has things of a type."""
        fixed = ("slot", "node", "core", "gpu")
        return name in fixed or name in self.levels or name in self.groups or name in self.amounts

    def choices(self, vertices: tuple[Vertex, ...]) -> list[Choice]:
        """Return the vertices that leave a choice, in pre-order."""
        return [choice for vertex in vertices for choice in self._choices(vertex, in_one_node=False)]

    def _choices(self, vertex: Vertex, *, in_one_node: bool) -> Iterator[Choice]:
        if not vertex.count.is_fixed:
            yield Choice(vertex, self._most(vertex, in_one_node=in_one_node))
        if vertex.type == "node" or (vertex.is_slot and not any(self._holds_nodes(b) for b in vertex.walk())):
            in_one_node = True
        for child in vertex.children:
            yield from self._choices(child, in_one_node=in_one_node)

    def _holds_nodes(self, vertex: Vertex) -> bool:
        return vertex.type == "node" or vertex.type in self.groups or not self.is_known(vertex.type)

    def _most(self, vertex: Vertex, *, in_one_node: bool) -> int:
        """Return what no count of a vertex exceeds: as many as a node has, or as there are."""
        machine = self.machine
        if not self.is_known(vertex.type):
            return max(self._most(child, in_one_node=in_one_node) for child in vertex.children)
        if vertex.type == "node":
            return machine.size
        if vertex.type in self.groups:
            return sum(1 for group in machine.groups if group.level == vertex.type)
        if vertex.type in self.amounts:
            return self._total(vertex)
        most = _most_of.setdefault(machine, {})
        if vertex.type not in most:
            each = [_number_of(vertex.type, node_type) for node_type in machine.types]
            total = sum(number * mask.bit_count() for number, mask in zip(each, machine.type_masks, strict=True))
            most[vertex.type] = max(each), total
        return most[vertex.type][0 if in_one_node else 1]

    def _total(self, vertex: Vertex) -> int:
        """Return how much there is of an amount, in the vertex' unit."""
        total = sum(int(amount) for group in self.machine.groups for n, amount in group.resources if n == vertex.type)
        for mask, node_type in zip(self.machine.type_masks, self.machine.types, strict=True):
            for domain in node_type.domains:
                own = {"memory": domain.memory, "storage": domain.storage, **dict(domain.resources)}.get(vertex.type)
                total += math.ceil(own or 0) * mask.bit_count()
        return math.ceil(total / gib(1, vertex.unit)) if vertex.type in MEASURED else total

    # -- what they mean -------------------------------------------------------------------------------------------

    def check_in_groups(self, vertex: Vertex) -> None:
        """Refuse an amount that stands above the nodes and is listed in nodes alone: no node would be chosen for it."""
        if not self.is_in_groups(vertex.type):
            raise InfeasibleRequest(
                f"{vertex.path}: here {vertex.type} is a thing of nodes: ask for it below a node or a slot"
            )

    def is_in_groups(self, name: str) -> bool:
        """Tell whether a group lists an amount."""
        return any(name == listed for group in self.machine.groups for listed, _ in group.resources)

    def is_domain(self, vertex: Vertex) -> bool:
        """Tell whether a vertex stands for a node, a group of nodes or a part of a node."""
        return vertex.type == "node" or vertex.type in self.levels or vertex.type in self.groups

    def brings_gpus(self, vertex: Vertex, *, bare: bool) -> bool:
        """Tell whether a vertex in a slot surely has GPUs: it asks for some, or for a whole domain of a level of such.

        Parameters
        ----------
        bare
            As `takes_whole`.
        """
        if vertex.type == "gpu" or vertex.type in self.groups or not self.is_domain(vertex):
            return vertex.type == "gpu"
        domains = [d for kind in self.machine.types for d in kind.domains if d.level == vertex.type]
        return self.takes_whole(vertex, in_slot=True, bare=bare) and all(d.gpus for d in domains if d.cores or d.gpus)

    def has_domain(self, vertex: Vertex) -> bool:
        """Tell whether a domain stands below the vertex."""
        return any(self.is_domain(below) for child in vertex.children for below in child.walk())

    def takes_whole(self, vertex: Vertex, *, in_slot: bool, bare: bool) -> bool:
        """Tell whether a domain vertex asks for all of the domain.

        Parameters
        ----------
        in_slot
            Whether it stands in a slot.
        bare
            Whether that slot asks for no core and no GPU anywhere, and so takes its innermost domains whole.
        """
        if vertex.exclusive is not None:
            return vertex.exclusive
        if not vertex.children or (bare and not self.has_domain(vertex)):
            return True
        return in_slot and self.options.slot_exclusive == "rfc14"


def _number_of(name: str, node_type: NodeType) -> int:
    """Return how many of a type a node has; of slots, how many it can hold at most."""
    node = node_type.domains[0]
    cores, gpus = node.cores.bit_count(), node.gpus.bit_count()
    if name == "slot":
        return cores + gpus + len(node_type.domains)
    named = {"core": cores, "gpu": gpus}
    return named[name] if name in named else sum(1 for domain in node_type.domains if domain.level == name)


def takes(vertex: Vertex) -> bool:
    """Tell whether a vertex or anything below asks for a core or a GPU."""
    return any(below.type in ("core", "gpu") for below in vertex.walk())


def unknown(machine: Machine, name: str) -> str:
    """Return that a machine has nothing of a type, with what it has and what may have been meant."""
    return f"this machine has no {name}{hint(name, machine.type_names, 'it has')}"


def _check_unit(vertex: Vertex) -> None:
    """Refuse a unit of what is counted, as nobody knows how many of it such a unit has."""
    if vertex.unit is not None and vertex.type not in MEASURED:
        raise InfeasibleRequest(
            f"{vertex.path}: {vertex.type} is counted and has no unit {vertex.unit}: only {' and '.join(MEASURED)} have"
        )


def _check_root(cluster: Vertex) -> None:
    """Refuse what cannot be asked of a machine that lists no clusters, and so is one."""
    if cluster.count.largest(1) is None:
        raise InfeasibleRequest(f"{cluster.path}: asks for {cluster.count} clusters, this is one")
    if cluster.id is not None:
        raise InfeasibleRequest(f"{cluster.path}: this machine lists no clusters, so they have no ids")
    if cluster.exclusive:
        raise InfeasibleRequest(f"{cluster.path}: this machine lists no clusters, so none can be taken whole")
