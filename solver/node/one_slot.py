"""The best placement of a single slot that is torn: dynamic programming over the tree, by cores and GPUs.

What one slot costs is a sum over the domains of a node: a domain counts if the slot has anything of it, and by how many
of the slot's cores and GPUs it has. So the best of a domain for each number of cores and GPUs comes from the best of
its children, taken in one after the other. That is exact for any order of terms. To take one in costs a sum for each
pair of what was there and what comes, all of them at once in numpy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..cpsat.budget import Budget
from ..policy.scale import Scale
from ..policy.terms import Component, CoreShare, CoreTouch, Cross, Room, Touch
from ..state.domain_state import UNNAMED, DomainState
from .packing import SlotShape
from .plan import Share
from .pricing import Shares, lineage, price

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers: TypeAlias = "npt.NDArray[np.int64]"

MOST_SUMS = 3_000_000
"""Sums that are made at once; domains that need more are left to the node's model."""

SUMS_A_STEP = 100
"""So many of them are a step of work."""

PART_STEPS = 60
"""Steps for each part of a domain beside that."""

WORD = 1 << 60
"""The values of the components of a word together stay below it."""

NEVER = 1 << 61
"""What is above all of them, and twice of which is still a number."""

Costs: TypeAlias = "list[Numbers]"
"""For each number of cores and GPUs what they cost: words, the first one compared first."""


def best_of_one(scale: Scale, domain: DomainState, shape: SlotShape, budget: Budget) -> tuple[int, Shares] | None:
    """Return what a slot costs at the least in a domain that has room for it, and what it takes.

    Returns
    -------
    tuple[int, Shares] | None
        None where it is not known: some of what the slot may take stands in domains of a level, and some does not, or
        there is too much to look at.

    Raises
    ------
    CutOff
        When the work was used up.
    """
    if not _is_a_sum(scale, domain, shape):
        return None
    try:
        shares = _Tables(scale, domain, shape, budget).best()
    except _TooMany:
        return None
    return price(scale, domain, [(shares, shape.shielded)], shape.apart), shares


def _is_a_sum(scale: Scale, domain: DomainState, shape: SlotShape) -> bool:
    """Tell whether the cost is the sum of what domains count, but for what is the same for all placements."""
    flat = domain.flat
    if shape.shielded and any(inner.level == UNNAMED and inner.own_free_cores for inner in flat):
        return False
    paths = [{flat[at].level for at in path} for path in lineage(domain)]
    for level in set().union(*paths) & (scale.cross.keys() | scale.shares.keys()):
        cores: set[bool] = set()
        gpus: set[bool] = set()
        for inner, levels in zip(flat, paths, strict=True):
            if shape.cores and inner.own_free_cores:
                cores.add(level in levels)
            if shape.gpus and inner.own_free_gpus:
                gpus.add(level in levels)
        # A slot crosses one domain less than it touches only if it touches any; and cores that stand in no domain of
        # the level are as in one more.
        if level in scale.cross and {True} not in (cores, gpus) and True in cores | gpus:
            return False
        if level in scale.shares and gpus and False in cores:
            return False
    return True


class _TooMany(Exception):  # noqa: N818  # it is an outcome, no error
    """More sums than are made at once."""


@dataclass(frozen=True)
class _Part:
    """What a domain, or its own cores and GPUs, can give.

    Attributes
    ----------
    costs
        What it costs, with what the domain counts itself.
    inside
        Its own, and its children: where they stand, counted from the domain, and what all before cost together. Empty
        for what is a domain's own.
    """

    costs: Costs
    inside: tuple[tuple[int, _Part, Costs], ...] = ()


