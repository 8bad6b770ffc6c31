"""From which domains memory, storage and the like come, as constraints.

A slot's amount comes from the domains that its cores are in (without any cores: its GPUs), or the nearest above that
list it. What counts are those inside the domain below which the request names the amount. Where the slot has none
there, and for what belongs to no slot, it comes from that domain itself, or what is inside it, or the nearest above.
Of a domain that is taken whole it is the least that all in it must come to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...cpsat.lexicographic import Expression
from .variables import CORES, GPUS, Amount, Taken

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

Held = list[tuple[int, Expression]]
"""What a slot may have of a resource, place by place."""


@dataclass(frozen=True)
class _Way:
    """One of the ways in which a slot may stand to an amount that it asks for.

    Attributes
    ----------
    sources
        The places that the amount may come from, each with how many cores or GPUs of the slot are there: without any,
        nothing comes from it. None where it does not depend on them.
    literal
        Says that it stands in this way; None where it cannot stand in another.
    """

    sources: dict[int, Expression | None]
    literal: cp_model.IntVar | None = None


def add_amounts(taken: Taken) -> None:
    """Take all amounts that are asked for; what slots may have is known by now."""
    for amount in taken.amounts:
        ways = list(_ways(taken, amount))
        places = sorted({place for way in ways for place in way.sources})
        want = amount.want
        parts = taken.take(amount.holder, want.type, want.count, amount.context, places)
        for way in ways:
            for place, part in parts.items():
                most = way.sources.get(place, 0)
                if most is not None:
                    _add(taken, part <= want.count * most, way.literal)
        if amount.holder.wholes:
            taken.sourced.append((amount, parts))


def _ways(taken: Taken, amount: Amount) -> Iterator[_Way]:
    """Yield the ways in which a slot may stand: one of them will hold."""
    name, place, holder = amount.want.type, amount.context.place, amount.holder
    there: dict[int, Expression | None] = dict.fromkeys(listing(taken, name, place))
    cores, gpus = _held(taken, amount, CORES), _held(taken, amount, GPUS)
    if any(taken.wholes[n].holder is holder and taken.wholes[n].place == place for n in amount.context.scope):
        yield _Way(dict.fromkeys(_inside(taken, name, place) or there))
    elif not holder.label or not (cores or gpus):
        yield _Way(there)
    elif amount.beside_cores:
        yield _Way(_near(taken, name, place, cores))
    else:
        model, inside = taken.model, taken.below(place)
        by_cores, by_gpus, away, bare = (model.new_bool_var("") for _ in range(4))
        model.add_exactly_one(by_cores, by_gpus, away, bare)
        all_cores = sum(part for _, part in cores)
        _add(taken, all_cores == 0, by_gpus)
        _add(taken, all_cores == 0, bare)
        _add(taken, all_cores >= 1, away)
        _add(taken, sum(part for at, part in cores if at in inside) == 0, away)
        _add(taken, sum(part for at, part in gpus if at in inside) == 0, bare)
        yield _Way(_near(taken, name, place, cores), by_cores)
        yield _Way(_near(taken, name, place, gpus), by_gpus)
        yield _Way(there, away)
        yield _Way(there, bare)


def listing(taken: Taken, name: str, place: int) -> list[int]:
    """Return the place itself if it lists an amount, else what is inside it and does, else the nearest above."""
    if taken.lists(name, place):
        return [place]
    above = taken.lister(name, place)
    return _inside(taken, name, place) or ([] if above is None else [above])


def _inside(taken: Taken, name: str, place: int) -> list[int]:
    """Return all that lists an amount in a domain, itself and those below it."""
    return [below for below in taken.below(place) if taken.lists(name, below)]


def _near(taken: Taken, name: str, place: int, held: Held) -> dict[int, Expression | None]:
    """Return the places that list an amount next to what a slot has inside one, with how much it has there."""
    beside: dict[int, list[Expression]] = defaultdict(list)
    for at, number in held:
        lister = taken.lister(name, at) if at in taken.below(place) else None
        if lister is not None:
            beside[lister].append(number)
    return {lister: sum(numbers) for lister, numbers in beside.items()}


def _held(taken: Taken, amount: Amount, resource: str) -> Held:
    """Return what a slot may have of a resource, in domains that it takes whole or not."""
    holder = amount.holder
    held = [(place, part) for (name, place), parts in holder.takes.items() if name == resource for part in parts]
    for whole, chosen in holder.wholes:
        held += [(place, n * chosen) for place in taken.below(whole) if (n := taken.free(resource, place))]
    return held


def from_own(taken: Taken, solver: cp_model.CpSolver) -> dict[tuple[int, str, int], int]:
    """Return what slots need not take elsewhere, as a domain that they have whole has it: by holder, name and place.

    It is found in the solution, and no term of the search, which would take long to prove it.
    """
    spare: dict[tuple[str, int], int] = {}
    saved: dict[tuple[int, str, int], int] = defaultdict(int)
    for amount, parts in taken.sourced:
        name, holder = amount.want.type, amount.holder
        own = {at for whole, chosen in holder.wholes if solver.value(chosen) for at in taken.below(whole)}
        left = {place: solver.value(parts[place]) for place in sorted(parts.keys() - own)}
        for at in sorted(own & parts.keys()):
            if (name, at) not in spare:
                used = sum(solver.value(part) for part, _ in taken.flows[name, at])
                spare[name, at] = taken.free(name, at) - used
            for place in left:
                more = min(left[place], spare[name, at])
                spare[name, at] -= more
                left[place] -= more
                saved[id(holder), name, place] += more
    return saved


def _add(taken: Taken, constraint: cp_model.BoundedLinearExpression | bool, literal: cp_model.IntVar | None) -> None:
    """Add a constraint, one that has to hold only if a literal does."""
    added = taken.model.add(constraint)
    if literal is not None:
        added.only_enforce_if(literal)
