"""Which devices of an hwloc XML file are network cards of the fabric that jobs compute over.

A card is one however many OS devices, ports and functions it shows: an `ib0` and an `mlx5_0` of one function, the two
ports of a dual-port card, the virtual functions that SR-IOV adds all hang below one PCI bridge, which is the slot of
the card. Where hwloc kept no bridge but the host's, it is the PCI device with all its functions.

The fabric is what has an OpenFabrics device (InfiniBand, Omni-Path, RoCE, EFA), or is InfiniBand, a fabric or HPE
Slingshot by its PCI class, vendor or subtype. Other Ethernet manages the node, and is not counted.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .hwloc_links import cpus_near
from .hwloc_xml import BRIDGE, PCI, HwlocObject
from .masks import mask_of_flags

logger = logging.getLogger(__name__)

NIC = "nic"
"""What a slot asks for, and a domain lists."""

_FABRIC_CLASSES = ("0207", "0208", "0c06", "0C06")
"""InfiniBand, fabrics such as Omni-Path, and InfiniBand as older cards have it."""
_FABRIC_VENDORS = ("17db",)
"""Cray, now HPE: Slingshot's Cassini, which is Ethernet by its class."""
_SLINGSHOT = "Slingshot"
_ACTIVE = "4"
"""What InfiniBand calls a port that has a link, and all that have an OpenFabrics device."""
_PCI_TYPE = re.compile(r"([0-9a-fA-F]{4}) \[([0-9a-fA-F]{4}):")
_PORT = re.compile(r"Port[0-9]+State")


@dataclass(frozen=True, slots=True)
class HwlocNic:
    """A network card.

    Attributes
    ----------
    names
        hwloc's names of its OS devices, in its order, such as `hsi0` and `mlx5_0`.
    bus
        The PCI address of its first function, as `0000:3b:00.0`; empty where the file has none.
    cores
        Bitmask of the ids of the cores that it is near.
    """

    names: tuple[str, ...]
    bus: str
    cores: int


@dataclass(frozen=True, eq=False, slots=True)
class Card:
    """A network card and the devices that stand for it, the first one for where it hangs."""

    devices: tuple[HwlocObject, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The devices by hwloc's names."""
        return tuple(device.attributes.get("name", "") for device in self.devices)

    def nic(self, cores: Sequence[HwlocObject]) -> HwlocNic:
        """Return what the file says of it, given the cores in the order of their ids."""
        pci, near = _pci(self.devices[0]), cpus_near(self.devices[0])
        bus = "" if pci is None else pci.attributes.get("pci_busid", "")
        return HwlocNic(self.names, bus, mask_of_flags(not core.cpuset & ~near for core in cores))


def network_cards(objects: Sequence[HwlocObject]) -> list[Card]:
    """Return the network cards, in hwloc's order of their first devices.

    Cards of which every port is said to have no link are left out, with a line in the log: nothing is plugged in.

    Parameters
    ----------
    objects : all of the machine, in hwloc's order.
    """
    cards: dict[object, list[HwlocObject]] = {}
    for obj in objects:
        pci = _pci(obj)
        if pci is not None and (obj.is_network or obj.is_openfabrics):
            cards.setdefault(_slot(pci), []).append(obj)
    found: list[Card] = []
    unplugged: list[Card] = []
    for devices in cards.values():
        if any(_is_of_fabric(device) for device in devices):
            (unplugged if _has_no_link(devices) else found).append(Card(tuple(devices)))
    if unplugged:
        names = ", ".join("/".join(card.names)[:40] for card in unplugged[:8])
        logger.warning("hwloc XML: network cards without a link are not counted: %s", names)
    return found


def _is_of_fabric(device: HwlocObject) -> bool:
    pci = _pci(device)
    told = _PCI_TYPE.match(pci.attributes.get("pci_type", "")) if pci is not None else None
    by_bus = told is not None and (told[1] in _FABRIC_CLASSES or told[2].lower() in _FABRIC_VENDORS)
    return device.is_openfabrics or device.subtype == _SLINGSHOT or by_bus


def _has_no_link(devices: Sequence[HwlocObject]) -> bool:
    states = [value for device in devices for name, value in device.infos.items() if _PORT.fullmatch(name)]
    return bool(states) and _ACTIVE not in states


def _slot(pci: HwlocObject) -> object:
    """Return what functions of one card have in common: the bridge above them, or the PCI device with all of them."""
    above = pci.parent
    if above is not None and above.type == BRIDGE and above.parent is not None and above.parent.is_device:
        return above
    return id(above), pci.attributes.get("pci_busid", "").rpartition(".")[0] or pci


def _pci(obj: HwlocObject) -> HwlocObject | None:
    above = obj.parent
    while above is not None and above.type != PCI:
        above = above.parent
    return above
