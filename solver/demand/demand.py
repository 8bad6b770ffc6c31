"""A request with its counts chosen, split by where things must stand: groups, nodes, and what one node must give.

A jobspec's tree says groups over nodes over domains over cores, with slots at any height. The solver works in two
steps, machine and node, so the tree is cut at the node: a `Bundle` is what one node must give; a `HostDemand` says
on how many nodes, or how many times on any nodes; a `GroupDemand` says in which groups. All are values: equal
demands share what is remembered of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any

from ...grammar.idset import IdSet


class Kind(Enum):
    """What a vertex below the node asks for."""

    SLOT = "slot"
    DOMAIN = "domain"
    CORE = "core"
    GPU = "gpu"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Want:
    """One vertex of a request below the node, its count chosen.

    Attributes
    ----------
    kind, type
        What it is: for a domain the level, for an amount the resource.
    count
        How many in each parent; MiB for memory and storage.
    whole
        Whether the domain is taken whole; its wants are then the least that it must have.
    label
        The slot's.
    ids
        The ids that match, where the request names any.
    wants
        What stands below.
    above
        Of an amount, whether groups above the node give it, whatever the node lists: it stands beside the node.
    path
        Where it stands in the request, for messages; no part of the value.
    """

    kind: Kind
    type: str
    count: int
    whole: bool = False
    label: str = ""
    ids: IdSet | None = None
    wants: tuple[Want, ...] = ()
    above: bool = False
    path: str = field(default="", compare=False)

    def total(self, kind: Kind) -> int:
        """Return how many of a kind one of it asks for, all told."""
        return sum(w.count * (1 if w.kind is kind else w.total(kind)) for w in self.wants)


@dataclass(frozen=True, slots=True)
class FlatSlots:
    """So many equal slots of cores and GPUs alone, anywhere in a node: the shape of nearly every job."""

    count: int
    cores: int
    gpus: int
    label: str


@dataclass(frozen=True, slots=True)
class SlotSet:
    """So many equal slots of cores, GPUs and amounts, anywhere in a node.

    Attributes
    ----------
    needs
        What each takes: (resource, amount), sorted.
    """

    count: int
    needs: tuple[tuple[str, int], ...]
    label: str

    @property
    def gpus(self) -> int:
        """GPUs of one slot."""
        return dict(self.needs).get("gpu", 0)


TIMES = 1024
"""Numbers of a loose unit whose bundles are kept with it."""


class Bundle:
    """What one node must give: compared by value, its hash computed once.

    Attributes
    ----------
    wants
        The vertices below the node.
    whole
        Whether the node is taken whole, all of it free before.
    slot
        The label of the slot that the node stands in; empty when it stands in none.
    slot_part
        Whether that slot has more nodes than this one.
    beside
        What else stands on the node, outside of the node's vertex and its slot: loose units of the same request.
    ids
        The node ids (ranks) that match, where the request names any.
    touching
        Of a slot part, a level of which it must touch some domain; empty for none.
    gpus_elsewhere
        Of a slot part without GPUs, whether the slot has some on other nodes.
    flat
        The bundle as `FlatSlots`, when it is that and no more.
    slots
        The bundle as `SlotSet`s, when it is that and no more; else empty.
    """

    __slots__ = (
        "_hash",
        "_times",
        "beside",
        "flat",
        "gpus_elsewhere",
        "ids",
        "slot",
        "slot_part",
        "slots",
        "touching",
        "wants",
        "whole",
    )

    def __init__(
        self,
        wants: tuple[Want, ...],
        *,
        whole: bool = False,
        slot: str = "",
        slot_part: bool = False,
        ids: IdSet | None = None,
        beside: tuple[Want, ...] = (),
        touching: str = "",
        gpus_elsewhere: bool = False,
    ) -> None:
        self.wants = wants
        self.beside = beside
        self.whole = whole
        self.slot = slot
        self.slot_part = slot_part
        self.ids = ids
        self.touching = touching
        self.gpus_elsewhere = gpus_elsewhere
        self._hash = hash(self._value)
        self._times: dict[int, Bundle] | None = None
        self.slots = self._slots()
        self.flat = self._flat()

    def _slots(self) -> tuple[SlotSet, ...]:
        if self.whole or self.slot_part or self.ids is not None:
            return ()
        if self.slot:
            parts = [Want(Kind.SLOT, "slot", 1, label=self.slot, wants=self.wants), *self.beside]
        else:
            parts = [*self.wants, *self.beside]
        found = [_slot_set(part) for part in parts]
        return tuple(part for part in found if part is not None) if None not in found else ()

    def _flat(self) -> FlatSlots | None:
        if len(self.slots) != 1 or any(name not in ("core", "gpu") for name, _ in self.slots[0].needs):
            return None
        slots = self.slots[0]
        needs = dict(slots.needs)
        return FlatSlots(slots.count, needs.get("core", 0), needs.get("gpu", 0), slots.label)

    def times(self, count: int) -> Bundle:
        """Return the bundle of so many loose units, of which this is one."""
        if count == 1:
            return self
        if self._times is None:
            self._times = {}
        bundle = self._times.get(count)
        if bundle is None:
            bundle = self.but(wants=tuple(replace(want, count=count * want.count) for want in self.wants))
            if len(self._times) < TIMES:
                self._times[count] = bundle
        return bundle

    @property
    def part_label(self) -> str:
        """The label of the slot that has other nodes too; empty for none."""
        if not self.slot_part:
            return ""
        return self.slot or (self.wants[0].label if self.wants else "")

    def but(self, **changes: Any) -> Bundle:
        """Return the bundle with some of its parts changed."""
        return Bundle(**{**dict(zip(_GIVEN, self._value, strict=True)), **changes})

    @property
    def _value(self) -> tuple[object, ...]:
        """What it is made of, in the order of `_GIVEN`."""
        part = self.slot, self.slot_part, self.touching, self.gpus_elsewhere
        return (self.wants, self.whole, self.ids, self.beside, *part)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Bundle) and self._hash == other._hash and self._value == other._value
        )

    def __repr__(self) -> str:
        return f"Bundle({self.wants!r}, whole={self.whole}, slot={self.slot!r}, slot_part={self.slot_part})"


_GIVEN = ("wants", "whole", "ids", "beside", "slot", "slot_part", "touching", "gpus_elsewhere")


def _slot_set(want: Want) -> SlotSet | None:
    """Return a vertex as equal slots of cores, GPUs and amounts, when it is that."""
    if want.kind is not Kind.SLOT:
        return None
    needs: Counter[str] = Counter()
    for below in want.wants:
        if below.kind in (Kind.SLOT, Kind.DOMAIN) or below.ids is not None or below.above:
            return None
        needs[below.type] += below.count
    return SlotSet(want.count, tuple(sorted(needs.items())), want.label)


@dataclass(frozen=True, slots=True)
class HostDemand:
    """Nodes that must each give a bundle.

    Attributes
    ----------
    bundle
        What each gives. Of a loose demand: one unit.
    count
        How many nodes, in each parent; of a loose demand, how many units.
    loose
        Whether units may stand on any nodes, several on one: slots that name no node.
    per_slot
        Of how many of these nodes one slot is made; 1 where slots stand below the node.
    path
        The vertex, for messages.
    """

    bundle: Bundle
    count: int
    loose: bool = False
    per_slot: int = 1
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class SlotAmount:
    """An amount that each slot of several nodes takes of the innermost group that has all of its nodes and lists it.

    Attributes
    ----------
    label
        The slot's.
    name, amount
        What, and how much each of the slots takes.
    """

    label: str
    name: str
    amount: int
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class GroupDemand:
    """Groups of a level that must each give hosts, groups and amounts. The root stands for the whole machine.

    Attributes
    ----------
    level
        The group level; empty for the root.
    count
        How many groups, in each parent.
    shared
        The path of the slot that it stands in, whose nodes are to be in such a group: one group may stand for as many
        of these as there are slots, and for other vertices. Empty where a group stands for one vertex alone.
    most
        For how many of these, of one parent, one group may stand. What stands below is then asked of it as often.
    whole
        Whether all nodes of the group are taken whole.
    hosts, groups, amounts
        What each must give; amounts as (resource, amount, path), of the group's own.
    slot
        The label of the slot that the group stands in.
    ids
        The group numbers that match, where the request names any.
    per_slot
        Of how many of these groups one slot is made.
    slot_amounts
        What slots of several nodes take that stand right in the group.
    """

    level: str
    count: int
    hosts: tuple[HostDemand, ...] = ()
    groups: tuple[GroupDemand, ...] = ()
    amounts: tuple[tuple[str, int], ...] = ()
    whole: bool = False
    slot: str = ""
    ids: IdSet | None = None
    per_slot: int = 1
    shared: str = ""
    most: int = 1
    slot_amounts: tuple[SlotAmount, ...] = ()
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class Demand:
    """A request with every count chosen.

    Attributes
    ----------
    root
        What the machine must give.
    nslots
        How many slots that makes.
    sizes
        The counts chosen for the vertices that left a choice, in pre-order.
    """

    root: GroupDemand
    nslots: int
    sizes: tuple[int, ...]

    @cached_property
    def single(self) -> HostDemand | None:
        """The one host demand, when the request is no more than that and names no group."""
        root = self.root
        if len(root.hosts) == 1 and not (root.groups or root.amounts or root.slot_amounts):
            return root.hosts[0]
        return None
