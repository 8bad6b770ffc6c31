"""What a job takes of a node: of one that was placed here, and the same of one that its R tells of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...grammar.idset import text_mask
from ...topology.machine import Machine
from ...topology.rset import read_R
from ..state.holdings import NodeHolding
from ..state.seen import Size, Taken, taken


def taken_by(holdings: Iterable[NodeHolding]) -> Taken | None:
    """Return what a job takes that has its slots; None where they are of several sizes."""
    return taken(
        ((h.cores.bit_count(), h.gpus.bit_count()), [(s.cores.bit_count(), s.gpus.bit_count()) for s in h.slots])
        for h in holdings
    )


def taken_of_R(R: Mapping[str, Any] | str | Machine, holdings: Iterable[NodeHolding]) -> Taken | None:
    """Return what a job takes by the placement that its R tells of, or where it tells of none by what it holds."""
    if isinstance(R, str):
        R = read_R(R)
    scheduling: Any = R.scheduling if isinstance(R, Machine) else R.get("scheduling")
    try:
        entries = [entry for entry in scheduling["placement"] if "ranks" in entry]
        nodes = [((0, 0), [_size(slot) for slot in entry["slots"]]) for entry in entries]
    except (TypeError, AttributeError, KeyError, ValueError, OverflowError):
        nodes = []
    return taken(nodes) if any(any(slot) for _, slots in nodes for slot in slots) else taken_by(holdings)


def _size(slot: Mapping[str, str]) -> Size:
    return text_mask(slot.get("cores", "")).bit_count(), text_mask(slot.get("gpus", "")).bit_count()
