"""Decisions in the steady state: alloc, free, what is refused, copies, and a rank that goes down."""

from __future__ import annotations

import gc
import random
from dataclasses import dataclass

from .contenders import NAMES, OURS, PEERS
from .machines import Site
from .results import Results
from .steady import Steady
from .stopwatch import summarize

WITH_PEERS = 10_000
"""Ranks up to which the peers take part and machines are crammed. One of their decisions takes half a second beyond."""

COPIES = 15
DOWNS = 200


@dataclass(frozen=True)
class Effort:
    """How often things are done.

    Attributes
    ----------
    beside
        Requests that are put to all pools.
    alone
        Requests that are put to ours, after that.
    refusals
        Times that each shape is refused.
    """

    beside: int
    alone: int
    refusals: int


def effort(ranks: int) -> Effort:
    """Return how often things are done on a machine of so many ranks: less often where the peers take long."""
    if ranks <= 100:
        return Effort(1000, 5000, 100)
    if ranks <= 1000:
        return Effort(400, 5000, 40)
    return Effort(120 if ranks <= WITH_PEERS else 0, 5000, 8)


def measure(results: Results, kind: str, site: Site) -> None:
    """Measure all pools on a machine in the same states."""
    ranks = site.machine.size
    much = effort(ranks)
    names = NAMES if ranks <= WITH_PEERS else (OURS,)
    steady = Steady(site, names)
    steady.fill()
    gc.collect()
    gc.freeze()  # What lives now is no garbage of the decisions.
    steady.churn(much.beside)
    steady.churn(much.alone, passing_over=PEERS)
    results.notes[f"{kind} {ranks}"] = {"jobs": steady.jobs, "busy": round(steady.busy, 4)}
    for name, times in steady.times.items():
        results.add("alloc", kind, ranks, name, summarize(times.alloc))
        results.add("alloc with R", kind, ranks, name, summarize(times.with_R))
        results.add("free", kind, ranks, name, summarize(times.free))
        times.refused.clear()
    _copies_and_downs(results, kind, steady)
    if ranks <= WITH_PEERS:
        steady.cram()
        steady.refuse(much.refusals)
        for name, times in steady.times.items():
            results.add("refused", kind, ranks, name, summarize(times.refused))
    results.count_judged(steady.judged)
    gc.unfreeze()


def _copies_and_downs(results: Results, kind: str, steady: Steady) -> None:
    ranks = steady.site.machine.size
    up = list(steady.site.machine.ids_of(steady.site.up))
    chosen = [str(rank) for rank in random.Random(1).choices(up, k=DOWNS)]
    for pool in steady.pools:
        results.add("copy", kind, ranks, pool.name, summarize([pool.copy() for _ in range(COPIES)]))
        downs = []
        for rank in chosen:
            downs.append(pool.down(rank))
            pool.up(rank)
        results.add("mark_down", kind, ranks, pool.name, summarize(downs))
