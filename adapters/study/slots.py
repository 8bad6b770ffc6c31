"""Which slot of a job has what, also where the pool does not say it: for drawings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ...grammar.idset import IdSet, mask_text, text_mask
from ...topology.machine import Machine
from ...topology.tree import NodeType
from .locality import SlotSize


def placement_of(machine: Machine, R: Mapping[str, Any], size: SlotSize | None) -> list[Mapping[str, Any]]:
    """Return what `scheduling.placement` of an R says, or would say.

    Parameters
    ----------
    machine
        Where the job stands.
    R
        Of the job.
    size
        Of its slots. None where they are of several kinds: then there is only what R says.
    """
    said: Sequence[Mapping[str, Any]] = (R.get("scheduling") or {}).get("placement") or ()
    if said or size is None:
        return list(said)
    found: list[Mapping[str, Any]] = []
    for entry in R["execution"]["R_lite"]:
        children = entry["children"]
        cores, gpus = text_mask(children.get("core", "")), text_mask(children.get("gpu", ""))
        ranks: defaultdict[int, list[int]] = defaultdict(list)
        for rank in IdSet.parse(str(entry["rank"])):
            ranks[machine.type_of[machine.position(rank)]].append(rank)
        for number, alike in ranks.items():
            slots = split(machine.types[number], cores, gpus, size)
            found.append({"ranks": str(IdSet.of(alike)), "slots": [_slot(*slot) for slot in slots]})
    return found


def _slot(cores: int, gpus: int) -> dict[str, str]:
    return {"label": "task", **{name: mask_text(ids) for name, ids in (("cores", cores), ("gpus", gpus)) if ids}}


def split(kind: NodeType, cores: int, gpus: int, size: SlotSize) -> list[tuple[int, int]]:
    """Split what a job holds of a node into slots, as many as can be within the innermost domains, then further out.

    Returns
    -------
    Cores and GPUs of each slot, as bitmasks.
    """
    slots: list[tuple[int, int]] = []
    # Children come after their parents, so that what is left of a domain goes to the one around it.
    for domain in reversed(kind.domains):
        while len(slots) < size.most:
            mine = _lowest(domain.cores & cores, size.cores), _lowest(domain.gpus & gpus, size.gpus)
            if mine[0].bit_count() < size.cores or mine[1].bit_count() < size.gpus:
                break
            slots.append(mine)
            cores &= ~mine[0]
            gpus &= ~mine[1]
    return slots


def _lowest(ids: int, count: int) -> int:
    found = 0
    for _ in range(min(count, ids.bit_count())):
        low = ids & -ids
        found |= low
        ids ^= low
    return found
