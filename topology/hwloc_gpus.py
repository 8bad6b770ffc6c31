"""Which devices of an hwloc XML file are gpus, by the backend of hwloc that describes them: a card, or a partition."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .hwloc_xml import OSDEV, PCI, HwlocObject

logger = logging.getLogger(__name__)

_LEVEL_ZERO = "LevelZero"
_COMPUTE = frozenset({"CUDA", "NVML", "OpenCL", "RSMI", _LEVEL_ZERO})

# Vendors of GPUs by PCI id, with the classes of PCI devices that are such, and the backends that describe them.
_DISPLAY, _ACCELERATOR = "03", "12"
_VENDORS = {
    "10de": ("NVIDIA", (_DISPLAY, _ACCELERATOR), "NVML or CUDA"),
    "1002": ("AMD", (_DISPLAY, _ACCELERATOR), "ROCm SMI"),
    "8086": ("Intel", (_DISPLAY,), "Level Zero"),
}
_CONSOLES = frozenset({"4752", "515e", "5159", "5969"})
"""AMD's chips that show the console of a server and compute nothing: Rage XL, ES1000, RV100."""
_PCI_TYPE = re.compile(r"([0-9a-f]{2})[0-9a-f]{2} \[([0-9a-f]{4}):([0-9a-f]{4})\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HwlocGpu:
    """The OS device that stands for a gpu."""

    name: str
    """hwloc's name, such as `cuda0` or `rsmi1`, or the operating system's."""
    backend: str
    """The library by which hwloc found it: CUDA, NVML, OpenCL, RSMI or LevelZero."""
    uuid: str | None
    """The vendor's own id, where the file has it."""
    bus: str | None
    """The PCI address, as `0000:3b:00.0`."""


def compute_devices(objects: Sequence[HwlocObject]) -> list[HwlocObject]:
    """Return the OS devices to count as gpus.

    Parameters
    ----------
    objects : all of the machine, in hwloc's order.

    Notes
    -----
    One GPU has an OS device per backend (cuda, nvml, opencl), and the first backend stands for it; several devices of
    one backend on one PCI device are partitions of an AMD GPU, each a gpu. Level Zero shows the tiles of a card, below
    it or beside one another, as its users set it: the card is one gpu either way.
    """
    if not any(obj.type == PCI and not _is_idle_bridge(obj) for obj in objects):
        return []
    found = []
    backend_of: dict[HwlocObject, str] = {}
    cards: set[object] = set()
    for obj in objects:
        backend = obj.infos.get("Backend", "")
        if obj.type != OSDEV or backend not in _COMPUTE:
            continue
        pci = _pci(obj)
        if pci is not None and backend_of.setdefault(pci, backend) != backend:
            continue
        if backend == _LEVEL_ZERO:
            card = pci or obj.attributes.get("name", "").partition(".")[0]
            if card in cards or obj.infos.get("LevelZeroDeviceType", "GPU") != "GPU":
                continue
            cards.add(card)
        found.append(obj)
    return found


def gpu_of(device: HwlocObject) -> HwlocGpu:
    """Return what the file says of a device."""
    pci = _pci(device)
    ids = (device.infos.get(name) for name in ("NVIDIAUUID", "AMDUUID", "LevelZeroUUID"))
    return HwlocGpu(
        device.attributes.get("name", ""),
        device.infos.get("Backend", ""),
        next((uuid for uuid in ids if uuid), None),
        pci.attributes.get("pci_busid") if pci is not None else None,
    )


def belongs(gpu: HwlocObject, obj: HwlocObject) -> bool:
    """Tell whether a gpu hangs below an object or near CPUs that are all in it."""
    above = _pci(gpu)
    while above is not None and above.is_device:
        above = above.parent
    return above is not None and (above is obj or above.cpuset & ~obj.cpuset == 0)


def warn_of_undescribed(objects: Sequence[HwlocObject]) -> None:
    """Name the GPUs that hwloc found on the bus alone: it was built or run without their vendor's library."""
    described = {_pci(obj) for obj in objects if obj.type == OSDEV and obj.infos.get("Backend", "") in _COMPUTE}
    found: dict[str, list[str]] = {}
    for obj in objects:
        told = _PCI_TYPE.match(obj.attributes.get("pci_type", "")) if obj.type == PCI else None
        _, classes, _ = _VENDORS.get(told[2].lower(), ("", (), "")) if told else ("", (), "")
        if told and told[1] in classes and told[3].lower() not in _CONSOLES and obj not in described:
            found.setdefault(told[2].lower(), []).append(obj.attributes.get("pci_busid", "")[:20])
    for vendor, buses in found.items():
        name, _, backend = _VENDORS[vendor]
        more = f" and {len(buses) - 8} more" if len(buses) > 8 else ""
        logger.warning(
            "hwloc XML: %d GPU%s of %s (%s) %s not counted: lstopo wrote the file without %s",
            len(buses),
            "s" * (len(buses) > 1),
            name,
            ", ".join(buses[:8]) + more,
            "are" if len(buses) > 1 else "is",
            backend,
        )


def _is_idle_bridge(obj: HwlocObject) -> bool:
    return obj.attributes.get("pci_type", "").startswith("06") and not obj.devices


def _pci(obj: HwlocObject) -> HwlocObject | None:
    above = obj.parent
    while above is not None and above.type != PCI:
        above = above.parent
    return above
