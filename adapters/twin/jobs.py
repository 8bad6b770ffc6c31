"""Jobs of the twin: what is submitted, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

R = Mapping[str, Any]
"""An RFC 20 resource set as JSON values."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its user submits it.

    Attributes
    ----------
    id
        The job id; among equal priorities the lower id goes first.
    jobspec
        RFC 14 jobspec. Its ``attributes.system.duration`` is the time limit.
    runtime
        Seconds that it runs when nothing stops it; it is stopped at its time limit.
    priority
        Higher goes first; 16 is Flux's default.
    """

    id: int
    jobspec: Mapping[str, Any]
    runtime: float
    priority: int = 16


@dataclass(slots=True)
class Outcome:
    """What became of a job.

    Attributes
    ----------
    job
        The job.
    priority
        Its priority now.
    submitted, started, ended
        Virtual times; None for what did not happen.
    denied
        The scheduler's reason, where it denied the job.
    resources
        The R that it runs with, as the scheduler gave it; empty before it starts and when all of it is released.
    released
        Ranks that housekeeping has returned before the last batch.
    annotations
        The scheduler's latest annotations, merged.
    """

    job: Job
    submitted: float
    priority: int
    started: float | None = None
    ended: float | None = None
    denied: str | None = None
    resources: R = field(default_factory=dict)
    released: set[int] = field(default_factory=set)
    annotations: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the scheduler still counts resources as the job's."""
        return bool(self.resources)
