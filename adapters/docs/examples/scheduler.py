"""A scheduler around the pool: a queue in order of arrival, with backfill that delays nobody's first start.

    python scheduler.py

The clock is virtual. A job that cannot start gets a reservation: the earliest time at which the ends of running jobs
make room, found on a copy of the pool. A job behind it starts now if it ends before that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from exactfit.solver import InfeasibleRequest, InsufficientResources, Machine, Pool, Request
from exactfit.solver.explain import earliest_start


@dataclass(frozen=True)
class Job:
    """A job: when it comes, what it asks for, how many seconds it runs."""

    id: int
    submitted: float
    request: Request
    seconds: float


class Scheduler:
    """Runs jobs on a machine, on a virtual clock."""

    def __init__(self, machine: Machine) -> None:
        self.pool = Pool(machine)
        self.queue: list[Job] = []
        self.ends: list[tuple[float, int]] = []

    def run(self, jobs: list[Job]) -> Iterator[str]:
        """Yield a line for each thing that happens."""
        coming = sorted(jobs, key=lambda job: job.submitted)
        while coming or self.ends:
            now = min([job.submitted for job in coming[:1]] + [end for end, _ in self.ends[:1]])
            while self.ends and self.ends[0][0] <= now:
                self.pool.free(heappop(self.ends)[1])
            while coming and coming[0].submitted <= now:
                yield from self.submit(coming.pop(0))
            yield from self.start(now)

    def submit(self, job: Job) -> Iterator[str]:
        """Queue a job, unless it can never run."""
        try:
            self.pool.check_feasibility(job.request)
        except InfeasibleRequest as reason:
            yield f"{job.submitted:6.0f} job {job.id} can never run: {reason}"
        else:
            self.queue.append(job)

    def start(self, now: float) -> Iterator[str]:
        """Start what can start now: in order, and behind the first that cannot what ends before it could."""
        shadow: float | None = None
        for job in list(self.queue):
            if shadow is not None and now + job.seconds > shadow:
                continue
            try:
                allocation = self.pool.alloc(job.id, job.request)
            except InsufficientResources:
                if shadow is None:
                    found = earliest_start(self.pool, job.request, now)
                    shadow = now if found is None else found
                continue
            self.queue.remove(job)
            self.pool.update_expiration(job.id, now + job.seconds)
            heappush(self.ends, (now + job.seconds, job.id))
            ranks = self.pool.machine.ids_of(allocation.nodes)
            yield f"{now:6.0f} job {job.id} starts on {ranks}: {allocation.certificate['status']}"


def main() -> None:
    """Run six jobs on two nodes."""
    shapes = ["slot=8/core=8", "node=1/slot=4/[core=4;gpu=1]", "slot=2/node", "slot=1/core=4", "slot=9/core=9"]
    shapes.append("slot=1/core=200")
    jobs = [Job(n, 10.0 * n, Request.from_shape(shape), 100.0 - 15 * n) for n, shape in enumerate(shapes, start=1)]
    for line in Scheduler(Machine.build(("socket:2 numa:2 core:16 gpu:1", 2))).run(jobs):
        print(line)


if __name__ == "__main__":
    main()
