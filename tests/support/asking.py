"""Asking why a request does not fit, and checking whatever the answer claims."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from exactfit.grammar.constraint import ALWAYS
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.query import parse_query
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.explain import FITS, INFEASIBLE, Explanation, explain
from exactfit.solver.explain.conflict import Conflict, lift
from exactfit.solver.explain.relaxation import Part
from exactfit.solver.explain.trials import Trial, Trials
from exactfit.solver.pool import Pool


def ask(shape: str, query: str = "", duration: float = 0.0) -> Request:
    """Return the request of an RFC 46 shape and an RFC 35 query."""
    constraint = parse_query(query) if query else ALWAYS
    return Request.of(parse_resources(parse_shape(shape)), constraint, duration, shape)


def explained(pool: Pool, request: Request, seconds: float = 5.0) -> Explanation:
    """Return the explanation, after everything that it claims has been tried."""
    generation = pool.generation
    explanation = explain(pool, request, job_name=lambda jobid: f"j{jobid}", seconds=seconds)
    assert pool.generation == generation
    assert_the_verdict_is_the_pools(pool, request, explanation)
    assert_the_conflict_is_minimal(explanation)
    assert_every_change_helps(pool, request, explanation)
    json.dumps(explanation.to_json())
    return explanation


def assert_the_verdict_is_the_pools(pool: Pool, request: Request, explanation: Explanation) -> None:
    if explanation.status == FITS:
        pool.copy().alloc(10**9, request)
        return
    error = InfeasibleRequest if explanation.status == INFEASIBLE else InsufficientResources
    with pytest.raises(error):
        pool.copy().alloc(10**9, request)


def assert_the_conflict_is_minimal(explanation: Explanation) -> None:
    conflict, trials = explanation.conflict, explanation.trials
    if conflict is None:
        return
    assert conflict.parts
    assert not trials.fits(conflict.rest), "what is said to be in conflict is not"
    # Where the time was over before all parts were told apart, it says so.
    for part in conflict.parts if conflict.complete else ():
        assert trials.fits(lift(trials, conflict.rest, part)), f"{part} is not needed"
    assert_corrections_are_minimal(trials, conflict)


def assert_corrections_are_minimal(trials: Trials, conflict: Conflict) -> None:
    """Everything that is said to be enough is, and nothing of it is named without need."""
    if conflict.corrections is None:
        return
    said = [part for correction in conflict.corrections for part in correction.parts]
    assert sorted(said, key=conflict.parts.index) == list(conflict.parts)
    start = trials.empty if conflict.never else trials.present
    for correction in conflict.corrections:
        for part in correction.parts:
            things = (part, *correction.together)
            assert trials.fits(lifted(trials, start, things)), f"{things} is not enough"
            for left_out in things:
                others = [thing for thing in things if thing is not left_out]
                assert not trials.fits(lifted(trials, start, others)), f"{left_out} of {things} is not needed"


def lifted(trials: Trials, trial: Trial, parts: Sequence[Part]) -> Trial:
    """Assume in addition that all of some parts are out of the way."""
    for part in parts:
        trial = lift(trials, trial, part)
    return trial


def assert_every_change_helps(pool: Pool, request: Request, explanation: Explanation) -> None:
    assert len(explanation.changes) == len(explanation.advice) <= 5
    assert [c.price for c in explanation.changes] == sorted(c.price for c in explanation.changes)
    for change, advice in zip(explanation.changes, explanation.advice, strict=True):
        changed, other = change.apply(pool, request)
        if change.now:
            changed.alloc(10**9, other)
        else:
            changed.check_feasibility(other)
            assert "not now" in advice
            with pytest.raises(InsufficientResources):
                changed.alloc(10**9, other)
