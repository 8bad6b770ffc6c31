"""What is measured of a machine: each function gives figures by name of the pool, in seconds or bytes."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

from .contenders import NAMES, PEERS
from .machines import SITES
from .steady import Steady
from .stopwatch import summarize

Figures = dict[str, Any]

WITH_PEERS_UP_TO = 10_000
"""Ranks. Beyond, one decision of a peer takes half a second."""


@dataclass(frozen=True)
class Effort:
    """How often things are done.

    Attributes
    ----------
    beside
        Requests that are put to all pools, by ranks: fewer where the peers take longer.
    alone
        Requests that are put to ours alone after that.
    refusals
        Times that each shape is refused, by all pools.
    """

    beside: int
    alone: int
    refusals: int


def effort(ranks: int) -> Effort:
    """Return how often things are done on a machine of so many ranks."""
    if ranks <= 100:
        return Effort(1000, 4000, 100)
    if ranks <= 1000:
        return Effort(400, 4000, 40)
    return Effort(100, 4000, 10)


def decisions(kind: str, ranks: int) -> Figures:
    """Measure alloc, free, refusals, copies and ranks that go down, in the steady state."""
    site = SITES[kind](ranks)
    much = effort(ranks)
    names = NAMES if ranks <= WITH_PEERS_UP_TO else tuple(name for name in NAMES if name not in PEERS)
    steady = Steady(site, names)
    steady.fill()
    gc.collect()
    gc.freeze()  # What lives now is not the decisions' garbage.
    if len(names) == len(NAMES):
        steady.churn(much.beside)
    figures = {name: {"copy": _copies(steady, name), "down": _downs(steady, name)} for name in names}
    peers_down = steady.pools
    steady.keep(tuple(name for name in names if name not in PEERS))
    steady.churn(much.alone)
    for name, times in steady.times.items():
        figures[name]["alloc"] = summarize(times.alloc)
        figures[name]["with_R"] = summarize(times.with_R)
        figures[name]["free"] = summarize(times.free)
    del peers_down
    gc.unfreeze()
    return {"busy": steady.busy, "judged": steady.judged, "jobs": steady.jobs, "pools": figures}
