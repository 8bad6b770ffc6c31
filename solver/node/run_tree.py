"""The domains of a node, or of a part of one, as slots of one resource are dealt along them.

Slots of cores alone (or of GPUs alone) can be dealt along any sequence of domains, each slot starting where the one
before it ended: a *run*. Seen as a graph of slots and innermost domains, any placement falls apart into connected
components; one with the domains `S` crosses each level at least as often as `S` has domains of it, less one. A run
along `S`, domains that stand together next to each other, crosses no more. So there is a best placement made of runs,
whatever the slots' sizes and the order of the policy's terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..state.domain_state import UNNAMED, DomainState, Fixed

NODE = "node"


@dataclass(frozen=True)
class Leaf:
    """Innermost domains that are equal and stand in the same domain.

    Attributes
    ----------
    state
        What is free in each.
    free
        Units of the resource.
    places
        Where they stand, in ``DomainState.flat`` of the root.
    """

    state: DomainState
    free: int
    places: tuple[int, ...]


@dataclass(frozen=True)
class Branch:
    """A domain with others inside it, or the root.

    Attributes
    ----------
    state, place, free
        What is free in it, where it stands, and the units of the resource in it.
    below
        The levels of what is inside it, the coarsest first: what a run crosses that goes from one of its children to
        another.
    branches, leaves
        Its children that have anything free: either the one or the other.
    """

    state: DomainState
    place: int
    free: int
    below: tuple[str, ...]
    branches: tuple[Branch, ...]
    leaves: tuple[Leaf, ...]

    @property
    def holds_nodes(self) -> bool:
        """Whether its children are nodes, from one to another of which no run goes."""
        return self.below[:1] == (NODE,)

    def walk(self) -> list[Branch]:
        """Return it and all branches in it, in pre-order."""
        return [self, *(inner for branch in self.branches for inner in branch.walk())]


def run_tree(domain: DomainState, resource: str) -> Branch | None:
    """Return the tree of a domain; None where what is free does not all stand in innermost domains of one depth.

    Parameters
    ----------
    resource
        "core" or "gpu".
    """
    if not domain.children or domain.all_free(resource) == 0:
        return None
    levels = _levels(domain, resource)
    if levels is None or len({*levels, UNNAMED}) <= len(levels):
        return None
    return _branch(domain, 0, levels, resource)


def run_forest(nodes: Sequence[DomainState], resource: str) -> Branch | None:
    """Return the trees of some nodes below one root, which is no domain; None where they are not all alike.

    Places are counted from the root on: those of a node follow those of the nodes before it.
    """
    if any(node.level != NODE for node in nodes):
        return None
    return run_tree(DomainState(Fixed("", 0, 0, True, ()), 0, 0, (), tuple(nodes)), resource)


def _levels(domain: DomainState, resource: str) -> tuple[str, ...] | None:
    """Return the levels below a domain down to what has some of the resource; None where it is not so alike."""
    children = [child for child in domain.children if child.all_free(resource)]
    if not children:
        return ()
    if domain.own_free(resource):
        return None
    found = {(child.level, _levels(child, resource)) for child in children}
    if len(found) > 1:
        return None
    ((level, below),) = found
    return None if below is None else (level, *below)


def _branch(domain: DomainState, place: int, levels: tuple[str, ...], resource: str) -> Branch:
    branches: list[Branch] = []
    leaves: dict[DomainState, list[int]] = {}
    at = place + 1
    for child in domain.children:
        if child.all_free(resource):
            if len(levels) > 1:
                branches.append(_branch(child, at, levels[1:], resource))
            else:
                leaves.setdefault(child, []).append(at)
        at += len(child.flat)
    alike = tuple(Leaf(state, state.all_free(resource), tuple(places)) for state, places in leaves.items())
    return Branch(domain, place, domain.all_free(resource), levels, tuple(branches), alike)
