"""Puts each request of a sequence to our pool and to Flux's, all in the same state, and judges every answer.

Our pool leads: what it gives a job is registered in the others. What they give is judged and taken back at once, so
that the next request again finds all pools in one state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import exactfit.adapters.flux  # noqa: F401  (makes Flux's modules importable where libflux-core is not)
from exactfit.adapters.flux import ExactPool
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver.checker import Checker, Verdict
from exactfit.topology.rset import read_R

from flux.resource import InfeasibleRequest, InsufficientResources
from flux.resource.ResourcePool import ResourcePool
from flux.resource.Rv1Pool import Rv1Pool
from flux.resource.TreePool import TreePool

from .sequences import Ask, End, Sequence, Turn

Json = dict[str, Any]

PEERS = {"Rv1Pool": ResourcePool, "TreePool": TreePool}
TIME_LIMIT = 10.0
"""Seconds for a decision of ours, as by default."""

PROBE = 10**6
"""The id of the job for which Flux's pools are asked."""


class Kind(Enum):
    """What a peer's answer is beside ours."""

    EQUAL = "both place, as well in every term"
    BETTER = "both place, ours better in the first term that differs"
    WORSE = "both place, ours WORSE in the first term that differs"
    MISSED = "it places, and we refuse"
    WRONG = "it places what the checker rejects"
    UNJUDGED = "it places in a form whose split into slots is not searched"
    REFUSED = "it refuses for now (InsufficientResources), and we place"
    DENIED = "it refuses for ever (InfeasibleRequest), and we place"
    UNPARSED = "its parser refuses (ValueError), and we place"
    CUT_OFF = "our search is cut off, and it places nothing that is legal"
    CRASHED = "it raises what is no documented error"
    SAME = "both refuse, in the same way"
    PENDS = "it refuses for now what we refuse for ever"
    GIVES_UP = "it refuses for ever, or its parser does, what we refuse for now"
    UNLOADED = "it cannot load the machine"

    @property
    def is_fault_of_ours(self) -> bool:
        """Whether this must not be."""
        return self in (Kind.WORSE, Kind.MISSED)


@dataclass(frozen=True)
class Outcome:
    """What one peer did with one request.

    Attributes
    ----------
    peer
        Its name.
    kind
        What its answer is beside ours.
    ask
        The request; None where the machine cannot be loaded.
    detail
        What the peer, or the checker, said.
    """

    peer: str
    kind: Kind
    ask: Ask | None
    detail: str = ""


