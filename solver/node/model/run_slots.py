"""Slots read off a flow of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..plan import Share
from ..pricing import Shares
from .run_flow import END, START, Arc, RunFlow, State


def slots_of(runs: RunFlow, flows: Sequence[int], types: int) -> tuple[tuple[Shares, ...], ...]:
    """Return for each type of slot what each takes.

    Parameters
    ----------
    flows
        How often each arc is taken, in their order.
    types
        How many types of slots there are.
    """
    left = {id(arc): flow for arc, flow in zip(runs.arcs, flows, strict=True)}
    places = [list(leaf.places)[::-1] for _, leaf in runs.leaves]
    slots: list[list[Shares]] = [[] for _ in range(types)]
    for state in [START, *(state for state in runs.out_of if state.what == "in")]:
        while path := _path(runs, left, state):
            for kind, shares in _slots(path, places):
                slots[kind].append(shares)
    return tuple(tuple(sorted(some, key=_in_order)) for some in slots)


def _path(runs: RunFlow, left: dict[int, int], state: State) -> list[Arc]:
    """Return a path from a state to the end, or round to the state itself, and take it away; empty for none."""
    path: list[Arc] = []
    at = state
    while not path or at not in (END, state):
        arc = next((arc for arc in runs.out_of[at] if left[id(arc)]), None)
        if arc is None:
            assert not path, "what flows into a state flows out of it"
            break
        left[id(arc)] -= 1
        path.append(arc)
        at = arc.head
    return path


def _slots(path: Sequence[Arc], places: Sequence[list[int]]) -> Iterator[tuple[int, Shares]]:
    """Yield the slots along a path, as type and shares; of one that goes round, the first one last."""
    place = 0
    begun: dict[int, int] = {}
    first: tuple[int, dict[int, int]] | None = None
    for arc in path:
        if arc.enters >= 0:
            place = places[arc.enters].pop()
        if arc.units:
            begun[place] = begun.get(place, 0) + arc.units
        if arc.completes >= 0:
            if first is None and path[0].tail != START:
                first = arc.completes, begun
            else:
                yield arc.completes, _shares(begun)
            begun = {}
    if first is not None:
        kind, ended = first
        for place, units in ended.items():
            begun[place] = begun.get(place, 0) + units
        yield kind, _shares(begun)


def _shares(units: dict[int, int]) -> Shares:
    return tuple(Share(place, number) for place, number in sorted(units.items()))


def _in_order(shares: Shares) -> tuple[int, ...]:
    return tuple(share.place for share in shares)
