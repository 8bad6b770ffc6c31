"""What is read off a run of the twin: every job's fate and place, and the state of the machine over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...grammar.idset import IdSet, text_mask
from ...topology.machine import Machine
from ..twin.jobs import LateR, Outcome, Part, R, expiration_of
from ..twin.observers import Observer
from ..twin.outlook import Outlook
from .intact import Intact
from .locality import Locality, SlotSize, Splitter
from .probe import Shadow
from .tables import Table


def parts_of(machine: Machine, resources: R) -> Sequence[Part]:
    """Return what an R lists, by positions in the machine."""
    parts = resources.parts if isinstance(resources, LateR) else None
    if parts is not None:
        return parts
    found = []
    for entry in resources["execution"]["R_lite"]:
        cores, gpus = (text_mask(str(entry["children"].get(kind, ""))) for kind in ("core", "gpu"))
        found.append((machine.mask_of(IdSet.parse(str(entry["rank"]))), cores, gpus))
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job ran.

    Attributes
    ----------
    cores, gpus, nodes
        What it held.
    groups
        By level of groups: how many it touched.
    locality
        Of its slots.
    where
        Bitmask of positions of its nodes.
    """

    cores: int
    gpus: int
    nodes: int
    groups: Mapping[str, int]
    locality: Locality
    where: int


class Series:
    """The machine over time, a row after each moment at which something changed.

    Parameters
    ----------
    table
        Where rows go: the time, and after it the values.
    start, until
        Times are written from the start on. Means are over the time until this one.
    """

    def __init__(self, table: Table, start: float, until: float) -> None:
        self._table = table
        self._start = start
        self._until = until
        self._row: tuple[float, Sequence[float]] | None = None
        self._sums: list[float] = []
        self._span = 0.0

    def put(self, time: float, values: Sequence[float]) -> None:
        """Write the values from a time on; of several at one time the last counts."""
        if self._row is not None and self._row[0] != time:
            self._write(time)
        self._row = time, values

    def _write(self, end: float) -> None:
        assert self._row is not None
        time, values = self._row
        self._table.add(time - self._start, *values)
        span = max(0.0, min(end, self._until) - time)
        self._span += span
        self._sums = [
            total + value * span for total, value in zip(self._sums or [0.0] * len(values), values, strict=True)
        ]

    def means(self) -> Sequence[float]:
        """Return the mean of each value; 0 for no time. The series is over."""
        if self._row is not None:
            self._write(self._until)
            self._row = None
        return [total / self._span if self._span else 0.0 for total in self._sums]


class Measures(Observer):
    """Follows a run.

    Attributes
    ----------
    begun
        How many jobs have started, or were denied.
    running
        R of what each job holds.

    Parameters
    ----------
    machine
        Where it runs.
    sizes
        Of a job's slots, by its number.
    clock
        The virtual time.
    series
        Of the machine: cores and gpus that are held, and domains of each level that are wholly free.
    over
        Told of each job that is over or denied, and where it was.
    shadow
        Our solver, that follows; None for none.
    outlook
        Told what is held until when; None for none.
    """

    def __init__(
        self,
        machine: Machine,
        sizes: Callable[[int], SlotSize | None],
        clock: Callable[[], float],
        series: Series,
        over: Callable[[Outcome, Place | None], None],
        shadow: Shadow | None = None,
        outlook: Outlook | None = None,
    ) -> None:
        self.machine = machine
        self.intact = Intact(machine)
        self.begun = 0
        self._places: dict[int, Place] = {}
        self._series = series
        self._over = over
        self.running: dict[int, R] = {}
        self._sizes = sizes
        self._clock = clock
        self._shadow = shadow
        self._outlook = outlook
        self._splitter = Splitter(machine)
        self._parts: dict[int, Sequence[Part]] = {}
        self._cores = max(1, sum(nodes.bit_count() * cores.bit_count() for nodes, cores, _ in machine.holdings))

    def busy(self) -> float:
        """Return the part of all cores that is held."""
        return self.intact.busy_cores / self._cores

    def started(self, outcome: Outcome) -> None:
        """Measure where a job stands."""
        job = outcome.job.id
        parts = self._parts[job] = parts_of(self.machine, outcome.resources)
        self.running[job] = outcome.resources
        self.intact.take(parts)
        if self._outlook is not None:
            self._outlook.started(job, parts, expiration_of(outcome.resources))
        if self._shadow is not None:
            self._shadow.started(job, outcome.resources)
        nodes = 0
        for mask, _, _ in parts:
            nodes |= mask
        levels = self.machine.group_levels
        self.begun += 1
        self._places[job] = Place(
            cores=sum(mask.bit_count() * cores.bit_count() for mask, cores, _ in parts),
            gpus=sum(mask.bit_count() * gpus.bit_count() for mask, _, gpus in parts),
            nodes=nodes.bit_count(),
            groups={
                level: sum(1 for g in self.machine.groups if g.level == level and g.members & nodes) for level in levels
            },
            locality=self._splitter.look(parts, self._sizes(job)),
            where=nodes,
        )
        self._write()

    def freed(self, outcome: Outcome, resources: R) -> None:  # noqa: ARG002 (the twin's interface)
        """Follow a job that returned all it had; there is no housekeeping in a study."""
        job = outcome.job.id
        self.intact.give(self._parts.pop(job))
        if self._outlook is not None:
            self._outlook.freed(job)
        del self.running[job]
        if self._shadow is not None:
            self._shadow.freed(job)
        self._write()

    def place_of(self, job: int) -> Place | None:
        """Return where a job is that runs; None for any other."""
        return self._places.get(job)

    def ended(self, outcome: Outcome) -> None:
        """Tell of a job that is over, and where it was."""
        self._over(outcome, self._places.pop(outcome.job.id))

    def denied(self, outcome: Outcome) -> None:
        """Tell of a job that was denied."""
        self.begun += 1
        self._over(outcome, None)

    def _write(self) -> None:
        values = (self.intact.busy_cores, self.intact.busy_gpus, *self.intact.free.values())
        self._series.put(self._clock(), [float(value) for value in values])
