"""What it would have taken that a job was not torn: no change, another order, or the fewest moves of what ran.

The same request is placed in the state in which the site placed it, by a policy in which nothing comes before that
slots are whole, or groups few: levels are nested, so what is whole at a level is found wherever it exists.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, islice
from typing import Any

from ...grammar.jobspec import parse_jobspec
from ...solver.demand.request import Request
from ...solver.errors import InfeasibleRequest, InsufficientResources
from ...solver.joint import NotJointError, plan_moves
from ...solver.policy.terms import parse_policy
from ...solver.pool import Pool
from ...topology.machine import Machine
from ..worth import value_of
from .lived import Lived
from .submissions import Form

TOO_LARGE = "too large"
"""No domain of the level can hold it on the idle machine, so it was not torn needlessly."""
NO_CHANGE = "no change"
"""There was room beside all that ran."""
OTHER_ORDER = "other order"
"""There was, had it been placed before those that started in the minute before it, and these still find theirs."""
MOVES = "moves"
"""There was after some moves of what ran to other places."""
NOTHING = "nothing found"
"""None of these, with so few moves and so much work."""

MOST_MOVES = 3
TOGETHER = 60.0
"""Seconds within which jobs might have started in another order: a scheduler's cycle or two."""
_LIMITS = 8
"""A plan of moves may take the work of so many decisions."""
_WHOLE, _FEW = parse_policy("affinity,spread,fit"), parse_policy("spread,affinity,fit")
_MOST_TRIALS = 400
"""Of sets of jobs that might move, where moves are tried and not planned."""

Placed = tuple[Lived, Mapping[str, Any]]
"""A job, and what its placement is worth."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What it would have taken that a job was not torn over a level.

    Attributes
    ----------
    level
        Over which it was torn.
    what
        `TOO_LARGE`, `NO_CHANGE`, `OTHER_ORDER`, `MOVES` or `NOTHING`.
    moves
        How many, for `MOVES`.
    """

    level: str
    what: str
    moves: int = 0


def torn_levels(machine: Machine, terms: Mapping[str, Any]) -> list[str]:
    """Return the levels over which a job was torn: of groups, and below the node."""
    groups = [level for level in machine.group_levels if (value_of(terms, f"spread.{level}") or 0) > 1]
    return groups + [level for level in machine.levels if (value_of(terms, f"affinity.{level}") or 0) > 0]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be whole at a level.

    Attributes
    ----------
    request
        With the policy under which nothing comes before that.
    term, most
        It is whole where the term has no more than this.
    grouped
        The same as a request for one group, of which moves can be planned; None where that is no group.
    """

    request: Request
    term: str
    most: int
    grouped: Request | None = None


class Remedies:
    """Finds them.

    Parameters
    ----------
    machine
        Where.
    idle
        A pool of it in which nothing runs.
    """

    def __init__(self, machine: Machine, idle: Pool) -> None:
        self._machine = machine
        self._idle = idle
        self._known: dict[tuple[str, str], Asked | None] = {}

    def of(self, pool: Pool, job: Lived, terms: Mapping[str, Any], running: Sequence[Placed]) -> list[Remedy]:
        """Return what it would have taken at each level over which a job was torn.

        Parameters
        ----------
        pool
            As it was when the job started, without it. It stays as it is.
        job, terms
            The job, and what its placement was worth.
        running
            What ran and may have been placed otherwise, in the order of the starts.
        """
        return [self._of_level(pool, job, level, running) for level in torn_levels(self._machine, terms)]

    def _of_level(self, pool: Pool, job: Lived, level: str, running: Sequence[Placed]) -> Remedy:
        whole = self.whole(job.form, level)
        if whole is None:
            return Remedy(level, TOO_LARGE)
        if _fits(pool, job.number, whole):
            return Remedy(level, NO_CHANGE)
        late = [one for one in running if one[0].start >= job.start - TOGETHER]
        if late and self._fit(pool, job, level, whole, late):
            return Remedy(level, OTHER_ORDER)
        moves = self._moves(pool, whole)
        if moves is None:
            moves = next((len(some) for some in _sets(running) if self._fit(pool, job, level, whole, some)), 0)
        return Remedy(level, MOVES, moves) if moves else Remedy(level, NOTHING)

    def _moves(self, pool: Pool, whole: Asked) -> int | None:
        """Return the fewest moves from node to node, 0 for none found; None of what they cannot be planned for."""
        if whole.grouped is None:
            # A slot is made whole within a node.
            return None
        try:
            plan = plan_moves(pool, whole.grouped, MOST_MOVES, _LIMITS * pool.options.time_limit)
        except NotJointError:
            return None
        return 0 if plan is None else len(plan.moves)

    def whole(self, form: Form, level: str) -> Asked | None:
        """Return a request with nothing torn over a level; None where the idle machine has no place for it."""
        key = form.text, level
        if key not in self._known:
            asked = self._asked(form, level)
            self._known[key] = asked if _fits(self._idle, 1, asked) else None
        return self._known[key]

    def _asked(self, form: Form, level: str) -> Asked:
        request = Request.from_jobspec(parse_jobspec(form.jobspec(0.0)))
        if level in self._machine.group_levels:
            return Asked(replace(request, policy=_FEW), f"spread.{level}", 1, _within_group(form, level))
        return Asked(replace(request, policy=_WHOLE), f"affinity.{level}", 0)

    def _fit(self, pool: Pool, job: Lived, level: str, whole: Asked, others: Sequence[Placed]) -> bool:
        """Tell whether a job and some that run all fit, it first, and none of them is torn that was not."""
        trial = pool.copy()
        for other, _ in others:
            trial.free(other.number)
        order: list[tuple[int, Asked | None]] = [(job.number, whole)]
        for other, terms in others:
            torn = level in torn_levels(self._machine, terms)
            asked = self._asked(other.form, level)
            order.append((other.number, replace(asked, most=sys.maxsize) if torn else self.whole(other.form, level)))
        return all(asked is not None and _placed(trial, number, asked) for number, asked in order)


def _sets(running: Sequence[Placed]) -> Iterator[Sequence[Placed]]:
    """Yield which jobs might move: each, then pairs and triples that share a node, the smallest first."""
    small = sorted(running, key=lambda one: one[0].form.cores)
    every = ((one,) for one in small)
    several = (
        some
        for count in range(2, MOST_MOVES + 1)
        for some in combinations(small, count)
        if all(one.nodes & other.nodes for (one, _), (other, _) in combinations(some, 2))
    )
    return islice(chain(every, several), _MOST_TRIALS)


def _placed(pool: Pool, number: int, asked: Asked) -> bool:
    try:
        terms = pool.alloc(number, asked.request).certificate["terms"]
    except (InfeasibleRequest, InsufficientResources):
        return False
    return bool(terms.get(asked.term, 0) <= asked.most)


def _fits(pool: Pool, number: int, asked: Asked) -> bool:
    found = _placed(pool, number, asked)
    if number in pool.jobs:
        pool.free(number)
    return found


def _within_group(form: Form, level: str) -> Request | None:
    """Return the request with all its nodes in one group; None where it names such a group itself."""
    resources = [{"type": level, "count": 1, "with": list(form.resources)}]
    try:
        return Request.from_jobspec(parse_jobspec({**form.jobspec(0.0), "resources": resources}))
    except ValueError:
        return None
