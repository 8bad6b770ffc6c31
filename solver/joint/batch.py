"""Places a batch together: as many jobs as can be, by their weights; then as local and as dense as can be.

Variables count slots of a job on a node, and in each of its innermost domains. The goals, one after the other: the
weight of the jobs placed (most); slots that stand in no one innermost domain (`affinity`, fewest); nodes touched by the
jobs (`spread.node`, fewest); wholly free nodes touched (`intact.node`, fewest).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ortools.sat.python import cp_model

from ..lexicographic import Budget, Expression, Goal, LexicographicResult, lexmin
from ..pool import Pool
from ..status import Status
from .room import Node, eligible, rooms, trimmed
from .wants import BatchJob, Want, want_of

TERMS = ("weight", "affinity", "spread.node", "intact.node")


@dataclass(frozen=True, slots=True)
class Stand:
    """What a job has of one node: how many slots, and how many of them in each innermost domain."""

    node: Node
    slots: int
    leaves: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that was placed.

    Attributes
    ----------
    status
        OPTIMAL: every term is proven; FEASIBLE: the search was cut off.
    terms, bounds
        By name, in the order in which they count; the bound is what no placement beats.
    stands
        By job id, of those placed.
    """

    status: Status
    terms: Mapping[str, int]
    bounds: Mapping[str, int]
    stands: Mapping[int, tuple[Stand, ...]] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """How far the weight may be from the best, as a part of the bound: 0 when it is proven."""
        bound = self.bounds["weight"]
        return (bound - self.terms["weight"]) / bound if bound else 0.0


def place_batch(
    pool: Pool, jobs: Sequence[BatchJob], seconds: float, *, nodes: Sequence[Node] | None = None, local: bool = True
) -> Batch:
    """Place a batch on what is free in a pool, which stays as it is.

    Parameters
    ----------
    pool
        Whose state counts.
    jobs
        With different ids.
    seconds
        That the search may take. A batch of which nothing was found by then is one of which nothing is placed.
    nodes
        To choose from; all that are up, by default.
    local
        Whether the terms after the weight count.

    Raises
    ------
    NotJointError
        For a request of another form than the model's.
    """
    budget = Budget(seconds)
    wants = {job.id: want_of(job.request) for job in jobs}
    allowed = eligible(pool.machine, jobs)
    room = trimmed(rooms(pool) if nodes is None else nodes, wants, allowed)
    model = _BatchModel(jobs, wants, allowed, room)
    result = lexmin(model.model, model.goals(local), budget)
    most = sum(job.weight for job in jobs)
    if not result.status.found:
        nothing = dict.fromkeys(TERMS, 0)
        return Batch(Status.FEASIBLE, nothing, {**nothing, "weight": most})
    names = TERMS if local else TERMS[:1]
    values, bounds = list(result.values), list(result.bounds)
    terms = dict(zip(names, [-values[0], *values[1:]], strict=False))
    limits = dict(zip(names, [min(most, -bounds[0]), *bounds[1:]], strict=False))
    return Batch(result.status, terms, limits, model.read(result))


