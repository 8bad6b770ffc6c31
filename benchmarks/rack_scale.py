"""Requests that groups tie together, on machines as large as there are: seconds of the processor, against goals.

Run as `python -m benchmarks.rack_scale`; it prints the table of `benchmarks/README.md`. The states and jobs are fixed.
*First* is a decision that nothing is known of; *again* the same once more, the job freed in between.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.loading import load_solver
from exactfit.solver.demand.request import Request
from exactfit.solver.explain import explain
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

JOB = 10**6
"""The id of the job that is timed."""

TIED = (
    "slot=60/node=8",
    "slot=6/rack/node=8",
    "slot=40/rack=2/node=6",
    "slot=200/[node;power=1]",
    "rack=5/[slot/node=4;power=9]",
    "node=1000/slot/core=4",
)
STORED = ("slot=4000/node/storage=1501",)
STATES = (
    "node=3000/slot/core=4",
    "slot=3000/node/[core=4;storage=1501]",
    "slot=100/node=12/core=100",
    "slot=40/rack/node=8/core=100",
)


@dataclass(frozen=True)
class Case:
    """A pool in a state, with what is asked of it.

    Attributes
    ----------
    goal
        Milliseconds of a decision that nothing is known of.
    """

    name: str
    pool: Pool
    shapes: tuple[str, ...]
    goal: float


def request(shape: str, ranks: str = "") -> Request:
    """Return the request of a shape, on some ranks."""
    vertices = parse_resources(parse_shape(shape))
    return Request.of(vertices, parse_constraint({"ranks": [ranks]}) if ranks else ALWAYS)


def pool_of(racks: int, nodes: int, cores: int, **listed: int) -> Pool:
    """Return a pool of equal racks."""
    groups = [{"ranks": f"{nodes * n}-{nodes * n + nodes - 1}", **listed} for n in range(racks)]
    lite = [{"rank": f"0-{racks * nodes - 1}", "children": {"core": f"0-{cores - 1}"}}]
    R: dict[str, Any] = {"version": 1, "execution": {"R_lite": lite}, "scheduling": {"groups": {"rack": groups}}}
    return Pool(read_R(R))


def half_busy(pool: Pool, racks: int, nodes: int) -> Pool:
    """Let jobs of a node each have up to all nodes of each rack, at random."""
    dice = random.Random(5)
    job = 0
    for rack in range(racks):
        for node in dice.sample(range(nodes), dice.randint(0, nodes)):
            job += 1
            pool.alloc(job, request(f"slot/core={dice.randint(1, 4)}", str(nodes * rack + node)))
    return pool


def all_unlike(racks: int, nodes: int) -> Pool:
    """Return a pool in which no rack has nodes in a state of another's."""
    pool = pool_of(racks, nodes, racks + 100, storage=22500)
    dice = random.Random(3)
    for rack in range(racks):
        ranks = f"{nodes * rack}-{nodes * rack + nodes - 1}"
        pool.alloc(rack, request(f"node={dice.randint(4, nodes)}/slot/core={rack + 1}", ranks))
    return pool


def cases() -> Iterator[Case]:
    """Yield what is measured."""
    yield Case("5,004 nodes, 278 racks, idle", pool_of(278, 18, 4, power=14), TIED, 20)
    yield Case("the same, half busy", half_busy(pool_of(278, 18, 4, power=14), 278, 18), TIED, 20)
    yield Case("11,136 nodes, 696 chassis, idle", pool_of(696, 16, 96, storage=22500), STORED, 100)
    yield Case("the same, half busy", half_busy(pool_of(696, 16, 96, storage=22500), 696, 16), STORED, 100)
    yield Case("700 racks in 700 states", all_unlike(700, 16), STATES, 1000)
    yield Case("1,000 nodes, 50 racks", pool_of(50, 20, 4), ("rack/slot=4/node",), 11.5)
    yield Case("10,000 nodes, 500 racks", pool_of(500, 20, 4), ("rack/slot=4/node",), 11.5)


def timed(case: Case, shape: str) -> str:
    """Return a row of the table."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        certificate = case.pool.alloc(JOB, request(shape)).certificate
        seconds.append(time.process_time() - start)
        case.pool.free(JOB)
    first, again = 1000 * seconds[0], 1000 * min(seconds[1:])
    proven = certificate["status"]
    if proven != "OPTIMAL":
        names = [name for name, value in certificate["terms"].items() if certificate["bound"].get(name) == value]
        proven = f"{proven}, proven up to {names[-1]}"
    met = "reached" if first <= case.goal else "missed"
    return f"| {case.name} | `{shape}` | {first:.1f} | {again:.1f} | {proven} | {case.goal:g} | {met} |"


def explained() -> str:
    """Return the row of a reason at that size."""
    pool = pool_of(700, 16, 96, storage=1501 * 3 + 700)
    start = time.process_time()
    told = explain(pool, request("slot=4000/node/storage=1501"), job_name=str, seconds=20.0)
    seconds = time.process_time() - start
    assert "ask for slot=2100 instead of 4000" in told.advice
    met = "reached" if seconds <= 2 else "missed"
    return f"| 700 chassis, why not | `slot=4000/node/storage=1501` | {1000 * seconds:.1f} | | exact | 2000 | {met} |"


def main() -> None:
    """Measure and print."""
    load_solver()
    for shape in (*TIED, "slot/rack/node/power=1"):
        # What is loaded when it is needed is loaded now.
        pool_of(2, 600, 4, power=900).alloc(JOB, request(shape.replace("=60/", "=6/").replace("rack=5", "rack=2")))
    print("| machine | request | first, ms | again, ms | | goal, ms | |\n|---|---|---|---|---|---|---|")
    for case in cases():
        for shape in case.shapes:
            print(timed(case, shape), flush=True)
    print(explained())


if __name__ == "__main__":
    main()
