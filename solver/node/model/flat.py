"""Equal slots of cores and GPUs by counts: how many are whole in which domains, and a few that are torn.

Slots that take their cores from one domain and their GPUs from one domain are counted, a variable for each pair of
domains. The others are torn, and stand one by one. There need not be many: seen as a flow from domains to slots, a
placement whose flow has a cycle stays legal, and touches nothing more, when the cycle is cancelled; a flow without
cycles over D domains has fewer than D edges beyond one for each slot. So fewer than D slots are torn for their
cores, and likewise for their GPUs. Where it matters how a slot's cores stand to its GPUs, any may be.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from ...cpsat.lexicographic import Expression
from ...demand.demand import Kind, Want
from .variables import CORES, GPUS, Context, Holder, Taken

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


def add_flat_slots(taken: Taken, want: Want, context: Context) -> None:
    """Make so many equal slots anywhere in the context."""
    amounts = {r: want.total(kind) for r, kind in ((CORES, Kind.CORE), (GPUS, Kind.GPU)) if want.total(kind)}
    listing = {r: [place for place in taken.below(context.place) if taken.free(r, place)] for r in amounts}
    wholes = _add_whole_slots(taken, want, context, amounts, listing)
    torn = _add_torn_slots(taken, want, context, amounts, listing)
    taken.model.add(sum(wholes) + sum(torn) == want.count * context.chosen)


def _add_whole_slots(
    taken: Taken, want: Want, context: Context, amounts: dict[str, int], listing: dict[str, list[int]]
) -> list[Expression]:
    counts: list[Expression] = []
    homes = [[place for place in places if taken.free(r, place) >= amounts[r]] for r, places in listing.items()]
    for home in product(*homes):
        if not taken.may_cross(home):
            continue
        most = min([want.count, *(taken.free(r, p) // amounts[r] for r, p in zip(listing, home, strict=True))])
        count = taken.model.new_int_var(0, most, "")
        holder = taken.add_holder(Holder(want.label, GPUS not in amounts, home, count, most, asked=_asked(amounts)))
        for resource, place in zip(listing, home, strict=True):
            taken.record(holder, resource, place, amounts[resource] * count, context.scope)
        counts.append(count)
    return counts


def _asked(amounts: dict[str, int]) -> tuple[int, int]:
    return amounts.get(CORES, 0), amounts.get(GPUS, 0)


def _apart(taken: Taken, listing: dict[str, list[int]]) -> bool:
    """Tell whether no place is inside another that lists the same, so that two of them are in different domains."""
    for places in listing.values():
        if any(above in places for place in places for above in taken.above(place)[1:]):
            return False
    return True


def _add_torn_slots(
    taken: Taken, want: Want, context: Context, amounts: dict[str, int], listing: dict[str, list[int]]
) -> list[Expression]:
    """Add slots that take a resource from several domains, which takes at least two of it."""
    torn: list[cp_model.IntVar] = []
    edges = (len(places) - 1 for r, places in listing.items() if places and amounts[r] > 1)
    most = sum(edges)
    if most and taken.shares and len(amounts) == 2:
        most = want.count
    most = min(want.count, most)
    if taken.most_torn is not None and _apart(taken, listing):
        most = min(most, taken.most_torn)
    for _ in range(most):
        active = taken.model.new_bool_var("")
        holder = taken.add_holder(
            Holder(want.label, GPUS not in amounts, times=active, needs=amounts, asked=_asked(amounts))
        )
        here = Context(context.place, active, context.scope)
        for resource, places in listing.items():
            taken.take(holder, resource, amounts[resource], here, places)
        if torn:
            taken.model.add_implication(active, torn[-1])
        torn.append(active)
    return list(torn)
