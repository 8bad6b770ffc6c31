"""Flux's pool protocol on one side, the solver's pool on the other: the implementation for R version 1.

What Flux does with each exception decides what may be raised where: alloc raises the protocol's two errors and nothing
else, and what follows it on an allocation (times, dumps, to_dict) cannot fail, as a scheduler module would die of it.
"""

from __future__ import annotations

import syslog
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from flux.resource.ResourcePoolImplementation import InfeasibleRequest, InsufficientResources
from flux.resource.Rv1Set import Rv1Set

from ...grammar.hostlist import Hostlist
from ...grammar.idset import IdSet
from ...solver import errors as solver
from ...solver.cpsat.budget import CutOff
from ...solver.demand.request import Request
from ...solver.placement.allocation import Allocation
from ...solver.placement.job_R import check_hosts
from ...solver.pool import Pool
from ...topology.rset import WRITER
from ..site_choice import KEYWORDS
from .accounting import check_final, check_partial, is_all
from .pool_set import PoolSet, job_text
from .requests import ParsedRequest, solver_request
from .resource_set import ExactSet
from .rjson import as_json, pieces, ranks_of

if TYPE_CHECKING:
    from typing_extensions import Self


class ExactPoolV1(PoolSet):
    """A pool over R version 1.

    Parameters
    ----------
    R
        RFC 20 R, of an instance or of a job, as JSON text or as a mapping; None for a pool of nothing.
    log
        Called with a syslog priority and a message.
    options
        See `exactfit.adapters.site_choice`; the others of a scheduler's `pool_kwargs` are passed over.

    Raises
    ------
    ValueError
        For a malformed R, and for a value that an option does not take.
    TypeError
        For an R of another type.
    """

    name = "exactfit"
    known_options = KEYWORDS
    refusal: OSError | None = None
    """Why the last request that was refused was refused."""
    _decided: Any = None
    """What was decided elsewhere."""

    def parse_resource_request(self, jobspec: Mapping[str, Any]) -> ParsedRequest:
        """Return the request of a jobspec: immutable, and good for any pool.

        Raises
        ------
        ValueError
            For a malformed jobspec; the message names the place.
        """
        return ParsedRequest(jobspec)

    def check_feasibility(self, request: object) -> None:
        """Check whether the pool could give this if nothing were allocated and every rank up.

        Raises
        ------
        InfeasibleRequest
            If it could not; the message says what is lacking.
        """
        wanted = _wanted(request)
        try:
            self._pool.check_feasibility(wanted)
        except solver.InfeasibleRequest as refusal:
            raise InfeasibleRequest(str(refusal)) from None
        except solver.InsufficientResources as cut_off:
            self._say(syslog.LOG_WARNING, f"feasibility: not known, so the job is let through: {cut_off}")

    def alloc(self, jobid: int, request: object) -> Self:
        """Give a job the best placement of its request that there is now.

        Parameters
        ----------
        jobid
            The job.
        request
            From `parse_resource_request`, or with the attributes of Flux's own request classes.

        Returns
        -------
        ExactPoolV1
            What the job got, all of it allocated.

        Raises
        ------
        InsufficientResources
            Not now, though it could be.
        InfeasibleRequest
            Not ever.
        """
        decided, self._decided = self._decided, None
        if decided is None or (decided.jobid, decided.generation) != (jobid, self.generation):
            decided = self._decision(jobid, request, self._pool)
        elif decided.given is not None:
            self._pool.become(decided.core)
        if decided.given is None:
            self.refusal = decided.refusal
            raise decided.refusal from decided.refusal.__cause__
        if self._tells(syslog.LOG_DEBUG):
            self._say(syslog.LOG_DEBUG, f"alloc: {job_text(jobid)}: {decided.given.dumps()}")
        given: Self = decided.given
        return given

    def _decision(self, jobid: int, request: object, core: Pool) -> _Decision:
        """Decide on a request on the pool itself or on a copy."""
        generation = core.generation
        made: list[ExactPoolV1] = []
        refusal: OSError = InsufficientResources()
        try:
            core.alloc(jobid, _wanted(request), lambda allocation: made.append(self._allocated(jobid, allocation)))
            return _Decision(jobid, generation, core, made[0], refusal)
        except InfeasibleRequest as none:
            refusal = none
        except solver.InsufficientResources as not_now:
            refusal = _NotNow(not_now)
        except solver.InfeasibleRequest as never:
            refusal = InfeasibleRequest(str(never))
        except Exception as crash:
            refusal = self._crashed(jobid, crash)
            refusal.__cause__ = crash
        return _Decision(jobid, generation, core, None, refusal)

    def decided_elsewhere(self, jobid: int, request: object) -> Callable[[], None]:
        """Return what decides on a request, and changes nothing, for another thread to do.

        An `alloc` of the job that follows takes what it came to, unless something has changed.
        """
        core = self._pool.copy(silent=False)

        def decide() -> None:
            self._decided = self._decision(jobid, request, core)

        return decide

    def why_not(self, jobid: int, request: object) -> Callable[[], str | None]:
        """Return what finds out why a request does not fit now, None where it does, for another thread to do."""
        core = self._pool.copy(ahead=True)

        def find() -> str | None:
            decision = self._decision(jobid, request, core)
            return None if decision.given is not None else str(decision.refusal)

        return find

    def judged_elsewhere(self, jobspec: Mapping[str, Any]) -> Callable[[], None]:
        """Return what judges whether a jobspec can ever be placed; `check_feasibility` has the answer then."""
        core = self._pool.copy()

        def judge() -> None:
            with suppress(Exception):
                core.check_feasibility(_wanted(self.parse_resource_request(jobspec)))

        return judge

    def explain(self, request: object) -> dict[str, Any]:
        """Say why a request does not fit now, or never, and what would make it fit, as JSON values.

        Too slow for every job of a scheduling loop, quick enough for the head of the queue.

        Raises
        ------
        InfeasibleRequest
            For what is no request.
        InsufficientResources
            When the time was too short to find out whether it fits.
        """
        from ...solver.explain import explain

        try:
            return explain(self._pool, _wanted(request), job_name=job_text).to_json(job_text)
        except CutOff:
            raise InsufficientResources("the search was cut off before it knew whether there is a placement") from None

    def _allocated(self, jobid: int, allocation: Allocation) -> Self:
        made = type(self).__new__(type(self))
        made._become(self._machine, [(held.nodes, held.cores, held.gpus) for held in allocation.holdings])
        made._starttime, made._expiration, made._nslots = 0.0, 0.0, allocation.nslots
        made._options, made._core, made._removed, made._holder = self._options, None, IdSet(), jobid
        made._allocation = allocation
        if not self.writes_late:
            # Made now, before anything has changed: Flux takes no error from it afterwards.
            made._written = made._write(allocation)
        return made

    def _crashed(self, jobid: int, crash: Exception) -> InsufficientResources:
        message = f"the pool failed ({type(crash).__name__}: {crash})"
        self._say(syslog.LOG_ERR, f"alloc: {job_text(jobid)}: {message}")
        return InsufficientResources(message)

    def register_alloc(self, jobid: int, R: object) -> None:
        """Let a job hold what its R says, on whatever ranks and memory included, as after a reload of the scheduler.

        Parameters
        ----------
        jobid
            The job.
        R
            A pool or a set of any class, or R JSON; its expiration is the job's end.

        Raises
        ------
        ValueError
            For ranks, cores and GPUs that the pool lacks, and for what another job holds.

        Notes
        -----
        Where R has other names for the hosts of its ranks than the pool, ranks count, and a warning says so: an error
        would end the job.
        """
        held = R if isinstance(R, ExactSet) else ExactSet(as_json(R))
        core = self._pool
        part = replace(held.own_machine(), expiration=held.get_expiration())
        try:
            check_hosts(core.machine, part)
        except ValueError as other:
            self._say(syslog.LOG_WARNING, f"hello: {job_text(jobid)}: {other}; the rank counts")
            part = replace(part, hosts=Hostlist())
        core.register_alloc(jobid, part)
        self._say(syslog.LOG_INFO, f"hello: {job_text(jobid)}: {held.dumps()}")

    def free(self, jobid: int, R: object = None, final: bool = False) -> None:
        """Take back what a job holds; a job that the pool does not know is no error.

        Parameters
        ----------
        jobid
            The job.
        R
            A pool or a set of any class, or R JSON: the ranks of it are taken back. None: all.
        final
            Whether this is the last of the job: all that is left is taken back, and R, if given, must be just that.

        Raises
        ------
        ValueError
            For ranks that are not the job's, and for a final R that is not what is left.
        """
        core = self._pool
        job = core.job(jobid)
        if job is None:
            return
        nodes = None
        if R is not None and not (final and isinstance(R, Rv1Set) and is_all(R, job.holdings, core.machine)):
            # What shrank away is not held any more, and may still be returned.
            gone = self._removed - core.machine.ranks.ids
            returned = [(ids - gone, cores, gpus) for ids, cores, gpus in pieces(as_json(R))]
            held = [(core.machine.ids_of(part.nodes), part.cores, part.gpus) for part in job.holdings]
            check_partial(jobid, returned, held)
            if final:
                check_final(jobid, returned, held)
            else:
                nodes = core.machine.mask_of(ranks_of(returned))
        core.free(jobid, nodes)
        if self._tells(syslog.LOG_DEBUG):
            ranks = core.machine.ids_of(job.nodes if nodes is None else nodes)
            self._say(syslog.LOG_DEBUG, f"free: {job_text(jobid)}: ranks {ranks}{' (final)' if final else ''}")

    def update_expiration(self, jobid: int, expiration: float) -> None:
        """Set the end of a job, in seconds since the epoch; of a job that the pool does not know, nothing."""
        core = self._pool
        if core.job(jobid) is not None:
            core.update_expiration(jobid, expiration)

    def job_end_times(self) -> list[tuple[int, float]]:
        """Return (job id, end) of all jobs, the end in seconds since the epoch, 0 for none."""
        return [(jobid, job.end_time) for jobid, job in self._pool.jobs.items()]


