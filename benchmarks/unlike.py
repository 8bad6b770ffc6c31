"""A machine whose nodes all differ: to build it, to decide on it, and to tell a pool that is reloaded what runs.

Run as `python -m benchmarks.unlike`, or with numbers of nodes. Every node has two sockets of four numa domains of 10 to
18 cores, 70 of 100 with a GPU, and no two nodes are alike: whatever is remembered of one node's state serves no other.
Processor time is measured; the machine, the jobs and their order are the same each time. What was built is left out of
all collections of garbage to come, as our scheduler module leaves it before its first job.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

SIZES = (1000, 10_000, 40_000)
DECISIONS = 3000
RELOADED = 100_000
MIX = (
    "slot/[core=8;gpu=1]",
    "node/slot=4/[core=5;gpu=1]",
    "node/slot=2/[core=20;gpu=2]",
    "node=2/slot=4/[core=5;gpu=1]",
    "slot=4/core=4",
    "node/slot/[core=40;gpu=4]",
    *(f"slot={slots}/core={cores}" for slots in (1, 2, 3) for cores in (1, 3, 6)),
)


def unlike_R(nodes: int) -> dict[str, Any]:
    """Return the R of nodes that all differ."""
    draws = random.Random(4)
    seen: set[tuple[tuple[int, bool], ...]] = set()
    lite: list[dict[str, Any]] = []
    children: list[dict[str, Any]] = []
    while len(lite) < nodes:
        kind = tuple((draws.randint(10, 18), draws.random() < 0.7) for _ in range(8))
        if kind in seen:
            continue
        seen.add(kind)
        core = gpu = 0
        numas: list[dict[str, str]] = []
        for cores, has_gpu in kind:
            numas.append({"cores": f"{core}-{core + cores - 1}", **({"gpus": str(gpu)} if has_gpu else {})})
            core, gpu = core + cores, gpu + has_gpu
        listed = {"core": f"0-{core - 1}", **({"gpu": f"0-{gpu - 1}" if gpu > 1 else "0"} if gpu else {})}
        children.append({"ranks": str(len(lite)), "topo": {"socket": [{"numa": numas[:4]}, {"numa": numas[4:]}]}})
        lite.append({"rank": str(len(lite)), "children": listed})
    execution = {"R_lite": lite, "nodelist": [f"n[0-{nodes - 1}]"], "starttime": 0, "expiration": 0}
    return {"version": 1, "execution": execution, "scheduling": {"children": children}}


def decide(pool: Pool) -> list[float]:
    """Return the seconds of each decision while jobs come, and three in ten leave again."""
    draws = random.Random(9)
    requests = [Request.of(parse_resources(parse_shape(shape))) for shape in MIX]
    seconds: list[float] = []
    jobs: list[int] = []
    for job in range(DECISIONS):
        request = draws.choice(requests)
        start = time.process_time()
        try:
            pool.alloc(job, request)
        except InsufficientResources:
            pass
        else:
            jobs.append(job)
        seconds.append(time.process_time() - start)
        if jobs and draws.random() < 0.3:
            pool.free(jobs.pop(draws.randrange(len(jobs))))
    return seconds


def reload(pool: Pool, jobs: int) -> tuple[float, int]:
    """Return the seconds that it takes to register so many jobs of a core each, as many as fit, and their number.

    As from a broker, each R comes as text, is read, and is gone. The states of the nodes are asked for at the end.
    """
    held: list[str] = []
    for position in range(pool.machine.size):
        cores = pool.machine.type_at(position).cores.bit_length()
        for core in range(min(cores, -(-jobs // pool.machine.size))):
            lite = [{"rank": str(position), "children": {"core": str(core)}}]
            execution = {"R_lite": lite, "nodelist": [f"n{position}"], "starttime": 0.0, "expiration": 0.0, "nslots": 1}
            placement = [{"ranks": str(position), "slots": [{"label": "task", "cores": str(core)}]}]
            scheduling = {"writer": "exactfit.adapters.flux", "placement": placement}
            held.append(json.dumps({"version": 1, "execution": execution, "scheduling": scheduling}))
    random.Random(3).shuffle(held)
    held = held[:jobs]
    start = time.process_time()
    for number, R in enumerate(held):
        pool.register_alloc(number, json.loads(R))
    assert pool.present[1].jobs
    return time.process_time() - start, len(held)


def main(sizes: tuple[int, ...]) -> None:
    """Measure and print."""
    table = Table("nodes", "build s", "decision mean ms", "p50", "p99", "max", "reload s", "jobs", "µs a job")
    for nodes in sizes:
        text = json.dumps(unlike_R(nodes))
        start = time.process_time()
        pool = Pool(read_R(text))
        built = time.process_time() - start
        gc.collect()
        gc.freeze()
        each = sorted(1000 * seconds for seconds in decide(pool))
        again, jobs = reload(Pool(pool.machine), RELOADED)
        gc.unfreeze()
        p50, p99 = each[len(each) // 2], each[len(each) * 99 // 100]
        figures = (built, sum(each) / len(each), p50, p99, each[-1], again)
        table.add_row(f"{nodes:,}", *(f"{figure:.2f}" for figure in figures), f"{jobs:,}", f"{1e6 * again / jobs:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
