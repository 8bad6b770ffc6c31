"""What is optimal: the terms of SPEC 4 as small objects, and policies as orders of terms.

Every term is a sum, over the things that a placement touches, of a weight that depends only on what the thing was
before. So the best placement of a whole machine is put together from the best placements of single nodes, and the
value of a term is a plain sum that a checker can redo. A term of a reader's own is a subclass of one of the three
kinds below, or an instance with another weight.

The terms of one policy are compared lexicographically. Their values travel as one integer, a fixed number of bits
for each (`Policy.scale`), so that adding placements and comparing them is adding and comparing integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from .domain_state import REMEMBERED, DomainState

BITS = 48
"""Bits of one term in the joint integer: no sum over a machine of 2**24 nodes reaches them."""


@dataclass(frozen=True)
class Touch:
    """A weight for each domain of a level that holds something of the job, once a domain.

    Attributes
    ----------
    name
        As the certificate gives it.
    level
        "node" or a level below it.
    weight
        What a touched domain costs, given its state before the placement; may be negative.
    """

    name: str
    level: str
    weight: Callable[[DomainState], int]


@dataclass(frozen=True)
class CoreTouch:
    """A weight for each innermost domain that gives a core to a slot without GPUs, once a domain."""

    name: str
    weight: Callable[[DomainState], int]


@dataclass(frozen=True)
class Cross:
    """For each slot the number of domains of a level that it touches, less one, and never below zero."""

    name: str
    level: str


@dataclass(frozen=True)
class GroupTouch:
    """The number of groups of a level, above the nodes, that the job touches."""

    name: str
    level: str


Component = Touch | CoreTouch | Cross | GroupTouch
Term = Callable[[Sequence[str], Sequence[str]], "list[Component]"]
"""Makes a term's components from a machine's levels: groups, and levels below the node, both coarsest first."""


def affinity(_groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Count how far slots are torn apart, level by level from the coarsest."""
    return [Cross(f"affinity.{level}", level) for level in levels]


def _one(_domain: DomainState) -> int:
    return 1


def _none(_domain: DomainState) -> int:
    return 0


def spread(groups: Sequence[str], _levels: Sequence[str]) -> list[Component]:
    """Count groups touched, coarsest level first, then nodes touched."""
    return [*(GroupTouch(f"spread.{level}", level) for level in groups), Touch("spread.node", "node", _one)]


def _broken(domain: DomainState) -> int:
    return 1 if domain.intact else 0


