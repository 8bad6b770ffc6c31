"""From which domains memory, storage and the like come, as constraints.

What a slot asks for comes from any domains inside the one below which the request names it, or around that: of a vertex
right below a node, from any of the node. A domain that gives some of it is touched by the slot like one that gives a
core. So a slot's memory stands beside its cores wherever it can, as the terms have it. What belongs to no slot comes
from the domain itself, or what is inside it, or the nearest above. Of a domain that is taken whole, and has some of an
amount listed in it, the amount is the least that all in it must come to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ...policy.components import Component, Touch
from .variables import CORES, GPUS, Amount, Holder, Taken

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


def add_amounts(taken: Taken) -> None:
    """Take all amounts that are asked for."""
    for amount in taken.amounts:
        want = amount.want
        parts = taken.take(amount.holder, want.type, want.count, amount.context, _sources(taken, amount))
        if amount.holder.wholes:
            taken.sourced.append((amount, parts))


def _sources(taken: Taken, amount: Amount) -> list[int]:
    """Return the places that an amount may come from."""
    name, place, holder = amount.want.type, amount.context.place, amount.holder
    inside = _inside(taken, name, place)
    if inside and any(
        taken.wholes[n].holder is holder and taken.wholes[n].place == place for n in amount.context.scope
    ):
        return inside
    return within_reach(taken, name, place) if holder.label else listing(taken, name, place)


def within_reach(taken: Taken, name: str, place: int) -> list[int]:
    """Return all that lists an amount inside a domain or around it, itself among them."""
    places = {*taken.above(place), *taken.below(place)}
    return sorted(at for at in places if taken.lists(name, at))


def listing(taken: Taken, name: str, place: int) -> list[int]:
    """Return the place itself if it lists an amount, else what is inside it and does, else the nearest above."""
    if taken.lists(name, place):
        return [place]
    above = taken.lister(name, place)
    return _inside(taken, name, place) or ([] if above is None else [above])


def _inside(taken: Taken, name: str, place: int) -> list[int]:
    """Return all that lists an amount in a domain, itself and those below it."""
    return [below for below in taken.below(place) if taken.lists(name, below)]


def sought(taken: Taken, components: Sequence[Component]) -> frozenset[int]:
    """Return the places that a policy would rather have touched than not, by themselves or by what is around them."""
    return frozenset(
        below
        for place, domain in enumerate(taken.domains)
        if any(isinstance(c, Touch) and c.level == domain.level and c.weight(domain) < 0 for c in components)
        for below in taken.below(place)
    )


def from_own(taken: Taken, solver: cp_model.CpSolver, kept: Collection[int]) -> dict[tuple[int, str, int], int]:
    """Return what slots need not take elsewhere, as a domain that they have whole has it: by holder, name and place.

    It is found in the solution, and no term of the search, which would take long to prove it.

    Parameters
    ----------
    kept
        Places of which a slot goes on taking what it took, unless it has a core or a GPU there: it would be worth less
        than was found if it no longer touched them.
    """
    spare: dict[tuple[str, int], int] = {}
    saved: dict[tuple[int, str, int], int] = defaultdict(int)
    for amount, parts in taken.sourced:
        name, holder = amount.want.type, amount.holder
        own = {at for whole, chosen in holder.wholes if solver.value(chosen) for at in taken.below(whole)}
        bound = {at for at in kept if not _has_units(holder, at, solver)}
        left = {place: solver.value(parts[place]) for place in sorted(parts.keys() - own - bound)}
        for at in sorted(own & parts.keys()):
            if (name, at) not in spare:
                used = sum(solver.value(flow.part) for flow in taken.flows[name, at])
                spare[name, at] = taken.free(name, at) - used
            for place in left:
                more = min(left[place], spare[name, at])
                spare[name, at] -= more
                left[place] -= more
                saved[id(holder), name, place] += more
    return saved


def _has_units(holder: Holder, place: int, solver: cp_model.CpSolver) -> bool:
    """Tell whether a slot has a core or a GPU that a place lists itself."""
    return any(solver.value(part) for resource in (CORES, GPUS) for part in holder.takes.get((resource, place), ()))
