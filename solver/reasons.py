"""Why a request does not fit, in its own words, cheaply enough for the scheduling loop."""

from __future__ import annotations

from ..topology.machine import Machine
from .decide import Decider, Situation
from .demand import Demand, GroupDemand
from .lexicographic import Budget
from .machine_model.patterns import flatten
from .request import Request
from .resolve import Problem

PATIENCE = 1.0
"""Seconds that the search for a reason may take."""


class Reasons:
    """Finds reasons on one machine."""

    def __init__(self, machine: Machine, decider: Decider) -> None:
        self._machine = machine
        self._decider = decider

    def insufficient(self, request: Request) -> str:
        """Return what to say of a request that could be placed on the empty pool, but not now."""
        what = "/".join(vertex.type for vertex in request.shape.vertices[:1])
        return f"insufficient resources now for {request.name or what}"

    def infeasible(self, problem: Problem, situation: Situation) -> str:
        """Return why a request cannot be placed even on the empty pool."""
        eligible = situation.field.eligible.bit_count()
        if not eligible:
            return f"no rank of {self._machine.size} matches the constraint"
        demand = problem.demand(problem.least)
        every = eligible == self._machine.size
        where = f"{eligible} ranks" if every else f"the {eligible} ranks that match the constraint"
        for part, number, path in _parts(demand):
            room = self._decider.room(part, situation, Budget(PATIENCE))
            if room is not None and room < number:
                return f"{path}: asks for {number}, {where} have room for {room}"
        return f"its parts fit one by one, but not together, on {where}"


def _parts(demand: Demand) -> list[tuple[Demand, int, str]]:
    """Return each host demand of a request as a demand of its own, with its number and its path."""
    groups, hosts = flatten(demand.root)
    times = [1] * len(groups)
    for number, (group, above) in enumerate(groups):
        times[number] = group.count * (times[above] if number else 1)
    parts = []
    for placed in hosts:
        number = placed.demand.count * times[placed.parent]
        alone = GroupDemand("", 1, hosts=(placed.demand,))
        parts.append((Demand(alone, 0, ()), number, placed.demand.path))
    return parts
