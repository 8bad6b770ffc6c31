"""The policy's terms on one node, as linear expressions over what is taken: one function a kind of term.

A domain that is touched, or crossed by a slot, has a literal that whatever is taken of it implies.
"""

from __future__ import annotations

from ...cpsat.lexicographic import Expression, Goal
from ...policy.scale import Scale
from ...policy.terms import Component, CoreShare, CoreTouch, Cross, Links, PartialWhole, Room, Touch
from ...state.domain_state import UNNAMED
from .links import links_goal
from .lost_room import room_goal
from .shares import share_goal
from .variables import CORES, GPUS, Holder, Taken


def make_goals(taken: Taken, scale: Scale) -> list[Goal]:
    """Return a goal for each of the policy's components, in its order. Groups are not a node's affair: theirs are 0."""
    touched: dict[int, Expression] = {}
    return [_goal(taken, component, touched) for component in scale.components]


def _goal(taken: Taken, component: Component, touched: dict[int, Expression]) -> Goal:
    terms: list[tuple[int, Expression]] = []
    if isinstance(component, Cross):
        return _cross_goal(taken, component.level)
    if isinstance(component, CoreShare):
        return share_goal(taken, component.level)
    if isinstance(component, Links):
        return links_goal(taken, taken.pairs)
    if isinstance(component, Room):
        return room_goal(taken, component.room)
    if isinstance(component, PartialWhole):
        partial = [whole.chosen for whole in taken.wholes if not taken.domains[whole.place].whole]
        return Goal(sum(partial), 0, len(partial))
    for place, domain in enumerate(taken.domains):
        if isinstance(component, Touch) and domain.level == component.level and component.weight(domain):
            terms.append((component.weight(domain), _touched(taken, place, touched)))
        elif isinstance(component, CoreTouch) and domain.level != UNNAMED and component.weight(domain):
            terms.append((component.weight(domain), _shielded(taken, place)))
    low = sum(min(0, weight) for weight, _ in terms)
    high = sum(max(0, weight) for weight, _ in terms)
    return Goal(sum(weight * literal for weight, literal in terms), low, high)


def _touched(taken: Taken, place: int, known: dict[int, Expression]) -> Expression:
    """Return the literal that says that the job touches the domain or one below it."""
    if place not in known:
        parts = [
            flow.part
            for (resource, inside), flows in taken.flows.items()
            if inside in taken.below(place)
            for flow in flows
            if resource in (CORES, GPUS) or flow.holder.label
        ]
        parts += [whole.chosen for whole in taken.wholes if _overlap(taken, whole.place, place)]
        known[place] = _any(taken, parts)
    return known[place]


def _overlap(taken: Taken, one: int, other: int) -> bool:
    return one in taken.below(other) or other in taken.below(one)


def _any(taken: Taken, parts: list[Expression]) -> Expression:
    """Return a literal that is true just when one of the parts, each of zero or more, is above zero."""
    if not parts:
        return 0
    literal = taken.model.new_bool_var("")
    taken.model.add(sum(parts) >= 1).only_enforce_if(literal)
    taken.model.add(sum(parts) <= 0).only_enforce_if(~literal)
    return literal


def _shielded(taken: Taken, place: int) -> Expression:
    """Return the literal that says that a slot without GPUs holds a core that the domain lists itself."""
    domains = taken.domains
    unnamed = [p for p in taken.below(place) if taken.parents[p] == place and domains[p].level == UNNAMED]
    own = [p for p in (place, *unnamed) if domains[p].own_cores]
    parts: list[Expression] = []
    for holder in taken.holders:
        if holder.label and holder.gpuless and own:
            parts += _without_gpus(taken, holder, [p for o in own for p in holder.takes.get((CORES, o), ())])
            wholes = ((whole, chosen) for whole, chosen in holder.wholes if place in taken.below(whole))
            parts += [chosen for whole, chosen in wholes if not domains[whole].gpus]
    return _any(taken, parts)


def _without_gpus(taken: Taken, holder: Holder, cores: list[Expression]) -> list[Expression]:
    """Return what cores a slot takes that asks for no GPU, unless it gets some with domains that it takes whole."""
    gpus = [chosen for whole, chosen in holder.wholes if taken.domains[whole].gpus]
    if not gpus or not cores:
        return cores
    literal = taken.model.new_bool_var("")
    some, with_gpus = _any(taken, cores), _any(taken, gpus)
    taken.model.add(literal >= some - with_gpus)
    taken.model.add(literal <= some)
    taken.model.add(literal + with_gpus <= 1)
    return [literal]


def _cross_goal(taken: Taken, level: str) -> Goal:
    """Sum over slots the domains of the level that each touches, less one, and never below zero."""
    places = [place for place, domain in enumerate(taken.domains) if domain.level == level]
    terms: list[Expression] = []
    most = 0
    for holder in taken.holders:
        if holder.label:
            term, top = _cross(taken, holder, places)
            terms.append(term)
            most += top
    return Goal(sum(terms), 0, most)


def _cross(taken: Taken, holder: Holder, places: list[int]) -> tuple[Expression, int]:
    """Return what the holder's slots cross, and the most that can be."""
    if holder.home is not None:
        each = sum(1 for place in places if any(home in taken.below(place) for home in holder.home)) - 1
        return (each * holder.times, each * holder.most) if each > 0 else (0, 0)
    literals = [literal for place in places if not isinstance(literal := _holds(taken, holder, place), int)]
    if holder.slot_part:
        return sum(literals), len(literals)
    if len(literals) < 2:
        return 0, 0
    cross = taken.model.new_int_var(0, len(literals) - 1, "")
    taken.model.add(cross >= sum(literals) - 1)
    least = _least_cross(taken, holder, places)
    if least > 0:
        taken.model.add(cross >= least * holder.times)
    return cross, len(literals) - 1


def _least_cross(taken: Taken, holder: Holder, places: list[int]) -> int:
    """Return how often a slot must cross at the least, by what the fullest domains give: it only helps the search."""
    least = 0
    for resource, amount in holder.needs.items():
        inside = [taken.domains[place] for place in places]
        free = sorted((d.free_cores if resource == CORES else d.free_gpus for d in inside), reverse=True)
        outside = (taken.domains[0].free_cores if resource == CORES else taken.domains[0].free_gpus) - sum(free)
        left, touched = amount - outside, 0
        while left > 0 and touched < len(free):
            left -= free[touched]
            touched += 1
        least = max(least, touched - 1)
    return least


def touch_some(taken: Taken, level: str) -> None:
    """Let parts of slots touch some domain of a level."""
    places = [place for place, domain in enumerate(taken.domains) if domain.level == level]
    for holder in taken.holders:
        if holder.slot_part and holder.label:
            taken.model.add(sum(part for place in places for part in _parts(taken, holder, place)) >= 1)


def _holds(taken: Taken, holder: Holder, place: int) -> Expression:
    """Return a literal that is true at least when a slot touches the domain or one below it."""
    parts = _parts(taken, holder, place)
    if not parts:
        return 0
    literal = taken.model.new_bool_var("")
    taken.model.add(sum(parts) <= 0).only_enforce_if(~literal)
    return literal


def _parts(taken: Taken, holder: Holder, place: int) -> list[Expression]:
    """Return what a slot has of a domain and below it."""
    parts: list[Expression] = [
        part for (_, inside), takes in holder.takes.items() if inside in taken.below(place) for part in takes
    ]
    if taken.domains[place].cores or taken.domains[place].gpus:
        parts += [chosen for whole, chosen in holder.wholes if _overlap(taken, whole, place)]
    return parts
