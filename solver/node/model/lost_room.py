"""The kind of term `Room` in a node's model: what is taken of each domain, and how much room for others that costs."""

from __future__ import annotations

from collections.abc import Callable

from ...cpsat.lexicographic import Expression, Goal
from ...state.domain_state import DomainState
from .variables import CORES, GPUS, Taken


def room_goal(taken: Taken, room: Callable[[DomainState, int, int], int]) -> Goal:
    """Sum over domains what their room is less than before, by a table of what is taken of each."""
    lost: list[Expression] = []
    most = 0
    for place, domain in enumerate(taken.domains):
        free = domain.free_cores, domain.free_gpus
        before = room(domain, *free)
        top = before - room(domain, 0, 0)
        if not top:
            continue
        table = [
            before - room(domain, free[0] - c, free[1] - g) for c in range(free[0] + 1) for g in range(free[1] + 1)
        ]
        cores, gpus = (_of(taken, resource, place) for resource in (CORES, GPUS))
        index = cores * (free[1] + 1) + gpus
        if isinstance(index, int):
            lost.append(table[index])
        else:
            value = taken.model.new_int_var(0, top, "")
            taken.model.add_element(index, table, value)
            lost.append(value)
        most += top
    return Goal(sum(lost), 0, most)


def _of(taken: Taken, resource: str, place: int) -> Expression:
    """Return how much of a resource is taken of a domain and all inside it."""
    inside = taken.below(place)
    parts: list[Expression] = []
    for (name, at), flows in taken.flows.items():
        if name == resource and at in inside:
            parts += [flow.part for flow in flows if not flow.scope]
    for whole in taken.wholes:
        if not whole.scope:
            there = sum(taken.free(resource, at) for at in taken.below(whole.place) if at in inside)
            parts.append(there * whole.chosen)
    return sum(parts)
