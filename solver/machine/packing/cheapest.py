"""The cheapest vectors for nodes that together give what is asked for: costs add up, whatever the other nodes give.

What is still to be given is one integer (`fields`): a vector is taken from it by a subtraction, whose spare bits say
whether there was enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .fields import Fields
from .items import Vector


@dataclass(frozen=True)
class Choice:
    """What some nodes of a class can each give.

    Attributes
    ----------
    number
        How many nodes there are; those beyond what can be needed count as well left out.
    costs
        What each vector costs.
    """

    number: int
    costs: dict[Vector, int]


@dataclass(frozen=True)
class Cheapest:
    """The best sum.

    Attributes
    ----------
    cost
        Its value.
    given
        What each node that is used gives, with the number of its class.
    """

    cost: int
    given: tuple[tuple[int, Vector], ...]


_Chain = tuple["_Chain", int, Vector] | None


def steps_of(classes: Sequence[tuple[int, int]], target: Vector) -> int:
    """Return about how many steps `cheapest` takes.

    Parameters
    ----------
    classes
        For each how many nodes there are and how many vectors they give.
    """
    left = 1
    for n in target:
        left *= n + 1
    return left * sum(number * vectors for number, vectors in classes)


def cheapest(classes: Sequence[Choice], target: Vector) -> Cheapest | None:
    """Return the vectors of least cost that sum up to the target; None where none do.

    Between equal costs the first classes give most.
    """
    fields = Fields.up_to(target)
    best: dict[int, tuple[int, _Chain]] = {fields.pack(target): (0, None)}
    for place in range(len(classes)):
        vectors = [(fields.pack(vector), cost, vector) for vector, cost in sorted(classes[place].costs.items())]
        # From here on a node may only follow others of its class: no order of equal nodes is tried twice.
        front = best
        for _ in range(classes[place].number):
            front = _one_more(front, vectors, place, fields.spare, best)
            if not front:
                break
    found = best.get(0)
    return None if found is None else Cheapest(found[0], _given(found[1]))


def _one_more(
    front: dict[int, tuple[int, _Chain]],
    vectors: Sequence[tuple[int, int, Vector]],
    place: int,
    spare: int,
    best: dict[int, tuple[int, _Chain]],
) -> dict[int, tuple[int, _Chain]]:
    """Return what one more node of a class makes better, and note it."""
    found: dict[int, tuple[int, _Chain]] = {}
    for rest, (cost, chain) in front.items():
        full = rest | spare
        for taken, more, vector in vectors:
            after = full - taken
            if after & spare != spare:
                continue
            after ^= spare
            known = found.get(after)
            if known is None:
                known = best.get(after)
            if known is None or cost + more < known[0]:
                found[after] = (cost + more, (chain, place, vector))
    best.update(found)
    return found


def _given(chain: _Chain) -> tuple[tuple[int, Vector], ...]:
    found = []
    while chain is not None:
        chain, place, vector = chain
        found.append((place, vector))
    return tuple(reversed(found))
