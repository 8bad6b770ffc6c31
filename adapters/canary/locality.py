"""Where cpus and gpus stand in a node, and which of them a test should get to stay inside one numa domain.

The machine is read as everywhere in exactfit (hwloc XML or R), and the choice is the solver's: a request for one slot
of so many cores and gpus, on a machine of one node in which what is held is held. Ids in canary's pool are the
node-local ids of cores (`"3"` is core 3), and the numbers or UUIDs by which programs know GPUs where the topology tells
these (`"NVIDIA:0:<uuid>"`); else the node-local ids of GPUs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ...grammar.jobspec import Vertex, parse_resources
from ...grammar.memory import Memory
from ...solver.demand.request import Request
from ...solver.errors import InsufficientResources
from ...solver.pool import Pool
from ...topology.machine import Machine
from ...topology.rset import write_R
from ...topology.tree import NodeType

NEAR = ("cpus", "gpus")
"""The types that stand somewhere."""

REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU as programs know it.

    Attributes
    ----------
    number
        What stands for it in `CUDA_VISIBLE_DEVICES` or `ROCR_VISIBLE_DEVICES`, distinct in a node.
    vendor
        In capitals, as canary has it; empty when it is not known.
    uuid
        The vendor's own id, empty when it is not known.
    """

    number: str
    vendor: str = ""
    uuid: str = ""


class Layout:
    """One node's tree, and the solver for it.

    Parameters
    ----------
    machine
        Of which the node is one.
    position
        Which node.
    devices
        By gpu id the GPU, where that is known.
    """

    def __init__(self, machine: Machine, position: int = 0, devices: tuple[Device, ...] = ()) -> None:
        self.devices = devices
        self._machine = machine.cut(1 << position)
        self._pool = Pool(self._machine)
        self._chosen: Memory[tuple[int, int, int, int], tuple[int, int, int] | None] = Memory(REMEMBERED)

    @property
    def node(self) -> NodeType:
        """The tree."""
        return self._machine.types[0]

    @cached_property
    def regions(self) -> tuple[tuple[int, tuple[tuple[int, int], ...]], ...]:
        """For each level, finest first: how many levels are finer, and (cores, gpus) of its domains."""
        levels = reversed(("node", *self.node.levels))
        domains = self.node.by_level
        return tuple((finer, tuple((d.cores, d.gpus) for d in domains[name])) for finer, name in enumerate(levels))

    def choose(self, cores: int, gpus: int, want_cores: int, want_gpus: int) -> tuple[int, int, int] | None:
        """Choose among free cores and gpus.

        Parameters
        ----------
        cores, gpus
            Bitmasks of what is free.
        want_cores, want_gpus
            How many.

        Returns
        -------
        tuple[int, int, int] | None
            The cores and gpus, and how many domains they touch beyond one at each level; None when there are too few.
        """
        key = (cores, gpus, want_cores, want_gpus)
        if key not in self._chosen:
            self._chosen[key] = self._choose(*key)
        return self._chosen[key]

    def _choose(self, cores: int, gpus: int, want_cores: int, want_gpus: int) -> tuple[int, int, int] | None:
        if cores.bit_count() < want_cores or gpus.bit_count() < want_gpus:
            return None
        pool = self._pool.copy()
        held = (1, self.node.cores & ~cores, self.node.gpus & ~gpus)
        if held[1] or held[2]:
            pool.register_alloc(
                0, write_R(self._machine, [held], nslots=1, starttime=0, expiration=0, scheduling_extra={})
            )
        try:
            allocation = pool.alloc(1, _request(want_cores, want_gpus))
        except InsufficientResources:
            return None
        terms = allocation.proof.terms
        straddled = sum(v for name, v in terms.items() if name.startswith("affinity.") and isinstance(v, int))
        [holding] = allocation.holdings
        return holding.cores, holding.gpus, straddled


def _request(cores: int, gpus: int) -> Request:
    inside = [{"type": name, "count": count} for name, count in (("core", cores), ("gpu", gpus)) if count]
    vertices: tuple[Vertex, ...] = parse_resources([{"type": "slot", "count": 1, "label": "test", "with": inside}])
    return Request.of(vertices)


@dataclass(frozen=True)
class Places:
    """Which instances of a node stand where in its tree.

    Attributes
    ----------
    layout
        The tree; equal places have the same one.
    ids
        For each of `NEAR` the node-local id of each instance, -1 for an instance that the tree lacks.
    """

    layout: Layout
    ids: tuple[tuple[int, ...], ...]
    _index: tuple[dict[int, int], ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        index = tuple({local: i for i, local in reversed(list(enumerate(ids))) if local >= 0} for ids in self.ids)
        object.__setattr__(self, "_index", index)

    @classmethod
    def of(cls, layout: Layout, names: Sequence[Iterable[object]]) -> Places:
        """Return where instances stand whose ids are given for each of `NEAR`."""
        known = (layout.node.cores, layout.node.gpus)
        found = []
        for mask, ids, devices in zip(known, names, ((), layout.devices), strict=True):
            local = [gpu_id(name, devices) if devices else local_id(name) for name in ids]
            found.append(
                tuple(i if i >= 0 and mask >> i & 1 and local.index(i) == at else -1 for at, i in enumerate(local))
            )
        return cls(layout, tuple(found))

    def mask(self, near: int, indexes: Iterable[int]) -> int:
        """Return the bitmask of the local ids of instances of ``NEAR[near]``."""
        mask = 0
        for index in indexes:
            local = self.ids[near][index]
            if local >= 0:
                mask |= 1 << local
        return mask

    def indexes(self, near: int, mask: int) -> list[int]:
        """Return the instances of ``NEAR[near]`` whose local ids are in a bitmask."""
        return sorted(index for local, index in self._index[near].items() if mask >> local & 1)


def local_id(name: object) -> int:
    """Return the node-local id that an instance's id in canary's pool stands for; -1 when it stands for none."""
    found = re.fullmatch(r"(?:[A-Za-z]+:)?([0-9]{1,6})(?::.*)?", str(name), re.ASCII)
    return int(found[1]) if found else -1


def gpu_id(name: object, devices: Sequence[Device]) -> int:
    """Return which GPU an instance's id in canary's pool stands for, by UUID or by number; -1 when none."""
    words = {str(name), *str(name).split(":")}
    by_uuid = [i for i, device in enumerate(devices) if device.uuid and device.uuid in words]
    if by_uuid:
        return by_uuid[0]
    number = local_id(name)
    return next((i for i, device in enumerate(devices) if device.number in (str(name), str(number))), -1)
