"""What became of a job, and what can be read off its R."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...grammar.constraint import evaluate
from ...grammar.idset import IdSet
from ...topology.machine import Machine
from ..slots import Borders, Crossed
from .job_input import Job
from .json_output import json_line

PLACED, INSUFFICIENT, INFEASIBLE = "placed", "insufficient", "infeasible"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Attributes
    ----------
    job
        The job.
    status
        `PLACED`, `INSUFFICIENT` (not now, but on the empty machine) or `INFEASIBLE` (never).
    R
        RFC 20; None when it was not placed.
    reason
        Why it was not placed; None when it was.
    seconds
        What the decision took.
    batch
        Of a job of a batch: the weight of all that was placed, the bound on it, and whether the job is one of those
        that one model placed together.
    """

    job: Job
    status: str
    R: Mapping[str, Any] | None
    reason: str | None
    seconds: float
    batch: Mapping[str, Any] | None = None

    def json_line(self) -> str:
        """Return the outcome as one line of JSON."""
        fields: dict[str, Any] = {
            "job": self.job.number,
            "status": self.status,
            "R": self.R,
            "reason": self.reason,
            "seconds": round(self.seconds, 6),
        }
        if self.batch is not None:
            fields["batch"] = self.batch
        return json_line("place", fields)

    @property
    def ranks(self) -> IdSet:
        """The ranks that the job stands on."""
        found = IdSet()
        for entry in self.R["execution"]["R_lite"] if self.R else ():
            found |= IdSet.parse(str(entry["rank"]))
        return found

    @property
    def slots(self) -> int:
        """How many slots it has."""
        return int(self.R["execution"].get("nslots", 0)) if self.R else 0

    @property
    def certificate(self) -> Mapping[str, Any]:
        """What its R says was proven."""
        found: Mapping[str, Any] = self.R["scheduling"]["certificate"] if self.R else {}
        return found

    def borders(self, machine: Machine) -> Borders:
        """Return the borders of the machine as its slots meet them."""
        jobspec = self.job.jobspec
        return Borders(machine, jobspec.vertices, evaluate(jobspec.constraint, machine.facts))

    def crossed(self, machine: Machine) -> Crossed:
        """Return the borders that its slots cross, and which of them they had to."""
        return self.borders(machine).crossed(self.R or {})
