"""The offline twin: it treats a pool as Flux's scheduler does, so these hold for Flux's own pools as well."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.twin.batches import partial, ranks_of
from exactfit.adapters.twin.events import Cancel, Down, Extend, Prioritize, Reload, Shrink, Up
from exactfit.adapters.twin.jobs import Job
from exactfit.adapters.twin.observers import DoubleBookingError, Ledger, Locality, Usage, percentile, pieces
from exactfit.adapters.twin.policies import Fifo, FluxBackfill
from exactfit.adapters.twin.simulation import Housekeeping, Simulation
from exactfit.adapters.twin.workload import jobspec as make_jobspec
from exactfit.adapters.twin.workload import mixed
from exactfit.grammar.idset import IdSet

from flux.resource.ResourcePool import ResourcePool

Json = dict[str, Any]

NODE = "node=1/slot=1/core=16"


def job(number: int, shape: str = NODE, limit: float = 100.0, runtime: float = 100.0, **more: Any) -> Job:
    return Job(number, make_jobspec(shape, limit), runtime, **more)


def starts(simulation: Simulation) -> dict[int, float | None]:
    return {number: outcome.started for number, outcome in simulation.jobs.items()}


class TestFifo:
    def test_jobs_start_in_order_of_priority_then_id(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(2))
        simulation.submit(
            [(1.0, job(n, "node=2/slot=1/core=16", priority=p)) for n, p in ((3, 16), (2, 16), (1, 8), (4, 31))]
        )
        simulation.run()
        assert sorted(simulation.jobs, key=lambda n: simulation.jobs[n].started or 0.0) == [4, 2, 3, 1]

    def test_the_head_holds_up_all_behind_it(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(2))
        simulation.submit([(1.0, job(1)), (2.0, job(2, "node=2/slot=1/core=16")), (3.0, job(3, limit=10, runtime=10))])
        simulation.run()
        assert starts(simulation) == {1: 1.0, 2: 101.0, 3: 201.0}

    def test_a_forecast_foretells_starts(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(2))
        simulation.submit([(1.0, job(1)), (2.0, job(2, "node=2/slot=1/core=16")), (3.0, job(3))])
        simulation.run(until=50.0)
        estimates = {n: outcome.annotations["sched"].get("t_estimate") for n, outcome in simulation.jobs.items()}
        assert (estimates[2], estimates[3]) == (101.0, 201.0)

    def test_no_more_requests_are_open_than_the_queue_is_deep(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(2), queue_depth=3)
        simulation.submit([(1.0, job(n, "node=2/slot=1/core=16")) for n in range(10)])
        simulation.run(until=2.0)
        assert len(simulation.scheduler.queue) == 3
        simulation.run()
        assert simulation.waiting() == []

    def test_a_job_ends_at_its_limit(self, any_pool: Any, R: Json) -> None:
        simulation = Simulation(any_pool, R)
        simulation.submit([(1.0, job(1, limit=60, runtime=1000))])
        simulation.run()
        assert simulation.jobs[1].ended == 61.0

    def test_a_job_that_can_never_run_is_denied_and_the_next_goes_on(self, any_pool: Any, R: Json) -> None:
        simulation = Simulation(any_pool, R)
        simulation.submit([(1.0, job(1, "node=99/slot=1/core=1")), (1.0, job(2))])
        simulation.run()
        assert simulation.jobs[1].denied
        assert simulation.jobs[2].started == 1.0

    def test_what_cannot_be_parsed_is_denied(self, any_pool: Any, R: Json) -> None:
        simulation = Simulation(any_pool, R)
        simulation.submit([(1.0, Job(1, {"version": 1, "resources": []}, 1.0))])
        simulation.run()
        assert (simulation.jobs[1].denied or "").startswith("cannot parse jobspec: ")


class TestEasy:
    def test_a_job_goes_ahead_when_it_ends_before_the_head_starts(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(2), policy=FluxBackfill)
        simulation.submit(
            [
                (1.0, job(1)),
                (2.0, job(2, "node=2/slot=1/core=16")),
                (3.0, job(3, limit=200, runtime=10)),
                (4.0, job(4, limit=50, runtime=50)),
            ]
        )
        simulation.run()
        assert starts(simulation) == {1: 1.0, 4: 4.0, 2: 101.0, 3: 201.0}

    def test_a_job_without_limit_does_not_go_ahead(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(2), policy=FluxBackfill)
        simulation.submit([(1.0, job(1)), (2.0, job(2, "node=2/slot=1/core=16")), (3.0, job(3, limit=0, runtime=1))])
        simulation.run()
        assert starts(simulation)[3] == 201.0

    def test_reservations_follow_expirations(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(2), policy=FluxBackfill)
        simulation.submit(
            [
                (1.0, job(1, runtime=1000.0)),
                (2.0, job(2, "node=2/slot=1/core=16")),
                (50.0, job(3, limit=120, runtime=120)),
            ]
        )
        simulation.at(40.0, Extend(1, 201.0))
        simulation.run()
        assert starts(simulation) == {1: 1.0, 3: 50.0, 2: 201.0}
        assert simulation.jobs[1].ended == 201.0


class TestEvents:
    def test_jobs_keep_off_ranks_that_are_down(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(2))
        simulation.at(1.0, Down("0"))
        simulation.submit([(1.0, job(1)), (2.0, job(2))])
        simulation.at(50.0, Up("0"))
        simulation.run()
        assert starts(simulation) == {1: 1.0, 2: 50.0}

    def test_ranks_may_leave_while_jobs_run_on_them(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(2))
        simulation.submit([(1.0, job(1, "node=2/slot=1/core=16")), (2.0, job(2))])
        simulation.at(50.0, Shrink("1"))
        simulation.run()
        assert starts(simulation) == {1: 1.0, 2: 101.0}
        assert simulation.scheduler.resources.copy_allocated().nnodes == 0

    def test_jobs_are_cancelled_waiting_or_running(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(1))
        simulation.submit([(1.0, job(1)), (2.0, job(2)), (3.0, job(3))])
        simulation.at(10.0, Cancel(2))
        simulation.at(20.0, Cancel(1))
        simulation.run()
        assert starts(simulation) == {1: 1.0, 2: None, 3: 20.0}

    def test_priorities_change_the_order(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(1), queue_depth=2)
        simulation.submit([(1.0, job(n)) for n in range(1, 6)])
        simulation.at(10.0, Prioritize(3, 20))
        simulation.at(10.0, Prioritize(5, 30))
        simulation.run()
        order = sorted(simulation.jobs, key=lambda n: simulation.jobs[n].started or 0.0)
        assert order.index(3) < order.index(2)
        assert order.index(5) < order.index(4)

    def test_housekeeping_returns_ranks_in_batches(self, any_pool: Any, cluster: Any) -> None:
        ledger = Ledger(cluster(4))
        simulation = Simulation(any_pool, cluster(4), housekeeping=Housekeeping(1, 10.0), observers=[ledger])
        simulation.submit([(1.0, job(1, "node=4/slot=1/core=16")), *((2.0, job(n)) for n in range(2, 6))])
        simulation.run()
        assert starts(simulation) == {1: 1.0, 2: 111.0, 3: 121.0, 4: 131.0, 5: 141.0}
        assert ledger.is_full

    def test_status_is_what_flux_resource_list_shows(self, any_pool: Any, cluster: Any) -> None:
        simulation = Simulation(any_pool, cluster(3))
        simulation.submit([(1.0, job(1))])
        simulation.at(1.0, Down("2"))
        simulation.run(until=2.0)
        status = simulation.scheduler.status()
        assert [len(ranks_of(status[part])) for part in ("all", "allocated", "down")] == [3, 1, 1]


class TestReload:
    @pytest.mark.parametrize("policy", [Fifo, FluxBackfill])
    @pytest.mark.parametrize("housekeeping", [None, Housekeeping(1, 5.0)])
    def test_a_run_goes_on_as_if_nothing_had_happened(self, cluster: Any, policy: Any, housekeeping: Any) -> None:
        runs = []
        for reloads in ((), (60.0, 200.0, 333.3, 700.0)):
            ledger = Ledger(cluster(4))
            simulation = Simulation(
                ExactPool, cluster(4), policy=policy, housekeeping=housekeeping, observers=[ledger], queue_depth=None
            )
            shapes = (
                "slot=3/core=2",
                "slot=1/[core=3;gpu=1]",
                "node=2/slot=2/core=4",
                "slot=1/numa{x}",
                "node=1{x}/slot=1/core=1",
            )
            simulation.submit(mixed(120, seed=7, interval=6.0, shapes=shapes, limit=200.0))
            for time in reloads:
                simulation.at(time, Reload())
            simulation.run()
            assert ledger.is_full
            runs.append(
                {
                    n: (o.started, o.ended, o.annotations["sched"]["resource_summary"])
                    for n, o in simulation.jobs.items()
                }
            )
        assert runs[0] == runs[1]

    def test_a_job_that_cannot_be_registered_fails_alone(self, cluster: Any) -> None:
        simulation = Simulation(ExactPool, cluster(2))
        simulation.submit([(1.0, job(1)), (1.0, job(2))])
        simulation.run(until=2.0)
        simulation.resources = cluster(1)
        simulation.reload()
        assert [outcome.denied for outcome in simulation.jobs.values()].count(
            "failed to reallocate R for running job"
        ) == 1
        simulation.run()
        assert simulation.scheduler.resources.copy_allocated().nnodes == 0


class TestObservers:
    def test_the_ledger_tells_of_what_is_held_twice(self, cluster: Any) -> None:
        ledger = Ledger(cluster(1))
        simulation = Simulation(ExactPool, cluster(1), observers=[ledger])
        simulation.submit([(1.0, job(1))])
        simulation.run(until=2.0)
        (outcome,) = simulation.running()
        with pytest.raises(DoubleBookingError, match="given"):
            ledger.started(outcome)
        ledger.freed(outcome, outcome.resources)
        with pytest.raises(DoubleBookingError, match="returned"):
            ledger.freed(outcome, outcome.resources)

    def test_usage_adds_up(self, cluster: Any) -> None:
        usage = Usage(cluster(2))
        simulation = Simulation(ExactPool, cluster(2), observers=[usage])
        simulation.submit([(1.0, job(1)), (1.0, job(2, "node=2/slot=1/core=16"))])
        simulation.run()
        assert (usage.waits, usage.makespan, usage.utilization) == ([0.0, 100.0], 200.0, 0.75)

    def test_locality_counts_domains_beyond_the_fewest(self, cluster: Any) -> None:
        numa = Locality({"numa": [(0xF << 4 * n, 1 << n) for n in range(4)]})
        simulation = Simulation(ResourcePool, cluster(1), observers=[numa])
        simulation.submit([(1.0, job(1, "slot=1/core=2")), (2.0, job(2, "slot=1/core=4"))])
        simulation.run()
        assert (numa.touched["numa"], numa.fewest["numa"], numa.excess("numa")) == (3, 2, 1.5)

    def test_percentiles_go_by_nearest_rank(self) -> None:
        assert [percentile(range(100), part) for part in (0.0, 0.5, 0.99, 1.0)] == [0, 50, 99, 99]
        assert percentile([], 0.5) == 0.0


def test_a_workload_can_be_repeated() -> None:
    one, two = (list(mixed(50, seed=3, interval=1.0)) for _ in range(2))
    assert one == two
    assert [time for time, _ in one] == sorted(time for time, _ in one)


def test_a_part_of_an_R_has_its_ranks_hosts_and_ids(R: Json) -> None:
    part = partial(R, IdSet.parse("1,3"))
    assert part["execution"]["nodelist"] == ["node[1,3]"]
    assert json.loads(json.dumps(part)) == part
    assert [rank for rank, _, _ in pieces(part)] == [1, 3]
