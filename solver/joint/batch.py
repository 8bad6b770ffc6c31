"""Places a batch together: as many jobs as can be, by their weights; then by what counts can say of the policy's terms.

Variables count slots of a job on a node, and in each domain below it. The goals, one after the other: the weight of the
jobs placed (most); what they have whole of which R lists only a part (``partial``, fewest); for each level from the
coarsest the slots that stand in no one domain of it (``affinity.LEVEL``, fewest); nodes touched, job by job
(``spread.node``, fewest); wholly free nodes touched (``intact.node``, fewest); free cores of the nodes touched
(``fit.node``, fewest). Which domains a torn slot touches is not counted, so there is no intact and no fit below the
node, no share and no shield.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...topology.machine import Machine
from ..allocator import Allocator
from ..cpsat.budget import Budget
from ..cpsat.lexicographic import Expression, Goal
from ..cpsat.loading import new_model
from ..cpsat.status import Status
from .occupancy import Occupancy, Occupied, terms_of, value_of
from .one_by_one import one_by_one
from .room import Node, eligible, rooms, trimmed, wants_of
from .search import search
from .wants import BatchJob, Want, check_batch

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_GREEDY_SHARE = 0.25
"""The part of the work that placing one by one may take."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that was placed.

    Attributes
    ----------
    status
        OPTIMAL: every term is proven; FEASIBLE: the search was cut off.
    terms, bounds
        By name, in the order in which they count; the bound is what no placement beats that is as good in those
        before, and none where nothing is proven.
    occupancy
        Where they stand: by job id, of those placed.
    """

    status: Status
    terms: Mapping[str, int]
    bounds: Mapping[str, int]
    occupancy: Occupancy = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """How far the weight may be from the best, as a part of the bound: 0 when it is proven."""
        bound = self.bounds["weight"]
        return (bound - self.terms["weight"]) / bound if bound else 0.0


def place_batch(
    pool: Allocator,
    jobs: Sequence[BatchJob],
    seconds: float,
    *,
    nodes: Sequence[Node] | None = None,
    local: bool = True,
) -> Batch:
    """Place a batch on what is free in a pool, which stays as it is.

    Parameters
    ----------
    pool
        Whose state counts.
    jobs
        With different ids.
    seconds
        Of work that the search may take. What it finds is never worse than the jobs placed one by one, the heaviest
        first.
    nodes
        To choose from; all that are up, by default.
    local
        Whether the terms after the weight count.

    Raises
    ------
    NotJointError
        For a request of another form than the model's.
    """
    check_batch(jobs, seconds)
    return batch_within(pool, jobs, Budget(seconds), nodes=nodes, local=local)


def batch_within(
    pool: Allocator,
    jobs: Sequence[BatchJob],
    budget: Budget,
    *,
    nodes: Sequence[Node] | None = None,
    local: bool = True,
) -> Batch:
    """Place a batch as `place_batch` does, within what is left of a budget."""
    wants = wants_of(pool, jobs)
    allowed = eligible(pool.machine, jobs)
    there = rooms(pool) if nodes is None else nodes
    names = terms_of(pool.machine) if local else terms_of(pool.machine)[:1]
    greedy = one_by_one(pool, jobs, wants, there, budget.part(_GREEDY_SHARE))
    used = 0
    for occupied in (occupied for occupancy in greedy.values() for occupied in occupancy):
        used |= 1 << occupied.node.position
    room = trimmed(there, wants, allowed, used)
    model = _BatchModel(pool.machine, jobs, wants, allowed, room)
    weights = {job.id: job.weight for job in jobs}
    most = sum(weights.values())
    first = value_of(pool.machine, greedy, wants, weights)[: len(names)]
    found = search(model.model, model.goals(local), budget, (-first[0], *first[1:]), lambda: model.hint(greedy))
    values, bounds = (-found.values[0], *found.values[1:]), (min(most, -found.bounds[0]), *found.bounds[1:])
    return Batch(
        Status.OPTIMAL if values == bounds else Status.FEASIBLE,
        dict(zip(names, values, strict=True)),
        dict(zip(names, bounds, strict=True)),
        greedy if found.solver is None else model.read(found.solver),
    )


def _fewest(want: Want, room: Sequence[Node]) -> int:
    """Return how many nodes it takes at least for all slots."""
    left, count = want.slots, 0
    for most in sorted((node.most(want) for node in room), reverse=True):
        if left <= 0:
            break
        left -= most
        count += 1
    return count


class _BatchModel:
    def __init__(
        self,
        machine: Machine,
        jobs: Sequence[BatchJob],
        wants: Mapping[int, Want],
        allowed: Mapping[int, int],
        room: Sequence[Node],
    ) -> None:
        self.model = new_model()
        self.machine = machine
        self.jobs = jobs
        self.wants = wants
        self.room = room
        self.placed = {job.id: self.model.new_bool_var("") for job in jobs}
        self.slots: dict[tuple[int, int], Expression] = {}
        self.loose: dict[tuple[int, int], cp_model.IntVar] = {}
        self.touched: dict[tuple[int, int], cp_model.IntVar] = {}
        self.inside: dict[tuple[int, int, int], cp_model.IntVar] = {}
        for job in jobs:
            self._add_job(job.id, wants[job.id], allowed[job.id])
        for place, node in enumerate(room):
            self._share_node(place, node)
        self._order_alike(allowed)

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
                count = self.slots[job, place] = self.loose[job, place] = self.model.new_int_var(0, most, "")
                self.model.add(count <= most * touch)
                self.model.add(count >= touch)
            if not want.whole:
                self._add_inside(job, place, want, most)
        if want.hosts:
            self.model.add(sum(touched) == want.hosts * self.placed[job])
        else:
            slots = [count for (owner, _), count in self.slots.items() if owner == job]
            self.model.add(sum(slots) == want.slots * self.placed[job])
            # So that the search knows how few nodes will do, without finding out.
            self.model.add(sum(touched) >= _fewest(want, self.room) * self.placed[job])

    def _add_inside(self, job: int, place: int, want: Want, most: int) -> None:
        """Count the slots that stand in each domain; what a domain has no more of, those around it may have."""
        node = self.room[place]
        below: dict[int, list[cp_model.IntVar]] = {}
        for at, domain in enumerate(node.domains):
            fits = min(most, node.inside(at, want))
            if fits and (domain.parent < 0 or (job, place, domain.parent) in self.inside):
                count = self.inside[job, place, at] = self.model.new_int_var(0, fits, "")
                below.setdefault(domain.parent, []).append(count)
        for around, counts in below.items():
            upper = self.slots[job, place] if around < 0 else self.inside[job, place, around]
            self.model.add(sum(counts) <= upper)
        if want.level:
            held = [self.inside[job, place, at] for at in self._of_level(job, place, want.level)]
            self.model.add(sum(held) == self.slots[job, place])

    def _of_level(self, job: int, place: int, level: str) -> list[int]:
        """Return the domains of a level in which slots of a job are counted."""
        domains = enumerate(self.room[place].domains)
        return [at for at, domain in domains if domain.level == level and (job, place, at) in self.inside]

    def _share_node(self, place: int, node: Node) -> None:
        """No more is given of a node, and of a domain in it, than is free; a whole node goes to one job."""
        here = [job.id for job in self.jobs if (job.id, place) in self.slots]
        for gpu, free in ((False, node.cores.bit_count()), (True, node.gpus.bit_count())):
            taken = [self._taken(job, place, -1, gpu) for job in here]
            if taken:
                self.model.add(sum(taken) <= free)
            for at, domain in enumerate(node.domains):
                if domain.has_gpus if gpu else domain.has_cores:
                    inside = [self._taken(job, place, at, gpu) for job in here if (job, place, at) in self.inside]
                    mask = domain.gpus & node.gpus if gpu else domain.cores & node.cores
                    if inside:
                        self.model.add(sum(inside) <= mask.bit_count())

    def _taken(self, job: int, place: int, at: int, gpu: bool) -> Expression:
        """Return what slots of a job take that stand in a domain (-1: anywhere in the node)."""
        want, node = self.wants[job], self.room[place]
        if want.whole:
            return (node.gpus if gpu else node.cores).bit_count() * self.touched[job, place]
        if not want.fills:
            count = self.slots[job, place] if at < 0 else self.inside[job, place, at]
            return self._each(job, gpu) * count
        filled = [d for d in self._of_level(job, place, want.level) if at < 0 or node.is_in(d, at)]
        return sum(node.all_of(d)[gpu].bit_count() * self.inside[job, place, d] for d in filled)

    def _each(self, job: int, gpu: bool) -> int:
        return self.wants[job].gpus if gpu else self.wants[job].cores

    def _order_alike(self, allowed: Mapping[int, int]) -> None:
        """Of jobs that are alike, place the first ones: which of them it is makes no difference."""
        last: dict[object, int] = {}
        for job in self.jobs:
            kind = (self.wants[job.id], allowed[job.id], job.weight)
            if kind in last:
                self.model.add_implication(self.placed[job.id], self.placed[last[kind]])
            last[kind] = job.id

    def hint(self, occupancy: Occupancy) -> None:
        """Let the search start from a placement."""
        at = {node.position: place for place, node in enumerate(self.room)}
        there = {(job, at[occupied.node.position]): occupied for job, some in occupancy.items() for occupied in some}
        for job, literal in self.placed.items():
            self.model.add_hint(literal, job in occupancy)
        for key, touch in self.touched.items():
            occupied = there.get(key)
            self.model.add_hint(touch, occupied is not None)
            if key in self.loose:
                self.model.add_hint(self.loose[key], occupied.slots if occupied else 0)
        for (job, place, inner), count in self.inside.items():
            occupied = there.get((job, place))
            self.model.add_hint(count, occupied.inside[inner] if occupied and occupied.inside else 0)

    def goals(self, local: bool) -> list[Goal]:
        """Return the goals, all to be minimised, in the order of the terms' names."""
        most = sum(job.weight for job in self.jobs)
        weight: Expression = sum(-job.weight * self.placed[job.id] for job in self.jobs)
        goals = [Goal(weight, -most, 0)]
        if not local:
            return goals
        slots = sum(want.slots * max(1, want.hosts) for want in self.wants.values())
        goals.append(self._partial())
        goals += [Goal(self._torn(level), 0, slots) for level in self.machine.levels]
        goals.append(Goal(sum(self.touched.values()), 0, len(self.touched)))
        opened: dict[int, cp_model.IntVar] = {}
        for place in {place for _, place in self.touched}:
            touches = [touch for (_, where), touch in self.touched.items() if where == place]
            opened[place] = self.model.new_bool_var("")
            self.model.add_max_equality(opened[place], touches)
            taken = [self._taken(job, place, -1, False) for job, where in self.slots if where == place]
            self.model.add(sum(taken) <= self.room[place].cores.bit_count() * opened[place])
        idle = [literal for place, literal in opened.items() if self.room[place].is_idle]
        goals.append(Goal(sum(idle), 0, len(idle)))
        free = {place: self.room[place].cores.bit_count() for place in opened}
        goals.append(Goal(sum(free[place] * literal for place, literal in opened.items()), 0, sum(free.values())))
        return goals

    def _partial(self) -> Goal:
        """Count the nodes, and the domains, that jobs have whole and of which R lists only a part."""
        nodes = [
            touch
            for (job, place), touch in self.touched.items()
            if self.wants[job].whole and not self.room[place].type.domains[0].whole
        ]
        domains = [
            count
            for (job, place, at), count in self.inside.items()
            if self.wants[job].fills
            and self.room[place].domains[at].level == self.wants[job].level
            and not self.room[place].domains[at].whole
        ]
        most = sum(want.slots * max(1, want.hosts) for want in self.wants.values())
        return Goal(sum(nodes) + sum(domains), 0, len(nodes) + most if domains else len(nodes))

    def _torn(self, level: str) -> Expression:
        """Return how many slots stand in no one domain of a level, on nodes that have it."""
        having = {place for place, node in enumerate(self.room) if any(d.level == level for d in node.domains)}
        slots = [count for (job, place), count in self.slots.items() if place in having and not self.wants[job].whole]
        inside = [count for (_, place, at), count in self.inside.items() if self.room[place].domains[at].level == level]
        return sum(slots) - sum(inside)

    def read(self, solver: cp_model.CpSolver) -> Occupancy:
        """Return where the jobs stand."""
        occupancy: dict[int, list[Occupied]] = {}
        for (job, place), slots in self.slots.items():
            count = solver.value(slots)
            if count:
                node = self.room[place]
                inside = tuple(
                    solver.value(self.inside[job, place, at]) if (job, place, at) in self.inside else 0
                    for at in range(len(node.domains))
                )
                occupancy.setdefault(job, []).append(Occupied(node, count, inside))
        return {job: tuple(some) for job, some in occupancy.items()}
