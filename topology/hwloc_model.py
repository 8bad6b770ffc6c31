"""The objects of an hwloc XML file, as the hwloc 2 library has them after it loaded the file.

There are three formats: that of hwloc 1.11, where a NUMANode stands among the CPU objects and contains them, that of
hwloc 2, where it hangs at the object whose CPUs it is near, and that of hwloc 3, which says otherwise what a device is.
The library makes one model of all, leaves out what is of no use (Misc, unimportant PCI devices) and merges levels that
say the same; Flux's encoder sees no more than that.
"""

from __future__ import annotations

import re
from typing import Final

from .hwloc_xml import (
    DIE,
    GROUP,
    MACHINE,
    MEMCACHE,
    MISC,
    NUMA,
    OSDEV,
    PCI,
    PU,
    Distances,
    HwlocObject,
    bitmap_or,
    read_objects,
)


def load(xml: str | bytes) -> tuple[HwlocObject, list[Distances]]:
    """Return the machine object of an hwloc XML file, and the distances in it.

    Raises
    ------
    ValueError
        The text is no XML, no hwloc topology, of a future format, or too large, or declares entities.
    """
    version, root, distances = read_objects(xml)
    machine = _Importer(version).run(root)
    _restrict(machine)
    _merge_levels(machine)
    return machine, distances


