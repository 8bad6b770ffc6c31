"""Notes every decision of a pool's, and asks our solver whether a refusal was right.

The pool runs as it is: it is a subclass whose `alloc` takes the time. Decisions on copies, by which schedulers look
ahead, are not noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import process_time
from types import MappingProxyType
from typing import Any

from ...solver import errors as solver
from ...solver.demand.request import Request
from ...solver.options import Options
from ...solver.policy.terms import parse_policy
from ...solver.pool import Pool
from ...topology.machine import Machine
from ..flux import ExactPool
from ..flux.requests import ParsedRequest
from ..flux.upstream import InfeasibleRequest, InsufficientResources
from ..twin.jobs import R

PLACED, LATER, NEVER = "placed", "later", "never"


@dataclass(frozen=True, slots=True)
class Decision:
    """One call of alloc.

    Attributes
    ----------
    time
        Virtual, in seconds.
    job
        The job's number.
    seconds
        Of the processor that it took, which does not depend on what else the machine does.
    answer
        `PLACED`, `LATER` or `NEVER`.
    busy
        The part of the machine's cores that was held before.
    wrong
        Whether the job was refused although a placement existed, which our solver proves by finding one. None where
        nobody asked, or the search was cut off.
    """

    time: float
    job: int
    seconds: float
    answer: str
    busy: float
    wrong: bool | None = None


class Shadow:
    """Our solver's pool in the state in which the pool that is studied is.

    Parameters
    ----------
    machine
        What there is.
    time_limit
        Seconds for one proof.
    meaning
        What a request means, as keywords of `Options`.
    """

    def __init__(
        self, machine: Machine, time_limit: float = 5.0, meaning: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        # Whether there is a placement is asked, not which is the best.
        self._pool = Pool(machine, Options(policy=parse_policy("lowest"), time_limit=time_limit, **meaning))
        self._known: dict[int, bool | None] = {}
        self._never: dict[int, bool | None] = {}
        self._requests: dict[int, Request] = {}

    def started(self, job: int, resources: R) -> None:
        """Follow a job that got resources."""
        self._pool.register_alloc(job, resources)
        self._known.clear()

    def freed(self, job: int) -> None:
        """Follow a job that returned them."""
        self._pool.free(job)
        self._known.clear()

    def fits(self, form: int, jobspec: Mapping[str, Any], *, now: bool) -> bool | None:
        """Tell whether a placement exists, now or on the empty machine; None when the search was cut off."""
        known = self._known if now else self._never
        if form not in known:
            known[form] = self._ask(form, jobspec, now)
        return known[form]

    def _request(self, form: int, jobspec: Mapping[str, Any]) -> Request:
        request = self._requests.get(form)
        if request is None:
            request = self._requests[form] = ParsedRequest(jobspec).request
        return request

    def _ask(self, form: int, jobspec: Mapping[str, Any], now: bool) -> bool | None:
        request = self._request(form, jobspec)
        try:
            if now:
                self._pool.copy().alloc(-1, request)
            else:
                self._pool.check_feasibility(request)
        except solver.InfeasibleRequest:
            return False
        except solver.InsufficientResources as refusal:
            return False if refusal.proven else None
        return True


_UNSETTLED = -1
"""No generation."""


class Recorder:
    """Makes the class that is run, and keeps what it decides.

    Parameters
    ----------
    clock
        The virtual time.
    busy
        The part of the machine that is held.
    wrong
        Whether a refusal of a job, now or for ever, was wrong.
    keep
        Told of each decision, in their order.
    look
        Called before each decision, also of those on copies.

    Attributes
    ----------
    refused
        Jobs that were refused, with the pool's generation at which they were last, and rightly.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        busy: Callable[[], float],
        wrong: Callable[[int, bool], bool | None],
        keep: Callable[[Decision], None],
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._keep = keep
        self._clock = clock
        self._busy = busy
        self._wrong = wrong
        self._look = look
        self._live: Any = None
        self._parsed: dict[int, ParsedRequest] = {}
        self.refused: dict[int, int] = {}

    def of(self, pool_class: Any) -> type:
        """Return the class with its decisions noted; the first instance is the one that counts."""
        recorder = self

        class Recorded(pool_class):  # type: ignore[misc]
            def __init__(self, *arguments: Any, **keywords: Any) -> None:
                super().__init__(*arguments, **keywords)
                if recorder._live is None:
                    recorder._live = self
                    if isinstance(self, ExactPool):
                        self.impl.writes_late = True

            def parse_resource_request(self, jobspec: Any) -> Any:
                return recorder.parse(jobspec, super().parse_resource_request)

            def alloc(self, jobid: int, request: Any) -> Any:
                recorder._look()
                if recorder._live is not self:
                    return super().alloc(jobid, request)
                begin = process_time()
                try:
                    allocation = super().alloc(jobid, request)
                except (InsufficientResources, InfeasibleRequest) as refusal:
                    seconds = process_time() - begin
                    answer = NEVER if isinstance(refusal, InfeasibleRequest) else LATER
                    # The message of a refusal of ours costs more than the refusal, and is not made unless it is read.
                    recorder.note(jobid, seconds, answer, known=getattr(refusal, "proven", True))
                    raise
                recorder.note(jobid, process_time() - begin, PLACED)
                return allocation

        return Recorded

    def parse(self, jobspec: Mapping[str, Any], parse: Callable[[Any], Any]) -> Any:
        """Return a job's request; ours are parsed once for jobs of one form, which differ in their limits."""
        resources, system = jobspec["resources"], jobspec["attributes"]["system"]
        known = self._parsed.get(id(resources))
        if known is not None:
            return known.lasting(jobspec, float(system["duration"]))
        request = parse(jobspec)
        if isinstance(request, ParsedRequest):
            # It keeps the resources, so that no others get their identity.
            self._parsed[id(resources)] = request
        return request

    def note(self, job: int, seconds: float, answer: str, *, known: bool = True) -> None:
        """Keep one decision; a search of ours that was cut off has proven nothing, and is not known to be right."""
        wrong = None if answer == PLACED or not known else self._wrong(job, answer == LATER)
        self._keep(Decision(self._clock(), job, seconds, answer, self._busy(), wrong))
        if answer == LATER:
            self.refused[job] = self._live.generation if wrong is False else _UNSETTLED

    def settled(self, job: int) -> bool:
        """Tell whether a job was refused in this very state, and rightly."""
        return bool(self.refused.get(job) == self._live.generation)
