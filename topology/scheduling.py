"""Read R's `scheduling`: RFC 49 `children`, and `groups`.

What other schedulers keep there (RFC 40 `graph`) is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .expect import array_of, intervals_of, malformed, sort_disjoint
from .groups import Group, ranks_in_groups, read_groups
from .masks import ValuedRun, mask_of_runs
from .ranks import Ranks
from .topo import PhysicalTree, topo_tree

_COMPARED = 8
"""How many of the last distinct `topo` objects an entry is compared with before it is read."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What `scheduling` says of the positions."""

    trees: tuple[PhysicalTree, ...]
    """The distinct physical nodes."""
    runs: tuple[ValuedRun, ...]
    """Which of them stands at each position that has one, in order."""
    topologies: tuple[tuple[Mapping[str, object], int], ...]
    """The `topo` objects as they are written, each with the bitmask of its positions."""
    groups: tuple[Group, ...]
    """The groups of nodes, in pre-order."""


def read_scheduling(scheduling: Mapping[str, Any], ranks: Ranks) -> Layout:
    """Read `scheduling` for the given ranks.

    Raises
    ------
    ValueError
        `children` is not as RFC 49 has it, or `groups` not of the same form; the message names the place.
    """
    children = scheduling.get("children")
    entries = array_of(children, "scheduling.children") if children is not None else ()
    topos, trees, found = _read_children(entries)
    listed = [(first, last) for first, last, _, _ in found]
    numbering = _numbering(scheduling, Ranks(listed), ranks)
    runs = tuple((first, last, found[i][3]) for first, last, i in numbering.locate(listed))
    by_topo: list[list[tuple[int, int]]] = [[] for _ in topos]
    for first, last, kind in runs:
        by_topo[kind].append((first, last))
    topologies = tuple((topo, mask_of_runs(has)) for topo, has in zip(topos, by_topo, strict=True) if has)
    groups: tuple[Group, ...] = ()
    if scheduling.get("groups") is not None:
        everyone = (1 << len(ranks)) - 1
        groups = read_groups(scheduling["groups"], "scheduling.groups", numbering.mask_of, everyone)
    return Layout(tuple(trees), runs, topologies, groups)


def _read_children(
    entries: Sequence[Any],
) -> tuple[list[Mapping[str, object]], list[PhysicalTree], list[tuple[int, int, int, int]]]:
    """Return the distinct `topo` objects, their trees, and (first rank, last rank, entry, number of the topo)."""
    topos: list[Mapping[str, object]] = []
    trees: list[PhysicalTree] = []
    number: dict[int, int] = {}
    found: list[tuple[int, int, int, int]] = []
    for n, entry in enumerate(entries):
        try:
            text, topo = entry["ranks"], entry["topo"]
        except (KeyError, TypeError, IndexError):
            raise malformed(entry, f"scheduling.children[{n}]", "ranks", "topo") from None
        kind = _same_topo(topo, topos)
        if kind < 0:
            tree = topo_tree(topo, f"scheduling.children[{n}].topo")
            kind = number.setdefault(id(tree), len(trees))
            if kind == len(trees):
                trees.append(tree)
                topos.append(topo)
        found += [(first, last, n, kind) for first, last in intervals_of(text, f"scheduling.children[{n}].ranks")]
    sort_disjoint(found, "scheduling.children[{}].ranks")
    return topos, trees, found


def _numbering(scheduling: Mapping[str, Any], listed: Ranks, ranks: Ranks) -> Ranks:
    """Return the ranks by which `scheduling` calls the positions; `listed` are those of `children`.

    Notes
    -----
    A sub-instance numbers its ranks from 0 and leaves `scheduling` with the ranks of its parent, so as many ranks in
    `scheduling` as in R_lite are the same nodes in order. With any other number only equal ranks can be meant, and a
    rank that `scheduling` lacks has no tree.
    """
    if scheduling.get("groups") is not None and not listed:
        listed = Ranks(ranks_in_groups(scheduling["groups"], "scheduling.groups").intervals)
    return listed if len(listed) == len(ranks) else ranks


def _same_topo(topo: object, known: Sequence[object]) -> int:
    """Return which of the last few objects is the same, or -1: comparing is far cheaper than reading again."""
    try:
        for kind in range(len(known) - 1, max(len(known) - _COMPARED, 0) - 1, -1):
            if topo == known[kind]:
                return kind
    except RecursionError:
        pass
    return -1
