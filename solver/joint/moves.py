"""Defragmentation: the fewest running jobs to migrate so that a waiting job fits, as a plan.

A job that moves gets on other nodes what it has: of each of its nodes as many cores and gpus, on one node each. Jobs
that stay keep their ids; those that move get what is free, so that numbers are all that counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from ...grammar.constraint import evaluate
from ..allocator import Allocator
from ..cpsat.budget import Budget
from ..cpsat.lexicographic import Expression, Goal, lexmin
from ..cpsat.loading import new_model
from ..cpsat.status import Status
from ..demand.request import Asked, as_request
from ..state.node_classes import bits
from .around import GroupsAround, without_groups
from .wants import Want, want_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

Load = tuple[int, int]
"""Cores and gpus of one node."""


@dataclass(frozen=True, slots=True)
class Move:
    """A running job that is to be migrated.

    Attributes
    ----------
    job
        Its id.
    old, new
        Bitmasks of positions.
    """

    job: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class MovePlan:
    """What is to be done.

    Attributes
    ----------
    status
        OPTIMAL: fewer will not do; FEASIBLE: the search was cut off, perhaps fewer will do.
    moves
        In an order in which each has room when it is made, as far as there is one.
    together
        How many of the last of them wait for each other: these jobs have to stop before the first of them starts.
    nodes
        Where the waiting job then fits: a bitmask of positions.
    """

    status: Status
    moves: tuple[Move, ...]
    together: int
    nodes: int


def plan_moves(pool: Allocator, request: Asked, most: int, seconds: float) -> MovePlan | None:
    """Return the fewest moves that let a request fit; None when no so many do, or none were found in time.

    Parameters
    ----------
    pool
        Which stays as it is. Nodes that are down take no job, and jobs on them stay.
    request
        Of the waiting job.
    most
        Jobs that may move.
    seconds
        Of work that the search may take.

    Raises
    ------
    NotJointError
        For a request of another form than the model's.
    TypeError
        For what is no request.
    ValueError
        For less than no moves, and for no time at all.
    """
    request = as_request(request)
    if most < 0 or not seconds > 0:
        raise ValueError(f"expected a number of moves and some time, not {most!r} and {seconds!r}")
    around, request = without_groups(request, pool.machine.group_levels)
    want = want_of(request, slot_exclusive=pool.options.slot_exclusive)
    model = _MoveModel(pool, want, around, evaluate(request.constraint, pool.machine.facts), most)
    found = lexmin(model.model, [Goal(model.moved, 0, most)], Budget(seconds))
    if not found.status.found or found.solver is None:
        return None
    moves, nodes = model.read(found.solver)
    ordered, together = _ordered(moves, model)
    return MovePlan(found.status, tuple(ordered), together, nodes)


class _MoveModel:
    def __init__(self, pool: Allocator, want: Want, around: Sequence[GroupsAround], allowed: int, most: int) -> None:
        self.model = new_model()
        self.pool = pool
        machine = pool.machine
        self.up = list(bits(pool.up_mask))
        self.total: dict[int, Load] = {}
        for position in self.up:
            kind = machine.type_at(position)
            self.total[position] = kind.cores.bit_count(), kind.gpus.bit_count()
        self.loads: dict[int, dict[int, Load]] = {}
        for job, state in pool.jobs.items():
            self.loads[job] = {
                position: (holding.cores.bit_count(), holding.gpus.bit_count())
                for holding in state.holdings
                for position in bits(holding.nodes)
            }
        self.taken: dict[int, list[tuple[Load, Expression]]] = {position: [] for position in self.up}
        self.leaves: dict[int, cp_model.IntVar] = {}
        self.new: dict[tuple[int, int, Load], cp_model.IntVar] = {}
        for job, loads in self.loads.items():
            self._add_running(job, loads)
        self.moved = sum(self.leaves.values())
        self.model.add(self.moved <= most)
        self.waiting = self._add_waiting(want, around, allowed)
        for position, taken in self.taken.items():
            for amount in (0, 1):
                used: list[Expression] = [load[amount] * times for load, times in taken]
                self.model.add(sum(used) <= self.total[position][amount])

    def _add_running(self, job: int, loads: Mapping[int, Load]) -> None:
        """Leave a job where it is, or give every load of it another node."""
        if any(position not in self.total for position in loads):
            for position in set(loads) & set(self.total):
                self.taken[position].append((loads[position], 1))
            return
        leaves = self.leaves[job] = self.model.new_bool_var("")
        for position, load in loads.items():
            self.taken[position].append((load, 1 - leaves))
        for load, count in Counter(loads.values()).items():
            places = []
            for position in self.up:
                total = self.total[position]
                if load[0] <= total[0] and load[1] <= total[1]:
                    there = self.new[job, position, load] = self.model.new_bool_var("")
                    places.append(there)
                    self.taken[position].append((load, there))
            self.model.add(sum(places) == count * leaves)
        for position in self.up:
            here = [var for (owner, where, _), var in self.new.items() if owner == job and where == position]
            if len(here) > 1:
                self.model.add(sum(here) <= 1)

    def _add_waiting(self, want: Want, around: Sequence[GroupsAround], allowed: int) -> dict[int, cp_model.IntVar]:
        """Give the waiting job all its slots."""
        found: dict[int, cp_model.IntVar] = {}
        for position in self.up:
            if not allowed >> position & 1:
                continue
            if want.whole and not any(self.total[position]):
                continue
            total = self.total[position]
            each = want.cores, want.gpus
            if want.hosts:
                load = total if want.whole else (want.slots * each[0], want.slots * each[1])
                count = self.model.new_bool_var("")
            else:
                load = each
                count = self.model.new_int_var(0, want.slots * prod(groups.most for groups in around), "")
            if load[0] <= total[0] and load[1] <= total[1]:
                found[position] = count
                self.taken[position].append((load, count))
        self._stand_in(around, found, want.hosts or want.slots)
        return found

    def _stand_in(self, around: Sequence[GroupsAround], found: Mapping[int, cp_model.IntVar], each: int) -> None:
        """Let so many stand in each of the groups that are chosen for the vertices around them; with none, in all."""
        outer: dict[int, Expression] = {self.pool.machine.all: 1}
        times = 1
        for groups in around:
            times *= groups.most
            chosen: dict[int, Expression] = {}
            for nodes, number in outer.items():
                inside: list[Expression] = []
                for group in self.pool.machine.groups:
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

    def read(self, solver: cp_model.CpSolver) -> tuple[list[Move], int]:
        """Return the moves, and where the waiting job stands."""
        moves = []
        for job, leaves in self.leaves.items():
            if solver.value(leaves):
                places = [where for (owner, where, _), var in self.new.items() if owner == job and solver.value(var)]
                moves.append(Move(job, _mask(self.loads[job]), _mask(places)))
        return moves, _mask(position for position, count in self.waiting.items() if solver.value(count))


def _mask(positions: Iterable[int]) -> int:
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


def _ordered(moves: Sequence[Move], model: _MoveModel) -> tuple[list[Move], int]:
    """Put first what has room before any other has moved, and so on; say how many are left that have none."""
    free = {position: list(total) for position, total in model.total.items()}
    for loads in model.loads.values():
        for position, load in loads.items():
            if position in free:
                free[position][0] -= load[0]
                free[position][1] -= load[1]
    left = list(moves)
    ordered: list[Move] = []
    while left:
        ready = next((move for move in left if _has_room(move, model, free)), None)
        if ready is None:
            return [*ordered, *left], len(left)
        left.remove(ready)
        ordered.append(ready)
        for position, load in model.loads[ready.job].items():
            free[position][0] += load[0]
            free[position][1] += load[1]
        for position, load in _new_loads(ready, model):
            free[position][0] -= load[0]
            free[position][1] -= load[1]
    return ordered, 0


def _new_loads(move: Move, model: _MoveModel) -> list[tuple[int, Load]]:
    """Return what a job has on each of its new nodes: the larger loads on the nodes that have more."""
    loads = sorted(model.loads[move.job].values(), reverse=True)
    return list(zip(bits(move.new), loads, strict=True))


def _has_room(move: Move, model: _MoveModel, free: Mapping[int, Sequence[int]]) -> bool:
    return all(
        load[0] <= free[position][0] and load[1] <= free[position][1] for position, load in _new_loads(move, model)
    )
