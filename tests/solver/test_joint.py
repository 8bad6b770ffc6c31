"""Batches placed together and moves: against every way there is on machines small enough, and by the checker."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import pytest

from exactfit.grammar.jobspec import Jobspec, parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.status import Status
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.joint import BatchJob, NotJointError, Want, place_batch, place_in_parts, plan_moves, want_of
from exactfit.solver.joint.ids import batch_R
from exactfit.solver.joint.room import wants_of
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.describe import describe_R
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

SHAPES = (
    "slot=1/core=3",
    "slot=3/core=2",
    "slot=2/[core=2;gpu=1]",
    "node=1/slot=2/[core=3;gpu=1]",
    "node=2/slot=1/core=3",
    "node=1{x}/slot=1/core=1",
    "slot=1/node",
    "slot=2/node=1/core=4",
)
IN_DOMAINS = (
    "slot=2/numa{x}",
    "slot=2/numa/[core=1;gpu=1]",
    "slot=3/numa/core=1",
    "slot=1/numa/core=3",
    "slot=1/numa{x}/core=4",
    "node=2/slot=1/numa/core=2",
    "slot=2/node/numa/gpu=1",
    "node=1/slot=2/numa{x}",
)
SECONDS = 20.0


def request(shape: str) -> Request:
    return Request.from_jobspec(Jobspec(parse_resources(parse_shape(shape)), version=9999))


def machine(nodes: int) -> Machine:
    """Return nodes of two domains of four cores and a gpu."""
    return read_R(describe_R({"numa": [{"cores": f"{4 * n}-{4 * n + 3}", "gpus": str(n)} for n in (0, 1)]}, nodes))


def ways(want: Want, free: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Return all numbers of slots on each node that are what is wanted."""
    each = range(want.slots + 1) if not want.hosts else (0, want.slots)
    total = want.slots * max(1, want.hosts)
    return [counts for counts in product(each, repeat=len(free)) if sum(counts) == total]


def fits(wants: Sequence[Want], free: Sequence[tuple[int, int]]) -> bool:
    """Tell whether all of the wants fit, by trying everything."""
    if not wants:
        return True
    want, rest = wants[0], wants[1:]
    for counts in ways(want, free):
        left = []
        for count, (cores, gpus) in zip(counts, free, strict=True):
            if want.whole and count:
                left.append((0, 0) if (cores, gpus) == (8, 2) else (-1, -1))
            else:
                left.append((cores - count * want.cores, gpus - count * want.gpus))
        if min(map(min, left)) >= 0 and fits(rest, left):
            return True
    return False


def ways_in_domains(want: Want) -> list[tuple[int, ...]]:
    """Return all numbers of slots in each domain of two nodes, two by two, that are what is wanted."""
    found = []
    for counts in product(range(2), repeat=4):
        nodes = counts[0] + counts[1], counts[2] + counts[3]
        total = [count for count in nodes if count] == [want.slots] * want.hosts
        if total if want.hosts else sum(nodes) == want.slots:
            found.append(counts)
    return found


def fit_in_domains(wants: Sequence[Want], domains: Sequence[tuple[int, int]]) -> bool:
    """Tell whether all of the wants fit on two idle nodes, by trying everything: those that name domains first."""
    want = next((want for want in wants if want.level), None)
    if want is None:
        pairs = [domains[at : at + 2] for at in (0, 2)]
        return fits(wants, [(one[0] + two[0], one[1] + two[1]) for one, two in pairs])
    rest = [other for other in wants if other is not want]
    for counts in ways_in_domains(want):
        left = []
        for count, (cores, gpus) in zip(counts, domains, strict=True):
            if want.fills and count:
                left.append((0, 0) if (cores, gpus) == (4, 1) and want.cores <= 4 else (-1, -1))
            else:
                left.append((cores - count * want.cores, gpus - count * want.gpus))
        if min(map(min, left)) >= 0 and fit_in_domains(rest, left):
            return True
    return False


@pytest.mark.parametrize("seed", range(12))
def test_as_many_are_placed_as_can_be_where_slots_name_domains(seed: int) -> None:
    draw = random.Random(200 + seed)
    here = machine(2)
    shapes = [draw.choice(IN_DOMAINS) for _ in range(3)] + [draw.choice(SHAPES) for _ in range(draw.randint(1, 2))]
    jobs = [BatchJob(n, request(shape), draw.choice((1, 1, 3))) for n, shape in enumerate(shapes)]
    batch = place_batch(Pool(here), jobs, SECONDS)
    wants = wants_of(Pool(here), jobs)
    some = [kept for size in range(len(jobs) + 1) for kept in combinations(jobs, size)]
    best = max(
        sum(j.weight for j in kept) for kept in some if fit_in_domains([wants[j.id] for j in kept], [(4, 1)] * 4)
    )
    assert batch.status is Status.OPTIMAL
    assert batch.terms["weight"] == batch.bounds["weight"] == best
    check(here, shapes, batch_R(here, batch, wants))


