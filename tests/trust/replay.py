"""Runs one sequence of operations on one machine and prints every R that comes of it: the same bytes everywhere.

``python replay.py <order>``: `order` is a number that shuffles how R lists its ranks, 0 for as it is.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

from exactfit.adapters.flux import ExactPool
from exactfit.grammar.idset import IdSet
from exactfit.grammar.shape import parse_shape

from flux.resource import InfeasibleRequest, InsufficientResources

Json = dict[str, Any]

SOCKETS = {
    "socket": [
        {"numa": [{"cores": "0-3", "gpus": "0", "memory": 8}, {"cores": "4-7", "memory": 8}]},
        {"numa": [{"cores": "8-11", "gpus": "1", "memory": 8}, {"cores": "12-15", "memory": 8}]},
    ]
}
FLAT = {"gpus": "0", "numa": [{"cores": "0-5"}, {"cores": "6-11", "gpus": "1"}]}
PARTS = (("0-2", "0-15", "0-1", SOCKETS), ("3,5", "0-11", "0-1", FLAT), ("4,6-7", "0-15", "0-1", SOCKETS))
SHAPES = (
    "slot=1/core=3",
    "slot=2/[core=2;gpu=1]",
    "node=2/slot=3/core=2",
    "slot=1-5/[core=2;memory=3]",
    "slot=3/numa=2/core=1",
    "rack=2/slot=1/core=2",
    "slot=1/numa{x}",
    "[slot=2{a}/[core=3;memory=5];slot{b}/[core=2;gpu=1]]",
    "slot=5/core=5",
    "node=2-3/slot=1/core=1",
    "slot=1/socket=2/core=3",
    "slot=1/node",
)
CONSTRAINTS: tuple[Json | None, ...] = (
    None,
    {"properties": ["fast"]},
    {"not": [{"hostlist": ["n[1-2]"]}]},
    None,
    {"or": [{"ranks": ["1-6"]}, {"properties": ["big", "fast"]}]},
)


def resources(order: int) -> Json:
    """Return R, its lists of ranks in some order and cut in some way."""
    draw = random.Random(order)
    lite, children = [], []
    for text, cores, gpus, topo in PARTS:
        ranks = list(IdSet.parse(text))
        split = [ranks] if not order else [[rank] for rank in ranks]
        held = {"core": cores, "gpu": gpus}
        lite += [{"rank": ",".join(map(str, some)), "children": held} for some in split]
        children.append({"ranks": text, "topo": topo})
    racks = [{"ranks": "0-3", "licence": 2}, {"ranks": "4-7", "licence": 1}]
    properties = {"fast": "0-1,4", "big": "2-7", "+local": "0"}
    if order:
        draw.shuffle(lite)
        draw.shuffle(children)
    execution = {
        "R_lite": lite,
        "nodelist": ["n[0-7]"],
        "properties": properties,
        "starttime": 0.0,
        "expiration": 0.0,
    }
    scheduling = {"writer": "exactfit.adapters.flux", "children": children, "groups": {"rack": racks}}
    return {"version": 1, "execution": execution, "scheduling": scheduling}


def answers(order: int) -> list[str]:
    """Return what the pool says, one text an operation."""
    said: list[str] = []
    pool = ExactPool(resources(order))
    draw = random.Random(7)
    running: list[int] = []
    for jobid in range(60):
        event = draw.random()
        if event < 0.3 and running:
            pool.free(running.pop(draw.randrange(len(running))))
        elif event < 0.4:
            rank = draw.randrange(8)
            (pool.mark_up if draw.random() < 0.6 else pool.mark_down)(str(rank))
        elif event < 0.45:
            pool = pool.copy()
        system: Json = {"duration": 0.0}
        constraint = draw.choice(CONSTRAINTS)
        if constraint is not None:
            system["constraints"] = constraint
        shape = parse_shape(draw.choice(SHAPES))
        request = pool.parse_resource_request(
            {"version": 9999, "resources": shape, "tasks": [], "attributes": {"system": system}}
        )
        try:
            said.append(pool.alloc(jobid, request).encode())
            running.append(jobid)
        except InfeasibleRequest:
            said.append("never")
        except InsufficientResources:
            said.append("not now")
    said.append(json.dumps(pool.copy_allocated().to_dict()))
    said.append(pool.encode() if not order else "")
    return said


if __name__ == "__main__":
    sys.stdout.write("\n".join(answers(int(sys.argv[1]))))
