"""Which nodes a request gets, exactly; what was decided is remembered as long as it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import lcm

from ...grammar.memory import Memory
from ...solver.cpsat.lexicographic import Goal
from ...solver.cpsat.loading import new_model
from .best_in_time import best_in_time
from .needs import NodeNeeds
from .offer import COSTS, Offer, offer
from .stock import NodeState

SECONDS = 2.0
"""The time that the matching of nodes of several kinds may take to be best."""

REMEMBERED = 20_000

Placement = tuple[tuple[int, Offer], ...]
"""For each part of a request the node, by position, and what it gives."""


class Chooser:
    """Places requests on nodes; an answer depends on nothing but its arguments.

    Notes
    -----
    canary asks for every waiting test again and again, some 200 times a second, while nothing changes. A refusal is
    remembered until the states are others, and what a node offers for as long as the node, or one like it, is in that
    state.
    """

    def __init__(self) -> None:
        self._offers: Memory[tuple[NodeNeeds, NodeState], Offer | None] = Memory(REMEMBERED)
        self._refused: set[tuple[NodeNeeds, ...]] = set()
        self._seen: tuple[NodeState, ...] | None = None

    def choose(self, requests: tuple[NodeNeeds, ...], states: tuple[NodeState, ...]) -> Placement | None:
        """Return the best placement on different nodes; None when there is none."""
        if states is not self._seen:
            self._seen = states
            self._refused.clear()
        if requests in self._refused:
            return None
        found = self._choose(requests, states)
        if found is None:
            self._refused.add(requests)
        return found

    def _choose(self, requests: tuple[NodeNeeds, ...], states: Sequence[NodeState]) -> Placement | None:
        if len(requests) > len(states):
            return None
        offers = {needs: self._offers_of(needs, states) for needs in dict.fromkeys(requests)}
        if any(len(offers[needs]) < count for needs, count in Counter(requests).items()):
            return None
        if len(offers) > 1:
            return _matched(requests, offers)
        [by_node] = offers.values()
        best = sorted(by_node, key=lambda node: (by_node[node].cost, node))[: len(requests)]
        return tuple((node, by_node[node]) for node in sorted(best))

    def _offers_of(self, needs: NodeNeeds, states: Sequence[NodeState]) -> dict[int, Offer]:
        found = {}
        for node, state in enumerate(states):
            key = (needs, state)
            if key not in self._offers:
                self._offers[key] = offer(needs, state)
            made = self._offers[key]
            if made is not None:
                found[node] = made
        return found


def _matched(requests: tuple[NodeNeeds, ...], offers: dict[NodeNeeds, dict[int, Offer]]) -> Placement | None:
    """Match parts of several kinds to nodes so that the costs, added up, are least."""
    model = new_model()
    counts = Counter(requests)
    takes = {(kind, node): model.new_bool_var("") for kind, needs in enumerate(counts) for node in offers[needs]}
    for kind, count in enumerate(counts.values()):
        model.add(sum(variable for (of, _), variable in takes.items() if of == kind) == count)
    for node in {node for _, node in takes}:
        model.add_at_most_one(variable for (_, at), variable in takes.items() if at == node)
    kinds = list(counts)
    cost = {key: offers[kinds[key[0]]][key[1]].cost for key in takes}
    factor = lcm(*(number.denominator for row in cost.values() for number in row))
    goals = []
    for term in (*range(COSTS), None):
        weight = {key: key[1] if term is None else int(cost[key][term] * factor) for key in takes}
        most = max(weight.values()) * len(requests)
        goals.append(Goal(sum(weight[key] * variable for key, variable in takes.items()), 0, most))
    found = best_in_time(model, goals, SECONDS)
    if found is None:
        return None
    chosen = {
        needs: iter([node for node in offers[needs] if found.value(takes[kind, node])])
        for kind, needs in enumerate(kinds)
    }
    return tuple((node, offers[needs][node]) for needs in requests for node in (next(chosen[needs]),))
