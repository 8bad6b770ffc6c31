"""When a request will fit, against the forecasts that try every end of a job in turn."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from asking import ask
from clusters import SLIM, site
from exactfit.adapters.flux import ExactPool
from exactfit.adapters.twin.conservative import ConservativeBackfill
from exactfit.adapters.twin.jobs import Job
from exactfit.adapters.twin.policies import earliest_start as by_protocol
from exactfit.adapters.twin.simulation import Simulation
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest
from exactfit.solver.explain import earliest_start, forecast
from exactfit.solver.explain.starts import Start
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R, write_R

NOW = 100.0
SHAPES = ("slot/node", "slot/core=4", "slot=2/core=7", "slot=3/socket/core=5", "node=2/slot/core=9", "slot=5/core")


def slim(nodes: int) -> Pool:
    return Pool(read_R(site([(nodes, SLIM)])))


def held(*jobs: tuple[str, float], nodes: int = 4) -> Pool:
    """Return a pool with jobs 1, 2, ... of these shapes and ends."""
    pool = slim(nodes)
    for jobid, (shape, end) in enumerate(jobs, start=1):
        pool.alloc(jobid, ask(shape))
        pool.update_expiration(jobid, end)
    return pool


def times(starts: list[Start]) -> list[float | None]:
    return [start.time for start in starts]


def test_a_request_that_fits_starts_now() -> None:
    assert earliest_start(slim(1), ask("slot/node"), NOW) == NOW


def test_it_starts_when_enough_has_ended() -> None:
    pool = held(("slot/node", 500.0), ("slot/node", 300.0), ("slot/node", 300.0), ("slot/node", 900.0))
    generation = pool.generation
    assert [earliest_start(pool, ask(f"slot={n}/node"), NOW) for n in (1, 2, 3, 4)] == [300.0, 300.0, 500.0, 900.0]
    assert pool.generation == generation


def test_an_end_that_is_past_lets_it_start_now() -> None:
    assert earliest_start(held(("slot=4/node", 50.0)), ask("slot/node"), NOW) == NOW


def test_nothing_is_known_behind_a_job_without_an_end() -> None:
    pool = held(("slot=3/node", 0.0), ("slot/node", 300.0))
    assert earliest_start(pool, ask("slot/node"), NOW) == 300.0
    assert earliest_start(pool, ask("slot=2/node"), NOW) is None


def test_what_never_fits_is_infeasible() -> None:
    with pytest.raises(InfeasibleRequest, match="5 slots of node"):
        earliest_start(slim(4), ask("slot=5/node"), NOW)


def test_a_queue_in_order_holds_up_what_would_fit() -> None:
    pool = held(("slot=3/node", 300.0))
    queue = [(11, ask("slot=2/node", "", 50.0)), (12, ask("slot/node", "", 60.0)), (13, ask("slot=4/node", "", 10.0))]
    assert times(forecast(pool, queue, NOW)) == [300.0, 300.0, 360.0]


@pytest.mark.parametrize(("order", "last"), [("easy", 280.0), ("flux", 300.0)])
def test_backfill_starts_what_ends_before_the_reservation(order: str, last: float) -> None:
    pool = held(("slot=3/node", 300.0))
    head = (11, ask("slot=2/node", "", 50.0))
    # The first two fit one after the other before 300, the third would not end in time, but leaves the head its two.
    queue = [
        head,
        (12, ask("slot/node", "", 120.0)),
        (13, ask("slot/node", "", 60.0)),
        (14, ask("slot/node", "", 90.0)),
    ]
    assert times(forecast(pool, queue, NOW, order)) == [300.0, 100.0, 220.0, last]


def test_easy_also_starts_what_leaves_the_head_its_place() -> None:
    pool = held(("slot=2/node", 300.0))
    # At 300 there are four nodes and the head takes three: one job may run past it, the next may not, nor one that
    # does not say how long it runs.
    long = [(12, ask("slot/node", "", 900.0)), (13, ask("slot/node", "", 900.0))]
    queue = [(11, ask("slot=3/node", "", 100.0)), *long, (14, ask("slot/node", "", 20.0))]
    assert times(forecast(pool, queue, NOW, "easy")) == [300.0, 100.0, 400.0, 100.0]
    assert times(forecast(pool, queue, NOW, "flux")) == [300.0, 300.0, 400.0, 100.0]
    endless = [(12, ask("slot/node")), (13, ask("slot/node", "", 900.0))]
    assert times(forecast(pool, [queue[0], *endless], NOW, "easy")) == [300.0, 100.0, 400.0]
    assert times(forecast(pool, [queue[0], *endless], NOW, "flux"))[:2] == [300.0, 300.0]


def test_easy_looks_again_at_each_end_before_the_reservation() -> None:
    pool = held(("slot/node", 200.0), ("slot=3/node", 300.0))
    queue = [(11, ask("slot=3/node", "", 50.0)), *((n, ask("slot/node", "", 500.0)) for n in (12, 13))]
    assert times(forecast(pool, queue, NOW, "easy")) == [300.0, 200.0, 350.0]
    assert times(forecast(pool, queue, NOW, "flux")) == [300.0, 300.0, 350.0]


def test_conservative_delays_no_job_of_the_queue() -> None:
    """Under EASY the third job passes the second, which would have had its nodes at 300; here it waits its turn."""
    pool = held(("slot=3/node", 300.0))
    queue = [
        (11, ask("slot=2/node", "", 100.0)),
        (12, ask("slot=2/node", "", 400.0)),
        (13, ask("slot/node", "", 900.0)),
        (14, ask("slot/node", "", 200.0)),
    ]
    assert times(forecast(pool, queue, NOW, "easy")) == [300.0, 400.0, 100.0, 300.0]
    assert times(forecast(pool, queue, NOW, "conservative")) == [300.0, 300.0, 400.0, 100.0]


def test_conservative_reserves_resources_and_not_only_counts() -> None:
    """A gap that no one node has free throughout is no place for a job."""
    pool = held(("slot/node", 200.0), ("slot/node", 300.0), nodes=2)
    queue = [(11, ask("slot/node", "", 50.0)), (12, ask("slot=2/node", "", 10.0)), (13, ask("slot/node", "", 50.0))]
    assert times(forecast(pool, queue, NOW, "conservative")) == [200.0, 300.0, 250.0]
    queue[0] = (11, ask("slot/node"))
    assert times(forecast(pool, queue, NOW, "conservative")) == [200.0, None, None]


@pytest.mark.parametrize("seed", range(6))
def test_conservative_starts_are_those_of_the_twin(seed: int) -> None:
    """The twin goes through time and asks a copy of the pool at every event; nobody ends early in either."""
    draw = random.Random(seed)
    machine = read_R(site([(4, SLIM)]))
    jobs = [(jobid, draw.choice(SHAPES), 10.0 * draw.randint(1, 20)) for jobid in range(1, 11)]
    queue = [(jobid, ask(shape, "", duration)) for jobid, shape, duration in jobs]
    R = write_R(machine, machine.holdings)
    twin = Simulation(ExactPool, R, policy=ConservativeBackfill, queue_depth=None, start=NOW)
    twin.submit((NOW, Job(jobid, jobspec_of(shape, duration), duration)) for jobid, shape, duration in jobs)
    twin.run()
    assert times(forecast(Pool(machine), queue, NOW, "conservative")) == [
        twin.jobs[jobid].started for jobid, _ in queue
    ]


def jobspec_of(shape: str, duration: float) -> dict[str, Any]:
    return {
        "version": 1,
        "resources": parse_shape(shape),
        "tasks": [{"command": ["job"], "slot": "task", "count": {"per_slot": 1}}],
        "attributes": {"system": {"duration": duration}},
    }


def test_a_job_that_can_never_run_is_passed_over() -> None:
    queue = [(11, ask("slot=9/node", "", 10.0)), (12, ask("slot/node", "", 10.0))]
    for order in ("fifo", "easy", "flux", "conservative"):
        starts = forecast(slim(4), queue, NOW, order)
        assert times(starts) == [None, NOW]
        assert "9 slots of node" in (starts[0].why_not or "")


def test_behind_a_job_of_unknown_duration_nothing_is_known_in_fifo() -> None:
    queue = [(11, ask("slot=4/node")), (12, ask("slot/node", "", 10.0))]
    assert times(forecast(slim(4), queue, NOW)) == [NOW, None]
    assert times(forecast(slim(4), queue, NOW, "easy")) == [NOW, None]
    # But what never fits, never starts.
    for order in ("fifo", "easy", "flux", "conservative"):
        starts = forecast(slim(4), [*queue, (13, ask("slot=9/node", "", 10.0))], NOW, order)
        assert "9 slots of node" in (starts[2].why_not or "")


@pytest.mark.parametrize("seed", range(12))
def test_the_starts_are_those_of_trying_every_end(seed: int) -> None:
    draw = random.Random(seed)
    pool = slim(5)
    for jobid in range(1, 12):
        try:
            pool.alloc(jobid, ask(draw.choice(SHAPES)))
        except OSError:
            continue
        pool.update_expiration(jobid, NOW + draw.randint(1, 400))
    queue = [(100 + n, ask(draw.choice(SHAPES), "", float(draw.randint(10, 200)))) for n in range(6)]
    assert times(forecast(pool, queue, NOW)) == one_end_after_the_other(pool, queue)


def one_end_after_the_other(pool: Pool, queue: list[tuple[int, Request]]) -> list[float | None]:
    """Return the starts as sched-fifo finds them."""
    copy = pool.copy()
    floor = NOW
    found: list[float | None] = []
    for jobid, request in queue:
        start = by_protocol(_Protocol(copy), jobid, request, floor)
        assert start is not None
        copy.update_expiration(jobid, start + request.duration)
        floor = start
        found.append(start)
    return found


def core_of(pool: Any) -> Pool:
    """Return the solver's pool behind one of Flux's protocol."""
    core = pool.impl._pool
    assert isinstance(core, Pool)
    return core


class _Protocol:
    """As much of Flux's pool protocol as a forecast calls."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.free = pool.free

    def alloc(self, jobid: int, request: Request) -> None:
        from exactfit.adapters.flux.upstream import InsufficientResources
        from exactfit.solver import errors

        try:
            self._pool.alloc(jobid, request)
        except errors.InsufficientResources:
            raise InsufficientResources from None

    def job_end_times(self) -> list[tuple[int, float]]:
        return [(jobid, job.end_time) for jobid, job in self._pool.jobs.items()]


