"""Read R's `scheduling`: RFC 49 `children`, and `groups`, in the ranks and core ids of R_lite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .expect import array_of, intervals_of, malformed, sort_disjoint
from .groups import Group, ranks_in_groups, read_groups
from .links import Links, read_links
from .masks import ValuedRun, mask_of_runs, overlay
from .ranks import Ranks
from .topo import PhysicalTree, topo_tree
from .topo_ids import renumber_topo

_COMPARED = 8
"""How many of the last distinct `topo` objects an entry is compared with before it is read."""

_MAX_RENUMBERED = 2**18
"""How many domains get other core ids at most: in a sub-instance each node once, so that only nonsense has more."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What `scheduling` says of the positions."""

    trees: tuple[PhysicalTree, ...]
    """The distinct physical nodes."""
    runs: tuple[ValuedRun, ...]
    """Which of them stands at each position that has one, in order."""
    topologies: tuple[tuple[Mapping[str, object], int], ...]
    """The `topo` objects as they are written, in R_lite's core ids, each with the bitmask of its positions."""
    groups: tuple[Group, ...]
    """The groups of nodes, in pre-order."""
    links: tuple[tuple[int, Links], ...] = ()
    """How GPUs are joined, where not all are alike, by bitmasks of positions."""


def read_scheduling(
    scheduling: Mapping[str, Any], ranks: Ranks, classes: Sequence[tuple[int, int]], lite: Sequence[ValuedRun]
) -> Layout:
    """Read `scheduling` for the given ranks.

    Parameters
    ----------
    scheduling : the object.
    ranks : those of R_lite.
    classes : the distinct (cores, gpus) that R_lite lists, as bitmasks.
    lite : which of these each position has; all positions, in order.

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
    if _may_be_renumbered([cores for cores, _ in classes], trees):
        runs = _number_cores(topos, trees, runs, classes, lite)
    by_topo: list[list[tuple[int, int]]] = [[] for _ in topos]
    for first, last, kind in runs:
        by_topo[kind].append((first, last))
    topologies = tuple((topo, mask_of_runs(has)) for topo, has in zip(topos, by_topo, strict=True) if has)
    groups: tuple[Group, ...] = ()
    if scheduling.get("groups") is not None:
        everyone = (1 << len(ranks)) - 1
        groups = read_groups(scheduling["groups"], "scheduling.groups", numbering.mask_of, everyone)
    links = tuple(read_links(scheduling.get("exactfit"), numbering.mask_of))
    return Layout(tuple(trees), runs, topologies, groups, links)


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


def _may_be_renumbered(cores: Sequence[int], trees: Sequence[PhysicalTree]) -> bool:
    """Tell whether there are as many cores somewhere in R_lite as in a tree, and others: without it none can be."""
    of_size: dict[int, set[int]] = {}
    for mask in cores:
        of_size.setdefault(mask.bit_count(), set()).add(mask)
    listed = (tree.domains[0].cores for tree in trees)
    return any(of_size.get(mask.bit_count(), {mask}) != {mask} for mask in listed)


def _number_cores(
    topos: list[Mapping[str, object]],
    trees: list[PhysicalTree],
    runs: Sequence[ValuedRun],
    classes: Sequence[tuple[int, int]],
    lite: Sequence[ValuedRun],
) -> tuple[ValuedRun, ...]:
    """Give trees the core ids of R_lite, and return which of them stands where; new ones are added to the lists.

    Notes
    -----
    A sub-instance numbers the cores of each of its nodes from 0 and leaves `scheduling` with those of its parent, so
    as many cores in `topo` as in R_lite are the same cores in order. With any other number only equal ids can be meant.
    """
    renumbered: dict[tuple[int, int], int] = {}
    made: list[ValuedRun] = []
    domains = 0
    for first, last, held, kind in overlay(lite, runs):
        if kind < 0:
            continue
        cores, listed = classes[held][0], trees[kind].domains[0].cores
        if cores != listed and cores.bit_count() == listed.bit_count():
            new = renumbered.get((kind, cores))
            if new is None:
                new = renumbered[kind, cores] = len(trees)
                domains += len(trees[kind].domains)
                if domains > _MAX_RENUMBERED:
                    raise ValueError(f"scheduling.children: more than {_MAX_RENUMBERED} domains to number anew")
                topos.append(renumber_topo(topos[kind], listed, cores))
                trees.append(topo_tree(topos[new]))
            kind = new
        made.append((first, last, kind))
    return tuple(made)


def _same_topo(topo: object, known: Sequence[object]) -> int:
    """Return which of the last few objects is the same, or -1: comparing is far cheaper than reading again."""
    try:
        for kind in range(len(known) - 1, max(len(known) - _COMPARED, 0) - 1, -1):
            if topo == known[kind]:
                return kind
    except RecursionError:
        pass
    return -1
