"""A pool as a resource set that has a state: what is there, what is up, and copies of it; not yet what jobs get.

An allocation and a part of a pool are pools too, as Flux's own pools have it; the solver's pool behind them is made
when something is asked that needs it.
"""

from __future__ import annotations

import syslog
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from flux.job import JobID
from flux.resource.ResourcePoolImplementation import ResourcePoolImplementation
from flux.resource.Rv1Pool import Rv1Pool

from ...grammar.errors import printable
from ...grammar.idset import IdSet
from ...solver.options import Options
from ...solver.placement.allocation import Allocation
from ...solver.pool import Pool
from ...topology.machine import Machine
from ...topology.rset import WRITER, parse_R
from ..site_choice import gather
from .resource_set import ExactSet, ids_of
from .rjson import machine_of

if TYPE_CHECKING:
    from typing_extensions import Self

Log = Callable[[int, str], None]


def job_text(jobid: int) -> str:
    """Return a job's id as Flux shows it, in F58 (RFC 19); its number where it is none of Flux's."""
    try:
        return str(JobID(jobid).f58)
    except (ValueError, OverflowError, OSError):
        return str(jobid)


class PoolSet(ExactSet, ResourcePoolImplementation):
    """The part of the pool protocol that is about resources, whoever holds them; parameters are as in `ExactPoolV1`."""

    policy: ClassVar[str | None] = None
    """The policy of the class, before what R and the environment say; None for a class that has none."""
    writer: ClassVar[str] = WRITER
    """What R of jobs names, so that their instances load the same class."""

    _options: Options
    _core: Pool | None = None
    """The solver's pool; None until it is needed, which in an allocation, or in a job's R, may be never."""
    _changes = 0
    """Those that the solver's pool has not counted."""
    _own: Machine
    """The machine as long as there is no solver's pool, which then has it."""
    _holder: int | None = None
    """The job whose allocation this is."""
    _removed: IdSet
    """Ranks that were in the pool once: jobs may still return them."""
    _allocation: Allocation | None = None
    """What was decided, in an allocation."""
    _written: dict[str, Any] | None = None
    """Its R, once it is made."""
    _as_rv1: tuple[Machine | None, Any] = (None, None)
    """The set as Flux's own class has it, and of which machine it was made."""
    writes_late = False
    """Whether R of what is given is written when it is read: on copies, on which Flux tries out the future, and in
    studies."""

    def __init__(
        self,
        R: str | Mapping[str, Any] | None,
        log: Log | None = None,
        **options: object,
    ) -> None:
        if log is not None:
            self.log = log  # type: ignore[assignment, method-assign]  # as the base class documents
        if isinstance(R, str):
            R = parse_R(R)
        if R is not None and not isinstance(R, Mapping):
            raise TypeError(f"expected R as JSON text or a mapping, got {type(R).__name__}")
        machine, left_out = machine_of(R)
        if left_out:
            self._say(syslog.LOG_WARNING, f"exactfit: {left_out}")
        self._options = gather(R, options if self.policy is None else {"policy": self.policy, **options})
        self._become(machine)
        self._removed = IdSet()

    @property
    def _machine(self) -> Machine:
        return self._own if self._core is None else self._core.machine

    @_machine.setter
    def _machine(self, machine: Machine) -> None:
        self._own = machine

    # Flux makes this class of a job's R wherever its writer names it, also when a site has gone back to Flux's own
    # pools. These read an R that is to be registered by the names below, which are theirs.

    @property
    def _ranks(self) -> dict[int, dict[str, Any]]:
        """What is held, by rank, as `flux.resource.Rv1Pool.Rv1Pool` has it."""
        ranks: dict[int, dict[str, Any]] = self._rv1._ranks
        return ranks

    def _copy_from_ranks(self, ranks: set[int]) -> object:
        """Return the part on some ranks, as `flux.resource.Rv1Pool.Rv1Pool` has it."""
        return self._rv1._copy_from_ranks(ranks)

    @property
    def _rv1(self) -> Any:
        if self._as_rv1[0] is not self._machine:
            self._as_rv1 = self._machine, Rv1Pool(self.to_dict())
        return self._as_rv1[1]

    def _say(self, level: int, message: str) -> None:
        """Log; a log that fails must not change what the pool does, nor what it says of it."""
        with suppress(Exception):
            self.log(level, printable(message))

    def _tells(self, level: int) -> bool:
        """Tell whether a message of this priority would be logged, as making one takes time."""
        return "log" in self.__dict__ and bool(getattr(self.log, "level", level) >= level)

    @property
    def _pool(self) -> Pool:
        if self._core is None:
            core = self._solvers_pool()
            changes = self._changes - core.generation
            self._core, self._changes, self._held, self._allocation, self._written = core, changes, None, None, None
        return self._core

    @property
    def core(self) -> Pool:
        """The solver's pool, for exactfit's own scheduler modules."""
        return self._pool

    @property
    def generation(self) -> int:  # type: ignore[override]  # Flux's base class counts in an attribute
        """Goes up by one with every change."""
        return self._changes + (0 if self._core is None else self._core.generation)

    def _solvers_pool(self) -> Pool:
        """Make the solver's pool; in an allocation all is held by its job."""
        if self._held is None:
            return Pool(replace(self._own, expiration=self._expiration), self._options, self.log, job_text)
        resources = self.to_dict()
        core = Pool(machine_of(resources)[0], self._options, job_name=job_text)
        if self._holder is not None:
            core.register_alloc(self._holder, resources)
        return core

    # What there is: the set protocol, where a pool has more to it than a set.

    def to_dict(self) -> dict[str, Any]:
        """Return the pool, or the allocation, as parsed R JSON."""
        if self._allocation is None:
            return super().to_dict()
        if self._written is None:
            self._written = self._write(self._allocation)
        times = {"starttime": self._starttime, "expiration": self._expiration}
        return {**self._written, "execution": {**self._written["execution"], **times}}

    def _write(self, allocation: Allocation) -> dict[str, Any]:
        written = allocation.to_dict()
        written["scheduling"]["writer"] = self.writer
        chosen = (self._machine.scheduling or {}).get("exactfit")
        if chosen is not None:
            written["scheduling"]["exactfit"] = chosen
        return written

    def _similar(self, machine: Machine) -> Self:
        made = super()._similar(machine)
        made._options, made._core, made._removed = self._options, None, IdSet()
        return made

    def copy_ranks(self, ranks: object) -> Self:
        """Return a pool of these ranks alone, up or down as they are, with nothing allocated."""
        made = super().copy_ranks(ranks)
        down = self._machine.ids_of(self._pool.down_mask)
        made._pool.mark_down(made._machine.mask_of(down))
        return made

    def _replace(self, machine: Machine) -> None:
        new = machine.ranks.ids - self._machine.ranks.ids
        self._pool.replace_machine(machine, up=machine.mask_of(new))

    def remove_ranks(self, ranks: object) -> None:
        """Take ranks out of the pool, as on a shrink event; those that it has not are passed over."""
        core = self._pool
        gone = ids_of(ranks) & core.machine.ranks.ids
        # Noted first: a rank that is there was not removed, whatever is noted of it.
        self._removed |= gone
        core.remove_nodes(core.machine.mask_of(gone))

    def set_expiration(self, expiration: float) -> None:
        """Set when the resources end, in seconds since the epoch, 0 for never."""
        if self._core is None:
            self._changes += 1
        else:
            self._core.set_expiration(float(expiration))
        super().set_expiration(expiration)

    def set_starttime(self, starttime: float) -> None:
        """Set the start time in seconds since the epoch, 0 for none."""
        super().set_starttime(starttime)
        self._changes += 1

    # Availability.

    def mark_up(self, ids: object) -> None:
        """Let ranks (RFC 22 text, an idset, or "all") be chosen."""
        core = self._pool
        core.mark_up(self._mask(ids))

    def mark_down(self, ids: object) -> None:
        """Let ranks (RFC 22 text, an idset, or "all") not be chosen; jobs keep what they hold there."""
        core = self._pool
        core.mark_down(self._mask(ids))

    def _mask(self, ids: object) -> int:
        # An idset compares with idsets alone.
        everything = isinstance(ids, str) and ids == "all"
        return self._machine.all if everything else self._machine.mask_of(ids_of(ids))

    # Copies.

    def copy(self) -> Self:
        """Return an independent copy, with the same jobs on the same resources; it does not log."""
        made = type(self).__new__(type(self))
        core = self._pool.copy(ahead=True)
        made._become(core.machine)
        made._starttime, made._expiration, made._nslots = self._starttime, self._expiration, self._nslots
        made._options, made._core, made._removed = self._options, core, self._removed
        made.writes_late, made._changes = True, self._changes
        return made

    def copy_allocated(self) -> ExactSet:
        """Return the set of what is allocated."""
        return self.part_of(self, self._pool.allocated())

    def copy_down(self) -> ExactSet:
        """Return the set of the ranks that are down, whole."""
        down = self._pool.down_mask
        return self.part_of(self, [(mask & down, cores, gpus) for mask, cores, gpus in self._parts if mask & down])

    def to_set(self) -> ExactSet:
        """Return the set of all there is, up or down, allocated or not."""
        return self.part_of(self, self._parts)
