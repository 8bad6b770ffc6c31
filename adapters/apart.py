"""Cores of slots that stand beyond the share of their GPUs beside them, as an R says who holds what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ..topology.machine import Machine
from ..topology.tree import NodeType
from .slots import Piece, pieces_of


def sentences(machine: Machine, number: int, R: Mapping[str, Any]) -> Iterator[str]:
    """Yield for each level that a job's slots have such cores at how many these are, rounded up slot by slot."""
    total: Counter[str] = Counter()
    for piece in pieces_of(R):
        nodes = machine.mask_of(piece.ranks)
        for kind, mask in zip(machine.types, machine.type_masks, strict=True):
            times = (nodes & mask).bit_count()
            if times and piece.cores and piece.gpus:
                total.update({level: times * cores for level, cores in _beyond(kind, piece)})
    for level in machine.levels:
        if total[level]:
            cores, stand = (f"{total[level]} cores", "stand") if total[level] > 1 else ("1 core", "stands")
            yield f"job {number}: {cores} of its slots {stand} in a {level} beyond the share of their GPUs there"


def _beyond(kind: NodeType, piece: Piece) -> Iterator[tuple[str, int]]:
    """Yield for each level how many cores are too many in its domains; none where all GPUs stand further out."""
    cores, gpus = piece.cores.bit_count(), piece.gpus.bit_count()
    for level in kind.levels:
        parts = [(d.cores & piece.cores, d.gpus & piece.gpus) for d in kind.by_level[level]]
        if not any(some for _, some in parts):
            continue
        over = sum(max(0, gpus * c.bit_count() - cores * g.bit_count()) for c, g in parts)
        if over:
            yield level, -(-over // gpus)
