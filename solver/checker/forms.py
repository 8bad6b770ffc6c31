"""The forms of requests for which a split into slots is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .above import MismatchError
from .request import Kind, Need


class UncountedError(MismatchError):
    """R does not say how many slots there are, and nothing else does."""


@dataclass(frozen=True, slots=True)
class Content:
    """What one slot type asks for: numbers of cores and gpus, or places.

    Parameters
    ----------
    need
        The slot.
    cores, gpus
        What asks for cores and gpus.
    place
        What asks for places; None where cores and gpus are asked for.
    """

    need: Need
    cores: tuple[Need, ...]
    gpus: tuple[Need, ...]
    place: Need | None


def content_of(slot: Need) -> Content:
    """Return what a slot asks for.

    Raises
    ------
    MismatchError
        It is of no form that is searched.
    """
    needs = [
        need
        for need in slot.children
        if need.kind is not Kind.AMOUNT and (need.kind is not Kind.NOTHING or need.children)
    ]
    if len(needs) == 1 and needs[0].kind.is_place:
        return Content(slot, (), (), needs[0])
    if any(need.kind not in (Kind.CORE, Kind.GPU) or need.vertex.id is not None for need in needs):
        raise unsearched()
    cores = tuple(need for need in needs if need.kind is Kind.CORE)
    return Content(slot, cores, tuple(need for need in needs if need.kind is Kind.GPU), None)


def has_outside(needs: Sequence[Need]) -> bool:
    """Whether a vertex outside slots, and with no slot inside, takes something."""
    outer = [need for need in needs if need.kind is not Kind.SLOT]
    without = [need for need in outer if not any(inner.kind is Kind.SLOT for inner in need.walk())]
    if any(inner.whole or inner.kind in (Kind.CORE, Kind.GPU) for need in without for inner in need.walk()):
        return True
    return any(has_outside(need.children) for need in outer if need not in without)


def unsearched() -> MismatchError:
    """Return the error that says that a request is of no form that is searched."""
    return MismatchError(
        "not judged: R does not say how it is split into slots, and for such a request that is not searched"
    )
