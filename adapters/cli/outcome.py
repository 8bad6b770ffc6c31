"""What became of a job, and what can be read off its R."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...grammar.idset import IdSet, text_mask
from ...topology.machine import Machine
from .job_input import Job

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
        return json.dumps(fields)

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


def crossings(machine: Machine, R: Mapping[str, Any]) -> dict[str, int]:
    """Count how often slots cross the borders of domains.

    Parameters
    ----------
    machine
        Where the job stands.
    R
        The job's, with `scheduling.placement`.

    Returns
    -------
    For "node" and each level below it, coarsest first: the sum over slots of the domains of that level that the
    slot's cores and gpus touch, less one. Levels that no slot crosses are left out.
    """
    total: Counter[str] = Counter()
    spanning: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for entry in R["scheduling"]["placement"]:
        nodes = machine.mask_of(IdSet.parse(entry.get("ranks", "")))
        for node_type, mask in zip(machine.types, machine.type_masks, strict=True):
            count = (nodes & mask).bit_count()
            if not count:
                continue
            for slot in entry.get("slots", ()):
                cores, gpus = text_mask(slot.get("cores", "")), text_mask(slot.get("gpus", ""))
                touched = Counter(d.level for d in node_type.domains if d.cores & cores or d.gpus & gpus)
                if "slot" in slot:
                    for level, number in touched.items():
                        spanning[slot["label"], slot["slot"]][level] += count * number
                else:
                    total.update({level: count * (number - 1) for level, number in touched.items()})
    for touched in spanning.values():
        total.update({level: number - 1 for level, number in touched.items()})
    return {level: total[level] for level in ("node", *machine.levels) if total[level]}
