"""The earliest starts that any order of a queue can give: against every placement, and the orders as they are."""

from __future__ import annotations

import random
import time

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.explain import Kept, earliest, forecast
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R
from queues import NOW, draw

SEEDS = range(120)


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
    assert sum(proven) > 0.85 * len(proven)


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


def test_a_long_queue_is_planned_in_little_time() -> None:
    """All three of FIFO, EASY and the earliest, of 24 jobs on 200 nodes."""
    dice = random.Random(5)
    lite = [{"rank": "0-199", "children": {"core": "0-63", "gpu": "0-3"}}]
    pool = Pool(read_R({"version": 1, "execution": {"R_lite": lite, "expiration": 0}}))
    for number in range(1, 71):
        try:
            pool.alloc(number, request(f"slot={min(int(dice.paretovariate(0.9)), 12)}/node", 60))
        except OSError:
            break
        pool.update_expiration(number, NOW + dice.randint(60, 36000))
    queue = [
        (1000 + n, request(f"slot={min(int(4 * dice.paretovariate(0.8)), 100)}/node", 600.0 * dice.randint(1, 60)))
        for n in range(24)
    ]
    kept = [Kept((1 << 20) - 1, NOW + 20000, NOW + 30000)]
    start = time.process_time()
    for order in ("fifo", "easy"):
        assert all(one.time is not None for one in forecast(pool, queue, NOW, order, kept))
    found = earliest(pool, queue, NOW, kept)
    took = time.process_time() - start
    assert len(found) == 24
    assert all(one.bound is not None and one.start.time is not None and one.bound <= one.start.time for one in found)
    assert took < 5


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
