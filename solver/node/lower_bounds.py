"""What a bundle costs on a state at least: relaxations that need no search.

A cost is a vector of terms, compared lexicographically and held as one integer. Each term is bounded by itself, as if
no other mattered, and the bounds are added: each is below the term's value in any placement, so their sum is below any
cost. Torn slots are bounded by counting how many can be whole at a level, touched domains by the linear relaxation of a
covering knapsack (G. B. Dantzig, Operations Research 5, 1957). It costs a sort of a node's domains for each term.

States are ranked by these bounds until they come to be the best, so that those that never do are never searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ..demand.demand import Bundle, Kind
from ..policy.scale import Scale
from ..policy.terms import CoreShare, CoreTouch, Cross, Links, PartialWhole, Room, Touch
from ..state.domain_state import DomainState
from ..state.joined import least_of as least_joined
from .amount_bounds import amount_bounds, fewest, lacks_amounts, takes_amounts
from .lost_room import least_of
from .shares import Bins, least_share

Slots: TypeAlias = tuple[int, int, int]
"""Equal slots: how many, and the cores and GPUs of each."""


def lower_bound(scale: Scale, state: DomainState, bundle: Bundle) -> int:
    """Return a joint integer that no placement of the bundle on the state is below."""
    return scale.joint(lower_bounds(scale, state, bundle))


def bound_of_slots(scale: Scale, state: DomainState, count: int, cores: int, gpus: int) -> int:
    """Return a joint integer that no placement of so many equal slots on a domain is below."""
    return scale.joint(_bounds(scale, state, [(count, cores, gpus)], surely=True, partial=0))


def lower_bounds(scale: Scale, state: DomainState, bundle: Bundle) -> list[int]:
    """Return for each component of the policy what no placement of the bundle on the state is below."""
    slots = _cores_and_gpus(bundle)
    wants = (*bundle.wants, *bundle.beside)
    surely = bool(slots) or bundle.whole or any(w.total(kind) for w in wants for kind in (Kind.CORE, Kind.GPU))
    bounds = _bounds(scale, state, slots, surely=surely, partial=int(bundle.whole and not state.whole))
    if takes_amounts(bundle):
        more = amount_bounds(scale.components, state, bundle)
        bounds = [bound if other is None else max(bound, other) for bound, other in zip(bounds, more, strict=True)]
    return bounds


def _bounds(scale: Scale, state: DomainState, slots: Sequence[Slots], *, surely: bool, partial: int) -> list[int]:
    """Return for each component what slots count at least, and what surely takes something, and is whole or not."""
    cores, gpus = (sum([some[0] * some[i] for some in slots]) for i in (1, 2))
    bounds: list[int] = []
    for component, known in zip(scale.components, _known_of(scale, state), strict=True):
        bound = 0
        if isinstance(component, Touch):
            if component.level != state.level:
                bound = _covered(known, cores, gpus)
            else:
                bound = known if surely else min(0, known)
        elif isinstance(component, Cross):
            bound = _crossings(known, slots)
        elif isinstance(component, CoreShare):
            bound = _apart(known, slots) if cores and gpus else 0
        elif isinstance(component, CoreTouch):
            bound = known
        elif isinstance(component, PartialWhole):
            bound = partial
        elif isinstance(component, Links):
            bound = sum(count * least_joined(state, some) for count, _, some in slots) if state.marks else 0
        elif isinstance(component, Room):
            bound = least_of(component.room, state, cores, gpus) if (cores or gpus) else 0
        bounds.append(bound)
    return bounds


def _known_of(scale: Scale, state: DomainState) -> tuple[Any, ...]:
    """Return for each component what of a state its bound is made of: integers alone, which are no garbage to collect.

    For what is torn, and stands apart, the room in the domains of the level; for what is touched, its parts; of the
    state itself its weight; of cores the least that they count.
    """
    known = scale.known_for_bounds.get(state)
    if known is None:
        found: list[Any] = []
        rooms: dict[str, _Room] = {}
        for component in scale.components:
            if isinstance(component, Cross | CoreShare):
                if component.level not in rooms:
                    rooms[component.level] = _room(state, component.level)
                found.append(rooms[component.level])
            elif isinstance(component, Touch):
                found.append(component.weight(state) if component.level == state.level else _cover(component, state))
            elif isinstance(component, CoreTouch):
                found.append(sum([min(0, component.weight(domain)) for domain in state.flat]))
            else:
                found.append(0)
        known = scale.known_for_bounds[state] = tuple(found)
    return known


def share_bound(state: DomainState, level: str, slots: Sequence[Slots]) -> int:
    """Return what slots count at the least for standing apart at a level."""
    return _apart(_room(state, level), slots)


def _apart(room: _Room, slots: Sequence[Slots]) -> int:
    return sum([least_share(room[4], cores, gpus, count) for count, cores, gpus in slots])


def _cores_and_gpus(bundle: Bundle) -> list[Slots]:
    """Return the slots that a bundle is no more than."""
    flat = bundle.flat
    if flat is not None:
        return [(flat.count, flat.cores, flat.gpus)] if flat.cores or flat.gpus else []
    needs = [(some.count, dict(some.needs)) for some in bundle.slots]
    slots = [(count, need.get("core", 0), need.get("gpu", 0)) for count, need in needs]
    return [some for some in slots if some[1] or some[2]]


def lacks(state: DomainState, bundle: Bundle) -> bool:
    """Tell whether a bundle takes more cores or GPUs than are free, wherever they are; slots also of amounts."""
    for kind, free in ((Kind.CORE, state.free_cores), (Kind.GPU, state.free_gpus)):
        asked = sum(
            want.count * (1 if want.kind is kind else want.total(kind)) for want in (*bundle.wants, *bundle.beside)
        )
        if asked > free:
            return True
    return takes_amounts(bundle) and lacks_amounts(state, bundle)


_Room: TypeAlias = tuple[tuple[int, ...], int, tuple[int, ...], int, Bins]
"""The cores that are free in each domain of a level, and in none of them; the GPUs; and both, as bins in order."""


def _room(state: DomainState, level: str) -> _Room:
    domains = state.outermost(level)
    cores, gpus = tuple([domain.free_cores for domain in domains]), tuple([domain.free_gpus for domain in domains])
    outside = (state.free_cores - sum(cores), state.free_gpus - sum(gpus))
    return cores, outside[0], gpus, outside[1], tuple(sorted([*zip(cores, gpus, strict=True), outside]))


def _crossings(room: _Room, slots: Sequence[Slots]) -> int:
    """Return how often slots cross from one domain of a level into another, at least."""
    all_cores, cores_outside, all_gpus, gpus_outside, _ = room
    total = 0
    for count, cores, gpus in slots:
        if cores and not cores_outside:
            across = fewest(all_cores, cores)
            if gpus and not gpus_outside:
                across = max(across, fewest(all_gpus, gpus))
                whole = sum([min(c // cores, g // gpus) for c, g in zip(all_cores, all_gpus, strict=True)])
            else:
                whole = sum([c // cores for c in all_cores])
        elif gpus and not gpus_outside:
            across = fewest(all_gpus, gpus)
            whole = sum([g // gpus for g in all_gpus])
        else:
            continue
        total += max(count * (across - 1), count - whole)
    return total


_Parts: TypeAlias = tuple[int, tuple[tuple[int, int], ...]]
"""What is free in no domain of a level, and of each domain with any what touching it counts and what is free, those
first that count least for one."""


def _cover(component: Touch, state: DomainState) -> tuple[int, _Parts, _Parts]:
    """Return what is below zero of all domains of a level, and what holds the cores, and the GPUs, that are free."""
    outer = state.outermost(component.level)
    weights = [max(0, component.weight(domain)) for domain in outer]
    return (
        sum([min(0, component.weight(domain)) for domain in state.flat if domain.level == component.level]),
        _parts(weights, [domain.free_cores for domain in outer], state.free_cores),
        _parts(weights, [domain.free_gpus for domain in outer], state.free_gpus),
    )


def _covered(cover: tuple[int, _Parts, _Parts], cores: int, gpus: int) -> int:
    """Return what the domains that hold so much count at least: parts of domains count in part."""
    below, of_cores, of_gpus = cover
    held = _holding(of_cores, cores)
    return below + (max(held, _holding(of_gpus, gpus)) if gpus else held)


def _parts(weights: Sequence[int], free: Sequence[int], in_all: int) -> _Parts:
    parts = sorted([(part, whole) for part, whole in zip(weights, free, strict=True) if whole], key=_of_one)
    return in_all - sum(free), tuple(parts)


def _holding(parts: _Parts, amount: int) -> int:
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
