"""Which node type stands at which position: what R_lite lists, in the tree that `scheduling` gives."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import repeat

from .masks import ValuedRun, overlay
from .topo import PhysicalTree
from .tree import BARE_NODE, NodeType, node_type


def assign_types(
    size: int,
    classes: Sequence[tuple[int, int]],
    runs: Sequence[ValuedRun],
    trees: Sequence[PhysicalTree],
    tree_runs: Sequence[ValuedRun],
) -> tuple[tuple[NodeType, ...], Sequence[int]]:
    """Return the node types in the order of their first positions, and the type of each position.

    Parameters
    ----------
    size : the number of positions.
    classes : the distinct (cores, gpus) that R_lite lists, as bitmasks.
    runs : which of these each position has; all positions, in order.
    trees : the distinct physical nodes.
    tree_runs : which of these stands at each position, in order; positions without one have nothing but a node.
    """
    index: dict[NodeType, int] = {}
    of_pair: dict[tuple[int, int], int] = {}
    found: list[ValuedRun] = []
    for first, last, held, tree in overlay(runs, tree_runs):
        kind = of_pair.get((held, tree))
        if kind is None:
            built = node_type(BARE_NODE if tree < 0 else trees[tree], *classes[held])
            kind = of_pair[held, tree] = index.setdefault(built, len(index))
        found.append((first, last, kind))
    types = tuple(index)
    if len(types) <= 1:
        return types, bytes(size)
    type_of = array("B" if len(types) <= 256 else "L")
    for first, last, kind in found:
        type_of.extend(repeat(kind, last - first + 1))
    return types, type_of
