"""Nodes that look the same: who holds what on them, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap

from ...grammar.hostlist import encode_hosts
from ...grammar.idset import IdSet
from ...topology.machine import Machine
from ...topology.masks import Runs, mask_of_runs
from ...topology.tree import NodeType
from .palette import slot_mark
from .states import Content

_NAMED_HOSTS = 2**17
"""More hosts than these are not named in a caption."""
_CAPTION = 44
"""Characters that ranks, and hosts, may take in a caption."""


@dataclass(frozen=True)
class NodeState:
    """Nodes of one type on which the same tenants hold the same things.

    Attributes
    ----------
    machine
        Whose nodes they are.
    places
        The nodes, as runs of positions.
    type
        Their tree.
    down
        Whether they are down.
    shares
        What each tenant holds, by tenant.
    note
        What else is to be said of them.
    """

    machine: Machine
    places: Runs
    type: NodeType
    down: bool
    shares: tuple[tuple[int, Content], ...]
    note: str = ""

    @cached_property
    def nodes(self) -> int:
        """Bitmask of positions."""
        return mask_of_runs(self.places)

    @cached_property
    def cores(self) -> Mapping[int, int]:
        """Who holds a core id; free ids are missing."""
        return {core: tenant for tenant, content in self.shares for core in IdSet.from_mask(content.cores)}

    @cached_property
    def gpus(self) -> Mapping[int, int]:
        """Who holds a GPU id; free ids are missing."""
        return {gpu: tenant for tenant, content in self.shares for gpu in IdSet.from_mask(content.gpus)}

    @cached_property
    def slot_marks(self) -> tuple[Mapping[int, str], Mapping[int, str]]:
        """The letter of the slot that a core id, and a GPU id, belongs to.

        Only where there is something to tell: of a job with several slots here, not all of a single core or GPU, of
        one of several slots that stand on several nodes, and of a slot that is torn.
        """
        cores: dict[int, str] = {}
        gpus: dict[int, str] = {}
        for _, content in self.shares:
            slots = content.slots
            several = len(slots) > 1 and any((slot.cores.bit_count() + slot.gpus.bit_count()) > 1 for slot in slots)
            for place, slot in enumerate(slots):
                if several or slot.torn or slot.place is not None:
                    mark = slot_mark(place if slot.place is None else slot.place, torn=slot.torn)
                    cores.update(dict.fromkeys(IdSet.from_mask(slot.cores & content.cores), mark))
                    gpus.update(dict.fromkeys(IdSet.from_mask(slot.gpus & content.gpus), mark))
        return cores, gpus

    @cached_property
    def slot_of(self) -> Mapping[int, int]:
        """The slot that a core id belongs to, counted over all jobs of the node."""
        slots = (slot for _, content in self.shares for slot in content.slots)
        return {core: number for number, slot in enumerate(slots) for core in IdSet.from_mask(slot.cores)}

    @cached_property
    def ranks(self) -> str:
        """The ranks, as an idset."""
        return str(self.machine.ids_of(self.nodes))

    @cached_property
    def hosts(self) -> str:
        """The host names as a hostlist; empty where there are none, and where they are too many to name."""
        if not len(self.machine.hosts) or self.count > _NAMED_HOSTS:
            return ""
        return encode_hosts(self.machine.hosts_at(self.nodes))

    @cached_property
    def groups(self) -> str:
        """The groups that all of the nodes stand in, coarsest first."""
        if not self.machine.groups:
            return ""
        found = []
        index = self.machine.group_of[self.places[0][0]]
        while index >= 0:
            group = self.machine.groups[index]
            if self.nodes & group.members == self.nodes:
                found.append(f"{group.level} {group.number}")
            index = group.parent
        return ", ".join(reversed(found))

    @property
    def count(self) -> int:
        """How many nodes these are."""
        return sum(last - first + 1 for first, last in self.places)

    @property
    def has_jobs(self) -> bool:
        """Whether jobs of the scene hold something on them, not only what was there before."""
        return any(tenant for tenant, _ in self.shares)

    @property
    def idle(self) -> bool:
        """Whether nothing is held on them."""
        return not any(content.cores or content.gpus for _, content in self.shares)

    @property
    def name(self) -> str:
        """The ranks in words."""
        if self.count == 1:
            return f"rank {self.ranks}"
        ranks = _clipped(self.ranks)
        return f"ranks {ranks}" if ranks == self.ranks else f"ranks {ranks} ({self.count} nodes)"

    @property
    def caption(self) -> str:
        """The ranks, hosts and groups in words."""
        return " · ".join(part for part in (self.name, _clipped(self.hosts), self.groups) if part)

    @property
    def summary(self) -> str:
        """What is free on each node, in words, and the note."""
        return f"{self._free} · {self.note}" if self.note else self._free

    @property
    def heading(self) -> str:
        """The caption where it is short, else the ranks alone."""
        return self.caption if len(self.caption) <= _CAPTION else self.name

    @property
    def remarks(self) -> list[str]:
        """What stands below the heading: the rest of the caption, what is free and the note, in lines."""
        rest = () if self.heading == self.caption else (_clipped(self.hosts), self.groups)
        return [*wrap(" · ".join(filter(None, rest)), _CAPTION), self._free, *wrap(self.note, _CAPTION)]

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


def _clipped(text: str) -> str:
    return text if len(text) <= _CAPTION else text[: _CAPTION - 1] + "…"


def _amount(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
