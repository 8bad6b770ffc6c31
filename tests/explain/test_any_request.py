"""Whatever does not fit on a small machine: every claim of the explanation is tried."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings

import nested
from asking import explained
from exactfit.adapters.audit import strategies
from exactfit.grammar.constraint import ALWAYS, evaluate, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.explain.change import Change, Kind
from exactfit.solver.explain.numbers import Row
from exactfit.solver.explain.relaxation import with_counts
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R


@given(case=strategies.cases())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_claim_holds(case: strategies.Case) -> None:
    every_claim_holds(case)


@given(case=nested.cases())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_so_it_does_of_slots_that_hold_slots(case: strategies.Case) -> None:
    every_claim_holds(case)


def every_claim_holds(case: strategies.Case) -> None:
    machine = read_R(case.R)
    pool = Pool(machine, Options(slot_exclusive=case.slot_exclusive))
    for jobid, R in enumerate(case.running):
        pool.register_alloc(jobid, R)
        pool.update_expiration(jobid, 1000.0 * (jobid + 1))
    pool.mark_down(machine.mask_of(IdSet.parse(case.down)))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    request = Request.of(parse_resources(list(case.resources)), constraint)
    explanation = explained(pool, request, seconds=60.0)
    assert explanation.conflict is None or explanation.conflict.complete
    for change in explanation.changes:
        assert_nothing_larger_fits(pool, request, change)
    for row in explanation.rows:
        assert_each_number_is_one_of_fewer(row)
        assert_cores_and_gpus_are_counted(row, pool, request)
    assert_there_is_room_for_just_so_many(explanation.rows, pool, request)


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


def assert_cores_and_gpus_are_counted(row: Row, pool: Pool, request: Request) -> None:
    """Count, one by one, the cores or GPUs that there are, that match, that are up and that are free."""
    vertex = next(v for top in request.shape.vertices for v in top.walk() if v.path == row.path)
    if row.type not in ("core", "gpu") or row.within is not None or vertex.id is not None:
        return
    machine = pool.machine
    matching = evaluate(request.constraint, machine.facts)
    taken = dict.fromkeys(range(machine.size), 0)
    for nodes, cores, gpus in pool.allocated():
        for position in taken:
            if nodes >> position & 1:
                taken[position] = cores if row.type == "core" else gpus
    counted = [0, 0, 0, 0]
    for position in taken:
        node = machine.type_at(position)
        here = node.cores if row.type == "core" else node.gpus
        matches = bool(matching >> position & 1)
        up = matches and bool(pool.up_mask >> position & 1)
        counted[0] += here.bit_count()
        counted[1] += here.bit_count() * matches
        counted[2] += here.bit_count() * up
        counted[3] += (here & ~taken[position]).bit_count() * up
    assert list(row.numbers) == counted


def assert_there_is_room_for_just_so_many(rows: Sequence[Row], pool: Pool, request: Request) -> None:
    """Of the one vertex on top as many as are said to be free are given, and not one more."""
    if len(request.shape.vertices) > 1 or any(not v.count.is_fixed for v in request.shape.vertices[0].walk()):
        return
    (top,) = request.shape.vertices
    row = next((row for row in rows if row.path == top.path), None)
    if row is None or row.within is not None or not isinstance(row.free, int):
        return
    for number, fits in ((row.free, True), (row.free + 1, False)):
        if number:
            asked = Request.of(with_counts(request.shape.vertices, {top.path: number}), request.constraint)
            try:
                pool.copy().alloc(10**9, asked)
            except (InfeasibleRequest, InsufficientResources):
                assert not fits, (row, number)
            else:
                assert fits, (row, number)
