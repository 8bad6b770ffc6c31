"""What a bundle costs on a state at least: relaxations that need no search.

A cost is a vector of terms, compared lexicographically and held as one integer. Each term is bounded by itself, as if
no other mattered, and the bounds are added: each is below the term's value in any placement, so their sum is below any
cost. Torn slots are bounded by counting how many can be whole at a level, touched domains by the linear relaxation of a
covering knapsack (G. B. Dantzig, Operations Research 5, 1957). It costs a sort of a node's domains for each term.

States are ranked by these bounds until they come to be the best, so that those that never do are never searched.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..demand.demand import Bundle, Kind
from ..policy.scale import Scale
from ..policy.terms import CoreShare, CoreTouch, Cross, PartialWhole, Room, Touch
from ..state.domain_state import DomainState
from .lost_room import least_of
from .shares import least_share


def lower_bound(scale: Scale, state: DomainState, bundle: Bundle) -> int:
    """Return a joint integer that no placement of the bundle on the state is below."""
    return scale.joint(lower_bounds(scale, state, bundle))


def lower_bounds(scale: Scale, state: DomainState, bundle: Bundle) -> list[int]:
    """Return for each component of the policy what no placement of the bundle on the state is below."""
    slots = _cores_and_gpus(bundle)
    wants = (*bundle.wants, *bundle.beside)
    surely = bundle.whole or any(want.total(kind) for want in wants for kind in (Kind.CORE, Kind.GPU))
    bounds: list[int] = []
    for place, component in enumerate(scale.components):
        bound = 0
        if isinstance(component, Cross):
            bound = _crossings(outermost(state, component.level), state, slots)
        elif isinstance(component, CoreShare):
            bound = share_bound(state, component.level, slots)
        elif isinstance(component, PartialWhole):
            bound = int(bundle.whole and not state.whole)
        elif isinstance(component, Touch) and component.level == state.level:
            weight = component.weight(state)
            bound = weight if slots or surely else min(0, weight)
        elif isinstance(component, Touch):
            bound = _covered(scale, place, component, state, slots)
        elif isinstance(component, Room):
            cores, gpus = (sum(count * some[i] for count, *some in slots) for i in (0, 1))
            bound = least_of(component.room, state, cores, gpus) if (cores or gpus) else 0
        elif isinstance(component, CoreTouch):
            bound = sum(min(0, component.weight(domain)) for domain in state.flat)
        bounds.append(bound)
    return bounds


def share_bound(state: DomainState, level: str, slots: Sequence[tuple[int, int, int]]) -> int:
    """Return what slots, given as (how many, cores, GPUs), count at the least for standing apart at a level."""
    if not any(cores and gpus for _, cores, gpus in slots):
        return 0
    domains = outermost(state, level)
    bins = [(domain.free_cores, domain.free_gpus) for domain in domains]
    bins.append((state.free_cores - sum(c for c, _ in bins), state.free_gpus - sum(g for _, g in bins)))
    return sum(least_share(bins, cores, gpus, count) for count, cores, gpus in slots)


def _cores_and_gpus(bundle: Bundle) -> list[tuple[int, int, int]]:
    """Return the slots that a bundle is no more than: how many, and the cores and GPUs of each."""
    needs = [(some.count, dict(some.needs)) for some in bundle.slots]
    slots = [(count, need.get("core", 0), need.get("gpu", 0)) for count, need in needs]
    return [some for some in slots if some[1] or some[2]]


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


def _needs(
    asked: tuple[int, int], state: DomainState, domains: Sequence[DomainState]
) -> list[tuple[int, list[int], int]]:
    """Return for cores and GPUs how many are asked for, what is free in each domain, and what is free in none."""
    cores, gpus = [domain.free_cores for domain in domains], [domain.free_gpus for domain in domains]
    needs = ((asked[0], cores, state.free_cores - sum(cores)), (asked[1], gpus, state.free_gpus - sum(gpus)))
    return [need for need in needs if need[0]]


def _crossings(domains: Sequence[DomainState], state: DomainState, slots: Sequence[tuple[int, int, int]]) -> int:
    """Return how often slots cross from one domain of a level into another, at least."""
    total = 0
    for count, *asked in slots:
        needs = _needs((asked[0], asked[1]), state, domains)
        bound = [(each, free) for each, free, outside in needs if not outside]
        if bound:
            across = max(_fewest(free, each) for each, free in bound) - 1
            whole = sum(min(free[i] // each for each, free in bound) for i in range(len(domains)))
            total += max(count * across, count - whole)
    return total


def _fewest(free: Sequence[int], amount: int) -> int:
    """Return the number of domains that one slot needs at least."""
    number = 0
    for most in sorted(free, reverse=True):
        if amount <= 0:
            break
        amount -= most
        number += 1
    return number


_Parts = tuple[int, list[tuple[int, int]]]
"""What is free in no domain of a level, and of each domain with any what touching it counts and what is free, those
first that count least for one."""


def _covered(
    scale: Scale, place: int, component: Touch, state: DomainState, slots: Sequence[tuple[int, int, int]]
) -> int:
    """Return what the domains that hold the slots count at least: parts of domains count in part."""
    known: tuple[int, _Parts, _Parts] | None = scale.covers.get((place, state))
    if known is None:
        outer = outermost(state, component.level)
        weights = [max(0, component.weight(domain)) for domain in outer]
        known = scale.covers[place, state] = (
            sum(min(0, component.weight(domain)) for domain in state.flat if domain.level == component.level),
            _parts(weights, [domain.free_cores for domain in outer], state.free_cores),
            _parts(weights, [domain.free_gpus for domain in outer], state.free_gpus),
        )
    below, of_cores, of_gpus = known
    cores = sum([count * each for count, each, _ in slots])
    gpus = sum([count * each for count, _, each in slots])
    return below + max(_cover(of_cores, cores), _cover(of_gpus, gpus))


def _parts(weights: Sequence[int], free: Sequence[int], in_all: int) -> _Parts:
    parts = sorted(((part, whole) for part, whole in zip(weights, free, strict=True) if whole), key=_of_one)
    return in_all - sum(free), parts


def _cover(parts: _Parts, amount: int) -> int:
    """Return what the domains count at least that hold so many cores, or GPUs."""
    total = 0
    amount -= parts[0]
    for part, whole in parts[1]:
        if amount <= 0:
            break
        if amount <= whole:
            return total - (-part * amount // whole)
        total += part
        amount -= whole
    return total


def _of_one(part: tuple[int, int]) -> int:
    """Return what one core or GPU weighs, in units so small that no two of them are confused."""
    weight, free = part
    return (weight << 64) // free
