"""What each job of a queue waits for, in a few words: what can be said without a search for the best placement."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ....grammar.errors import printable
from ....grammar.idset import text_mask
from ....grammar.jobspec import parse_jobspec
from ....topology.machine import Machine
from ...snapshot.model import Queue, Snapshot, Waiting
from ..pools import make_pool, occupy
from ..snapshot_state import down_of, reserved_of, running_of
from ..why_waits import clock, ends_by, limits_of, queues_of

if TYPE_CHECKING:
    from ....solver.explain.numbers import Row
    from ....solver.pool import Pool

SECONDS: Final = 1.0
"""Of the processor, for the words of all jobs; those that are not reached are said to be not looked at."""

_EACH: Final = 0.1
"""Seconds of work for one job."""

_THINGS: Final = ("core", "gpu")

NOT_LOOKED_AT: Final = "(not looked at)"


class Words:
    """Says what jobs of a snapshot wait for.

    Parameters
    ----------
    snapshot
        The queue, and the state.
    machine
        The snapshot's.

    Raises
    ------
    InputError
        When jobs hold what the machine lacks, or one thing twice.
    """

    def __init__(self, snapshot: Snapshot, machine: Machine) -> None:
        from ....solver.options import Options

        self._snapshot = snapshot
        self._machine = machine
        pool = make_pool(machine, Options())
        occupy(pool, running_of(snapshot), down_of(snapshot, machine), first_id=1)
        self._pools: dict[int, Pool] = {0: pool}
        self._lacks: dict[tuple[str, int], str | None] = {}
        self._ready: list[int] = []
        self._queues: dict[str, int] = {}

    def of(self, jobs: Sequence[Waiting], seconds: float = SECONDS) -> list[str]:
        """Return what each of the first jobs of the queue waits for."""
        # Of one thread, as others may be busy too.
        end = time.thread_time() + seconds
        return [self._of(job) if time.thread_time() < end else NOT_LOOKED_AT for job in jobs]

    def _of(self, job: Waiting) -> str:
        queues = queues_of(self._snapshot, job)
        anyway = self._anyway(job, queues)
        if anyway:
            return anyway
        lacks = self._lack(job)
        before = self._before(queues)
        turn = f"{before} before it" if before else ""
        if lacks is None:
            return f"its turn: {turn}" if turn else "nothing: it should start soon"
        return f"{lacks}; {turn}" if turn else lacks

    def _anyway(self, job: Waiting, queues: Sequence[Queue]) -> str:
        """Return what keeps a job from starting whatever is free."""
        if job.blocked:
            return job.blocked
        if job.begin > self._snapshot.taken:
            return f"not before {clock(job.begin)}"
        if queues and not any(queue.open for queue in queues):
            return f"{printable(queues[0].name) or 'the queue'} starts no jobs"
        return next((said for queue in queues for said in limits_of(queue, job)), "")

    def _before(self, queues: Sequence[Queue]) -> int:
        """Return how many jobs that could start were asked about before, on nodes that this one could have too."""
        ranks = 0
        for queue in queues:
            ranks |= self._mask(queue)
        found = sum(1 for theirs in self._ready if not ranks or not theirs or ranks & theirs)
        self._ready.append(ranks)
        return found

    def _mask(self, queue: Queue) -> int:
        if queue.name not in self._queues:
            self._queues[queue.name] = text_mask(queue.ranks)
        return self._queues[queue.name]

    def _lack(self, job: Waiting) -> str | None:
        """Return what is not free of what a job asks for; None where there is room."""
        reserved = reserved_of(self._snapshot, self._machine, ends_by(self._snapshot, job), job.reservation)
        key = repr((job.jobspec.get("resources"), _constraint(job))), reserved
        if key not in self._lacks:
            self._lacks[key] = _lack(self._pool(reserved), job)
        return self._lacks[key]

    def _pool(self, reserved: int) -> Pool:
        if reserved not in self._pools:
            pool = self._pools[0].copy()
            pool.mark_down(reserved & ~pool.down_mask)
            self._pools[reserved] = pool
        return self._pools[reserved]


def _lack(pool: Pool, job: Waiting) -> str | None:
    from ....solver.cpsat.budget import Budget, CutOff
    from ....solver.demand.request import Request
    from ....solver.errors import InfeasibleRequest
    from ....solver.explain.numbers import count_all
    from ....solver.explain.trials import Trials

    try:
        request = Request.from_jobspec(parse_jobspec(job.jobspec))
        budget = Budget(_EACH)
        # Raises for what no machine of this kind could be asked for.
        pool.present[0].under(request).problem(request.shape)
        trials = Trials(*pool.present, request, _EACH, budget)
        rows = count_all(trials, budget.part(1 / 2))
        short = next((said for row in rows if (said := _short(row))), "")
        if short:
            return short
        return None if trials.fits(trials.present) else "room for all of it together"
    except CutOff:
        return NOT_LOOKED_AT
    except (ValueError, InfeasibleRequest) as error:
        return f"what never is: {printable(str(error))}"


def _short(row: Row) -> str:
    """Return what lacks of a vertex; empty where there is enough."""
    from ....solver.explain.words import amount, number, plural

    asked = row.asked
    if asked is None:
        return ""
    for found, what in (
        (row.exist, "exist"),
        (row.match, "match its constraint"),
        (row.up, "up"),
        (row.free, "free" if row.type in _THINGS or row.unit else "with room"),
    ):
        if found is not None and found < asked:
            inside = f" in {'a' if row.within[1] == 1 else row.within[1]} {row.within[0]}" if row.within else ""
            if row.unit:
                return f"{amount(printable(row.type), asked, row.unit)}{inside}: {number(found)} {what}"
            return f"{number(asked)} {plural(printable(row.type), asked)}{inside}: {number(found)} {what}"
    return ""


def _constraint(job: Waiting) -> object:
    attributes = job.jobspec.get("attributes")
    system = attributes.get("system") if isinstance(attributes, dict) else None
    return system.get("constraints") if isinstance(system, dict) else None
