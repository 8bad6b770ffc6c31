"""Machines with running jobs and one that waits, at random, and victims chosen by others: all ways there are, greedily.

`python -m preempting --count 10000` (with tests/support on the path) holds the plan of every case against what Slurm's
and Kueue's orders take, and small ones against all ways there are. The same seed gives the same cases.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.status import Status
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.joint import Candidate, GivingWay, plan_preemption
from exactfit.solver.joint.giving_way import lost_of
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R
from racks import ids

Json = dict[str, Any]
SECONDS = 20.0
ANY = (
    "slot={n}/core={c}",
    "slot={n}/node",
    "node={n}/slot/core={c}",
    "node={n}/slot=2/core={c}",
    "slot={n}/[core={c};gpu=1]",
    "slot={n}/[core={c};memory={m}]",
    "slot={n}/socket",
    "slot={n}/socket/core={c}",
    "node={n}/slot/[core={c};gpu=2]",
    "[slot={n}{{a}}/core={c};slot=1{{b}}/[core=1;gpu=1]]",
    "node=1/[slot={n}{{a}}/core=1;slot=1{{b}}/gpu=1]",
)
RACKS = (
    "rack=1/node={n}/slot/core={c}",
    "rack=2/node=1/slot/core={c}",
    "slot={n}/rack/node=1",
    "slot=1/rack{{x}}/node=2",
    "rack=1/slot={n}/core={c}",
    "slot=1/rack=1/[node=1;power={m}]",
)
JOINT = ("slot={n}/core={c}", "slot={n}/node", "node={n}/slot/core={c}", "node={n}/slot/[core={c};gpu=1]")
RUNNING = ("slot=1/core={c}", "slot={n}/core=1", "slot={n}/node", "node={n}/slot/core={c}", "slot=1/[core=1;gpu=1]")


def request(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


@dataclass
class Case:
    """A pool in which jobs run, one that waits, and who may give way."""

    pool: Pool
    shape: str
    candidates: list[Candidate]
    started: dict[int, int] = field(default_factory=dict)

    def fits_without(self, jobs: Collection[int]) -> bool:
        """Tell whether the pool itself places the waiting job when some have ended."""
        pool = self.pool.copy()
        for job in jobs:
            pool.free(job)
        try:
            pool.alloc(10_000, request(self.shape))
        except (InsufficientResources, InfeasibleRequest):
            return False
        return True

    @cached_property
    def plan(self) -> GivingWay | None:
        """What is to be held against the others."""
        return plan_preemption(self.pool, request(self.shape), self.candidates, SECONDS)

    def value(self, ended: Collection[int], moved: Collection[int] = ()) -> tuple[int, ...]:
        """Return the terms of a choice, the first compared first."""
        return tuple(lost_of(self.candidates, ended, moved).values())


class Draw:
    """Draws cases."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def case(self, *, racks: bool | None = None, moves: bool = False, most: int = 8) -> Case:
        """Draw a case of up to so many nodes."""
        dice = self.dice
        racks = dice.random() < 0.4 if racks is None else racks
        size = dice.randint(2, most)
        pool = Pool(self.machine(size, racks and not moves), Options(policy=parse_policy("spread")))
        for number in range(1, dice.randint(2, 2 * most)):
            try:
                pool.alloc(number, request(self.shape(RUNNING, most // 2)))
            except (InsufficientResources, InfeasibleRequest):
                continue
        if dice.random() < 0.2:
            pool.mark_down(1 << dice.randrange(size))
        ranks = dice.choice(([0], [0, 1], [0, 5, 9], range(20)))
        losses: Callable[[], int] = dice.choice((lambda: 1, lambda: dice.randint(1, 3), lambda: dice.randint(1, 1000)))
        candidates = [
            Candidate(job, dice.choice(ranks), *self.prices(losses, moves)) for job in pool.jobs if dice.random() < 0.95
        ]
        shapes = JOINT if moves else (*ANY, *RACKS) if racks else ANY
        started = {job: dice.randint(0, 5) for job in pool.jobs}
        return Case(pool, self.shape(shapes, size), candidates, started)

    def prices(self, losses: Callable[[], int], moves: bool) -> tuple[int | None, int | None]:
        if not moves:
            return losses(), None
        return self.dice.choice(((losses(), losses()), (None, losses()), (losses(), None)))

    def shape(self, shapes: Sequence[str], most: int) -> str:
        dice = self.dice
        text = dice.choice(shapes)
        return text.format(n=dice.randint(1, max(1, most)), c=dice.randint(1, 4), m=dice.choice((1, 3, 6)))

    def machine(self, size: int, racks: bool) -> Any:
        """Draw nodes of two sockets of two cores and a GPU each."""
        sockets = {"socket": [{"cores": "0-1", "gpus": "0"}, {"cores": "2-3", "gpus": "1"}], "memory": 8}
        ranks = f"0-{size - 1}"
        scheduling: Json = {"children": [{"ranks": ranks, "topo": sockets}]}
        if racks:
            cut = self.dice.randint(1, size - 1)
            parts = [ids(0, cut), ids(cut, size - cut)]
            scheduling["groups"] = {"rack": [{"ranks": part, "power": 6} for part in parts]}
        lite = [{"rank": ranks, "children": {"core": "0-3", "gpu": "0-1"}}]
        R = {"version": 1, "execution": {"R_lite": lite, "starttime": 0, "expiration": 0}, "scheduling": scheduling}
        return read_R(R)


# -- as others choose -------------------------------------------------------------------------------------------------


def slurm(case: Case) -> list[int] | None:
    """Return whom Slurm takes: the lowest rank and the youngest first, until it fits; then those in the way of it."""
    order = sorted(case.candidates, key=lambda one: (one.rank, -case.started[one.job]))
    pool = case.pool.copy()
    taken: list[int] = []
    for one in [None, *order]:
        if one is not None:
            pool.free(one.job)
            taken.append(one.job)
        try:
            given = pool.copy().alloc(10_000, request(case.shape))
        except (InsufficientResources, InfeasibleRequest):
            continue
        return [job for job in taken if case.pool.jobs[job].nodes & given.nodes]
    return None


def kueue(case: Case) -> list[int] | None:
    """Return whom Kueue takes: in the same order until it fits; then those are let be that can, the last ones first."""
    order = sorted(case.candidates, key=lambda one: (one.rank, -case.started[one.job]))
    taken: list[int] = []
    for one in [None, *order]:
        taken += [one.job] if one is not None else []
        if case.fits_without(taken):
            break
    else:
        return None
    for job in taken[-2::-1]:
        fewer = [other for other in taken if other != job]
        if case.fits_without(fewer):
            taken = fewer
    return taken


def everything(case: Case) -> tuple[int, ...] | None:
    """Return the least value of all choices of jobs that end; None where no choice helps."""
    jobs = [one.job for one in case.candidates]
    choices = [
        [job for job, take in zip(jobs, bits, strict=True) if take] for bits in product((0, 1), repeat=len(jobs))
    ]
    useless: list[set[int]] = []
    for choice in sorted(choices, key=case.value):
        if any(known.issuperset(choice) for known in useless):
            continue
        if case.fits_without(choice):
            return case.value(choice)
        useless.append(set(choice))
    return None


def everything_that_moves(case: Case) -> tuple[int, ...] | None:
    """Return the least value of all choices of jobs that end and move, with all places for what moves."""
    up = case.pool.up_mask
    options = []
    for one in case.candidates:
        stays = case.pool.jobs[one.job].nodes & ~up
        named = {"stay": 0, "end": one.ends, "move": one.moves}
        options.append([way for way, lost in named.items() if way == "stay" or (lost is not None and not stays)])
    jobs = [one.job for one in case.candidates]

    def parts(ways: Sequence[str]) -> tuple[list[int], list[int]]:
        named = list(zip(jobs, ways, strict=True))
        return [job for job, way in named if way == "end"], [job for job, way in named if way == "move"]

    for ways in sorted(product(*options), key=lambda ways: case.value(*parts(ways))):
        ended, moved = parts(ways)
        if _has_room(case, ended, moved):
            return case.value(ended, moved)
    return None


def _has_room(case: Case, ended: Sequence[int], moved: Sequence[int]) -> bool:
    """Tell whether what moves can stand so that the waiting job fits, by trying each place."""
    pool = case.pool.copy()
    loads = []
    for job in moved:
        held = case.pool.jobs[job].holdings
        loads.append([(h.cores.bit_count(), h.gpus.bit_count()) for h in held for _ in range(h.nodes.bit_count())])
    for job in (*ended, *moved):
        pool.free(job)
    free = {at: [0, 0] for at in range(pool.machine.size) if pool.up_mask >> at & 1}
    for at in free:
        node = pool.present[0].changes.free_of(pool.present[1], at)
        free[at] = [node.cores.bit_count(), node.gpus.bit_count()]
    return any(_takes(case.shape, left) for left in _placed(free, loads))


def _placed(free: dict[int, list[int]], jobs: list[list[tuple[int, int]]]) -> Iterator[dict[int, list[int]]]:
    if not jobs:
        yield free
        return
    yield from _put(free, jobs[0], frozenset(), jobs[1:])


def _put(
    free: dict[int, list[int]], loads: list[tuple[int, int]], used: frozenset[int], jobs: list[list[tuple[int, int]]]
) -> Iterator[dict[int, list[int]]]:
    if not loads:
        yield from _placed(free, jobs)
        return
    (cores, gpus), *rest = loads
    for at, (have, cards) in free.items():
        if at not in used and cores <= have and gpus <= cards:
            yield from _put({**free, at: [have - cores, cards - gpus]}, rest, used | {at}, jobs)


def _takes(shape: str, free: dict[int, list[int]]) -> bool:
    """Tell whether a shape of `JOINT` fits numbers of cores and GPUs of nodes."""
    vertices = parse_resources(parse_shape(shape))
    top, count = vertices[0], vertices[0].count.min
    if top.is_slot and top.children[0].type == "node":
        return sum(have == [4, 2] for have in free.values()) >= count
    inside = top if top.is_slot else top.children[0]
    need = Counter({child.type: child.count.min for child in inside.children})
    times = [
        min(have[0] // (need["core"] or 1), have[1] // need["gpu"] if need["gpu"] else 99) for have in free.values()
    ]
    return sum(times) >= count if top.is_slot else sum(time > 0 for time in times) >= count


# -- what is held against what ----------------------------------------------------------------------------------------


def wrong(case: Case, *, brute: bool) -> str:
    """Return what is wrong with the plan of a case; empty where nothing is."""
    plan = case.plan
    moving = any(one.moves is not None for one in case.candidates)
    if not moving:
        for name, greedy in (("slurm", slurm), ("kueue", kueue)):
            theirs = greedy(case)
            if (theirs is None) != (plan is None):
                return f"{name} takes {theirs}, and the plan is {plan}"
            if theirs is not None and plan is not None and tuple(plan.terms.values()) > case.value(theirs):
                return f"{name} takes {theirs} of value {case.value(theirs)}, less than {plan}"
    if plan is not None and plan.status is not Status.OPTIMAL:
        return f"not proven: {plan}"
    if plan is not None and not plan.moves and not case.fits_without(plan.ended):
        return f"it does not fit then: {plan}"
    if brute:
        least = everything_that_moves(case) if moving else everything(case)
        ours = None if plan is None else tuple(plan.terms.values())
        if least != ours:
            return f"the best is {least}, and the plan is {plan}"
    return ""


def main() -> None:
    """Draw cases, print what is wrong and how many were right."""
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("--count", type=int, default=1000)
    read.add_argument("--seed", type=int, default=1)
    given = read.parse_args()
    told: Counter[str] = Counter()
    for number in range(given.seed, given.seed + given.count):
        kind = ("greedy", "all ways", "all ways, racks", "all ways, moves")[number % 4]
        case = Draw(number).case(
            racks=True if kind == "all ways, racks" else None,
            moves=kind == "all ways, moves",
            most=8 if kind == "greedy" else 4,
        )
        brute = kind != "greedy" and len(case.candidates) <= (6 if "moves" in kind else 9)
        fault = wrong(case, brute=brute)
        if fault:
            print(f"seed {number} ({kind}): {case.shape}: {fault}")
        plan = case.plan
        found = "none helps" if plan is None else "fits already" if not (plan.ended or plan.moves) else "victims"
        told[f"{kind}, {found}" if not fault else "wrong"] += 1
    for name, times in sorted(told.items()):
        print(f"{times:6} {name}")


if __name__ == "__main__":
    main()
