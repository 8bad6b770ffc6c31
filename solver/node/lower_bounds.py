"""What a bundle costs on a state at least: relaxations that need no search.

A cost is a vector of terms, compared lexicographically and held as one integer. Each term is bounded by itself, as if
no other mattered, and the bounds are added: each is below the term's value in any placement, so their sum is below any
cost. Torn slots are bounded by counting how many can be whole at a level, touched domains by the linear relaxation of a
covering knapsack (G. B. Dantzig, Operations Research 5, 1957). It costs a sort of a node's domains for each term.

States are ranked by these bounds until they come to be the best, so that those that never do are never searched.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..demand.demand import Bundle, FlatSlots, Kind
from ..policy.scale import Scale
from ..policy.terms import CoreTouch, Cross, Touch
from ..state.domain_state import DomainState


def lower_bound(scale: Scale, state: DomainState, bundle: Bundle) -> int:
    """Return a joint integer that no placement of the bundle on the state is below."""
    flat = bundle.flat
    wants = (*bundle.wants, *bundle.beside)
    surely = bundle.whole or any(want.total(kind) for want in wants for kind in (Kind.CORE, Kind.GPU))
    total = 0
    for component, unit in scale.weighed():
        if isinstance(component, Cross):
            total += unit * (_crossings(outermost(state, component.level), state, flat) if flat else 0)
        elif isinstance(component, Touch) and component.level == state.level:
            weight = component.weight(state)
            total += unit * (weight if flat or surely else min(0, weight))
        elif isinstance(component, Touch):
            domains = [domain for domain in state.flat if domain.level == component.level]
            total += unit * sum(min(0, component.weight(domain)) for domain in domains)
            if flat:
                outer = outermost(state, component.level)
                total += unit * _cover(outer, [max(0, component.weight(domain)) for domain in outer], state, flat)
        elif isinstance(component, CoreTouch):
            total += unit * sum(min(0, component.weight(domain)) for domain in state.flat)
    return total


def lacks(state: DomainState, bundle: Bundle) -> bool:
    """Tell whether a bundle takes more cores or GPUs than are free, wherever they are."""
    for kind, free in ((Kind.CORE, state.free_cores), (Kind.GPU, state.free_gpus)):
        asked = sum(
            want.count * (1 if want.kind is kind else want.total(kind)) for want in (*bundle.wants, *bundle.beside)
        )
        if asked > free:
            return True
    return False


def outermost(state: DomainState, level: str) -> list[DomainState]:
    """Return the domains of a level below a node, without those that stand in another of them."""
    found: list[DomainState] = []
    pending = list(state.children)
    while pending:
        domain = pending.pop()
        if domain.level == level:
            found.append(domain)
        else:
            pending.extend(domain.children)
    return found


def _needs(flat: FlatSlots, state: DomainState, domains: Sequence[DomainState]) -> list[tuple[int, list[int], int]]:
    """Return for cores and GPUs what one slot takes, what is free in each domain, and what is free in none."""
    cores, gpus = [domain.free_cores for domain in domains], [domain.free_gpus for domain in domains]
    needs = ((flat.cores, cores, state.free_cores - sum(cores)), (flat.gpus, gpus, state.free_gpus - sum(gpus)))
    return [need for need in needs if need[0]]


def _crossings(domains: Sequence[DomainState], state: DomainState, flat: FlatSlots) -> int:
    """Return how often slots cross from one domain of a level into another, at least."""
    bound = [(each, free) for each, free, outside in _needs(flat, state, domains) if not outside]
    if not bound:
        return 0
    across = max(_fewest(free, each) for each, free in bound) - 1
    whole = sum(min(free[i] // each for each, free in bound) for i in range(len(domains)))
    return max(flat.count * across, flat.count - whole)


def _fewest(free: Sequence[int], amount: int) -> int:
    """Return the number of domains that one slot needs at least."""
    number = 0
    for most in sorted(free, reverse=True):
        if amount <= 0:
            break
        amount -= most
        number += 1
    return number


def _cover(domains: Sequence[DomainState], weights: Sequence[int], state: DomainState, flat: FlatSlots) -> int:
    """Return what the domains that hold the slots weigh at least: parts of domains count in part."""
    least = 0
    for each, free, outside in _needs(flat, state, domains):
        amount = each * flat.count - outside
        total = 0
        for part, whole in sorted(
            ((part, whole) for part, whole in zip(weights, free, strict=True) if whole), key=_of_one
        ):
            if amount <= whole:
                total += -(-part * max(0, amount) // whole)
                break
            total += part
            amount -= whole
        least = max(least, total)
    return least


def _of_one(part: tuple[int, int]) -> int:
    """Return what one core or GPU weighs, in units so small that no two of them are confused."""
    weight, free = part
    return (weight << 64) // free


def touch_lower_bound(scale: Scale, state: DomainState) -> int:
    """Return a joint integer that nothing that touches a node in this state is below."""
    total = scale.touch(state)
    for component, unit in scale.weighed():
        if isinstance(component, Touch) and component.level != state.level:
            total += unit * sum(min(0, component.weight(d)) for d in state.flat if d.level == component.level)
        elif isinstance(component, CoreTouch):
            total += unit * sum(min(0, component.weight(domain)) for domain in state.flat)
    return total