class _Tables:
    """The best of each domain for each number of cores and GPUs."""

    def __init__(self, scale: Scale, domain: DomainState, shape: SlotShape, budget: Budget) -> None:
        import numpy  # here, since most pools never need it

        self._np = numpy
        self._domain = domain
        self._shape = shape
        self._budget = budget
        self._words = _Words(scale, domain, shape)
        self._known: dict[DomainState, _Part] = {}

    def best(self) -> Shares:
        """Return the shares of the best placement."""
        taken: dict[int, tuple[int, int]] = {}
        self._trace(_Part([], self._inside(self._domain)), 0, self._shape.cores, self._shape.gpus, taken)
        return tuple(Share(place, *some) for place, some in sorted(taken.items()))

    def _part(self, domain: DomainState) -> _Part:
        known = self._known.get(domain)
        if known is None:
            inside = self._inside(domain)
            _, last, before = inside[-1]
            costs = self._joined(before, last.costs)
            share = self._words.share(*(self._np.arange(number) for number in costs[0].shape))
            for table, (touched, each) in zip(costs, self._words.of(domain), strict=True):
                table += touched + each * share
                table[0, 0] = 0
            if self._words.rooms:
                for table, lost in zip(costs, self._words.lost_room(domain, costs[0].shape), strict=True):
                    table += self._np.array(lost)
            known = self._known[domain] = _Part(costs, inside)
        return known

    def _inside(self, domain: DomainState) -> tuple[tuple[int, _Part, Costs], ...]:
        """Return the parts of a domain that have anything for the slot."""
        inside: list[tuple[int, _Part, Costs]] = []
        before: Costs = []
        for place, part in self._parts(domain):
            if inside:
                before = self._joined(before, inside[-1][1].costs)
            inside.append((place, part, before))
        return tuple(inside)

    def _parts(self, domain: DomainState) -> Iterator[tuple[int, _Part]]:
        own = self._most(domain.own_free_cores, domain.own_free_gpus)
        if any(own):
            yield 0, self._own(domain, own)
        place = 1
        for child in domain.children:
            if any(self._most(child.free_cores, child.free_gpus)):
                yield place, self._part(child)
            place += len(child.flat)

    def _own(self, domain: DomainState, most: tuple[int, int]) -> _Part:
        costs = []
        for touched in self._words.of_cores(domain):
            table = self._np.zeros((most[0] + 1, most[1] + 1), self._np.int64)
            table[1:] += touched
            costs.append(table)
        return _Part(costs)

    def _most(self, cores: int, gpus: int) -> tuple[int, int]:
        """Return how much the slot may take of so much."""
        return min(cores, self._shape.cores), min(gpus, self._shape.gpus)

    def _joined(self, before: Costs, part: Costs) -> Costs:
        """Return what two parts cost together at the least."""
        if not before:
            return [table.copy() for table in part]
        some, others = part[0].shape, before[0].shape
        cores, gpus = self._most(some[0] + others[0] - 2, some[1] + others[1] - 2)
        sums = (cores + 1) * (gpus + 1) * part[0].size
        if sums > MOST_SUMS:
            raise _TooMany
        self._budget.spend(PART_STEPS + sums // SUMS_A_STEP)
        found: Costs = []
        ties: Any = None
        for table, more in zip(before, part, strict=True):
            every = (self._windows(table, some, cores, gpus) + more[::-1, ::-1]).reshape(cores + 1, gpus + 1, -1)
            if ties is not None:
                every[~ties] = NEVER
            found.append(every.min(axis=2))
            if len(found) < len(part):
                same = every == found[-1][:, :, None]
                ties = same if ties is None else ties & same
        return found

    def _windows(self, table: Numbers, part: tuple[int, ...], cores: int, gpus: int) -> Numbers:
        """Return for each number of cores and GPUs what is left of it by all that a part takes, the most first."""
        np = self._np
        padded = np.full((cores + part[0], gpus + part[1]), NEVER, np.int64)
        known = table[: cores + 1, : gpus + 1]
        padded[part[0] - 1 :, part[1] - 1 :][: known.shape[0], : known.shape[1]] = known
        windows: Numbers = np.lib.stride_tricks.as_strided(padded, (cores + 1, gpus + 1, *part), padded.strides * 2)
        return windows

    def _trace(self, part: _Part, place: int, cores: int, gpus: int, taken: dict[int, tuple[int, int]]) -> None:
        """Find out again of what parts the best came; between equal ones, the last gives the least."""
        if not (cores or gpus):
            return
        if not part.inside:
            taken[place] = cores, gpus
        for offset, inner, before in reversed(part.inside):
            x, y = (cores, gpus) if not before else self._least(before, inner.costs, cores, gpus)
            self._trace(inner, place + offset, x, y, taken)
            cores, gpus = cores - x, gpus - y

    def _least(self, before: Costs, part: Costs, cores: int, gpus: int) -> tuple[int, int]:
        """Return how much a part gives of so many cores and GPUs, at the least cost."""
        some, others = part[0].shape, before[0].shape
        x, y = max(0, cores - others[0] + 1), max(0, gpus - others[1] + 1)
        last_x, last_y = min(cores + 1, some[0]), min(gpus + 1, some[1])
        ties: Any = None
        for table, more in zip(before, part, strict=True):
            rest = table[cores - last_x + 1 : cores - x + 1, gpus - last_y + 1 : gpus - y + 1]
            every = rest[::-1, ::-1] + more[x:last_x, y:last_y]
            if ties is not None:
                every[~ties] = NEVER
            same = every == every.min()
            ties = same if ties is None else ties & same
        more_x, more_y = divmod(int(ties.argmax()), last_y - y)
        return x + more_x, y + more_y


class _Words:
    """The components that are not the same for all placements, put together in as few integers as hold them."""

    def __init__(self, scale: Scale, domain: DomainState, shape: SlotShape) -> None:
        self._shape = shape
        words: list[list[tuple[Component, int]]] = []
        size = WORD
        for component in scale.components:
            span = 1 + _range(component, domain, shape)
            if span > 1:
                if size * span >= WORD:
                    words.append([])
                    size = 1
                words[-1].append((component, span))
                size *= span
        self._factors = [list(_factors(word)) for word in words or [[]]]

    def of(self, domain: DomainState) -> Iterator[tuple[int, int]]:
        """Yield for each word what it counts to touch a domain, and what each unit of share counts there."""
        for factors in self._factors:
            touched = each = 0
            for component, factor in factors:
                if isinstance(component, Touch) and component.level == domain.level:
                    touched += factor * component.weight(domain)
                elif isinstance(component, Cross) and component.level == domain.level:
                    touched += factor
                elif isinstance(component, CoreShare) and component.level == domain.level:
                    each += factor
            yield touched, each

    @property
    def rooms(self) -> bool:
        """Whether it matters how much room there is afterwards."""
        return any(isinstance(component, Room) for factors in self._factors for component, _ in factors)

    def lost_room(self, domain: DomainState, size: tuple[int, ...]) -> Iterator[list[list[int]]]:
        """Yield for each word how much less room each number of cores and GPUs leaves in a domain."""
        cores, gpus = domain.free_cores, domain.free_gpus
        for factors in self._factors:
            lost = [[0] * size[1] for _ in range(size[0])]
            for component, factor in factors:
                if isinstance(component, Room):
                    before = component.room(domain, cores, gpus)
                    for x, row in enumerate(lost):
                        for y in range(size[1]):
                            row[y] += factor * (before - component.room(domain, cores - x, gpus - y))
            yield lost

    def of_cores(self, domain: DomainState) -> Iterator[int]:
        """Yield for each word what it counts to take a core of a domain's own."""
        for factors in self._factors:
            touches = [(c, factor) for c, factor in factors if isinstance(c, CoreTouch)]
            yield sum(factor * c.weight(domain) for c, factor in touches)

    def share(self, cores: Numbers, gpus: Numbers) -> Numbers:
        """Return how far each number of cores, with each number of GPUs, stands apart from the others."""
        shape = self._shape
        if shape.apart:
            return shape.apart * (cores[:, None] + gpus[None, :])
        apart = shape.gpus * cores[:, None] - shape.cores * gpus[None, :]
        return apart * (apart > 0)


def _range(component: Component, domain: DomainState, shape: SlotShape) -> int:
    """Return how much the values of a component may differ between placements at the most."""
    if isinstance(component, CoreShare):
        number = max(map(len, lineage(domain)))  # as many of one level may stand in each other
        return number * (shape.apart * (shape.cores + shape.gpus) if shape.apart else shape.cores * shape.gpus)
    inside = domain.flat[1:]
    if isinstance(component, Cross):
        return sum(inner.level == component.level for inner in inside)
    if isinstance(component, Touch):
        return sum(abs(component.weight(inner)) for inner in inside if inner.level == component.level)
    if isinstance(component, Room):
        free = [(inner, component.room(inner, inner.free_cores, inner.free_gpus)) for inner in inside]
        return sum(room - component.room(inner, 0, 0) for inner, room in free)
    if isinstance(component, CoreTouch) and shape.shielded:
        return sum(abs(component.weight(inner)) for inner in domain.flat if inner.own_free_cores)
    return 0


def _factors(word: list[tuple[Component, int]]) -> Iterator[tuple[Component, int]]:
    factor = 1
    for component, span in reversed(word):
        yield component, factor
        factor *= span
