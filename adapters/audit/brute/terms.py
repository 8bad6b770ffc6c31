"""What the terms of a policy are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from ....topology.machine import Machine
from .search import Partial
from .world import World

PACK = ("size", "partial", "affinity", "share", "spread", "intact", "shield", "fit")
SPREAD = ("size", "affinity", "-fit")
LOWEST = ("size",)
ADDED = ("partial", "affinity", "share", "links")
"""The families of terms that add up over slots and whole places, whatever else is taken."""

Terms = dict[str, int | tuple[int, ...]]


def term_names(machine: Machine, policy: Sequence[str]) -> tuple[str, ...]:
    """Write out the families of terms ("fit") level by level ("fit.node", "fit.socket", ...); "-" means reversed."""
    levels = {
        "affinity": (*(level for level in machine.group_levels if level != "cluster"), *machine.levels),
        "share": tuple(machine.levels),
        "spread": (*machine.group_levels, "node"),
        "intact": ("node", *machine.levels),
        "fit": ("node", *machine.levels),
    }
    names: list[str] = []
    for name in policy:
        sign, family = ("-", name[1:]) if name.startswith("-") else ("", name)
        names += [f"{sign}{family}.{level}" for level in levels[family]] if family in levels else [name]
    return tuple(names)


def worth(
    world: World,
    names: Sequence[str],
    size: tuple[int, ...],
    state: Partial,
    added: Mapping[str, int],
    usual: Sequence[UsualJob] = (),
) -> Terms:
    """Return what each term of the policy is worth for a placement."""
    held = [*state.gave, *(cell.place for cell, number in zip(world.cells, state.taken, strict=True) if number)]
    touched = [world.places[key] for key in frozenset().union(*(world.places[key].holders for key in held))]
    terms: Terms = {}
    for name in names:
        family, _, level = name.lstrip("-").partition(".")
        here = [place for place in touched if place.level == level]
        if family == "size":
            terms["size"] = size
        elif family in ADDED:
            terms[name] = added[name]
        elif family == "spread":
            terms[f"spread.{level}"] = len(here)
        elif family == "intact":
            terms[f"intact.{level}"] = sum(place.intact for place in here)
        elif family == "fit":
            terms[f"fit.{level}"] = sum(place.cores for place in here)
        elif family == "future":
            terms["future"] = sum(_less_room(world, key, state, usual) for key in range(len(world.places)))
        elif family == "balance":
            nodes = [place for place in touched if place.level == "node"]
            groups = Counter(key for place in nodes for key in place.holders if world.places[key].level == level)
            terms[name] = max(groups.values(), default=0) - min(groups.values(), default=0)
        elif family == "shield":
            terms["shield"] = sum(world.places[key].gpus for key in state.shield)
        else:
            raise ValueError(f"unknown term {name!r}")
    return terms


UsualJob = tuple[int, tuple[int, int], int]
"""A weight, cores and gpus of a slot, and how many slots a node gives; 0 where the job names no nodes."""


def _less_room(world: World, key: int, state: Partial, usual: Sequence[UsualJob]) -> int:
    """Count how much less room for usual jobs a place has: before what was free in it, after what is not taken."""
    place = world.places[key]
    if place.position < 0:
        return 0
    kind = world.machine.type_at(place.position)
    first = next(i for i, other in enumerate(world.places) if other.position == place.position)
    sizes = [(domain.cores.bit_count(), domain.gpus.bit_count()) for domain in kind.domains]
    taken = {"core": 0, "gpu": 0}
    for cell, number in zip(world.cells, state.taken, strict=True):
        if key in world.places[cell.place].holders:
            taken[cell.kind] += number
    size = sizes[key - first]
    inside = [sizes[child] for child in kind.domains[key - first].children]
    before = place.cores, place.gpus
    after = place.cores - taken["core"], place.gpus - taken["gpu"]
    if not usual:
        return 1000 * max(size) * ((before == size) - (after == size))
    asked: dict[tuple[bool, int, int], int] = {}
    for weight, (cores, gpus), each in usual:
        slot, host = (False, cores, gpus), (True, each * cores, each * gpus)
        asked[slot] = asked.get(slot, 0) + weight
        if each:
            asked[host] = asked.get(host, 0) + weight
    lost = 0
    for (of_node, cores, gpus), weight in asked.items():
        here = place.level == "node" if of_node else not any(cores <= c and gpus <= g for c, g in inside)
        if here and cores <= size[0] and gpus <= size[1]:
            large = max(Fraction(cores), Fraction(gpus * (size[0] or size[1]), size[1]) if gpus else Fraction(0))
            each = round(Fraction(1000 * weight, sum(weight for weight, _, _ in usual)) * large)
            lost += each * (_fitting(before, cores, gpus) - _fitting(after, cores, gpus))
    return lost


def _fitting(free: tuple[int, int], cores: int, gpus: int) -> int:
    return min(have // need for have, need in zip(free, (cores, gpus), strict=True) if need)


def rating(names: Sequence[str], terms: Terms) -> tuple[object, ...]:
    """Return what to compare placements by: lower is better."""
    values: list[object] = []
    for name in names:
        value = terms[name.lstrip("-")]
        if isinstance(value, tuple):
            values.append(tuple(-number for number in value))
        else:
            values.append(-value if name.startswith("-") else value)
    return tuple(values)
