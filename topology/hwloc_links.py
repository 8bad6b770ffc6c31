"""How the GPUs of an hwloc XML file are joined: bandwidths that hwloc measured, else how near they are on the bus.

hwloc writes distance matrices of vendors (`NVLinkBandwidth`, `XGMIBandwidth`, in MB/s) and of the kernel
(`NUMALatency`). GPUs that reach each other over switches alone have the bandwidth of the slower one's links to these.
Where no vendor says anything, GPUs behind one PCI switch are nearer than those of one numa, and these than others.
"""

from __future__ import annotations

from collections.abc import Sequence

from .hwloc_xml import BRIDGE, NUMA, OSDEV, PACKAGE, PCI, Distances, HwlocObject
from .links import Bandwidths, lacks_of

MEASURED = ("NVLinkBandwidth", "XGMIBandwidth")
_FARTHEST, _NEAR = 255, 10
_SAME_PACKAGE, _OTHER_PACKAGE = 20, 32
"""Latencies where the kernel says none: hwloc's own are 10 within a numa, and at most 255."""

MAX_GPUS = 64


def bandwidths(
    objects: Sequence[HwlocObject], gpus: Sequence[HwlocObject], distances: Sequence[Distances]
) -> Bandwidths | None:
    """Return how well each pair of GPUs is joined; None where all are joined alike.

    Parameters
    ----------
    objects
        All of the machine.
    gpus
        Their devices, by id.
    """
    if not 2 < len(gpus) <= MAX_GPUS:
        return None
    by_name = {one.name: one for one in distances}
    found = next((_measured(objects, gpus, by_name[name]) for name in MEASURED if name in by_name), None)
    if found is None or not any(map(any, found)):
        found = _on_the_bus(objects, gpus, by_name.get("NUMALatency"))
    return found if lacks_of(found) else None


def _measured(objects: Sequence[HwlocObject], gpus: Sequence[HwlocObject], distances: Distances) -> Bandwidths:
    """Return a vendor's matrix for the GPUs, over switches where it has any."""
    by_index = {(obj.type, obj.attributes.get("gp_index", "")): obj for obj in objects}
    owners = {key: number for number, gpu in enumerate(gpus) for key in (gpu, _pci(gpu)) if key is not None}
    ends: list[int] = []
    switches: list[int] = []
    for place, index in enumerate(distances.indexes):
        kind, _, number = index.rpartition(":")
        obj = by_index.get((kind or distances.type, number))
        gpu = -1 if obj is None else owners.get(obj, owners.get(_pci(obj) or obj, -1))
        ends.append(gpu)
        if gpu < 0 and obj is not None and obj.type in (PCI, OSDEV, BRIDGE):
            switches.append(place)
    size, values = len(ends), distances.values
    made = [[0] * len(gpus) for _ in gpus]
    over = [sum(values[place * size + at] for at in switches) for place in range(size)]
    for one, gpu in enumerate(ends):
        for other, peer in enumerate(ends):
            if gpu >= 0 and peer >= 0 and gpu != peer:
                direct = values[one * size + other] + min(over[one], over[other])
                made[gpu][peer] = max(made[gpu][peer], direct)
    return tuple(map(tuple, made))


def _on_the_bus(objects: Sequence[HwlocObject], gpus: Sequence[HwlocObject], latency: Distances | None) -> Bandwidths:
    """Return how near GPUs are: the less the latency between their numas, the more; and most behind one switch."""
    numas = {obj.attributes.get("os_index", ""): obj.cpuset for obj in objects if obj.type == NUMA}
    near = [cpus_near(gpu) for gpu in gpus]
    homes = [{index for index, cpuset in numas.items() if cpuset and not cpuset & ~cpus} for cpus in near]
    packages = [obj.cpuset for obj in objects if obj.type == PACKAGE]
    between: dict[tuple[str, str], int] = {}
    if latency is not None:
        names = [index.rpartition(":")[2] for index in latency.indexes]
        pairs = [(one, other) for one in names for other in names]
        between = dict(zip(pairs, latency.values, strict=True))

    def nearness(one: int, other: int) -> int:
        if one == other:
            return 0
        known = [between[a, b] for a in homes[one] for b in homes[other] if (a, b) in between]
        together = any(not (near[one] | near[other]) & ~cpuset for cpuset in packages)
        usual = _NEAR if near[one] == near[other] else _SAME_PACKAGE if together else _OTHER_PACKAGE
        switched = _switch(gpus[one]) is not None and _switch(gpus[one]) is _switch(gpus[other])
        return _FARTHEST - min(_FARTHEST - 1, min(known, default=usual)) + _NEAR * switched

    return tuple(tuple(nearness(one, other) for other in range(len(gpus))) for one in range(len(gpus)))


def _pci(obj: HwlocObject) -> HwlocObject | None:
    above: HwlocObject | None = obj
    while above is not None and above.type != PCI:
        above = above.parent
    return above


def cpus_near(device: HwlocObject) -> int:
    """Return the CPUs that a device hangs below, as a bitmask."""
    above = device.parent
    while above is not None and above.is_device:
        above = above.parent
    return 0 if above is None else above.cpuset


def _switch(gpu: HwlocObject) -> HwlocObject | None:
    """Return the outermost PCI bridge above a GPU that is not the host's."""
    above, found = _pci(gpu), None
    while above is not None and above.is_device:
        above = above.parent
        if above is not None and above.type == BRIDGE and above.parent is not None and above.parent.is_device:
            found = above
    return found
