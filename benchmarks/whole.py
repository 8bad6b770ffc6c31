"""What touches all of a machine: building a pool, the memory it takes, and a job on half of the nodes."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from exactfit.solver.checker import Checker

from .contenders import BARE, NAMES, OURS, PEERS, Contender, R, make
from .decisions import WITH_PEERS
from .machines import Site, job
from .results import Results
from .steady import Steady, judge
from .stopwatch import Time, summarize, timed

REPEATED = 5


def build(results: Results, kind: str, site: Site) -> None:
    """Measure building a pool from R JSON text, up to the first change of its state."""
    for name in NAMES:
        times = []
        for _ in range(REPEATED):
            gc.collect()
            times.append(timed(lambda name=name: _built(name, site))[1])  # type: ignore[misc]  # mypy loses the default
        results.add("build", kind, site.machine.size, name, summarize(times))


def _built(name: str, site: Site) -> Contender:
    pool = make(name, site.R)
    pool.up("0")
    return pool


def half(results: Results, kind: str, site: Site) -> None:
    """Measure one job, with its R, on half of the nodes that can take it; all of them are free."""
    ranks = site.machine.size
    request = job(f"node={_able(site) // 2}/slot=8/[core=15;gpu=1]")
    checker = Checker(site.machine)
    checker.down(site.machine.all & ~site.up)
    judged: R | None = None
    for name in NAMES if ranks <= WITH_PEERS else (OURS, BARE):
        pool = make(name, site.R)
        if site.down:
            pool.down(site.down)
        times: list[Time] = []
        for _ in range(REPEATED):
            given, _, with_R = pool.place(1, pool.request(request))
            assert given is not None, f"{name}: no room for {request.shape}"
            times.append(with_R)
            if name not in PEERS and judged is None:
                judge(checker, request, given)
                results.count_judged(1)
                judged = given
            assert name in PEERS or given == judged, "the same state and request give the same R"
            pool.free(1)
        results.add("half", kind, ranks, name, summarize(times))


def _able(site: Site) -> int:
    """Return how many nodes have eight numa domains of 15 cores and a GPU."""
    machine = site.machine
    able = 0
    for mask, node in zip(machine.type_masks, machine.types, strict=True):
        numas = [domain for domain in node.domains if domain.level == "numa"]
        if sum(d.cores.bit_count() >= 15 and d.gpus.bit_count() >= 1 for d in numas) >= 8:
            able += (mask & site.up).bit_count()
    return able


def memory(results: Results, kind: str, site: Site) -> None:
    """Measure, in processes of their own, what pools take idle and when they hold the jobs of a busy machine."""
    ranks = site.machine.size
    steady = Steady(site, (BARE,))
    steady.fill()
    with TemporaryDirectory() as folder:
        jobs = Path(folder, "jobs")
        jobs.write_text("".join(json.dumps(held) + "\n" for held in steady.running()))
        for name in NAMES:
            for trace in ("1", "0"):
                command = [sys.executable, "-m", "benchmarks.memory", name, kind, str(ranks), str(jobs), trace]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                figures = json.loads(output.splitlines()[-1])
                how = "memory" if trace == "1" else "resident memory"
                results.add(f"{how}, idle", kind, ranks, name, amount=figures["idle"])
                results.add(f"{how}, busy", kind, ranks, name, amount=figures["busy"])