def test_a_forecast_is_no_slower_than_that_of_flux_with_TreePool() -> None:
    from exactfit.adapters.flux import ExactPool
    from exactfit.adapters.twin.workload import jobspec

    from flux.resource.TreePool import TreePool

    nodes = 500
    shapes = ("node=300/slot=8/[core=15;gpu=1]", "node=1/slot=1/core=60", "node=450/slot=1/core=1", "slot=4/core=30")
    seconds = {}
    for pool_class in (TreePool, ExactPool):
        pool = pool_class(preset(f"rfc49-a:{nodes}"))
        request = pool.parse_resource_request(jobspec("node=1/slot=8/[core=13;gpu=1]"))
        for jobid in range(nodes):
            pool.alloc(jobid, request)
            pool.update_expiration(jobid, 1000.0 + jobid)
        begin = time.process_time()
        if pool_class is ExactPool:
            queue = [(nodes + n, Request.from_jobspec(jobspec(shape, 100.0))) for n, shape in enumerate(shapes)]
            starts = times(forecast(core_of(pool), queue, NOW))
            # The first needs 300 of the nodes, the third 450 of them after the first has ended.
            assert starts[0] == 1299.0
        else:
            copy, floor = pool.copy(), 0.0
            for n, shape in enumerate(shapes):
                start = by_protocol(copy, nodes + n, copy.parse_resource_request(jobspec(shape, 100.0)), floor)
                assert start is not None
                copy.update_expiration(nodes + n, start + 100.0)
                floor = start
        seconds[pool_class] = time.process_time() - begin
    assert seconds[ExactPool] < seconds[TreePool]
