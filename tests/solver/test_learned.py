"""The policy `future=learned`: the usual jobs are those that a pool has placed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.policy.usual import Usual, parse_usual, usual_of
from exactfit.solver.pool import Pool
from exactfit.solver.state.seen import FIRST_TURNS, MOST, ONE, TURN, Seen, Taken
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

SHAPES = (
    "slot=1/core=7",
    "slot=3/core=5",
    "node=1/slot=4/[core=7;gpu=1]",
    "node=2/slot=2/core=10",
    "slot=1/[core=10;gpu=1]",
    "slot=1/numa{x}",
    "slot=1/gpu=2",
    "node=1/slot=3/core=20",
    "[slot{a}/core=1;slot{b}/core=2]",
    "slot=1/node=2/core=3",
)


def of(policy: str = "future=learned", machine: str = "rfc49-a:4") -> Pool:
    return Pool(read_R(preset(machine)), Options(parse_policy(policy, lambda _: Usual())))


def usual(pool: Pool) -> Usual:
    return pool.options.policy.usual


def day(pool: Pool, seed: int, jobs: int, *, ends: bool = True) -> dict[int, dict[str, Any]]:
    """Let jobs come and end, and return the R of those that started, in that order."""
    draw = random.Random(seed)
    placed: dict[int, dict[str, Any]] = {}
    running: list[int] = []
    for number in range(jobs):
        while ends and running and draw.random() < 0.5:
            pool.free(running.pop(draw.randrange(len(running))))
        try:
            placed[number] = pool.alloc(number, draw.choice(SHAPES)).to_dict()
        except InsufficientResources:
            continue
        running.append(number)
    return placed


def untimed(R: Mapping[str, Any]) -> dict[str, Any]:
    execution = {name: value for name, value in R["execution"].items() if name not in ("starttime", "expiration")}
    return {**R, "execution": execution}


def test_the_same_history_gives_the_same_answers() -> None:
    one, other = of(), of()
    assert [untimed(R) for R in day(one, 1, 200).values()] == [untimed(R) for R in day(other, 1, 200).values()]
    assert usual(one) == usual(other) != Usual()


def test_what_comes_back_with_the_jobs_that_run_is_what_was_seen() -> None:
    """A pool that is told of all jobs that another one placed has seen the same, and goes on like that one."""
    one, other = of(machine="rfc49-a:8"), of(machine="rfc49-a:8")
    placed = day(one, 2, 60, ends=False)
    assert len(placed) > FIRST_TURNS[0]
    for number, R in placed.items():
        other.register_alloc(number, R)
    assert usual(one) == usual(other) != Usual()
    for pool in (one, other):
        for job in sorted(pool.jobs)[::2]:
            pool.free(job)
    jobs = [Request.from_shape(shape) for shape in SHAPES]
    assert [untimed(one.alloc(1000 + n, job).to_dict()) for n, job in enumerate(jobs[:4])] == [
        untimed(other.alloc(2000 + n, job).to_dict()) for n, job in enumerate(jobs[:4])
    ]


def test_what_is_placed_on_a_copy_was_not_seen_until_it_counts() -> None:
    pool = of()
    day(pool, 3, 40)
    before = usual(pool)
    copy = pool.copy()
    for _ in range(TURN):
        copy.alloc(1000, "slot=1/core=1")
        copy.free(1000)
    assert usual(pool) == before != usual(copy)
    pool.become(copy)
    assert usual(pool) == usual(copy)


def test_copies_that_learn_the_same_know_the_same() -> None:
    """What one of them found out under the usual jobs that come next, no other one has to."""
    pool = of()
    for number in range(FIRST_TURNS[0] - 1):
        pool.alloc(number, "slot=1/core=7")
    one, other = pool.copy(), pool.copy()
    for copy in (one, other):
        copy.alloc(FIRST_TURNS[0], "slot=3/core=5")
    assert one.present[0] is other.present[0] is not pool.present[0]
    pool.alloc(FIRST_TURNS[0], "slot=3/core=5")
    assert pool.present[0] is one.present[0]


def test_only_what_started_was_seen() -> None:
    pool = of(machine="rfc49-a:1")

    def fails(_: object) -> None:
        raise InsufficientResources("no")

    for number in range(FIRST_TURNS[0]):
        with pytest.raises(InsufficientResources):
            pool.alloc(number, "slot=1/core=1", fails)
        pool.check_feasibility("slot=1/core=1")
    assert usual(pool) == Usual()
    for number in range(FIRST_TURNS[0]):
        pool.alloc(number, "slot=1/core=7")
    assert usual(pool) == parse_usual("1 => slot=1/core=7")


def test_a_job_that_is_refused_at_a_reload_was_not_seen() -> None:
    pool, donor = of(), of()
    R = donor.alloc(1, "slot=1/core=7").to_dict()
    pool.register_alloc(1, R)
    for _ in range(FIRST_TURNS[0]):
        with pytest.raises(ValueError, match="another job holds"):
            pool.register_alloc(2, R)
        with pytest.raises(ValueError, match="missing"):
            pool.register_alloc(3, {"version": 1})
    assert usual(pool) == Usual()


@pytest.mark.parametrize(
    "scheduling", [None, {"placement": 3}, {"placement": [{"ranks": "0", "slots": [{"cores": "x"}]}]}]
)
def test_a_job_of_another_pool_counts_as_one_slot_on_each_node(scheduling: object) -> None:
    pool = of()
    for number in range(FIRST_TURNS[0]):
        cores = f"{3 * number}-{3 * number + 2}"
        execution = {"R_lite": [{"rank": "0-1", "children": {"core": cores}}]}
        pool.register_alloc(number, {"version": 1, "execution": execution, "scheduling": scheduling or {}})
    assert usual(pool) == parse_usual("1 => slot=1/core=3")


def test_what_is_remembered_is_bounded_and_forgotten_by_count() -> None:
    seen = Seen()
    for number in range(5000):
        seen = seen.and_one(Taken(1 + number % 997, number % 5, 1 + number % 9))
        assert len(seen.weights) <= MOST
        assert len(seen.fresh) < TURN
    for _ in range(TURN * (ONE * TURN).bit_length()):
        seen = seen.and_one(Taken(7, 0, 1))
    assert dict(seen.weights).keys() == {Taken(7, 0, 1)}
    assert usual_of(seen) == parse_usual("1 => slot=1/core=7")


def test_what_came_of_late_weighs_more() -> None:
    seen = Seen()
    for kind in (Taken(1, 0, 1), Taken(2, 0, 1)):
        for _ in range(2 * TURN):
            seen = seen.and_one(kind)
    weights = dict(seen.weights)
    assert weights[Taken(2, 0, 1)] > 3 * weights[Taken(1, 0, 1)] > 0


def test_room_is_kept_for_what_was_seen() -> None:
    """One numa has 8 cores left, the others 15, of which six would leave no room for ten."""
    pool = of("affinity,future=learned", "rfc49-a:1")
    for number in range(FIRST_TURNS[0]):
        pool.alloc(number, "slot=1/core=10")
        pool.free(number)
    pool.alloc(100, "slot=1/core=7")
    assert pool.alloc(101, "slot=1/core=6").to_dict()["execution"]["R_lite"][0]["children"] == {"core": "7-12"}


def test_the_checker_finds_the_same_value() -> None:
    pool = of()
    day(pool, 4, 100)
    checker = Checker(pool.machine, usual(pool).text)
    for job in pool.jobs:
        pool.free(job)
    vertices = parse_resources(parse_shape("node=1/slot=3/[core=7;gpu=1]"))
    R = pool.alloc(5000, Request.of(vertices)).to_dict()
    verdict = checker.judge(vertices, R)
    assert verdict.terms["future"] == R["scheduling"]["certificate"]["terms"]["future"] > 0


def test_it_is_the_sites_to_say() -> None:
    with pytest.raises(ValueError, match="only the site names usual jobs"):
        parse_policy("future=learned")
    assert not parse_policy("future=./learned", lambda _: Usual()).learns
    assert parse_policy("affinity,future=learned", lambda _: Usual()).learns


def test_a_search_that_was_cut_off_is_done_again_only_with_more_work() -> None:
    """Copies look ahead on the same states again and again, each with as much work: it would come to the same."""
    jobs = "3 => node=1/slot=4/[core=7;gpu=1]\n2 => slot=1/core=5\n1 => slot=2/core=3"
    pool = Pool(read_R(preset("rfc49-a:1")), Options(parse_policy("future=FILE", lambda _: parse_usual(jobs))))
    for number in range(4):
        pool.alloc(number, "slot=1/core=14")
    knowledge, state = pool.present
    (node,), solver = state.classes, knowledge.node_solver
    shape = Request.of(parse_resources(parse_shape("node=1/slot=8/[core=7;gpu=1]"))).shape
    host = knowledge.problem(shape).demand(()).single
    assert host is not None
    found = [solver.best(node, host.bundle, Budget(work)) for work in (0.02, 0.02)]
    done = solver.solves
    found += [solver.best(node, host.bundle, Budget(work)) for work in (0.02, 0.01)]
    assert solver.solves == done
    found.append(solver.best(node, host.bundle, Budget(0.04)))
    assert solver.solves == done + 1
    costs = [solution.cost for solution in found if solution is not None and not solution.final]
    assert len(costs) == len(found)
    assert len(set(costs)) == 1
