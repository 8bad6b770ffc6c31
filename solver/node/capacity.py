"""How often a node has room for a slot that asks for domains, counted without a search.

Counting is exact where each instance of the unit stands in domains of its own and asks there for cores and GPUs, or
for such domains inside, and no more: then no two instances compete for anything but whole domains, and a domain is
able or not by itself. It costs one walk over the domains of the state. What does not have this form is for the model.
"""

from __future__ import annotations

from ..demand.demand import Kind, Want
from ..state.domain_state import DomainState


def is_countable(unit: Want) -> bool:
    """Tell whether `room_for` answers for a unit: a domain, or a slot of one kind of domain."""
    if unit.kind is Kind.SLOT:
        return len(unit.wants) == 1 and unit.wants[0].kind is Kind.DOMAIN and _is_plain(unit.wants[0])
    return unit.kind is Kind.DOMAIN and _is_plain(unit)


def _is_plain(domain: Want) -> bool:
    if domain.ids is not None:
        return False
    if len(domain.wants) == 1 and domain.wants[0].kind is Kind.DOMAIN:
        return _is_plain(domain.wants[0])
    return all(_is_flat(want) for want in domain.wants)


def _is_flat(want: Want) -> bool:
    if want.kind is Kind.SLOT:
        return all(below.kind in (Kind.CORE, Kind.GPU) and below.ids is None for below in want.wants)
    return want.kind in (Kind.CORE, Kind.GPU) and want.ids is None


def room_for(unit: Want, state: DomainState) -> int | None:
    """Return how many units a node has room for; None where domains of a level stand inside each other.

    Parameters
    ----------
    unit
        One that `is_countable`, its own count aside.
    """
    domain = unit.wants[0] if unit.kind is Kind.SLOT else unit
    able = _able(domain, state)
    if able is None:
        return None
    return able // domain.count if unit.kind is Kind.SLOT else able


def _able(want: Want, around: DomainState) -> int | None:
    """Return how many domains of the level inside one can each give what is asked of one."""
    able = 0
    for domain in around.flat[1:]:
        if domain.level != want.type:
            continue
        if any(below.level == want.type for below in domain.flat[1:]):
            return None
        gives = _gives(want, domain)
        if gives is None:
            return None
        able += gives
    return able


def _gives(want: Want, domain: DomainState) -> bool | None:
    if want.whole and not domain.can_be_whole:
        return False
    if len(want.wants) == 1 and want.wants[0].kind is Kind.DOMAIN:
        below = _able(want.wants[0], domain)
        return None if below is None else below >= want.wants[0].count
    return domain.free_cores >= want.total(Kind.CORE) and domain.free_gpus >= want.total(Kind.GPU)
