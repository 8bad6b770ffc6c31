"""What the components of a policy count, as sums over runs and over what is touched."""

from __future__ import annotations

from dataclasses import dataclass

from ...policy.terms import OF_GROUPS, Component, CoreShare, CoreTouch, Cross, PartialWhole, Touch
from .forest import Forest


@dataclass(frozen=True)
class Weights:
    """What one component counts.

    Attributes
    ----------
    name
        Of the component.
    level
        The number of the level whose crossings it counts; -1 for none.
    share
        The number of the level at which it counts cores beyond the share of their GPUs; -1 for none.
    leaves, shield, branches
        What each counts that is touched, and a leaf of which a slot without GPUs takes cores: none is below zero.
    """

    name: str
    level: int
    share: int
    leaves: tuple[int, ...]
    shield: tuple[int, ...]
    branches: tuple[int, ...]

    def reached(self, least: int, forest: Forest) -> int:
        """Return the first number from a bound on that some choice of what is touched comes to."""
        if self.level >= 0 or self.share >= 0 or any(self.shield) or least <= 0:
            return least
        sums = 1
        for weight, leaf in zip(self.leaves, forest.leaves, strict=True):
            for _ in leaf.places if weight else ():
                sums |= sums << weight
        for weight in self.branches:
            sums |= sums << weight
        above = sums >> least
        return least + (above & -above).bit_length() - 1 if above else least

    @property
    def is_nothing(self) -> bool:
        """Whether it counts nothing."""
        return max(self.level, self.share) < 0 and not (any(self.leaves) or any(self.shield) or any(self.branches))


def weights_of(component: Component, forest: Forest, *, shielded: bool, gpus: bool) -> Weights | None:
    """Return what a component counts; None where that is no such sum, or below zero somewhere.

    Parameters
    ----------
    shielded, gpus
        Whether some slots have no GPUs, and some have.
    """
    none = (0,) * len(forest.leaves)
    leaves, shield, branches, level, share = none, none, (0,) * len(forest.branches), -1, -1
    if isinstance(component, Cross):
        level = forest.levels.index(component.level) if component.level in forest.levels else -1
    elif isinstance(component, CoreShare):
        if gpus and component.level in forest.levels:
            share = forest.levels.index(component.level)
    elif isinstance(component, Touch):
        if component.level == forest.levels[-1]:
            leaves = tuple(component.weight(leaf.state) for leaf in forest.leaves)
        branches = tuple(
            component.weight(branch.state) if branch.state.level == component.level else 0 for branch in forest.branches
        )
    elif isinstance(component, CoreTouch):
        if shielded:
            shield = tuple(component.weight(leaf.state) if leaf.cores else 0 for leaf in forest.leaves)
    elif not isinstance(component, (PartialWhole, *OF_GROUPS)):  # which count nothing of slots in nodes
        return None
    if min((*leaves, *shield, *branches)) < 0:
        return None
    return Weights(component.name, level, share, leaves, shield, branches)
