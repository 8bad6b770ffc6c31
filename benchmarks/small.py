"""Jobs of many shapes on small machines, ours beside Flux's own pools: the mean, the tail, and the work counted.

Run by `python -m benchmarks.small`. Every machine has a process of its own, in which nothing was decided before. It is
filled, emptied by a half in random order and filled again, over and over; each request is new, and is put to all pools
in the same state: ours lead, and the others hold what ours give. Then the same comes once more on the same pools
(warm), and once more on a pool by itself, where work is counted and nothing is timed.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import asdict
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from exactfit.grammar.idset import text_mask
from exactfit.solver.cpsat.loading import load_solver

from .contenders import BARE, OURS, RV1, TREE, Contender, R, make
from .counting import counting
from .machines import MIX, Site, job, plain
from .shapes import draw
from .stopwatch import timed
from .tail import Tail, tail

RANKS = (1, 4, 16, 64, 256)
GOALS = {1: 2.0, 4: 2.0, 16: 2.0, 64: 1.5, 256: 0.7}
"""The most that the mean of ours may be of TreePool's."""

BUSY, HOLLOW = 0.95, 0.5
"""Shares of the cores from which jobs leave, and down to which."""

TRIES = 3
"""Requests refused one after the other after which jobs leave, too."""

WARMED_UP = 20
"""Requests that the peers answer before anything is timed, on pools of their own, so that their code is loaded."""

PASSES = ("cold", "warm")


class Run:
    """A machine on which new jobs come and old ones leave.

    Parameters
    ----------
    site
        The machine.
    pools
        The first one leads.
    """

    def __init__(self, site: Site, pools: list[Contender]) -> None:
        self.site = site
        self.pools = pools
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.freed: dict[str, list[float]] = defaultdict(list)
        self.status: Counter[str] = Counter()
        self._ways = random.Random(0)
        self._jobs: dict[int, R] = {}
        self._cores = 0

    def go(self, decisions: int, seed: int) -> None:
        """Put so many requests, and then let all jobs leave."""
        self._ways.seed(seed)
        refused = 0
        for jobid in range(1, decisions + 1):
            refused = 0 if self._put(jobid, draw(self._ways, self.site.machine.size)) else refused + 1
            if refused == TRIES or self._cores > BUSY * _cores(self.site):
                while self._jobs and self._cores > HOLLOW * _cores(self.site):
                    self._leave(self._ways.choice(list(self._jobs)))
                refused = 0
        for jobid in list(self._jobs):
            self._leave(jobid)

    def _put(self, jobid: int, shape: str) -> bool:
        asked = job(shape)
        leader, *others = self.pools
        for pool in others:
            there, _, with_R = pool.place(jobid, pool.request(asked))
            self.taken[pool.name].append(with_R.cpu)
            self.status[f"{pool.name} {'placed' if there else 'refused'}"] += 1
            if there:
                pool.free(jobid)
        given, _, with_R = leader.place(jobid, leader.request(asked))
        self.taken[leader.name].append(with_R.cpu)
        self.status[given["scheduling"]["certificate"]["status"] if given else "refused"] += 1
        if given is None:
            return False
        for pool in others:
            pool.adopt(jobid, given)
        self._jobs[jobid] = given
        self._cores += _held(given)
        return True

    def _leave(self, jobid: int) -> None:
        given = self._jobs.pop(jobid)
        self._cores -= _held(given)
        for pool in self.pools:
            if pool.name == BARE:
                pool.free(jobid)
                continue
            # What Flux's scheduler hands over, whatever class its pool has.
            back = import_module("flux.resource.ResourcePool").ResourcePool(given)
            flux: Any = pool
            self.freed[pool.name].append(timed(lambda p=flux, b=back: p.pool.free(jobid, b, True))[1].cpu)  # type: ignore[misc]


def _cores(site: Site) -> int:
    return sum(
        m.bit_count() * t.cores.bit_count() for m, t in zip(site.machine.type_masks, site.machine.types, strict=True)
    )


def _held(given: R) -> int:
    return sum(
        text_mask(entry["rank"]).bit_count() * text_mask(entry["children"]["core"]).bit_count()
        for entry in given["execution"]["R_lite"]
    )


