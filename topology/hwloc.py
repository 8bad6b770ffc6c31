"""hwloc XML to the RFC 49 `topo` object that Flux's own encoder makes of it (`flux R encode --scheduling TreePool`).

Names are those of RFC 49: a Package is a socket, a NUMANode numa; Die and Group keep hwloc's names. A level with one
domain groups nothing and is folded into what is around it. Core ids are hwloc's logical indexes, gpu ids count the
compute devices in hwloc's order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..grammar.idset import mask_text
from .hwloc_model import load
from .hwloc_xml import CORE, DIE, GROUP, NUMA, OSDEV, PACKAGE, PCI, PU, HwlocObject
from .masks import mask_of_flags
from .topo import MAX_LOCAL_ID

_GIB = 2**30
_MAX_COMPARISONS = 2**24

_CONTAINERS = {PACKAGE: "socket", DIE: "Die", GROUP: "Group"}
_COMPUTE = frozenset({"CUDA", "NVML", "OpenCL", "RSMI"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HwlocGpu:
    """The OS device that stands for a gpu."""

    name: str
    """hwloc's name, such as `cuda0` or `rsmi1`, or the operating system's."""
    backend: str
    """The library by which hwloc found it: CUDA, NVML, OpenCL or RSMI."""
    uuid: str | None
    """The vendor's own id, where the file has it."""
    bus: str | None
    """The PCI address, as `0000:3b:00.0`."""


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


def read_hwloc(xml: str | bytes) -> Json:
    """Return the RFC 49 `topo` object of an hwloc XML file (`lstopo --of xml`, hwloc 1.11 or 2).

    Raises
    ------
    ValueError
        The text is no such file.
    """
    return hwloc_node(xml).topo


def hwloc_node(xml: str | bytes) -> HwlocNode:
    """Return all that an hwloc XML file says about a node.

    Raises
    ------
    ValueError
        As `read_hwloc`.
    """
    machine = load(xml)
    encoder = _Encoder(machine)
    topo = encoder.topo()
    cores, gpus = (1 << len(encoder.cores)) - 1, (1 << len(encoder.gpus)) - 1
    return HwlocNode(
        topo,
        cores,
        gpus,
        machine.infos.get("HostName") or None,
        tuple(core.cpuset for core in encoder.cores),
        tuple(_gpu(device) for device in encoder.gpus),
    )


class _Encoder:
    def __init__(self, machine: HwlocObject) -> None:
        self.machine = machine
        objects = list(machine.walk())
        self.cores = [obj for obj in objects if obj.type == CORE]
        self.numas = [obj for obj in objects if obj.type == NUMA]
        self.gpus = _compute_devices(objects)
        self.placed = 0
        self.has_memory = False
        if not self.cores:
            raise ValueError("hwloc XML: no Core in it")
        domains = sum(obj.type in _CONTAINERS for obj in objects) + len(self.numas) + 1
        compared = len(self.cores) + len(self.numas) + len(self.gpus)
        if compared > MAX_LOCAL_ID or domains * compared > _MAX_COMPARISONS:
            raise ValueError("hwloc XML: too many cores, gpus and domains")

    def topo(self) -> Json:
        topo = self.domain(self.machine)
        memory = sum(_local_memory(numa) for numa in self.numas) // _GIB
        if memory and not self.has_memory:
            topo["memory"] = memory
        rest = (1 << len(self.gpus)) - 1 & ~self.placed
        if rest:
            topo["gpus"] = mask_text(rest)
        return topo

    def domain(self, obj: HwlocObject) -> Json:
        """Return what stands in a CPU object: containers, else numa domains, else the cores themselves."""
        containers = _containers(obj)
        if len(containers) == 1:
            return self.domain(containers[0])
        if containers:
            made = [self.domain(inner) for inner in containers]
            return self.with_residual({self.level_name(containers[0]): made}, obj)
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
            self.has_memory = True
        return made

    def with_residual(self, made: Json, obj: HwlocObject) -> Json:
        """Add the gpus of an object that none of the domains in it has."""
        gpus = self.gpus_in(obj) & ~self.placed
        self.placed |= gpus
        if gpus:
            made["gpus"] = mask_text(gpus)
        return made

    def numas_in(self, cpuset: int) -> list[HwlocObject]:
        outside = ~cpuset
        return [numa for numa in self.numas if numa.cpuset and numa.cpuset & outside == 0]

    def gpus_in(self, obj: HwlocObject) -> int:
        return mask_of_flags(_belongs(gpu, obj) for gpu in self.gpus)

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


def _containers(obj: HwlocObject) -> list[HwlocObject]:
    """Return the outermost containers below an object, those side by side in one object only."""
    usable = [c for c in obj.children if c.cpuset and c.cpuset & ~obj.cpuset == 0]
    direct = [c for c in usable if c.type in _CONTAINERS]
    if direct:
        return direct
    return [inner for c in usable if c.type not in (CORE, PU) for inner in _containers(c)]


def _compute_devices(objects: list[HwlocObject]) -> list[HwlocObject]:
    """Return the OS devices to count as gpus.

    Notes
    -----
    One GPU has an OS device per backend (cuda, nvml, opencl), and the first backend stands for it; several devices of
    one backend on one PCI device are partitions of an AMD GPU, each a gpu.
    """
    if not any(obj.type == PCI and not _is_idle_bridge(obj) for obj in objects):
        return []
    found = []
    backend_of: dict[HwlocObject, str] = {}
    for obj in objects:
        backend = obj.infos.get("Backend", "")
        if obj.type != OSDEV or backend not in _COMPUTE:
            continue
        pci = _pci(obj)
        if pci is None or backend_of.setdefault(pci, backend) == backend:
            found.append(obj)
    return found


def _gpu(device: HwlocObject) -> HwlocGpu:
    pci = _pci(device)
    return HwlocGpu(
        device.attributes.get("name", ""),
        device.infos.get("Backend", ""),
        device.infos.get("NVIDIAUUID") or device.infos.get("AMDUUID"),
        pci.attributes.get("pci_busid") if pci is not None else None,
    )


def _is_idle_bridge(obj: HwlocObject) -> bool:
    return obj.attributes.get("pci_type", "").startswith("06") and not obj.devices


def _pci(obj: HwlocObject) -> HwlocObject | None:
    above = obj.parent
    while above is not None and above.type != PCI:
        above = above.parent
    return above


def _belongs(gpu: HwlocObject, obj: HwlocObject) -> bool:
    """Tell whether a gpu hangs below an object or near CPUs that are all in it."""
    above = _pci(gpu)
    while above is not None and above.is_device:
        above = above.parent
    return above is not None and (above is obj or above.cpuset & ~obj.cpuset == 0)


def _local_memory(numa: HwlocObject) -> int:
    text = numa.attributes.get("local_memory", "0")
    if not text.isdecimal() or len(text) > 20:
        raise ValueError(f"hwloc XML: local_memory {text[:40]!r} is no number")
    return int(text)
