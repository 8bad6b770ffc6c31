"""Make a proper tree of locality domains out of what R lists, where every level is a partition.

A tree from elsewhere may list one place twice (the DDR and the HBM of one die as two numa), put two levels beside each
other (apu beside socket), or have domains that overlap in part, which nothing can be counted in. What comes out is a
tree in pre-order in which

- domains of one level are disjoint: those that list the same cores are one, with the sum of what they have;
- a domain contains its children, whether the input nested them or named them side by side;
- a level that cannot be had in this way is left out, and its resources stand at the level above; of two levels that
  cross, that is the one with the smaller domains, or the one named later.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Vertex:
    """One domain as listed."""

    level: str
    parent: int
    """Index in the list, which has parents before children; -1 for the root."""
    ids: int = 0
    """Bitmask of what it lists itself; `nest` adds what stands below."""
    amounts: dict[str, Fraction] = field(default_factory=dict)
    """Countable resources of its own, memory and storage in GiB."""
    listed: Mapping[str, object] = field(default_factory=dict)
    """The same as they were written."""
    beside: dict[str, Fraction] = field(default_factory=dict)
    """Countable resources of holders in it that list no ids."""

    def add(self, amounts: Mapping[str, Fraction]) -> None:
        """Add to what it has."""
        for name, amount in amounts.items():
            total = self.amounts.get(name, Fraction(0)) + amount
            self.amounts[name] = total
            self.listed = {**self.listed, name: int(total) if total.denominator == 1 else float(total)}


def added(amounts: Mapping[str, Fraction], more: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return the sum of two tables of amounts."""
    return {**amounts, **{name: amounts.get(name, Fraction(0)) + amount for name, amount in more.items()}}


def nest(vertices: Sequence[Vertex], *, place: str, key_bits: int | None = None) -> list[Vertex]:
    """Return the tree in normal form, in pre-order, `ids` including all that stands below.

    Parameters
    ----------
    vertices : the domains as listed, the root first.
    place : where the tree stands in the input, for warnings.
    key_bits : the number of low bits in `ids` by which two domains of one level are the same; all of them by default.
    """
    copies = [Vertex(v.level, v.parent, v.ids, dict(v.amounts), v.listed, v.beside) for v in vertices]
    forest = _Forest(copies, place)
    forest.add_up()
    forest.merge_equal((1 << key_bits) - 1 if key_bits is not None else -1)
    forest.leave_out_overlaps()
    if not forest.is_tree():
        forest.rebuild()
    return forest.preorder()


