"""What each node has for a request, by itself: room for so much of it, or what it fails on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import immutables

from ..cpsat.budget import Budget, CutOff
from ..demand.demand import Demand, GroupDemand, HostDemand
from ..machine.decide import Situation
from ..machine.selection import Field
from .trials import Trial, Trials
from .words import amount, query

TOO_SMALL, TOO_LITTLE_FREE, FITS = "too small even when idle", "too little free", "fits"
_MOST_KINDS = 3
"""Kinds of nodes that a request may ask for to be looked at."""


def node_findings(trials: Trials, seconds: float) -> list[tuple[int, str]]:
    """Return bitmasks of positions, and what the nodes there have for the request or fail on; no node is in two.

    A node fails on the first of these that holds: it is too small, it does not match the constraint, it has too little
    free. Those that are down and would not fail otherwise are left out, as are those of which it was not found in time.

    Parameters
    ----------
    trials
        The request and the state.
    seconds
        Of work that it may take.
    """
    demand = trials.demand(trials.relaxer.relax(trials.vertices, frozenset()))
    if demand is None:
        return []
    units = list({unit.path: unit for unit in _hosts(demand.root)}.values())
    budget = Budget(seconds)
    parts: list[tuple[int, tuple[str, ...]]] = [(trials.machine.all, ())]
    for unit in units[:_MOST_KINDS]:
        said = _of_unit(trials, unit, budget)
        name = f"{unit.path}: " if len(units) > 1 else ""
        rest = trials.machine.all
        for nodes in said.values():
            rest &= ~nodes
        cuts = [(nodes, (f"{name}{text}",)) for text, nodes in said.items()] + [(rest, ())]
        parts = [(part & nodes, (*texts, *more)) for part, texts in parts for nodes, more in cuts if part & nodes]
    return [(nodes, ", ".join(dict.fromkeys(texts))) for nodes, texts in parts if texts]


def _hosts(group: GroupDemand) -> Iterator[HostDemand]:
    yield from group.hosts
    for below in group.groups:
        yield from _hosts(below)


def _of_unit(trials: Trials, unit: HostDemand, budget: Budget) -> dict[str, int]:
    """Return what is said of which nodes, for one kind of node or of slot that the request asks for."""
    said: defaultdict[str, int] = defaultdict(int)
    everything = trials.machine.all
    unknown = 0
    large = 0
    for nodes, room in _rooms(trials, Trial(trials.empty.state, ()), unit, everything, budget):
        if room is None:
            unknown |= nodes
        elif room:
            large |= nodes
    said[TOO_SMALL] = everything & ~large & ~unknown
    matching = large
    for term in trials.terms:
        fail = matching & ~trials.knowledge.eligible(term)
        said[f"does not match the constraint: {query(term)}"] |= fail
        matching &= ~fail
    for nodes, room in _rooms(trials, Trial(trials.state, ()), unit, matching, budget):
        if room is not None:
            said[_in_words(unit, room)] |= nodes
    return {text: nodes for text, nodes in said.items() if nodes}


def _in_words(unit: HostDemand, room: int) -> str:
    if not room:
        return TOO_LITTLE_FREE
    return f"room for {amount(unit.path.rpartition('/')[2].partition('[')[0], room)}" if unit.loose else FITS


def _rooms(
    trials: Trials, trial: Trial, unit: HostDemand, among: int, budget: Budget
) -> Iterator[tuple[int, int | None]]:
    """Yield nodes that are up and in one state, and how much of a unit each has room for; None if unknown."""
    decider, situation = trials.situation(trials.vertices, trial)
    demand = Demand(GroupDemand("", 1, hosts=(replace(unit, count=1),)), 0, ())
    for state, nodes in replace(situation.field, eligible=among).live():
        one = Field(immutables.Map({state: nodes & -nodes}), nodes)
        try:
            room = decider.room(demand, Situation(one, situation.group_free), budget)
        except CutOff:
            room = None
        yield nodes, room
