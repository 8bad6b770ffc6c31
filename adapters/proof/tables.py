"""Bounds by counting: equal slots dealt to the nodes of a machine, each node bounded by its table.

The terms of a placement of slots that are each on one node are sums over nodes, but for groups of nodes, of which each
that is touched counts. So the least over all ways to deal so many slots to so many nodes bounds them, in the order in
which they are compared; the ways are gone through node by node, and group by group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .alike import Alike, alike
from .node_tables import MOST_BINS, NodeTable, Order, free_of
from .places import Places
from .question import Question

COUNTED = frozenset({"partial", "affinity", "share", "spread", "intact", "shield", "fit", "worst-fit"})
"""Families of terms that are sums over nodes."""

MOST_WORK = 2_000_000
"""Ways that are gone through, of all nodes together; what takes more is not counted."""

Row = list[int | None]
"""A bound for each number of things, None where so many are not given."""


def bound_by_counting(question: Question, counts: Mapping[str, int], names: Sequence[str]) -> list[int] | None:
    """Return values of which no placement has less in the first in which it differs.

    Parameters
    ----------
    question, counts
        The request.
    names
        The terms, in the order in which they are compared.

    Returns
    -------
    list or None
        A value for each term; None where nothing can be placed, and for what does not count.
    """
    found = _least(question, counts, names)
    return None if found is None or found.number is None else found.order.values(found.number)


def impossible_by_counting(question: Question, counts: Mapping[str, int]) -> bool:
    """Return whether counting alone says that a request cannot be placed with some counts."""
    found = _least(question, counts, ())
    return found is not None and found.number is None


@dataclass(frozen=True, slots=True)
class _Least:
    """The least number of values, None where nothing can be placed."""

    order: Order
    number: int | None


def _least(question: Question, counts: Mapping[str, int], names: Sequence[str]) -> _Least | None:
    asked = alike(question, counts)
    if asked is None or any(name.partition(".")[0] not in COUNTED for name in names):
        return None
    order = Order(tuple(names))
    places = Places(question.machine, question.running, question.down, question.constraint)
    rows = _rows(places, asked, order)
    return None if rows is None else _Least(order, _dealt(places, rows, asked.nodes or asked.slots, order))


def counted(question: Question, counts: Mapping[str, int], values: Mapping[str, int]) -> int:
    """Return of how many terms, from the first one on, counting proves that no placement has less."""
    bound = bound_by_counting(question, counts, list(values)) or ()
    return next(
        (place for place, (one, other) in enumerate(zip(bound, values.values(), strict=False)) if one != other),
        len(bound),
    )


def _rows(places: Places, asked: Alike, order: Order) -> list[Row] | None:
    """Return the row of each node: of slots on it, or of whether it has those of a named node."""
    known: dict[object, Row] = {}
    rows = []
    work = 0
    for position in range(places.machine.size):
        free = free_of(places, position)
        if free not in known:
            table = NodeTable(free, asked.cores, asked.gpus, order)
            work += 3 ** len(table.bins)
            if len(table.bins) > MOST_BINS or work > MOST_WORK:
                return None
            bounds = table.bounds(asked.slots)
            if asked.nodes:
                bounds = [0, bounds[asked.slots] if asked.slots < len(bounds) else None]
            known[free] = bounds
        rows.append(known[free])
    return rows


def _dealt(places: Places, rows: Sequence[Row], most: int, order: Order) -> int | None:
    """Return the least of so many things given by all nodes, groups that give any of them counted once each."""
    groups = places.machine.groups
    left = set(range(len(rows)))
    by_parent: dict[int, list[Row]] = {-1: []}
    for group in reversed(groups):
        # Those inside come after what is around them.
        own = [position for position in left if group.members >> position & 1]
        left.difference_update(own)
        inside = _sum([*by_parent.pop(group.index, []), *(rows[position] for position in own)], most)
        touched = order.number(lambda family, level, at=group.level: int(family == "spread" and level == at))  # type: ignore[misc]
        row = [inside[0], *(None if value is None else value + touched for value in inside[1:])]
        by_parent.setdefault(group.parent, []).append(row)
    total = _sum([*by_parent[-1], *(rows[position] for position in left)], most)
    return total[most] if most < len(total) else None


def _sum(rows: Iterable[Row], most: int) -> Row:
    """Return the least that rows give together, for each number of things up to the most."""
    total: Row = [0]
    for row in rows:
        longer: Row = [None] * (min(most, len(total) + len(row) - 2) + 1)
        for one, value in enumerate(total):
            for other, more in enumerate(row[: len(longer) - one]):
                if value is not None and more is not None:
                    known = longer[one + other]
                    if known is None or value + more < known:
                        longer[one + other] = value + more
        total = longer
    return total
