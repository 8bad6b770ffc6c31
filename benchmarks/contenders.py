"""The pools behind one face: ours through Flux's pool class and bare, TreePool and Rv1Pool of flux-python."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, Protocol

from exactfit.grammar.idset import IdSet
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

from .machines import Job
from .stopwatch import Time, timed

R = dict[str, Any]


class Contender(Protocol):
    """What is measured of a pool."""

    name: str

    def request(self, job: Job) -> Any:
        """Return the job as the pool takes it."""

    def place(self, jobid: int, request: Any) -> tuple[R | None, Time, Time]:
        """Give a job resources; return its R, or None when they are insufficient, the time, and that with R."""

    def adopt(self, jobid: int, resources: R) -> None:
        """Let a job hold what another pool gave it."""

    def free(self, jobid: int) -> Time:
        """Take back what a job holds."""

    def down(self, ranks: str) -> Time:
        """Let ranks not be chosen."""

    def up(self, ranks: str) -> Time:
        """Let ranks be chosen."""

    def copy(self) -> Time:
        """Copy the pool."""


class Bare:
    """Our pool, without Flux."""

    name = "exactfit, bare"

    def __init__(self, text: str) -> None:
        self.pool = Pool(read_R(json.loads(text)))

    def request(self, job: Job) -> Any:
        """Return the job as the pool takes it."""
        return Request.of(job.vertices)

    def place(self, jobid: int, request: Any) -> tuple[R | None, Time, Time]:
        """Give a job resources; return its R, or None when they are insufficient, the time, and that with R."""
        allocation, alone = timed(lambda: self._alloc(jobid, request))
        if allocation is None:
            return None, alone, alone
        resources, more = timed(allocation.to_dict)
        return resources, alone, alone + more

    def _alloc(self, jobid: int, request: Any) -> Any:
        try:
            return self.pool.alloc(jobid, request)
        except InsufficientResources:
            return None

    def adopt(self, jobid: int, resources: R) -> None:
        """Let a job hold what another pool gave it."""
        self.pool.register_alloc(jobid, resources)

    def free(self, jobid: int) -> Time:
        """Take back what a job holds."""
        return timed(lambda: self.pool.free(jobid))[1]

    def down(self, ranks: str) -> Time:
        """Let ranks not be chosen."""
        mask = self.pool.machine.mask_of(IdSet.parse(ranks))
        return timed(lambda: self.pool.mark_down(mask))[1]

    def up(self, ranks: str) -> Time:
        """Let ranks be chosen."""
        mask = self.pool.machine.mask_of(IdSet.parse(ranks))
        return timed(lambda: self.pool.mark_up(mask))[1]

    def copy(self) -> Time:
        """Copy the pool."""
        return timed(self.pool.copy)[1]


class Flux:
    """A pool class as Flux's scheduler modules use it.

    Parameters
    ----------
    name
        For the table.
    pool
        A `flux.resource.ResourcePool`, of whatever class.
    """

    def __init__(self, name: str, pool: Any) -> None:
        self.name = name
        self.pool = pool
        flux = import_module("flux.resource")
        self._insufficient = flux.InsufficientResources
        # What TreePool itself makes of a job's R is refused by it: the ranks of a job do not begin with 0.
        self._held_class = flux.Rv1Pool

    def request(self, job: Job) -> Any:
        """Return the job as the pool takes it."""
        return self.pool.parse_resource_request(job.jobspec)

    def place(self, jobid: int, request: Any) -> tuple[R | None, Time, Time]:
        """Give a job resources; return its R, or None when they are insufficient, the time, and that with R."""
        allocated, alone = timed(lambda: self._alloc(jobid, request))
        if allocated is None:
            return None, alone, alone
        resources, more = timed(allocated.to_dict)
        return resources, alone, alone + more

    def _alloc(self, jobid: int, request: Any) -> Any:
        try:
            return self.pool.alloc(jobid, request)
        except self._insufficient:
            return None

    def adopt(self, jobid: int, resources: R) -> None:
        """Let a job hold what another pool gave it."""
        self.pool.register_alloc(jobid, self._held_class(resources))

    def free(self, jobid: int) -> Time:
        """Take back what a job holds."""
        return timed(lambda: self.pool.free(jobid))[1]

    def down(self, ranks: str) -> Time:
        """Let ranks not be chosen."""
        return timed(lambda: self.pool.mark_down(ranks))[1]

    def up(self, ranks: str) -> Time:
        """Let ranks be chosen."""
        return timed(lambda: self.pool.mark_up(ranks))[1]

    def copy(self) -> Time:
        """Copy the pool."""
        return timed(self.pool.copy)[1]


OURS = "exactfit"
BARE = "exactfit, bare"
TREE = "TreePool"
RV1 = "Rv1Pool"
NAMES = (OURS, BARE, TREE, RV1)
PEERS = (TREE, RV1)


def make(name: str, text: str) -> Contender:
    """Build a pool from R JSON text."""
    if name == BARE:
        return Bare(text)
    # Makes Flux's modules importable where libflux-core is not.
    ours = import_module("exactfit.adapters.flux")
    if name == OURS:
        return Flux(name, ours.ExactPool(text))
    if name == TREE:
        return Flux(name, import_module("flux.resource.TreePool").TreePool(text))
    return Flux(name, import_module("flux.resource.ResourcePool").ResourcePool(text))
