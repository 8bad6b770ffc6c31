"""Machines that are not there yet: with more nodes, with more of an amount, without some nodes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

from ..grammar.errors import shown
from ..grammar.hostlist import Hostlist, encode_hosts
from ..grammar.idset import IdSet
from .machine import Machine
from .named import named_nodes
from .rset import read_R, write_R

MOST_NODES: Final = 1 << 20
"""A machine has no more."""

_IDS: Final = ("core", "cores", "gpu", "gpus")


def machine_R(machine: Machine, nodes: int) -> dict[str, Any]:
    """Return the R of some nodes of a machine, all of what they have."""
    holdings = [(mask & nodes, cores, gpus) for mask, cores, gpus in machine.holdings if mask & nodes]
    chosen = (machine.scheduling or {}).get("exactfit")
    extra = None if chosen is None else {"exactfit": chosen}
    R = write_R(machine, holdings, starttime=machine.starttime, expiration=machine.expiration, scheduling_extra=extra)
    return copy.deepcopy(R)


def without_nodes(machine: Machine, text: str) -> Machine:
    """Return a machine without some nodes: a group (`rack[3]`, `rack[0,4-5]`), an idset of ranks or a hostlist.

    Raises
    ------
    ValueError
        For what is none of these, and where nothing is left.
    """
    left = machine.all & ~_named(machine, text)
    if not left:
        raise ValueError(f"{shown(text)}: nothing is left of the machine")
    return read_R(machine_R(machine, left))


def _named(machine: Machine, text: str) -> int:
    level, bracket, rest = text.partition("[")
    if not bracket or level not in machine.group_levels:
        return named_nodes(machine, text)
    numbers = set(IdSet.parse(rest.removesuffix("]")))
    found = {group.number: group.members for group in machine.groups if group.level == level}
    missing = sorted(numbers - found.keys())
    if missing or not rest.endswith("]"):
        raise ValueError(f"{shown(text)}: there are {level}[0-{len(found) - 1}]")
    nodes = 0
    for number in numbers:
        nodes |= found[number]
    return nodes


def with_nodes(machine: Machine, count: int) -> Machine:
    """Return a machine with so many more nodes, each as most of its nodes are; they stand in no group.

    Raises
    ------
    ValueError
        For none, and too many.
    """
    if not 0 < count <= MOST_NODES - machine.size:
        raise ValueError(f"expected a number of nodes from 1 to {MOST_NODES - machine.size}, not {count}")
    number = max(range(len(machine.types)), key=lambda one: machine.type_masks[one].bit_count())
    model = next(at for at in range(machine.size) if machine.type_of[at] == number)
    R = machine_R(machine, machine.all)
    first = max(machine.ranks) + 1
    new, like = str(IdSet.of(range(first, first + count))), machine.ranks[model]
    execution = R["execution"]
    for entry in list(execution["R_lite"]):
        if like in IdSet.parse(str(entry["rank"])):
            execution["R_lite"].append({"rank": new, "children": dict(entry["children"])})
    for entry in list(R.get("scheduling", {}).get("children", ())):
        if like in IdSet.parse(str(entry["ranks"])):
            R["scheduling"]["children"].append({**entry, "ranks": new})
    if execution.get("nodelist"):
        known = set(machine.hosts)
        names = (name for name in (f"new{n}" for n in range(count + len(known))) if name not in known)
        added = [next(names) for _ in range(count)]
        hosts = [name for text in execution["nodelist"] for name in Hostlist.parse(text)]
        execution["nodelist"] = [encode_hosts([*hosts, *added])]
    for name, ranks in list(execution.get("properties", {}).items()):
        if like in IdSet.parse(str(ranks)):
            execution["properties"][name] = f"{ranks},{new}"
    return read_R(R)


def with_amount(machine: Machine, level: str, name: str, amount: float) -> Machine:
    """Return a machine every domain or group of a level of which has so much of something.

    Raises
    ------
    ValueError
        For a level that the machine has none of, and for cores and GPUs, which have ids.
    """
    if name in _IDS:
        raise ValueError(f"{name}: cores and GPUs have ids; nodes with more of them are another machine")
    R = machine_R(machine, machine.all)
    scheduling = R.setdefault("scheduling", {})
    if level == "node":
        listed = {rank for entry in scheduling.get("children", ()) for rank in IdSet.parse(str(entry["ranks"]))}
        bare = IdSet.of(rank for rank in machine.ranks if rank not in listed)
        if bare:
            scheduling.setdefault("children", []).append({"ranks": str(bare), "topo": {}})
        found = [entry["topo"] for entry in scheduling["children"]]
    else:
        places = [*(entry["topo"] for entry in scheduling.get("children", ())), scheduling.get("groups", {})]
        found = [inside for place in places for inside in _of_level(place, level)]
    if not found:
        raise ValueError(f"{level}: the machine has none (levels: {', '.join(('node', *machine.levels))})")
    for place in found:
        place[name] = int(amount) if amount == int(amount) else amount
    return read_R(R)


def _of_level(place: Any, level: str) -> Iterator[dict[str, Any]]:
    if isinstance(place, dict):
        for key, inside in place.items():
            for one in inside if isinstance(inside, list) else ():
                if isinstance(one, dict):
                    if key == level:
                        yield one
                    yield from _of_level(one, level)
