"""What a pool has seen of the jobs that it placed: what each takes of a node, counted and slowly forgotten.

It is a value and a part of the present: copies have it, and what is undone was never seen. It is made of jobs that
started, by themselves or as a scheduler that is reloaded tells of them, in the order in which they did. So the same
history gives the same answers, and what is written nowhere comes back with the jobs that run. Time is no matter of it:
what is old is forgotten by how many jobs came since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

TURN = 128
"""Jobs after which what was seen before counts half, and what is new begins to count."""

FIRST_TURNS = (16, 32, 64)
"""Jobs of a pool that is new, after which what it saw begins to count already."""

ONE = 64
"""What a new job counts: after so many turns that this is halved to nothing, it is forgotten."""

MOST = 64
"""Kinds of jobs that are remembered: those that came most often of late."""

Size = tuple[int, int]
"""Cores and GPUs."""


class Taken(NamedTuple):
    """What a job takes of a node.

    Attributes
    ----------
    cores, gpus
        Of a slot, or of the part of one that stands on a node.
    each
        The slots that it has on a node; the most of any.
    """

    cores: int
    gpus: int
    each: int


class Seen(NamedTuple):
    """The jobs that were seen.

    Attributes
    ----------
    number
        How many.
    weights
        The kinds of them that count, each with its weight.
    fresh
        The kinds of those that do not count yet: fewer than `TURN`.
    """

    number: int = 0
    weights: tuple[tuple[Taken, int], ...] = ()
    fresh: tuple[Taken, ...] = ()

    def and_one(self, job: Taken) -> Seen:
        """Return what was seen after one more job."""
        number, fresh = self.number + 1, (*self.fresh, job)
        if number % TURN and number not in FIRST_TURNS:
            return Seen(number, self.weights, fresh)
        halved = number % TURN == 0
        weights = Counter({kind: weight // 2 if halved else weight for kind, weight in self.weights})
        for kind in fresh:
            weights[kind] += ONE
        heaviest = sorted(((-weight, kind) for kind, weight in weights.items() if weight))[:MOST]
        return Seen(number, tuple(sorted((kind, -weight) for weight, kind in heaviest)))


def taken(nodes: Iterable[tuple[Size, Sequence[Size]]]) -> Taken | None:
    """Return what a job takes of a node.

    Parameters
    ----------
    nodes
        Cores and GPUs of each node, or of nodes alike, and of each of its slots there. Where none has slots, as of the
        jobs of other pools, what a node gives counts as one.

    Returns
    -------
    Taken or None
        None where slots are of several sizes, or hold neither cores nor GPUs.
    """
    parts = [(size, [slot for slot in slots if any(slot)]) for size, slots in nodes]
    given = [slots for _, slots in parts if slots] or [[size] for size, _ in parts if any(size)]
    sizes = {size for slots in given for size in slots}
    return Taken(*sizes.pop(), max(map(len, given))) if len(sizes) == 1 else None
