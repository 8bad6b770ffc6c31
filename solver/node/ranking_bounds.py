"""Cheap relaxations of what equal slots cost on a state: what touching the node does, and what has to be torn.

Whatever takes a core or a GPU touches some domain of each level that all of them stand in, and so many of them as the
largest of the machine can hold it: what the cheapest of so many count is a bound. So an idle node is known to cost its
node, a socket and a numa that were intact, whatever is asked of it; and a slot of 20 cores to cross a border everywhere
where no numa has more than 15. They say less than `lower_bounds` and take a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ...grammar.memory import Memory
from ...topology.tree import NodeType
from ..demand.demand import FlatSlots
from ..policy.scale import Scale
from ..policy.terms import CoreTouch, Touch
from ..state.domain_state import DomainState
from .shares import Bins, alone

_Known = tuple[int, int, tuple[tuple[int, ...], ...], dict[tuple[int, int], int]]
"""What touching a node costs at least, with slots that have GPUs and with others; then of each level what the cheapest
0, 1, 2, ... of its domains count, with the room that each loses; and the room that the node loses with so many cores
and GPUs."""

Fewest = tuple[int, ...]
"""Of each level the fewest domains that must be touched."""


@dataclass(frozen=True)
class _Largest:
    """The largest domains of a level, free or not: cores and GPUs; 0 unless all of a node stand in such domains."""

    cores: int
    gpus: int

    def fewest(self, cores: int, gpus: int) -> int:
        """Return how many domains hold so much at least."""
        of_cores = -(-cores // self.cores) if self.cores else 1
        of_gpus = -(-gpus // self.gpus) if self.gpus else 1
        return max(1, of_cores, of_gpus)


def _largest(types: Sequence[NodeType], level: str) -> _Largest:
    cores = gpus = 0
    all_cores = all_gpus = True
    for node_type in types:
        domains = [domain for domain in node_type.domains if domain.level == level]
        some_cores = [domain.cores.bit_count() for domain in domains]
        some_gpus = [domain.gpus.bit_count() for domain in domains]
        cores, gpus = max(cores, *some_cores, 0), max(gpus, *some_gpus, 0)
        all_cores = all_cores and sum(some_cores) == node_type.cores.bit_count()
        all_gpus = all_gpus and sum(some_gpus) == node_type.gpus.bit_count()
    return _Largest(cores * all_cores, gpus * all_gpus)


def _all_of(node_type: NodeType, level: str) -> Bins:
    domains = [domain for domain in node_type.domains if domain.level == level]
    cores, gpus = node_type.cores, node_type.gpus
    for domain in domains:
        cores, gpus = cores & ~domain.cores, gpus & ~domain.gpus
    inside = [(domain.cores.bit_count(), domain.gpus.bit_count()) for domain in domains]
    return tuple(sorted((*inside, (cores.bit_count(), gpus.bit_count()))))


class TouchBounds:
    """What touching nodes costs at least, remembered.

    Parameters
    ----------
    scale
        The policy.
    types
        Of all nodes that there are.
    remembered
        How many states are kept before the memory is emptied.
    """

    def __init__(self, scale: Scale, types: Sequence[NodeType], remembered: int) -> None:
        self._scale = scale
        touches = [c.level for c in scale.components if isinstance(c, Touch) and c.level != "node"]
        self._levels = tuple(dict.fromkeys(touches))
        self._core_touches = any(isinstance(component, CoreTouch) for component in scale.components)
        self._types = types
        self._known: dict[str, _Largest] = {}
        self._known_bins: dict[str, set[Bins]] = {}
        self._last: tuple[FlatSlots | None, Fewest] = (None, ())
        self._last_crossed: tuple[FlatSlots | None, int] = (None, 0)
        self._last_apart: tuple[FlatSlots | None, int] = (None, 0)
        self._bounds: Memory[DomainState, _Known] = Memory(remembered)

    def fewest(self, flat: FlatSlots) -> Fewest:
        """Return how many domains of each level equal slots touch at least, together, on any node."""
        if flat is not self._last[0]:
            cores, gpus = flat.count * flat.cores, flat.count * flat.gpus
            self._last = flat, tuple([self._of_level(level).fewest(cores, gpus) for level in self._levels])
        return self._last[1]

    def crossed(self, flat: FlatSlots) -> int:
        """Return what equal slots cross at least on any node, as a joint integer."""
        if flat is not self._last_crossed[0]:
            cores, gpus = flat.cores, flat.gpus
            more = [unit * (self._of_level(lv).fewest(cores, gpus) - 1) for lv, unit in self._scale.cross.items()]
            self._last_crossed = flat, flat.count * sum(more)
        return self._last_crossed[1]

    def apart(self, flat: FlatSlots) -> int:
        """Return what equal slots count at least for standing apart on any node, as a joint integer."""
        if flat is not self._last_apart[0]:
            each = 0
            if flat.cores and flat.gpus:
                for level, unit in self._scale.shares.items():
                    each += unit * min(alone(bins, flat.cores, flat.gpus) for bins in self._bins(level))
            self._last_apart = flat, flat.count * each
        return self._last_apart[1]

    def _bins(self, level: str) -> set[Bins]:
        """Return of each type what domains of a level have, and what stands in none of them: see `shares.alone`."""
        known = self._known_bins.get(level)
        if known is None:
            known = self._known_bins[level] = {_all_of(node_type, level) for node_type in self._types}
        return known

    def _of_level(self, level: str) -> _Largest:
        known = self._known.get(level)
        if known is None:
            known = self._known[level] = _largest(self._types, level)
        return known

    def of(self, state: DomainState, fewest: Fewest, *, shielded: bool, size: tuple[int, int] | None = None) -> int:
        """Return a joint integer that nothing that takes a core or a GPU of a node is below.

        Parameters
        ----------
        fewest
            How many domains of each level it touches at least.
        shielded
            Whether what takes it are slots without GPUs alone.
        size
            The cores and GPUs that it takes in all, of which the node loses room; None where that is not counted.
        """
        known = self._bounds.get(state)
        if known is None:
            known = self._bounds[state] = self._find(state)
        total = known[1] if shielded else known[0]
        for number, sums in zip(fewest, known[2], strict=True):
            total += sums[number if number < len(sums) else -1]
        if size is not None:
            lost = known[3].get(size)
            if lost is None:
                lost = known[3][size] = self._scale.lost_room(state, *size)
            total += lost
        return total

    def _find(self, state: DomainState) -> _Known:
        """Go through the domains of a state once."""
        touch, core_touch, least_lost = self._scale.touch, self._scale.core_touch, self._scale.least_lost
        has_rooms = bool(self._scale.rooms)
        of_level: dict[str, tuple[list[DomainState], list[int]]] = {level: ([], []) for level in self._levels}
        of_cores: list[int] = []
        for domain in state.flat:
            some = of_level.get(domain.level)
            if some is not None and (domain.free_cores or domain.free_gpus):
                some[0].append(domain)
                some[1].append(touch(domain) + least_lost(domain) if has_rooms else touch(domain))
            if self._core_touches and domain.own_free_cores:
                of_cores.append(core_touch(domain))
        sums = tuple([_sums(state, *some) for some in of_level.values()])
        node = touch(state)
        below_zero = sum([weight for weight in of_cores if weight < 0])
        return node + below_zero, node + (below_zero or min(of_cores, default=0)), sums, {}


def _sums(state: DomainState, domains: Sequence[DomainState], weights: list[int]) -> tuple[int, ...]:
    """Return what 0, 1, 2, ... domains of a level, or more, count at least."""
    weights.sort()
    sums = [0, *accumulate(weights)]
    if weights and weights[0] < 0:
        # More may be touched than have to be, and are where that counts below zero.
        sums = list(accumulate(reversed(sums), min))[::-1]
    if sum([domain.free_cores for domain in domains]) != state.free_cores:
        return (sums[0],)
    if sum([domain.free_gpus for domain in domains]) != state.free_gpus:
        return (sums[0],)
    return tuple(sums)


def crossing_bound(scale: Scale, state: DomainState, flat: FlatSlots) -> int:
    """Return what equal slots cross at least, as a joint integer: a level at a time, by what is free in its domains.

    It says less than `lower_bounds.lower_bound` does, and takes a tenth of the time.
    """
    total = 0
    if not scale.cross:
        return total
    rooms = dict.fromkeys(scale.cross, 0)
    cores_inside = dict.fromkeys(scale.cross, 0)
    gpus_inside = dict.fromkeys(scale.cross, 0)
    for domain in state.flat[1:]:
        level = domain.level
        if level in rooms:
            cores, gpus = domain.free_cores, domain.free_gpus
            cores_inside[level] += cores
            gpus_inside[level] += gpus
            if flat.cores and flat.gpus:
                rooms[level] += min(cores // flat.cores, gpus // flat.gpus)
            else:
                rooms[level] += cores // flat.cores if flat.cores else gpus // flat.gpus
    for level, unit in scale.cross.items():
        # Where a level stands inside itself there seems to be more than there is: then nothing is said.
        all_inside = (not flat.cores or cores_inside[level] == state.free_cores) and (
            not flat.gpus or gpus_inside[level] == state.free_gpus
        )
        if all_inside and rooms[level] < flat.count:
            total += unit * (flat.count - rooms[level])
    return total
