"""The trivial model beside the pool: who holds which core and GPU ids of which rank, in dictionaries of sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ...grammar.idset import IdSet

Json = dict[str, Any]
Ids = tuple[frozenset[int], frozenset[int]]
"""Cores and GPUs."""

Held = dict[int, Ids]
"""By rank."""

Amounts = dict[tuple[int, int, str], Fraction]
"""Of memory, storage and what else is counted: by rank and number of the domain in its node, or -1 and the number of
the group."""

NOTHING: Ids = (frozenset(), frozenset())


def held_of(R: Mapping[str, Any]) -> Held:
    """Return what an R lists."""
    held: Held = {}
    for entry in R["execution"]["R_lite"]:
        ids = tuple(frozenset(IdSet.parse(entry["children"].get(kind, ""))) for kind in ("core", "gpu"))
        for rank in IdSet.parse(str(entry["rank"])):
            cores, gpus = held.get(rank, NOTHING)
            held[rank] = cores | ids[0], gpus | ids[1]
    return {rank: ids for rank, ids in held.items() if any(ids)}


def part_of(R: Json, ranks: Iterable[int]) -> Json:
    """Return the part of a job's R on some ranks, placement included: what is left of it after others were freed."""
    kept = IdSet.of(ranks)

    def cut(entries: Iterable[Json], key: str) -> list[Json]:
        parts = [{**entry, key: IdSet.parse(str(entry[key])) & kept} for entry in entries if key in entry]
        return [{**part, key: str(part[key])} for part in parts if part[key]]

    execution = {key: value for key, value in R["execution"].items() if key != "nodelist"}
    execution["R_lite"] = cut(R["execution"]["R_lite"], "rank")
    said = R.get("scheduling", {})
    placement = said.get("placement", ())
    # What groups gave to no slot has no ranks; it stays until the job is gone.
    of_groups = [entry for entry in placement if "ranks" not in entry]
    scheduling = {"writer": "exactfit.adapters.flux", "placement": [*cut(placement, "ranks"), *of_groups]}
    if "amounts" in said:
        scheduling["amounts"] = cut(said["amounts"], "ranks")
    return {"version": 1, "execution": execution, "scheduling": scheduling}


@dataclass
class Model:
    """A machine, its jobs, and what is down.

    Attributes
    ----------
    there
        What each rank has.
    jobs
        What each job holds.
    allocated
        The R of each job, cut to the ranks that it still holds.
    ends
        When each job ends.
    down
        Ranks.
    expiration
        When what there is ends.
    """

    there: Held
    jobs: dict[int, Held] = field(default_factory=dict)
    allocated: dict[int, Json] = field(default_factory=dict)
    ends: dict[int, float] = field(default_factory=dict)
    down: set[int] = field(default_factory=set)
    expiration: float = 0.0

    def start(self, jobid: int, R: Json, end: float) -> None:
        """Let a job have what its R says."""
        self.jobs[jobid] = held_of(R)
        self.allocated[jobid] = R
        self.ends[jobid] = end

    def keep(self, jobid: int, ranks: Iterable[int]) -> None:
        """Leave a job nothing but what it has on these ranks."""
        kept = set(ranks)
        self.jobs[jobid] = {rank: ids for rank, ids in self.jobs[jobid].items() if rank in kept}
        self.allocated[jobid] = part_of(self.allocated[jobid], kept)

    def end(self, jobid: int) -> None:
        """Let a job have nothing any more."""
        del self.jobs[jobid], self.allocated[jobid], self.ends[jobid]

    def remove(self, ranks: Iterable[int]) -> None:
        """Forget ranks, and what jobs have there."""
        for rank in ranks:
            self.there.pop(rank, None)
            self.down.discard(rank)
        for jobid, held in list(self.jobs.items()):
            if not held.keys() <= self.there.keys():
                self.keep(jobid, self.there)

    def grow(self, whole: Held, ranks: Iterable[int]) -> None:
        """Let ranks of the whole machine be there again."""
        self.there |= {rank: whole[rank] for rank in ranks}

    def held(self) -> Held:
        """Return what all jobs hold together."""
        total: Held = {}
        for job in self.jobs.values():
            for rank, (cores, gpus) in job.items():
                before = total.get(rank, NOTHING)
                total[rank] = before[0] | cores, before[1] | gpus
        return total

    def copy(self) -> Model:
        """Return a model that goes its own way."""
        allocated, ends = dict(self.allocated), dict(self.ends)
        return Model(dict(self.there), dict(self.jobs), allocated, ends, set(self.down), self.expiration)
