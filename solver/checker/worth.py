"""What each term of a policy is worth for a placement, straight from its definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from .answer import Slot, SlotPart
from .ground import Ground, Place
from .state import State
from .usual import Usual, future

Value = int | tuple[int, ...]
Held = Mapping[int, tuple[int, int]]
"""Cores and gpus by position, of the whole job."""


def worth(
    ground: Ground,
    state: State,
    held: Held,
    slots: Sequence[Slot],
    size: tuple[int, ...],
    wholes: Collection[Place] = (),
    usual: Usual | None = None,
) -> dict[str, Value]:
    """Return the value of every term that the machine has, by name.

    Parameters
    ----------
    ground
        The machine's places.
    state
        What was free before the placement.
    held
        What the job takes.
    slots
        How it is split.
    size
        The counts chosen, of the vertices that leave a choice.
    wholes
        The places that stand for a vertex that asks for them whole.
    usual
        The usual jobs; whole domains by default.
    """
    machine = ground.machine
    terms: dict[str, Value] = {"size": size, "partial": sum(ground.is_partial(place) for place in set(wholes))}
    for level in machine.group_levels:
        if level != "cluster":
            terms[f"affinity.{level}"] = group_affinity(ground, slots, level)
    for level in machine.levels:
        terms[f"affinity.{level}"] = affinity(ground, slots, level)
    for level in machine.levels:
        terms[f"share.{level}"] = share(ground, slots, level)
    terms["future"] = future(usual or Usual(), ground, state, held)
    for level in machine.group_levels:
        terms[f"spread.{level}"] = groups_touched(ground, held, level)
    terms["spread.node"] = len(touched(ground, held, "node", slots))
    for level in ("node", *machine.levels):
        terms[f"intact.{level}"] = sum(state.is_intact(place) for place in touched(ground, held, level, slots))
    terms["links"] = links(ground, slots)
    terms["shield"] = shield(ground, state, slots)
    for level in ("node", *machine.levels):
        terms[f"fit.{level}"] = sum(
            (state.free(place[0])[0] & ground.domain(place).cores).bit_count()
            for place in touched(ground, held, level, slots)
        )
    for level in machine.group_levels:
        terms[f"balance.{level}"] = balance(ground, held, level)
    return terms


def touched(ground: Ground, held: Held, level: str, slots: Iterable[Slot]) -> list[Place]:
    """Return the domains of a level (or the nodes) that give the job a core or gpu, or its slots memory, each once."""
    found = {
        place for position, (cores, gpus) in held.items() for place in ground.touched(position, level, cores, gpus)
    }
    return sorted(found.union(*(_giving(ground, part, level) for slot in slots for part in slot.slot_parts)))


def _giving(ground: Ground, part: SlotPart, level: str) -> set[Place]:
    """Return the domains of a level in which something gives a slot memory, where R says what does."""
    around = {place for _, giver, _ in part.domains for place in ground.around(giver)}
    return {place for place in around if ground.level(place) == level}


def affinity(ground: Ground, slots: Iterable[Slot], level: str) -> int:
    """Sum over slots of the domains of a level that the slot touches, less one and never below zero."""
    return sum(
        max(
            0,
            sum(
                len(_giving(ground, part, level).union(ground.touched(part.position, level, part.cores, part.gpus)))
                for part in slot.slot_parts
            )
            - 1,
        )
        for slot in slots
    )


def group_affinity(ground: Ground, slots: Iterable[Slot], level: str) -> int:
    """Sum over slots of the groups of a level that have a node of the slot, less one and never below zero."""
    total = 0
    for slot in slots:
        nodes = [part.position for part in slot.slot_parts if part.cores or part.gpus]
        groups = {group for position in nodes for group in ground.groups_around(position)}
        total += max(0, sum(ground.machine.groups[group].level == level for group in groups) - 1)
    return total


def share(ground: Ground, slots: Iterable[Slot], level: str) -> int:
    """Sum over slots with cores and gpus on a node their cores in domains of a level beyond their gpus' share of them.

    In units of a core divided by the slot's gpus on the node. What is in no domain of the level counts as in one more.
    """
    total = 0
    for part in (part for slot in slots for part in slot.slot_parts):
        cores, gpus = part.cores.bit_count(), part.gpus.bit_count()
        rest = [part.cores, part.gpus]
        domains = [ground.domain(place) for place in ground.touched(part.position, level, part.cores, part.gpus)]
        for domain in domains:
            here = (domain.cores & part.cores).bit_count(), (domain.gpus & part.gpus).bit_count()
            rest = [rest[0] & ~domain.cores, rest[1] & ~domain.gpus]
            total += max(0, gpus * here[0] - cores * here[1]) if cores and gpus else 0
        total += max(0, gpus * rest[0].bit_count() - cores * rest[1].bit_count()) if cores and gpus else 0
    return total


def groups_touched(ground: Ground, held: Held, level: str) -> int:
    """Count the groups of a level with a node that the job takes any core or gpu of."""
    nodes = [position for position, (cores, gpus) in held.items() if cores or gpus]
    groups = {group for position in nodes for group in ground.groups_around(position)}
    return sum(ground.machine.groups[group].level == level for group in groups)


def balance(ground: Ground, held: Held, level: str) -> int:
    """Return the largest less the smallest number of the job's nodes among the groups of a level that have any."""
    nodes = [position for position, (cores, gpus) in held.items() if cores or gpus]
    groups = Counter(group for position in nodes for group in ground.groups_around(position))
    numbers = [number for group, number in groups.items() if ground.machine.groups[group].level == level]
    return max(numbers, default=0) - min(numbers, default=0)


def links(ground: Ground, slots: Iterable[Slot]) -> int:
    """Sum over the pairs of gpus that a slot has on a node by how much less each is joined than the node's best."""
    total = 0
    for part in (part for slot in slots for part in slot.slot_parts):
        for one, other, less in ground.machine.type_at(part.position).links:
            total += less if part.gpus >> one & 1 and part.gpus >> other & 1 else 0
    return total


def shield(ground: Ground, state: State, slots: Iterable[Slot]) -> int:
    """Count the free gpus in the innermost domains of the cores of slots without gpus, each domain once."""
    near = {
        place
        for slot in slots
        if not slot.gpus
        for slot_part in slot.slot_parts
        for place in ground.innermost(slot_part.position, slot_part.cores, 0)
    }
    return sum((state.free(place[0])[1] & ground.domain(place).gpus).bit_count() for place in near)
