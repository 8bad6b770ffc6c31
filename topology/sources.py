"""Machines from what people have at hand: R, hwloc XML, a preset's name, or lines in a program.

`Machine.from_R`, `from_hwloc`, `preset` and `build` are these functions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..grammar.errors import shown
from ..grammar.hostlist import Hostlist
from ..grammar.idset import IdSet
from .describe import check_names, hwloc_R
from .line import line_R
from .machine import Machine
from .presets import preset
from .rset import WRITER, read_R

Part = str | tuple[str, int]
"""A line for one node, or for so many."""
GroupRanks = Mapping[str, Sequence[str | Mapping[str, object]]]


def machine_of_R(R: Mapping[str, object] | str | bytes | os.PathLike[str]) -> Machine:
    """Return the machine that R describes; see `Machine.from_R`."""
    if not isinstance(R, Mapping | str | bytes | os.PathLike):
        raise TypeError(f"expected R as a mapping, as JSON text or as a path, not {shown(R)}")
    return read_R(Path(R).read_bytes() if isinstance(R, os.PathLike) else R)


def machine_of_hwloc(
    xml: str | bytes | os.PathLike[str], nodes: int = 1, hosts: str | None = None, *, nics: bool = False
) -> Machine:
    """Return the machine of nodes as hwloc shows one; see `Machine.from_hwloc`."""
    if isinstance(xml, os.PathLike):
        xml = Path(xml).read_bytes()
    return read_R(hwloc_R(xml, nodes, hosts, nics=nics))


def preset_machine(name: str) -> Machine:
    """Return the machine of a name; see `Machine.preset`."""
    return read_R(preset(name))


def built_machine(
    parts: Sequence[Part], hosts: str | None, properties: Mapping[str, str] | None, groups: GroupRanks | None
) -> Machine:
    """Return the machine of nodes that lines describe; see `Machine.build`."""
    machine = read_R(_built_R(parts, hosts, properties or {}, groups or {}))
    for name, ranks in (properties or {}).items():
        _check_ranks(machine, f"property {shown(name)}", ranks)
    for level, members in (groups or {}).items():
        for member in members:
            _check_ranks(machine, f"group {shown(level)}", member)
    return machine


def _check_ranks(machine: Machine, of: str, ranks: str | Mapping[str, object]) -> None:
    """Refuse ranks that were not built: R may speak of more than it lists, but who builds means what is there."""
    if isinstance(ranks, str):
        missing = machine.unknown(IdSet.parse(ranks))
        if missing:
            raise ValueError(f"{of}: there is no rank {missing}, of {machine.size}")


def _built_R(
    parts: Sequence[Part], hosts: str | None, properties: Mapping[str, str], groups: GroupRanks
) -> dict[str, Any]:
    if not parts:
        raise ValueError("a machine of no nodes: give a line such as 'socket:2 core:16 gpu:1'")
    lite: list[dict[str, Any]] = []
    children: list[dict[str, Any]] = []
    listed: dict[str, Any] = {}
    size = 0
    for part in parts:
        line, count = (part, None) if isinstance(part, str) else part
        R = line_R(line, count)
        if "groups" in R["scheduling"]:
            if len(parts) > 1 or groups:
                raise ValueError(f"{line!r}: groups stand in the only line, or in `groups`")
            listed = R["scheduling"]["groups"]
        (entry,) = R["execution"]["R_lite"]
        ranks, size = _shifted(entry["rank"], size)
        lite.append({**entry, "rank": ranks})
        children.append({"ranks": ranks, "topo": R["scheduling"]["children"][0]["topo"]})
    listed = listed or {level: [_member(one) for one in members] for level, members in groups.items()}
    if hosts is not None:
        check_names(Hostlist.parse(hosts), size)
    nodelist = hosts if hosts is not None else f"node[0-{size - 1}]" if size > 1 else "node0"
    execution = {"R_lite": lite, "starttime": 0.0, "expiration": 0.0, "nodelist": [nodelist]}
    scheduling: dict[str, Any] = {"writer": WRITER, "children": children}
    if listed:
        scheduling["groups"] = listed
    if properties:
        execution["properties"] = dict(properties)
    return {"version": 1, "execution": execution, "scheduling": scheduling}


def _shifted(ranks: str, first: int) -> tuple[str, int]:
    """Return the ranks 0 to N as ranks from another one on, and the rank after them."""
    last = first + int(ranks.rpartition("-")[2])
    return (f"{first}-{last}" if last > first else str(first)), last + 1


def _member(one: str | Mapping[str, object]) -> dict[str, object]:
    return {"ranks": one} if isinstance(one, str) else dict(one)
