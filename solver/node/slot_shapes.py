"""Slots of several shapes in a domain: what it gives of them itself, and what they still take of what is inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..state.domain_state import DomainState

Needs = tuple[tuple[str, int], ...]
"""What one slot takes: (resource, amount), each above zero, sorted."""

Vector = tuple[int, ...]
"""How many slots of each shape."""


@dataclass(frozen=True)
class Shape:
    """One slot of a kind: what it still takes in the domain at hand, and whether it has no GPU at all.

    Where its GPUs, or its cores, stand further out, `apart` says how many they are.
    """

    needs: Needs
    shielded: bool
    apart: int = 0

    def of(self, name: str) -> int:
        """Return how much it takes of a resource."""
        return next((amount for other, amount in self.needs if other == name), 0)


def most_slots(domain: DomainState, shape: Shape) -> int:
    """Return how many slots of a shape there may be, by what is free in the domain and inside."""
    return min([domain.all_free(name) // amount for name, amount in shape.needs], default=0)


def own_of(domain: DomainState, shapes: Sequence[Shape]) -> dict[str, int] | None:
    """Return what the domain itself gives of the resources asked for; None where children list them, too."""
    own: dict[str, int] = {}
    for name in {name for shape in shapes for name, _ in shape.needs}:
        if domain.lists(name):
            if any(below.lists(name) for below in domain.flat[1:]):
                return None
            own[name] = domain.own_free(name)
    return own


def inside_of(shapes: Sequence[Shape], own: dict[str, int]) -> tuple[Shape, ...] | None:
    """Return what slots still take of the domain's children; None where amounts stand below the cores they go with."""
    inside = tuple(_inside(shape, own) for shape in shapes)
    for before, after in zip(shapes, inside, strict=True):
        # Amounts go with the cores, or with the GPUs of a slot that has no cores, and never come from further in.
        beside = "core" if before.of("core") else "gpu"
        if beside in own and any(name not in ("core", "gpu") for name, _ in after.needs):
            return None
    return inside


def _inside(shape: Shape, own: dict[str, int]) -> Shape:
    needs = tuple(need for need in shape.needs if need[0] not in own)
    cores, gpus = shape.of("core"), shape.of("gpu")
    apart = shape.apart
    if cores and gpus and ("core" in own) != ("gpu" in own):
        apart = cores if "core" in own else gpus
    return Shape(needs, shape.shielded, apart)
