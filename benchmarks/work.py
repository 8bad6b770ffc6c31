"""What a second of counted work is in seconds of the processor: requests that search, on machines of several kinds.

Run by `python benchmarks/work.py [LIMIT]`, the limit in seconds of work (0.5). A step of `exactfit.solver.cpsat.budget`
is set so that the ratio of the two is about 1 on an ordinary core, and the weights of what is counted so that it is of
one size for searches of all kinds. CP-SAT is loaded before, and each request meets a pool that knows nothing.
"""

from __future__ import annotations

import sys
import time

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.cpsat.loading import load_solver
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

REQUESTS = (
    ("rfc49-a:1", "pack", "node=1/[slot=10{a}/core=10;slot=2{b}/core=2]"),
    ("rfc49-a:1", "fit,affinity", "slot=12/core=7"),
    ("rfc49-a:2", "pack", "[slot=6{a}/[core=15;gpu=1];slot=6{b}/core=8]"),
    ("rfc49-a:3", "fit,affinity", "slot=1-9/[core=7+;gpu=1-3]"),
    ("rfc49-a:16", "pack", "[slot=2{a}/core=50;slot=20{b}/core=20]"),
    ("rfc49-b:3", "pack", "[slot=2+{r}/[core;memory=2+];slot{w}/[core=2+;memory=2]]"),
    ("rfc49-b:16", "pack", "slot=1+/[core=1+;memory=1+]"),
    ("rfc49-b:64", "pack", "[slot=100{a}/[core=5;memory=30];slot=40{b}/[core=11;memory=7]]"),
)


def measure(machine: str, policy: str, shape: str, limit: float) -> tuple[str, float, float]:
    """Return how a request ends, the work that it takes, and the seconds of the processor."""
    pool = Pool(read_R(preset(machine)), Options(parse_policy(policy), time_limit=limit))
    request = Request.of(parse_resources(parse_shape(shape)))
    budget = Budget(limit)
    start = time.process_time()
    try:
        status = pool.alloc(1, request, budget=budget).proof.status.name
    except InsufficientResources as refusal:
        status = "insufficient" if refusal.proven else "cut off"
    return status, budget.spent, time.process_time() - start


def main() -> None:
    """Measure and print."""
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5
    load_solver()
    print(f"{'work':>8} {'seconds':>8} {'ratio':>6}  (limit {limit:g} s of work)")
    for machine, policy, shape in REQUESTS:
        status, work, seconds = measure(machine, policy, shape, limit)
        ratio = f"{seconds / work:6.2f}" if work else f"{'-':>6}"
        print(f"{work:8.4f} {seconds:8.4f} {ratio}  {status:<12} {machine} {policy} {shape}")


if __name__ == "__main__":
    main()