class _Decision(NamedTuple):
    """What became of a request.

    Attributes
    ----------
    jobid
        Whose it is.
    generation
        Of the pool before.
    core
        The pool that decided, a copy or the pool itself, and is as it is after.
    given
        What the job got; None where it was refused.
    refusal
        Why, then.
    """

    jobid: int
    generation: int
    core: Pool
    given: Any
    refusal: OSError


class PackPoolV1(ExactPoolV1):
    """The same under the policy ``pack``, whatever R and the environment say."""

    name = "exactfit:pack"
    policy = "pack"
    writer = f"{WRITER}:pack"


class SpreadPoolV1(ExactPoolV1):
    """The same under the policy ``spread``."""

    name = "exactfit:spread"
    policy = "spread"
    writer = f"{WRITER}:spread"


class LowestPoolV1(ExactPoolV1):
    """The same under the policy ``lowest``."""

    name = "exactfit:lowest"
    policy = "lowest"
    writer = f"{WRITER}:lowest"


class _NotNow(InsufficientResources):
    """Flux's error with the solver's message, which is made when it is read: a scheduler that waits never reads it."""

    def __init__(self, refusal: solver.InsufficientResources) -> None:
        super().__init__()
        self.proven = refusal.proven
        self._refusal = refusal

    def __str__(self) -> str:
        return str(self._refusal)


def _wanted(request: object) -> Request:
    """Return the solver's request; whatever is wrong with one can never be satisfied."""
    try:
        return solver_request(request)
    except Exception as fault:
        raise InfeasibleRequest(f"no resource request: {fault}") from None
