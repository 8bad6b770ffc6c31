"""Time in the pool of 2,000 tests on 8 nodes of 64 cpus and 8 gpus, canary's own pool and ours.

Run with a Python that has canary-wm of the multi-node form: `python benchmarks/canary_pool.py`. canary's queue asks for
every waiting test, largest first, until one gets what it wants, and starts over whenever a test ends.
"""

from __future__ import annotations

import heapq
import random
import time
from typing import Any

from exactfit.adapters.canary.install import pool_class
from exactfit.solver.cpsat.loading import load_solver

TESTS = 2000
NODES, CPUS, GPUS = 8, 64, 8
SEED = 7
REQUESTS = 100_000
"""Where each replay ends: canary's own pool would take a quarter of an hour for all of them."""


def pool_of(kind: Any) -> Any:
    """Return a pool of eight nodes."""
    counts = {"cpus": CPUS, "gpus": GPUS}
    resources = {name: [{"id": str(i), "slots": 1} for i in range(n)] for name, n in counts.items()}
    return kind({"nodes": [{"id": f"n{i}", "resources": resources} for i in range(NODES)]})


def tests(rpool: Any) -> list[tuple[list[Any], float]]:
    """Return requests, as canary's jobs make them, and how long each test runs, the largest first."""
    rng = random.Random(SEED)
    found = []
    for _ in range(TESTS):
        request = rpool.NodeRequest()
        request.add("cpus", rng.choice([1, 1, 2, 4, 8, 16, 32, 64]))
        request.add("gpus", rng.choice([0, 0, 0, 1, 2, 4, 8]))
        found.append(([request], rng.uniform(1, 60)))
    return sorted(found, key=lambda test: -test[0][0].total_slots())


def replay(pool: Any, unavailable: type[Exception], waiting: list[tuple[list[Any], float]]) -> tuple[float, int, int]:
    """Return the seconds in the pool, how many tests got what they wanted, and how often the pool was asked."""
    waiting = list(waiting)
    running: list[tuple[float, int, Any]] = []
    spent = now = 0.0
    asked = 0
    while (waiting or running) and asked < REQUESTS:
        started = None
        begin = time.perf_counter()
        for i, (request, _) in enumerate(waiting):
            asked += 1
            try:
                allocation = pool.checkout(request)
            except unavailable:
                continue
            started = i
            break
        spent += time.perf_counter() - begin
        if started is not None:
            heapq.heappush(running, (now + waiting.pop(started)[1], asked, allocation))
            continue
        now, _, allocation = heapq.heappop(running)
        begin = time.perf_counter()
        pool.checkin(allocation)
        spent += time.perf_counter() - begin
    return spent, TESTS - len(waiting), asked


def main() -> None:
    """Print the comparison."""
    load_solver()
    ours = pool_class()
    rpool: Any = ours.canary
    waiting = tests(rpool)
    for name, kind in (("exactfit", ours), ("canary", rpool.ResourcePool)):
        spent, started, asked = replay(pool_of(kind), rpool.ResourceUnavailable, waiting)
        each = f"{spent / asked * 1e6:.1f} us each"
        print(f"{name:9} {spent:8.2f} s in the pool, {asked} requests, {each}; {started} tests started")


if __name__ == "__main__":
    main()