class _Forest:
    """The vertices while they are put in order; `parent[i]` is None when i is left out."""

    def __init__(self, vertices: list[Vertex], place: str) -> None:
        self.vertices = vertices
        self.place = place
        self.parent: list[int | None] = [v.parent for v in vertices]
        self.stands_in = list(range(len(vertices)))
        self.order = list(range(len(vertices)))
        """By what children of one parent are sorted: as listed, or by their lowest ids."""
        self.levels: dict[str, list[int]] = {}
        for i, vertex in enumerate(vertices[1:], 1):
            self.levels.setdefault(vertex.level, []).append(i)

    def find(self, i: int) -> int:
        """Return the vertex that stands for i now."""
        while self.stands_in[i] != i:
            i = self.stands_in[i]
        return i

    def add_up(self) -> None:
        for vertex in reversed(self.vertices[1:]):
            self.vertices[vertex.parent].ids |= vertex.ids

    def replace_by(self, i: int, other: int) -> None:
        """Let `other` stand for i and have what i has."""
        self.stands_in[i] = other
        self.parent[i] = None
        self.vertices[other].add(self.vertices[i].amounts)
        self.vertices[other].beside = added(self.vertices[other].beside, self.vertices[i].beside)

    def merge_equal(self, key_mask: int) -> None:
        for level, members in self.levels.items():
            first_with: dict[int, int] = {}
            kept = []
            for i in members:
                ids = self.vertices[i].ids
                same = first_with.setdefault(ids & key_mask or ids, i) if ids else i
                if same == i:
                    kept.append(i)
                    continue
                self.replace_by(i, same)
                above = same
                while above >= 0:
                    above = self.find(above)
                    self.vertices[above].ids |= ids
                    above = self.vertices[above].parent
            self.levels[level] = kept

    def leave_out(self, level: str) -> None:
        logger.warning(
            "%s: the %s domains overlap in part; the level is left out, what it lists stands above it",
            self.place,
            level,
        )
        for i in self.levels.pop(level):
            self.replace_by(i, self.find(self.vertices[i].parent))

    def leave_out_overlaps(self) -> None:
        for level, members in list(self.levels.items()):
            seen = 0
            for i in members:
                if seen & self.vertices[i].ids:
                    self.leave_out(level)
                    break
                seen |= self.vertices[i].ids
        for i, above in enumerate(self.parent):
            if above is not None and above >= 0:
                self.parent[i] = self.find(above)

    def is_tree(self) -> bool:
        """Tell whether siblings of different levels are disjoint as well."""
        seen = [0] * len(self.vertices)
        for i, above in enumerate(self.parent):
            if above is None or above < 0:
                continue
            if seen[above] & self.vertices[i].ids:
                return False
            seen[above] |= self.vertices[i].ids
        return True

    def rebuild(self) -> None:
        """Nest by what the domains contain, level by level, those with the larger domains first."""
        children: list[list[int]] = [[] for _ in self.vertices]
        for level, members in sorted(self.levels.items(), key=lambda item: -self._mean_size(item[1])):
            spots = [self._spot(i, children) for i in members if self.vertices[i].ids]
            if any(spot is None for spot in spots):
                self.leave_out(level)
                continue
            for i in members:
                spot = self._spot(i, children) if self.vertices[i].ids else None
                if spot is not None:
                    above, covered = spot
                    children[above] = [c for c in children[above] if c not in covered] + [i]
                    children[i] = list(covered)
        for above, below in enumerate(children):
            for i in below:
                self.parent[i] = above
        self.order = [(vertex.ids & -vertex.ids).bit_length() for vertex in self.vertices]
        for i, now in enumerate(self.parent):
            if now is not None and now > 0:
                self.parent[i] = self.find(now)

    def _mean_size(self, members: Sequence[int]) -> Fraction:
        return Fraction(sum(self.vertices[i].ids.bit_count() for i in members), max(len(members), 1))

    def _spot(self, i: int, children: Sequence[Sequence[int]]) -> tuple[int, set[int]] | None:
        """Return the innermost vertex that contains i and those of its children that i contains, or None."""
        ids = self.vertices[i].ids
        above = 0
        while True:
            touched = [c for c in children[above] if self.vertices[c].ids & ids]
            if len(touched) == 1 and ids & ~self.vertices[touched[0]].ids == 0:
                above = touched[0]
                continue
            if any(self.vertices[c].ids & ~ids for c in touched):
                return None
            return above, set(touched)

    def preorder(self) -> list[Vertex]:
        below: list[list[int]] = [[] for _ in self.vertices]
        for i, above in enumerate(self.parent):
            if above is not None and above >= 0:
                below[above].append(i)
        for inner in below:
            inner.sort(key=self.order.__getitem__)
        ordered: list[Vertex] = []
        stack = [(0, -1)]
        while stack:
            i, above = stack.pop()
            vertex = self.vertices[i]
            if i and not vertex.ids and not vertex.amounts and not below[i]:
                continue
            stack.extend((c, len(ordered)) for c in reversed(below[i]))
            vertex.parent = above
            ordered.append(vertex)
        return ordered


def order_levels(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return level names with the coarser first.

    Parameters
    ----------
    names : every level, in the order of first appearance, which decides between levels that never nest.
    pairs : (level, level right below it), as the trees have them.

    Notes
    -----
    Trees of different nodes may nest two levels in opposite ways; then nothing but the first appearance can decide.
    """
    return _ordered(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(pairs)))


@lru_cache(maxsize=256)
def _ordered(levels: tuple[str, ...], pairs: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    rank = {name: i for i, name in enumerate(levels)}
    above: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(levels, ()))
    for coarser, finer in pairs:
        if coarser != finer:
            above.add(finer, coarser)
    try:
        above.prepare()
    except CycleError:
        return levels
    ordered: list[str] = []
    ready: list[int] = []
    while above:
        for name in above.get_ready():
            heappush(ready, rank[name])
        ordered.append(levels[heappop(ready)])
        above.done(ordered[-1])
    return tuple(ordered)
