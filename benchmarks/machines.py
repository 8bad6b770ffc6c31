"""The machines and the jobs that everything is measured on."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import Vertex, parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

MIX = (
    "slot/[core=8;gpu=1]",
    "node/slot=4/[core=15;gpu=1]",
    "node/slot=2/[core=20;gpu=2]",
    "node=2/slot=8/[core=15;gpu=1]",
    "slot=4/core=4",
    "node/slot/[core=60;gpu=4]",
)
"""The shapes of jobs, drawn with equal chances."""

RACK = 16
"""Nodes in a rack."""

ROW = 8
"""Racks in a row."""

KINDS = ("rfc49-a", "rfc49-b", "rfc49-a", "sierra", "rfc49-a", "cpu")
"""The node types of the mixed machine, a rack each, over and over."""

CPU_NODE = {
    "socket": [{"numa": [{"cores": f"{16 * n}-{16 * n + 15}"} for n in half]} for half in (range(4), range(4, 8))]
}
"""A node without GPUs: two sockets of four numa domains of 16 cores."""


@dataclass(frozen=True)
class Job:
    """A jobspec in the three forms that pools and the checker take."""

    shape: str
    jobspec: dict[str, Any]
    vertices: tuple[Vertex, ...]


@dataclass(frozen=True)
class Site:
    """A machine and what is down of it.

    Attributes
    ----------
    name
        For the table.
    R
        As JSON text.
    machine
        The same, read.
    down
        Ranks, as RFC 22 text; empty for none.
    """

    name: str
    R: str
    machine: Machine
    down: str = ""

    @property
    def up(self) -> int:
        """Bitmask of the positions that are up."""
        return self.machine.all & ~self.machine.mask_of(IdSet.parse(self.down))


def job(shape: str) -> Job:
    """Return the job of an RFC 46 shape, without a time limit."""
    resources = parse_shape(shape)
    for vertex in _walk(resources):
        if vertex["type"] == "slot":
            vertex.setdefault("label", "task")
    command = {"command": ["true"], "slot": "task", "count": {"per_slot": 1}}
    system = {"duration": 0}
    jobspec = {"version": 1, "resources": resources, "tasks": [command], "attributes": {"system": system}}
    return Job(shape, jobspec, parse_resources(resources))


def _walk(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    every = list(resources)
    for vertex in every:
        every.extend(vertex.get("with", ()))
    return every


def plain(ranks: int) -> Site:
    """Return cluster A of RFC 49 with so many ranks: equal nodes, no groups, all up."""
    R = preset(f"rfc49-a:{ranks}")
    return Site("cluster A", json.dumps(R), read_R(R))


def mixed(ranks: int) -> Site:
    """Return a machine of rows of racks, four node types, a rack of one each, and 10 % of the ranks down."""
    racks = [range(first, min(first + RACK, ranks)) for first in range(0, ranks, RACK)]
    kinds = [KINDS[number % len(KINDS)] for number in range(len(racks))]
    lite, children = [], []
    for kind in dict.fromkeys(kinds):
        here = str(IdSet.of(rank for rack, one in zip(racks, kinds, strict=True) if one == kind for rank in rack))
        node = _node(kind)
        lite.append({"rank": here, "children": node["execution"]["R_lite"][0]["children"]})
        children.append({"ranks": here, "topo": node["scheduling"]["children"][0]["topo"]})
    rows = [racks[first : first + ROW] for first in range(0, len(racks), ROW)]
    groups = {"row": [{"rack": [{"ranks": _span(rack)} for rack in row]} for row in rows]}
    execution = {"R_lite": lite, "starttime": 0.0, "expiration": 0.0, "nodelist": [f"node[0-{ranks - 1}]"]}
    R = {"version": 1, "execution": execution, "scheduling": {"children": children, "groups": groups}}
    down = IdSet.of(random.Random(49).sample(range(ranks), ranks // 10))
    return Site("mixed", json.dumps(R), read_R(R), str(down))


def _node(kind: str) -> dict[str, Any]:
    if kind != "cpu":
        return preset(f"{kind}:1")
    lite = [{"rank": "0", "children": {"core": "0-127"}}]
    return {"execution": {"R_lite": lite}, "scheduling": {"children": [{"ranks": "0", "topo": CPU_NODE}]}}


def _span(ranks: range) -> str:
    return f"{ranks[0]}-{ranks[-1]}" if len(ranks) > 1 else str(ranks[0])


SITES = {"plain": plain, "mixed": mixed}