def check(here: Machine, shapes: Sequence[str], placed: Mapping[int, Mapping[str, Any]]) -> None:
    """Have the checker judge every job of a batch."""
    checker = Checker(here)
    for number, R in placed.items():
        verdict = checker.judge(parse_resources(parse_shape(shapes[number])), R)
        assert verdict.legal, (shapes[number], verdict.violations)
        checker.allocate(R)


@pytest.mark.parametrize("seed", range(12))
def test_as_many_are_placed_as_can_be(seed: int) -> None:
    draw = random.Random(seed)
    here = machine(2)
    shapes = [draw.choice(SHAPES) for _ in range(draw.randint(3, 6))]
    jobs = [BatchJob(n, request(shape), draw.choice((1, 1, 3))) for n, shape in enumerate(shapes)]
    batch = place_batch(Pool(here), jobs, SECONDS)
    wants = {job.id: want_of(job.request) for job in jobs}
    some = [kept for size in range(len(jobs) + 1) for kept in combinations(jobs, size)]
    best = max(sum(j.weight for j in kept) for kept in some if fits([wants[j.id] for j in kept], [(8, 2)] * 2))
    assert batch.status is Status.OPTIMAL
    assert batch.terms["weight"] == batch.bounds["weight"] == best == sum(jobs[n].weight for n in batch.occupancy)
    check(here, shapes, batch_R(here, batch, wants))


def least_torn(wants: Sequence[Want], counts: Sequence[int]) -> int:
    """Return how few of the slots on one idle node stand in no one domain, by trying everything; whole nodes aside."""
    kept = [(want, count) for want, count in zip(wants, counts, strict=True) if count and not want.whole]
    best = 0
    each = [[(i, j) for i in range(count + 1) for j in range(count + 1 - i)] for _, count in kept]
    for inside in product(*each):
        for leaf in (0, 1):
            cores = sum(want.cores * some[leaf] for (want, _), some in zip(kept, inside, strict=True))
            gpus = sum(want.gpus * some[leaf] for (want, _), some in zip(kept, inside, strict=True))
            if cores > 4 or gpus > 1:
                break
        else:
            best = max(best, sum(map(sum, inside)))
    return sum(count for _, count in kept) - best


@pytest.mark.parametrize("seed", range(6))
def test_the_terms_after_the_weight_are_the_best_too(seed: int) -> None:
    draw = random.Random(100 + seed)
    shapes = [draw.choice(SHAPES) for _ in range(draw.randint(2, 3))]
    jobs = [BatchJob(n, request(shape)) for n, shape in enumerate(shapes)]
    batch = place_batch(Pool(machine(2)), jobs, SECONDS)
    best: tuple[int, ...] = ()
    for size in range(len(jobs), -1, -1):
        for kept in combinations(jobs, size):
            wants = [want_of(job.request) for job in kept]
            for chosen in product(*(ways(want, [(8, 2)] * 2) for want in wants)):
                nodes = [[counts[node] for counts in chosen] for node in (0, 1)]
                if any(_over(wants, counts) for counts in nodes):
                    continue
                touched = sum(bool(count) for counts in nodes for count in counts)
                opened = sum(any(counts) for counts in nodes)
                torn = sum(least_torn(wants, counts) for counts in nodes)
                value = (0, torn, touched, opened, 8 * opened)
                best = min(best, value) if best else value
        if best:
            break
    assert batch.status is Status.OPTIMAL
    assert tuple(batch.terms.values()) == tuple(batch.bounds.values()) == (size, *best)


def _over(wants: Sequence[Want], counts: Sequence[int]) -> bool:
    """Tell whether a node gives more than it has."""
    whole = sum(want.whole and count > 0 for want, count in zip(wants, counts, strict=True))
    cores = sum(want.cores * count for want, count in zip(wants, counts, strict=True))
    gpus = sum(want.gpus * count for want, count in zip(wants, counts, strict=True))
    return cores > 8 or gpus > 2 or whole > 1 or bool(whole and sum(map(bool, counts)) > 1)


def test_no_worse_than_one_by_one_however_short_the_time() -> None:
    pool = Pool(machine(6))
    jobs = [BatchJob(n, request(SHAPES[n % len(SHAPES)])) for n in range(16)]
    batch = place_batch(pool, jobs, 0.05)
    trial, placed = pool.copy(), 0
    for job in jobs:
        try:
            trial.alloc(job.id, job.request)
            placed += 1
        except InsufficientResources:
            continue
    longer = place_batch(pool, jobs, 2.0)
    assert 0 < batch.terms["weight"] <= longer.terms["weight"] <= longer.bounds["weight"]
    assert placed <= longer.terms["weight"]


