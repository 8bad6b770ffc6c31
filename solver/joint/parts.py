"""Large batches: cut into parts that are placed apart, each on its share of the nodes (POP).

D. Narayanan et al., Solving Large-Scale Granular Resource Allocation Problems Efficiently with POP, SOSP 2021. What the
parts lose is told by a bound for the whole: a relaxation in which slots may be torn over nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ortools.sat.python import cp_model

from ..lexicographic import Budget, Goal, lexmin
from ..pool import Pool
from ..status import Status
from .batch import TERMS, Batch, Stand, place_batch
from .ids import taken
from .room import Node, eligible, rooms
from .wants import BatchJob, want_of

MOST_JOBS = 24
"""A batch of more jobs is cut."""


def place_in_parts(pool: Pool, jobs: Sequence[BatchJob], seconds: float, *, most: int = MOST_JOBS) -> Batch:
    """Place a batch of any size, as `place_batch` does where it is small.

    Parameters
    ----------
    pool, jobs, seconds
        As for `place_batch`.
    most
        Jobs of one part.

    Notes
    -----
    Jobs are dealt out by size, so that every part has large and small ones, and so are nodes by what is free. What a
    part did not place is tried once more on what all of them left.
    """
    if len(jobs) <= most:
        return place_batch(pool, jobs, seconds)
    count = -(-len(jobs) // most)
    nodes = sorted(rooms(pool), key=lambda node: (node.cores.bit_count(), node.gpus.bit_count(), node.position))
    by_size = sorted(jobs, key=_size)
    each = seconds / (count + 1)
    stands: dict[int, tuple[Stand, ...]] = {}
    local = TERMS[1:]
    terms = dict.fromkeys(TERMS, 0)
    for part in range(count):
        found = place_batch(pool, by_size[part::count], each, nodes=nodes[part::count])
        stands.update(found.stands)
        terms = {name: terms[name] + found.terms.get(name, 0) for name in TERMS}
    left = [job for job in jobs if job.id not in stands]
    if left:
        rest = place_batch(pool, left, each, nodes=_after(nodes, stands))
        stands.update(rest.stands)
        terms = {name: terms[name] + rest.terms.get(name, 0) for name in TERMS}
    bound = upper_bound(pool, jobs, nodes, each)
    proven = terms["weight"] == bound
    # Of the terms after the weight nothing is proven by parts.
    return Batch(Status.FEASIBLE, terms, {"weight": max(bound, terms["weight"]), **dict.fromkeys(local, 0)}, stands) if (
        stands or not proven
    ) else Batch(Status.OPTIMAL, terms, terms, stands)


def _size(job: BatchJob) -> tuple[int, int, int]:
    want = want_of(job.request)
    times = max(1, want.hosts) * want.slots
    return (-times * want.cores, -times * want.gpus, job.id)


def _after(nodes: Sequence[Node], stands: Mapping[int, tuple[Stand, ...]]) -> list[Node]:
    """Return the nodes with what the parts have left of them."""
    left = {node.position: node for node in nodes}
    for stand in (stand for some in stands.values() for stand in some):
        left[stand.node.position] = stand.node
    return [node for node in nodes if node.position not in {s.node.position for some in stands.values() for s in some}]


def upper_bound(pool: Pool, jobs: Sequence[BatchJob], nodes: Sequence[Node], seconds: float) -> int:
    """Return a weight that no placement of the batch exceeds: free cores, gpus and nodes are counted in all."""
    model = cp_model.CpModel()
    allowed = eligible(pool.machine, jobs)
    cores, gpus, idle, goal = [], [], [], []
    for job in jobs:
        want = want_of(job.request)
        fitting = [min(node.most(want), want.slots) for node in nodes if allowed[job.id] >> node.position & 1]
        enough = sum(n >= want.slots for n in fitting) >= want.hosts if want.hosts else sum(fitting) >= want.slots
        if not enough:
            continue
        placed = model.new_bool_var("")
        times = max(1, want.hosts) * want.slots
        cores.append(times * want.cores * placed)
        gpus.append(times * want.gpus * placed)
        if want.whole:
            idle.append(want.hosts * placed)
        goal.append(-job.weight * placed)
    model.add(sum(cores) <= sum(node.cores.bit_count() for node in nodes))
    model.add(sum(gpus) <= sum(node.gpus.bit_count() for node in nodes))
    model.add(sum(idle) <= sum(node.is_idle for node in nodes))
    most = sum(job.weight for job in jobs)
    found = lexmin(model, [Goal(sum(goal), -most, 0)], Budget(seconds))
    return -found.bounds[0] if found.status.found else most


__all__ = ["MOST_JOBS", "place_in_parts", "taken", "upper_bound"]
