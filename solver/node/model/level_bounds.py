"""What slots of cores and GPUs cost at least, level by level: each as if nothing stood between it and the node.

Runs along the domains of one level alone cross it, and touch its domains, no more than any placement does: that leaves
out all that the other levels ask for. Its components are taken in the policy's order, each with those before it at
their values. So of any placement the first component that differs from these values is above them: together they are
a lower bound of the joint integer. They are small models, and mostly what can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...cpsat.budget import Budget
from ...demand.demand import Bundle
from ...policy.scale import Scale
from ...policy.terms import Component, CoreTouch, Cross, Touch
from ...state.domain_state import DomainState
from ..lower_bounds import lower_bounds
from ..run_tree import Branch, Leaf, run_tree
from ..shares_given import Equal, share_bounds
from .runs import Asked, best_runs

SHARE = 0.4
"""The part of what is left that all levels may take, and each of them of that: the search has the rest."""


def level_bounds(
    state: DomainState,
    bundle: Bundle,
    scale: Scale,
    known: Sequence[int],
    budget: Budget,
    *,
    shielded: bool | None = None,
) -> list[int]:
    """Return for each component a value, such that no placement goes below them, compared lexicographically.

    Of slots of cores and GPUs, the cores are looked at as if there were no GPUs, and the other way round: they touch
    more than that then. So where it is good to touch some domain of a level, only what they cross there is a bound.

    Parameters
    ----------
    known
        The values of a placement: levels for which they are proven by simpler bounds are not looked at.
    shielded
        When given, whether slots count as slots without GPUs.
    """
    bounds = lower_bounds(scale, state, bundle)
    levels = budget.part(SHARE)
    for resource in ("core", "gpu"):
        tree = run_tree(state, resource)
        asked = asked_of(bundle, resource, shielded=shielded)
        for level in tree.below if tree is not None and asked is not None else ():
            assert tree is not None
            assert asked is not None
            if asked.is_all and len(tree.below) == 1:
                continue  # it is the whole search then
            _raise(bounds, known, tree, level, asked, scale, levels.part(SHARE))
    flat = bundle.flat
    if flat is not None:
        for place, bound in share_bounds(scale, state, Equal(flat.count, flat.cores, flat.gpus), bounds):
            bounds[place] = max(bounds[place], bound)
    return bounds


def asked_of(bundle: Bundle, resource: str, *, shielded: bool | None = None) -> Asked | None:
    """Return what slots ask for of a resource, as if of no other; None where that is nothing."""
    slots = [(dict(some.needs).get(resource, 0), some.count) for some in bundle.slots]
    if shielded is None:
        shielded = all(not some.gpus for some in bundle.slots)
    sizes = tuple(size for size, _ in slots if size)
    counts = tuple(count for size, count in slots if size)
    is_all = all(name == resource for some in bundle.slots for name, _ in some.needs)
    return Asked(sizes, counts, shielded and resource == "core", is_all) if sizes else None


def _raise(
    bounds: list[int], known: Sequence[int], tree: Branch, level: str, asked: Asked, scale: Scale, budget: Budget
) -> None:
    """Raise the bounds of a level's components to what they are for runs along its domains alone."""
    places = [
        i
        for i, component in enumerate(scale.components)
        if _is_of(component, level, tree.below[-1]) and (asked.shielded or not isinstance(component, CoreTouch))
    ]
    if not asked.is_all and any(weight < 0 for i in places for weight in _weights(scale.components[i], tree)):
        places = [i for i in places if isinstance(scale.components[i], Cross)]
    if all(known[i] == bounds[i] for i in places):
        return
    runs = best_runs(_flat(tree, level), asked, Scale(scale.components[i] for i in places), budget)
    if runs is not None and runs.final and list(runs.values) > [bounds[i] for i in places]:
        for i, value in zip(places, runs.values, strict=True):
            bounds[i] = value


def _weights(component: Component, tree: Branch) -> Iterator[int]:
    if isinstance(component, Touch | CoreTouch):
        for domain in tree.state.flat:
            if isinstance(component, CoreTouch) or domain.level == component.level:
                yield component.weight(domain)


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
