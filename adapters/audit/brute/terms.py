"""What the terms of a policy are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....topology.machine import Machine
from .search import Partial
from .world import World

PACK = ("size", "partial", "affinity", "share", "spread", "intact", "shield", "fit")
SPREAD = ("size", "affinity", "-fit")
LOWEST = ("size",)
ADDED = ("partial", "affinity", "share")
"""The families of terms that add up over slots and whole places, whatever else is taken."""

Terms = dict[str, int | tuple[int, ...]]


def term_names(machine: Machine, policy: Sequence[str]) -> tuple[str, ...]:
    """Write out the families of terms ("fit") level by level ("fit.node", "fit.socket", ...); "-" means reversed."""
    levels = {
        "affinity": tuple(machine.levels),
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


def worth(world: World, names: Sequence[str], size: tuple[int, ...], state: Partial, added: Mapping[str, int]) -> Terms:
    """Return what each term of the policy is worth for a placement."""
    held = [cell.place for cell, number in zip(world.cells, state.taken, strict=True) if number]
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
        elif family == "shield":
            terms["shield"] = sum(world.places[key].gpus for key in state.shield)
        else:
            raise ValueError(f"unknown term {name!r}")
    return terms


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