class _Importer:
    """Put the objects where hwloc 2 has them."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.numas = 0

    def run(self, root: HwlocObject) -> HwlocObject:
        machine = root
        if root.type == NUMA:
            machine = HwlocObject(MACHINE, dict(root.attributes), None, dict(root.infos), [root])
            machine.cpuset, machine.complete, machine.nodeset = root.cpuset, root.complete, root.nodeset
            root.parent = machine
        pending = [(child, machine) for child in reversed(machine.listed)]
        while pending:
            obj, parent = pending.pop()
            holder = self.insert(obj, parent)
            pending.extend((child, holder) for child in reversed(obj.listed))
        if not self.numas:
            if self.version >= 2:
                raise ValueError("hwloc XML: no NUMANode in it")
            default = HwlocObject(NUMA, {"local_memory": machine.attributes.get("local_memory", "0")}, machine)
            default.nodeset = machine.nodeset = 1
            machine.memory.append(default)
        for obj in machine.walk():
            firsts = [_first(child.complete) for child in obj.children]
            if firsts != sorted(firsts):
                obj.children.sort(key=lambda child: _first(child.complete))
        return machine

    def insert(self, obj: HwlocObject, parent: HwlocObject) -> HwlocObject:
        """Attach an object and return what its children are to be attached to."""
        if self.version < 2 and parent.type == NUMA and parent.parent is not None:
            parent = parent.parent
        if obj.type == MACHINE or (obj.type == MISC and "cpuset" in obj.attributes):
            obj.type = GROUP
        if obj.type == GROUP and obj.attributes.get("subtype") == DIE:
            obj.type = DIE
        if not self.keeps(obj):
            return parent
        if obj.type == NUMA:
            self.numas += 1
            if self.version < 2 and obj.complete != parent.complete and not _is_mcdram(obj, parent):
                parent = self.add_group(obj, parent)
            parent.memory.append(obj)
        elif obj.is_device:
            parent.devices.append(obj)
        elif parent.is_device or parent.type == NUMA:
            raise ValueError(f"hwloc XML: {obj.type} inside {parent.type}")
        else:
            parent.children.append(obj)
        obj.parent = parent
        return obj

    def add_group(self, numa: HwlocObject, parent: HwlocObject) -> HwlocObject:
        group = HwlocObject(GROUP, {"kind": "memory"}, parent)
        group.cpuset, group.complete, group.nodeset = numa.cpuset, numa.complete, numa.nodeset
        parent.children.append(group)
        return group

    def keeps(self, obj: HwlocObject) -> bool:
        if obj.type == PCI:
            code = obj.attributes.get("pci_type", "").split(" ")[0]
            number = int(code, 16) if re.fullmatch("[0-9a-fA-F]{1,8}", code) else 0
            return number >> 8 in _IMPORTANT_CLASSES or number in _IMPORTANT_CODES
        if obj.type == OSDEV:
            if self.version >= 3:
                # The backend that found a device is told by its subtype alone.
                obj.infos.setdefault("Backend", obj.subtype)
            kind, new = obj.attributes.get("osdev_type"), self.version >= 3
            obj.is_network = kind == ("16" if new else "2")
            obj.is_openfabrics = kind == ("32" if new else "3")
            return kind != ("64" if new else "4")  # DMA
        return obj.type not in (MISC, MEMCACHE)


_MAX_KINDS: Final = 256
_MAX_STEPS: Final = 2**22

_IMPORTANT_CLASSES: Final = frozenset({0x00, 0x01, 0x02, 0x03, 0x06, 0x0B, 0x12})
_IMPORTANT_CODES: Final = frozenset({0x0C04, 0x0C06, 0x0502})


def _is_mcdram(obj: HwlocObject, parent: HwlocObject) -> bool:
    """Tell whether this is the HBM of a Knights Landing, which has no CPUs and belongs beside its DDR."""
    return (
        obj.attributes.get("subtype") == "MCDRAM"
        and not obj.complete
        and len(parent.memory) == 1
        and not parent.memory[0].attributes.get("subtype")
    )


def _first(mask: int) -> float:
    return (mask & -mask).bit_length() if mask else float("inf")


def _restrict(machine: HwlocObject) -> None:
    """Cut all sets to what is allowed and drop what is empty then."""
    for obj in machine.walk():
        if obj.type == PU and obj.attributes.get("os_index", "").isdecimal():
            bit = 1 << min(int(obj.attributes["os_index"][:9]), 2**20)
            machine.complete |= bit
            machine.cpuset |= bit & obj.cpuset
    machine.cpuset &= machine.complete
    allowed = [bitmap_or(machine.attributes.get(key), -1) for key in ("allowed_cpuset", "allowed_nodeset")]
    order = [obj for obj in machine.walk() if not obj.is_device]
    for obj in order:
        for child in obj.children:
            child.cpuset &= obj.cpuset
        for child in obj.memory:
            child.cpuset = obj.cpuset
    for obj in order:
        obj.cpuset &= allowed[0]
        obj.nodeset &= allowed[1]
    for obj in reversed(order):
        obj.children = [c for c in obj.children if c.cpuset or c.children or c.memory or c.devices]
        obj.memory = [c for c in obj.memory if c.nodeset]
    if not machine.cpuset:
        raise ValueError("hwloc XML: the machine has no PU")


def _merge_levels(machine: HwlocObject) -> None:
    """Drop Groups and instruction caches that hold the same as the level above or below them."""
    levels = _levels(machine)
    for i in range(len(levels) - 1, 0, -1):
        if i >= len(levels):
            continue
        above, below = levels[i - 1], levels[i]
        drop_above, drop_below = _is_optional(above), _is_optional(below)
        if drop_above and drop_below:
            # An instruction cache says more than a Group.
            drop_above = above[0].type == GROUP and below[0].type != GROUP
            drop_below = not drop_above
        if not (drop_above or drop_below) or not _same_structure(above, below):
            continue
        for parent, child in zip(above, below, strict=True):
            if drop_below:
                _absorb(parent, child)
            else:
                _replace(parent, child)
        del levels[i if drop_below else i - 1]


def _is_optional(level: list[HwlocObject]) -> bool:
    first = level[0]
    if first.is_instruction_cache:
        return True
    return first.type == GROUP and all(obj.attributes.get("dont_merge", "0") == "0" for obj in level)


def _same_structure(above: list[HwlocObject], below: list[HwlocObject]) -> bool:
    if len(above) != len(below):
        return False
    pus = below[0].type == PU
    return all(
        b.parent is a and len(a.children) == 1 and not (pus and a.memory) for a, b in zip(above, below, strict=True)
    )


def _absorb(parent: HwlocObject, child: HwlocObject) -> None:
    parent.children = child.children
    parent.memory += child.memory
    parent.devices += child.devices
    for obj in child.children + child.memory + child.devices:
        obj.parent = parent


def _replace(parent: HwlocObject, child: HwlocObject) -> None:
    child.memory = parent.memory + child.memory
    child.devices = parent.devices + child.devices
    for obj in parent.memory + parent.devices:
        obj.parent = child
    outer = parent.parent
    assert outer is not None, "the machine is never left out"
    outer.children[outer.children.index(parent)] = child
    child.parent = outer


def _levels(machine: HwlocObject) -> list[list[HwlocObject]]:
    """Return the CPU objects level by level: those of one kind, as far up as none of that kind is above them."""
    number: dict[tuple[str, ...], int] = {}
    below: dict[HwlocObject, int] = {}
    for obj in reversed([obj for obj in machine.walk() if not obj.is_device and obj.type != NUMA]):
        number.setdefault(obj.kind, len(number))
        if len(number) > _MAX_KINDS:
            raise ValueError("hwloc XML: too many kinds of objects")
        below[obj] = 0
        for child in obj.children:
            below[obj] |= below[child] | 1 << number[child.kind]
    levels = [[machine]]
    frontier = list(machine.children)
    steps = 0
    while frontier:
        steps += len(frontier)
        if steps > _MAX_STEPS:
            raise ValueError("hwloc XML: too many levels")
        top = next((obj for obj in frontier if obj.type != PU), frontier[0])
        for obj in frontier:
            if obj.kind != top.kind and below[obj] >> number[top.kind] & 1:
                top = obj
        levels.append([obj for obj in frontier if obj.kind == top.kind])
        frontier = [new for obj in frontier for new in (obj.children if obj.kind == top.kind else (obj,))]
    return levels
