"""What is to be seen of a machine: its nodes by state, and who holds what on them.

The states are found by cutting rank sets, never by looking at ranks one by one, so that a machine of 100,000 nodes
makes as small a scene as its jobs allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...grammar.hostlist import encode_hosts
from ...grammar.idset import IdSet, text_mask
from ...topology.machine import Machine
from ...topology.tree import NodeType

HELD_BEFORE = 0
"""The tenant of what was busy before any job of the scene."""

_NAMED_HOSTS = 2**17
"""More hosts than these are not named in a caption."""
_CAPTION = 44
"""Characters that ranks, and hosts, may take in a caption."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one tenant holds, the same on each of some nodes.

    Attributes
    ----------
    tenant
        A job's number from 1, or `HELD_BEFORE`.
    nodes
        Bitmask of positions.
    cores, gpus
        Bitmasks of node-local ids.
    """

    tenant: int
    nodes: int
    cores: int
    gpus: int


@dataclass(frozen=True, slots=True)
class NodeState:
    """Nodes of one type on which the same tenants hold the same things.

    Attributes
    ----------
    nodes
        Bitmask of positions.
    type
        Their tree.
    down
        Whether they are down.
    cores, gpus
        Who holds an id; free ids are missing.
    ranks, hosts, groups
        How the nodes are called: idset, hostlist ("" when too long to name), the groups that they stand in.
    note
        What else is to be said of them.
    """

    nodes: int
    type: NodeType
    down: bool
    cores: Mapping[int, int]
    gpus: Mapping[int, int]
    ranks: str
    hosts: str
    groups: str = ""
    note: str = ""

    @property
    def count(self) -> int:
        """How many nodes these are."""
        return self.nodes.bit_count()

    @property
    def idle(self) -> bool:
        """Whether nothing is held on them."""
        return not self.cores and not self.gpus

    @property
    def caption(self) -> str:
        """The ranks and hosts in words."""
        ranks = f"rank {self.ranks}" if self.count == 1 else f"ranks {_clipped(self.ranks)}"
        return " · ".join(part for part in (ranks, _clipped(self.hosts), self.groups) if part)

    @property
    def summary(self) -> str:
        """What is free on each node, in words, and the note."""
        return f"{self._free} · {self.note}" if self.note else self._free

    @property
    def _free(self) -> str:
        cores, gpus = self.type.cores.bit_count(), self.type.gpus.bit_count()
        each = "each " if self.count > 1 else ""
        if self.down:
            return "down" if self.idle else "down, with jobs"
        if self.idle:
            return f"idle: {each}{_amount(cores, 'core')}" + (f", {_amount(gpus, 'gpu')}" if gpus else "")
        free = f"{cores - len(self.cores)} of {_amount(cores, 'core')}"
        if gpus:
            free += f", {gpus - len(self.gpus)} of {_amount(gpus, 'gpu')}"
        return f"{each}{free} free"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A job of the scene: its number from 1 and what the legend says of it."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A machine as it is drawn.

    Attributes
    ----------
    title
        What machine it is, in the reader's words.
    states
        By lowest rank.
    tenants
        The jobs of the legend.
    held_before
        Whether something was busy before.
    """

    title: str
    states: tuple[NodeState, ...]
    tenants: tuple[Tenant, ...] = field(default=())
    held_before: bool = False


def _clipped(text: str) -> str:
    return text if len(text) <= _CAPTION else text[: _CAPTION - 1] + "…"


def _amount(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def holdings(machine: Machine, tenant: int, R: Mapping[str, Any]) -> list[Holding]:
    """Return what an R of a job holds on the machine.

    Parameters
    ----------
    machine
        Whose ranks the R speaks of.
    tenant
        The job's number from 1, or `HELD_BEFORE`.
    R
        RFC 20; legal on this machine.
    """
    found = []
    for entry in R["execution"]["R_lite"]:
        children = entry["children"]
        nodes = machine.mask_of(IdSet.parse(str(entry["rank"])))
        found.append(Holding(tenant, nodes, text_mask(children.get("core", "")), text_mask(children.get("gpu", ""))))
    return found


def make_scene(
    title: str,
    machine: Machine,
    held: Sequence[Holding] = (),
    down: int = 0,
    tenants: Sequence[Tenant] = (),
    notes: Sequence[tuple[int, str]] = (),
) -> Scene:
    """Return the scene of a machine.

    Parameters
    ----------
    title
        What machine it is.
    machine
        The machine.
    held
        Who holds what. Where two hold one thing, the later one is shown.
    down
        Bitmask of positions that are down.
    tenants
        The jobs for the legend.
    notes
        Bitmasks of positions, and what is to be said of the nodes there.
    """
    parts = _cut(list(machine.type_masks), [down, *(holding.nodes for holding in held), *(mask for mask, _ in notes)])
    busy = 0
    for holding in held:
        busy |= holding.nodes
    states = [_state(machine, part, held, down, notes) for part in _by_group(machine, parts, busy)]
    states.sort(key=lambda state: state.nodes & -state.nodes)
    return Scene(title, tuple(states), tuple(tenants), any(holding.tenant == HELD_BEFORE for holding in held))


def _cut(parts: list[int], cuts: Iterable[int]) -> list[int]:
    """Split a partition of the positions until no cut divides a part."""
    for cut in dict.fromkeys(cuts):
        parts = [piece for part in parts for piece in (part & cut, part & ~cut) if piece]
    return parts


_MOST_GROUP_PARTS = 64


def _by_group(machine: Machine, parts: list[int], busy: int) -> list[int]:
    """Split the parts that hold jobs by groups of nodes, as long as that leaves a drawing that can be read."""
    for level in machine.group_levels:
        members = [group.members for group in machine.groups if group.level == level]
        finer = _cut([part for part in parts if part & busy], members)
        if len(finer) > _MOST_GROUP_PARTS:
            break
        parts = finer + [part for part in parts if not part & busy]
    return parts


def _state(
    machine: Machine, nodes: int, held: Sequence[Holding], down: int, notes: Sequence[tuple[int, str]]
) -> NodeState:
    cores: dict[int, int] = {}
    gpus: dict[int, int] = {}
    for holding in held:
        if holding.nodes & nodes:
            cores.update(dict.fromkeys(IdSet.from_mask(holding.cores), holding.tenant))
            gpus.update(dict.fromkeys(IdSet.from_mask(holding.gpus), holding.tenant))
    first = (nodes & -nodes).bit_length() - 1
    hosts = ""
    if len(machine.hosts) and nodes.bit_count() <= _NAMED_HOSTS:
        hosts = encode_hosts(machine.hosts_at(nodes))
    inside = [group for group in machine.groups if nodes & group.members == nodes]
    return NodeState(
        nodes=nodes,
        type=machine.type_at(first),
        down=bool(nodes & down),
        cores=cores,
        gpus=gpus,
        ranks=str(machine.ids_of(nodes)),
        hosts=hosts,
        groups=", ".join(f"{group.level} {group.number}" for group in inside),
        note=", ".join(text for mask, text in notes if mask & nodes),
    )
