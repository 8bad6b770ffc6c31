"""How long a study will take, known from the first seconds of one simulation of each kind; and what is gone on without.

Simulations of a pool, an order of the queue, a load and a machine differ in their seeds alone, and take about as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..spans import span
from .groups import Situation
from .patience import GaveUp
from .store import Store
from .task import RUN, Task

LOOK = 5.0
"""Seconds of the processor that a simulation gets at first; most are done by then."""
LONG = 60.0
"""Nothing is foretold of what takes no longer."""

Kind = tuple[str, Situation]


def kind_of(task: Task) -> Kind | None:
    """Return what simulations have in common that take about as long; None for comparisons with the optimum."""
    if task.kind != RUN:
        return None
    return task.pools[0], Situation(task.scheduling, task.load, task.machine)


def first_of_each(tasks: Sequence[Task]) -> dict[Kind, Task]:
    """Return a simulation of each kind."""
    found: dict[Kind, Task] = {}
    for task in tasks:
        kind = kind_of(task)
        if kind is not None:
            found.setdefault(kind, task)
    return found


def briefly(tasks: Sequence[Task], store: Store, patience: float) -> list[Task]:
    """Return the simulations of which nothing is known, each with a short patience."""
    seconds = min(LOOK, patience or LOOK)
    return [replace(task, patience=seconds) for task in tasks if store.gave_up(task.key) is None]


def without_end(tasks: Sequence[Task], store: Store, patience: float) -> dict[str, GaveUp]:
    """Return the simulations, by key, for which the patience is too short by what is known of the first of their kind.

    Parameters
    ----------
    tasks
        That are not done.
    store
        Holds what is known.
    patience
        Seconds, 0 for no limit.
    """
    if not patience:
        return {}
    firsts, found = first_of_each(tasks), {}
    for task in tasks:
        kind = kind_of(task)
        known = store.gave_up(task.key) or (store.gave_up(firsts[kind].key) if kind else None)
        if known is not None and known.is_final(patience):
            found[task.key] = replace(known, patience=max(patience, known.patience))
    return found


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known of simulations before they run as a whole.

    Attributes
    ----------
    needed
        Seconds of the processor for each of a kind; None where none of its jobs has started.
    left
        How many there are of each kind.
    workers
        How many run at a time.
    patience
        Seconds, 0 for no limit.
    """

    needed: Mapping[Kind, float | None]
    left: Mapping[Kind, int]
    workers: int
    patience: float

    @classmethod
    def of(
        cls, firsts: Mapping[Kind, Task], left: Sequence[Task], store: Store, workers: int, patience: float
    ) -> Forecast:
        """Return what the first of each kind told of those that are left."""
        counts: dict[Kind, int] = {}
        for task in left:
            kind = kind_of(task)
            if kind is not None:
                counts[kind] = counts.get(kind, 0) + 1
        return cls({kind: _needed(firsts[kind], store) for kind in counts}, counts, workers, patience)

    @property
    def seconds(self) -> float:
        """How long all of them take, as far as that is known."""
        times = [(self.needed[kind] or 0.0, count) for kind, count in self.left.items()]
        work = sum(seconds * count for seconds, count in times)
        return max(work / self.workers, max((seconds for seconds, _ in times), default=0.0))

    def sentences(self) -> list[str]:
        """Return it in words, a line each; nothing where little time is left."""
        if self.seconds <= LONG and None not in self.needed.values():
            return []
        workers = f"{self.workers} worker{'s' * (self.workers > 1)}"
        said = [f"simulations will take about {span(self.seconds)} of the processor on {workers}:"]
        for kind, count in self.left.items():
            pool, (scheduling, load, machine) = kind
            seconds = self.needed[kind]
            time = "for an unknown time" if seconds is None else f"about {_seconds(seconds)} each"
            at = f" at load {load:g}" if load is not None else ""
            at += f", {machine}" if machine else ""
            said.append(f"  {pool}, {scheduling}{at}: {count}, {time}")
        return said if self.patience else [*said, "  --patience TIME goes on without those that take longer"]


def _needed(task: Task, store: Store) -> float | None:
    known = store.gave_up(task.key)
    if known is not None:
        return known.needed
    return float(store.get(task.key)["figures"]["time in all"]) if store.has(task.key) else None


def given_up_in_words(tasks: Sequence[Task], store: Store) -> list[str]:
    """Return a sentence for each kind of simulations that a study goes on without."""
    found: dict[str, list[GaveUp]] = {}
    counts: dict[str, int] = {}
    for task in tasks:
        kind = kind_of(task)
        name = "the price of greed" if kind is None else f"{kind[0]} under {task.scheduling}"
        name += f" at load {task.load:g}" if task.load is not None else ""
        name += f", {task.machine}" if task.machine else ""
        counts[name] = counts.get(name, 0) + 1
        known = store.gave_up(task.key)
        if known is not None:
            found.setdefault(name, []).append(known)
    said = []
    for name, some in found.items():
        needed = [one.needed for one in some if one.needed is not None]
        time = (
            f"it would take about {_seconds(max(needed))}"
            if needed
            else f"none of its jobs started in {_seconds(some[0].seconds)}"
        )
        patience = max(one.patience for one in some)
        said.append(
            f"Without {name} ({len(some)} of {counts[name]} simulations were given up): {time} of the processor, and "
            f"the patience was {_seconds(patience)}."
        )
    return said


def _seconds(seconds: float) -> str:
    return span(seconds) if seconds >= LONG else f"{seconds:.0f} s"
