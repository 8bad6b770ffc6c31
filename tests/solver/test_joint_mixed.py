"""Batches with jobs that the joint model does not take, and forms that it does, beside the pool that takes them all."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import pytest

from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import Jobspec, parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.status import Status
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.joint import BatchJob, NotJointError, place_batch, place_mixed
from exactfit.solver.joint.ids import batch_R
from exactfit.solver.joint.room import wants_of
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.describe import describe_R
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

SECONDS = 20.0

# Cores that each takes of the two numa domains of the one node: all the ways there are to place it.
WAYS = {
    "slot=1/core=3": [(0, 3), (1, 2), (2, 1), (3, 0)],
    "slot=1/core=2": [(0, 2), (1, 1), (2, 0)],
    "slot=1/numa/core=2": [(2, 0), (0, 2)],
    "slot=1/numa{x}": [(4, 0), (0, 4)],
    "slot=1/node": [(4, 4)],
    "slot=1/numa=2/core=1": [(1, 1)],
    "slot=1/numa=2/core=3": [(3, 3)],
    "numa=2/slot=1/core=2": [(2, 2)],
    "slot=1/core=3-8": [(a, b) for a, b in product(range(5), repeat=2) if a + b >= 3],
    "slot=1/core=9": [],
}
ALONE = ("slot=1/numa=2/core=1", "slot=1/numa=2/core=3", "numa=2/slot=1/core=2")


def request(shape: str) -> Request:
    return Request.from_jobspec(Jobspec(parse_resources(parse_shape(shape)), version=9999))


def machine(nodes: int = 1) -> Machine:
    """Return nodes of two domains of four cores."""
    return read_R(describe_R({"numa": [{"cores": f"{4 * n}-{4 * n + 3}"} for n in (0, 1)]}, nodes))


def batch(*shapes: str, weights: Sequence[int] = ()) -> list[BatchJob]:
    weights = weights or [1] * len(shapes)
    return [BatchJob(n, request(shape), weight) for n, (shape, weight) in enumerate(zip(shapes, weights, strict=True))]


def fit(shapes: Sequence[str]) -> bool:
    """Tell whether all fit on the node, by trying everything."""
    for chosen in product(*(WAYS[shape] for shape in shapes)):
        if all(sum(taken[domain] for taken in chosen) <= 4 for domain in (0, 1)):
            return True
    return False


def check(here: Machine, jobs: Sequence[BatchJob], placed: Mapping[int, Any], slot_exclusive: str = "shared") -> None:
    checker = Checker(here)
    for number, R in placed.items():
        (job,) = (job for job in jobs if job.id == number)
        verdict = checker.judge(job.request.shape.vertices, R, slot_exclusive=slot_exclusive)
        assert verdict.legal, (job, verdict.violations)
        checker.allocate(R)


def one_by_one(pool: Pool, jobs: Sequence[BatchJob]) -> int:
    """Return what a pool places of a batch, the heaviest first."""
    weight = 0
    for job in sorted(jobs, key=lambda job: -job.weight):
        try:
            pool.alloc(job.id, job.request)
            weight += job.weight
        except (InsufficientResources, InfeasibleRequest):
            continue
    return weight


@pytest.mark.parametrize("seed", range(20))
def test_no_worse_than_one_by_one_and_no_better_than_the_bound(seed: int) -> None:
    draw = random.Random(seed)
    shapes = [draw.choice(ALONE), *(draw.choice(list(WAYS)) for _ in range(draw.randint(2, 4)))]
    weights = [draw.choice((1, 1, 3)) for _ in shapes]
    jobs = batch(*shapes, weights=weights)
    found = place_mixed(Pool(machine()), jobs, SECONDS)
    some = [kept for size in range(len(jobs) + 1) for kept in combinations(range(len(jobs)), size)]
    best = max(sum(weights[n] for n in kept) for kept in some if fit([shapes[n] for n in kept]))
    assert one_by_one(Pool(machine()), jobs) <= found.weight <= best <= found.bound
    assert found.weight == sum(weights[n] for n in found.R)
    assert set(found.alone) == {n for n, shape in enumerate(shapes) if shape in ALONE}
    assert found.status is Status.FEASIBLE
    check(machine(), jobs, found.R)


@pytest.mark.parametrize(
    ("shapes", "weights", "placed", "bound"),
    [
        # The joint jobs first: the other takes what they leave.
        (("slot=1/core=3-8", "slot=1/core=3", "slot=1/core=2"), (1, 1, 1), {0, 1, 2}, 3),
        # The other first: what is placed together stands in its way, but is worth less.
        (("slot=1/core=3", "slot=1/numa=2/core=3"), (1, 5), {1}, 5),
        # All cores would hold both, but not as the joint job wants them.
        (("slot=1/core=2", "slot=1/numa=2/core=1", "slot=1/numa{x}"), (1, 5, 1), {0, 1}, 7),
        # One that never fits is no part of the bound.
        (("slot=1/core=3", "slot=1/numa=2/core=9"), (1, 5), {0}, 1),
        # None for the model at all.
        (("slot=1/numa=2/core=3", "slot=1/numa=2/core=1"), (1, 1), {0, 1}, 2),
        # One by one the first would take all.
        (("slot=1/core=1-8", "slot=1/core=3", "slot=1/core=3"), (9, 1, 1), {0, 1, 2}, 11),
    ],
)
def test_the_way_that_places_most_is_taken(
    shapes: Sequence[str], weights: Sequence[int], placed: set[int], bound: int
) -> None:
    jobs = batch(*shapes, weights=weights)
    found = place_mixed(Pool(machine()), jobs, SECONDS)
    assert (set(found.R), found.bound) == (placed, bound)
    check(machine(), jobs, found.R)


def test_open_counts_get_what_is_left_and_no_job_is_lost_for_it() -> None:
    jobs = batch("slot=1/core=1-8", "slot=1/core=3", "slot=1/core=2-3", "slot=1/core=9", weights=(2, 1, 1, 1))
    found = place_mixed(Pool(machine()), jobs, SECONDS)
    assert (set(found.R), found.bound, found.alone, found.status) == ({0, 1, 2}, 4, {}, Status.FEASIBLE)
    cores = {job: R["execution"]["R_lite"][0]["children"]["core"] for job, R in found.R.items()}
    # The heaviest first: three of the first besides the least of the others.
    assert {job: len(IdSet.parse(text)) for job, text in cores.items()} == {0: 3, 1: 3, 2: 2}
    check(machine(), jobs, found.R)


def test_others_that_found_no_room_first_are_tried_again() -> None:
    """Of two that ask for the same the first alone fits beside the joint job, in whichever order."""
    jobs = batch("slot=1/numa=2/core=2", "slot=1/numa=2/core=2", "slot=1/core=8", weights=(1, 1, 1))
    found = place_mixed(Pool(machine()), jobs, SECONDS)
    assert (set(found.R), found.bound) == ({0, 1}, 2)


def test_certificates_tell_of_the_whole_batch() -> None:
    jobs = batch("slot=1/numa{x}", "slot=1/numa=2/core=1", "slot=1/core=2", weights=(1, 5, 1))
    found = place_mixed(Pool(machine()), jobs, SECONDS)
    assert (set(found.R), found.weight, found.bound) == ({1, 2}, 6, 7)
    assert found.gap == pytest.approx(1 / 7)
    together = found.R[2]["scheduling"]["certificate"]
    assert (together["status"], together["terms"]["weight"], together["bound"]["weight"]) == ("FEASIBLE", 6, 7)
    assert set(together["bound"]) == {"weight"}, "of what was placed in parts nothing else is proven"
    assert "joint" not in found.R[1]["scheduling"]["certificate"]


def test_a_batch_for_the_model_alone_keeps_its_proof() -> None:
    found = place_mixed(Pool(machine()), batch("slot=1/core=3", "slot=1/numa{x}"), SECONDS)
    assert (found.status, found.weight, found.bound, found.alone) == (Status.OPTIMAL, 2, 2, {})
    assert all(R["scheduling"]["certificate"]["status"] == "OPTIMAL" for R in found.R.values())


def test_the_pool_stays_as_it_is() -> None:
    pool = Pool(machine())
    pool.alloc(7, request("slot=1/core=1"))
    before = pool.generation
    place_mixed(pool, batch("slot=1/core=3", "slot=1/numa=2/core=1"), SECONDS)
    assert (list(pool.jobs), pool.generation) == ([7], before)


ABOVE = {
    "socket": [
        {"gpus": str(s), "numa": [{"cores": f"{4 * n}-{4 * n + 3}", "memory": 4} for n in (2 * s, 2 * s + 1)]}
        for s in (0, 1)
    ]
}
"""GPUs stand at the socket, above the numa domains that have the cores."""
FORMS = (
    *("slot=1/numa{x}", "slot=1/numa{x}/core=4", "node=1/slot=2/numa{x}", "node=2/slot=1/numa{x}"),
    *("slot=2/numa/core=2", "slot=3/numa/core=4", "slot=1/numa/[core=1;gpu=1]", "slot=2/socket/numa/core=1"),
    *("slot=1/socket{x}", "slot=1/socket/[core=5;gpu=1]", "slot=2/socket{-x}/core=3", "slot=1/numa{-x}"),
    *("slot=1/node", "node=1{x}/slot=1/core=1", "slot=2/node/core=3", "slot=1/node{-x}/core=3", "slot=3/core=3"),
)
RUNNING = ("slot=1/core=1", "slot=1/core=3", "slot=1/[core=1;memory=2]", "slot=1/gpu=1", "slot=1/[gpu=1;memory=1]")


def in_part() -> dict[str, Any]:
    """Return three nodes, R holding six of the eight cores of the first."""
    R = describe_R({"numa": [{"cores": f"{4 * n}-{4 * n + 3}", "gpus": str(n)} for n in (0, 1)]}, 3)
    rows = [("0", "0-5"), ("1-2", "0-7")]
    R["execution"]["R_lite"] = [{"rank": rank, "children": {"core": cores, "gpu": "0-1"}} for rank, cores in rows]
    return R


@pytest.mark.parametrize("slot_exclusive", ["shared", "rfc14"])
@pytest.mark.parametrize("shape", FORMS)
def test_a_batch_of_one_fits_where_the_pool_says_so(shape: str, slot_exclusive: str) -> None:
    for seed in range(6):
        draw = random.Random(f"{shape}{seed}")
        here = read_R(describe_R(ABOVE, 2) if seed % 2 else in_part())
        pool = Pool(here, Options(slot_exclusive=slot_exclusive))
        for number in range(draw.randint(0, 4)):
            one_by_one(pool, [BatchJob(100 + number, request(draw.choice(RUNNING)))])
        if draw.random() < 0.2:
            pool.mark_down(0b1)
        (job,) = jobs = batch(shape)
        try:
            found = place_batch(pool, jobs, SECONDS)
        except NotJointError:
            assert shape in ("slot=2/socket/numa/core=1", "slot=1/numa{-x}") or (
                shape.startswith(("slot=1/socket", "slot=2/socket")) and not seed % 2
            )
            continue
        assert found.terms["weight"] == found.bounds["weight"] == one_by_one(pool.copy(), [job])
        check(here, jobs, batch_R(here, found, wants_of(pool, jobs)), slot_exclusive=slot_exclusive)


def test_a_domain_of_which_a_job_has_memory_is_not_taken_whole() -> None:
    here = read_R(describe_R({"numa": [{"cores": f"{4 * n}-{4 * n + 3}", "memory": 8} for n in (0, 1, 2)]}, 1))
    pool = Pool(here)
    execution = {"R_lite": [{"rank": "0", "children": {"core": "0"}}], "nodelist": ["node0"], "starttime": 0}
    amounts = [{"ranks": "0", "memory": {"numa 0": 1, "numa 1": 1}}]
    pool.register_alloc(7, {"version": 1, "execution": execution, "scheduling": {"amounts": amounts}})
    for shape, placed in (("slot=1/numa{x}", 1), ("slot=2/numa{x}", 0), ("slot=2/numa/core=1", 1)):
        jobs = batch(shape)
        assert place_batch(pool, jobs, SECONDS).terms["weight"] == one_by_one(pool.copy(), jobs) == placed
