"""Memory of one pool in a process of its own: ``python -m benchmarks.memory POOL KIND RANKS JOBS TRACE``.

JOBS is a file of the Rs that the pool adopts, one a line; TRACE is 1 to count what Python allocates, 0 to leave that
and see by how much the process's part of the machine's memory grows. Prints JSON: bytes of the pool, idle and busy.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from pathlib import Path

from exactfit.solver.cpsat.loading import load_solver

from .contenders import NAMES, make
from .machines import MIX, SITES, job


def resident() -> int:
    """Return how much of the machine's memory this process has."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def main(name: str, kind: str, ranks: int, jobs: Path, *, trace: bool) -> None:
    """Build a pool, let it decide each shape once, let it adopt jobs, and print what that took."""
    assert name in NAMES
    site = SITES[kind](ranks)
    asked = [job(shape) for shape in MIX]
    load_solver()
    small = make(name, SITES[kind](16).R)  # Loads all other modules, which are not the pool's.
    for jobid, one in enumerate(asked):
        small.place(jobid, small.request(one))
    gc.collect()
    if trace:
        tracemalloc.start()
    before = resident()
    pool = make(name, site.R)
    for one in asked:
        pool.place(0, pool.request(one))
        pool.free(0)
    gc.collect()
    idle = tracemalloc.get_traced_memory()[0] if trace else resident() - before
    with jobs.open() as lines:
        for jobid, line in enumerate(lines, start=1):
            pool.adopt(jobid, json.loads(line))
    gc.collect()
    busy = tracemalloc.get_traced_memory()[0] if trace else resident() - before
    print(json.dumps({"idle": idle, "busy": busy}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]), trace=sys.argv[5] == "1")
