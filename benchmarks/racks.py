"""Jobs on a hundred racks of 128 nodes, idle and half busy: the time of a decision, with known optima.

Run as `python benchmarks/racks.py`. The work is fixed: the same states, the same jobs, the same number of repetitions;
reading the machine and telling the pool what is busy are not counted.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.loading import load_solver
from exactfit.solver.demand.request import Request
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

RACKS, NODES = 100, 128
REPETITIONS = 20

JOBS = {
    "rack=2/node=3/slot/core=4": {"spread.rack": 2, "spread.node": 6},
    "rack/slot=6/core=8": {"spread.rack": 1, "spread.node": 2},
    "slot=2/rack/node=2/core=4": {"spread.rack": 2, "spread.node": 4},
    "slot=4/core=2": {"spread.rack": 1, "spread.node": 1},
    "node=3/slot/core=4": {"spread.rack": 1, "spread.node": 3},
    "slot=4/node": {"spread.rack": 1, "spread.node": 4},
    "slot=64/node": {"spread.rack": 1, "spread.node": 64},
    "slot=24/core=4": {"spread.rack": 1, "spread.node": 3},
    "slot=200/core=4": {"spread.rack": 1, "spread.node": 25},
}
"""Shapes, and terms that their optimum is known to have in both states."""


def machine_R() -> dict[str, Any]:
    """Return nodes of two sockets of 16 cores and a GPU each, in racks."""
    ranks = f"0-{RACKS * NODES - 1}"
    topo = {"socket": [{"cores": "0-15", "gpus": "0"}, {"cores": "16-31", "gpus": "1"}]}
    racks = [{"ranks": f"{NODES * n}-{NODES * n + NODES - 1}"} for n in range(RACKS)]
    return {
        "version": 1,
        "execution": {"R_lite": [{"rank": ranks, "children": {"core": "0-31", "gpu": "0-1"}}]},
        "scheduling": {"children": [{"ranks": ranks, "topo": topo}], "groups": {"rack": racks}},
    }


def make_half_busy(pool: Pool) -> None:
    """Make every other node busy in one of many ways."""
    ways = random.Random(7)
    for rank in range(0, RACKS * NODES, 2):
        second = ways.choice((0, *range(2, 16)))
        core = f"0-{ways.randint(1, 14)}" + (f",16-{15 + second}" if second else "")
        children = {"core": core, "gpu": ways.choice(("", "0", "0-1"))}
        lite = [{"rank": str(rank), "children": {kind: ids for kind, ids in children.items() if ids}}]
        pool.register_alloc(rank + 1, {"version": 1, "execution": {"R_lite": lite}})


def measure(pool: Pool, shape: str, known: dict[str, int]) -> list[float]:
    """Return the seconds of each decision; the job is freed again after each."""
    request = Request.of(parse_resources(parse_shape(shape)))
    seconds = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        certificate = pool.alloc(0, request).certificate
        seconds.append(time.perf_counter() - start)
        assert certificate["status"] == "OPTIMAL"
        assert {name: certificate["terms"][name] for name in known} == known
        pool.free(0)
    return seconds


def main() -> None:
    """Measure and print."""
    machine = read_R(machine_R())
    load_solver()
    for state in ("idle", "half busy"):
        pool = Pool(machine)
        if state == "half busy":
            make_half_busy(pool)
        print(f"{RACKS} racks of {NODES} nodes, {state}:")
        for shape, known in JOBS.items():
            seconds = measure(pool, shape, known)
            first, median = 1000 * seconds[0], 1000 * statistics.median(seconds)
            print(f"  {shape:28} first {first:8.2f} ms, median {median:7.2f} ms of {REPETITIONS}")


if __name__ == "__main__":
    main()