def intact(_groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Count domains that were wholly free and are touched: nodes, then level by level from the coarsest."""
    return [Touch(f"intact.{level}", level, _broken) for level in ("node", *levels)]


def _free_gpus(domain: DomainState) -> int:
    return domain.free_gpus


def shield(_groups: Sequence[str], _levels: Sequence[str]) -> list[Component]:
    """Count free GPUs that stand in the innermost domains that slots without GPUs take cores of."""
    return [CoreTouch("shield", _free_gpus)]


def _free_cores(domain: DomainState) -> int:
    return domain.free_cores


def fit(_groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Count free cores, before the placement, in the domains touched: nodes, then level by level."""
    return [Touch(f"fit.{level}", level, _free_cores) for level in ("node", *levels)]


def _taken_cores(domain: DomainState) -> int:
    return -domain.free_cores


def worst_fit(_groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Turn fit round: the domains with the most free cores first."""
    return [Touch(f"worst-fit.{level}", level, _taken_cores) for level in ("node", *levels)]


TERMS: dict[str, Term] = {
    "affinity": affinity,
    "spread": spread,
    "intact": intact,
    "shield": shield,
    "fit": fit,
    "worst-fit": worst_fit,
}
"""Terms by the name that a site writes. ``size`` comes first in every policy and ``ids`` last: they are not listed."""


@dataclass(frozen=True)
class Policy:
    """An ordered list of terms, between ``size`` and ``ids``.

    Attributes
    ----------
    name
        What the site calls it.
    terms
        The makers of its components, first compared first.
    """

    name: str
    terms: tuple[Term, ...] = field(default=())

    def components(self, groups: Sequence[str], levels: Sequence[str]) -> tuple[Component, ...]:
        """Return the policy's components on a machine with these levels, first compared first."""
        return tuple(component for term in self.terms for component in term(groups, levels))


PACK = Policy("pack", (affinity, spread, intact, shield, fit))
SPREAD = Policy("spread", (affinity, worst_fit))
LOWEST = Policy("lowest", ())
POLICIES = {policy.name: policy for policy in (PACK, SPREAD, LOWEST)}


def parse_policy(text: str) -> Policy:
    """Return the policy of a name, or of a site's own order of terms.

    Parameters
    ----------
    text
        ``pack``, ``spread``, ``lowest``, or names of `TERMS` with commas between them, such as
        ``size,affinity,fit,ids``; ``size`` and ``ids`` may be left out.

    Raises
    ------
    ValueError
        For a name that is neither, a term given twice, ``size`` not first or ``ids`` not last.
    """
    if text in POLICIES:
        return POLICIES[text]
    names = [name.strip() for name in text.split(",")]
    if names[:1] == ["size"]:
        names = names[1:]
    if names[-1:] == ["ids"]:
        names = names[:-1]
    for name in names:
        if name in ("size", "ids"):
            raise ValueError(f"policy {text!r}: {name} stands {'first' if name == 'size' else 'last'} or is left out")
        if name not in TERMS:
            known = ", ".join([*POLICIES, *TERMS])
            raise ValueError(f"policy {text!r}: no policy or term is called {name!r}; there are {known}")
        if names.count(name) > 1:
            raise ValueError(f"policy {text!r}: the term {name} is given twice")
    return Policy(text, tuple(TERMS[name] for name in names))


class Scale:
    """A policy on one machine: the joint integer of its components, and the way back.

    Parameters
    ----------
    components
        First compared first.

    Attributes
    ----------
    units
        What one of each component counts in the joint integer.
    cross
        The unit of each level's affinity.
    names
        Of the components.
    group_names, group_units
        Of those that count groups: their names, and their units by level.
    """

    def __init__(self, components: Iterable[Component]) -> None:
        self.components = tuple(components)
        count = len(self.components)
        self.units = tuple(1 << (BITS * (count - 1 - i)) for i in range(count))
        self._touch: dict[DomainState, int] = {}
        self._core_touch: dict[DomainState, int] = {}
        self._values: dict[int, Mapping[str, int]] = {}
        self.cross = {c.level: u for c, u in self.weighed() if isinstance(c, Cross)}
        self.names = tuple(component.name for component in self.components)
        self.group_names = tuple(c.name for c in self.components if isinstance(c, GroupTouch))
        self.group_units = {c.level: unit for c, unit in self.weighed() if isinstance(c, GroupTouch)}

    def weighed(self) -> Iterator[tuple[Component, int]]:
        """Yield each component with its unit."""
        return zip(self.components, self.units, strict=True)

    def tears_last(self, levels: Sequence[str]) -> bool:
        """Tell whether affinity, from the coarsest level to the finest, goes before all that nodes differ in.

        Then no slot is torn where all can be whole, which `packing` relies on.
        """
        crosses = [component.level for component in self.components if isinstance(component, Cross)]
        if crosses != list(levels):
            return False
        before = 0
        for component in self.components:
            if isinstance(component, Cross):
                before += 1
            elif before < len(crosses) and not _same_on_all_nodes(component):
                return False
        return True

    @cached_property
    def before_groups(self) -> Callable[[int], int] | None:
        """What of a joint integer is compared before the groups; None unless all groups are compared together."""
        places = [i for i, component in enumerate(self.components) if isinstance(component, GroupTouch)]
        if not places or places[-1] - places[0] != len(places) - 1:
            return None
        shift = BITS * (len(self.components) - places[0])
        return lambda joint: (joint + (1 << shift >> 1)) >> shift

    @cached_property
    def lead(self) -> Callable[[int], int] | None:
        """What of a joint integer is compared up to the number of nodes, as an integer whose unit is one node.

        None unless only affinity and groups are compared before the number of nodes.
        """
        for i, component in enumerate(self.components):
            if isinstance(component, Touch) and component.weight is _one:
                shift = BITS * (len(self.components) - 1 - i)
                return lambda joint: (joint + (1 << shift >> 1)) >> shift
            if not isinstance(component, Cross | GroupTouch):
                return None
        return None

    def of_slots(self) -> Scale:
        """Return the policy for slots in a node that the job has whole: what is touched is no matter of choice."""
        return Scale(replace(c, weight=_none) if isinstance(c, Touch) else c for c in self.components)

    def touch(self, domain: DomainState) -> int:
        """Return what it costs that the job touches the domain, as a joint integer."""
        cost = self._touch.get(domain)
        if cost is None:
            parts = ((c, u) for c, u in self.weighed() if isinstance(c, Touch) and c.level == domain.level)
            cost = self._remember(self._touch, domain, sum(unit * c.weight(domain) for c, unit in parts))
        return cost

    def core_touch(self, domain: DomainState) -> int:
        """Return what it costs that a slot without GPUs takes a core that the domain lists itself."""
        cost = self._core_touch.get(domain)
        if cost is None:
            parts = ((c, u) for c, u in self.weighed() if isinstance(c, CoreTouch))
            cost = self._remember(self._core_touch, domain, sum(unit * c.weight(domain) for c, unit in parts))
        return cost

    @staticmethod
    def _remember(memory: dict[DomainState, int], domain: DomainState, cost: int) -> int:
        if len(memory) >= REMEMBERED:
            memory.clear()
        memory[domain] = cost
        return cost

    def values(self, joint: int) -> Mapping[str, int]:
        """Return the value of each component, by name, that a joint integer stands for."""
        known = self._values.get(joint)
        if known is None:
            if len(self._values) >= REMEMBERED:
                self._values.clear()
            known = self._values[joint] = self._split(joint)
        return known

    def _split(self, joint: int) -> dict[str, int]:
        values: list[int] = []
        half = 1 << (BITS - 1)
        for _ in self.components:
            digit = ((joint + half) & ((1 << BITS) - 1)) - half
            values.append(digit)
            joint = (joint - digit) >> BITS
        return dict(zip(self.names, reversed(values), strict=True))

    def joint(self, values: Sequence[int]) -> int:
        """Return the joint integer of these component values."""
        return sum(value * unit for value, unit in zip(values, self.units, strict=True))


def _same_on_all_nodes(component: Component) -> bool:
    """Tell whether a component counts the same on every node that is touched."""
    if isinstance(component, Touch):
        return component.weight is _none or (component.level == "node" and component.weight is _one)
    return isinstance(component, GroupTouch)
