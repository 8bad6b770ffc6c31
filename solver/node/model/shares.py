"""The term `share` in a node's model: how far the cores of slots stand from the share of their GPUs (`shares`)."""

from __future__ import annotations

from collections.abc import Sequence

from ...cpsat.lexicographic import Expression, Goal
from .variables import CORES, GPUS, Holder, Taken

Held = tuple[Expression, Expression]
"""Cores and GPUs."""


def share_goal(taken: Taken, level: str) -> Goal:
    """Sum over slots what their cores in domains of a level are beyond the share of their GPUs there."""
    domains = [taken.below(place) for place, domain in enumerate(taken.domains) if domain.level == level]
    terms: list[Expression] = []
    most = 0
    for holder in taken.holders:
        if holder.label and holder.asked is not None and not (holder.asked[0] and holder.asked[1]):
            continue
        if holder.label:
            term, top = _share(taken, holder, domains)
            terms.append(term)
            most += top
    return Goal(sum(terms), 0, most)


def _share(taken: Taken, holder: Holder, domains: Sequence[range]) -> tuple[Expression, int]:
    """Return what a holder's slots count, and the most that can be."""
    parts = _by_domain(taken, holder, domains)
    there = [part for part in parts if not (_is_nothing(part[0]) and _is_nothing(part[1]))]
    if len(there) < 2:
        return 0, 0
    if holder.asked is not None:
        cores, gpus = holder.asked
        top = cores * gpus * holder.most
        if holder.home is not None:
            return _of_equal(gpus, there), top
        return sum(_beyond(taken, gpus * x - cores * y, top) for x, y in there), top
    every_core, every_gpu = sum(x for x, _ in parts), sum(y for _, y in parts)
    most_cores, most_gpus = taken.domains[0].free_cores, taken.domains[0].free_gpus
    top = most_cores * most_gpus
    if not top:
        return 0, 0
    terms = []
    for x, y in there:
        cores_here, gpus_here = taken.model.new_int_var(0, top, ""), taken.model.new_int_var(0, top, "")
        taken.model.add_multiplication_equality(cores_here, [every_gpu, x])
        taken.model.add_multiplication_equality(gpus_here, [every_core, y])
        terms.append(_beyond(taken, cores_here - gpus_here, top))
    return sum(terms), top


def _beyond(taken: Taken, difference: Expression, top: int) -> Expression:
    """Return a difference, or zero where it is below."""
    beyond = taken.model.new_int_var(0, top, "")
    taken.model.add(beyond >= difference)
    return beyond


def _of_equal(gpus: int, there: Sequence[Held]) -> Expression:
    """Return what equal slots count that are counted together: all their GPUs stand in one place."""
    return sum(gpus * x for x, y in there if _is_nothing(y))


def _by_domain(taken: Taken, holder: Holder, domains: Sequence[range]) -> list[Held]:
    """Return what a holder has in each domain of a level, and in none of them."""
    outside = [place for place in range(len(taken.domains)) if not any(place in inside for inside in domains)]
    return [_held(taken, holder, inside) for inside in (*domains, outside)]


def _held(taken: Taken, holder: Holder, inside: Sequence[int]) -> Held:
    cores: list[Expression] = []
    gpus: list[Expression] = []
    for (resource, place), parts in holder.takes.items():
        if place in inside and resource in (CORES, GPUS):
            (cores if resource == CORES else gpus).extend(parts)
    for whole in taken.wholes:
        nested = any(taken.wholes[number].holder is holder for number in whole.scope)
        if whole.holder is holder and not nested:
            there = [taken.domains[place] for place in taken.below(whole.place) if place in inside]
            cores.append(sum(domain.own_cores for domain in there) * whole.chosen)
            gpus.append(sum(domain.own_gpus for domain in there) * whole.chosen)
    return sum(cores), sum(gpus)


def _is_nothing(part: Expression) -> bool:
    return isinstance(part, int) and part == 0
