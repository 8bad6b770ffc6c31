"""What slots of one resource cost at the least, level by level: each level as if nothing stood between it and the node.

Runs along the domains of one level alone cross it, and touch its domains, no more than any placement does: that leaves
out all that the other levels ask for. Its components are taken in the policy's order, each with those before it at
their values. So of any placement the first component that differs from these values is above them: together they are
a lower bound of the joint integer. They are small models, and mostly what can be reached.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...cpsat.budget import Budget
from ...policy.scale import Scale
from ...policy.terms import Component, CoreTouch, Cross, Touch
from ...state.domain_state import DomainState
from ..run_tree import Branch, Leaf
from .runs import Asked, best_runs


def level_bounds(
    tree: Branch, asked: Asked, scale: Scale, known: Sequence[int], least: Sequence[int], budget: Budget
) -> list[int]:
    """Return for each component a value, such that no placement goes below them, compared lexicographically.

    Parameters
    ----------
    known
        The values of a placement: levels for which they are the least by `least` are not looked at.
    least
        What each component is at the least by simpler bounds, whatever the others are.
    """
    bounds = list(least)
    for level in tree.below:
        places = [i for i, component in enumerate(scale.components) if _is_of(component, level, tree.below[-1])]
        if all(known[i] == least[i] for i in places):
            continue
        runs = best_runs(_flat(tree, level), asked, Scale(scale.components[i] for i in places), budget)
        if runs is not None and runs.final:
            for i, value in zip(places, runs.values, strict=True):
                bounds[i] = value
    return bounds


def _is_of(component: Component, level: str, finest: str) -> bool:
    if isinstance(component, CoreTouch):
        return level == finest
    return isinstance(component, Cross | Touch) and component.level == level


def _flat(tree: Branch, level: str) -> Branch:
    """Return the domains of a level as leaves of the root."""
    kinds: dict[tuple[DomainState, int], list[int]] = {}
    for branch in tree.walk()[1:]:
        if branch.state.level == level:
            kinds.setdefault((branch.state, branch.free), []).append(branch.place)
    for branch in tree.walk():
        for leaf in branch.leaves:
            if leaf.state.level == level:
                kinds.setdefault((leaf.state, leaf.free), []).extend(leaf.places)
    leaves = tuple(Leaf(state, free, tuple(places)) for (state, free), places in kinds.items())
    return Branch(tree.state, tree.place, tree.free, (level,), (), leaves)
