"""Which node type stands at which position: what R_lite lists, in the tree that `scheduling` gives."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import repeat

from .links import Links
from .masks import ValuedRun, overlay, runs_of_mask
from .topo import PhysicalTree
from .tree import BARE_NODE, NodeType, node_type


def assign_types(
    size: int,
    classes: Sequence[tuple[int, int]],
    runs: Sequence[ValuedRun],
    trees: Sequence[PhysicalTree],
    tree_runs: Sequence[ValuedRun],
    links: Sequence[tuple[int, Links]] = (),
) -> tuple[tuple[NodeType, ...], Sequence[int]]:
    """Return the node types in the order of their first positions, and the type of each position.

    Parameters
    ----------
    size : the number of positions.
    classes : the distinct (cores, gpus) that R_lite lists, as bitmasks.
    runs : which of these each position has; all positions, in order.
    trees : the distinct physical nodes.
    tree_runs : which of these stands at each position, in order; positions without one have nothing but a node.
    links : how GPUs are joined, by bitmasks of positions.
    """
    if links:
        return _with_links(size, classes, overlay(runs, tree_runs), trees, links)
    index: dict[NodeType, int] = {}
    of_pair: dict[tuple[int, int], int] = {}
    found: list[ValuedRun] = []
    for first, last, held, tree in overlay(runs, tree_runs):
        kind = of_pair.get((held, tree))
        if kind is None:
            built = node_type(BARE_NODE if tree < 0 else trees[tree], *classes[held])
            kind = of_pair[held, tree] = index.setdefault(built, len(index))
        found.append((first, last, kind))
    return _typed(size, tuple(index), found)


def _with_links(
    size: int,
    classes: Sequence[tuple[int, int]],
    pairs: Iterable[tuple[int, int, int, int]],
    trees: Sequence[PhysicalTree],
    links: Sequence[tuple[int, Links]],
) -> tuple[tuple[NodeType, ...], Sequence[int]]:
    index: dict[NodeType, int] = {}
    of_pair = list(pairs)
    parts = [(first, last, number) for number, (first, last, _, _) in enumerate(of_pair)]
    linked = sorted((first, last, i) for i, (mask, _) in enumerate(links) for first, last in runs_of_mask(mask))
    found: list[ValuedRun] = []
    for first, last, number, i in overlay(parts, linked):
        _, _, held, tree = of_pair[number]
        cores, gpus = classes[held]
        joined = tuple(link for link in links[i][1] if gpus >> link[0] & gpus >> link[1] & 1) if i >= 0 else ()
        built = node_type(BARE_NODE if tree < 0 else trees[tree], cores, gpus, joined)
        found.append((first, last, index.setdefault(built, len(index))))
    return _typed(size, tuple(index), found)


def _typed(
    size: int, types: tuple[NodeType, ...], found: Sequence[ValuedRun]
) -> tuple[tuple[NodeType, ...], Sequence[int]]:
    if len(types) <= 1:
        return types, bytes(size)
    type_of = array("B" if len(types) <= 256 else "L")
    for first, last, kind in found:
        type_of.extend(repeat(kind, last - first + 1))
    return types, type_of
