"""Whatever does not fit on a small machine: every claim of the explanation is tried."""

from __future__ import annotations

import pytest
import strategies
from asking import explained
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.explain.change import Change, Kind
from exactfit.solver.explain.numbers import Row
from exactfit.solver.explain.parts import with_counts
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.solver.request import Request
from exactfit.topology.rset import read_R
from hypothesis import HealthCheck, given, settings


@given(case=strategies.cases())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_claim_holds(case: strategies.Case) -> None:
    machine = read_R(case.R)
    pool = Pool(machine, Options(slot_exclusive=case.slot_exclusive))
    for jobid, R in enumerate(case.running):
        pool.register_alloc(jobid, R)
        pool.update_expiration(jobid, 1000.0 * (jobid + 1))
    pool.mark_down(machine.mask_of(IdSet.parse(case.down)))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    request = Request.of(parse_resources(list(case.resources)), constraint)
    explanation = explained(pool, request)
    for change in explanation.changes:
        assert_nothing_larger_fits(pool, request, change)
    for row in explanation.rows:
        assert_each_number_is_one_of_fewer(row)


def assert_nothing_larger_fits(pool: Pool, request: Request, change: Change) -> None:
    """Where all that changes is one count, the next larger one does not fit."""
    alone = change.kind is Kind.FEWER and not (change.jobs or change.up or change.terms)
    if not alone or change.left + 1 >= change.asked or change.constraint != request.constraint:
        return
    vertices = with_counts(change.vertices, {change.path: change.left + 1})
    larger = Request.of(vertices, change.constraint)
    there = pool.copy() if change.now else Pool(pool.machine, pool.options)
    with pytest.raises((InfeasibleRequest, InsufficientResources)):
        there.alloc(10**9, larger)


def assert_each_number_is_one_of_fewer(row: Row) -> None:
    """What is free is up, what is up matches, and what matches exists."""
    numbers = [number for number in (row.free, row.up, row.match, row.exist) if number is not None]
    assert numbers == sorted(numbers)
