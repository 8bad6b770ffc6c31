"""Slots of several sizes dealt to the domains of one or several nodes, without a search by CP-SAT.

Slots of cores can be dealt along runs of domains (`run_tree`): a run has as many cores as its domains together, and
crosses once from each of them to the next. So a placement is a set of runs, none of which leaves its node, with as many
slots on each as go into its cores (`deal_search`).

Where affinity is compared first, what is crossed at the coarsest level is found by itself: as if the cores of its
domains stood in these alone. Then it is known for the next level, and so on, so that hardly anything else is looked at
in the end. Slots that take GPUs, too, are dealt only where all slots can be whole in innermost domains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count as count_up

from ..cpsat.budget import Budget, CutOff
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .construction import SlotKind
from .deal_fills import Fills, GaveUp
from .deal_search import Limits, Run, Search
from .deal_stops import Stop, costs_of, stops_at, stops_of
from .plan import Share
from .pricing import Shares

MOST_VECTORS = 6_000
"""Requests with more vectors than this are left to others."""

MOST_STOPS = 400
"""Nodes with more innermost domains together are left to others."""

STOP_STEPS = 20
"""Steps for each of them, before it is looked for anything."""

Dealt = list[list[list[Shares]]]
"""For each node and each kind, what each slot takes."""


def deal(scale: Scale, nodes: Sequence[DomainState], kinds: Sequence[SlotKind], budget: Budget) -> Dealt | None:
    """Return a best placement of slots on some nodes; None where that is not known, or there is none.

    Parameters
    ----------
    scale
        The policy, in which affinity is compared first, from the coarsest level to the finest.
    """
    merged = merged_kinds(kinds)
    try:
        dealing = _Dealing(scale, nodes, merged, budget)
        runs = dealing.best()
    except (GaveUp, CutOff):
        return None
    return None if runs is None else parted(_dealt(nodes, merged, dealing.stops, runs), merged, kinds)


def merged_kinds(kinds: Sequence[SlotKind]) -> list[SlotKind]:
    """Return slots of which those that are equal are of one kind, whatever they are called."""
    counts = Counter[tuple[int, int, bool]]()
    for kind in kinds:
        counts[kind.cores, kind.gpus, kind.shielded] += kind.count
    return [SlotKind(count, *rest) for rest, count in counts.items()]


def parted(dealt: Dealt, merged: Sequence[SlotKind], kinds: Sequence[SlotKind]) -> Dealt:
    """Return slots by what they are called, of those that are equal the first ones to the first."""
    if len(merged) == len(kinds):
        return dealt
    found: Dealt = [[[] for _ in kinds] for _ in dealt]
    left = [kind.count for kind in kinds]
    for number, node in enumerate(dealt):
        for kind, slots in zip(merged, node, strict=True):
            for slot in slots:
                place = next(i for i, k in enumerate(kinds) if left[i] and replace(k, count=kind.count) == kind)
                found[number][place].append(slot)
                left[place] -= 1
    return found


class _Dealing:
    """The best runs for some slots."""

    def __init__(self, scale: Scale, nodes: Sequence[DomainState], kinds: Sequence[SlotKind], budget: Budget) -> None:
        self._scale = scale
        self._shielded = any(kind.shielded and not kind.gpus for kind in kinds)
        self._nodes = nodes
        self._budget = budget
        self._fills = Fills(kinds)
        stops = None
        if self._fills.size <= MOST_VECTORS:
            stops = stops_of(nodes, gpus=any(kind.gpus for kind in kinds))
        if not stops or len(stops) > MOST_STOPS:
            raise GaveUp
        self.stops: list[Stop] = stops
        self._crossed: list[int] = [0]

    def best(self) -> list[Run] | None:
        """Return the best runs; None where there are none.

        Raises
        ------
        GaveUp
            There is too much to look at.
        CutOff
            When the work was used up.
        """
        depth = self.stops[0].depth
        if any(kind.gpus for kind in self._fills.kinds):
            return self._found(self.stops, [0] * (depth + 1))
        for coarser in range(1, depth):
            if self._found(stops_at(self._nodes, self.stops, coarser), None) is None:
                return None
        return self._found(self.stops, None)

    def _found(self, stops: Sequence[Stop], crossed: list[int] | None) -> list[Run] | None:
        """Return the best runs through stops, given what is crossed further out, and note how often they cross.

        Parameters
        ----------
        crossed
            How often each level is crossed, where that is given.
        """
        self._budget.spend(STOP_STEPS * len(stops))
        is_all = stops is self.stops
        costs = costs_of(self._scale, self._nodes, stops, all_terms=is_all, shielded=self._shielded)
        if costs is None:
            raise GaveUp
        largest = max(stop.cores for stop in stops)
        least = tuple(-(-kind.cores // largest) - 1 if kind.cores and largest else 0 for kind in self._fills.kinds)
        depth = stops[0].depth
        before = sum((n * unit for n, unit in zip(self._crossed, costs.units, strict=False)), 0j)
        for most in _limits(self._fewest(stops, least)):
            every = [*self._crossed, most] if depth else [0]
            within = next((place - 1 for place, n in enumerate(every) if n), depth)
            below = before + (most + 1) * costs.units[-1] if depth else complex("inf")
            search = Search(stops, costs, self._fills, Limits(within, below, least), self._budget)
            cost = search.cost()
            if cost is not None:
                if not is_all:
                    self._crossed.append(int((cost - before).real // costs.units[-1].real))
                return search.runs() if is_all else []
            if crossed is not None or not depth or most > len(stops):
                return None
        return None

    def _fewest(self, stops: Sequence[Stop], least: Sequence[int]) -> int:
        """Return how often slots cross from one stop to another at the least, given how often one of each kind does."""
        kinds = self._fills.kinds
        by_size = sum(n * kind.count for n, kind in zip(least, kinds, strict=True))
        missing = sum(kind.count * kind.cores for kind in kinds)
        needed = 0
        for cores in sorted((stop.cores for stop in stops), reverse=True):
            if missing <= 0:
                break
            missing -= cores
            needed += 1
        return max(by_size, needed - sum(kind.count for kind in kinds))


def _limits(least: int) -> Iterator[int]:
    """Yield how often runs may cross at the most, one limit after the other: the fewer, the less is looked at."""
    yield least
    for more in count_up():
        yield least + (1 << more)


def _dealt(
    nodes: Sequence[DomainState], kinds: Sequence[SlotKind], stops: Sequence[Stop], runs: Sequence[Run]
) -> Dealt:
    """Return what slots take that are dealt along runs."""
    dealt: Dealt = [[[] for _ in kinds] for _ in nodes]
    for run in runs:
        left = [(stops[number].place, stops[number].cores) for number in run.stops]
        for kind, number, slots in zip(kinds, run.vector, dealt[stops[run.stops[0]].node], strict=True):
            for _ in range(number):
                taken: dict[int, int] = {}
                missing = kind.cores
                while missing:
                    place, cores = left[0]
                    taken[place] = min(cores, missing)
                    missing -= taken[place]
                    left[0] = place, cores - taken[place]
                    if not left[0][1]:
                        left.pop(0)
                place = stops[run.stops[0]].place
                slots.append(_shares(taken or {place: 0}, place, kind.gpus))
    return dealt


def _shares(taken: dict[int, int], place: int, gpus: int) -> Shares:
    """Return what a slot takes, its GPUs from a place."""
    return tuple(Share(at, cores, gpus if at == place else 0) for at, cores in sorted(taken.items()))
