"""hwloc XML to the RFC 49 `topo` object that Flux's own encoder makes of it (`flux R encode --scheduling TreePool`).

Names are those of RFC 49: a Package is a socket, a NUMANode numa; Die and Group keep hwloc's names. A level with one
domain groups nothing and is folded into what is around it. Core ids are hwloc's logical indexes, gpu ids count the
compute devices in hwloc's order.

Where that encoder would lose or invent something, the tree is another, and a line in the log says so: memory of GPUs
and non-volatile memory are no memory of a numa; memory near several domains that have their own stands around them; a
Group of NUMANodes bears another name than they do; GPUs that no backend of hwloc describes are named. Intel's count.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from ..grammar.idset import mask_text
from .hwloc_gpus import HwlocGpu, belongs, compute_devices, gpu_of, warn_of_undescribed
from .hwloc_links import bandwidths
from .hwloc_model import load
from .hwloc_nics import NIC, Card, HwlocNic, network_cards
from .hwloc_xml import CORE, DIE, GROUP, NUMA, PACKAGE, PU, HwlocObject
from .links import Bandwidths
from .masks import mask_of_flags
from .topo import MAX_LOCAL_ID

logger = logging.getLogger(__name__)

_GIB = 2**30
_MAX_COMPARISONS = 2**24

_CONTAINERS = {PACKAGE: "socket", DIE: "Die", GROUP: "Group"}
_NOT_OF_CORES = frozenset({"GPUMemory", "NVM", "CXL-GPUMemory", "CXL-NVM"})
"""The subtypes of NUMA nodes that no core has as its memory."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HwlocNode:
    """What an hwloc XML file says about a node."""

    topo: Json
    """The RFC 49 object."""
    cores: int
    """Bitmask of its core ids."""
    gpus: int
    """Bitmask of its gpu ids."""
    host: str | None
    """The host name that the file gives."""
    core_cpus: tuple[int, ...] = ()
    """By core id, the bitmask of the operating system's CPUs in it."""
    gpu_devices: tuple[HwlocGpu, ...] = ()
    """By gpu id, the device."""
    links: Bandwidths | None = None
    """How well each pair of gpus is joined; None where all are joined alike."""
    nics: tuple[HwlocNic, ...] = ()
    """The network cards, where they were asked for."""


def read_hwloc(xml: str | bytes, *, nics: bool = False) -> Json:
    """Return the RFC 49 `topo` object of an hwloc XML file (`lstopo --of xml`, hwloc 1.11 or 2).

    Parameters
    ----------
    nics : list the network cards, each in the innermost domain whose CPUs it is near, as an amount `nic` that slots
        may ask for; by default they are left out, as Flux's encoder has it.

    Raises
    ------
    ValueError
        The text is no such file.
    """
    return hwloc_node(xml, nics=nics).topo


def hwloc_node(xml: str | bytes, *, nics: bool = False) -> HwlocNode:
    """Return all that an hwloc XML file says about a node.

    Parameters
    ----------
    nics : as `read_hwloc`.

    Raises
    ------
    ValueError
        As `read_hwloc`.
    """
    machine, distances = load(xml)
    encoder = _Encoder(machine, nics=nics)
    topo = encoder.topo()
    cores, gpus = (1 << len(encoder.cores)) - 1, (1 << len(encoder.gpus)) - 1
    return HwlocNode(
        topo,
        cores,
        gpus,
        machine.infos.get("HostName") or None,
        tuple(core.cpuset for core in encoder.cores),
        tuple(gpu_of(device) for device in encoder.gpus),
        bandwidths(list(machine.walk()), encoder.gpus, distances),
        tuple(card.nic(encoder.cores) for card in encoder.cards),
    )


