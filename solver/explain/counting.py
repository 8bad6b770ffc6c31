"""What a job takes at the least, and what a state has, in numbers that can be added up.

Where a state has less of any than a job takes, the job does not fit; and where it has less than several jobs take
together, these do not run at once. Beside cores, GPUs and idle nodes, things of at least so many cores (GPUs) are
counted: of a node with 20 free cores no more than two are made of 8. Rounding so is a dual feasible function, as bounds
in bin packing have them (S. P. Fekete and J. Schepers, Mathematical Programming 91, 2001).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..demand.demand import GroupDemand, HostDemand, Kind
from ..demand.request import Request
from ..errors import InfeasibleRequest
from ..knowledge import Knowledge
from ..state.pool_state import PoolState

Needs = tuple[int, ...]
"""Nodes that are idle, then cores by each size of a thing, then GPUs by each."""

SIZES = 8
"""Sizes that are counted of cores and of GPUs each, beside single ones: those that most jobs ask for."""


class Thing(NamedTuple):
    """What stands on one node.

    Attributes
    ----------
    cores, gpus
        At the least.
    whole
        Whether it takes the node whole, all of it idle before.
    """

    cores: int
    gpus: int
    whole: bool


class Alike(NamedTuple):
    """Nodes, a bitmask of positions, of which as much is free."""

    nodes: int
    cores: int
    gpus: int
    idle: bool


class Counting:
    """Counts of one machine.

    Parameters
    ----------
    knowledge
        The machine's.
    requests
        Those whose sizes are to be counted too.
    """

    def __init__(self, knowledge: Knowledge, requests: Iterable[Request] = ()) -> None:
        self._knowledge = knowledge
        kinds = knowledge.machine.types
        sizes = [kind.cores.bit_count() for kind in kinds]
        self._least = min(sizes, default=0), min((kind.gpus.bit_count() for kind in kinds), default=0)
        cores: Counter[int] = Counter()
        gpus: Counter[int] = Counter()
        for request in requests:
            for _, thing in self._things_of(request):
                cores[thing.cores] += 1
                gpus[thing.gpus] += 1
        half = max(sizes, default=0) // 2 + 1
        self._cores = tuple(sorted({1, half, *_most_common(cores)}))
        self._gpus = tuple(sorted({1, *_most_common(gpus)}))

    def alike(self, state: PoolState) -> list[Alike]:
        """Return the nodes that are up, those together of which as much is free."""
        found: dict[tuple[int, int, bool], int] = {}
        for node, nodes in state.classes.items():
            key = node.free_cores, node.free_gpus, node.free_cores == node.cores
            found[key] = found.get(key, 0) | nodes
        return [Alike(nodes, *key) for key, nodes in found.items()]

    def free(self, alike: Iterable[Alike], nodes: int) -> Needs:
        """Return what is free of some nodes, given as a bitmask."""
        return self._sum(((one.nodes & nodes).bit_count(), one.cores, one.gpus, one.idle) for one in alike)

    def room(self, alike: Iterable[Alike], things: Iterable[Thing]) -> int:
        """Return the bitmask of the nodes on each of which there is enough for one of some things."""
        nodes = 0
        for one in alike:
            if any(_has(one, thing) for thing in things):
                nodes |= one.nodes
        return nodes

    def needs(self, request: Request) -> Needs:
        """Return what a job takes at the least.

        Raises
        ------
        InfeasibleRequest
            Where the machine cannot even be asked for it.
        """
        return self._sum((number, *thing) for number, thing in self._things(request))

    def things(self, request: Request) -> tuple[Thing, ...]:
        """Return what a job asks of its nodes, each kind once; InfeasibleRequest as for `needs`."""
        return tuple({thing: None for _, thing in self._things(request)})

    def _sum(self, things: Iterable[tuple[int, int, int, bool]]) -> Needs:
        idle, cores, gpus = 0, [0] * len(self._cores), [0] * len(self._gpus)
        for number, each, cards, whole in things:
            if number:
                idle += number * whole
                for place, size in enumerate(self._cores):
                    cores[place] += number * (each // size)
                for place, size in enumerate(self._gpus):
                    gpus[place] += number * (cards // size)
        return idle, *cores, *gpus

    def _things_of(self, request: Request) -> list[tuple[int, Thing]]:
        try:
            return list(self._things(request))
        except InfeasibleRequest:
            return []

    def _things(self, request: Request) -> Iterator[tuple[int, Thing]]:
        problem = self._knowledge.under(request).problem(request.shape)
        for host, times in _hosts(problem.demand(problem.least).root, 1):
            bundle = host.bundle
            cores, gpus = (sum(w.count * (1 if w.kind is k else w.total(k)) for w in bundle.wants) for k in _KINDS)
            if bundle.whole:
                cores, gpus = max(cores, self._least[0]), max(gpus, self._least[1])
            yield times * host.count, Thing(cores, gpus, bundle.whole)


_KINDS = (Kind.CORE, Kind.GPU)


def _has(there: Alike, thing: Thing) -> bool:
    return thing.cores <= there.cores and thing.gpus <= there.gpus and (there.idle or not thing.whole)


def _most_common(sizes: Counter[int]) -> set[int]:
    return {size for size, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:SIZES] if size > 1}


def _hosts(group: GroupDemand, times: int) -> Iterator[tuple[HostDemand, int]]:
    """Yield the host demands below a group, each with how often it is asked for."""
    for host in group.hosts:
        yield host, times
    for below in group.groups:
        yield from _hosts(below, times * below.count)
