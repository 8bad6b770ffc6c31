"""Which simulations a study consists of: every combination of its axes, as tasks.

Axes are written ``pools=exactfit+TreePool,load=0.7:1.1:0.1,seeds=20,with-nodes=0+16``. Between values stands ``+``, or
a comma where these hold none: ``with-nodes=0,16,32``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from typing import Any

from .altered import AS_IT_IS, Altered
from .pools import PoolName
from .submissions import LEAST_LOAD, MOST_LOAD
from .task import EASY, GREED, RUN, SCHEDULING, Source, Task
from .workloads.trace import number

NAMES = ("pools", "load", "seeds", "scheduling", "with-nodes", "with", "without")
NOTHING = "none"
"""The value of ``with`` and ``without`` that changes nothing."""

_PART = re.compile(rf"(?:^|,)(?=(?:{'|'.join(NAMES)})=)")
_MOST_NODES = 1 << 20
_MOST_VALUES = 10_000
_MOST_RUNS = 1_000_000
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Axes:
    """What varies.

    Attributes
    ----------
    pools
        By name.
    loads
        None stands for what the workload says.
    seeds
        Of the workload.
    scheduling
        Policies of the queue.
    with_nodes, amounts, without
        What is different of the machine; see `Altered`.
    """

    pools: tuple[str, ...]
    loads: tuple[float | None, ...] = (None,)
    seeds: tuple[int, ...] = (1,)
    scheduling: tuple[str, ...] = (EASY,)
    with_nodes: tuple[int, ...] = (0,)
    amounts: tuple[str, ...] = ("",)
    without: tuple[str, ...] = ("",)

    @property
    def machines(self) -> list[Altered]:
        """The machine in each way that it would be."""
        return [
            Altered(more, amount, less) for less, amount, more in product(self.without, self.amounts, self.with_nodes)
        ]

    def swept(self, text: str) -> Axes:
        """Return the axes with those that a text names in the place of these.

        Raises
        ------
        ValueError
            For an axis that there is not, or values that are none.
        """
        found = self
        named: set[str] = set()
        for part in _parts(text):
            name, equals, values = part.partition("=")
            if name in named:
                raise ValueError(f"the axis {name} is given twice; its values are written with + between")
            named.add(name)
            if not equals or name not in NAMES or not values:
                raise ValueError(f"{part[:60]!r}: expected {', '.join(NAMES)} = values")
            found = found._with(name, values)
        return found.checked()

    def _with(self, name: str, values: str) -> Axes:
        """Return the axes with the values of one in the place of its own."""
        if name == "pools":
            return replace(self, pools=tuple(dict.fromkeys(_pools(values))))
        if name == "load":
            return replace(self, loads=_few(_numbers(values)))
        if name == "seeds":
            return replace(self, seeds=tuple(_seeds(values)))
        if name == "with-nodes":
            try:
                return replace(self, with_nodes=tuple(map(_count, _few(_numbers(values)))))
            except ValueError as fault:
                raise ValueError(f"with-nodes: {fault}") from None
        if name == "scheduling":
            return replace(self, scheduling=tuple(_separate(values)))
        # Ranks and hosts hold commas, and so may what is different of the machine.
        listed = tuple("" if value == NOTHING else value.strip() for value in values.split("+"))
        return replace(self, amounts=listed) if name == "with" else replace(self, without=listed)

    def checked(self) -> Axes:
        """Return this. ValueError for a value that is none."""
        for name in self.scheduling:
            if name not in SCHEDULING:
                raise ValueError(f"scheduling: {name[:40]!r}: there are {', '.join(SCHEDULING)}")
        for load in self.loads:
            if load is not None and not LEAST_LOAD <= load <= MOST_LOAD:
                raise ValueError(f"load: {load:g} is not from {LEAST_LOAD} to {MOST_LOAD:g}")
        for name, values in (("pools", self.pools), ("scheduling", self.scheduling)):
            if not values or "" in values or len(set(values)) < len(values):
                raise ValueError(f"{name}: each is named once, with commas or + between; got {'+'.join(values)[:60]!r}")
        for name, changes in (("with-nodes", self.with_nodes), ("with", self.amounts), ("without", self.without)):
            if len(set(changes)) < len(changes):
                raise ValueError(f"{name}: each value is given once, with + between")
        axes = (self.pools, self.loads, self.seeds, self.scheduling, self.with_nodes, self.amounts, self.without)
        if math.prod(map(len, axes)) > _MOST_RUNS:
            raise ValueError(f"more than {_MOST_RUNS} simulations")
        return self


def _parts(text: str) -> list[str]:
    """Return the axes of a text, each with its values; a comma that no axis follows is one between values."""
    first, *others = _PART.split(text)
    return others if others and not first and not text.startswith(",") else [first, *others]


def names_in(text: str) -> list[str]:
    """Return the names of the axes of a text."""
    return [part.partition("=")[0] for part in _parts(text)]


def _separate(text: str) -> list[str]:
    return re.split(r"[+,]", text)


def _count(value: float) -> int:
    if not (value.is_integer() and 0 <= value <= _MOST_NODES):
        raise ValueError(f"expected numbers of nodes from 0 to {_MOST_NODES}, got {value:g}")
    return int(value)


def _pools(text: str) -> list[str]:
    """Return the names; a ``+`` inside the policy of one of ours is written ``/``."""
    return [name.replace("/", "+") for name in _separate(text) if name]


def _few(values: Iterator[float]) -> tuple[float, ...]:
    found = tuple(islice(values, _MOST_VALUES + 1))
    if len(found) > _MOST_VALUES:
        raise ValueError(f"more than {_MOST_VALUES} values")
    return found


def _numbers(text: str) -> Iterator[float]:
    for part in _separate(text):
        bounds = [number(bound) for bound in part.split(":")]
        if len(bounds) == 1:
            yield bounds[0]
            continue
        if len(bounds) != 3 or bounds[2] <= 0 or (bounds[1] - bounds[0]) / bounds[2] > _MOST_VALUES:
            raise ValueError(f"{part[:40]!r}: expected FIRST:LAST:STEP")
        first, last, step = bounds
        if last < first:
            raise ValueError(f"{part[:40]!r}: the last is before the first")
        for place in range(int((last - first) / step + _SLACK) + 1):
            yield round(first + place * step, 9)


def _seeds(text: str) -> Iterator[int]:
    """Yield the seeds of ``20`` (the first twenty) or ``5:8`` (four of them)."""
    bounds = [int(number(bound)) for bound in text.split(":")]
    first, last = (1, bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[-1])
    if len(bounds) > 2 or not 1 <= first <= last <= first + _MOST_VALUES:
        raise ValueError(f"seeds: {text[:40]!r}: expected a number, or FIRST:LAST")
    yield from range(first, last + 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """What all tasks of a study share; see `Task`.

    Attributes
    ----------
    others
        By what is different of the machine, in words: its R, and where jobs come from, with the state that it is in.
    """

    R: Mapping[str, Any]
    source: Source
    queue_depth: int = 8
    prove: bool = True
    time_limit: float = 0.5
    snapshots: int = 0
    batch: int = 16
    joint_limit: float = 10.0
    choice: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, tuple[Mapping[str, Any], Source]] = field(default_factory=dict)


def tasks_of(axes: Axes, settings: Settings) -> list[Task]:
    """Return the tasks of a study: a run for every combination, and a comparison with the optimum for each workload."""
    found = []
    machines = [altered.words for altered in axes.machines]
    for machine, scheduling, load, seed in product(machines, axes.scheduling, axes.loads, axes.seeds):
        R, source = settings.others[machine] if machine != AS_IT_IS else (settings.R, settings.source)
        one = Task(
            RUN,
            R,
            source,
            (),
            scheduling=scheduling,
            queue_depth=settings.queue_depth,
            seed=seed,
            load=load,
            prove=settings.prove,
            time_limit=settings.time_limit,
            choice=settings.choice,
            machine=machine,
        )
        found += [replace(one, pools=(pool,), files=_files((pool,), settings.choice)) for pool in axes.pools]
        if settings.snapshots and scheduling == axes.scheduling[0] and machine == machines[0]:
            found.append(
                replace(
                    one,
                    kind=GREED,
                    pools=axes.pools,
                    files=_files(axes.pools, settings.choice),
                    prove=False,
                    snapshots=settings.snapshots,
                    batch=settings.batch,
                    joint_limit=settings.joint_limit,
                )
            )
    return found


def _files(pools: Sequence[str], choice: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(digest for pool in pools for digest in PoolName.read(pool).files(choice))
