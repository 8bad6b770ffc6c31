"""Nodes that have the same left, whoever holds the rest: what a screen has room for, however many nodes there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ....grammar.hostlist import encode_hosts
from ....topology.machine import Machine
from ....topology.tree import NodeType
from ...drawing.marks import DOWN_MARK, FREE_MARK, HELD_MARK
from ...drawing.node_state import NodeState
from ...slots import Borders, Piece, pieces_of

_Pair = tuple[int, int]
"""Free, and all."""
_Domains = tuple[tuple[_Pair, ...], ...]
_Key = tuple[NodeType, str, _Domains, _Pair, _Pair]

IDLE, PART, FULL, KEPT, DOWN = "idle", "in part", "full", "kept", "down"
AWAY: Final = (KEPT, DOWN)
"""What takes no jobs but those that it is kept for."""
_ORDER: Final = (PART, IDLE, FULL, *AWAY)
"""What one looks for first stands first."""
_TENTHS: Final = 10
_MOST_HOSTS: Final = 2**13
SEVERAL_TASKS: Final = "tasks"
"""Label of what a node gives to several tasks, of which the system does not say which has what."""


@dataclass(frozen=True)
class Fold:
    """Nodes of one type of which the same is left.

    Attributes
    ----------
    machine, nodes
        Whose nodes, as a bitmask of positions.
    type
        Their tree.
    word
        `IDLE`, `PART`, `FULL`, `KEPT` (by a reservation) or `DOWN`.
    domains
        Free and all cores of each domain that has cores of its own, those of one parent together.
    cores, gpus
        Of a node: free, and all.
    torn
        Slots on all of them that cross a border that they need not; one on several of them counts on each.
    """

    machine: Machine
    nodes: int
    type: NodeType
    word: str
    domains: _Domains
    cores: _Pair
    gpus: _Pair
    torn: int = 0

    @cached_property
    def count(self) -> int:
        """How many nodes these are."""
        return self.nodes.bit_count()

    @cached_property
    def where(self) -> str:
        """Their hosts where they have names, else their ranks."""
        return where(self.machine, self.nodes)

    @property
    def marks(self) -> str:
        """A mark for each domain with cores: how much of it is free; in brackets those of one parent."""
        if self.word == DOWN:
            return "".join(f"[{DOWN_MARK * len(some)}]" for some in self.domains)
        return "".join(f"[{''.join(part_mark(*pair) for pair in some)}]" for some in self.domains)

    @property
    def level(self) -> str:
        """What the marks stand for."""
        return next((domain.level for domain in reversed(self.type.domains) if domain.own_cores), "node")


def where(machine: Machine, nodes: int) -> str:
    """Return the hosts of nodes where they have names and are not too many to be read, else their ranks."""
    if len(machine.hosts) and nodes.bit_count() <= _MOST_HOSTS:
        return encode_hosts(machine.hosts_at(nodes))
    ranks = machine.ids_of(nodes)
    return f"rank{'' if len(ranks) == 1 else 's'} {ranks}"


def part_mark(free: int, there: int) -> str:
    """Return the mark of what is free of so many things."""
    if free >= there:
        return FREE_MARK
    return str(min(_TENTHS * free // there, 9)) if free else HELD_MARK


def folds_of(machine: Machine, states: Iterable[NodeState], kept: int = 0) -> list[Fold]:
    """Return the nodes by what is left of them, the ones in part first, then by how many they are.

    Parameters
    ----------
    kept
        Bitmask of the positions that a reservation keeps now.
    """
    found: defaultdict[_Key, int] = defaultdict(int)
    torn: defaultdict[_Key, int] = defaultdict(int)
    for state in states:
        kind = state.type
        held_cores = held_gpus = 0
        for _, content in state.shares:
            held_cores |= content.cores
            held_gpus |= content.gpus
        cores = (kind.cores & ~held_cores).bit_count(), kind.cores.bit_count()
        gpus = (kind.gpus & ~held_gpus).bit_count(), kind.gpus.bit_count()
        free = cores[0] + gpus[0]
        word = DOWN if state.down else IDLE if state.idle else PART if free else FULL
        slots = sum(slot.torn for _, content in state.shares for slot in content.slots)
        for nodes, said in ((state.nodes & ~kept, word), (state.nodes & kept, DOWN if state.down else KEPT)):
            if nodes:
                key = kind, said, _domains(kind, held_cores, held_gpus), cores, gpus
                found[key] |= nodes
                torn[key] += nodes.bit_count() * slots
    folds = [Fold(machine, nodes, *key, torn=torn[key]) for key, nodes in found.items()]
    return sorted(folds, key=lambda fold: (_ORDER.index(fold.word), -fold.count, fold.nodes & -fold.nodes))


def _domains(kind: NodeType, cores: int, gpus: int) -> _Domains:
    """Return free and all cores of each domain that has some of its own; GPUs of a node that has no core."""
    by_parent: dict[int, list[tuple[int, int]]] = {}
    for domain in kind.domains:
        own, held = (domain.own_cores, cores) if kind.cores else (domain.own_gpus, gpus)
        if own:
            pair = (own & ~held).bit_count(), own.bit_count()
            by_parent.setdefault(domain.parent, []).append(pair)
    return tuple(tuple(some) for some in by_parent.values())


@dataclass(frozen=True, slots=True)
class Torn:
    """Of the slots of a job, how many there are, and how many cross a border that they need not."""

    slots: int = 0
    torn: int = 0


def torn_of(machine: Machine, borders: Borders, R: Mapping[str, Any]) -> Torn:
    """Count the slots that an R names; those that stand on several nodes count once."""
    slots = torn = 0
    spanning: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for piece in pieces_of(R):
        if piece.label == SEVERAL_TASKS:
            continue
        nodes = machine.mask_of(piece.ranks)
        across = _torn_at(machine, borders, piece, nodes)
        if piece.number is None:
            slots += nodes.bit_count()
            torn += across.bit_count()
        else:
            one = spanning[piece.label, piece.number]
            one[0] |= nodes
            one[1] |= across
    for (label, _), (nodes, across) in spanning.items():
        slots += 1
        torn += bool(across) or borders.torn_over_groups(label, nodes)
    return Torn(slots, torn)


def _torn_at(machine: Machine, borders: Borders, piece: Piece, nodes: int) -> int:
    kinds = zip(machine.types, machine.type_masks, strict=True)
    return sum(mask & nodes for kind, mask in kinds if mask & nodes and borders.torn(kind, piece))


def numbers(folds: Sequence[Fold]) -> dict[str, int]:
    """Return how many nodes there are of each word."""
    found = dict.fromkeys((FULL, PART, IDLE, *AWAY), 0)
    for fold in folds:
        found[fold.word] += fold.count
    return found


def left(folds: Sequence[Fold], what: str) -> tuple[int, int, int]:
    """Return how many cores, or gpus, are held, free, and free on nodes that are down or kept."""
    held = free = gone = 0
    for fold in folds:
        some, there = fold.cores if what == "core" else fold.gpus
        held += fold.count * (there - some)
        if fold.word in AWAY:
            gone += fold.count * some
        else:
            free += fold.count * some
    return held, free, gone
