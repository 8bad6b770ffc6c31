"""Equal slots that take amounts beside cores and GPUs, by counts: how many stand in exactly which domains.

Slots with the same supports (the domains of their cores, and those of their GPUs) are one variable, what all of them
take of each domain another. That loses nothing: each of them gets one core of every domain of its support, and the
rest of what they take together can be dealt to them in any order. Their amounts come from the domains of the cores, or
without any of the GPUs, or the nearest above that list them. Slots of amounts alone all take them from the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb

from ...cpsat.lexicographic import Expression
from ...demand.demand import Kind, Want
from .amounts import listing
from .variables import CORES, GPUS, Context, Holder, Taken

MOST_SUPPORTS = 600
"""Slots with more pairs of supports are modelled one by one."""

Support = tuple[int, ...]


def add_slots_by_support(taken: Taken, want: Want, context: Context) -> bool:
    """Make so many equal slots anywhere in the context; tell whether that was done."""
    plain = all(child.kind in (Kind.CORE, Kind.GPU, Kind.AMOUNT) and child.ids is None for child in want.wants)
    needs = {r: want.total(kind) for r, kind in ((CORES, Kind.CORE), (GPUS, Kind.GPU)) if want.total(kind)}
    if not plain:
        return False
    places_of = {r: [place for place in taken.below(context.place) if taken.free(r, place)] for r in needs}
    pairs = 1
    for resource, places in places_of.items():
        pairs *= sum(comb(len(places), size) for size in range(1, min(needs[resource], len(places)) + 1))
    if pairs > MOST_SUPPORTS:
        return False
    if taken.shares and min(needs.get(CORES, 0), needs.get(GPUS, 0) - 1, len(places_of.get(GPUS, ())) - 1) > 0:
        return False  # how the cores of each stand to its GPUs is not told by what all take together
    amounts = _amounts(want)
    counts: list[Expression] = []
    for cores in _supports(places_of, needs, CORES):
        for gpus in _supports(places_of, needs, GPUS):
            count = _add_slots(taken, want, context, needs, amounts, {CORES: cores, GPUS: gpus})
            if count is not None:
                counts.append(count)
    taken.model.add(sum(counts) == want.count * context.chosen)
    taken.pooled = True
    return True


def _amounts(want: Want) -> dict[str, int]:
    amounts: dict[str, int] = {}
    for child in want.wants:
        if child.kind is Kind.AMOUNT:
            amounts[child.type] = amounts.get(child.type, 0) + child.count
    return amounts


def _supports(places_of: dict[str, list[int]], needs: dict[str, int], resource: str) -> list[Support]:
    """Return the sets of domains, the smallest first, from which a slot can take all its cores, or all its GPUs."""
    if resource not in needs:
        return [()]
    places = places_of[resource]
    most = min(needs[resource], len(places))
    return [support for size in range(1, most + 1) for support in combinations(places, size)]


def _add_slots(
    taken: Taken,
    want: Want,
    context: Context,
    needs: dict[str, int],
    amounts: dict[str, int],
    supports: dict[str, Support],
) -> Expression | None:
    """Let any number of slots have these supports; return how many do, None where none can."""
    if not taken.may_cross({*supports[CORES], *supports[GPUS]}):
        return None
    beside = supports[CORES] or supports[GPUS]
    sources = {name: _sources(taken, name, context, beside) for name in amounts}
    most = min(
        want.count,
        *(_most(taken, r, need, supports[r], each=True) for r, need in needs.items()),
        *(_most(taken, name, amount, sources[name], each=False) for name, amount in amounts.items()),
    )
    if most == 0:
        return None
    count = taken.model.new_int_var(0, most, "")
    home = tuple(sorted({*supports[CORES], *supports[GPUS]}))
    holder = taken.add_holder(
        Holder(want.label, GPUS not in needs, home, count, most, asked=(needs.get(CORES, 0), needs.get(GPUS, 0)))
    )
    for resource, need in needs.items():
        _take(taken, holder, context, resource, need, supports[resource], count)
        if len(supports[resource]) > 1:
            for place in supports[resource]:
                taken.model.add(sum(holder.takes[resource, place]) >= count)
    for name, amount in amounts.items():
        _take(taken, holder, context, name, amount, sources[name], count)
    return count


def _sources(taken: Taken, name: str, context: Context, beside: Sequence[int]) -> Support:
    if not beside:
        return tuple(sorted(listing(taken, name, context.place)))
    listers = {taken.lister(name, place) for place in beside}
    return tuple(sorted(place for place in listers if place is not None))


def _most(taken: Taken, resource: str, need: int, places: Support, *, each: bool) -> int:
    """Return how many slots there can be by what the places have free, of which each must give some to every slot."""
    free = [taken.free(resource, place) for place in places]
    most = sum(free) // need if need else 1 << 31
    return min(most, *free) if each else most


def _take(
    taken: Taken, holder: Holder, context: Context, resource: str, need: int, places: Support, count: Expression
) -> None:
    """Let all slots of a holder together take what they need from some places."""
    if len(places) == 1:
        taken.record(holder, resource, places[0], need * count, context.scope)
        return
    parts: list[Expression] = []
    for place in places:
        part = taken.model.new_int_var(0, min(need * holder.most, taken.free(resource, place)), "")
        parts.append(part)
        taken.record(holder, resource, place, part, context.scope)
    taken.model.add(sum(parts) == need * count)
