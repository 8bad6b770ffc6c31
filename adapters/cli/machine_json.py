"""A machine as JSON, for programs that have no reader of R and of RFC 49."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ...grammar.idset import mask_text
from ...topology.groups import Group
from ...topology.hwloc_gpus import HwlocGpu
from ...topology.hwloc_nics import HwlocNic
from ...topology.machine import Machine
from ...topology.tree import Domain, NodeType
from ..runtime_gpus import numbers_of, uuid_of, vendor_of
from .machine_input import NamedMachine

Json = dict[str, Any]


def machine_fields(named: NamedMachine) -> Json:
    """Return all that `exactfit topo` says of a machine; see the schema."""
    machine = named.machine
    kinds = list(zip(machine.types, machine.type_masks, strict=True))
    return {
        "machine": named.name,
        "nodes": machine.size,
        "cores": sum(kind.cores.bit_count() * mask.bit_count() for kind, mask in kinds),
        "gpus": sum(kind.gpus.bit_count() * mask.bit_count() for kind, mask in kinds),
        "ranks": machine.ids_text(machine.all),
        "levels": list(machine.levels),
        "group_levels": list(machine.group_levels),
        "properties": {name: machine.ids_text(mask) for name, mask in sorted(machine.properties.items())},
        "groups": [_group(machine, group) for group in machine.groups],
        "types": [_type(machine, kind, mask) for kind, mask in kinds],
        "gpu_devices": gpu_fields(named.gpus),
        "nics": nic_fields(named.nics),
    }


def gpu_fields(devices: Sequence[HwlocGpu]) -> list[dict[str, str]]:
    """Return what is known of each GPU of a node by gpu id: R's id, and the number by which programs know it."""
    return [
        {
            "name": device.name,
            "number": number,
            "vendor": vendor_of(device),
            "uuid": uuid_of(device) or "",
            "bus": device.bus or "",
        }
        for number, device in zip(numbers_of(devices), devices, strict=True)
    ]


def nic_fields(cards: Sequence[HwlocNic]) -> list[Json]:
    """Return what is known of each network card of a node."""
    return [{"names": list(card.names), "bus": card.bus, "cores": mask_text(card.cores)} for card in cards]


def _group(machine: Machine, group: Group) -> Json:
    return {
        "level": group.level,
        "number": group.number,
        "parent": group.parent if group.parent >= 0 else None,
        "ranks": machine.ids_text(group.members),
        "amounts": _amounts(group.resources),
    }


def _type(machine: Machine, kind: NodeType, mask: int) -> Json:
    return {
        "nodes": mask.bit_count(),
        "ranks": machine.ids_text(mask),
        "hosts": str(machine.hosts_at(mask)) if len(machine.hosts) else None,
        "tree": _domain(kind, kind.domains[0]),
    }


def _domain(kind: NodeType, domain: Domain) -> Json:
    own = [("memory", domain.memory), ("storage", domain.storage), *domain.resources]
    return {
        "level": domain.level,
        "number": domain.number,
        "cores": mask_text(domain.cores),
        "gpus": mask_text(domain.gpus),
        "amounts": _amounts([(name, amount) for name, amount in own if amount is not None]),
        "whole": domain.whole,
        "children": [_domain(kind, kind.domains[child]) for child in domain.children],
    }


def _amounts(amounts: Sequence[tuple[str, int | Fraction]]) -> dict[str, int | float]:
    return {name: int(amount) if amount.denominator == 1 else float(amount) for name, amount in amounts}
