"""A long run on a machine of a thousand ranks, with the checker on every answer: memory and decision time stay flat.

`make soak`, or `python -m soak [operations] [ranks]` from the root with tests/support on the path. Jobs come and go,
some give back nodes before they end, nodes go down and come up, the pool is copied, and made anew from the R of what
runs, as when a scheduler is reloaded.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machines import MIX, Job, job, mixed
from exactfit.grammar.idset import IdSet
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.placement.allocation import Allocation
from exactfit.solver.pool import Pool

Json = dict[str, Any]

SHAPES = (
    *MIX,
    "slot=2/[core=4;memory=8]",
    "node=4/slot=2/core=15",
    "node{x}/slot/core",
    "slot=1-6/core=5",
    "slot/numa{x}",
    "slot/socket/[core=20;gpu=1]",
)
OPERATIONS = 1_000_000
RANKS = 1000
PARTS = 10
RELOAD = 250_000
"""Operations between two reloads: a pool lives long enough for whatever it hoards to be seen."""

READ = 50
"""Refusals of which one is read, as when a user asks why: to find the words takes longer than to refuse."""

FULL = 20
"""Refusals one after the other after which the machine counts as full, and the run begins."""

OPTIONS = Options(time_limit=60.0)
"""A busy computer must not make a search look cut off."""

FLAT = 1.5
"""How much slower decisions may become, and how much larger the process, from the second part to the last."""

SLACK = 32
"""MiB by which the process may grow whatever its size: an allocator keeps some of what it was given back."""


class BrokenError(AssertionError):
    """An answer that the checker refuses, or resources lost or held twice."""


@dataclass
class Part:
    """What was measured of one part of the run."""

    # Not a list: the numbers of a million operations would look like a leak.
    decisions: array[float] = field(default_factory=lambda: array("d"))
    placed: int = 0
    refused: int = 0
    jobs: int = 0
    MiB: float = 0.0

    def percentile(self, share: float) -> float:
        """Return a decision time in milliseconds."""
        ordered = sorted(self.decisions)
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Soak:
    """A pool, a checker that follows it, and the jobs."""

    def __init__(self, ranks: int, seed: int = 6) -> None:
        self._done = 0
        site = mixed(ranks)
        self.machine = site.machine
        self._heard: list[str] = []
        self.pool = Pool(site.machine, OPTIONS, self._hear)
        self.checker = Checker(site.machine)
        self.down = site.machine.all & ~site.up
        self.part = Part()
        self._random = random.Random(seed)
        self._jobs: list[tuple[Job, Request]] = [(one, Request.of(one.vertices)) for one in map(job, SHAPES)]
        self._running: dict[int, Json] = {}
        self._order: list[int] = []
        self._next = 1
        self._mark()
        self._operations: list[tuple[Callable[[], None], int]] = [
            (self.ask, 46),
            (self.end, 40),
            (self.shrink, 5),
            (self.turn, 5),
            (self.extend, 3),
            (self.branch, 1),
        ]

    def run(self, operations: int) -> None:
        """Do so many things at random."""
        calls, weights = zip(*self._operations, strict=True)
        for call in self._random.choices(calls, weights, k=operations):
            call()
            self._done += 1
            if self._done % RELOAD == 0:
                self.reload()
        self.part.jobs = len(self._running)
        self.part.MiB = _size()
        self.balance()

    def fill(self) -> None:
        """Let jobs come until there is room for hardly any."""
        refused = 0
        while refused < FULL:
            before = self.part.refused
            self.ask()
            refused = refused + 1 if self.part.refused > before else 0

    def ask(self) -> None:
        """Let a job ask for resources."""
        asked, request = self._random.choice(self._jobs)
        answer: Allocation | InsufficientResources
        begin = time.process_time()
        try:
            answer = self.pool.alloc(self._next, request)
        except InsufficientResources as refusal:
            answer = refusal
        self.part.decisions.append(time.process_time() - begin)
        if self._heard:
            raise BrokenError(f"{asked.shape}: {self._heard}")
        if isinstance(answer, InsufficientResources):
            self._refused(asked, answer)
        else:
            self._placed(asked, answer.to_dict())

    def _hear(self, _level: int, message: str) -> None:
        """Take what the pool logs: that a search was cut off, or failed."""
        self._heard.append(message)

    def _refused(self, asked: Job, refusal: InsufficientResources) -> None:
        self.part.refused += 1
        if self.part.refused % READ == 0 and not str(refusal):
            raise BrokenError(f"{asked.shape}: refused without a word")

    def _placed(self, asked: Job, R: Json) -> None:
        verdict = self.checker.judge(asked.vertices, R)
        certificate = R["scheduling"]["certificate"]
        claimed = {**certificate["terms"], "size": tuple(certificate["terms"]["size"])}
        checked = {name: verdict.terms.get(name) for name in claimed}
        if not verdict.legal or claimed != checked or certificate["status"] != "OPTIMAL":
            raise BrokenError(f"{asked.shape}: {certificate}, {verdict}")
        held = _held(R)
        self.checker.allocate(held)
        self._running[self._next] = held
        self._order.append(self._next)
        self._next += 1
        self.part.placed += 1

    def end(self) -> None:
        """Let a job end."""
        if self._order:
            place = self._random.randrange(len(self._order))
            self._order[place], self._order[-1] = self._order[-1], self._order[place]
            jobid = self._order.pop()
            self.pool.free(jobid)
            self.checker.release(self._running.pop(jobid))

    def shrink(self) -> None:
        """Let a job on several nodes give back one of them."""
        if not self._order:
            return
        jobid = self._random.choice(self._order)
        held = self._running[jobid]
        ranks = _ranks(held)
        if len(ranks) < 2:
            return
        back = IdSet.of([self._random.choice(list(ranks))])
        self.pool.free(jobid, self.machine.mask_of(back))
        self.checker.release(held)
        self._running[jobid] = _cut(held, ranks - back)
        self.checker.allocate(self._running[jobid])

    def turn(self) -> None:
        """Let a rank go down, or come up when it is."""
        self.down ^= 1 << self._random.randrange(len(self.machine.ranks))
        self._mark()

    def _mark(self) -> None:
        self.pool.mark_down(self.down)
        self.pool.mark_up(self.machine.all & ~self.down)
        self.checker.down(self.down)

    def extend(self) -> None:
        """Give a job another end."""
        if self._order:
            self.pool.update_expiration(self._random.choice(self._order), self._random.uniform(0.0, 2e9))

    def branch(self) -> None:
        """Let a copy of the pool place a job, which the pool itself does not see."""
        before, copy = self.pool.generation, self.pool.copy()
        with suppress(InsufficientResources):
            copy.alloc(self._next, self._random.choice(self._jobs)[1])
        if (self.pool.generation, self.pool.job(self._next)) != (before, None):
            raise BrokenError("a copy changed its original")

    def reload(self) -> None:
        """Make the pool anew from what runs."""
        self.pool = Pool(self.machine, OPTIONS, self._hear)
        for jobid, held in self._running.items():
            self.pool.register_alloc(jobid, held)
        self._mark()

    def balance(self) -> None:
        """See that the pool holds what the jobs hold, no more and no less."""
        held: dict[int, tuple[int, int]] = {}
        for R in self._running.values():
            for entry in R["execution"]["R_lite"]:
                cores, gpus = (IdSet.parse(entry["children"].get(kind, "")).mask() for kind in ("core", "gpu"))
                for rank in IdSet.parse(entry["rank"]):
                    before = held.get(rank, (0, 0))
                    if before[0] & cores or before[1] & gpus:
                        raise BrokenError(f"rank {rank} is held twice")
                    held[rank] = before[0] | cores, before[1] | gpus
        known: dict[int, tuple[int, int]] = {}
        for nodes, cores, gpus in self.pool.allocated():
            known |= dict.fromkeys(self.machine.ids_of(nodes), (cores, gpus))
        if known != held:
            raise BrokenError("the pool does not hold what the jobs hold")

    def drain(self) -> None:
        """Let all jobs end; all must be free then."""
        while self._order:
            self.end()
        self.balance()
        if self.pool.allocated() or self.pool.jobs:
            raise BrokenError("something is left")


def _held(R: Json) -> Json:
    """Return what a reload needs of a job's R."""
    scheduling = {"placement": R["scheduling"]["placement"]}
    return {"version": 1, "execution": {"R_lite": R["execution"]["R_lite"]}, "scheduling": scheduling}