def test_one_by_one_places_fewer() -> None:
    pool = Pool(machine(1))
    shapes = ("slot=1/core=5", "slot=1/[core=4;gpu=1]", "slot=1/[core=4;gpu=1]")
    placed = 0
    for number, shape in enumerate(shapes):
        try:
            pool.alloc(number, request(shape))
            placed += 1
        except InsufficientResources:
            continue
    jobs = [BatchJob(n, request(shape)) for n, shape in enumerate(shapes)]
    assert (placed, place_batch(Pool(machine(1)), jobs, SECONDS).terms["weight"]) == (1, 2)


def test_slots_stand_in_one_domain_where_they_can() -> None:
    jobs = [BatchJob(n, request("slot=1/core=3")) for n in range(2)] + [BatchJob(2, request("slot=1/core=2"))]
    batch = place_batch(Pool(machine(1)), jobs, SECONDS)
    assert (batch.terms["weight"], batch.terms["affinity.numa"], batch.terms["intact.node"]) == (3, 1, 1)


def test_what_runs_stays() -> None:
    here = machine(2)
    pool = Pool(here)
    pool.alloc(7, request("slot=1/core=5"))
    batch = place_batch(pool, [BatchJob(1, request("slot=2/node"))], SECONDS)
    assert batch.occupancy == {}
    assert list(pool.jobs) == [7]


def test_large_batches_are_cut_and_say_their_gap() -> None:
    pool = Pool(machine(12))
    jobs = [BatchJob(n, request(SHAPES[n % 5])) for n in range(30)]
    parts = place_in_parts(pool, jobs, SECONDS, most=8)
    whole = place_batch(pool, jobs, SECONDS, local=False)
    assert parts.terms["weight"] <= whole.terms["weight"] <= parts.bounds["weight"]
    assert 0 <= parts.gap < 1
    wants = {job.id: want_of(job.request) for job in jobs}
    checker = Checker(pool.machine)
    for number, R in batch_R(pool.machine, parts, wants).items():
        assert checker.judge(jobs[number].request.shape.vertices, R).legal
        checker.allocate(R)


@pytest.mark.parametrize(
    "shape", ["slot=2/numa{x}", "rack=1/node=1/slot=1/core=1", "slot=1/core=1-4", "slot=1/[core=1;memory=4]"]
)
def test_other_forms_are_refused_by_name(shape: str) -> None:
    with pytest.raises(NotJointError, match="one job at a time"):
        want_of(request(shape))


def scattered() -> Pool:
    """Return four nodes with a job of four cores on each."""
    pool = Pool(machine(4), Options(policy=parse_policy("spread")))
    for number in range(4):
        pool.alloc(number, request("node=1/slot=1/core=4"))
    return pool


def test_the_fewest_jobs_move() -> None:
    pool = scattered()
    assert plan_moves(pool, request("slot=2/node"), 1, SECONDS) is None
    plan = plan_moves(pool, request("slot=2/node"), 4, SECONDS)
    assert plan is not None
    assert (plan.status, len(plan.moves), plan.together, plan.nodes.bit_count()) == (Status.OPTIMAL, 2, 0, 2)
    for move in plan.moves:
        assert move.old & plan.nodes
        assert not move.new & plan.nodes
    assert plan_moves(pool, request("slot=3/node"), 4, SECONDS) is None


def test_no_job_moves_where_it_fits() -> None:
    plan = plan_moves(scattered(), request("slot=4/core=1"), 4, SECONDS)
    assert plan is not None
    assert plan.moves == ()


def test_jobs_on_nodes_that_are_down_stay() -> None:
    pool = scattered()
    pool.mark_down(0b0001)
    plan = plan_moves(pool, request("slot=1/node"), 4, SECONDS)
    assert plan is not None
    assert all(not move.old & 1 and not move.new & 1 for move in plan.moves)
    assert len(plan.moves) == 1


def test_a_batch_takes_whole_what_r_lists_in_full() -> None:
    """R keeps a core of one of two nodes back, and so of a numa: what is asked for whole stands where it does not."""
    numa = {"numa": [{"cores": "0-3"}, {"cores": "4-7"}]}
    lite = [{"rank": "0", "children": {"core": "1-7"}}, {"rank": "1", "children": {"core": "0-7"}}]
    machine = read_R(
        {"version": 1, "execution": {"R_lite": lite}, "scheduling": {"children": [{"ranks": "0-1", "topo": numa}]}}
    )
    rows = [("slot=1/node", 1, 0), ("slot=1/node", 2, 1), ("slot=1/numa", 3, 0), ("slot=1/numa", 4, 1)]
    for shape, count, partial in rows:
        jobs = [BatchJob(number, Request.of(parse_resources(parse_shape(shape))), 1) for number in range(count)]
        batch = place_batch(Pool(machine), jobs, 10)
        assert (batch.status, batch.terms["weight"], batch.terms["partial"]) == (Status.OPTIMAL, count, partial)