class _Encoder:
    def __init__(self, machine: HwlocObject, *, nics: bool) -> None:
        self.machine = machine
        objects = list(machine.walk())
        self.cores = [obj for obj in objects if obj.type == CORE]
        numas = [obj for obj in objects if obj.type == NUMA]
        self.numas = [numa for numa in numas if numa.subtype not in _NOT_OF_CORES]
        self.gpus = compute_devices(objects)
        self.cards = network_cards(objects) if nics else []
        self.left: list[Card] = list(self.cards)
        """The network cards that no domain lists yet."""
        self.placed = 0
        self.emitted: set[HwlocObject] = set()
        """The NUMA nodes whose memory stands in the tree."""
        self.renamed: set[str] = set()
        self.made: list[tuple[int, Json]] = []
        """The domains with their CPUs, those inside before those around."""
        if not self.cores:
            raise ValueError("hwloc XML: no Core in it")
        domains = sum(obj.type in _CONTAINERS for obj in objects) + len(self.numas) + 1
        compared = len(self.cores) + len(self.numas) + len(self.gpus) + len(self.cards)
        if compared > MAX_LOCAL_ID or domains * compared > _MAX_COMPARISONS:
            raise ValueError("hwloc XML: too many cores, gpus and domains")
        _warn_of_memory(numas)
        warn_of_undescribed(objects)

    def topo(self) -> Json:
        topo = self.domain(self.machine)
        self.place_memory(topo)
        rest = (1 << len(self.gpus)) - 1 & ~self.placed
        if rest:
            topo["gpus"] = mask_text(rest)
        self.add_cards(topo, self.left)
        return topo

    def place_memory(self, topo: Json) -> None:
        """Give the memory that no leaf has to the innermost domain that has its CPUs, all to the node if none has any.

        What is near a whole package stands there, beside the numa domains in it.
        """
        left = [numa for numa in self.numas if numa.cpuset and numa not in self.emitted]
        if not self.emitted:
            memory = sum(_local_memory(numa) for numa in self.numas) // _GIB
            if memory:
                topo["memory"] = memory
            return
        beside: dict[int, tuple[Json, int]] = {}
        for numa in left:
            around = next((made for cpuset, made in self.made if not numa.cpuset & ~cpuset), topo)
            beside[id(around)] = around, beside.get(id(around), (around, 0))[1] + _local_memory(numa)
        for around, memory in beside.values():
            if memory >= _GIB:
                around["memory"] = around.get("memory", 0) + memory // _GIB
                logger.warning("hwloc XML: %d GiB are near several domains, and stand around them", memory // _GIB)

    def domain(self, obj: HwlocObject) -> Json:
        """Return what stands in a CPU object: containers, else numa domains, else the cores themselves."""
        containers = _containers(obj)
        if len(containers) == 1:
            return self.domain(containers[0])
        if containers:
            made = [self.domain(inner) for inner in containers]
            return self.with_residual({self.free_name(containers[0], made): made}, obj)
        numas = self.numas_in(obj.cpuset)
        if len(numas) > 1:
            return self.with_residual({"numa": [self.leaf(numa) for numa in numas]}, obj)
        return self.leaf(numas[0] if numas else obj)

    def leaf(self, obj: HwlocObject) -> Json:
        outside = ~obj.cpuset
        cores = mask_of_flags(core.cpuset & outside == 0 for core in self.cores)
        if not cores:
            raise ValueError(f"hwloc XML: no Core in a {obj.type}")
        made: Json = {"cores": mask_text(cores)}
        gpus = self.gpus_in(obj)
        self.placed |= gpus
        if gpus:
            made["gpus"] = mask_text(gpus)
        memory = _local_memory(obj) // _GIB if obj.type == NUMA else 0
        if memory:
            made["memory"] = memory
            self.emitted.add(obj)
        self.add_cards(made, [card for card in self.left if belongs(card.devices[0], obj)])
        self.made.append((obj.cpuset, made))
        return made

    def with_residual(self, made: Json, obj: HwlocObject) -> Json:
        """Add the gpus of an object that none of the domains in it has."""
        gpus = self.gpus_in(obj) & ~self.placed
        self.placed |= gpus
        if gpus:
            made["gpus"] = mask_text(gpus)
        self.add_cards(made, [card for card in self.left if belongs(card.devices[0], obj)])
        self.made.append((obj.cpuset, made))
        return made

    def add_cards(self, made: Json, cards: Sequence[Card]) -> None:
        """Let a domain list network cards, which no other one lists then."""
        if cards:
            made[NIC] = made.get(NIC, 0) + len(cards)
            self.left = [card for card in self.left if card not in cards]

    def numas_in(self, cpuset: int) -> list[HwlocObject]:
        """Return the NUMA nodes of some CPUs; not those around others, which would cost these their level."""
        outside = ~cpuset
        found = [numa for numa in self.numas if numa.cpuset and numa.cpuset & outside == 0]
        sets = {numa.cpuset for numa in found}
        around = {one for one in sets if any(other != one and not other & ~one for other in sets)}
        return [numa for numa in found if numa.cpuset not in around]

    def gpus_in(self, obj: HwlocObject) -> int:
        return mask_of_flags(belongs(gpu, obj) for gpu in self.gpus)

    def free_name(self, container: HwlocObject, made: Sequence[Json]) -> str:
        """Return a name of a level that no level inside bears: the outer one would cost the inner one its place."""
        name = self.level_name(container)
        inside = {level for domain in made for level in _levels(domain)}
        if container.type != GROUP or name not in inside:
            return name
        free = next(other for other in map(_numbered, count()) if other not in inside)
        if free not in self.renamed:
            logger.warning("hwloc XML: a Group around domains of level %s is called %s", name, free)
        self.renamed.add(free)
        return free

    def level_name(self, container: HwlocObject) -> str:
        """Return the level of containers; a Group is named after the only container in it, or numa if it is for one."""
        probe = container
        while probe.type == GROUP:
            inner = _containers(probe)
            if len(inner) != 1:
                if self.numas_in(probe.cpuset):
                    return "numa"
                break
            probe = inner[0]
        return _CONTAINERS[probe.type]


def _numbered(number: int) -> str:
    return f"{GROUP}{number or ''}"


def _levels(domain: Json) -> Iterator[str]:
    """Yield the names of the levels inside a domain."""
    for key, value in domain.items():
        if isinstance(value, list):
            yield key
            for inner in value:
                yield from _levels(inner)


def _containers(obj: HwlocObject) -> list[HwlocObject]:
    """Return the outermost containers below an object, those side by side in one object only."""
    usable = [c for c in obj.children if c.cpuset and c.cpuset & ~obj.cpuset == 0]
    direct = [c for c in usable if c.type in _CONTAINERS]
    if direct:
        return direct
    return [inner for c in usable if c.type not in (CORE, PU) for inner in _containers(c)]


def _warn_of_memory(numas: Sequence[HwlocObject]) -> None:
    for subtype in sorted({numa.subtype for numa in numas} & _NOT_OF_CORES):
        memory = sum(_local_memory(numa) for numa in numas if numa.subtype == subtype) // _GIB
        if memory:
            logger.warning("hwloc XML: %d GiB of %s are no memory of a numa and are left out", memory, subtype)


def _local_memory(numa: HwlocObject) -> int:
    text = numa.attributes.get("local_memory", "0")
    if not text.isdecimal() or len(text) > 20:
        raise ValueError(f"hwloc XML: local_memory {text[:40]!r} is no number")
    return int(text)
