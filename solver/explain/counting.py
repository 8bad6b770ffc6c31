"""What a job takes at the least, and what a state has, in cores, GPUs and nodes.

Where a state has less than a job takes, it does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..demand.demand import GroupDemand, HostDemand, Kind
from ..demand.request import Request
from ..knowledge import Knowledge
from ..state.node_classes import Packed
from ..state.pool_state import PoolState

Needs = tuple[int, int, int]
"""Cores, GPUs, and nodes of which more than half are taken."""


class Counting:
    """Counts of one machine.

    Parameters
    ----------
    knowledge
        The machine's.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        sizes = [kind.cores.bit_count() for kind in knowledge.machine.types]
        self._half = max(sizes, default=0) // 2
        self._least = min(sizes, default=0)

    def free(self, state: PoolState, nodes: int) -> Needs:
        """Return what is free of some nodes, given as a bitmask."""
        cores = gpus = loose = 0
        for _, free, some in self._knowledge.changes.alike(state, Packed.of(nodes & state.up)):
            number, there = some.bit_count(), free.cores.bit_count()
            cores += number * there
            gpus += number * free.gpus.bit_count()
            loose += number * (there > self._half)
        return cores, gpus, loose

    def needs(self, request: Request) -> Needs:
        """Return what a job takes at the least."""
        problem = self._knowledge.under(request).problem(request.shape)
        cores = gpus = nodes = 0
        for host, times in _hosts(problem.demand(problem.least).root, 1):
            number = times * host.count
            each, cards = (sum(w.count * (1 if w.kind is k else w.total(k)) for w in host.bundle.wants) for k in _KINDS)
            if host.bundle.whole:
                each = max(each, self._least)
            cores += number * each
            gpus += number * cards
            nodes += number if not host.loose and each > self._half else 0
        return cores, gpus, nodes


_KINDS = (Kind.CORE, Kind.GPU)


def _hosts(group: GroupDemand, times: int) -> Iterator[tuple[HostDemand, int]]:
    """Yield the host demands below a group, each with how often it is asked for."""
    for host in group.hosts:
        yield host, times
    for below in group.groups:
        yield from _hosts(below, times * below.count)