def measure(ranks: int, decisions: int, seed: int) -> dict[str, Any]:
    """Return what is measured on a machine of so many nodes; nothing must have been decided in the process before."""
    site = plain(ranks)
    load_solver()  # which is no part of the decision that would be the first to search
    for name in (TREE, RV1):
        pool = make(name, site.R)
        for jobid in range(WARMED_UP):
            pool.place(jobid, pool.request(job(MIX[0])))
    run = Run(site, [make(name, site.R) for name in (OURS, TREE, RV1)])
    gc.collect()
    gc.freeze()
    found: dict[str, Any] = {"ranks": ranks}
    for which in PASSES:
        run.go(decisions, seed)
        found[which] = {name: asdict(_some(times)) for name, times in run.taken.items()}
        found[f"{which} free"] = {name: asdict(_some(times)) for name, times in run.freed.items()}
        found["status"] = dict(run.status)
        for counts in (run.taken, run.freed, run.status):
            counts.clear()
    with counting() as counts:
        Run(site, [make(BARE, site.R)]).go(decisions, seed)
    found["work"] = dict(counts)
    return found


def _some(times: list[float]) -> Tail:
    found = tail(times)
    assert found is not None
    return found


def main(
    ranks: Annotated[list[int] | None, typer.Option(help="Sizes of machines; 1 to 256 by default.")] = None,
    decisions: Annotated[int, typer.Option(help="Of each pass on each machine.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the jobs.")] = 17,
    alone: Annotated[bool, typer.Option(help="One machine in this process; prints JSON.")] = False,
) -> None:
    """Measure jobs of many shapes on small machines."""
    sizes = ranks or RANKS
    if alone:
        print(json.dumps(measure(sizes[0], decisions, seed)))
        return
    found = []
    for size in sizes:
        options = ["--ranks", str(size), "--decisions", str(decisions), "--seed", str(seed), "--alone"]
        command = [sys.executable, "-m", "benchmarks.small", *options]
        found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    console = Console(width=150)
    for table in (_times(found), _frees(found), _work(found)):
        console.print(table)


def _times(found: list[dict[str, Any]]) -> Table:
    names = ("mean", "p50", "p99", "p99.9", "most", "slowest 1 %", "mean / TreePool's", "goal")
    table = Table("nodes", "pass", "pool", *names, title="decision with R, ms of the processor", title_justify="left")
    for one in found:
        for which in PASSES:
            for name, times in sorted(one[which].items(), key=lambda item: (OURS, TREE, RV1).index(item[0])):
                ratio = times["mean"] / one[which][TREE]["mean"]
                goal = f"{GOALS.get(one['ranks'], 2.0):g}" if name == OURS else ""
                cells = [f"{1000 * times[key]:.3f}" for key in ("mean", "p50", "p99", "p999", "most")]
                table.add_row(
                    str(one["ranks"]), which, name, *cells, f"{100 * times['slowest']:.0f} %", f"{ratio:.2f}", goal
                )
    return table


def _frees(found: list[dict[str, Any]]) -> Table:
    table = Table(
        "nodes", "pass", OURS, TREE, RV1, "ours / Rv1Pool's", title="free with R, mean, us", title_justify="left"
    )
    for one in found:
        for which in PASSES:
            means = {name: times["mean"] for name, times in one[f"{which} free"].items()}
            cells = [f"{1e6 * means[name]:.1f}" for name in (OURS, TREE, RV1)]
            table.add_row(str(one["ranks"]), which, *cells, f"{means[OURS] / means[RV1]:.2f}")
    return table


def _work(found: list[dict[str, Any]]) -> Table:
    kinds = list(dict.fromkeys(name for one in found for name in one["work"]))
    states = list(dict.fromkeys(name for one in found for name in one["status"]))
    table = Table("nodes", *kinds, *states, title="work and outcomes", title_justify="left")
    for one in found:
        table.add_row(
            str(one["ranks"]),
            *(str(one["work"].get(k, 0)) for k in kinds),
            *(str(one["status"].get(k, 0)) for k in states),
        )
    return table


if __name__ == "__main__":
    typer.run(main)
