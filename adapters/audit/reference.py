"""Exactfit's own answer to a request in the audit's state, and the checker in the same state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...grammar.constraint import ALWAYS, Constraint, parse_constraint
from ...grammar.idset import IdSet
from ...grammar.jobspec import Vertex, parse_resources
from ...solver.allocator import Allocator as Bare
from ...solver.checker import Verdict, check
from ...solver.demand.request import Request
from ...solver.errors import InfeasibleRequest, InsufficientResources
from ...solver.options import Options
from ...solver.policy.terms import PACK, Policy
from ...topology.machine import Machine
from .model import Json, Model
from .steps import Ask

CHECKED = 1_000_000_007
"""The id of the job for which exactfit is asked."""

TIME_LIMIT = 2.0
"""What one decision of exactfit may take: work for about so many seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What exactfit says.

    Attributes
    ----------
    R
        The placement, None for a refusal.
    terms
        The values of its terms.
    proven
        Whether it is the best.
    never
        Whether there is none on the idle machine either.
    is_cut_off
        Whether the search ended before it found out.
    fault
        What is wrong with the answer by the checker; "" for nothing.
    """

    R: Json | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)
    proven: bool = False
    never: bool = False
    is_cut_off: bool = False
    fault: str = ""


class _NoReasons:
    """Says nothing of why a request does not fit, which takes longer than finding that it does not."""

    def infeasible(self, *_: object) -> str:
        return ""

    def insufficient(self, *_: object) -> str:
        return ""


def without_reasons(machine: Machine, options: Options) -> Bare:
    """Return a pool that says nothing of why a request does not fit."""
    return Bare(machine, lambda _: _NoReasons(), options)


class Idle:
    """Idle pools of exactfit's on one machine; they stay so, and what they come to know is kept.

    Parameters
    ----------
    machine
        The machine.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._pools: dict[str, Bare] = {}

    def pool(self, policy: Policy) -> Bare:
        """Return a pool under a policy, for the caller to change."""
        if policy.name not in self._pools:
            self._pools[policy.name] = without_reasons(self.machine, Options(policy=policy, time_limit=TIME_LIMIT))
        return self._pools[policy.name].copy()


class Reference:
    """Exactfit and the checker, in the state of a model.

    Parameters
    ----------
    idle
        Idle pools of the machine.
    truth
        Who holds what, and what is down.
    """

    def __init__(self, idle: Idle, truth: Model) -> None:
        self.idle = idle
        self.machine = idle.machine
        self.running = [R for R in truth.allocated.values() if R["execution"]["R_lite"]]
        self.down = self.machine.mask_of(IdSet.of(truth.down))

    def judge(self, ask: Ask, R: Json) -> Verdict:
        """Let the checker judge an answer."""
        vertices, constraint = request_of(ask)
        try:
            return check(self.machine, vertices, R, constraint=constraint, running=self.running, down=self.down)
        except (ValueError, TypeError) as fault:
            return Verdict(False, (f"what it returns is no R: {fault}",))

    def ask(self, ask: Ask, policy: Policy = PACK) -> Answer:
        """Ask exactfit for the best placement under a policy; `LOWEST` is quick, where any placement will do."""
        vertices, constraint = request_of(ask)
        pool = self.idle.pool(policy)
        for number, held in enumerate(self.running, CHECKED + 1):
            pool.register_alloc(number, held)
        if self.down:
            pool.mark_down(self.down)
        try:
            R = pool.alloc(CHECKED, Request.of(vertices, constraint, 0.0)).to_dict()
        except InfeasibleRequest:
            return Answer(never=True)
        except InsufficientResources as refusal:
            return Answer(is_cut_off=not refusal.proven)
        certificate = R["scheduling"]["certificate"]
        verdict = self.judge(ask, R)
        fault = "; ".join(verdict.violations) if not verdict.legal else ""
        if not fault and any(
            list(_flat(verdict.terms[name])) != list(_flat(value)) for name, value in certificate["terms"].items()
        ):
            fault = f"it says {certificate['terms']}, the checker {dict(verdict.terms)}"
        return Answer(R, certificate["terms"], certificate["status"] == "OPTIMAL", fault=fault)


def request_of(ask: Ask) -> tuple[tuple[Vertex, ...], Constraint]:
    """Return the vertices and the constraint of a request."""
    constraint = ALWAYS if ask.constraint is None else parse_constraint(ask.constraint)
    return parse_resources(list(ask.resources)), constraint


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple | list) else [value]