class _BatchModel:
    def __init__(
        self, jobs: Sequence[BatchJob], wants: Mapping[int, Want], allowed: Mapping[int, int], room: Sequence[Node]
    ) -> None:
        self.model = cp_model.CpModel()
        self.jobs = jobs
        self.wants = wants
        self.room = room
        self.placed = {job.id: self.model.new_bool_var("") for job in jobs}
        self.slots: dict[tuple[int, int], Expression] = {}
        self.touched: dict[tuple[int, int], cp_model.IntVar] = {}
        self.inside: dict[tuple[int, int, int], cp_model.IntVar] = {}
        for job in jobs:
            self._add_job(job.id, wants[job.id], allowed[job.id])
        for place, node in enumerate(room):
            self._share_node(place, node)

    def _add_job(self, job: int, want: Want, allowed: int) -> None:
        """Give a job that is placed all its slots; one with hosts as many on each."""
        touched = []
        for place, node in enumerate(self.room):
            most = min(node.most(want), want.slots) if allowed >> node.position & 1 else 0
            if most < (want.slots if want.hosts else 1):
                continue
            touch = self.touched[job, place] = self.model.new_bool_var("")
            touched.append(touch)
            if want.hosts:
                self.slots[job, place] = want.slots * touch
            else:
                count = self.slots[job, place] = self.model.new_int_var(0, most, "")
                self.model.add(count <= most * touch)
                self.model.add(count >= touch)
            if not want.whole:
                self._add_leaves(job, place, want, most)
        if want.hosts:
            self.model.add(sum(touched) == want.hosts * self.placed[job])
        else:
            slots = [count for (owner, _), count in self.slots.items() if owner == job]
            self.model.add(sum(slots) == want.slots * self.placed[job])

    def _add_leaves(self, job: int, place: int, want: Want, most: int) -> None:
        """Count the slots that stand in one innermost domain; the others take what is left anywhere on the node."""
        found = []
        for leaf, (cores, gpus) in enumerate(self.room[place].leaves):
            fits = [have.bit_count() // each for have, each in ((cores, want.cores), (gpus, want.gpus)) if each]
            if min(fits):
                count = self.inside[job, place, leaf] = self.model.new_int_var(0, min(most, *fits), "")
                found.append(count)
        if found:
            self.model.add(sum(found) <= self.slots[job, place])

    def _share_node(self, place: int, node: Node) -> None:
        """No more is given of a node, and of a domain in it, than is free; a whole node goes to one job."""
        for gpu, free in ((False, node.cores.bit_count()), (True, node.gpus.bit_count())):
            taken = []
            for job in self.jobs:
                if (job.id, place) in self.slots:
                    want = self.wants[job.id]
                    each = want.gpus if gpu else want.cores
                    whole = want.whole
                    taken.append(free * self.touched[job.id, place] if whole else each * self.slots[job.id, place])
            if taken:
                self.model.add(sum(taken) <= free)
            for leaf, masks in enumerate(node.leaves):
                inside = [
                    (self.wants[job.id].gpus if gpu else self.wants[job.id].cores) * self.inside[job.id, place, leaf]
                    for job in self.jobs
                    if (job.id, place, leaf) in self.inside
                ]
                if inside:
                    self.model.add(sum(inside) <= masks[gpu].bit_count())

    def goals(self, local: bool) -> list[Goal]:
        """Return the goals, all to be minimised."""
        most = sum(job.weight for job in self.jobs)
        weight: Expression = sum(-job.weight * self.placed[job.id] for job in self.jobs)
        goals = [Goal(weight, -most, 0)]
        if not local or not self.touched:
            return goals
        free = [(job, place) for job, place in self.slots if not self.wants[job].whole]
        slots: Expression = sum(self.slots[key] for key in free)
        crossing = slots - sum(self.inside.values())
        goals.append(Goal(crossing, 0, sum(w.slots * max(1, w.hosts) for w in self.wants.values())))
        goals.append(Goal(sum(self.touched.values()), 0, len(self.touched)))
        opened = []
        for place, node in enumerate(self.room):
            touches = [touch for (_, where), touch in self.touched.items() if where == place]
            if node.is_idle and touches:
                literal = self.model.new_bool_var("")
                self.model.add_max_equality(literal, touches)
                opened.append(literal)
        goals.append(Goal(sum(opened), 0, len(opened)))
        return goals

    def read(self, result: LexicographicResult) -> dict[int, tuple[Stand, ...]]:
        """Return where the jobs stand."""
        solver: Any = result.solver
        found: dict[int, list[Stand]] = {}
        for (job, place), slots in self.slots.items():
            count = solver.value(slots)
            if not count:
                continue
            node = self.room[place]
            leaves = tuple(
                solver.value(self.inside[job, place, leaf]) if (job, place, leaf) in self.inside else 0
                for leaf in range(len(node.leaves))
            )
            found.setdefault(job, []).append(Stand(node, count, leaves))
        return {job: tuple(stands) for job, stands in found.items()}
