"""The steady state: a machine kept about 85 % busy by jobs of the mix that come and leave in random order.

One pool leads: its answers stand. The others hold the same jobs on the same resources, so that each request is put
to all of them in the same state; what they answer is taken back at once. The checker judges every answer of ours that
is timed, outside of the clock, and of those that only fill a large machine a share.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from exactfit.grammar.idset import text_mask
from exactfit.solver.checker import Checker

from .contenders import PEERS, Contender, R, make
from .machines import MIX, Job, Site, job
from .stopwatch import Time

BUSY = 0.85
"""Share of the cores, or of the GPUs where fewer of these are left, that jobs hold."""

FULL, HOLLOW = 0.97, 0.6
"""Shares up to which a machine is filled, and down to which it empties before the steady state: it is fragmented."""

JUDGED = 2_000
"""Nodes on which every answer is judged; on more of them that share of those that are not timed."""

TRIES = 500
"""Requests refused one after the other after which a machine counts as busy."""


class WrongError(AssertionError):
    """An answer that the checker refuses, or that is not proven optimal."""


@dataclass
class Times:
    """What was measured of one pool.

    Attributes
    ----------
    alloc, with_R
        Requests that were granted: the decision alone, and with the R that Flux asks for next.
    refused
        Requests for which there was no room.
    free
        Jobs that left.
    """

    alloc: list[Time] = field(default_factory=list)
    with_R: list[Time] = field(default_factory=list)
    refused: list[Time] = field(default_factory=list)
    free: list[Time] = field(default_factory=list)


class Steady:
    """A busy machine.

    Parameters
    ----------
    site
        The machine.
    names
        The pools, the leader first.
    seed
        Of the jobs and of their leaving.
    """

    def __init__(self, site: Site, names: Sequence[str], seed: int = 5) -> None:
        self.site = site
        self.pools = [make(name, site.R) for name in names]
        self.times: dict[str, Times] = defaultdict(Times)
        self.judged = 0
        self._jobs = [job(shape) for shape in MIX]
        self._requests = {pool.name: [pool.request(one) for one in self._jobs] for pool in self.pools}
        self._checker = Checker(site.machine)
        self._random = random.Random(seed)
        self._running: list[tuple[int, R]] = []
        self._next = 1
        self._total = _amounts(site)
        self._busy = [0, 0]
        if site.down:
            for pool in self.pools:
                pool.down(site.down)
            self._checker.down(site.machine.all & ~site.up)

    @property
    def jobs(self) -> int:
        """How many jobs run."""
        return len(self._running)

    def running(self) -> Iterator[R]:
        """Yield what each job holds, as an R without more than that."""
        return (held for _, held in self._running)

    @property
    def busy(self) -> float:
        """The share of the machine that jobs hold."""
        return max(busy / total for busy, total in zip(self._busy, self._total, strict=True))

    def fill(self) -> None:
        """Let jobs come, leave in random order, and come again; nothing is measured."""
        for share in (FULL, HOLLOW, BUSY):
            refused = 0
            while self.busy < share and refused < TRIES:
                refused = 0 if self._arrive(self._draw()) else refused + 1
            while self.busy > share:
                self._leave()
        for times in self.times.values():
            times.free.clear()

    def churn(self, steps: int, passing_over: Sequence[str] = ()) -> None:
        """Let so many jobs ask for room, on all pools, and others leave to keep the machine as busy as it was.

        Parameters
        ----------
        passing_over
            Pools that are not asked.
        """
        for _ in range(steps):
            kind = self._draw()
            for pool in self.pools[1:]:
                if pool.name not in passing_over:
                    self._probe(kind, pool)
            self._arrive(kind, measured=True)
            while self.busy > BUSY:
                self._leave()

    def cram(self) -> None:
        """Let jobs of all shapes come until not one more finds room."""
        for kind in range(len(self._jobs)):
            while self._arrive(kind):
                pass

    def refuse(self, times: int) -> None:
        """Put every shape to every pool so many times on a crammed machine."""
        for _ in range(times):
            for kind in range(len(self._jobs)):
                for pool in self.pools:
                    if self._probe(kind, pool):
                        raise WrongError(f"{pool.name} finds room for {MIX[kind]}, {self.pools[0].name} does not")

    def _draw(self) -> int:
        return self._random.randrange(len(self._jobs))

    def _probe(self, kind: int, pool: Contender) -> bool:
        """Put a request to a pool and take back what it gives; tell whether it gave anything."""
        given, alone, with_R = pool.place(0, self._requests[pool.name][kind])
        self._note(pool, given, alone, with_R)
        if given is None:
            return False
        pool.free(0)
        self._judge(self._jobs[kind], given, pool)
        return True

    def _note(self, pool: Contender, given: R | None, alone: Time, with_R: Time) -> None:
        times = self.times[pool.name]
        if given is None:
            times.refused.append(alone)
        else:
            times.alloc.append(alone)
            times.with_R.append(with_R)

    def _arrive(self, kind: int, *, measured: bool = False) -> bool:
        """Let the leader place a job, and all others adopt it; tell whether there was room."""
        leader = self.pools[0]
        jobid = self._next
        given, alone, with_R = leader.place(jobid, self._requests[leader.name][kind])
        if measured:
            self._note(leader, given, alone, with_R)
        if given is None:
            return False
        if measured or self._next * JUDGED % self.site.machine.size < JUDGED:
            self._judge(self._jobs[kind], given, leader)
        for other in self.pools[1:]:
            other.adopt(jobid, given)
        held = {"version": 1, "execution": {"R_lite": given["execution"]["R_lite"]}}
        self._checker.allocate(held)
        self._running.append((jobid, held))
        self._weigh(held, 1)
        self._next += 1
        return True

    def _judge(self, asked: Job, given: R, pool: Contender) -> None:
        if pool.name not in PEERS:
            judge(self._checker, asked, given)
            self.judged += 1

    def _leave(self) -> None:
        place = self._random.randrange(len(self._running))
        self._running[place], self._running[-1] = self._running[-1], self._running[place]
        jobid, held = self._running.pop()
        for pool in self.pools:
            self.times[pool.name].free.append(pool.free(jobid))
        self._checker.release(held)
        self._weigh(held, -1)

    def _weigh(self, held: R, sign: int) -> None:
        for entry in held["execution"]["R_lite"]:
            nodes = text_mask(entry["rank"]).bit_count()
            for place, kind in enumerate(("core", "gpu")):
                self._busy[place] += sign * nodes * text_mask(entry["children"].get(kind, "")).bit_count()


def _amounts(site: Site) -> tuple[int, int]:
    """Return how many cores and GPUs are up."""
    up = [(mask & site.up).bit_count() for mask in site.machine.type_masks]
    cores = sum(n * kind.cores.bit_count() for n, kind in zip(up, site.machine.types, strict=True))
    gpus = sum(n * kind.gpus.bit_count() for n, kind in zip(up, site.machine.types, strict=True))
    return cores, gpus


def judge(checker: Checker, asked: Job, given: R) -> None:
    """See that an answer of ours is legal, worth what it says, and proven.

    Raises
    ------
    WrongError
        When it is not.
    """
    verdict = checker.judge(asked.vertices, given)
    certificate = given["scheduling"]["certificate"]
    if not verdict.legal:
        raise WrongError(f"{asked.shape}: {'; '.join(verdict.violations)}")
    claimed = {**certificate["terms"], "size": tuple(certificate["terms"]["size"])}
    # The checker knows terms beside those that the policy names.
    if claimed != {name: verdict.terms.get(name) for name in claimed} or certificate["status"] != "OPTIMAL":
        raise WrongError(f"{asked.shape}: the certificate says {certificate}, the checker {dict(verdict.terms)}")
