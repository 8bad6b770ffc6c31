"""The orders of the queue: exact starts of traces worked out by hand, and what each rule promises, for every pool."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.counted_backfill import Job as Counted
from benchmarks.counted_backfill import waits
from exactfit.adapters.study.pools import PoolName
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.submissions import Submissions
from exactfit.adapters.study.task import SCHEDULING, Source, Task
from exactfit.adapters.twin.conservative import ConservativeBackfill
from exactfit.adapters.twin.events import Down, Extend, Submit, Up
from exactfit.adapters.twin.jobs import Job
from exactfit.adapters.twin.observers import Ledger
from exactfit.adapters.twin.policies import EasyBackfill
from exactfit.adapters.twin.simulation import Simulation
from exactfit.adapters.twin.workload import jobspec
from exactfit.grammar.shape import parse_shape
from exactfit.topology.presets import preset

MakeTask = Callable[..., Task]
POOLS = ("exactfit", "Rv1Pool", "TreePool")
Row = tuple[str, float, float, float]
"""Shape, time of submission, run time, limit."""


def nodes(count: int) -> str:
    return f"node={count}/slot=1/core=120"


def trace(*rows: Row) -> Source:
    jobs = tuple((n, submit, run, limit, 16, n - 1) for n, (_, submit, run, limit) in enumerate(rows, start=1))
    return Source(
        jobs=Submissions(jobs).packed(),
        forms=tuple((text, parse_shape(text), None, 1, 0) for text, *_ in rows),
        offered=0.5,
    )


PAST_THE_RESERVATION = (
    (nodes(2), 0.0, 100.0, 100.0),
    (nodes(3), 1.0, 100.0, 100.0),  # has to wait until 100; a node is over then
    (nodes(1), 2.0, 500.0, 500.0),  # may have that node
    (nodes(1), 3.0, 500.0, 500.0),  # finds none over
    (nodes(1), 4.0, 50.0, 50.0),  # ends before
)
BEHIND_THE_HEAD = (
    (nodes(2), 0.0, 100.0, 100.0),
    (nodes(3), 1.0, 100.0, 100.0),
    (nodes(4), 2.0, 100.0, 100.0),  # only conservative backfill has a reservation for it
    (nodes(1), 3.0, 500.0, 500.0),
    (nodes(1), 4.0, 150.0, 150.0),
)
ENDS_EARLY = (
    (nodes(4), 0.0, 50.0, 100.0),  # said to take until 100
    (nodes(3), 1.0, 100.0, 100.0),
    (nodes(3), 2.0, 100.0, 100.0),
    (nodes(1), 3.0, 150.0, 150.0),
)
IN_PARTS = (
    ("node=1/slot=1/core=120", 0.0, 100.0, 100.0),
    ("node=4/slot=1/core=60", 1.0, 10.0, 10.0),  # half of each node
    ("slot=1/core=120", 2.0, 500.0, 500.0),  # would take a whole one
    ("slot=3/core=60", 3.0, 500.0, 500.0),  # leaves half of each, if it is not put together on one
)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    ("rows", "scheduling", "starts"),
    [
        (PAST_THE_RESERVATION, "fifo", [0, 100, 100, 200, 200]),
        (PAST_THE_RESERVATION, "flux", [0, 100, 100, 200, 4]),
        (PAST_THE_RESERVATION, "easy", [0, 100, 2, 200, 4]),
        (PAST_THE_RESERVATION, "conservative", [0, 100, 2, 200, 4]),
        (BEHIND_THE_HEAD, "fifo", [0, 100, 200, 300, 300]),
        (BEHIND_THE_HEAD, "flux", [0, 100, 200, 300, 300]),
        (BEHIND_THE_HEAD, "easy", [0, 100, 503, 3, 200]),
        (BEHIND_THE_HEAD, "conservative", [0, 100, 200, 300, 4]),
        (ENDS_EARLY, "fifo", [0, 50, 150, 150]),
        (ENDS_EARLY, "flux", [0, 50, 150, 150]),
        (ENDS_EARLY, "easy", [0, 50, 150, 50]),
        (ENDS_EARLY, "conservative", [0, 50, 150, 50]),
    ],
)
def test_traces_worked_out_by_hand(
    task: MakeTask, pool: str, rows: tuple[Row, ...], scheduling: str, starts: list[float]
) -> None:
    result = run_task(task(pool, source=trace(*rows), scheduling=scheduling).to_json())
    assert result["jobs"]["start"] == starts


def test_there_is_a_trace_for_every_order() -> None:
    assert set(SCHEDULING) == {"easy", "flux", "conservative", "fifo"}


@pytest.mark.parametrize(("scheduling", "depth"), [("easy", 0), ("easy", 3), ("flux", 0), ("flux", 3)])
def test_waits_are_those_of_a_simulator_that_only_counts(task: MakeTask, scheduling: str, depth: int) -> None:
    draw = random.Random(depth)
    rows, jobs, now = [], [], 0.0
    for _ in range(150):
        size, runtime, now = draw.choice((1, 1, 2, 3, 4)), float(draw.randint(1, 99)), now + draw.randint(0, 60)
        limit = runtime * draw.choice((1, 1, 2, 10))
        rows.append((nodes(size), now, runtime, limit))
        jobs.append(Counted(now, runtime, limit, size))
    one = task("exactfit", source=trace(*rows), scheduling=scheduling, queue_depth=depth, prove=False)
    ran = run_task(one.to_json())["jobs"]
    found = [start - job.submit for start, job in zip(ran["start"], jobs, strict=True)]
    assert found == pytest.approx(waits(jobs, 4, scheduling, depth))
    assert max(found) > 100


@pytest.mark.parametrize(("scheduling", "third"), [("flux", 110.0), ("easy", 110.0), ("conservative", 110.0)])
def test_it_is_places_that_count_and_not_sums(task: MakeTask, scheduling: str, third: float) -> None:
    """At 100 there would be cores enough beside the third job, but no half of a fourth node."""
    result = run_task(task("exactfit", source=trace(*IN_PARTS[:3]), scheduling=scheduling).to_json())
    assert result["jobs"]["start"][1:] == [100.0, third]


@pytest.mark.parametrize(("scheduling", "third"), [("flux", 100.0), ("easy", 2.0), ("conservative", 2.0)])
def test_a_job_may_run_beside_the_place_of_the_head_on_the_same_nodes(
    task: MakeTask, scheduling: str, third: float
) -> None:
    rows = (*IN_PARTS[:2], ("node=3/slot=1/core=60", 2.0, 500.0, 500.0))
    result = run_task(task("exactfit", source=trace(*rows), scheduling=scheduling).to_json())
    assert result["jobs"]["start"][1:] == [100.0, third]


SHAPES = (
    "node=1/slot=1/core=120",
    "node=2/slot=1/core=60",
    "node=3/slot=1/core=120",
    "slot=2/core=30",
    "slot=1/core=9",
)


def crowded(pool: str, policy: Any, seed: int, *, early: bool = True) -> tuple[Simulation, list[Job]]:
    """Return a simulation of random jobs on three nodes, and the jobs."""
    draw = random.Random(seed)
    R = preset("rfc49-a:3")
    simulation = Simulation(PoolName.read(pool).load(), R, policy=policy, observers=[Ledger(R)])
    jobs = []
    for number in range(1, 26):
        limit = float(draw.randint(5, 60))
        run = float(draw.randint(1, int(limit))) if early else limit
        jobs.append(Job(number, jobspec(draw.choice(SHAPES), limit), run))
        simulation.at(float(1 + 4 * number), Submit(jobs[-1]))
    return simulation, jobs


def estimates(simulation: Simulation, until: int = 3000) -> dict[int, list[float]]:
    """Run it second by second, and return what each job was told of its start, as often as that changed."""
    told: dict[int, list[float]] = {}
    for second in range(1, until):
        simulation.run(until=float(second))
        for outcome in simulation.waiting():
            time = (outcome.annotations.get("sched") or {}).get("t_estimate")
            if time is not None and told.get(outcome.job.id, [None])[-1] != time:
                told.setdefault(outcome.job.id, []).append(time)
        if second > 110 and not simulation.waiting():
            break
    return told


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("seed", range(3))
def test_easy_never_delays_the_head_beyond_its_reservation(pool: str, seed: int) -> None:
    simulation, jobs = crowded(pool, EasyBackfill, seed)
    told = estimates(simulation)
    assert len(told) > 5
    for job, times in told.items():
        started = simulation.jobs[job].started
        assert started is not None
        assert started <= min(times)
    assert all(simulation.jobs[job.id].started is not None for job in jobs)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("seed", range(3))
def test_conservative_backfill_never_delays_any_reservation(pool: str, seed: int) -> None:
    simulation, jobs = crowded(pool, ConservativeBackfill, seed)
    told = estimates(simulation)
    assert len(told) > 5
    for job, times in told.items():
        started = simulation.jobs[job].started
        assert times == sorted(times, reverse=True)
        assert started is not None
        assert started <= times[-1]
    assert all(simulation.jobs[job.id].started is not None for job in jobs)


def test_reservations_are_kept_to_the_second_when_no_job_ends_early() -> None:
    simulation, _ = crowded("exactfit", ConservativeBackfill, 5, early=False)
    for job, times in estimates(simulation).items():
        assert times == [simulation.jobs[job].started]


@pytest.mark.parametrize("pool", POOLS)
def test_reservations_are_made_anew_when_the_machine_is_not_as_was_thought(pool: str) -> None:
    R = preset("rfc49-a:2")
    simulation = Simulation(PoolName.read(pool).load(), R, policy=ConservativeBackfill, observers=[Ledger(R)])
    rows = ((1, nodes(2), 100.0, 300.0), (2, nodes(2), 50.0, 50.0), (3, nodes(1), 50.0, 50.0))
    for number, shape, limit, run in rows:
        simulation.at(float(number), Submit(Job(number, jobspec(shape, limit), run)))
    simulation.at(50.0, Extend(1, 201.0))
    simulation.at(210.0, Down("1"))
    simulation.at(400.0, Up("1"))
    simulation.run(until=60.0)
    assert [o.annotations["sched"]["t_estimate"] for o in simulation.waiting()] == [201.0, 251.0]
    simulation.run()
    assert [simulation.jobs[n].started for n in (1, 2, 3)] == [1.0, 201.0, 251.0]


def test_behind_a_job_of_which_nothing_is_known_none_starts() -> None:
    simulation = Simulation(None, preset("rfc49-a:2"), policy=ConservativeBackfill)
    rows = ((1, nodes(1), 0.0, 300.0), (2, nodes(2), 50.0, 50.0), (3, nodes(1), 50.0, 50.0), (4, nodes(9), 5.0, 5.0))
    for number, shape, limit, run in rows:
        simulation.at(float(number), Submit(Job(number, jobspec(shape, limit), run)))
    simulation.run()
    assert [simulation.jobs[n].started for n in (1, 2, 3)] == [1.0, 301.0, 351.0]
    simulation.run()
    assert simulation.jobs[4].denied
