"""The choice of nodes where no slot has to be torn, by what whole slots cost on each state, without a ranking.

Where affinity goes first, slots that cross no border are better than any that do. One pass over a state's domains says
what 0, 1, 2, ... whole slots cost there (`packing`), for all numbers at once. So where enough nodes hold their slots
whole, the best of these are the best of all, and nothing has to be known of the others; that costs a pass over the
states that are live. Where not enough do, nothing is said. It serves machines in few states: on those in many, a
ranking looks at fewer.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..cpsat.budget import Budget
from ..demand.demand import Bundle
from ..node.plan import NodeSolution
from ..node.rankings import Rankings
from ..policy.terms import CoreShare
from ..state.domain_state import DomainState
from ..state.node_classes import bits, lowest
from .selection import SHARED_OUT, Decision, Field, Pick, lowest_position

FEW = 256
"""States up to which all that are live are looked at."""

STATE_STEPS = 20
"""What it costs to look at a state."""

Costs = Sequence[int]
"""Of 0, 1, 2, ... bundles on a node, as joint integers, as far as their slots stay whole."""

Whole = list[tuple[DomainState, int, Costs]]
"""States with their nodes that give some bundle, none of its slots torn."""


class Untorn:
    """Chooses nodes that tear no slot.

    Parameters
    ----------
    rankings
        What is known of states.
    field
        The nodes to choose from.
    budget
        Charged for what is looked at.
    """

    def __init__(self, rankings: Rankings, field: Field, budget: Budget) -> None:
        self._rankings = rankings
        self._solver = rankings.node_solver
        self._field = field
        self._budget = budget

    def alike(self, bundle: Bundle, count: int) -> Decision | None:
        """Choose so many nodes that each give the bundle; None where too few do without tearing a slot."""
        ranked = self._ranked(bundle, count)
        if ranked is None:
            return None
        picks: list[Pick] = []
        total = 0
        for cost, there, chosen in _cheapest(ranked, count):
            picks += [Pick(nodes, self._solution(state, bundle)) for nodes, state in chosen]
            total += cost * there
        if len(picks) > 1:
            picks.sort(key=lowest_position)
        return Decision(tuple(picks), total, total)

    def _ranked(self, bundle: Bundle, count: int) -> list[tuple[int, int, DomainState]] | None:
        """Return the states that hold a bundle whole, as far as the best so many nodes may be in them; None if not.

        Each comes by what touching it costs at least, so that those that cannot be of the best are not looked at.
        """
        flat, field = bundle.flat, self._field
        if flat is None or not self._solver.compares_whole or len(field.classes) > FEW or self._rankings.crosses(flat):
            return None
        cores, gpus = flat.count * flat.cores, flat.count * flat.gpus
        roomy = [live for live in field.live() if cores <= live[0].free_cores and gpus <= live[0].free_gpus]
        if len(roomy) > 1:
            bounds = self._rankings.touch_bounds([state for state, _ in roomy], flat)
            waiting = [(least, number, *live) for number, (least, live) in enumerate(zip(bounds, roomy, strict=True))]
            waiting.sort()
        else:
            waiting = [(0, 0, *live) for live in roomy]
        ranked: list[tuple[int, int, DomainState]] = []
        for least, _, state, nodes in waiting:
            if ranked and sum([mask.bit_count() for cost, mask, _ in ranked if cost < least]) >= count:
                return ranked
            self._budget.charge(STATE_STEPS)
            costs = self._solver.whole_costs(state, flat, 1)
            if costs is None:
                return None
            if len(costs) > 1:
                ranked.append((costs[1], nodes, state))
        return ranked if sum([mask.bit_count() for _, mask, _ in ranked]) >= count else None

    def loose(self, unit: Bundle, count: int) -> Decision | None:
        """Share out so many units, any number of them on a node; None where that tears a slot, or is too much."""
        if not self._solver.scale.affinity_leads:
            return None
        if self._solver.scale.lead is not None:
            on_one = self.alike(unit.times(count), 1)
            if on_one is not None and not self._apart(on_one.cost):
                return on_one
        if count > SHARED_OUT:
            return None
        whole = self._whole(unit, count)
        fewest = self._fewest(whole, count)
        return None if fewest is None else self._shared_out(whole, unit, count, fewest)

    def _whole(self, bundle: Bundle, limit: int) -> Whole:
        """Return the states that hold a bundle whole, with what up to so many of it cost.

        None at all where of any state that is not known: it may be better.
        """
        flat, field = bundle.flat, self._field
        if flat is None or not self._solver.compares_whole or len(field.classes) > FEW or self._rankings.crosses(flat):
            return []
        cores, gpus = flat.count * flat.cores, flat.count * flat.gpus
        self._budget.charge(STATE_STEPS * len(field.classes))
        found: Whole = []
        for state, nodes in field.live():
            if cores <= state.free_cores and gpus <= state.free_gpus:
                costs = self._solver.whole_costs(state, flat, limit)
                if costs is None:
                    return []
                if len(costs) > 1:
                    found.append((state, nodes, costs))
        return found

    def _fewest(self, whole: Whole, count: int) -> int | None:
        """Return the fewest nodes that hold so many units whole; 0 where more may be better, None where all do not."""
        if self._solver.scale.lead is None or any(self._apart(costs[1]) for _, _, costs in whole):
            return 0
        rooms: list[int] = []
        for _, nodes, costs in whole:
            rooms += [len(costs) - 1] * min(count, nodes.bit_count())
        rooms.sort(reverse=True)
        left = count
        for number, room in enumerate(rooms, 1):
            left -= room
            if left <= 0:
                return number
        return None

    def _apart(self, cost: int) -> bool:
        """Tell whether slots count for cores and GPUs that stand apart: then fewer nodes may be worse."""
        scale = self._solver.scale
        return any(cost and scale.values(cost)[c.name] for c in scale.components if isinstance(c, CoreShare))

    def _shared_out(self, whole: Whole, unit: Bundle, count: int, fewest: int) -> Decision | None:
        """Share units out by dynamic programming over the nodes that a best placement could use."""
        best: list[tuple[int, tuple[tuple[int, int, DomainState], ...]] | None] = [(0, ())] + [None] * count
        for position, ways in self._candidates(whole, count, fewest):
            for total in range(count, 0, -1):
                for units, cost, state in ways:
                    before = best[total - units] if units <= total else None
                    now = best[total]
                    if before is not None and (now is None or before[0] + cost < now[0]):
                        best[total] = (before[0] + cost, (*before[1], (position, units, state)))
        found = best[count]
        if found is None:
            return None
        picks = [Pick(1 << position, self._solution(state, unit.times(units))) for position, units, state in found[1]]
        return Decision(tuple(picks), found[0], found[0])

    def _candidates(
        self, whole: Whole, count: int, fewest: int
    ) -> list[tuple[int, list[tuple[int, int, DomainState]]]]:
        """Return the nodes that a best placement could use, lowest first, each with its costs by how many units.

        Beside a node that gives `n` units there are at most `count - n` others. So one that is not among the best
        `count - n + 1` for `n` units can give its place to one of those that is not used, at no cost. Where the fewest
        nodes are best, each gives at least what the others cannot.
        """
        least = 1
        if fewest:
            rooms = sorted((len(costs) - 1 for _, nodes, costs in whole for _ in range(min(fewest, nodes.bit_count()))))
            least = max(1, count - sum(rooms[len(rooms) - fewest + 1 :]))
        nodes: dict[int, list[tuple[int, int, DomainState]]] = {}
        for units in range(least, count + 1):
            giving = [(costs[units], mask, state) for state, mask, costs in whole if len(costs) > units]
            others = min(count - units, fewest - 1) if fewest else count - units
            for cost, _, chosen in _cheapest(giving, others + 1):
                for mask, state in chosen:
                    for position in bits(mask):
                        nodes.setdefault(position, []).append((units, cost, state))
        return sorted(nodes.items())

    def _solution(self, state: DomainState, bundle: Bundle) -> NodeSolution:
        solution = self._solver.best(state, bundle, self._budget)
        assert solution is not None
        return solution


def _cheapest(
    ranked: list[tuple[int, int, DomainState]], count: int
) -> list[tuple[int, int, list[tuple[int, DomainState]]]]:
    """Return so many nodes of the least cost, the lowest of those that tie: by cost, how many, and which."""
    ranked.sort(key=_cost)
    found = []
    place = 0
    while place < len(ranked) and count:
        cost, union, _ = ranked[place]
        end = place + 1
        while end < len(ranked) and ranked[end][0] == cost:
            union |= ranked[end][1]
            end += 1
        chosen = lowest(union, count)
        there = chosen.bit_count()
        parts = [(part, state) for _, nodes, state in ranked[place:end] if (part := nodes & chosen)]
        found.append((cost, there, parts))
        count -= there
        place = end
    return found


def _cost(ranked: tuple[int, int, DomainState]) -> int:
    return ranked[0]
