"""The earliest starts that any order of a queue can give: against every placement, and the orders as they are."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.explain import Kept, Work, earliest, forecast
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R
from queues import NOW, draw

SEEDS = range(120)
LIMITS = (0.0, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05)
"""Seconds of work: from what finds nothing to what finds all."""

JUDGED = 0.002
DECISION = 0.02
"""Seconds of work by which the last decision may go beyond the limit."""


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_hold_and_what_is_proven_is_the_least(seed: int) -> None:
    case = draw(seed)
    least = case.least()
    found = earliest(case.pool, case.requests, NOW, case.kept)
    for one, start in zip(found, least, strict=True):
        assert one.bound is not None
        assert one.bound <= start
        if one.proven:
            assert one.bound == one.start.time == start


def test_most_of_them_are_proven() -> None:
    cases = [draw(seed) for seed in SEEDS]
    proven = [one.proven for case in cases for one in earliest(case.pool, case.requests, NOW, case.kept)]
    assert sum(proven) > 0.97 * len(proven)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_work_it_may_take_its_bounds_hold(seed: int) -> None:
    """With less work less is found; what is found is what all work finds, and of the rest the bounds are true."""
    case = draw(seed)
    least = case.least()
    every = earliest(case.pool, case.requests, NOW, case.kept)
    for limit in LIMITS:
        work = Work(limit)
        found = earliest(case.pool, case.requests, NOW, case.kept, work)
        for one, start, whole in zip(found, least, every, strict=True):
            assert one.bound is not None
            assert one.bound <= start
            if one.start.time is None:
                assert not one.proven
                assert one.start.bound == one.bound
            else:
                assert (one.bound, one.start.time, one.proven) == (whole.bound, whole.start.time, whole.proven)
        assert work.spent <= limit + DECISION


@pytest.mark.parametrize("order", ["fifo", "easy", "flux", "conservative"])
def test_whatever_work_it_may_take_no_job_starts_before_its_bound(order: str) -> None:
    known, bounded = 0, 0
    for seed in range(60):
        case = draw(seed)
        every = forecast(case.pool, case.requests, NOW, order, case.kept)
        for limit in LIMITS:
            for one, whole in zip(
                forecast(case.pool, case.requests, NOW, order, case.kept, Work(limit)), every, strict=True
            ):
                assert whole.time is not None
                if one.time is None:
                    bounded += 1
                    assert one.unknown
                    assert one.bound is not None
                    assert NOW <= one.bound <= whole.time
                else:
                    known += 1
                    assert (one.time, one.nodes) == (whole.time, whole.nodes)
    assert min(known, bounded) > 200


def test_bounds_by_counting_alone_are_worth_something() -> None:
    """In strict order most of them are when the jobs start, though nothing is placed."""
    met = []
    for seed in SEEDS:
        case = draw(seed)
        every = forecast(case.pool, case.requests, NOW, "fifo", case.kept)
        found = forecast(case.pool, case.requests, NOW, "fifo", case.kept, Work(JUDGED))
        met += [whole.time in (one.bound, one.time) for one, whole in zip(found, every, strict=True)]
    assert sum(met) > 0.75 * len(met)


def test_no_work_at_all_is_no_fault() -> None:
    case = draw(0)
    never = [(99, request("slot=99/node", 10)), (98, request("slot=1/gpu=1", 10)), *case.requests]
    for order in ("fifo", "easy", "flux", "conservative"):
        found = forecast(case.pool, never, NOW, order, case.kept, Work(0.0))
        assert [one.time for one in found] == [None] * len(never)
        assert found[0].bound is None
        assert found[2].bound is not None
    bounds = earliest(case.pool, never, NOW, case.kept, Work(0.0))
    assert [one.proven for one in bounds[2:]] == [False] * len(case.requests)
    assert bounds[2].bound is not None


@pytest.mark.parametrize("order", ["fifo", "easy", "flux", "conservative"])
def test_no_order_runs_into_what_is_kept(order: str) -> None:
    for seed in SEEDS:
        case = draw(seed)
        starts = forecast(case.pool, case.requests, NOW, order, case.kept)
        for job, start in zip(case.queue, starts, strict=True):
            assert start.time is not None
            assert start.nodes
            for kept in case.kept:
                overlaps = kept.start < start.time + job.duration and start.time < kept.end
                assert not (overlaps and start.nodes & kept.nodes)


def request(shape: str, duration: float) -> Request:
    return Request.of(parse_resources(parse_shape(shape)), duration=duration)


def test_a_reservation_is_waited_for() -> None:
    lite = [{"rank": "0-3", "children": {"core": "0-3"}}]
    pool = Pool(read_R({"version": 1, "execution": {"R_lite": lite, "expiration": 0}}))
    kept = [Kept(0b1100, NOW + 50, NOW + 200)]
    queue = [(1, request("slot=4/node", 100)), (2, request("slot=2/node", 100)), (3, request("slot=1/node", 40))]
    assert [s.time for s in forecast(pool, queue, NOW, "fifo", kept)] == [NOW + 200, NOW + 300, NOW + 300]
    assert [s.time for s in forecast(pool, queue, NOW, "easy", kept)] == [NOW + 200, NOW, NOW]
    found = earliest(pool, queue, NOW, kept)
    assert [(one.bound, one.proven) for one in found] == [(NOW + 200, True), (NOW, True), (NOW, True)]


def crowded(size: int, shapes: Callable[[], str], dice: random.Random) -> Pool:
    """Return a pool so full that a job did not fit any more."""
    lite = [{"rank": f"0-{size - 1}", "children": {"core": "0-63", "gpu": "0-3"}}]
    pool = Pool(read_R({"version": 1, "execution": {"R_lite": lite, "expiration": 0}}))
    for number in count(1):
        try:
            pool.alloc(number, request(shapes(), 60))
        except InsufficientResources:
            return pool
        pool.update_expiration(number, NOW + dice.randint(60, 36000))
    raise AssertionError


@pytest.mark.parametrize(("shared", "least"), [(False, 64), (True, 30)])
def test_a_long_queue_is_planned_in_little_work_and_much_of_it_is_proven(*, shared: bool, least: int) -> None:
    """All three of FIFO, EASY and the earliest, of 64 jobs on 1,000 nodes."""
    dice = random.Random(0)

    def shape() -> str:
        if not shared or dice.random() < 0.6:
            return f"slot={min(int(4 * dice.paretovariate(0.8)), 500)}/node"
        return f"slot={min(int(2 * dice.paretovariate(0.9)), 40)}/core={dice.choice([4, 8, 16, 24, 32])}"

    pool = crowded(1000, shape, dice)
    queue = [(10000 + n, request(shape(), 600.0 * dice.randint(1, 60))) for n in range(64)]
    kept = [Kept((1 << 100) - 1, NOW + 20000, NOW + 30000)]
    work = Work()
    for order in ("fifo", "easy"):
        assert all(one.time is not None for one in forecast(pool, queue, NOW, order, kept, work))
    found = earliest(pool, queue, NOW, kept, work)
    assert all(one.bound is not None and one.start.time is not None and one.bound <= one.start.time for one in found)
    assert sum(one.proven for one in found) >= least
    assert work.spent < 2


def test_what_racks_list_is_reserved_too() -> None:
    """The rack has power for three nodes, so the second job cannot run beside the first, though there are nodes."""
    lite = [{"rank": "0-3", "children": {"core": "0-3"}}]
    groups = {"rack": [{"ranks": "0-3", "power": 3}]}
    pool = Pool(
        read_R({"version": 1, "execution": {"R_lite": lite, "expiration": 0}, "scheduling": {"groups": groups}})
    )
    shape = "rack=1/[slot=2/node;power=2]"
    queue = [(1, request(shape, 100)), (2, request(shape, 50)), (3, request("rack=1/[slot=2/node;power=1]", 30))]
    found = earliest(pool, queue, NOW)
    assert [one.start.time for one in found] == [NOW, NOW + 100, NOW]
    assert [one.proven for one in found] == [True, False, False]
    assert found[1].bound == NOW
