"""A request's vertices below the node as constraints: one function a kind of vertex.

RFC 14: every vertex stands below what its parent stands for, counts multiply down the tree, and two vertices never
stand for one domain.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...demand.demand import Kind, Want
from ...state.domain_state import mark
from .flat import add_flat_slots
from .supports import add_slots_by_support
from .variables import CORES, GPUS, Amount, Context, Holder, Taken


def add_wants(taken: Taken, wants: Sequence[Want], contexts: list[Context], holder: Holder) -> None:
    """Add the vertices below one vertex, whose instances stand in the contexts."""
    for want in wants:
        if want.kind is Kind.SLOT:
            add_slots(taken, want, contexts)
        elif want.kind is Kind.DOMAIN:
            add_domains(taken, want, contexts, holder)
        elif want.kind is Kind.AMOUNT:
            taken.amounts.extend(Amount(want, context, holder) for context in contexts)
        else:
            for context in contexts:
                add_ids(taken, want, context, holder)


def add_ids(taken: Taken, want: Want, context: Context, holder: Holder) -> None:
    """Take cores or GPUs, only those that match where the vertex names ids."""
    places: list[int] | None = None
    if want.ids is not None:
        matching = mark(want.type, want.ids)
        places = [place for place in taken.below(context.place) if matching in taken.domains[place].marks]
    taken.take(holder, CORES if want.kind is Kind.CORE else GPUS, want.count, context, places)


def add_domains(taken: Taken, want: Want, contexts: list[Context], holder: Holder) -> None:
    """Choose so many domains of a level in each context, each with what stands below; whole ones all free."""
    inside: list[Context] = []
    for context in contexts:
        found = []
        for place in taken.below(context.place):
            domain = taken.domains[place]
            if place == context.place or domain.level != want.type:
                continue
            if want.whole and not domain.can_be_whole:
                continue
            if want.ids is not None and mark(want.type, want.ids) not in domain.marks:
                continue
            chosen = taken.model.new_bool_var("")
            found.append(chosen)
            taken.host(place, chosen)
            here = Context(place, chosen, context.scope)
            if want.whole:
                here = Context(place, chosen, taken.take_whole(holder, here))
            inside.append(here)
        taken.model.add(sum(found) == want.count * context.chosen)
    add_wants(taken, want.wants, inside, holder)


def add_slots(taken: Taken, want: Want, contexts: list[Context]) -> None:
    """Make so many slots in each context: equal ones by count, those that name domains or ids one by one."""
    for context in contexts:
        if all(child.kind in (Kind.CORE, Kind.GPU) and child.ids is None for child in want.wants):
            add_flat_slots(taken, want, context)
            continue
        if want.count > taken.domains[context.place].room:
            taken.model.add(context.chosen == 0)
            continue
        if add_slots_by_support(taken, want, context):
            continue
        for _ in range(want.count):
            holder = taken.add_holder(Holder(want.label, gpuless=want.total(Kind.GPU) == 0))
            add_wants(taken, want.wants, [context], holder)
