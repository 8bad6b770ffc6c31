"""The term `links` in a node's model: how much less the GPUs of slots are joined than by the best links."""

from __future__ import annotations

from collections.abc import Sequence

from ...cpsat.lexicographic import Expression, Goal
from .variables import GPUS, Holder, Taken

Pairs = Sequence[tuple[int, int, int]]


def links_goal(taken: Taken, pairs: Pairs) -> Goal:
    """Sum over slots by how much less the pairs of their GPUs are joined."""
    terms: list[Expression] = []
    high = 0
    for holder in taken.holders:
        if holder.label:
            term, most = _of_holder(taken, holder, pairs)
            terms.append(term)
            high += most
    return Goal(sum(terms), 0, high)


def _of_holder(taken: Taken, holder: Holder, pairs: Pairs) -> tuple[Expression, int]:
    held: dict[int, Expression] = {}
    for place in dict.fromkeys(place for pair in pairs for place in pair[:2]):
        parts = list(holder.takes.get((GPUS, place), ()))
        for whole in taken.wholes:
            nested = any(taken.wholes[number].holder is holder for number in whole.scope)
            if whole.holder is holder and not nested and place in taken.below(whole.place):
                parts.append(whole.chosen)
        if parts:
            held[place] = sum(parts)
    there = [(one, other, less) for one, other, less in pairs if one in held and other in held]
    if holder.home is not None:
        # Equal slots that are counted have a GPU of each place, or each its only GPU.
        each = sum(less for _, _, less in there) if holder.asked is None or holder.asked[1] > 1 else 0
        return each * holder.times, each * holder.most
    terms = []
    for one, other, less in there:
        both = taken.model.new_bool_var("")
        taken.model.add(both >= held[one] + held[other] - 1)
        terms.append(less * both)
    return sum(terms), sum(less for _, _, less in there)
