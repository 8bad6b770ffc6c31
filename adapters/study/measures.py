"""What is read off a run of the twin: every job's fate and place, and the state of the machine over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ...grammar.idset import IdSet, text_mask
from ...topology.machine import Machine
from ..twin.jobs import LateR, Outcome, Part, R, expiration_of
from ..twin.observers import Observer
from ..twin.outlook import Outlook
from .intact import Intact
from .locality import Locality, SlotSize, Splitter
from .probe import Shadow


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
    """

    cores: int
    gpus: int
    nodes: int
    groups: Mapping[str, int]
    locality: Locality


@dataclass(slots=True)
class Series:
    """The machine over time, a value after each moment at which something changed.

    Attributes
    ----------
    times
        Seconds.
    columns
        By name: ``cores`` and ``gpus`` that are held, ``waiting`` jobs, and ``intact.LEVEL`` domains wholly free.
    """

    times: list[float] = field(default_factory=list)
    columns: dict[str, list[float]] = field(default_factory=dict)

    def put(self, time: float, values: Mapping[str, float]) -> None:
        """Write the values from a time on."""
        if not self.columns:
            self.columns = {name: [] for name in values}
        if self.times and self.times[-1] == time:
            for name, value in values.items():
                self.columns[name][-1] = value
            return
        self.times.append(time)
        for name, value in values.items():
            self.columns[name].append(value)

    def mean(self, name: str, until: float) -> float:
        """Return the mean of a column over the time to a moment."""
        values = self.columns.get(name, [])
        ends = [*self.times[1:], until] if self.times else []
        spans = [(max(0.0, min(end, until) - start)) for start, end in zip(self.times, ends, strict=True)]
        total = sum(spans)
        return sum(value * span for value, span in zip(values, spans, strict=True)) / total if total else 0.0


class Measures(Observer):
    """Follows a run.

    Parameters
    ----------
    machine
        Where it runs.
    sizes
        Of a job's slots, by its number.
    clock
        The virtual time.
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
        shadow: Shadow | None = None,
        outlook: Outlook | None = None,
    ) -> None:
        self.machine = machine
        self.intact = Intact(machine)
        self.places: dict[int, Place] = {}
        self.denied_: set[int] = set()
        self.series = Series()
        self.came = 0
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
        self.places[job] = Place(
            cores=sum(mask.bit_count() * cores.bit_count() for mask, cores, _ in parts),
            gpus=sum(mask.bit_count() * gpus.bit_count() for mask, _, gpus in parts),
            nodes=nodes.bit_count(),
            groups={
                level: sum(1 for g in self.machine.groups if g.level == level and g.members & nodes) for level in levels
            },
            locality=self._splitter.look(parts, self._sizes(job)),
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

    def denied(self, outcome: Outcome) -> None:
        """Note a job that was denied."""
        self.denied_.add(outcome.job.id)

    def _write(self) -> None:
        values = {"cores": float(self.intact.busy_cores), "gpus": float(self.intact.busy_gpus)}
        for level, free in self.intact.free.items():
            values[f"intact.{level}"] = float(free)
        self.series.put(self._clock(), values)
