"""Small queues at random, and the earliest starts of all orders that respect priorities, by trying every placement."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.explain import Kept
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R
from racks import ids

CORES, NOW = 3, 1000.0


class Waiting(NamedTuple):
    """So many whole nodes, or so many slots of some cores anywhere, for so long."""

    nodes: int
    slots: int
    each: int
    duration: float

    @property
    def request(self) -> Request:
        shape = f"slot={self.nodes}/node" if self.nodes else f"slot={self.slots}/core={self.each}"
        return Request.of(parse_resources(parse_shape(shape)), duration=self.duration)


Use = tuple[int, int, float, float]
"""Node, cores, from, to."""


@dataclass(frozen=True)
class Case:
    """A pool in which jobs run, what is kept, and a queue."""

    pool: Pool
    kept: list[Kept]
    queue: list[Waiting]
    held: list[Use]

    @property
    def requests(self) -> list[tuple[int, Request]]:
        return [(100 + number, one.request) for number, one in enumerate(self.queue)]

    def least(self) -> list[float]:
        """Return the starts that are least one after the other, of all placements of all jobs."""
        found = self._least(self.held, self.queue)
        assert found is not None
        return found

    def _least(self, uses: list[Use], queue: Sequence[Waiting]) -> list[float] | None:
        if not queue:
            return []
        first, *others = queue
        ends = sorted({NOW, *(end for *_, end in uses if end < float("inf"))})
        for start in ends:
            rests = [
                rest
                for placed in self._placements(uses, first, start)
                if (rest := self._least([*uses, *placed], others)) is not None
            ]
            if rests:
                return [start, *min(rests)]
        return None

    def _placements(self, uses: list[Use], job: Waiting, start: float) -> Iterator[list[Use]]:
        end = start + job.duration
        size = self.pool.machine.size
        room = [max(0, CORES - _most(uses, node, start, end)) for node in range(size)]
        if job.nodes:
            idle = [node for node in range(size) if room[node] == CORES]
            for nodes in combinations(idle, job.nodes):
                yield [(node, CORES, start, end) for node in nodes]
            return
        for counts in _split(job.slots, [free // job.each for free in room]):
            yield [(node, count * job.each, start, end) for node, count in enumerate(counts) if count]


def _most(uses: Sequence[Use], node: int, start: float, end: float) -> int:
    here = [use for use in uses if use[0] == node and use[2] < end and start < use[3]]
    moments = [start, *(use[2] for use in here if start < use[2])]
    return max(sum(use[1] for use in here if use[2] <= moment < use[3]) for moment in moments)


def _split(slots: int, room: Sequence[int]) -> Iterator[list[int]]:
    if not room:
        if not slots:
            yield []
        return
    for count in range(min(slots, room[0]) + 1):
        for rest in _split(slots - count, room[1:]):
            yield [count, *rest]


def draw(seed: int) -> Case:
    """Draw a case of up to three nodes and four jobs."""
    dice = random.Random(seed)
    size = dice.randint(1, 3)
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": ids(0, size), "children": {"core": ids(0, CORES)}}], "expiration": 0},
    }
    pool = Pool(read_R(R))
    held: list[Use] = []
    for node in range(size):
        for core in range(CORES):
            if dice.random() < 0.5:
                end = NOW + dice.randint(1, 6)
                lite = [{"rank": str(node), "children": {"core": str(core)}}]
                execution = {"R_lite": lite, "starttime": 0, "expiration": end}
                pool.register_alloc(10 * node + core + 1, {"version": 1, "execution": execution})
                held.append((node, 1, NOW - 1, end))
    kept = []
    if dice.random() < 0.4:
        node, start = dice.randrange(size), NOW + dice.randint(-1, 5)
        kept = [Kept(1 << node, start, start + dice.randint(2, 5))]
        # Whatever runs there runs on.
        held.append((node, CORES, kept[0].start, kept[0].end))
    queue = [_waiting(dice, size) for _ in range(dice.randint(1, 4))]
    return Case(pool, kept, queue, held)


def _waiting(dice: random.Random, size: int) -> Waiting:
    duration = float(dice.randint(1, 6))
    if dice.random() < 0.4:
        return Waiting(dice.randint(1, size), 0, 0, duration)
    each = dice.randint(1, CORES)
    return Waiting(0, dice.randint(1, CORES // each * size), each, duration)
