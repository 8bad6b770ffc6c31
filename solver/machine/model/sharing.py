"""Shares out a number of equal things among parts of a whole at the least cost: dynamic programming with two cuts.

A part that gets something costs at least its touch, which bounds how many parts are worth using. And where at most `m`
are used, only the `m` best for each number of things can be needed: any other is dominated, as it can give its place
to one of these that is not used. Between equal costs the first part takes the most. `WORK` bounds the steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ...cpsat.budget import Budget
from ..selection import Pick
from .many_parts import fill, relaxed

WORK = 500_000
"""Steps that one sharing out may take."""

COMBINED = 15
"""Costs that are combined in one step of work."""

MANY = 64
"""Parts of which no fewer are shared out to without a proof, where that takes more steps."""


class NotDirectError(Exception):
    """The request is not of the form that is proven directly, or the model solves it sooner."""


@dataclass(frozen=True)
class Way:
    """A way to put some things somewhere.

    Attributes
    ----------
    cost
        A joint integer.
    picks, parts
        The nodes that it takes itself, and the ways that it is made of.
    bound
        What no way is cheaper than; None where that is the cost.
    later
        What gives more nodes, where these are only found when they are asked for: of most ways the cost is enough.
    """

    cost: int
    picks: tuple[Pick, ...] = ()
    parts: tuple[Way, ...] = ()
    bound: int | None = None
    later: Callable[[], Iterable[Pick]] | None = None

    def all_picks(self) -> list[Pick]:
        """Return all nodes, in the order of their lowest positions."""
        picks: list[Pick] = []
        pending = [self]
        while pending:
            way = pending.pop()
            picks += way.picks
            pending += way.parts
            if way.later is not None:
                picks += way.later()
        return sorted(picks, key=lambda pick: pick.nodes & -pick.nodes)


@dataclass(frozen=True)
class Part:
    """A part of the whole.

    Attributes
    ----------
    room
        For how many things.
    way
        The best way for each number.
    like
        Equal for parts whose ways cost the same, whatever the number; None where that is not known.
    linear
        What it costs once, and for each thing, where that is all; else None.
    """

    room: int
    way: Callable[[int], Way]
    like: object = None
    linear: tuple[int, int] | None = None
    _costs: dict[int, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def cost(self, number: int) -> int:
        """Return what the best way for a number costs; `NotDirectError` where the best is not known."""
        cost = self._costs.get(number)
        if cost is None:
            way = self.way(number)
            if way.bound is not None:
                raise NotDirectError
            cost = self._costs[number] = way.cost
        return cost


def share_out(parts: Sequence[Part], number: int, touch: int, least: int, budget: Budget, *, untouched: int = 0) -> Way:
    """Return the best way to share out so many things among parts that have room for them together.

    Parameters
    ----------
    touch
        What each part that gets something costs at least, beside its things.
    least
        What one thing costs at least.
    untouched
        How many parts cost no touch.

    Raises
    ------
    NotDirectError
        That takes too long.
    CutOff
        When the budget was spent before.
    """
    if len(parts) == 1:
        return parts[0].way(number)
    if parts[0].linear is not None and parts[0].linear[0] >= 0 and len({part.linear for part in parts}) == 1:
        return _in_fewest(parts, number)
    rooms = sorted((min(part.room, number) for part in parts), reverse=True)
    used = taken = 0
    while taken < number:
        taken += rooms[used]
        used += 1
    most = min(number, len(parts))
    if not touch:
        used = most
    least_of_all: int | None = None
    while True:
        try:
            way = _among(parts, number, used, budget)
        except NotDirectError:
            if len(parts) < MANY:
                raise
            return _among_many(parts, number, touch, least, budget)
        if used >= most or way.cost <= (used + 1 - untouched) * touch + number * least:
            return way
        if least_of_all is None:
            least_of_all = _relaxed(parts, number, budget)
        if way.cost <= least_of_all:
            return way
        used += 1 + used // 4


def _relaxed(parts: Sequence[Part], number: int, budget: Budget) -> int:
    """Return what no way is cheaper than, however many parts it uses."""
    budget.spend(sum(min(part.room, number) for part in parts))
    return relaxed(_all_costs(parts, number), number)


def _all_costs(parts: Sequence[Part], number: int) -> list[list[int]]:
    """Return what 0, 1, 2, ... things cost in each part, up to its room and the number."""
    known: dict[object, list[int]] = {}
    tables = []
    for part in parts:
        table = known.get(part.like) if part.like is not None else None
        if table is None:
            costs = [part.cost(n) for n in range(1, min(part.room, number) + 1)]
            table = known[part.like] = [0, *costs]
        tables.append(table)
    return tables


def _among_many(parts: Sequence[Part], number: int, touch: int, least: int, budget: Budget) -> Way:
    """Return a good way, with its bound."""
    budget.spend(sum(min(part.room, number) for part in parts))
    tables = _all_costs(parts, number)
    filled = fill(tables, number, touch, least)
    chosen = tuple(part.way(n) for part, n in zip(parts, filled.numbers, strict=True) if n)
    cost = sum(way.cost for way in chosen)
    return Way(cost, parts=chosen, bound=filled.bound if filled.bound < cost else None)


def _in_fewest(parts: Sequence[Part], number: int) -> Way:
    """Return the best way where all parts cost the same, once and for each thing: it uses as few as can be.

    These are as many as hold all if the largest are taken. A part is used, the first ones first, where the largest of
    those after it hold the rest, so many fewer.
    """
    all_rooms = [min(part.room, number) for part in parts]
    rooms = Counter(all_rooms)
    fewest, held = 0, 0
    for room in sorted(rooms, reverse=True):
        more = min(rooms[room], -(-(number - held) // room))
        fewest += more
        held += more * room
        if held >= number:
            break
    ways = []
    for part, room in zip(parts, all_rooms, strict=True):
        rooms[room] -= 1
        taken = min(room, number)
        if number - taken <= _largest(rooms, fewest - 1):
            ways.append(part.way(taken))
            number -= taken
            fewest -= 1
            if not number:
                break
    return Way(sum(way.cost for way in ways), parts=tuple(ways))


def _largest(rooms: Counter[int], count: int) -> int:
    """Return how much the largest so many rooms hold."""
    held = 0
    for room in sorted(rooms, reverse=True):
        some = min(rooms[room], count)
        held += some * room
        count -= some
    return held


def _among(parts: Sequence[Part], number: int, used: int, budget: Budget) -> Way:
    """Return the best way that uses at most so many parts, or a better one."""
    parts = _without_repeats(parts, used)
    if used == 1:
        return min((part for part in parts if part.room >= number), key=lambda part: part.cost(number)).way(number)
    tables = _tables(parts, number, used)
    work = sum(len(table) for _, table in tables) * number
    if work > WORK:
        raise NotDirectError
    budget.spend(work // COMBINED)
    # More than anything that can be reached costs, whatever is added to it.
    never = 1 + 2 * sum(max(abs(cost) for _, cost in table) for _, table in tables)
    known = [[0, *[never] * number]]
    for _, table in reversed(tables):
        known.append(_with_part(known[-1], table))
    assert known[-1][number] < never
    ways = []
    left = number
    for (part, table), before, best in zip(tables, known[-2::-1], known[:0:-1], strict=True):
        taken = _taken(left, table, before, best)
        if taken:
            ways.append(part.way(taken))
            left -= taken
    return Way(sum(way.cost for way in ways), parts=tuple(ways))


def _with_part(before: list[int], table: Sequence[tuple[int, int]]) -> list[int]:
    """Return the least costs of each number of things with one more part."""
    best = before
    for count, cost in table:
        best = best[:count] + list(map(min, best[count:], [known + cost for known in before[:-count]]))
    return best


def _taken(number: int, table: Sequence[tuple[int, int]], before: Sequence[int], best: Sequence[int]) -> int:
    """Return how many of a number of things a part takes: of equal costs the most."""
    ways = (count for count, cost in table if count <= number and before[number - count] + cost == best[number])
    return max(ways, default=0)


def _without_repeats(parts: Sequence[Part], used: int) -> list[Part]:
    """Return the parts without those that are like so many before them."""
    seen: Counter[object] = Counter()
    kept = []
    for part in parts:
        if part.like is not None:
            seen[part.like] += 1
        if part.like is None or seen[part.like] <= used:
            kept.append(part)
    return kept


def _tables(parts: Sequence[Part], number: int, used: int) -> list[tuple[Part, list[tuple[int, int]]]]:
    """Return the parts that can be needed, each with the numbers of things and what they cost there.

    What parts that are like each other cost is asked of the first of them alone.
    """
    if sum(min(part.room, number) for part in parts) > WORK:
        raise NotDirectError
    tables: list[list[tuple[int, int]]] = [[] for _ in parts]
    rooms = sorted((min(part.room, number) for part in parts), reverse=True)
    # With less in one of them, the others could not hold the rest.
    fewest = max(1, number - sum(rooms[: used - 1]))
    for count in range(fewest, rooms[0] + 1):
        known: dict[object, int] = {}
        costs = []
        for i, part in enumerate(parts):
            if part.room >= count:
                cost = known.get(part.like) if part.like is not None else None
                if cost is None:
                    cost = known[part.like] = part.cost(count)
                costs.append((cost, i))
        for cost, i in sorted(costs)[:used]:
            tables[i].append((count, cost))
    return [(part, table) for part, table in zip(parts, tables, strict=True) if table]
