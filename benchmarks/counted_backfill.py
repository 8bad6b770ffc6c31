"""Simulate backfill on a trace by counting processors alone: ``python -m benchmarks.counted_backfill TRACE``.

No line of a study is in it. What a study says of ``easy`` and ``flux`` on a machine of equal processors is held against
this, and what changes such figures is shown: one setting a line, mean wait in minutes and mean bounded slowdown.
"""

from __future__ import annotations

import gzip
import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

EASY, FLUX = "easy", "flux"
_SUBMIT, _RUN, _ALLOCATED, _ASKED, _LIMIT, _STATUS = 1, 3, 4, 7, 8, 10


@dataclass(frozen=True, slots=True)
class Job:
    """When it comes, how long it runs and may run, and on how many processors."""

    submit: float
    runtime: float
    limit: float
    processors: int


def read(path: Path, completed: bool = False, asked: bool = False) -> list[Job]:
    """Return the jobs of a trace in the Standard Workload Format that ran, cut at their limits.

    Parameters
    ----------
    path
        Packed by gzip or not.
    completed
        Only those that ended well.
    asked
        The processors that were asked for, not those that were allocated.
    """
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith(";")]
    jobs = []
    for at in lines:
        processors = int(at[_ASKED]) if asked and int(at[_ASKED]) > 0 else int(at[_ALLOCATED])
        runtime, limit = float(at[_RUN]), float(at[_LIMIT])
        if runtime > 0 and processors > 0 and not (completed and at[_STATUS] != "1"):
            limit = limit if limit > 0 else runtime
            jobs.append(Job(float(at[_SUBMIT]), min(runtime, limit), limit, processors))
    return sorted(jobs, key=lambda job: job.submit)


@dataclass(slots=True)
class _Cluster:
    """Processors that are free, and the jobs that run: by when they must have ended, and by when they do end."""

    free: int
    must: list[tuple[float, int]] = field(default_factory=list)
    does: list[tuple[float, float, int]] = field(default_factory=list)

    def start(self, job: Job, now: float) -> None:
        self.free -= job.processors
        insort(self.must, (now + job.limit, job.processors))
        heapq.heappush(self.does, (now + job.runtime, now + job.limit, job.processors))

    def end(self, now: float) -> None:
        while self.does and self.does[0][0] <= now:
            _, must, processors = heapq.heappop(self.does)
            self.free += processors
            self.must.pop(bisect_left(self.must, (must, processors)))

    def reservation(self, job: Job) -> tuple[float, int]:
        """Return when a job can start at the latest, and how many processors are left beside it then."""
        free, when = self.free, 0.0
        for end, processors in self.must:
            if free >= job.processors and end > when:
                break
            free, when = free + processors, end
        return when, free - job.processors


def waits(jobs: list[Job], processors: int, rule: str, depth: int) -> list[float]:
    """Return how long each job that starts waits, in the order of the starts' jobs.

    Parameters
    ----------
    jobs
        By submission.
    processors
        Of the machine.
    rule
        `EASY` as published, or `FLUX`: only what ends before the reservation goes ahead.
    depth
        How many jobs of the queue are seen at a time, 0 for all.
    """
    cluster, found, coming, seen, unseen = _Cluster(processors), [0.0] * len(jobs), 0, list[int](), list[int]()
    while coming < len(jobs) or seen:
        now = min([jobs[coming].submit] if coming < len(jobs) else [cluster.does[0][0]])
        if cluster.does:
            now = min(now, cluster.does[0][0])
        cluster.end(now)
        while coming < len(jobs) and jobs[coming].submit <= now:
            unseen.append(coming)
            coming += 1
        while True:
            fed = unseen[: depth - len(seen)] if depth else unseen
            unseen = unseen[len(fed) :]
            seen += fed
            started = set(_started(jobs, seen, cluster, rule, now))
            for place in started:
                found[place] = now - jobs[place].submit
            seen = [place for place in seen if place not in started]
            if not started or not unseen:
                break
    return found


def _started(jobs: list[Job], seen: list[int], cluster: _Cluster, rule: str, now: float) -> Iterator[int]:
    """Start what may start in one pass over the queue."""
    rest = iter(seen)
    for head in rest:
        if jobs[head].processors > cluster.free:
            break
        cluster.start(jobs[head], now)
        yield head
    else:
        return
    shadow, beside = cluster.reservation(jobs[head])
    for place in rest:
        job = jobs[place]
        if job.processors > cluster.free:
            continue
        if now + job.limit > shadow:
            if rule != EASY or job.processors > beside:
                continue
            beside -= job.processors
        cluster.start(job, now)
        yield place


def figures(jobs: list[Job], processors: int, rule: str, depth: int = 0) -> tuple[float, float]:
    """Return the mean wait in minutes, and the mean bounded slowdown."""
    waited = waits(jobs, processors, rule, depth)
    slow = [max(1.0, (wait + job.runtime) / max(job.runtime, 10.0)) for wait, job in zip(waited, jobs, strict=True)]
    return sum(waited) / len(waited) / 60, sum(slow) / len(slow)


def main(
    trace: Annotated[Path, typer.Argument(help="In the Standard Workload Format.")],
    processors: Annotated[int, typer.Option(help="Of the machine.")] = 100,
    first: Annotated[int, typer.Option(help="Only so many jobs in one of the lines.")] = 1500,
) -> None:
    """Print the settings, and what each gives."""
    jobs = read(trace)
    settings: list[tuple[str, list[Job], int, int]] = [
        ("all jobs that ran, cut at their limits", jobs, processors, 0),
        ("8 jobs of the queue seen at a time", jobs, processors, 8),
        (f"the first {first:,} jobs, 8 seen at a time", jobs[:first], processors, 8),
        ("processors as asked for", read(trace, asked=True), processors, 0),
        ("limits that are exact", [replace(job, limit=job.runtime) for job in jobs], processors, 0),
        ("limits of twice the run time", [replace(job, limit=2 * job.runtime) for job in jobs], processors, 0),
        ("only jobs that ended well", read(trace, completed=True), processors, 0),
        ("jobs that come a tenth less often", [replace(j, submit=1.1 * j.submit) for j in jobs], processors, 0),
        ("eight processors more", jobs, processors + 8, 0),
    ]
    print("| | jobs | easy | flux |\n|---|---|---|---|")
    for name, some, size, depth in settings:
        said = [f"{wait:.1f} min, {slow:.2f}" for wait, slow in (figures(some, size, r, depth) for r in (EASY, FLUX))]
        print(f"| {name} | {len(some):,} | {said[0]} | {said[1]} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
