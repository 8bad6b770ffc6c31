"""What a run adds up, job by job and decision by decision: all that its figures are made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ..twin.jobs import Outcome
from .measures import Place
from .probe import LATER, Decision
from .spill import Numbers

SHORT = 10.0
"""Seconds: slowdowns are bounded by letting no job count as shorter than this (Feitelson and others, 1997)."""


def slowdown(wait: float, runtime: float) -> float:
    """Return the bounded slowdown of a job."""
    return max(1.0, (wait + runtime) / max(runtime, SHORT))


@dataclass(slots=True)
class Totals:
    """Sums over jobs and decisions. Waits, slowdowns and times of decisions are kept in files.

    Attributes
    ----------
    jobs, denied
        How many there were.
    waits, slowdowns
        Of those that ran.
    last
        When the last of them ended.
    work, gpu_work
        Core-seconds and GPU-seconds.
    places
        Sums over what those that ran had: ``nodes``, ``slots``, and by level the groups, the slots in one domain and
        the domains touched.
    seconds
        Of each decision.
    answers
        How many decisions had an answer, and were wrong, right or not proven.
    wrongly
        Jobs that were refused wrongly.
    begun
        Jobs that ran at the beginning, when they started and ended: they use the machine, and are no jobs of the
        workload.
    """

    jobs: int = 0
    denied: int = 0
    waits: Numbers = field(default_factory=Numbers)
    slowdowns: Numbers = field(default_factory=Numbers)
    last: float = 0.0
    work: float = 0.0
    gpu_work: float = 0.0
    places: Counter[str] = field(default_factory=Counter)
    seconds: Numbers = field(default_factory=Numbers)
    answers: Counter[tuple[str, bool | None]] = field(default_factory=Counter)
    wrongly: set[int] = field(default_factory=set)
    begun: list[tuple[Place, float, float]] = field(default_factory=list)

    def add(self, outcome: Outcome, place: Place | None) -> None:
        """Add a job that is over, or that never ran."""
        self.jobs += 1
        self.denied += outcome.denied is not None
        if place is None or outcome.started is None or outcome.ended is None:
            return
        wait, runtime = outcome.started - outcome.submitted, outcome.ended - outcome.started
        self.waits.append(wait)
        self.slowdowns.append(slowdown(wait, runtime))
        self.last = max(self.last, outcome.ended)
        self.work += place.cores * runtime
        self.gpu_work += place.gpus * runtime
        self.places["nodes"] += place.nodes
        self.places["slots"] += place.locality.slots
        for head, levels in (
            ("", place.groups),
            ("local.", place.locality.local),
            ("touched.", place.locality.touched),
        ):
            for level, count in levels.items():
                self.places[head + level] += count

    def begin(self, outcome: Outcome, place: Place | None) -> None:
        """Add a job that ran at the beginning; one without an end is never over."""
        if place is not None and outcome.started is not None:
            self.begun.append((place, outcome.started, float("inf") if outcome.ended is None else outcome.ended))

    def used(self) -> tuple[float, float]:
        """Return the core-seconds and GPU-seconds that were used until the last job of the workload ended."""
        spans = [(place, max(0.0, min(ended, self.last) - started)) for place, started, ended in self.begun]
        return (
            self.work + sum(place.cores * span for place, span in spans),
            self.gpu_work + sum(place.gpus * span for place, span in spans),
        )

    def decide(self, decision: Decision) -> None:
        """Add a decision."""
        self.seconds.append(decision.seconds)
        self.answers[decision.answer, decision.wrong] += 1
        if decision.wrong and decision.answer == LATER:
            self.wrongly.add(decision.job)
