"""The simulations of a study: of the machine as it is, and as it would be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .choice import read_choice
from .machine_input import NamedMachine
from .options import WhatIf
from .study_given import Given, read_given
from .study_options import BATCH, SECONDS, SimulationOptions, WorkloadOptions
from .what_if import as_it_would_be

if TYPE_CHECKING:
    from ...solver.options import Options as SolverOptions
    from ..study.plan import Axes
    from ..study.task import Source, Task


def planned(
    named: NamedMachine, workload: WorkloadOptions, axes: Axes, simulated: SimulationOptions
) -> tuple[Given, list[Task], SolverOptions]:
    """Return what the workload is, the simulations, and what the site chose for our solver.

    Raises
    ------
    InputError
        For options that do not go together, and for what the machine does not have.
    ValueError
        For a workload, rules or a mix that cannot be used.
    """
    # matplotlib and the solver take seconds to import.
    from ..study.plan import Settings, tasks_of
    from ..study.task import machine_R

    # What is wrong with it is better said now than by every simulation.
    choice = read_choice(named, {"time_limit": simulated.time_limit}, time_limit=SECONDS)
    given = read_given(workload, named)
    chosen = choice.options
    settings = Settings(
        machine_R(named.machine),
        given.source,
        simulated.queue_depth,
        simulated.prove,
        chosen.time_limit,
        simulated.snapshots,
        simulated.batch or BATCH,
        choice={
            "policy": chosen.policy.name,
            "slot_exclusive": chosen.slot_exclusive,
            "unknown_types": chosen.unknown_types,
            "job_policy": chosen.job_policy,
        },
        others=dict(_others(named, given, axes)),
    )
    choice.announce()
    return given, tasks_of(axes, settings), chosen


def _others(named: NamedMachine, given: Given, axes: Axes) -> Iterator[tuple[str, tuple[dict[str, Any], Source]]]:
    """Yield each machine as it would be, by what is different: its R, and the jobs with the state that it is in."""
    from ..study.task import machine_R

    for altered in axes.machines:
        if altered.words:
            asked = WhatIf(altered.with_nodes or None, _some(altered.amount), _some(altered.without))
            other = as_it_would_be(named, asked)
            yield altered.words, (machine_R(other.machine), given.on(named, other))


def _some(text: str) -> list[str] | None:
    return [text] if text else None
