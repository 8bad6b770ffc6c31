"""Equal slots that take amounts beside cores and GPUs, by counts: how many stand in exactly which domains.

Slots with the same supports (the domains of their cores, those of their GPUs, and those that give amounts alone) are
one variable, what all of them take of each domain another. That loses nothing: each of them gets one core of every
domain of its support, and the rest of what they take together can be dealt to them in any order. Their amounts come
from what they touch anyhow: these domains and all around them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain, combinations, islice

from ...cpsat.lexicographic import Expression
from ...demand.demand import Kind, Want
from .amounts import within_reach
from .variables import CORES, GPUS, Context, Holder, Taken

MOST_SUPPORTS = 600
"""Slots with more supports than this are modelled one by one."""

OTHERS = "amounts"
"""What gives amounts alone."""

Support = tuple[int, ...]


def add_slots_by_support(taken: Taken, want: Want, context: Context) -> bool:
    """Make so many equal slots anywhere in the context; tell whether that was done."""
    plain = all(child.kind in (Kind.CORE, Kind.GPU, Kind.AMOUNT) and child.ids is None for child in want.wants)
    needs = {r: want.total(kind) for r, kind in ((CORES, Kind.CORE), (GPUS, Kind.GPU)) if want.total(kind)}
    if not plain:
        return False
    places_of = {r: [place for place in taken.below(context.place) if taken.free(r, place)] for r in needs}
    if taken.shares and min(needs.get(CORES, 0), needs.get(GPUS, 0) - 1, len(places_of.get(GPUS, ())) - 1) > 0:
        return False  # how the cores of each stand to its GPUs is not told by what all take together
    amounts = _amounts(want)
    reach = {name: within_reach(taken, name, context.place) for name in amounts}
    found = list(islice(_all_supports(taken, places_of, needs, {*chain(*reach.values())}), MOST_SUPPORTS + 1))
    if len(found) > MOST_SUPPORTS:
        return False
    counts: list[Expression] = []
    for supports in found:
        count = _add_slots(taken, want, context, needs, amounts, reach, supports)
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


def _all_supports(
    taken: Taken, places_of: dict[str, list[int]], needs: dict[str, int], reach: Collection[int]
) -> Iterator[dict[str, Support]]:
    """Yield the supports of a slot that crosses no level more often than all may."""
    for cores in _supports(places_of, needs, CORES):
        for gpus in _supports(places_of, needs, GPUS):
            for others in _others(taken, (*cores, *gpus), reach):
                yield {CORES: cores, GPUS: gpus, OTHERS: others}


def _supports(places_of: dict[str, list[int]], needs: dict[str, int], resource: str) -> list[Support]:
    """Return the sets of domains, the smallest first, from which a slot can take all its cores, or all its GPUs."""
    if resource not in needs:
        return [()]
    places = places_of[resource]
    most = min(needs[resource], len(places))
    return [support for size in range(1, most + 1) for support in combinations(places, size)]


def _others(taken: Taken, held: Support, reach: Collection[int]) -> Iterator[Support]:
    """Yield the sets of domains that may give amounts alone to a slot that holds something of some places."""
    beyond = sorted(set(reach) - _touched(taken, held))
    for size in range(len(beyond) + 1):
        possible = False
        for others in combinations(beyond, size):
            if not taken.may_cross({*held, *others}):
                continue
            possible = True
            if not any(one in taken.above(other)[1:] for one in others for other in others):
                yield others
        if not possible:
            return


def _touched(taken: Taken, places: Collection[int]) -> set[int]:
    return {above for place in places for above in taken.above(place)}


def _add_slots(
    taken: Taken,
    want: Want,
    context: Context,
    needs: dict[str, int],
    amounts: dict[str, int],
    reach: dict[str, list[int]],
    supports: dict[str, Support],
) -> Expression | None:
    """Let any number of slots have these supports; return how many do, None where none can."""
    home = tuple(sorted({*chain(*supports.values())}))
    touched = _touched(taken, home)
    sources = {name: tuple(place for place in reach[name] if place in touched) for name in amounts}
    most = min(
        want.count,
        *(_most(taken, r, need, supports[r], each=True) for r, need in needs.items()),
        *(_most(taken, name, amount, sources[name], each=False) for name, amount in amounts.items()),
    )
    if most == 0:
        return None
    count = taken.model.new_int_var(0, most, "")
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
