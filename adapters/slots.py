"""Which borders of domains the slots of a job cross, and which of them no slot of their size could have left alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..grammar.idset import IdSet, text_mask
from ..grammar.jobspec import Vertex
from ..topology.machine import Machine
from ..topology.tree import NodeType
from .givers import Given, around, fewest, given_to, least_giving

_NODE = "node"
_LEAVES = ("core", "gpu", "memory", "storage")


@dataclass(frozen=True, slots=True)
class Piece:
    """What a slot has on each of some nodes.

    Attributes
    ----------
    ranks
        The nodes. A slot for each of them, unless it has a number.
    label
        Of the slot's vertex.
    number
        Of a slot that stands on several nodes; its pieces share it. None for one that stands on a single node.
    cores, gpus
        Bitmasks of node-local ids.
    given
        Which domains give it amounts, where that is not read off its cores and GPUs.
    """

    ranks: IdSet
    label: str
    number: int | None
    cores: int
    gpus: int
    given: Given = ()


def pieces_of(R: Mapping[str, Any]) -> Iterator[Piece]:
    """Yield what the slots of a job have, as its R says in `scheduling.placement`; nothing where it does not say it."""
    for entry in (R.get("scheduling") or {}).get("placement", ()):
        ranks = IdSet.parse(entry.get("ranks", ""))
        for slot in entry.get("slots", ()):
            cores, gpus = text_mask(slot.get("cores", "")), text_mask(slot.get("gpus", ""))
            yield Piece(ranks, slot.get("label", ""), slot.get("slot"), cores, gpus, given_to(slot))


@dataclass(frozen=True, slots=True)
class Crossed:
    """How often the slots of a job cross the borders of domains, by level; levels that none crosses are left out.

    Attributes
    ----------
    avoidable
        Beyond what is in `must`.
    must
        What the slots cannot do without: they are larger than a domain of the level, or ask for several.
    whole
        Whether some slots take all of their nodes or of a domain, the borders inside of which count as none.
    """

    avoidable: Mapping[str, int] = field(default_factory=dict)
    must: Mapping[str, int] = field(default_factory=dict)
    whole: bool = False


@dataclass
class _Spanning:
    """What a slot that stands on several nodes touches, and what it needs, over all of them."""

    nodes: int = 0
    here: Counter[str] = field(default_factory=Counter)
    least: Counter[str] = field(default_factory=Counter)

    def add(self, here: Counter[str], least: Counter[str], nodes: int = 0) -> None:
        """Add what is touched and needed, on each of some nodes or beside them."""
        self.nodes |= nodes
        times = nodes.bit_count() or 1
        for total, more in ((self.here, here), (self.least, least)):
            total.update({level: times * number for level, number in more.items()})


class Borders:
    """The borders of a machine's domains, as the slots of one job meet them.

    Parameters
    ----------
    machine
        Where the job stands.
    vertices
        What it asks for. Without them a slot counts as one that asks for cores and GPUs anywhere on a node.
    among
        Bitmask of the positions that its constraint allows; all by default.
    """

    def __init__(self, machine: Machine, vertices: Sequence[Vertex] = (), among: int = -1) -> None:
        self.machine = machine
        kinds = zip(machine.types, machine.type_masks, strict=True)
        self._kinds = tuple(kind for kind, nodes in kinds if nodes & among) or machine.types
        self._among = among & machine.all
        self._group_sizes: dict[str, list[int]] = {}
        self._slots = {v.label: v for top in vertices for v in top.walk() if v.is_slot}

    def torn(self, kind: NodeType, piece: Piece) -> bool:
        """Tell whether what a slot has of a node crosses a border that it need not."""
        if _is_whole(kind, piece):
            return False
        return any(touched(kind, level, piece) > max(1, self._least(level, piece)) for level in kind.levels)

    def torn_over_groups(self, label: str, nodes: int) -> bool:
        """Tell whether a slot that stands on several nodes, a bitmask of positions, has more groups than it needs."""
        groups = Counter(group.level for group in self.machine.groups_at(nodes))
        count = nodes.bit_count()
        return any(number > self._least_groups(level, label, count) for level, number in groups.items())

    def crossed(self, R: Mapping[str, Any]) -> Crossed:
        """Count the borders that the slots of a job's R cross.

        For each level, of groups, the node and those below it, these are over all slots the domains that a slot
        touches, less one.
        """
        avoidable: Counter[str] = Counter()
        must: Counter[str] = Counter()
        spanning: defaultdict[tuple[str, int], _Spanning] = defaultdict(_Spanning)
        whole = False
        for piece in pieces_of(R):
            nodes = self.machine.mask_of(piece.ranks)
            for kind, mask in zip(self.machine.types, self.machine.type_masks, strict=True):
                some = nodes & mask
                if not some:
                    continue
                inside = _is_whole(kind, piece)
                many = any(touched(kind, level, piece) > 1 for level in kind.levels)
                whole |= inside and (many or piece.number is not None)
                here, least = self._touches(kind, piece, inside)
                if piece.number is not None:
                    spanning[piece.label, piece.number].add(here, least, some)
                else:
                    _add(avoidable, must, here, least, some.bit_count())
        for (label, _), slot in spanning.items():
            count = slot.nodes.bit_count()
            slot.add(Counter({_NODE: count}), Counter({_NODE: count}))
            groups = Counter(group.level for group in self.machine.groups_at(slot.nodes))
            least = Counter({level: self._least_groups(level, label, count) for level in groups})
            slot.add(groups, least & groups)
            _add(avoidable, must, slot.here, slot.least, 1)
        levels = (*self.machine.group_levels, _NODE, *self.machine.levels)
        return Crossed(
            {level: avoidable[level] for level in levels if avoidable[level]},
            {level: must[level] for level in levels if must[level]},
            whole,
        )

    def _least_groups(self, level: str, label: str, nodes: int) -> int:
        """Return in how few groups of a level so many nodes can stand that the job may use."""
        if level not in self._group_sizes:
            members = (group.members & self._among for group in self.machine.groups if group.level == level)
            self._group_sizes[level] = sorted((mask.bit_count() for mask in members), reverse=True)
        needed = 0
        for size in self._group_sizes[level]:
            if nodes <= 0:
                break
            nodes -= size
            needed += 1
        slot = self._slots.get(label)
        return max(needed, self._asked(slot, level) if slot is not None else 0)

    def _asked(self, slot: Vertex, level: str) -> int:
        return _asked(slot, level, self._kinds, frozenset((_NODE, *self.machine.group_levels)))

    def _touches(self, kind: NodeType, piece: Piece, inside: bool) -> tuple[Counter[str], Counter[str]]:
        """Return for each level the domains that a piece touches and those that it needs; none if it is one."""
        here: Counter[str] = Counter()
        least: Counter[str] = Counter()
        for level in () if inside else kind.levels:
            found = touched(kind, level, piece)
            here[level] = found
            least[level] = min(found, self._least(level, piece))
        return here, least

    def _least(self, level: str, piece: Piece) -> int:
        amounts = piece.cores.bit_count(), piece.gpus.bit_count()
        by_size = [
            max(least, least_giving(kind, level, piece.given))
            for kind in self._kinds
            if (least := least_touched(kind, level, *amounts)) is not None
        ]
        slot = self._slots.get(piece.label)
        asked = self._asked(slot, level) if slot is not None else 0
        return max(min(by_size, default=1), asked)


def _add(avoidable: Counter[str], must: Counter[str], here: Counter[str], least: Counter[str], times: int) -> None:
    for level, number in here.items():
        crossed, needed = max(0, number - 1), max(0, least[level] - 1)
        avoidable[level] += times * (crossed - needed)
        must[level] += times * needed


def touched(kind: NodeType, level: str, piece: Piece) -> int:
    """Return how many domains of a level a piece of a slot touches."""
    giving = around(kind, piece.given) if piece.given else frozenset[int]()
    return sum(
        1
        for domain in kind.by_level.get(level, ())
        if domain.cores & piece.cores or domain.gpus & piece.gpus or domain.index in giving
    )


def _is_whole(kind: NodeType, piece: Piece) -> bool:
    return not piece.given and _whole_domain(kind, piece.cores, piece.gpus)


@lru_cache(maxsize=4096)
def least_touched(kind: NodeType, level: str, cores: int, gpus: int) -> int | None:
    """Return a bound on how few domains of a level so many cores and GPUs of an idle node can touch.

    Returns
    -------
    The number of the largest domains that have so many cores, or so many GPUs, whichever are more. None when the node
    has less.
    """
    if cores > kind.cores.bit_count() or gpus > kind.gpus.bit_count():
        return None
    domains = kind.by_level.get(level, ())
    need = 0
    for wanted, all_ids, sizes in (
        (cores, kind.cores, [domain.cores for domain in domains]),
        (gpus, kind.gpus, [domain.gpus for domain in domains]),
    ):
        outside = all_ids
        for ids in sizes:
            outside &= ~ids
        need = max(need, fewest((ids.bit_count() for ids in sizes), wanted - outside.bit_count()))
    return need


@lru_cache(maxsize=4096)
def _whole_domain(kind: NodeType, cores: int, gpus: int) -> bool:
    """Tell whether these are all cores and GPUs of a node, or of one domain of it."""
    return any(domain.cores == cores and domain.gpus == gpus for domain in kind.domains)


def _asked(vertex: Vertex, level: str, kinds: Sequence[NodeType], apart: frozenset[str]) -> int:
    """Return how many domains of a level what stands below a vertex asks for by name, directly or by its size.

    What spans nodes and groups, whose levels are `apart`, is looked at node by node.
    """
    total = 0
    for child in vertex.children:
        if child.type in _LEAVES:
            continue
        # Of a count that is left open, as many as can be are what is asked for.
        number = child.count.min if child.count.is_fixed else child.count.largest(2**20) or child.count.min
        if child.type == level:
            total += number
        elif (held := _inside(level, child.type, kinds)) is not None:
            total += -(-number // held)
        else:
            below = max(1, _asked(child, level, kinds, apart), _by_size(child, level, kinds))
            total += below if child.type in apart else number * below
    return total


@lru_cache(maxsize=4096)
def _inside(level: str, finer: str, kinds: Sequence[NodeType]) -> int | None:
    """Return how many domains of a finer level one of a level has at most; None when that level is no finer one."""
    most = 0
    for kind in kinds:
        inside: Counter[int] = Counter()
        for domain in kind.by_level.get(finer, ()):
            above = domain.parent
            while above >= 0 and kind.domains[above].level != level:
                above = kind.domains[above].parent
            if above >= 0:
                inside[above] += 1
        most = max(most, *inside.values(), 0)
    return most or None


def _by_size(vertex: Vertex, level: str, kinds: Sequence[NodeType]) -> int:
    cores, gpus = (sum(c.count.min for c in vertex.children if c.type == kind) for kind in ("core", "gpu"))
    return min((n for kind in kinds if (n := least_touched(kind, level, cores, gpus)) is not None), default=1)
