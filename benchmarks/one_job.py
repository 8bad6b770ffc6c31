"""One job on 10,000 nodes of RFC 49's cluster A, idle and half busy: the time of a decision, with a known optimum.

Run by `make bench`, or `python benchmarks/one_job.py [NODES]`. The work is fixed: the same states, the same job, the
same number of repetitions; reading the machine and telling the pool what is busy are not counted.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from typing import Any

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.loading import load_solver
from exactfit.solver.demand.request import Request
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

SHAPE = "slot=1/node=1/[core=8;gpu=1]"
REPETITIONS = 200


def busy_R(rank: int, numas: range, cores: int) -> dict[str, Any]:
    """Return the R of a job that holds so many cores, and the GPU, of some numa domains of a node."""
    core = ",".join(f"{15 * numa}-{15 * numa + cores - 1}" for numa in numas)
    children = {"core": core, "gpu": ",".join(map(str, numas))}
    return {"version": 1, "execution": {"R_lite": [{"rank": str(rank), "children": children}]}}


def half_busy(pool: Pool, nodes: int) -> int:
    """Make every other node busy in one of 49 ways, and one node the best for the job; return that node's rank."""
    ways = random.Random(49)
    best = nodes // 2 + 1
    for jobid, rank in enumerate(range(0, nodes, 2), start=1):
        if rank != best - 1:
            pool.register_alloc(jobid, busy_R(rank, range(ways.randint(1, 7)), ways.randint(9, 15)))
    # Nothing is left of it but one numa domain, less than wholly free: no other node fits the job as tightly.
    full = {"core": "0-104,113-119", "gpu": "0-6"}
    pool.register_alloc(nodes, {"version": 1, "execution": {"R_lite": [{"rank": str(best), "children": full}]}})
    return best


def measure(pool: Pool, expected: int) -> list[float]:
    """Return the seconds of each decision; the job is freed again after each."""
    request = Request.of(parse_resources(parse_shape(SHAPE)))
    seconds = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        allocation = pool.alloc(0, request)
        seconds.append(time.perf_counter() - start)
        assert allocation.certificate["status"] == "OPTIMAL"
        assert allocation.nodes == 1 << expected
        pool.free(0)
    return seconds


def main() -> None:
    """Measure and print."""
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    machine = read_R(preset(f"rfc49-a:{nodes}"))
    load_solver()
    for state in ("idle", "half busy"):
        pool = Pool(machine)
        expected = half_busy(pool, nodes) if state == "half busy" else 0
        seconds = measure(pool, expected)
        first, median, worst = seconds[0], statistics.median(seconds), max(seconds[1:])
        figures = ", ".join(
            f"{name} {1000 * value:.2f} ms" for name, value in (("first", first), ("median", median), ("worst", worst))
        )
        print(f"{SHAPE} on {nodes} nodes, {state}: {figures} (later ones, {REPETITIONS} in all)")


if __name__ == "__main__":
    main()
