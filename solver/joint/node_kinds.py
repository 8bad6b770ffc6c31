"""Nodes on which the same jobs hold the same, and what such a node gives when some of these jobs have ended.

A job mostly holds as much of each of its nodes, and mostly alone: a large machine has few kinds of nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container
from typing import NamedTuple

from ..cpsat.budget import Budget
from ..demand.demand import HostDemand, Kind
from ..knowledge import Knowledge
from ..state.domain_state import arrange
from ..state.holdings import NodeFree, minus
from ..state.node_classes import bits
from ..state.pool_state import PoolState

KIND_STEPS = 10
"""What it costs to look at what a job holds of a node, and to find what a node gives."""


class NodeKind(NamedTuple):
    """Nodes that are alike.

    Attributes
    ----------
    nodes
        Bitmask of positions.
    number
        Of their type.
    free
        What is free of each.
    held
        By job, what those hold of each that may end.
    """

    nodes: int
    number: int
    free: NodeFree
    held: dict[int, NodeFree]


def kinds_of(
    knowledge: Knowledge, state: PoolState, nodes: int, jobs: Collection[int], budget: Budget
) -> list[NodeKind]:
    """Return the kinds of some nodes; those of one kind stand in one innermost group.

    Parameters
    ----------
    nodes
        Bitmask of positions.
    jobs
        Those that may end.
    """
    machine = knowledge.machine
    held: defaultdict[int, list[tuple[int, NodeFree]]] = defaultdict(list)
    for jobid in sorted(jobs):
        for holding in state.jobs[jobid].holdings:
            there = holding.nodes & nodes
            budget.charge(KIND_STEPS + there.bit_count())
            for position in bits(there):
                held[position].append((jobid, NodeFree(holding.cores, holding.gpus, holding.used)))
    budget.charge(nodes.bit_count())
    alike: defaultdict[object, list[int]] = defaultdict(list)
    for position in bits(nodes):
        group = machine.group_of[position] if machine.groups else -1
        free = knowledge.changes.free_of(state, position)
        alike[machine.type_of[position], free, group, tuple(held.get(position, ()))].append(position)
    found = []
    for positions in alike.values():
        first = positions[0]
        mask = sum(1 << position for position in positions)
        free = knowledge.changes.free_of(state, first)
        found.append(NodeKind(mask, machine.type_of[first], free, dict(held.get(first, ()))))
    return found


class Gives:
    """How often a node of a kind gives what a host demand asks for, after some jobs have ended.

    It never gives less after more have ended.
    """

    def __init__(self, knowledge: Knowledge, budget: Budget) -> None:
        self._knowledge = knowledge
        self._budget = budget
        self._known: dict[object, int] = {}

    def after(self, kind: NodeKind, host: HostDemand, ended: Container[int]) -> int:
        """Return how often.

        Raises
        ------
        CutOff
            When the work was used up before that was known.
        """
        node_type = self._knowledge.machine.types[kind.number]
        cores, gpus, used = kind.free
        for jobid, had in kind.held.items():
            if jobid in ended:
                cores |= had.cores & node_type.cores
                gpus |= had.gpus & node_type.gpus
                used = minus(used, had.used)
        key = (kind.number, cores, gpus, used, host)
        known = self._known.get(key)
        if known is None:
            self._budget.spend(KIND_STEPS)
            given = self._knowledge.decider.given(host, arrange(node_type, cores, gpus, used).state, self._budget)
            if given is None:
                given = counted(host, cores, gpus)
            known = self._known[key] = given
        return known


def unit_of(host: HostDemand) -> tuple[int, int]:
    """Return the cores and GPUs that a host demand takes each time, at the least."""
    wants = host.bundle.wants
    cores, gpus = (sum(w.count * (1 if w.kind is kind else w.total(kind)) for w in wants) for kind in _COUNTED)
    return cores, gpus


_COUNTED = (Kind.CORE, Kind.GPU)


def counted(host: HostDemand, cores: int, gpus: int) -> int:
    """Return how often a node gives what a host demand asks for by cores and GPUs alone: never less than it does."""
    needs = zip(unit_of(host), (cores, gpus), strict=True)
    most = min((free.bit_count() // need for need, free in needs if need), default=host.count)
    return min(most, host.count if host.loose else 1)
