"""What a run writes down: a row for each job, decision and moment, and the totals of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...topology.machine import Machine
from ..twin.jobs import Outcome
from .intact import NODE
from .measures import Place
from .probe import Decision
from .tables import Kinds, Table
from .totals import Totals, slowdown

JOBS, DECISIONS, SERIES = "jobs", "decisions", "series"
"""Names of the tables."""


class Records:
    """The tables and totals of a run.

    Parameters
    ----------
    machine
        Where it runs.
    tables
        Makes the table of a name and columns.
    start
        What times are written from.

    Attributes
    ----------
    series
        The machine over time.
    totals
        Of all.
    """

    def __init__(self, machine: Machine, tables: Callable[[str, Kinds], Table], start: float) -> None:
        self._levels = machine.levels
        self._start = start
        self.totals = Totals()
        self._jobs = tables(JOBS, _job_kinds(machine.levels))
        self._decisions = tables(DECISIONS, _DECISIONS)
        self.columns = ("cores", "gpus", *(f"intact.{level}" for level in (NODE, *machine.levels)))
        self.series = tables(SERIES, dict.fromkeys(("time", *self.columns), float))

    def over(self, outcome: Outcome, place: Place | None, shape: str) -> None:
        """Write down a job that is over, or that never ran."""
        self.totals.add(outcome, place)
        started, ended, submitted = outcome.started, outcome.ended, outcome.submitted
        ran = place is not None and started is not None and ended is not None
        wait = started - submitted if started is not None else None
        row: list[Any] = [
            outcome.job.id,
            shape,
            submitted - self._start,
            started - self._start if started is not None else None,
            ended - self._start if ended is not None else None,
            wait,
            slowdown(wait, ended - started) if ran and wait is not None and ended and started else None,
        ]
        if place is None:
            self._jobs.add(*row, *[None] * (4 + 2 * len(self._levels)))
            return
        where = place.locality
        row += [place.cores, place.gpus, place.nodes, where.slots]
        for level in self._levels:
            row += [where.touched[level], where.local[level]]
        self._jobs.add(*row)

    def decided(self, decision: Decision) -> None:
        """Write down a decision."""
        self.totals.decide(decision)
        self._decisions.add(
            decision.time - self._start,
            decision.job,
            decision.seconds,
            decision.answer,
            decision.busy,
            decision.wrong,
        )

    def close(self) -> dict[str, dict[str, list[Any]]]:
        """Return the tables that are in memory, jobs by their numbers; end those that are files."""
        jobs = self._jobs.close()
        order = sorted(range(len(jobs["job"])), key=jobs["job"].__getitem__) if jobs else []
        return {
            JOBS: {name: [values[place] for place in order] for name, values in jobs.items()},
            DECISIONS: self._decisions.close(),
            SERIES: self.series.close(),
        }


_DECISIONS: Kinds = {"time": float, "job": int, "seconds": float, "answer": str, "busy": float, "wrong": bool}


def _job_kinds(levels: tuple[str, ...] | list[str]) -> Kinds:
    times = dict.fromkeys(("submit", "start", "end", "wait", "slowdown"), float)
    sizes = [
        "cores",
        "gpus",
        "nodes",
        "slots",
        *(f"{what}.{level}" for level in levels for what in ("touched", "local")),
    ]
    return {"job": int, "shape": str, **times, **dict.fromkeys(sizes, int)}
