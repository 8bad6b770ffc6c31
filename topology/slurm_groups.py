"""Groups of nodes from a Slurm topology.

A file gives sets of hosts in tiers, which become the levels of `scheduling.groups`. Slurm names single switches and
blocks, a request names levels; so a level is called after its tier:

- `switch` is a leaf switch, `switch2` a switch above leaf switches, `switch3` one above these, and so on, as high as
  its highest child says;
- `block` is a base block, `block2` as many of them as the second of the block sizes says, `block3` the third. Where
  the file gives no sizes there are base blocks only.

Groups of a level stand in the order of the file. Switches of one tier with the same hosts (the spines of a fat tree)
are one. A host on two others of one tier stands in none of them, with a warning that names it; where that leaves a
switch with no host at all, the tier is no grouping and is left out with a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from ..grammar.hostlist import Hostlist
from .groups import read_groups
from .machine import Machine
from .masks import positions_of
from .slurm_topology import SlurmTopology, Unit

logger = logging.getLogger(__name__)

SHOWN = 5
"""The most hosts that a warning names."""


def with_slurm_topology(machine: Machine, topology: SlurmTopology) -> Machine:
    """Return the machine with Slurm's groups.

    Raises
    ------
    ValueError
        The machine has groups already, or none of the hosts; or the switches are no hierarchy.
    """
    if machine.groups:
        raise ValueError("the machine has groups of its own (scheduling.groups)")
    units = topology.switches or topology.blocks
    masks = {unit.name: machine.facts.hosts(unit.nodes) for unit in units}
    _warn_of_strangers(machine, units, masks)
    tiers = _switch_tiers(topology.switches, masks) if topology.switches else _block_tiers(topology, masks)
    if any(level in machine.levels for level, _ in tiers):
        raise ValueError("the machine has a level switch or block below the node")
    groups = read_groups(_nested(machine, tiers), "scheduling.groups", machine.mask_of, machine.all)
    return replace(machine, groups=groups)


def _warn_of_strangers(machine: Machine, units: Sequence[Unit], masks: Mapping[str, int]) -> None:
    named = 0
    for mask in masks.values():
        named |= mask
    if not named:
        raise ValueError("the machine has none of the hosts of the topology")
    hosts = machine.hosts if len(machine.hosts) else Hostlist.parse(f"rank[{machine.ranks.ids}]")
    strangers = [host for unit in units for host in _unknown(unit.nodes, hosts)]
    if strangers:
        logger.warning("%s: hosts of the topology that the machine lacks", _some(strangers))
    lonely = _lowest_positions(machine.all & ~named)
    if lonely:
        logger.warning("%s: hosts that stand on no switch and in no block", _some([hosts[i] for i in lonely]))


def _unknown(nodes: Hostlist, hosts: Hostlist) -> list[str]:
    strange = ((1 << len(nodes)) - 1) & ~nodes.mask_of(hosts)
    return [nodes[i] for i in _lowest_positions(strange)]


def _lowest_positions(mask: int) -> list[int]:
    """Return the lowest positions in a mask, one more than a message shows."""
    return list(islice(positions_of(mask), SHOWN + 1))


def _some(hosts: Sequence[str]) -> str:
    return ", ".join(hosts[:SHOWN]) + (" and others" if len(hosts) > SHOWN else "")


Tiers = list[tuple[str, list[int]]]
"""Level names with the nodes of each group, the finest first."""


def _named(kind: str, tier: int) -> str:
    return kind if tier == 1 else f"{kind}{tier}"


def _switch_tiers(switches: Sequence[Unit], masks: Mapping[str, int]) -> Tiers:
    """Return the nodes below the switches, by tier."""
    below = dict(masks)
    found: dict[int, dict[int, None]] = {}
    for switch in sorted(switches, key=lambda switch: switch.tier):
        for child in switch.children:
            below[switch.name] |= below[child]
        if below[switch.name]:
            found.setdefault(switch.tier, {})[below[switch.name]] = None
    return [(_named("switch", number), list(found[number])) for number in sorted(found)]


def _block_tiers(topology: SlurmTopology, masks: Mapping[str, int]) -> Tiers:
    """Return base blocks, and as many of them together as each further size says, in the order of the file."""
    base = [masks[block.name] for block in topology.blocks]
    tiers = [("block", list(dict.fromkeys(mask for mask in base if mask)))]
    before = 1
    for number, size in enumerate(topology.sizes[1:], 2):
        each = size // topology.sizes[0]
        joined = []
        for first in range(0, len(base), each):
            part = base[first : first + each]
            # What is left at the end is a block of this size only if it is more than one of the size before.
            if len(part) > before:
                union = 0
                for mask in part:
                    union |= mask
                joined.append(union)
        tiers.append((_named("block", number), list(dict.fromkeys(mask for mask in joined if mask))))
        before = each
    return [tier for tier in tiers if tier[1]]


def _nested(machine: Machine, tiers: Tiers) -> dict[str, Any]:
    """Return `scheduling.groups`, each tier around the groups of those before it."""
    outermost: list[tuple[str, int, dict[str, Any]]] = []
    for level, listed in tiers:
        masks, shared = _apart(listed)
        owner = _owners(masks)
        if not all(masks) or any(_torn(mask, masks, owner) for _, mask, _ in outermost):
            logger.warning("%s: some share a part of their hosts only; the level is left out", level)
            continue
        if shared:
            twice = [machine.host(position) for position in _lowest_positions(shared)]
            logger.warning("%s: hosts on two of the level %s, and so on none of them", _some(twice), level)
        made: list[tuple[str, int, dict[str, Any]]] = [(level, mask, {}) for mask in masks]
        rest = list(masks)
        kept = []
        for inner in outermost:
            number = owner.get(_lowest(inner[1]))
            if number is None:
                kept.append(inner)
            else:
                made[number][2].setdefault(inner[0], []).append(inner[2])
                rest[number] &= ~inner[1]
        for (_, _, entry), own in zip(made, rest, strict=True):
            if own:
                entry["ranks"] = str(machine.ids_of(own))
        outermost = [*made, *kept]
    groups: dict[str, Any] = {}
    for level, _, entry in outermost:
        groups.setdefault(level, []).append(entry)
    if not groups:
        raise ValueError("no level of the topology groups the nodes")
    return groups


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _apart(masks: Sequence[int]) -> tuple[list[int], int]:
    """Return the sets without what stands in several of them, and that."""
    once = several = 0
    for mask in masks:
        several |= once & mask
        once |= mask
    return [mask & ~several for mask in masks], several


def _owners(masks: Sequence[int]) -> dict[int, int]:
    """Return for each position the number of its set; no two sets share one."""
    return {position: number for number, mask in enumerate(masks) for position in positions_of(mask)}


def _torn(mask: int, masks: Sequence[int], owner: Mapping[int, int]) -> bool:
    """Tell whether a set stands in several of others, or only partly in one."""
    number = owner.get(_lowest(mask))
    if number is None:
        return any(position in owner for position in positions_of(mask))
    return bool(mask & ~masks[number])
