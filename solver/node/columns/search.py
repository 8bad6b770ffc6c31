"""Bounds and choices in turn, until they meet: of all components of a policy, first compared first.

Each component is bounded as if those before it came to what they are at the least. Where a choice of the runs that are
known comes to all of these bounds, it is the best. Where the first component in which it does not is left open by the
relaxation, all runs are gathered with which it may be better, and it is decided by a choice of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from ...cpsat.budget import Budget, CutOff
from ...cpsat.status import Status
from ...policy.scale import Scale
from ...state.domain_state import DomainState
from ..construction import SlotKind
from ..dealing import Dealt
from ..plan import Share
from ..pricing import Shares, price
from .choice import Choice, Counted, choose
from .forest import Forest, Run
from .making import Making, made
from .master import Master
from .weights import Weights, weights_of

BEYOND = 1 << 16
"""More than any component comes to that is not weighed."""

RUN_STEPS, GPU_STEPS = 15, 150
"""Steps of work for each kind of domain of a run, to find out what its slots take: without GPUs, and with them."""

PART = 0.4
"""Of what is left, how much one choice of runs may take."""


class Search:
    """One search.

    Attributes
    ----------
    cost, dealt
        The best placement that was found.
    """

    def __init__(
        self,
        scale: Scale,
        nodes: Sequence[DomainState],
        kinds: Sequence[SlotKind],
        forest: Forest,
        weights: Sequence[Weights],
        budget: Budget,
    ) -> None:
        self._scale, self._nodes, self._kinds, self._forest = scale, nodes, kinds, forest
        self._weights = weights
        self._budget = budget
        self._last_crossed = max((n for n, some in enumerate(weights) if some.level >= 0), default=-1)
        self._makings: dict[Run, Making | None] = {}
        self._runs: list[Run] = []
        self._lows: Sequence[int] = ()
        self._crossed: Mapping[int, int] = {}
        self._least: list[int] = []
        self.cost: int | None = None
        self.dealt: Dealt = []

    @classmethod
    def of(
        cls, scale: Scale, nodes: Sequence[DomainState], kinds: Sequence[SlotKind], forest: Forest, budget: Budget
    ) -> Search | None:
        """Make one; None where some component is no sum over runs and what is touched."""
        gpus, shielded = any(kind.gpus for kind in kinds), any(kind.shielded for kind in kinds)
        counted = [weights_of(component, forest, shielded=shielded, gpus=gpus) for component in scale.components]
        weights = [some for some in counted if some is not None]
        return None if len(weights) < len(counted) else cls(scale, nodes, kinds, forest, weights, budget)

    def run(self, lows: Sequence[int], crossed: Mapping[int, int], known: Sequence[int] | None) -> list[int]:
        """Look for the best, and return what no placement is below, each component with those before it at theirs.

        Parameters
        ----------
        lows
            Of each component, what no placement is below, whatever the others are.
        crossed
            Of some, what no placement is below that has those of them that come before at theirs.
        known
            The values of a placement.
        """
        self._lows, self._crossed = lows, crossed
        self._least = list(lows)
        with suppress(CutOff):
            self._improve(None if known is None else list(known))
        return self._least

    def _improve(self, known: list[int] | None) -> None:
        """Raise bounds and better the placement that is known until they meet, or nothing more comes of it."""
        least, first = self._least, 0
        while known is None or least < known:
            # As if each component could be had at what it is at the least.
            least[first + 1 :] = self._lows[first + 1 :]
            master = self._held(first)
            for number in range(first, len(least)):
                self._raise(master, number, known)
                if number >= self._last_crossed and (known is None or least[number] < known[number]):
                    known = self._with_the_first(master, number + 1, known)
            if known is not None and least >= known:
                return
            known = self._at(master, known, first)
            if known is None or least >= known:
                return
            # The first component that is open, with all runs of a placement in which it is better.
            first = next(number for number, low in enumerate(least) if low < known[number])
            least[first + 1 :] = self._lows[first + 1 :]
            found = self._decided(known, first)
            if found is None:
                return
            known = found
            if least[first] == known[first]:
                first += 1

    def _held(self, first: int) -> Master:
        """Make a master problem in which the first components come to no more than their bounds."""
        master = Master(self._forest, self._kinds, self._budget)
        for run in self._runs:
            master.add(run)
        for number in range(first):
            self._hold(master, number)
        return master

    def _hold(self, master: Master, number: int) -> None:
        weights = self._weights[number]
        if not weights.is_nothing and weights.share < 0:
            master.hold(weights, self._least[number])

    def _raise(self, master: Master, number: int, known: Sequence[int] | None) -> None:
        """Raise the bound of a component by what columns prove, those before it at theirs, and hold it there."""
        weights, least = self._weights[number], self._least
        if number in self._crossed and all(least[n] == low for n, low in self._crossed.items() if n < number):
            least[number] = max(least[number], self._crossed[number])
        if weights.share >= 0:
            least[number] = max(least[number], self._apart(number))
        ties = known is not None and least[:number] == list(known[:number])
        enough = known[number] if known is not None and ties else BEYOND
        if not weights.is_nothing and weights.share < 0 and least[number] < enough:
            least[number] = max(least[number], self._bound(master, weights, enough))
        self._hold(master, number)

    def _apart(self, number: int) -> int:
        """Return what slots count for standing apart at the least, as only so many cross from one leaf to another."""
        forest, finest, level = self._forest, len(self._forest.levels) - 1, self._weights[number].share
        crossed = [self._least[n] for n, some in enumerate(self._weights[:number]) if some.level == finest]
        if not crossed or level == finest:
            return 0
        each: list[int] = []
        for kind in self._kinds:
            beyond = [
                kind.cores * max(0, kind.gpus - self._gpus_at(forest.at(leaf.branch, level + 1)))
                for leaf in forest.leaves
                if leaf.cores >= kind.cores
            ]
            each += kind.count * [min(beyond, default=0) if kind.gpus else 0]
        return sum(sorted(each)[: max(0, len(each) - crossed[0])])

    def _gpus_at(self, branch: int | None) -> int:
        """Return the GPUs that are free in a branch."""
        return 0 if branch is None else self._forest.branches[branch].state.free_gpus

    def _bound(self, master: Master, weights: Weights, enough: int, *, gather: bool = False) -> int:
        try:
            return master.bound(weights, enough, gather=gather)
        finally:
            self._runs = list(master.runs)

    def _at(self, master: Master, known: list[int] | None, first: int) -> list[int] | None:
        """Choose among the runs that there are: at the bounds, or else the best; return the values that are known."""
        makings, least = self._made(master), self._least
        chosen = self._choice(master, makings, [(low, low) for low in least])
        return self._better(chosen, makings, known) if chosen.runs else self._with_the_first(master, first, known)

    def _with_the_first(self, master: Master, number: int, known: list[int] | None) -> list[int] | None:
        """Choose the best among the runs that there are in which the first components are at their bounds."""
        makings = self._made(master)
        limits = [(0, low if n < number else BEYOND) for n, low in enumerate(self._least)]
        return self._better(self._choice(master, makings, limits), makings, known)

    def _decided(self, known: list[int], number: int) -> list[int] | None:
        """Find out what a component comes to, those before it at their bounds; None where it stays open."""
        weights, least = self._weights[number], self._least
        if weights.share >= 0:
            return None
        master = self._held(number)
        if self._bound(master, weights, known[number], gather=True) >= known[number]:
            least[number] = known[number]
            return known
        limits = [(0, low) for low in least[:number]] + [(least[number], known[number] - 1)]
        makings = self._made(master)
        gpus = any(kind.gpus for kind in self._kinds)
        if master.has_all and gpus:
            relaxed = self._choice(master, dict.fromkeys(master.runs), limits)
            if relaxed.status is Status.INFEASIBLE:
                least[number] = known[number]
                return known
        limits += [(0, BEYOND)] * (len(least) - len(limits))
        chosen = self._choice(master, makings, limits)
        if chosen.status is Status.INFEASIBLE and master.has_all and not gpus:
            least[number] = known[number]
            return known
        found = self._better(chosen, makings, known)
        if found is None or found[: number + 1] >= known[: number + 1]:
            return None
        if chosen.status is Status.OPTIMAL and master.has_all and not gpus:
            least[number] = max(least[number], found[number])
        return found

    def _made(self, master: Master) -> dict[Run, Making | None]:
        """Return the runs that can be made as they count."""
        for run in master.runs:
            if run not in self._makings:
                has_gpus = any(n and kind.gpus for n, kind in zip(run.vector, self._kinds, strict=True))
                self._budget.spend((GPU_STEPS if has_gpus else RUN_STEPS) * len(run.leaves))
                self._makings[run] = made(self._forest, self._kinds, run)
        return {run: self._makings[run] for run in master.runs if self._makings[run] is not None}

    def _choice(
        self, master: Master, makings: Mapping[Run, Making | None], limits: Sequence[tuple[int, int]]
    ) -> Choice:
        counted = [
            Counted(weights, low, min(high, _most(self._forest, weights)))
            for weights, (low, high) in zip(self._weights, limits, strict=False)
            if not weights.is_nothing
        ]
        return choose(master, makings, counted, self._budget.part(PART))

    def _better(
        self, chosen: Choice, makings: Mapping[Run, Making | None], known: list[int] | None
    ) -> list[int] | None:
        """Keep a choice if it is the best placement yet, and return the values of what is."""
        if not chosen.runs:
            return known
        dealt = self._dealt(makings, chosen.runs)
        cost = price_of_dealt(self._scale, self._nodes, self._kinds, dealt)
        if self.cost is None or cost < self.cost:
            self.cost, self.dealt = cost, dealt
        values = list(self._scale.values(cost).values())
        return values if known is None or values < known else known

    def _dealt(self, makings: Mapping[Run, Making | None], chosen: Sequence[tuple[Run, int]]) -> Dealt:
        """Return what slots take; of slots that are too many the last ones are left out."""
        forest = self._forest
        places = [list(leaf.places)[::-1] for leaf in forest.leaves]
        dealt: Dealt = [[[] for _ in self._kinds] for _ in self._nodes]
        left = [kind.count for kind in self._kinds]
        for run, times in chosen:
            making = makings[run]
            assert making is not None
            for _ in range(times):
                at = {(leaf, n): places[leaf].pop() for leaf, some in run.leaves for n in range(some)}
                node = forest.branches[forest.leaves[run.leaves[0][0]].branch].node
                for kind, slots in enumerate(making.slots):
                    for slot in slots[: left[kind]]:
                        shares = [
                            Share(at[piece] if piece[0] >= 0 else forest.branches[piece[1]].place, *held)
                            for piece, held in slot.items()
                        ]
                        dealt[node][kind].append(tuple(sorted(shares)))
                    left[kind] = max(0, left[kind] - len(slots))
        return dealt


def price_of_dealt(
    scale: Scale, nodes: Sequence[DomainState], kinds: Sequence[SlotKind], dealt: Sequence[Sequence[Sequence[Shares]]]
) -> int:
    """Return what slots cost on some nodes."""
    return sum(
        price(scale, node, ((slot, kind.shielded) for some, kind in zip(slots, kinds, strict=True) for slot in some))
        for node, slots in zip(nodes, dealt, strict=True)
        if any(slots)
    )


def _most(forest: Forest, weights: Weights) -> int:
    """Return what a component comes to at the most."""
    if weights.level >= 0 or weights.share >= 0:
        return BEYOND
    return sum(weights.branches) + sum(
        max(one, other) * len(leaf.places)
        for one, other, leaf in zip(weights.leaves, weights.shield, forest.leaves, strict=True)
    )
