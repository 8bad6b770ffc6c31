"""What slots cost that take given shares of a node, or of a part of one: the policy's terms as a joint integer.

It is the plain sum that the terms are (`policy.terms`): what each slot crosses, and what each domain counts that is
touched. The constructions and the searches without a model are held against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache

from ..policy.scale import Scale
from ..state.domain_state import UNNAMED, DomainState
from ..state.joined import pairs_of
from .lost_room import held_of, lost_room
from .plan import NodePlan, Share
from .shares import share_of_slot

Shares = tuple[Share, ...]

Held = tuple[int, int]
"""Cores and GPUs."""


def price(scale: Scale, domain: DomainState, slots: Iterable[tuple[Shares, bool]], apart: int = 0) -> int:
    """Return the joint integer of slots in a domain.

    Parameters
    ----------
    slots
        What each takes, places counted from the domain, and whether it has no GPU at all.
    apart
        Where all GPUs of each slot stand further out, or all of its cores: how many.
    """
    flat, above = domain.flat, lineage(domain)
    touched: set[int] = set()
    shielded: set[int] = set()
    cost = 0
    if scale.rooms:
        slots = list(slots)
        held = held_of((share for shares, _ in slots for share in shares), above)
        cost += lost_room(scale, flat, held)
    for shares, gpuless in slots:
        here = {place for share in shares if _touches(share) for place in above[share.place]}
        cost += price_of_slot(scale, [flat[place].level for place in here])
        if apart:
            cost += apart * sum((s.cores + s.gpus) * _units(scale, flat, above[s.place]) for s in shares)
        elif not gpuless and len(shares) > 1 and scale.shares:
            cost += share_of_slot(scale.shares, flat, above, _held(shares))
        if scale.links and not gpuless:
            cost += scale.links * _joined(domain, {share.place for share in shares if share.gpus})
        touched |= here
        if gpuless:
            shielded.update(_named(flat, above[share.place]) for share in shares if share.cores)
    cost += sum(scale.touch(flat[place]) for place in touched)
    return cost + sum(scale.core_touch(flat[place]) for place in shielded)


def price_of_plan(scale: Scale, state: DomainState, plan: NodePlan, gpuless: Mapping[str, bool]) -> int:
    """Return the joint integer of all that a node gives, domains taken whole among it.

    Parameters
    ----------
    gpuless
        Of each label, whether its slots ask for no GPU.
    """
    flat, above = state.flat, lineage(state)
    touched: set[int] = set()
    shielded: set[int] = set()
    cost = lost_room(scale, flat, _held_in_all(flat, above, plan)) if scale.rooms else 0
    for part in (*plan.slots, plan.held):
        shares = [share for share in part.shares if (_touches(share) if part.label else share.cores or share.gpus)]
        inside = [at for whole in part.wholes for at in range(whole, whole + len(flat[whole].flat))]
        here = {place for share in shares for place in above[share.place]} | set(inside)
        here |= {place for whole in part.wholes for place in above[whole]}
        touched |= here
        cost += scale.partial * sum(not flat[whole].whole for whole in part.wholes)
        if part.label:
            held = [place for place in here if flat[place].cores or flat[place].gpus]
            cost += price_of_slot(scale, [flat[place].level for place in held])
            if scale.links:
                gpus = {share.place for share in shares if share.gpus} | {at for at in inside if flat[at].own_gpus}
                cost += scale.links * _joined(state, gpus)
            cost += share_of_slot(scale.shares, flat, above, {**_held(shares), **_held_whole(flat, part.wholes)})
        if part.label and gpuless[part.label]:
            bare = [whole for whole in part.wholes if not flat[whole].gpus]
            places = [at for whole in bare for at in range(whole, whole + len(flat[whole].flat)) if flat[at].own_cores]
            if len(bare) == len(part.wholes):
                places += [share.place for share in shares if share.cores]
            shielded.update(_named(flat, above[place]) for place in places)
    cost += sum(scale.touch(flat[place]) for place in touched)
    return cost + sum(scale.core_touch(flat[place]) for place in shielded)


def _touches(share: Share) -> bool:
    """Tell whether a slot touches a domain by what it takes of it."""
    return bool(share.cores or share.gpus or share.amounts)


def _joined(state: DomainState, places: Container[int]) -> int:
    """Return by how much less the GPUs at some places are joined than by the best links."""
    return sum(less for one, other, less in pairs_of(state) if one in places and other in places)


def price_of_slot(scale: Scale, levels: Sequence[str]) -> int:
    """Return what one slot counts for itself that touches domains of these levels, one for each domain."""
    number = Counter(levels)
    return sum(unit * (number[level] - 1) for level, unit in scale.cross.items() if number[level] > 1)


def _units(scale: Scale, flat: Sequence[DomainState], path: Sequence[int]) -> int:
    return sum(scale.shares.get(flat[place].level, 0) for place in path)


def _held(shares: Iterable[Share]) -> dict[int, tuple[int, int]]:
    held: dict[int, tuple[int, int]] = {}
    for share in shares:
        cores, gpus = held.get(share.place, (0, 0))
        held[share.place] = cores + share.cores, gpus + share.gpus
    return held


def _held_whole(flat: Sequence[DomainState], wholes: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return what domains have that are taken whole, by place."""
    inside = {at for whole in wholes for at in range(whole, whole + len(flat[whole].flat))}
    return {at: (flat[at].own_cores, flat[at].own_gpus) for at in inside}


def _held_in_all(flat: Sequence[DomainState], above: Sequence[Sequence[int]], plan: NodePlan) -> dict[int, Held]:
    """Return what a plan takes of each domain and of all inside it."""
    parts = (*plan.slots, plan.held)
    held = _held_whole(flat, [whole for part in parts for whole in part.wholes])
    shares = [share for part in parts for share in part.shares if share.place not in held]
    shares += [Share(place, cores, gpus) for place, (cores, gpus) in held.items()]
    return held_of(shares, above)


def price_of_wholes(scale: Scale, state: DomainState) -> int:
    """Return what a slot that has all of a node counts for its cores and GPUs standing apart."""
    return share_of_slot(scale.shares, state.flat, lineage(state), _held_whole(state.flat, [0])) if scale.shares else 0


def _named(flat: Sequence[DomainState], path: Sequence[int]) -> int:
    """Return the innermost domain of a path that is one of its own."""
    place = path[-1]
    return path[-2] if flat[place].level == UNNAMED and len(path) > 1 else place


@lru_cache(maxsize=1024)
def lineage(domain: DomainState) -> tuple[tuple[int, ...], ...]:
    """Return for each place those of the domains that it is in, the outermost first, itself last."""
    paths: list[tuple[int, ...]] = []

    def walk(inner: DomainState, path: tuple[int, ...]) -> None:
        path = (*path, len(paths))
        paths.append(path)
        for child in inner.children:
            walk(child, path)

    walk(domain, ())
    return tuple(paths)
