"""An allocator of thirty lines with five faults, for the audit to find out, and one that is killed by a request."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Any

from exactfit.adapters.audit.allocator import Allocator, InsufficientResources, UnreadError
from exactfit.adapters.audit.model import held_of

Json = dict[str, Any]


class Faulty(Allocator):
    """First fit of slots of cores."""

    def __init__(self, R: Json) -> None:
        self.free_cores = {rank: set(cores) for rank, (cores, _) in held_of(R).items()}
        self.jobs: dict[int, dict[int, list[int]]] = {}

    def alloc(self, jobid: int, resources: list[Json], constraint: Json | None, duration: float = 0.0) -> Json:
        slot, core = resources[0], resources[0].get("with", [{}])[0]
        if (slot["type"], list(core), len(resources), len(slot["with"])) != ("slot", ["type", "count"], 1, 1):
            raise UnreadError("slots of cores, no more")
        if (
            core["type"] != "core"
            or constraint
            or not isinstance(slot["count"], int)
            or not isinstance(core["count"], int)
        ):
            raise UnreadError("plain slots of cores anywhere, no more")
        size, left, given = core["count"], slot["count"], {}
        for rank, free in sorted(self.free_cores.items()):
            fit = min(left, len(free) // size) if size != 3 else 0  # Fault: three cores are refused.
            given.update({rank: sorted(free)[: fit * size]} if fit else {})
            left -= fit
        if left:
            raise InsufficientResources("not enough cores")
        self.jobs[jobid] = given
        for rank, cores in given.items():
            self.free_cores[rank] -= set(cores[:5])  # Fault: the sixth core is given again.
        lite = [{"rank": str(r), "children": {"core": ",".join(map(str, c))}} for r, c in given.items()]
        return {"version": 1, "execution": {"R_lite": lite, "nslots": slot["count"]}}

    def free(self, jobid: int) -> None:
        for rank, cores in self.jobs.pop(jobid, {}).items():
            self.free_cores[rank] |= set(cores)

    def free_part(self, jobid: int, R: Json) -> None:
        for rank in held_of(R):
            self.jobs[jobid].pop(rank)  # Fault: its cores stay taken.

    def mark(self, ranks: Iterable[int], *, up: bool) -> None:
        pass  # Fault: a rank that is down is used.

    def register(self, jobid: int, R: Json, freed: Collection[int] = ()) -> None:
        self.jobs[jobid] = {}  # Fault: what the job has is given away.


class Sore(Faulty):
    """A refusal costs it what it had put together by then: nodes that it took one after the other stay taken."""

    def alloc(self, jobid: int, resources: list[Json], constraint: Json | None, duration: float = 0.0) -> Json:
        try:
            return super().alloc(jobid, resources, constraint, duration)
        except InsufficientResources:
            self.free_cores[min(self.free_cores)].clear()
            raise


class Deadly(Faulty):
    """It takes the process with it when it is asked for nodes."""

    def alloc(self, jobid: int, resources: list[Json], constraint: Json | None, duration: float = 0.0) -> Json:
        if resources[0]["type"] == "node":
            os._exit(7)
        return super().alloc(jobid, resources, constraint, duration)
