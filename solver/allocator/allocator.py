"""The verbs: allocate, free, register, mark up and down, copy.

A verb costs what its decision costs; the state is a persistent value, so that copies and what fails cost nothing.
State changes in one place, `Allocator._commit`, after everything that can fail: a decision, and the new state that
follows from it, are made from values, and then one assignment takes effect.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from ...grammar.errors import printable
from ...topology.machine import Machine
from ..cpsat.budget import AHEAD, Budget, CutOff, KnownCutOff
from ..cpsat.status import Status
from ..demand.arguments import as_nodes, need_job, need_machine, need_nodes, need_parts, need_time
from ..demand.request import Asked, Request, as_request
from ..errors import InfeasibleRequest, InsufficientResources
from ..knowledge import Knowledge, MakeReasons
from ..options import Options
from ..placement.allocation import Allocation
from ..placement.certificate import CLOCK
from ..placement.job_R import read_job
from ..placement.realize import allocation_of, parted
from ..placement.seen_job import taken_by, taken_of_R
from ..state.domain_state import DomainState
from ..state.late import told
from ..state.other_machine import on_machine
from ..state.pool_state import Job, PoolState
from ..state.seen import Seen, Taken
from .present import Present

WARNING = 4
"""The syslog priority of what an admin should see."""

ERROR = 3

Log = Callable[[int, str], None]

JobName = Callable[[int], str]

Same = TypeVar("Same", bound="Allocator")
"""The class of an allocator whose copy it is."""


def _reason(knowledge: Knowledge, request: Request, state: PoolState) -> str:
    """Return why a request does not fit now; it is asked for when an error is read, which must not fail."""
    try:
        return knowledge.reasons.insufficient(request, state)
    except Exception:
        return "does not fit now"


def _next(state: PoolState, before: PoolState) -> PoolState:
    """Return a state as the one that comes after another. It is made outright, which is quicker than to replace."""
    return PoolState(state.touched, state.classes, state.up, state.jobs, state.group_used, before.generation + 1)


def _spent(budget: Budget) -> str:
    """Return how a search ended that was cut off: by its count of work, or where that has gone astray by the clock."""
    work = f"{budget.limit:g} s of work"
    return f"{work}, by the clock" if budget.is_late else work


def _silent(_level: int, _message: str) -> None:
    """Log nothing."""


class Allocator(Present):
    """Allocates the resources of a machine.

    Parameters
    ----------
    machine
        What there is. All of it starts free and up.
    make_reasons
        Makes who says why a request does not fit.
    options
        What the site chose.
    log
        Called with a syslog priority and a message. A call that raises is no error of the pool's.
    job_name
        What messages call a job; its number by default.

    Raises
    ------
    TypeError
        For what is no machine, no options, or nothing that can be called.
    ValueError
        For a policy that names what the machine does not have.
    """

    def __init__(
        self,
        machine: Machine,
        make_reasons: MakeReasons,
        options: Options | None = None,
        log: Log | None = None,
        job_name: JobName = str,
    ) -> None:
        need_parts(machine, options, log)
        self._log = log or _silent
        self._name = job_name
        self._knowledge = Knowledge(machine, options or Options(), self._warn, make_reasons)
        self._state = self._knowledge.changes.initial()
        self._seen = Seen()
        self._epoch = 0
        self._share = 1.0

    # -- decisions ------------------------------------------------------------------------------------------------

    def alloc(
        self,
        jobid: int,
        request: Asked,
        prepare: Callable[[Allocation], None] | None = None,
        budget: Budget | None = None,
    ) -> Allocation:
        """Find the best placement of a request, and let the job hold it.

        Parameters
        ----------
        jobid
            Who is to hold it.
        request
            What is asked for, or the text of an RFC 46 shape.
        prepare
            Called with the allocation before it takes effect; when it raises, nothing has changed.
        budget
            The work that it may take; by default the time limit, or a part of it in a copy that looks ahead.

        Raises
        ------
        InfeasibleRequest
            When there is no placement even on the empty pool with every rank up.
        InsufficientResources
            When there is one, but not now; or when the search was cut off, which is logged.
        TypeError
            For what is no request, and for a job id that is no integer.
        """
        need_job(jobid)
        request = as_request(request)
        if budget is None:
            budget = self._budget()
        try:
            allocation, state, entered = self._prepare(jobid, request, budget)
            if allocation.proof.status is not Status.OPTIMAL:
                cut = f"the search was cut off after {_spent(budget)}"
                self._tell(WARNING, f"job {self._name(jobid)}: {cut}; the placement used is not proven optimal")
            if prepare is not None:
                prepare(allocation)
            seen, knowledge = self._learned(taken_by(allocation.holdings) if self._learns else None)
            self._commit(state, entered, knowledge, seen)
            return allocation
        except (InfeasibleRequest, InsufficientResources):
            raise
        except CutOff as cut_off:
            message = f"the search was cut off after {_spent(budget)} before it found a placement; it may exist"
            if not isinstance(cut_off, KnownCutOff):
                self._tell(WARNING, f"job {self._name(jobid)}: {message}")
            raise InsufficientResources(message, proven=False) from None
        except Exception as error:  # whatever goes wrong inside must not reach the scheduler: it would die of it
            message = f"the search failed ({type(error).__name__}: {error})"
            self._tell(ERROR, f"job {self._name(jobid)}: {message}")
            raise InsufficientResources(message, proven=False) from error

    def _budget(self) -> Budget:
        """Return the work that one decision may take."""
        return Budget(self._share * self.options.time_limit)

    def _prepare(self, jobid: int, request: Request, budget: Budget) -> tuple[Allocation, PoolState, list[DomainState]]:
        if jobid in self._state.jobs:
            raise InsufficientResources(f"job {self._name(jobid)} holds resources already")
        knowledge = self._knowledge.under(request)
        if knowledge is self._knowledge:
            self._epoch = knowledge.rankings.refresh(self._state.classes, self._epoch)
        else:
            knowledge.rankings.refresh(self._state.classes, 0)
        found = knowledge.decide(request, self._state, budget)
        if found is None:
            try:
                self._judge(request, budget)
            except CutOff:
                message = "does not fit now; the search was cut off before it knew whether it ever does"
                raise InsufficientResources(message) from None
            raise InsufficientResources(partial(_reason, knowledge, request, self._state))
        allocation = allocation_of(
            self.machine, knowledge.changes, knowledge.tree, knowledge.scale, self._state, *found
        )
        if request.policy is not None:
            allocation = replace(allocation, proof=allocation.proof._replace(policy=request.policy.name))
        if budget.is_late and allocation.proof.status is not Status.OPTIMAL:
            allocation = replace(allocation, proof=allocation.proof._replace(ended=CLOCK))
        end = time.time() + request.duration if request.duration > 0 else self.machine.expiration
        job = Job(end, allocation.holdings, allocation.group_used)
        state, entered = self._knowledge.changes.started(self._state, jobid, job)
        return allocation, state, entered

    def check_feasibility(self, request: Asked) -> None:
        """Raise `InfeasibleRequest` if there is no placement even on the empty pool with every rank up.

        Raises
        ------
        InfeasibleRequest
            With the reason.
        InsufficientResources
            When the search was cut off before that was known, or failed.
        TypeError
            For what is no request.
        """
        request = as_request(request)
        try:
            self._judge(request, self._budget())
        except (InfeasibleRequest, InsufficientResources):
            raise
        except CutOff:
            message = "the search was cut off before it knew whether there is a placement"
            raise InsufficientResources(message, proven=False) from None
        except Exception as error:
            message = f"the search failed ({type(error).__name__}: {error})"
            raise InsufficientResources(message, proven=False) from error

    def _judge(self, request: Request, budget: Budget) -> None:
        self._knowledge.under(request)
        reason = self._knowledge.infeasible(request, budget)
        if reason is not None:
            raise InfeasibleRequest(reason)

    def improve(self, budget: Budget) -> bool:
        """Go on with searches that were cut off, for as long as what they found would be the answer now.

        Jobs keep what they have; the next that asks the same in the same state gets what was found. It is for whoever
        has time to spare: nothing else calls it.

        Parameters
        ----------
        budget
            The work that it may take in all.

        Returns
        -------
        bool
            Whether anything is left that more work may help.
        """
        return self._knowledge.improve(self._state, budget)

    # -- the life of a job ----------------------------------------------------------------------------------------

    def register_alloc(self, jobid: int, R: Mapping[str, Any] | Machine) -> None:
        """Let a job hold what its R says, as after a reload of the scheduler.

        Raises
        ------
        ValueError
            For ranks, cores or GPUs that the pool lacks, for a host that has another rank here, for what another job
            holds, or for an R that is none.
        """
        need_job(jobid)
        job = read_job(self.machine, R)
        held = self._held
        if jobid in held.jobs:
            raise ValueError(f"job {self._name(jobid)} holds resources already")
        changes = self._knowledge.changes
        for holding in job.holdings:
            for _, free, nodes in changes.alike(held, holding.packed):
                if holding.cores & ~free.cores or holding.gpus & ~free.gpus:
                    ranks = self.machine.ids_of(nodes)
                    name = self._name(jobid)
                    raise ValueError(f"job {name}: another job holds some of its resources on rank {ranks}")
        seen, knowledge = self._learned(taken_of_R(R, job.holdings) if self._learns else None)
        present = _next(told(changes, held, jobid, job, self._late), held)
        epoch = self._epoch_under(knowledge)
        self._knowledge, self._held, self._epoch, self._seen = knowledge, present, epoch, seen

    def free(self, jobid: int, nodes: int | str | None = None) -> None:
        """Take back what a job holds, all of it or on some nodes. A job that holds nothing is no error.

        Parameters
        ----------
        nodes
            Ranks (``3,8-11``), hosts (``n[3,8-11]``) or a bitmask of positions: the job is still known then, even if
            nothing is left to it. None for all: it is forgotten.
        """
        need_job(jobid)
        if nodes is not None:
            nodes = as_nodes(self.machine, nodes)
        job = self._state.jobs.get(jobid)
        if job is None:
            return
        if nodes is None:
            self._commit(*self._knowledge.changes.returned(self._state, jobid, job, None))
        else:
            back, left = parted(self.machine, self._knowledge.tree, job, nodes)
            self._commit(*self._knowledge.changes.returned(self._state, jobid, back, left))

    def update_expiration(self, jobid: int, expiration: float) -> None:
        """Set the end time of a job that holds resources: seconds since the epoch, 0 for none."""
        need_job(jobid)
        need_time(expiration)
        job = self._state.jobs.get(jobid)
        if job is not None:
            jobs = self._state.jobs.set(jobid, job._replace(end_time=expiration))
            self._commit(self._state._replace(jobs=jobs), [])

    # -- availability ---------------------------------------------------------------------------------------------

    def mark_up(self, nodes: int | str) -> None:
        """Let nodes be chosen: ranks (``3,8-11``), hosts (``n[3,8-11]``), ``all``, or a bitmask of positions.

        Raises
        ------
        ValueError
            For nodes that the machine does not have; so do all that take nodes.
        """
        nodes = as_nodes(self.machine, nodes)
        self._commit(*self._knowledge.changes.mark(self._state, nodes, up=True))

    def mark_down(self, nodes: int | str) -> None:
        """Let nodes, named as in `mark_up`, not be chosen; what jobs hold there they keep."""
        nodes = as_nodes(self.machine, nodes)
        self._commit(*self._knowledge.changes.mark(self._state, nodes, up=False))

    def remove_nodes(self, nodes: int | str) -> None:
        """Make the machine smaller: nodes, named as in `mark_up`, are no more. Positions change."""
        nodes = as_nodes(self.machine, nodes)
        keep = self.machine.all & ~nodes
        if keep == self.machine.all:
            self._commit(self._state, [])
            return
        self.replace_machine(self.machine.cut(keep))

    def replace_machine(self, machine: Machine, *, up: int = 0) -> None:
        """Take another machine: what jobs hold on ranks that it has they keep.

        Parameters
        ----------
        up
            Bitmask of its positions that can be chosen, beside those that could before. Other new ones are down.
        """
        need_machine(machine)
        need_nodes(machine, up)
        knowledge, state = self._knowledge.of_machine(machine), self._state
        gone = self.machine.all & ~self.machine.mask_of(machine.ranks.ids)
        for jobid, job in state.jobs.items() if gone else ():
            if job.nodes & gone:
                back, left = parted(self.machine, self._knowledge.tree, job, gone)
                state, _ = self._knowledge.changes.returned(state, jobid, back, left)
        state = on_machine(knowledge.changes, state, self.machine)
        if up:
            state, _ = knowledge.changes.mark(state, up, up=True)
        self._commit(state, (), knowledge)

    def set_expiration(self, expiration: float) -> None:
        """Set when the machine's resources end: seconds since the epoch, 0 for never."""
        need_time(expiration)
        self._commit(self._state, [], self._knowledge.with_expiration(expiration))

    # -- copies ---------------------------------------------------------------------------------------------------

    def copy(self: Same, *, ahead: bool = False, silent: bool = True) -> Same:
        """Return an independent pool in the same state. It costs the same for any machine.

        Parameters
        ----------
        silent
            Whether it does not log.
        ahead
            Whether it is to look ahead, once for many moments: each of its decisions takes no more than `AHEAD` of the
            work of one that counts. So do those of copies of it.
        """
        copy = object.__new__(type(self))
        copy._share = AHEAD if ahead else self._share
        copy._log = _silent if silent else self._log
        copy._name = self._name
        copy._knowledge = self._knowledge
        copy._seen = self._seen
        copy._state = self._state
        copy._epoch = self._epoch
        return copy

    def become(self: Same, copy: Same) -> None:
        """Be what a copy is by now; what has happened here since it was made, has not."""
        self._knowledge, self._held, self._late, self._epoch = copy._knowledge, copy._held, copy._late, copy._epoch
        self._seen = copy._seen

    def in_state(self: Same, state: PoolState) -> Same:
        """Return an independent pool of the same machine in another state, which looks ahead and does not log."""
        pool = self.copy(ahead=True)
        pool._state, pool._epoch = state, 0
        return pool

    # -- inside ---------------------------------------------------------------------------------------------------

    @property
    def _learns(self) -> bool:
        return self._knowledge.options.policy.learns

    def _learned(self, job: Taken | None) -> tuple[Seen, Knowledge]:
        """Return what was seen after one more job, and what is known then; None is a job that teaches nothing."""
        if job is None:
            return self._seen, self._knowledge
        seen = self._seen.and_one(job)
        return seen, self._knowledge if seen.fresh else self._knowledge.after(seen)

    def _epoch_under(self, knowledge: Knowledge) -> int:
        """Return the epoch of the rankings that is known of under some knowledge: none of what is new."""
        return self._epoch if knowledge.rankings is self._knowledge.rankings else 0

    def _commit(
        self,
        state: PoolState,
        entered: Iterable[DomainState],
        moved_to: Knowledge | None = None,
        seen: Seen | None = None,
    ) -> None:
        """Make a state the present; of another machine, or when more was seen, with the knowledge of that."""
        knowledge = moved_to or self._knowledge
        epoch = self._epoch_under(knowledge)
        for entry in entered:
            knowledge.rankings.born(entry)
        present = _next(state, self._state)
        more = self._seen if seen is None else seen
        # One line, so that nothing can come between.
        self._knowledge, self._held, self._late, self._epoch, self._seen = knowledge, present, {}, epoch, more

    def _warn(self, message: str) -> None:
        self._tell(WARNING, message)

    def _tell(self, level: int, message: str) -> None:
        try:
            self._log(level, printable(message))
        except Exception:  # a log that fails must not change what the pool does
            return
