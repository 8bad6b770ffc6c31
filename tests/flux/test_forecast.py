"""Forecasts: sched-fifo tries each waiting job on a copy once per distinct end of a running one, without a pause."""

from __future__ import annotations

import time
from typing import Any

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.twin.policies import earliest_start
from exactfit.adapters.twin.workload import jobspec
from exactfit.topology.presets import preset

from flux.resource.TreePool import TreePool

NODES = 1000
RUNNING = ("node=1/slot=1/core=100", "node=1/slot=8/[core=13;gpu=1]")
WAITING = (
    "node=300/slot=8/[core=15;gpu=1]",
    "node=1/slot=1/core=60",
    "slot=200/[core=15;gpu=1]",
    "node=900/slot=1/core=1",
    "slot=1/[core=60;gpu=4]",
    "node=2/slot=2/core=30",
    "slot=4/core=30",
    "node=100/slot=8/[core=15;gpu=1]",
)


def forecast(pool_class: Any) -> tuple[float, list[float | None]]:
    """Return the seconds that a forecast takes over as many running jobs as nodes, and the starts foretold."""
    R = preset(f"rfc49-a:{NODES}")
    R["scheduling"]["writer"] = "TreePool"
    pool = pool_class(R)
    requests = [pool.parse_resource_request(jobspec(shape)) for shape in RUNNING]
    for jobid in range(NODES):
        pool.alloc(jobid, requests[jobid % 2])
        pool.update_expiration(jobid, 1000.0 + jobid)
    begin = time.process_time()
    copy = pool.copy()
    floor = 0.0
    starts: list[float | None] = []
    for number, shape in enumerate(WAITING):
        start = earliest_start(copy, NODES + number, pool.parse_resource_request(jobspec(shape, 100.0)), floor)
        assert start is not None
        copy.update_expiration(NODES + number, start + 100.0)
        floor = start
        starts.append(start)
    return time.process_time() - begin, starts


def test_a_forecast_over_a_thousand_running_jobs_is_no_slower_than_TreePools() -> None:
    ours, starts = forecast(ExactPool)
    theirs, their_starts = forecast(TreePool)
    assert ours < theirs
    # The widest job needs its nodes whole: no pool can start it earlier.
    assert starts[0] == their_starts[0] == 1299.0
