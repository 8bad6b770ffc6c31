"""A snapshot of a system of any size: racks of sixteen nodes, jobs that hold parts of them, and a queue."""

from __future__ import annotations

import random
from typing import Any

from exactfit.adapters.snapshot.model import SCHEMA
from exactfit.grammar.shape import parse_shape
from exactfit.topology.presets import preset

NOW = 1_700_000_000.0
RACK = 16
_ASKED = (
    "node=4/slot=8/[core=15;gpu=1]",
    "slot=3/[core=15;gpu=1]",
    "node=20000/slot=1/core=1",
    "rack=1/node=16/slot=1/core=120",
    "slot=1/core=1",
)


def busy(nodes: int, running: int, waiting: int, seed: int = 1) -> dict[str, Any]:
    """Return a snapshot of a Slurm of so many nodes of RFC 49's cluster A, and of so many jobs that run and wait."""
    draw = random.Random(seed)
    R = preset(f"rfc49-a:{nodes}")
    racks = [{"ranks": f"{first}-{min(first + RACK, nodes) - 1}"} for first in range(0, nodes, RACK)]
    R["scheduling"]["groups"] = {"rack": racks}
    jobs: list[dict[str, Any]] = []
    free = 0
    for number in range(running):
        if free >= nodes - 2:
            break
        count = min(draw.choice((1, 1, 2, 4, 16)), nodes - 2 - free)
        whole = draw.random() < 0.7
        jobs.append(_job(number, free, count, whole, NOW + draw.choice((600, 7200, 90000))))
        free += count
    return {
        "schema": SCHEMA,
        "system": "slurm",
        "version": "23.11",
        "cluster": "busy",
        "taken": NOW,
        "R": R,
        "down": [{"ranks": f"{nodes - 1}", "state": "drained", "why": "fan broken"}],
        "queues": [{"name": "batch", "ranks": f"0-{nodes - 1}", "tier": 1, "limits": {}}],
        "running": jobs,
        "waiting": [_waiting(5000 + number, _ASKED[number % len(_ASKED)], number) for number in range(waiting)],
        "reservations": [],
        "unseen": [],
    }


def _job(number: int, first: int, count: int, whole: bool, end: float) -> dict[str, Any]:
    ranks = str(first) if count == 1 else f"{first}-{first + count - 1}"
    cores = "0-119" if whole else ("0-14" if number % 2 else "10-19")
    gpus = "0-7" if whole else "0"
    slot = {"label": "task", "cores": cores, "gpus": gpus}
    execution = {
        "R_lite": [{"rank": ranks, "children": {"core": cores, "gpu": gpus}}],
        "starttime": NOW - 100,
        "expiration": end,
    }
    placement = [{"ranks": ranks, "slots": [slot]}]
    R = {"version": 1, "execution": execution, "scheduling": {"placement": placement}}
    return {"id": str(number + 1), "R": R, "name": f"run {number}", "user": "ada", "queue": "batch", "end": end}


def _waiting(ident: int, shape: str, number: int) -> dict[str, Any]:
    jobspec = {
        "version": 1,
        "resources": parse_shape(shape),
        "tasks": [],
        "attributes": {"system": {"duration": 3600}},
    }
    return {
        "id": str(ident),
        "jobspec": jobspec,
        "name": "wait",
        "user": "bob",
        "queue": "batch",
        "priority": 100 - number,
        "submit": NOW - 60 * number - 1,
        "blocked": "held by its user" if number % 7 == 6 else "",
    }
