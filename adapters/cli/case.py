"""What `place`, `explain` and `check` have in common: a machine in a state, jobs, and how they are decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...topology.machine import Machine
from .choice import Choice, read_choice
from .job_input import Job, read_jobs
from .machine_input import NamedMachine, read_machine
from .options import CaseOptions
from .pools import make_pool, occupy
from .snapshot_state import announce, down_of, running_of
from .source import Sources
from .state_input import check_hosts, read_allocations, read_down
from .what_if import as_it_would_be

if TYPE_CHECKING:
    from ...solver.options import Options
    from ...solver.pool import Pool


@dataclass(frozen=True, slots=True)
class Case:
    """All that is read before the first job is decided.

    Attributes
    ----------
    named
        The machine.
    before
        Name and R of each job that holds resources already.
    jobs
        Those to decide, numbered from 1. The jobs of `before` have the ids after theirs.
    down
        Bitmask of the positions that are down.
    choice
        How jobs are decided.
    sources
        Where all this was read; what else is read goes through it too.
    """

    named: NamedMachine
    before: Sequence[tuple[str, Mapping[str, Any]]]
    jobs: Sequence[Job]
    down: int
    choice: Choice
    sources: Sources

    @classmethod
    def read(cls, given: CaseOptions, jobs: Sequence[str]) -> Case:
        """Read what the command line names.

        Raises
        ------
        InputError
            For what cannot be read, by its name.
        """
        sources = Sources()
        named = as_it_would_be(read_machine(given.machine, sources), given.what_if)
        if named.snapshot is not None:
            announce(named.snapshot)
        wanted = read_jobs(jobs, given.requires or [], sources)
        return cls.of(named, given, wanted, sources)

    @classmethod
    def of(cls, named: NamedMachine, given: CaseOptions, jobs: Sequence[Job], sources: Sources) -> Case:
        """Return the case of some jobs on a machine, in the state that it and the command line say.

        Raises
        ------
        InputError
            For what cannot be read, by its name.
        """
        before = read_allocations(given.allocated or [], sources)
        for name, R in before:
            check_hosts(f"--allocated: {name}", R, named.machine)
        down = read_down(given.down or [], named.machine)
        if named.snapshot is not None:
            before = [*running_of(named.snapshot), *before]
            down |= down_of(named.snapshot, named.machine)
        return cls(named, before, jobs, down, read_choice(named, given.choice), sources)

    @property
    def machine(self) -> Machine:
        """The machine without its name."""
        return self.named.machine

    @property
    def options(self) -> Options:
        """How jobs are decided, for the solver."""
        return self.choice.options

    def with_choice(self, R: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the R of a job with what the site chose in the machine's, which holds inside the job too."""
        chosen = (self.machine.scheduling or {}).get("exactfit")
        return R if chosen is None else {**R, "scheduling": {**R["scheduling"], "exactfit": chosen}}

    @property
    def running(self) -> dict[int, tuple[str, Mapping[str, Any]]]:
        """Name and R of the jobs that hold resources already, by their ids in the pool."""
        return dict(enumerate(self.before, start=len(self.jobs) + 1))

    def pool(self) -> Pool:
        """Return a new pool in the state of the case, and say what the site chose for it.

        Raises
        ------
        InputError
            When the jobs hold what the machine lacks, or one thing twice.
        """
        pool = make_pool(self.machine, self.options)
        occupy(pool, self.before, self.down, first_id=len(self.jobs) + 1)
        self.choice.announce()
        return pool