def _ranks(held: Json) -> IdSet:
    every = IdSet()
    for entry in held["execution"]["R_lite"]:
        every |= IdSet.parse(entry["rank"])
    return every


def _cut(held: Json, ranks: IdSet) -> Json:
    """Return the part of a job on some ranks."""

    def cut(entries: list[Json], key: str) -> list[Json]:
        parts = [{**entry, key: str(IdSet.parse(entry[key]) & ranks)} for entry in entries]
        return [part for part in parts if part[key]]

    lite, placement = held["execution"]["R_lite"], held["scheduling"]["placement"]
    return {
        "version": 1,
        "execution": {"R_lite": cut(lite, "rank")},
        "scheduling": {"placement": cut(placement, "ranks")},
    }


def _size() -> float:
    """Return what the process holds in memory, in MiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def main(operations: int = OPERATIONS, ranks: int = RANKS) -> int:
    """Run, print, and return 1 when memory or decision time is not flat."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    soak = Soak(ranks)
    soak.fill()
    table = Table("part", "jobs at its end", "placed", "refused", "median ms", "99 % ms", "MiB")
    table.title = f"{operations} operations on {ranks} ranks"
    parts: list[Part] = []
    for number in range(1, PARTS + 1):
        soak.part = Part()
        soak.run(operations // PARTS)
        part = soak.part
        parts.append(part)
        middle, high = part.percentile(0.5), part.percentile(0.99)
        row = (number, part.jobs, part.placed, part.refused, f"{middle:.3f}", f"{high:.2f}", f"{part.MiB:.0f}")
        table.add_row(*map(str, row))
        print(*row, file=sys.stderr, flush=True)
    soak.drain()
    console.print(table)
    early, late = parts[1], parts[-1]
    flat_time = all(late.percentile(share) <= FLAT * early.percentile(share) for share in (0.5, 0.99))
    flat_size = late.MiB <= max(FLAT * early.MiB, early.MiB + SLACK)
    console.print(f"decision time flat: {flat_time}; memory flat: {flat_size}; processors: {os.cpu_count()}")
    return 0 if flat_time and flat_size else 1


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:3])))
