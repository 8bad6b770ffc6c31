"""Defragmentation: the fewest running jobs to migrate so that a waiting job fits, as a plan.

It is the question of `preemption` with jobs that may only move, each at the same price.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..allocator import Allocator
from ..cpsat.budget import CutOff
from ..cpsat.status import Status
from ..demand.request import Asked, as_request
from .around import without_groups
from .giving_way import Candidate, Move
from .preemption import plan_preemption
from .wants import want_of


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
    _, inner = without_groups(request, pool.machine.group_levels)
    want_of(inner, slot_exclusive=pool.options.slot_exclusive)
    candidates = [Candidate(job, ends=None, moves=1) for job in pool.jobs]
    try:
        found = plan_preemption(pool, request, candidates, seconds)
    except CutOff:
        return None
    if found is None or len(found.moves) > most:
        return None
    return MovePlan(found.status, found.moves, found.together, found.nodes)
