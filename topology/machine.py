"""The machine that an RFC 20 R describes: its ranks, what each of them has, and the groups they stand in."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from itertools import compress, groupby
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

from ..grammar.bits import only_bit
from ..grammar.hostlist import Hostlist
from ..grammar.idset import IdSet
from .groups import Group, cut_groups, levels_of_groups
from .masks import mask_of_runs, positions_of, runs_of_mask, selectors, squeeze
from .ranks import Ranks
from .tree import NodeType, merge_levels

if TYPE_CHECKING:
    import networkx as nx

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Machine:
    """All that a placement needs to know about the resources of one R, whatever is allocated or down.

    Ranks have positions 0, 1, 2, ... in ascending order; sets of ranks are bitmasks of positions.
    """

    ranks: Ranks
    """The ranks by position."""
    hosts: Hostlist
    """The host names by position; empty if R names none."""
    types: tuple[NodeType, ...]
    """The distinct node types, in the order of their lowest ranks."""
    type_of: Sequence[int]
    """The type of each position, as an index into `types`."""
    properties: Mapping[str, int] = field(default_factory=dict)
    """The bitmask of the positions that have each property, instance-local ones (`+name`) included."""
    groups: tuple[Group, ...] = ()
    """The groups of nodes, in pre-order."""
    topologies: tuple[tuple[Mapping[str, object], int], ...] = ()
    """The RFC 49 `topo` objects, in R_lite's core ids, each with the bitmask of its positions."""
    expiration: float = 0.0
    """Seconds since the epoch, 0 if unset."""
    starttime: float = 0.0
    """Seconds since the epoch, 0 if unset."""
    nslots: int | None = None
    """The number of slots, where R is an allocation."""
    scheduling: Mapping[str, object] | None = None
    """R's `scheduling` as it was read."""

    # -- where machines come from -----------------------------------------------------------------------------------

    @classmethod
    def preset(cls, name: str) -> Machine:
        """Return the machine of a name: ``rfc49-a``, or with a number of nodes ``rfc49-a:1000``.

        Raises
        ------
        ValueError
            There is no such preset, or the number is none.
        """
        made: Machine = _sources().preset_machine(name)
        return made

    @classmethod
    def from_R(cls, R: Mapping[str, object] | str | bytes | PathLike[str]) -> Machine:
        """Return the machine that an RFC 20 R describes.

        Parameters
        ----------
        R
            A mapping, JSON text, or the path of a file.

        Raises
        ------
        ValueError
            For what is no R, naming the place.
        """
        made: Machine = _sources().machine_of_R(R)
        return made

    @classmethod
    def from_hwloc(
        cls, xml: str | bytes | PathLike[str], nodes: int = 1, hosts: str | None = None, *, nics: bool = False
    ) -> Machine:
        """Return the machine of equal nodes, as `lstopo --of xml` shows one.

        Parameters
        ----------
        xml
            The text, or the path of a file.
        nodes
            How many there are; 1 by default.
        hosts
            Their names as an RFC 29 hostlist.
        nics
            Whether the network cards are listed, in the domains that they are near, for slots that ask for `nic`.

        Raises
        ------
        ValueError
            The text is no hwloc XML, or there are not as many names as nodes.
        """
        made: Machine = _sources().machine_of_hwloc(xml, nodes, hosts, nics=nics)
        return made

    @classmethod
    def build(
        cls,
        *nodes: str | tuple[str, int],
        hosts: str | None = None,
        properties: Mapping[str, str] | None = None,
        groups: Mapping[str, Sequence[str | Mapping[str, object]]] | None = None,
    ) -> Machine:
        """Return a machine of nodes that lines describe.

        Parameters
        ----------
        nodes
            For each kind of node a line, ``"socket:2 numa:4(memory=128) core:16 gpu:1"``, or with how many there are
            ``(line, 48)``. Ranks are 0, 1, ... in this order.
        hosts
            Their names as an RFC 29 hostlist, ``"n[0-63]"``; ``node0``, ``node1``, ... by default.
        properties
            The ranks that have each property, as RFC 22 idsets: ``{"bigmem": "0-3,8"}``.
        groups
            By level, the ranks of each group, ``{"rack": ["0-31", "32-63"]}``, or objects as R has them,
            ``{"rack": [{"ranks": "0-31", "power": 40}]}``.

        Raises
        ------
        ValueError
            For a line, a hostlist, ranks or a group that is none, naming it.
        """
        made: Machine = _sources().built_machine(nodes, hosts, properties, groups)
        return made

    # -- what it has ------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """The number of ranks."""
        return len(self.ranks)

    @property
    def all(self) -> int:
        """The bitmask of all positions."""
        return self._all

    @cached_property
    def _all(self) -> int:
        return (1 << len(self.ranks)) - 1

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """The levels below the node in any type, coarsest first."""
        return merge_levels(self.types)

    @cached_property
    def amounts(self) -> frozenset[str]:
        """The names of what nodes and groups list that is counted in units, memory and storage among them."""
        names = {name for group in self.groups for name, _ in group.resources}
        for node_type in self.types:
            for domain in node_type.domains:
                if domain.resources:
                    names.update(name for name, _ in domain.resources)
                if domain.memory is not None:
                    names.add("memory")
                if domain.storage is not None:
                    names.add("storage")
        return frozenset(names)

    @cached_property
    def group_levels(self) -> tuple[str, ...]:
        """The levels of the groups, coarsest first."""
        return levels_of_groups(self.groups)

    @cached_property
    def type_names(self) -> tuple[str, ...]:
        """The types that a request may ask for, from the outside in: groups, node, levels, core, gpu, amounts."""
        domains = [domain for kind in self.types for domain in kind.domains]
        gpus = ("gpu",) if any(kind.gpus for kind in self.types) else ()
        amounts = {name for domain in domains for name, _ in domain.resources}
        amounts |= {name for group in self.groups for name, _ in group.resources}
        amounts |= {name for name in ("memory", "storage") if any(getattr(d, name) is not None for d in domains)}
        names = (*self.group_levels, "node", *self.levels, "core", *gpus, *sorted(amounts))
        return tuple(dict.fromkeys(names))

    @cached_property
    def type_masks(self) -> tuple[int, ...]:
        """The bitmask of the positions of each type."""
        if len(self.types) == 1:
            return (self.all,)
        runs: list[list[tuple[int, int]]] = [[] for _ in self.types]
        position = 0
        for kind, same in groupby(self.type_of):
            length = sum(1 for _ in same)
            runs[kind].append((position, position + length - 1))
            position += length
        return tuple(map(mask_of_runs, runs))

    @property
    def holdings(self) -> list[tuple[int, int, int]]:
        """Everything, as (positions, cores, gpus) for each type: what `write_R` takes."""
        return [(mask, kind.cores, kind.gpus) for mask, kind in zip(self.type_masks, self.types, strict=True)]

    def position(self, rank: int) -> int:
        """Return the position of a rank.

        Raises
        ------
        KeyError
            The machine has no such rank.
        """
        position = self.ranks.find(rank)
        if position is None:
            raise KeyError(rank)
        return position

    def type_at(self, position: int) -> NodeType:
        """Return the node type at a position."""
        return self.types[self.type_of[position]]

    def host(self, position: int) -> str:
        """Return the host name at a position, or `rank5` where R names no hosts, as Flux does."""
        return self.hosts[position] if len(self.hosts) else f"rank{self.ranks[position]}"

    def hosts_at(self, mask: int) -> Hostlist:
        """Return the host names at the positions of a bitmask, which are none if R names none."""
        if mask == self.all or not len(self.hosts):
            return self.hosts
        runs = runs_of_mask(mask)
        if len(runs) * len(self.hosts.runs) > len(self.hosts):
            return Hostlist.of(compress(self.hosts, selectors(mask)))
        return Hostlist(part for first, last in runs for part in self.hosts[first : last + 1].runs)

    @cached_property
    def group_of(self) -> Sequence[int]:
        """The innermost group of each position, as an index into `groups`, -1 for none."""
        innermost = array("l", [-1]) * self.size
        for group in self.groups:
            # Pre-order: what stands deeper comes later and wins.
            for first, last in runs_of_mask(group.members):
                innermost[first : last + 1] = array("l", [group.index]) * (last - first + 1)
        return innermost

    def groups_at(self, mask: int) -> list[Group]:
        """Return the groups that have a node at one of the positions of a bitmask, in pre-order."""
        position = only_bit(mask)
        if position is None and mask.bit_count() >= len(self.groups):
            return [group for group in self.groups if group.members & mask]
        found: set[int] = set()
        for index in set(_at(self.group_of, mask)) if position is None else (self.group_of[position],):
            while index not in found and index >= 0:
                found.add(index)
                index = self.groups[index].parent
        return [self.groups[index] for index in sorted(found)]

    @cached_property
    def _topology_of(self) -> Sequence[int]:
        """The `topo` object of each position, as an index into `topologies`, -1 for none."""
        found = array("l", [-1]) * self.size
        for index, (_, mask) in enumerate(self.topologies):
            for first, last in runs_of_mask(mask):
                found[first : last + 1] = array("l", [index]) * (last - first + 1)
        return found

    def topologies_at(self, mask: int) -> list[tuple[Mapping[str, object], int]]:
        """Return the `topo` objects at the positions of a bitmask, each with the bitmask of those positions."""
        topologies = self.topologies
        if len(topologies) == 1:
            topo, there = topologies[0]
            return [(topo, there & mask)] if there & mask else []
        position = only_bit(mask)
        if position is not None:
            index = self._topology_of[position]
            return [(topologies[index][0], mask)] if index >= 0 else []
        if mask.bit_count() >= len(topologies):
            return [(topo, there & mask) for topo, there in topologies if there & mask]
        places = sorted({index for index in _at(self._topology_of, mask) if index >= 0})
        return [(topologies[index][0], topologies[index][1] & mask) for index in places]

    def mask_of(self, ids: IdSet) -> int:
        """Return the bitmask of the positions of ranks; those that the machine lacks are passed over."""
        return self.ranks.mask_of(ids)

    def unknown(self, ids: IdSet) -> IdSet:
        """Return the ranks among the given ones that the machine lacks."""
        return ids - self.ranks.ids

    def ids_of(self, mask: int) -> IdSet:
        """Return the ranks at the positions of a bitmask."""
        return self.ranks.ids_of(mask)

    def ids_text(self, mask: int) -> str:
        """Return the ranks at the positions of a bitmask as RFC 22 text."""
        last, text = self._last_text[0]
        if mask != last:
            position = only_bit(mask)
            text = str(self.ranks.ids_of(mask) if position is None else self.ranks[position])
            self._last_text[0] = mask, text
        return text

    @cached_property
    def _last_text(self) -> list[tuple[int, str]]:
        """A bitmask and the text of its ranks: R says the ranks of a job three times."""
        return [(0, "")]

    @cached_property
    def facts(self) -> Facts:
        """What RFC 31 constraints ask."""
        return Facts(self)

    def cut(self, mask: int) -> Machine:
        """Return the machine of the positions in a bitmask alone, which get new positions; ranks stay as they are."""
        mask &= self.all
        if mask == self.all:
            return self
        kept = _at(self.type_of, mask)
        order = list(dict.fromkeys(kept))
        renumbered = {old: new for new, old in enumerate(order)}
        return Machine(
            ranks=self.ranks.cut(mask),
            hosts=self.hosts_at(mask),
            types=tuple(self.types[old] for old in order),
            type_of=bytes(len(kept)) if len(order) <= 1 else [renumbered[old] for old in kept],
            properties={name: squeeze(has, mask) for name, has in self.properties.items() if has & mask},
            groups=cut_groups(self.groups_at(mask), mask),
            topologies=tuple((topo, squeeze(has, mask)) for topo, has in self.topologies if has & mask),
            expiration=self.expiration,
            starttime=self.starttime,
            nslots=self.nslots,
            scheduling=self.scheduling,
        )

    def graph(self, mask: int | None = None) -> nx.DiGraph[tuple[object, ...]]:
        """Return the tree of the machine, for looking at and drawing.

        Parameters
        ----------
        mask : bitmask of the positions of the nodes to show, with the groups around them; all by default.

        Notes
        -----
        Vertices are `("cluster",)`, `("group", index)`, `("node", rank)` and `("domain", rank, index)`, with the
        attributes `level` and, for nodes, `host`, and from the node down those of `NodeType.graph`. A node stands under
        the innermost group that has it.
        """
        import networkx as nx  # here: most who have a machine never look at its graph

        shown = self.all if mask is None else mask & self.all
        graph: nx.DiGraph[tuple[object, ...]] = nx.DiGraph()
        root = ("cluster",)
        graph.add_node(root, level="cluster")
        for group in self.groups_at(shown):
            vertex = ("group", group.index)
            graph.add_node(vertex, level=group.level, number=group.number, **dict(group.resources))
            graph.add_edge(("group", group.parent) if group.parent >= 0 else root, vertex)
        for position in positions_of(shown):
            rank = self.ranks[position]
            inside = self.type_at(position).graph
            for index, data in inside.nodes(data=True):
                graph.add_node(("domain", rank, index) if index else ("node", rank), **data)
            graph.nodes["node", rank]["host"] = self.host(position)
            around = self.group_of[position]
            graph.add_edge(("group", around) if around >= 0 else root, ("node", rank))
            for above, below in inside.edges:
                graph.add_edge(("domain", rank, above) if above else ("node", rank), ("domain", rank, below))
        return graph

    def __repr__(self) -> str:
        """Return a line for people who debug."""
        return f"Machine(ranks={str(self.ranks.ids)!r}, types={len(self.types)}, groups={len(self.groups)})"


def _sources() -> Any:
    """Return the module that reads machines: it makes them, so this one cannot import it where it is loaded."""
    return import_module(".sources", __package__)


class Facts:
    """Which positions have what RFC 31 operators name, as bitmasks."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.all = machine.all

    def property(self, name: str) -> int:
        """Return the positions that have a property."""
        return self._machine.properties.get(name, 0)

    def ranks(self, ids: IdSet) -> int:
        """Return the positions of ranks."""
        return self._machine.mask_of(ids)

    def hosts(self, names: Hostlist) -> int:
        """Return the positions whose host is one of the names."""
        return self._hosts.mask_of(names)

    @cached_property
    def _hosts(self) -> Hostlist:
        machine = self._machine
        if len(machine.hosts) or not machine.size:
            return machine.hosts
        return Hostlist.parse(f"rank[{machine.ranks.ids}]")


def _at(values: Sequence[_T], mask: int) -> list[_T]:
    """Return the values at the positions of a mask."""
    if mask.bit_count() * 8 < len(values):
        return [values[i] for i in positions_of(mask)]
    return list(compress(values, selectors(mask)))