@dataclass(frozen=True)
class _Answer:
    """What a pool did with a request: an R, or the error."""

    R: Json | None = None
    error: Exception | None = None
    unparsed: bool = False

    @property
    def said(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"

    @property
    def is_cut_off(self) -> bool:
        return "cut off" in str(self.error)


def outcomes(sequence: Sequence) -> Iterator[Outcome]:
    """Go through a sequence, and yield what each peer did with each request.

    Raises
    ------
    AssertionError
        When an answer of ours is not legal, or not worth what its certificate says.
    """
    field = _Field(sequence.R)
    yield from field.unloaded
    for step in sequence.steps:
        if isinstance(step, Turn):
            field.turn(step.rank)
        elif isinstance(step, End):
            field.end(step.back)
        else:
            yield from field.ask(step)


class _Field:
    """All the pools in one state, and the checker that follows it."""

    def __init__(self, R: Json) -> None:
        self.machine = read_R(R)
        self.checker = Checker(self.machine)
        self.ours = ExactPool(R, time_limit=TIME_LIMIT)
        self.peers: dict[str, Any] = {}
        self.unloaded: list[Outcome] = []
        self.running: list[tuple[int, Json]] = []
        self.down = 0
        self.next = 1
        for name, pool_class in PEERS.items():
            try:
                self.peers[name] = pool_class(R)
            except Exception as fault:
                self.unloaded.append(Outcome(name, Kind.UNLOADED, None, f"{type(fault).__name__}: {fault}"))

    def turn(self, rank: int) -> None:
        bit = self.machine.mask_of(IdSet.of([rank]))
        self.down ^= bit
        self.checker.down(self.down)
        for pool in (self.ours, *self.peers.values()):
            (pool.mark_down if self.down & bit else pool.mark_up)(str(rank))

    def end(self, back: int) -> None:
        if back < len(self.running):
            jobid, R = self.running.pop(-1 - back)
            self.checker.release(R)
            for pool in (self.ours, *self.peers.values()):
                pool.free(jobid)

    def ask(self, ask: Ask) -> Iterator[Outcome]:
        jobspec = _jobspec(ask)
        theirs = {name: _answer(pool, PROBE, jobspec) for name, pool in self.peers.items()}
        for name, answer in theirs.items():
            if answer.R is not None:
                self.peers[name].free(PROBE)
        ours = _answer(self.ours, self.next, jobspec)
        assert ours.R is not None or isinstance(ours.error, InfeasibleRequest | InsufficientResources), ours.said
        value = None if ours.R is None else self._value(ask, ours.R)
        for name, answer in theirs.items():
            yield Outcome(name, *self._compare(ask, answer, ours, value))
        if ours.R is not None:
            self._run(ours.R)

    def _run(self, R: Json) -> None:
        self.checker.allocate(R)
        for pool in self.peers.values():
            # What TreePool makes of a job's R it refuses itself: a job's ranks need not begin with 0.
            pool.register_alloc(self.next, Rv1Pool(R))
        self.running.append((self.next, R))
        self.next += 1

    def _judge(self, ask: Ask, R: Json) -> Verdict:
        constraint = ALWAYS if ask.constraint is None else parse_constraint(ask.constraint)
        return self.checker.judge(parse_resources(list(ask.resources)), R, constraint=constraint)

    def _value(self, ask: Ask, R: Json) -> Verdict:
        """Judge an answer of ours."""
        verdict = self._judge(ask, R)
        certificate = R["scheduling"]["certificate"]
        claimed = {**certificate["terms"], "size": tuple(certificate["terms"]["size"])}
        assert verdict.legal, verdict.violations
        assert claimed == dict(verdict.terms), (claimed, verdict.terms)
        return verdict

    def _compare(self, ask: Ask, answer: _Answer, ours: _Answer, value: Verdict | None) -> tuple[Kind, Ask, str]:
        if answer.R is None:
            return _refusal(answer, ours), ask, answer.said if not ours.is_cut_off else ours.said
        verdict = self._judge(ask, answer.R)
        if not verdict.legal:
            if ours.is_cut_off:
                return Kind.CUT_OFF, ask, ours.said
            unjudged = any("not judged" in fault for fault in verdict.violations)
            return Kind.UNJUDGED if unjudged else Kind.WRONG, ask, "; ".join(verdict.violations)
        if value is None:
            return Kind.MISSED, ask, ours.said
        kind, term = _first_difference(value.terms, verdict.terms)
        detail = f"{term}: {value.terms[term]} by ours, {verdict.terms[term]} by it" if term else ""
        return kind, ask, detail


def _first_difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[Kind, str]:
    """Compare two placements as the policy `pack` does: term by term, lower is better, for the size higher."""
    for name, value in ours.items():
        if value != theirs[name]:
            better = value > theirs[name] if name == "size" else value < theirs[name]
            return Kind.BETTER if better else Kind.WORSE, name
    return Kind.EQUAL, ""


def _refusal(answer: _Answer, ours: _Answer) -> Kind:
    for_now = isinstance(answer.error, InsufficientResources)
    for_ever = answer.unparsed or isinstance(answer.error, InfeasibleRequest)
    if not (for_now or for_ever):
        return Kind.CRASHED
    if ours.is_cut_off:
        return Kind.CUT_OFF
    if ours.R is not None:
        if answer.unparsed:
            return Kind.UNPARSED
        return Kind.REFUSED if for_now else Kind.DENIED
    if for_ever == isinstance(ours.error, InfeasibleRequest):
        return Kind.SAME
    return Kind.GIVES_UP if for_ever else Kind.PENDS


def _answer(pool: Any, jobid: int, jobspec: Json) -> _Answer:
    try:
        request = pool.parse_resource_request(jobspec)
    except ValueError as fault:
        return _Answer(error=fault, unparsed=True)
    except Exception as fault:
        return _Answer(error=fault)
    try:
        # As Flux does: a request is checked when it comes, and put to alloc when it is its turn.
        pool.check_feasibility(request)
        return _Answer(R=pool.alloc(jobid, request).to_dict())
    except Exception as fault:
        return _Answer(error=fault)


def _jobspec(ask: Ask) -> Json:
    system: Json = {"duration": 0.0}
    if ask.constraint is not None:
        system["constraints"] = ask.constraint
    task = {"command": ["true"], "slot": "task", "count": {"per_slot": 1}}
    return {"version": 1, "resources": list(ask.resources), "tasks": [task], "attributes": {"system": system}}
