"""Node by node: which running jobs end, which move and to where, so that a waiting one fits.

A job that moves gets on other nodes what it has: of each of its nodes as many cores and gpus, and as much of each
amount, on one node each. Jobs that stay keep their ids; those that move get what is free, so that numbers are all that
counts. The model is as large as the machine times what may move; of nodes that are alike, and on which no candidate
stands, it has only as many as could be used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from ...topology.machine import Machine
from ..cpsat.lexicographic import Expression, Goal
from ..cpsat.loading import new_model
from ..state.domain_state import amounts_of
from ..state.node_classes import bits
from ..state.pool_state import Job, PoolState
from .around import GroupsAround
from .giving_way import Candidate, Move, ranks_of
from .wants import Want

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

Load = tuple[int, ...]
"""Cores, gpus and amounts of one node."""


@dataclass(frozen=True, slots=True)
class Relocated:
    """Which jobs end, which move, how many of the last moves wait for each other, and where the waiting job stands."""

    ended: tuple[int, ...]
    moves: tuple[Move, ...]
    together: int
    nodes: int


class Loads:
    """What nodes have and jobs hold, in numbers.

    Parameters
    ----------
    machine
        Whose nodes they are.
    state
        Who holds what.
    """

    def __init__(self, machine: Machine, state: PoolState) -> None:
        held = {name for job in state.jobs.values() for h in job.holdings for _, name, _ in h.used}
        self._names = sorted(held)
        self._totals: dict[int, Load] = {}
        self.machine = machine
        self.jobs = {jobid: self._of_job(job) for jobid, job in state.jobs.items()}

    def _of_job(self, job: Job) -> dict[int, Load]:
        found: dict[int, Load] = {}
        for holding in job.holdings:
            amounts: Counter[str] = Counter()
            for _, name, amount in holding.used:
                amounts[name] += amount
            sizes = holding.cores.bit_count(), holding.gpus.bit_count(), *(amounts[name] for name in self._names)
            for position in bits(holding.nodes):
                found[position] = sizes
        return found

    def total(self, position: int) -> Load:
        """Return what a node has."""
        number = self.machine.type_of[position]
        known = self._totals.get(number)
        if known is None:
            kind = self.machine.types[number]
            amounts: Counter[str] = Counter()
            for domain in kind.domains:
                for name, amount in amounts_of(domain):
                    amounts[name] += amount
            sizes = (amounts[name] for name in self._names)
            known = self._totals[number] = (kind.cores.bit_count(), kind.gpus.bit_count(), *sizes)
        return known


class Relocation:
    """The model.

    Parameters
    ----------
    loads
        Of the machine and its jobs.
    up
        Bitmask of the positions that take jobs.
    want, around, allowed
        What the waiting job asks for, in which groups, and where it may stand.
    candidates
        The jobs that may give way. Those on nodes that are down stay.
    fixed
        Of the jobs that hold amounts of groups: they may end, and do not move.
    """

    def __init__(
        self,
        loads: Loads,
        up: int,
        want: Want,
        around: Sequence[GroupsAround],
        allowed: int,
        candidates: Sequence[Candidate],
        fixed: frozenset[int] = frozenset(),
    ) -> None:
        self.model = new_model()
        self.loads = loads
        self._candidates = [one for one in candidates if all(up >> at & 1 for at in loads.jobs[one.job])]
        self._fixed = fixed
        kept = self._trimmed(up, want, around, allowed)
        self.total = {position: loads.total(position) for position in kept}
        self.taken: dict[int, list[tuple[Load, Expression]]] = {position: [] for position in kept}
        self.moves: dict[int, cp_model.IntVar] = {}
        self.ends: dict[int, cp_model.IntVar] = {}
        self.new: dict[tuple[int, int, Load], cp_model.IntVar] = {}
        known = {one.job: one for one in self._candidates}
        for job, held in loads.jobs.items():
            self._add_running(job, held, known.get(job))
        self.waiting = self._add_waiting(want, around, allowed)
        for position, taken in self.taken.items():
            for amount, most in enumerate(self.total[position]):
                used: list[Expression] = [load[amount] * times for load, times in taken]
                self.model.add(sum(used) <= most)

    def _trimmed(self, up: int, want: Want, around: Sequence[GroupsAround], allowed: int) -> list[int]:
        """Return nodes enough: of those that are alike and have no candidate, as many as could be used at all."""
        machine = self.loads.machine
        staying: dict[int, Load] = {}
        busy = {position for one in self._candidates for position in self.loads.jobs[one.job]}
        for held in self.loads.jobs.values():
            for position, load in held.items():
                had = staying.get(position, (0,) * len(load))
                staying[position] = tuple(a + b for a, b in zip(had, load, strict=True))
        most = sum(len(self.loads.jobs[one.job]) for one in self._candidates)
        most += (want.hosts or want.slots) * prod(groups.count for groups in around)
        kept: list[int] = []
        alike: Counter[object] = Counter()
        for position in bits(up):
            group = machine.group_of[position] if machine.groups else -1
            kind = machine.type_of[position], staying.get(position), allowed >> position & 1, group
            alike[kind] += 1
            if position in busy or alike[kind] <= most:
                kept.append(position)
        return kept

    def _add_running(self, job: int, held: Mapping[int, Load], candidate: Candidate | None) -> None:
        """Leave a job where it is, end it, or give every load of it another node."""
        gone: Expression = 0
        if candidate is not None and candidate.ends is not None:
            self.ends[job] = self.model.new_bool_var("")
            gone += self.ends[job]
        if candidate is not None and candidate.moves is not None and job not in self._fixed:
            self.moves[job] = self.model.new_bool_var("")
            gone += self.moves[job]
            self._add_places(job, held, self.moves[job])
        if job in self.ends and job in self.moves:
            self.model.add_at_most_one(self.ends[job], self.moves[job])
        for position, load in held.items():
            if position in self.taken:
                self.taken[position].append((load, 1 - gone))

    def _add_places(self, job: int, held: Mapping[int, Load], moves: cp_model.IntVar) -> None:
        by_position: dict[int, list[cp_model.IntVar]] = {}
        for load, count in Counter(held.values()).items():
            places = []
            for position, total in self.total.items():
                if all(part <= most for part, most in zip(load, total, strict=True)):
                    there = self.new[job, position, load] = self.model.new_bool_var("")
                    places.append(there)
                    by_position.setdefault(position, []).append(there)
                    self.taken[position].append((load, there))
            self.model.add(sum(places) == count * moves)
        for here in by_position.values():
            if len(here) > 1:
                self.model.add_at_most_one(here)

    def _add_waiting(self, want: Want, around: Sequence[GroupsAround], allowed: int) -> dict[int, cp_model.IntVar]:
        """Give the waiting job all its slots."""
        found: dict[int, cp_model.IntVar] = {}
        for position, total in self.total.items():
            if not allowed >> position & 1 or (want.whole and not any(total[:2])):
                continue
            none = (0,) * (len(total) - 2)
            if want.hosts:
                load = total if want.whole else (want.slots * want.cores, want.slots * want.gpus, *none)
                count = self.model.new_bool_var("")
            else:
                load = want.cores, want.gpus, *none
                count = self.model.new_int_var(0, want.slots * prod(groups.most for groups in around), "")
            if load[0] <= total[0] and load[1] <= total[1]:
                found[position] = count
                self.taken[position].append((load, count))
        self._stand_in(around, found, want.hosts or want.slots)
        return found

    def _stand_in(self, around: Sequence[GroupsAround], found: Mapping[int, cp_model.IntVar], each: int) -> None:
        """Let so many stand in each of the groups that are chosen for the vertices around them; with none, in all."""
        machine = self.loads.machine
        outer: dict[int, Expression] = {machine.all: 1}
        times = 1
        for groups in around:
            times *= groups.most
            chosen: dict[int, Expression] = {}
            for nodes, number in outer.items():
                inside: list[Expression] = []
                for group in machine.groups:
                    if group.level == groups.level and group.members & ~nodes == 0:
                        here = chosen[group.members] = self.model.new_int_var(0, times, "")
                        self.model.add(here <= groups.most * number)
                        inside.append(here)
                self.model.add(sum(inside) == groups.count * number)
            outer = chosen
        for nodes, number in outer.items():
            self.model.add(sum(some for position, some in found.items() if nodes >> position & 1) == each * number)
        for position, some in found.items():
            if not any(nodes >> position & 1 for nodes in outer):
                self.model.add(some == 0)

    def goals(self) -> dict[str, Goal]:
        """Return what is to be least, by name, the first compared first."""
        found = {}
        for rank in ranks_of(self._candidates):
            some = [one for one in self._candidates if one.rank == rank]
            lost = [(one.ends or 0) * self.ends[one.job] for one in some if one.job in self.ends]
            lost += [(one.moves or 0) * self.moves[one.job] for one in some if one.job in self.moves]
            found[f"lost.{rank}"] = Goal(sum(lost), 0, sum(max(one.ends or 0, one.moves or 0) for one in some))
        number = sum([*self.ends.values(), *self.moves.values()])
        found["jobs"] = Goal(number, 0, len(self._candidates))
        return found

    def read(self, solver: cp_model.CpSolver) -> Relocated:
        """Return which jobs end, which move, and where the waiting job stands."""
        ended = tuple(job for job, ends in self.ends.items() if solver.value(ends))
        places: dict[int, list[tuple[int, Load]]] = {}
        for (job, position, load), there in self.new.items():
            if solver.value(there):
                places.setdefault(job, []).append((position, load))
        ordered, together = self._ordered(ended, places)
        moves = tuple(
            Move(job, mask_of(self.loads.jobs[job]), mask_of(position for position, _ in places[job]))
            for job in ordered
        )
        return Relocated(
            ended, moves, together, mask_of(at for at, count in self.waiting.items() if solver.value(count))
        )

    def _ordered(self, ended: Iterable[int], places: Mapping[int, Sequence[tuple[int, Load]]]) -> tuple[list[int], int]:
        """Put first what has room when these have ended and no other has moved, and so on; say how many have none."""
        gone = set(ended)
        free = {position: list(total) for position, total in self.total.items()}
        for job, loads in self.loads.jobs.items():
            if job not in gone:
                _add(free, loads.items(), -1)
        left = list(places)
        ordered: list[int] = []
        while left:
            ready = next((job for job in left if _has_room(places[job], free)), None)
            if ready is None:
                return [*ordered, *left], len(left)
            left.remove(ready)
            ordered.append(ready)
            _add(free, self.loads.jobs[ready].items(), 1)
            _add(free, places[ready], -1)
        return ordered, 0


def _has_room(places: Iterable[tuple[int, Load]], free: Mapping[int, Sequence[int]]) -> bool:
    return all(
        all(part <= there for part, there in zip(load, free[position], strict=True)) for position, load in places
    )


def _add(free: Mapping[int, list[int]], loads: Iterable[tuple[int, Load]], sign: int) -> None:
    for position, load in loads:
        if position in free:
            for place, part in enumerate(load):
                free[position][place] += sign * part


def mask_of(positions: Iterable[int]) -> int:
    """Return the bitmask of some positions."""
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask
