"""What is free in a node, with equal things made equal.

Two nodes, or two sockets, that have the same structure and as much free in it are interchangeable, whatever their
ranks and ids. A `DomainState` is the normal form of such a thing: counts in place of ids, children in a fixed order.
All that the solver decides, it decides on these; `arrange` gives the way back to the domains of one real node.

The order of children, which decides between placements that tie in every term, is: fewest free cores first, then
fewest free GPUs, then the structure, then the place in R.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from ...grammar.idset import IdSet
from ...grammar.memory import Memory
from ...topology.tree import Domain, NodeType

Used = tuple[tuple[int, str, int], ...]
"""Amounts taken from a node: (domain index, resource name, amount), sorted, each above zero."""

MEASURED = ("memory", "storage")
"""The amounts that have units."""

MIB_PER_GIB = 1024
"""Memory and storage are counted in MiB: what is asked rounds up to one, what there is rounds down."""

REMEMBERED = 200_000
"""Entries that each memory below holds before it is emptied; what it forgets is computed again."""


class Fixed(NamedTuple):
    """What of a domain never changes while the machine stands: its level, its own totals, whether R lists all of it."""

    level: str
    cores: int
    gpus: int
    whole: bool
    amounts: tuple[tuple[str, int], ...]
    marks: tuple[str, ...] = ()


UNNAMED = ""
"""The level of what is no domain of its own: cores, or GPUs, of the domain above that match the same idsets."""


@dataclass(frozen=True, eq=True)
class MarkedType(NodeType):
    """A node type whose domains say which idsets of a request they match."""

    marks: tuple[tuple[str, ...], ...] = ()

    def __hash__(self) -> int:
        return hash((self._hash, self.marks))


def mark(name: str, ids: IdSet) -> str:
    """Return the mark of things of a type that match an idset."""
    return f"{name}={ids}"


@lru_cache(maxsize=REMEMBERED)
def _number_of(fixed: Fixed) -> int:
    """Return a number of what is fixed of a domain, the same in every process."""
    return zlib.crc32(repr(fixed).encode())


@lru_cache(maxsize=REMEMBERED)
def _plain(fixed: Fixed) -> tuple[Any, ...]:
    return tuple(fixed)


class DomainState:
    """One domain of a node, or the node, in normal form: compared by value, kept once.

    Attributes
    ----------
    level
        "node", or the name of the level.
    cores, gpus
        How many there are in it or below.
    free_cores, free_gpus
        How many of them are free.
    own_cores, own_gpus, own_free_cores, own_free_gpus
        The same for those that the domain lists itself.
    amounts
        What it lists itself and is counted in units: (name, total, free), MiB for memory and storage.
    whole
        Whether R lists all cores and GPUs of the physical domain.
    intact
        Whether all its cores and GPUs are free.
    marks
        The idsets that it matches, of a request that names ids (`refinement`).
    children
        In the order that the module names.
    key
        The value: nested tuples that compare, so that an order of states is the same in every process.
    """

    __slots__ = (
        "_flat",
        "_hash",
        "amounts",
        "children",
        "cores",
        "free_cores",
        "free_gpus",
        "gpus",
        "intact",
        "key",
        "level",
        "marks",
        "own_cores",
        "own_free_cores",
        "own_free_gpus",
        "own_gpus",
        "whole",
    )

    def __init__(
        self, fixed: Fixed, own_cores: int, own_gpus: int, amounts: tuple[int, ...], children: tuple[DomainState, ...]
    ) -> None:
        self.level = fixed.level
        self.whole = fixed.whole
        self.marks = fixed.marks
        self.own_cores = fixed.cores
        self.own_gpus = fixed.gpus
        self.own_free_cores = own_cores
        self.own_free_gpus = own_gpus
        self.amounts: tuple[tuple[str, int, int], ...] = tuple(
            (name, total, free) for (name, total), free in zip(fixed.amounts, amounts, strict=True)
        )
        self.children = children
        self.cores: int = fixed.cores
        self.gpus: int = fixed.gpus
        self.free_cores: int = own_cores
        self.free_gpus: int = own_gpus
        for child in children:
            self.cores += child.cores
            self.gpus += child.gpus
            self.free_cores += child.free_cores
            self.free_gpus += child.free_gpus
        self.intact = self.free_cores == self.cores and self.free_gpus == self.gpus
        keys = tuple(child.key for child in children)
        # A plain tuple of plain tuples and numbers: no garbage that is collected goes through it.
        self.key: tuple[Any, ...] = (self.free_cores, self.free_gpus, _plain(fixed), own_cores, own_gpus, amounts, keys)
        # Of numbers alone, which hash alike in every process: so maps of states are gone through in one order.
        self._hash = hash((_number_of(fixed), own_cores, own_gpus, amounts, children))
        self._flat: tuple[DomainState, ...] | None = None

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, DomainState) and self.key == other.key)

    def __lt__(self, other: DomainState) -> bool:
        return bool(self.key < other.key)

    def __repr__(self) -> str:
        return f"DomainState({self.level}, {self.free_cores}/{self.cores} cores, {self.free_gpus}/{self.gpus} gpus)"

    def lists(self, resource: str) -> bool:
        """Tell whether the domain itself has a resource: cores or GPUs that are free, or an amount, free or not."""
        if resource == "core":
            return self.own_free_cores > 0
        if resource == "gpu":
            return self.own_free_gpus > 0
        return any(name == resource for name, _, _ in self.amounts)

    def own_free(self, resource: str) -> int:
        """Return how much of a resource the domain lists itself and has free."""
        if resource == "core":
            return self.own_free_cores
        if resource == "gpu":
            return self.own_free_gpus
        return next((free for name, _, free in self.amounts if name == resource), 0)

    def all_free(self, resource: str) -> int:
        """Return how much of a resource is free in the domain and all below it."""
        if resource == "core":
            return self.free_cores
        if resource == "gpu":
            return self.free_gpus
        return sum(domain.own_free(resource) for domain in self.flat)

    def outermost(self, level: str) -> list[DomainState]:
        """Return the domains of a level below it, without those that stand in another of them."""
        found: list[DomainState] = []
        pending = list(self.children)
        while pending:
            domain = pending.pop()
            if domain.level == level:
                found.append(domain)
            else:
                pending.extend(domain.children)
        return found

    @property
    def can_be_whole(self) -> bool:
        """Whether it can be taken whole: all that R lists of it is free, and R lists something."""
        return (
            self.intact
            and (bool(self.cores or self.gpus) or (self.whole and any(domain.amounts for domain in self.flat)))
            and all(total == free for domain in self.flat for _, total, free in domain.amounts)
        )

    @property
    def room(self) -> int:
        """An upper bound on how many slots, or other things of which each takes something, it has room for."""
        return self.free_cores + self.free_gpus + len(self.flat)

    @property
    def flat(self) -> tuple[DomainState, ...]:
        """The domain and all below it, in pre-order."""
        if self._flat is None:
            self._flat = (self, *(below for child in self.children for below in child.flat))
        return self._flat


class Arrangement:
    """A node's normal form, and which of the node's domains stands at each of its places.

    Attributes
    ----------
    state
        The normal form.
    order
        For each place in ``state.flat`` the index in ``NodeType.domains``.
    """

    __slots__ = ("order", "state")

    def __init__(self, state: DomainState, order: tuple[int, ...]) -> None:
        self.state = state
        self.order = order


_fixed: WeakKeyDictionary[NodeType, tuple[tuple[int, Fixed], ...]] = WeakKeyDictionary()
_fixed_ids: dict[tuple[Any, ...], tuple[int, Fixed]] = {}
_states: Memory[tuple[Any, ...], DomainState] = Memory(REMEMBERED)
_parts: Memory[tuple[NodeType, int, int, int], tuple[DomainState, tuple[int, ...]]] = Memory(REMEMBERED)
_arrangements: Memory[tuple[Any, ...], Arrangement] = Memory(REMEMBERED)


def arrange(node_type: NodeType, free_cores: int, free_gpus: int, used: Used = ()) -> Arrangement:
    """Return the normal form of a node of this type.

    Parameters
    ----------
    free_cores, free_gpus
        Bitmasks of node-local ids.
    used
        Amounts that jobs hold.
    """
    raw = (node_type, free_cores, free_gpus, used)
    known = _arrangements.get(raw)
    if known is None:
        taken = {(index, name): amount for index, name, amount in used}
        known = Arrangement(*_arrange(node_type, 0, free_cores, free_gpus, taken, fixed_parts(node_type)))
        _arrangements[raw] = known
    return known


def fixed_parts(node_type: NodeType) -> tuple[tuple[int, Fixed], ...]:
    """Return for each domain of the type a number that equal domains share, and what it stands for."""
    known = _fixed.get(node_type)
    if known is None:
        parts = []
        marks = node_type.marks if isinstance(node_type, MarkedType) else ((),) * len(node_type.domains)
        for domain in node_type.domains:
            cores, gpus = domain.own_cores.bit_count(), domain.own_gpus.bit_count()
            same = (domain.level, cores, gpus, domain.whole, amounts_of(domain), marks[domain.index])
            part = _fixed_ids.get(same)
            if part is None:
                part = _fixed_ids[same] = len(_fixed_ids), Fixed(*same)
            parts.append(part)
        known = _fixed[node_type] = tuple(parts)
    return known


def amounts_of(domain: Domain) -> tuple[tuple[str, int], ...]:
    """Return what a domain lists itself and is counted in units: whole MiB for memory and storage, sorted by name."""
    if domain.memory is None and domain.storage is None and not domain.resources:
        return ()
    amounts = dict(domain.resources)
    for name, gib in (("memory", domain.memory), ("storage", domain.storage)):
        if gib is not None:
            amounts[name] = int(gib * MIB_PER_GIB)
    return tuple(sorted(amounts.items()))


def _arrange(
    node_type: NodeType,
    index: int,
    free_cores: int,
    free_gpus: int,
    taken: dict[tuple[int, str], int],
    fixed: tuple[tuple[int, Fixed], ...],
) -> tuple[DomainState, tuple[int, ...]]:
    domain = node_type.domains[index]
    raw = None
    children: tuple[DomainState, ...] = ()
    order: tuple[int, ...] = (index,)
    if domain.children:
        if not taken:
            # Most of a node is as it was before the last job.
            raw = (node_type, index, free_cores & domain.cores, free_gpus & domain.gpus)
            part = _parts.get(raw)
            if part is not None:
                return part
        parts = [_arrange(node_type, child, free_cores, free_gpus, taken, fixed) for child in domain.children]
        if len(parts) > 1:
            parts.sort(key=_place)
        children = tuple([part[0] for part in parts])
        order = (index, *chain.from_iterable([part[1] for part in parts]))
    number, known = fixed[index]
    own_cores = (free_cores & domain.own_cores).bit_count()
    own_gpus = (free_gpus & domain.own_gpus).bit_count()
    amounts = tuple([total - taken.get((index, name), 0) for name, total in known.amounts]) if known.amounts else ()
    key = (number, own_cores, own_gpus, amounts, children)
    state = _states.get(key)
    if state is None:
        state = _states[key] = DomainState(known, own_cores, own_gpus, amounts, children)
    if raw is not None and index:
        _parts[raw] = state, order
    return state, order


def _place(part: tuple[DomainState, tuple[int, ...]]) -> tuple[tuple[Any, ...], int]:
    return part[0].key, part[1][0]
