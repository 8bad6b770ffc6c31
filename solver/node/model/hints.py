"""A placement that is known, as where a search begins: of equal slots by counts (`flat`)."""

from __future__ import annotations

from collections import defaultdict

from ...cpsat.loading import is_variable
from ..plan import NodePlan, SlotPlan
from .variables import CORES, GPUS, Holder, Taken


def add_hint(taken: Taken, plan: NodePlan) -> None:
    """Hint at a plan, all of whose slots take cores and GPUs in shares."""
    wholes: dict[tuple[str, tuple[int, ...]], Holder] = {}
    torn: dict[str, list[Holder]] = defaultdict(list)
    for holder in taken.holders:
        if holder.home is not None:
            wholes[holder.label, holder.home] = holder
        elif holder.label:
            torn[holder.label].append(holder)
    counts: dict[int, int] = defaultdict(int)
    for slot in plan.slots:
        home = tuple(place for resource in (CORES, GPUS) for place in _places(slot, resource))
        single = wholes.get((slot.label, home))
        if single is not None:
            counts[id(single)] += 1
        elif torn[slot.label]:
            _hint_at_slot(taken, torn[slot.label].pop(0), slot)
    for holder in wholes.values():
        _hint(taken, holder.times, counts[id(holder)])
    for left in torn.values():
        for holder in left:
            _hint_at_slot(taken, holder, None)


def _hint_at_slot(taken: Taken, holder: Holder, slot: SlotPlan | None) -> None:
    _hint(taken, holder.times, 0 if slot is None else 1)
    for (resource, place), parts in holder.takes.items():
        there = _places(slot, resource).get(place, 0) if slot is not None else 0
        for part in parts:
            _hint(taken, part, there)


def _places(slot: SlotPlan, resource: str) -> dict[int, int]:
    """Return how much of a resource a slot takes, by place."""
    numbers = {share.place: share.cores if resource == CORES else share.gpus for share in slot.shares}
    return {place: number for place, number in sorted(numbers.items()) if number}


def _hint(taken: Taken, variable: object, value: int) -> None:
    if is_variable(variable):
        taken.model.add_hint(variable, value)
