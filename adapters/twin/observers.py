"""What to watch in a run of the twin: that nothing is held twice, how local jobs are, and the figures of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...grammar.idset import IdSet, text_mask
from .jobs import Outcome, R


class Observer:
    """Is told what happens in a run; the base class cares for nothing."""

    def started(self, outcome: Outcome) -> None:
        """Hear that a job got resources."""

    def ended(self, outcome: Outcome) -> None:
        """Hear that a job stopped running; it holds resources until they are freed."""

    def freed(self, outcome: Outcome, resources: R) -> None:
        """Hear that a job returned this part of its resources."""

    def denied(self, outcome: Outcome) -> None:
        """Hear that a job was denied."""


class DoubleBookingError(AssertionError):
    """A resource was given that was not free, or returned that was not held."""


class Ledger(Observer):
    """Keeps its own books of every core and GPU, apart from the pool's, and compares.

    Parameters
    ----------
    resources
        The instance's R.

    Raises
    ------
    DoubleBookingError
        From its methods, when a job is given what is not free or returns what is not its own.
    """

    def __init__(self, resources: R) -> None:
        self._free = {rank: [cores, gpus] for rank, cores, gpus in pieces(resources)}
        self._all = {rank: tuple(free) for rank, free in self._free.items()}

    def started(self, outcome: Outcome) -> None:
        """Take the job's resources out of what is free."""
        for rank, cores, gpus in pieces(outcome.resources):
            free = self._free[rank]
            if cores & ~free[0] or gpus & ~free[1]:
                raise DoubleBookingError(
                    f"at {outcome.started}: job {outcome.job.id} was given what is not free on rank {rank}"
                )
            free[0] ^= cores
            free[1] ^= gpus

    def freed(self, outcome: Outcome, resources: R) -> None:
        """Put them back."""
        for rank, cores, gpus in pieces(resources):
            free = self._free[rank]
            if cores & free[0] or gpus & free[1]:
                raise DoubleBookingError(
                    f"job {outcome.job.id} of {outcome.started} returned what it did not hold on rank {rank}"
                )
            free[0] ^= cores
            free[1] ^= gpus

    @property
    def is_full(self) -> bool:
        """Whether everything is free."""
        return all(tuple(free) == self._all[rank] for rank, free in self._free.items())


class Usage(Observer):
    """Adds up core-seconds and waiting, for utilization and the like."""

    def __init__(self, resources: R) -> None:
        self.cores = sum(cores.bit_count() for _, cores, _ in pieces(resources))
        self.gpus = sum(gpus.bit_count() for _, _, gpus in pieces(resources))
        self.core_seconds = 0.0
        self.gpu_seconds = 0.0
        self.waits: list[float] = []
        self.first: float | None = None
        self.last = 0.0

    def started(self, outcome: Outcome) -> None:
        """Note how long the job waited."""
        self.waits.append((outcome.started or 0.0) - outcome.submitted)
        self.first = outcome.submitted if self.first is None else min(self.first, outcome.submitted)

    def ended(self, outcome: Outcome) -> None:
        """Add what the job used."""
        ended = outcome.ended or 0.0
        seconds = ended - (outcome.started or 0.0)
        for _, cores, gpus in pieces(outcome.resources):
            self.core_seconds += cores.bit_count() * seconds
            self.gpu_seconds += gpus.bit_count() * seconds
        self.last = max(self.last, ended)

    @property
    def makespan(self) -> float:
        """Seconds from the first submission to the last end."""
        return self.last - (self.first or 0.0)

    @property
    def utilization(self) -> float:
        """The part of all core-seconds of the makespan that jobs used."""
        return self.core_seconds / (self.cores * self.makespan) if self.makespan else 0.0


class Locality(Observer):
    """Counts how many domains jobs touch beyond the fewest that could hold their cores and GPUs.

    Parameters
    ----------
    domains
        For one node, as all are alike: level name to the (cores, gpus) bitmasks of its domains.

    Notes
    -----
    The fewest is a bound for an idle machine of such nodes: the cores and GPUs that a job holds on a node, divided by
    what one domain holds, rounded up.
    """

    def __init__(self, domains: Mapping[str, Iterable[tuple[int, int]]]) -> None:
        self._domains = {level: tuple(masks) for level, masks in domains.items()}
        self.touched = dict.fromkeys(self._domains, 0)
        self.fewest = dict.fromkeys(self._domains, 0)
        self.nodes = 0
        self.jobs = 0

    def started(self, outcome: Outcome) -> None:
        """Count the domains of the job."""
        self.jobs += 1
        for _, cores, gpus in pieces(outcome.resources):
            self.nodes += 1
            for level, masks in self._domains.items():
                self.touched[level] += sum(1 for c, g in masks if c & cores or g & gpus)
                most_cores = max(c.bit_count() for c, _ in masks)
                most_gpus = max(g.bit_count() for _, g in masks)
                self.fewest[level] += max(
                    -(-cores.bit_count() // most_cores) if most_cores else 0,
                    -(-gpus.bit_count() // most_gpus) if most_gpus else 0,
                )

    def excess(self, level: str) -> float:
        """Return the domains of a level touched per domain needed: 1 is the best."""
        return self.touched[level] / self.fewest[level] if self.fewest[level] else 1.0


def pieces(resources: R) -> list[tuple[int, int, int]]:
    """Return (rank, core mask, gpu mask) for each rank of an R."""
    found = []
    for entry in resources["execution"]["R_lite"]:
        children: Mapping[str, Any] = entry["children"]
        cores, gpus = text_mask(str(children.get("core", ""))), text_mask(str(children.get("gpu", "")))
        found += [(rank, cores, gpus) for rank in IdSet.parse(str(entry["rank"]))]
    return found


def percentile(values: Iterable[float], part: float) -> float:
    """Return the value below which this part (0 to 1) of the values lies, by the nearest rank; 0 for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0
