"""What slots cost at least for the memory and other amounts that they take: they come from domains that are touched.

A slot that is whole in a domain has all of them there; what touches hold the slots have as much free as all take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..demand.demand import Bundle
from ..policy.terms import Component, Cross, Touch
from ..state.domain_state import DomainState

IDS = ("core", "gpu")
"""What is no amount."""


def takes_amounts(bundle: Bundle) -> bool:
    """Tell whether a bundle is of slots some of which take amounts."""
    return any(name not in IDS for some in bundle.slots for name, _ in some.needs)


def lacks_amounts(state: DomainState, bundle: Bundle) -> bool:
    """Tell whether slots take more of an amount than is free in a node that lists it, which they may take anywhere."""
    asked = _asked(bundle)
    listed = _listed(state)
    return any(amount > state.all_free(name) for name, amount in asked.items() if name in listed)


def amount_bounds(components: Sequence[Component], state: DomainState, bundle: Bundle) -> Iterator[int | None]:
    """Yield for each component what slots count at least; None where amounts say nothing."""
    listed = _listed(state)
    for component in components:
        if isinstance(component, Cross):
            yield _crossings(state.outermost(component.level), state, bundle, listed)
        elif isinstance(component, Touch) and component.level != state.level:
            yield _covered(component, state.outermost(component.level), state, bundle, listed)
        else:
            yield None


def _listed(state: DomainState) -> set[str]:
    return {name for domain in state.flat for name, _, _ in domain.amounts}


def _asked(bundle: Bundle) -> Counter[str]:
    asked: Counter[str] = Counter()
    for some in bundle.slots:
        for name, amount in some.needs:
            if name not in IDS:
                asked[name] += some.count * amount
    return asked


def _crossings(domains: Sequence[DomainState], state: DomainState, bundle: Bundle, listed: set[str]) -> int:
    """Return how often slots cross from one domain of a level into another, at least."""
    total = 0
    for some in bundle.slots:
        bound: list[tuple[int, list[int]]] = []
        for name, each in some.needs:
            free = [domain.all_free(name) for domain in domains]
            if (name in IDS or name in listed) and sum(free) == state.all_free(name):
                bound.append((each, free))
        if bound:
            across = max(fewest(free, each) for each, free in bound) - 1
            whole = sum(min(free[i] // each for each, free in bound) for i in range(len(domains)))
            total += max(some.count * across, some.count - whole)
    return total


def _covered(
    component: Touch, domains: Sequence[DomainState], state: DomainState, bundle: Bundle, listed: set[str]
) -> int:
    """Return what the domains that give an amount count at least: as many as have it, the cheapest ones."""
    least = 0
    for name, amount in _asked(bundle).items():
        if name in listed:
            free = [domain.all_free(name) for domain in domains]
            number = fewest(free, amount - state.all_free(name) + sum(free))
            weights = (max(0, component.weight(domain)) for domain in domains)
            there = sorted(weight for weight, whole in zip(weights, free, strict=True) if whole)
            least = max(least, sum(there[:number]))
    below = sum(min(0, component.weight(domain)) for domain in state.flat if domain.level == component.level)
    return least + below


def fewest(free: Sequence[int], amount: int) -> int:
    """Return the number of domains that have so much at least."""
    number = 0
    for most in sorted(free, reverse=True):
        if amount <= 0:
            break
        amount -= most
        number += 1
    return number
