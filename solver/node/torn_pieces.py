"""Slots that are torn, put together from what counting says is where (`torn_counts`): a placement that may meet it.

Each slot takes pieces of the domains that it may stand in. Slots are gone through one after the other, those first
that are complete furthest inside; each tries the cheapest pieces first, and goes back where what is left cannot be as
cheap as it was counted. Cores of a piece stand beside its GPUs first, or domains are filled in some order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from ..cpsat.budget import Budget
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .plan import Share
from .pricing import Shares, lineage
from .torn_ways import Given, Slots

MOST_PIECES = 200
"""Ways to take a slot that are looked at."""

PIECE_STEPS = 15
"""Steps of work for each of them."""

MOST_DOMAINS = 5
"""Domains of one slot up to which these are tried."""

Held: TypeAlias = tuple[tuple[int, int, int], ...]
"""Of a slot: place, cores and GPUs of each piece."""


@dataclass(frozen=True)
class _Task:
    """A slot that is to be put together: of domains at these places, at such a cost at the least."""

    places: tuple[int, ...]
    least: int


def put_together(
    scale: Scale, domain: DomainState, slots: Slots, given: Given, between: tuple[int, int], budget: Budget
) -> list[Shares]:
    """Return the shares of slots that stand as it was counted; nothing if that is not found.

    Parameters
    ----------
    slots
        What is asked for.
    given
        What is where.
    between
        What that costs at the least, and what it has to be below.
    """
    search = _Search(scale, domain, slots.cores, slots.gpus)
    search.read(given, 0, 0)
    search.tasks.reverse()
    cost, most = between
    inner = sum(task.least for task in search.tasks)
    inner += sum(slots.touch(scale, domain.flat[place]) for place in search.touched)
    found = None
    spares = [cost - inner, most - 1 - inner]
    while spares and search.left > 0:
        better = search.go(0, spares.pop(0))
        if better is not None:
            found = better
            worth = sum(search.cost(held) - task.least for held, task in zip(better, search.tasks, strict=True))
            spares = [worth - 1] if worth > cost - inner else []
    budget.charge(PIECE_STEPS * (MOST_PIECES - search.left))
    if found is None:
        return []
    whole = [(Share(place, slots.cores, slots.gpus),) for place, number in search.whole for _ in range(number)]
    return whole + [tuple(Share(*piece) for piece in sorted(held)) for held in found]


class _Search:
    """Slots that are put together one after the other.

    Attributes
    ----------
    left
        How many more ways to take a slot are looked at.
    whole
        Places, and how many slots each has whole.
    touched
        All places where something is taken.
    tasks
        The slots that are torn.
    """

    def __init__(self, scale: Scale, domain: DomainState, cores: int, gpus: int) -> None:
        self._scale = scale
        self._flat = domain.flat
        self._above = lineage(domain)
        self._cores = cores
        self._gpus = gpus
        self._parents = [path[-2] if len(path) > 1 else 0 for path in self._above]
        self._free: dict[int, tuple[int, int]] = {}
        self.left = MOST_PIECES
        self.whole: list[tuple[int, int]] = []
        self.touched: list[int] = []
        self.tasks: list[_Task] = []

    def read(self, given: Given, place: int, depth: int) -> list[int]:
        """Read what stands where; return the places of which pieces are taken."""
        self.touched.append(place)
        state = self._flat[place]
        if not state.children:
            if given.whole:
                self.whole.append((place, given.whole))
            self._free[place] = state.free_cores - given.whole * self._cores, state.free_gpus - given.whole * self._gpus
            return [place] if given.pieces else []
        there: dict[DomainState, list[int]] = {}
        at = place + 1
        for child in state.children:
            there.setdefault(child, []).append(at)
            at += len(child.flat)
        every: list[int] = []
        inner: list[_Task] = []
        for joined in given.inside:
            places: list[int] = []
            before = len(self.tasks)
            for part in joined.parts:
                places += self.read(part, there[part.state].pop(0), depth + 1)
            inside = self.tasks[before:]
            del self.tasks[before:]
            if joined.torn and places:
                inner += [_Task(tuple(places), self._least(places, depth))] * joined.torn
            inner += inside
            every += places
        self.tasks += inner
        return every

    def _least(self, places: Sequence[int], depth: int) -> int:
        """Return what a slot crosses at the least that is torn among domains at a depth, in places of the finest."""
        cross, flat = self._scale.cross, self._flat
        levels = [flat[at].level for at in self._above[places[0]][depth + 1 :]]
        cores = max(1, *(self._free[place][0] for place in places))
        gpus = max(1, *(self._free[place][1] for place in places))
        more = max(2, -(-self._cores // cores), -(-self._gpus // gpus)) - 2
        return sum(cross.get(level, 0) for level in levels) + more * cross.get(levels[-1], 0)

    def go(self, number: int, spare: int, least: int = 0) -> list[Held] | None:
        """Return the pieces of all slots from a number on.

        Parameters
        ----------
        spare
            How much more they may cost than they do at the least.
        least
            What the next one has to cost: of slots that stand in the same domains the cheaper ones come first.
        """
        if number == len(self.tasks):
            return []
        task = self.tasks[number]
        alike = number + 1 < len(self.tasks) and self.tasks[number + 1] is task
        for cost, held in sorted(self._ways(task, least, task.least + (spare // 2 if alike else spare))):
            for place, cores, gpus in held:
                self._free[place] = self._free[place][0] - cores, self._free[place][1] - gpus
            found = self.go(number + 1, spare + task.least - cost, cost if alike else 0)
            for place, cores, gpus in held:
                self._free[place] = self._free[place][0] + cores, self._free[place][1] + gpus
            if found is not None:
                return [held, *found]
            if self.left <= 0:
                break
        return None

    def _ways(self, task: _Task, least: int, most: int) -> set[tuple[int, Held]]:
        """Return the ways to take a slot that cost no less than so much, and no more."""
        found: set[tuple[int, Held]] = set()
        seen: set[tuple[tuple[int, int, int], ...]] = set()
        free = self._free
        some = [(self._parents[place], *free[place], place) for place in task.places if any(free[place])]
        some.sort()
        unit = self._scale.cross.get(self._flat[task.places[0]].level, 0)
        for size in range(2, min(len(some), MOST_DOMAINS) + 1):
            if (size - 1) * unit > most:
                break
            for chosen in combinations(some, size):
                cores = gpus = 0
                for _, more, others, _ in chosen:
                    cores += more
                    gpus += others
                key = tuple([there[:3] for there in chosen])
                if cores < self._cores or gpus < self._gpus or key in seen:
                    continue
                seen.add(key)
                self.left -= 1
                places = [place for *_, place in chosen]
                if self._crossed(places) > most:
                    continue
                for held in set(self._held(places, [there[1:3] for there in chosen])):
                    self.left -= 1
                    cost = self.cost(held)
                    if least <= cost <= most:
                        found.add((cost, held))
                if self.left <= 0:
                    return found
        return found

    def _crossed(self, places: Sequence[int]) -> int:
        """Return what a slot crosses that has something of all places."""
        cross = self._scale.cross
        levels = [self._flat[at].level for at in {at for place in places for at in self._above[place]}]
        return sum(cross.get(level, 0) * (levels.count(level) - 1) for level in set(levels))

    def _held(self, places: Sequence[int], free: Sequence[tuple[int, int]]) -> Iterator[Held]:
        """Yield ways to take a slot of domains, something of each."""
        cores = [c for c, _ in free]
        around = [self._parents[place] for place in places]
        for gpus in _shared(self._gpus, [g for _, g in free]):
            near = [min(c, self._share_of(g)) for c, g in zip(cores, gpus, strict=True)]
            # Of domains that are all needed all but one are full, and it matters which one is not.
            for last in range(len(places)):
                order = [*range(last), *range(last + 1, len(places)), last]
                nearer = self._nearer(near, cores, gpus, around, order)
                for start in (near, nearer, [0] * len(places)) if nearer != near else (near, [0] * len(places)):
                    taken = list(start)
                    left = self._cores - sum(taken)
                    for i in order:
                        more = min(left, cores[i] - taken[i])
                        taken[i] += more
                        left -= more
                    if not left and all(c or g for c, g in zip(taken, gpus, strict=True)):
                        yield tuple(zip(places, taken, gpus, strict=True))

    def _share_of(self, gpus: int) -> int:
        """Return the cores of which so many GPUs of a slot have a share."""
        return self._cores * gpus // self._gpus if gpus else 0

    def _nearer(
        self,
        near: Sequence[int],
        cores: Sequence[int],
        gpus: Sequence[int],
        around: Sequence[int],
        order: Sequence[int],
    ) -> list[int]:
        """Return cores in each domain: those that GPUs in it have a share in, then those that GPUs around it have."""
        taken = list(near)
        for outer in dict.fromkeys(around):
            inside = [i for i in order if around[i] == outer]
            left = self._share_of(sum(gpus[i] for i in inside)) - sum(near[i] for i in inside)
            for i in inside:
                more = max(0, min(left, cores[i] - taken[i]))
                taken[i] += more
                left -= more
        return taken

    def cost(self, held: Held) -> int:
        """Return what a slot costs that is torn so."""
        inside: dict[int, list[int]] = {}
        for place, cores, gpus in held:
            for at in self._above[place]:
                here = inside.setdefault(at, [0, 0])
                here[0] += cores
                here[1] += gpus
        cross, shares = self._scale.cross, self._scale.shares
        total = 0
        seen: set[str] = set()
        for at, (cores, gpus) in inside.items():
            level = self._flat[at].level
            if level in seen:
                total += cross.get(level, 0)
            seen.add(level)
            apart = self._gpus * cores - self._cores * gpus
            if apart > 0:
                total += shares.get(level, 0) * apart
        return total


def _shared(number: int, most: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the ways to share so many out, at most so many each."""
    if len(most) == 1:
        if number <= most[0]:
            yield (number,)
        return
    for first in range(min(number, most[0]) + 1):
        for others in _shared(number - first, most[1:]):
            yield (first, *others)
