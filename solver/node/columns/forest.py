"""The domains of some nodes as what runs are made of: innermost domains with cores, and what they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ...state.domain_state import UNNAMED, DomainState


@dataclass(frozen=True)
class Run:
    """What some slots take together.

    Attributes
    ----------
    leaves
        Numbers of leaves, and how many domains of each.
    gpus
        Numbers of branches, and how many of their own GPUs.
    vector
        How many slots of each kind.
    """

    leaves: tuple[tuple[int, int], ...]
    gpus: tuple[tuple[int, int], ...]
    vector: tuple[int, ...]


@dataclass(frozen=True)
class Leaf:
    """Innermost domains that are equal and stand in the same domain: each is of one run, or of none.

    Attributes
    ----------
    branch
        The number of what they stand in.
    state
        Of each.
    cores, gpus
        That are free in each.
    places
        Where they stand in their node.
    """

    branch: int
    state: DomainState
    cores: int
    gpus: int
    places: tuple[int, ...]


@dataclass(frozen=True)
class Branch:
    """A domain with others inside it, or a node.

    Attributes
    ----------
    node
        The number of its node.
    parent
        The number of the branch that it stands in; -1 for a node.
    place
        Where it stands in its node.
    state, depth
        Of itself; a node is at depth 0.
    gpus
        That are free and that it lists itself: each run may take some of them.
    branches, leaves
        The numbers of its children.
    """

    node: int
    parent: int
    place: int
    state: DomainState
    depth: int
    gpus: int
    branches: tuple[int, ...]
    leaves: tuple[int, ...]


@dataclass(frozen=True)
class Forest:
    """Nodes.

    Attributes
    ----------
    levels
        Below the node, down to that of the leaves.
    branches, leaves
        What is further out before what stands in it.
    """

    levels: tuple[str, ...]
    branches: tuple[Branch, ...]
    leaves: tuple[Leaf, ...]

    @cached_property
    def _paths(self) -> list[tuple[int, ...]]:
        paths: list[tuple[int, ...]] = []
        for number, branch in enumerate(self.branches):
            paths.append((number, *paths[branch.parent]) if branch.parent >= 0 else (number,))
        return paths

    def path(self, branch: int) -> tuple[int, ...]:
        """Return a branch and those that it stands in, itself first."""
        return self._paths[branch]

    def at(self, branch: int, depth: int) -> int | None:
        """Return the branch of some depth that one stands in, or is; None where it stands further out."""
        path = self._paths[branch]
        return path[-1 - depth] if depth < len(path) else None

    def touched(self, run: Run) -> set[int]:
        """Return the branches that a run touches."""
        inner = [self.leaves[leaf].branch for leaf, _ in run.leaves] + [branch for branch, _ in run.gpus]
        return {outer for branch in inner for outer in self.path(branch)}


def forest_of(nodes: Sequence[DomainState], *, gpus: bool, depth: int = 0) -> Forest | None:
    """Return the forest of some nodes; None where not all cores that are free stand in domains of one depth.

    Parameters
    ----------
    gpus
        Whether GPUs are asked for.
    depth
        Where to cut: domains of this depth are leaves, with all that is free in them. Zero for not at all.
    """
    found = {_levels(node) for node in nodes if node.free_cores}
    if len(found) != 1:
        return None
    (levels,) = found
    if not levels or len({*levels, UNNAMED}) <= len(levels):
        return None
    if depth >= len(levels):
        return None
    levels = levels[:depth] if depth else levels
    grower = _Grower(levels, gpus=gpus, is_cut=depth > 0)
    for number, node in enumerate(nodes):
        if node.free_cores and grower.add(node, number, 0, -1, 0) is None:
            return None
    return Forest(levels, tuple(grower.branches), tuple(grower.leaves))


class _Grower:
    """What a forest is made of, so far."""

    def __init__(self, levels: Sequence[str], *, gpus: bool, is_cut: bool) -> None:
        self._levels = levels
        self._gpus = gpus
        self._is_cut = is_cut
        self.branches: list[Branch] = []
        self.leaves: list[Leaf] = []

    def add(self, domain: DomainState, node: int, place: int, parent: int, depth: int) -> int | None:
        """Add a branch with all that is in it, and return its number; None where it is no such forest."""
        number = len(self.branches)
        own = Branch(node, parent, place, domain, depth, domain.own_free_gpus if self._gpus else 0, (), ())
        self.branches.append(own)
        inner: list[int] = []
        leaves: dict[DomainState, list[int]] = {}
        at = place + 1
        for child in domain.children:
            if self._has_free(child):
                if child.level != self._levels[depth]:
                    return None
                if depth + 1 < len(self._levels):
                    found = self.add(child, node, at, number, depth + 1)
                    if found is None:
                        return None
                    inner.append(found)
                elif not self._is_cut and any(self._has_free(some) for some in child.children):
                    return None
                else:
                    leaves.setdefault(child, []).append(at)
            at += len(child.flat)
        first = len(self.leaves)
        for state, places in leaves.items():
            gpus = state.free_gpus if self._gpus else 0
            self.leaves.append(Leaf(number, state, state.free_cores, gpus, tuple(places)))
        numbers = tuple(range(first, len(self.leaves)))
        self.branches[number] = Branch(node, parent, place, domain, depth, own.gpus, tuple(inner), numbers)
        return number

    def _has_free(self, domain: DomainState) -> bool:
        return bool(domain.free_cores or (self._gpus and domain.free_gpus))


def _levels(domain: DomainState) -> tuple[str, ...] | None:
    """Return the levels below a domain down to those with cores; None where they are not all alike."""
    children = [child for child in domain.children if child.free_cores]
    if not children:
        return ()
    if domain.own_free_cores:
        return None
    found = {(child.level, _levels(child)) for child in children}
    if len(found) > 1:
        return None
    ((level, below),) = found
    return None if below is None else (level, *below)
