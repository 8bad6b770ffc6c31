"""Large batches: cut into parts that are placed apart, each on its share of the nodes (POP).

D. Narayanan et al., Solving Large-Scale Granular Resource Allocation Problems Efficiently with POP, SOSP 2021. What the
parts lose is told by a bound for the whole: a relaxation in which slots may be torn over nodes.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..allocator import Allocator
from ..cpsat.budget import Budget
from ..cpsat.lexicographic import Goal, lexmin
from ..cpsat.loading import new_model
from ..cpsat.status import Status
from .batch import Batch, batch_within
from .ids import holdings
from .occupancy import Occupied, terms_of, value_of
from .one_by_one import one_by_one
from .room import Node, eligible, rooms, wants_of
from .wants import BatchJob, Want, appetite, check_batch

MOST_JOBS = 24
"""A batch of more jobs is cut."""


def place_in_parts(
    pool: Allocator, jobs: Sequence[BatchJob], seconds: float, *, most: int = MOST_JOBS, local: bool = True
) -> Batch:
    """Place a batch of any size, as `place_batch` does where it is small.

    Parameters
    ----------
    pool, jobs, seconds, local
        As for `place_batch`.
    most
        Jobs of one part.

    Notes
    -----
    Jobs are dealt out by size, so that every part has large and small ones, and so are nodes by what is free. What a
    part did not place is tried once more on what all of them left. What comes out is never worse than the jobs placed
    one by one.
    """
    check_batch(jobs, seconds)
    return in_parts_within(pool, jobs, Budget(seconds), most=most, local=local)


def in_parts_within(
    pool: Allocator, jobs: Sequence[BatchJob], budget: Budget, *, most: int = MOST_JOBS, local: bool = True
) -> Batch:
    """Place a batch as `place_in_parts` does, within what is left of a budget."""
    if len(jobs) <= most:
        return batch_within(pool, jobs, budget, local=local)
    count = -(-len(jobs) // most)
    nodes = sorted(rooms(pool), key=lambda node: (node.cores.bit_count(), node.gpus.bit_count(), node.position))
    wants = wants_of(pool, jobs)
    by_size = sorted(jobs, key=lambda job: _size(job.id, wants[job.id]))
    each = budget.left / (count + 3)
    occupancy: dict[int, tuple[Occupied, ...]] = {}
    left = {node.position: node for node in nodes}
    for part in range(count + 1):
        some, room = by_size[part::count], nodes[part::count]
        if part == count:
            some, room = [job for job in jobs if job.id not in occupancy], list(left.values())
        if not some:
            continue
        found = batch_within(pool, some, budget.at_most(each), nodes=room, local=local)
        left.update(holdings(found.occupancy, wants)[1])
        occupancy.update(found.occupancy)
    names = terms_of(pool.machine)
    weights = {job.id: job.weight for job in jobs}
    terms = value_of(pool.machine, occupancy, wants, weights)
    greedy = one_by_one(pool, jobs, wants, nodes, budget.at_most(each))
    alone = value_of(pool.machine, greedy, wants, weights)
    if (-alone[0], *alone[1:]) < (-terms[0], *terms[1:]):
        occupancy, terms = dict(greedy), alone
    bound = max(upper_bound(pool, jobs, nodes, budget.at_most(each)), terms[0])
    # Of the terms after the weight nothing is proven by parts.
    return Batch(Status.FEASIBLE, dict(zip(names, terms, strict=True)), {"weight": bound}, occupancy)


def _size(job: int, want: Want) -> tuple[int, int, int]:
    times = max(1, want.hosts) * want.slots
    return (-times * want.cores, -times * want.gpus, job)


def upper_bound(
    pool: Allocator, jobs: Sequence[BatchJob], nodes: Sequence[Node], budget: Budget, others: Sequence[BatchJob] = ()
) -> int:
    """Return a weight that no placement of the batch exceeds: free cores, gpus and nodes are counted in all.

    Parameters
    ----------
    pool, jobs
        As for `place_batch`.
    budget
        The work that it may take.
    nodes
        All that may be used.
    others
        Further jobs of the batch, of any form: they count with the cores and gpus that they take at least.
    """
    model = new_model()
    allowed, wants = eligible(pool.machine, jobs), wants_of(pool, jobs)
    cores, gpus, idle, goal = [], [], [], []
    for job in jobs:
        want = wants[job.id]
        here = [node for node in nodes if allowed[job.id] >> node.position & 1]
        fitting = [min(node.most(want), want.slots) for node in here]
        enough = sum(n >= want.slots for n in fitting) >= want.hosts if want.hosts else sum(fitting) >= want.slots
        if not enough:
            continue
        placed = model.new_bool_var("")
        times = want.hosts if want.whole else max(1, want.hosts) * want.slots
        each = _least(want, here)
        cores.append(times * each[0] * placed)
        gpus.append(times * each[1] * placed)
        if want.whole:
            idle.append(want.hosts * placed)
        goal.append(-job.weight * placed)
    for job in others:
        placed = model.new_bool_var("")
        each = appetite(job.request)
        cores.append(each[0] * placed)
        gpus.append(each[1] * placed)
        goal.append(-job.weight * placed)
    model.add(sum(cores) <= sum(node.cores.bit_count() for node in nodes))
    model.add(sum(gpus) <= sum(node.gpus.bit_count() for node in nodes))
    model.add(sum(idle) <= sum(node.can_be_whole for node in nodes))
    most = sum(job.weight for job in (*jobs, *others))
    found = lexmin(model, [Goal(sum(goal), -most, 0)], budget)
    return -found.bounds[0] if found.status.found else most


def _least(want: Want, nodes: Sequence[Node]) -> tuple[int, int]:
    """Return the cores and gpus that a slot, or a node that is taken whole, takes at least."""
    if want.whole:
        fitting = [(node.cores, node.gpus) for node in nodes if node.most(want)]
    elif want.fills:
        there = [(node, at) for node in nodes for at, domain in enumerate(node.domains) if domain.level == want.level]
        fitting = [node.all_of(at) for node, at in there if node.inside(at, want)]
    else:
        return want.cores, want.gpus
    return min(cores.bit_count() for cores, _ in fitting), min(gpus.bit_count() for _, gpus in fitting)
