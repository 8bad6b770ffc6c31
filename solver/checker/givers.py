"""Which domains give memory and the like to a slot: those that it touches, and those of which R says that they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .above import MismatchError
from .answer import Slot, SlotPart
from .cover import Way
from .ground import Ground, Place


def touched(ground: Ground, name: str, parts: Sequence[SlotPart], at: Place, *, everything: bool) -> frozenset[Place]:
    """Return what lists an amount of the domains that a slot touches otherwise, inside a place or around it.

    Parameters
    ----------
    everything
        Whether any domain of its nodes will do: where R says nothing of memory, nobody knows which the slot touches.
    """
    found: set[Place] = set()
    for part in parts:
        reach = ground.within_reach(name, at, part.position)
        inner = ground.innermost(part.position, part.cores, part.gpus)
        found |= reach if everything else reach & {place for each in inner for place in ground.around(each)}
    return frozenset(found)


def nearest(ground: Ground, parts: Sequence[SlotPart], at: Place) -> list[Place]:
    """Return the innermost domains of a slot's cores (or, without any, of its gpus) in a place."""
    cores = any(part.cores for part in parts)
    found = [
        place for part in parts for place in ground.innermost(part.position, part.cores, 0 if cores else part.gpus)
    ]
    return [place for place in found if ground.contains(at, place)]


def check_wholes(ground: Ground, slots: Sequence[tuple[Slot, Way]], job_wholes: Iterable[Place]) -> None:
    """Refuse memory that a slot has of a place which others have whole, unless the slot stands in what the job has.

    Raises
    ------
    MismatchError
        Then.
    """
    wholes: list[tuple[Place, Slot | None]] = [(place, None) for place in job_wholes]
    wholes += [(place, slot) for slot, way in slots for place in way.wholes]
    for taker, part in ((slot, part) for slot, _ in slots for part in slot.slot_parts):
        for name, giver, _ in part.domains:
            for whole, owner in wholes:
                if owner is taker or not ground.contains(whole, giver):
                    continue
                domain = ground.domain((part.position, max(0, whole[1]) if whole[0] >= 0 else 0))
                if owner is not None or part.cores & ~domain.cores or part.gpus & ~domain.gpus:
                    raise MismatchError(f"R says that {name} was taken of {ground.say(giver)}, which others have whole")
