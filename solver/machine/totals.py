"""A relaxation of the whole request: what its slots take in all, against all that is free on the machine.

What exceeds that cannot fit, whatever goes where, and needs no search. It costs a sum over the states of nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..demand.demand import Bundle, Demand, GroupDemand, Kind, Want
from .selection import Field


def exceeds(demand: Demand, field: Field, in_groups: Iterable[str]) -> bool:
    """Tell whether slots ask for more cores, GPUs or amounts than there are.

    Parameters
    ----------
    in_groups
        The amounts that groups list, which are not looked into.
    """
    asked: Counter[str] = Counter()
    _add_group(asked, demand.root, 1)
    for name in in_groups:
        asked.pop(name, None)
    for state, nodes in field.live():
        for name in asked:
            asked[name] -= state.all_free(name) * nodes.bit_count()
        if all(missing <= 0 for missing in asked.values()):
            return False
    return any(missing > 0 for missing in asked.values())


def _add_group(asked: Counter[str], group: GroupDemand, times: int) -> None:
    if group.slot and group.whole:
        return
    for host in group.hosts:
        _add_bundle(asked, host.bundle, times * host.count)
    for inner in group.groups:
        _add_group(asked, inner, times * inner.count)


def _add_bundle(asked: Counter[str], bundle: Bundle, times: int) -> None:
    if bundle.slot and bundle.whole:
        return
    for want in bundle.wants:
        _add_want(asked, want, times, in_slot=bool(bundle.slot))


def _add_want(asked: Counter[str], want: Want, times: int, *, in_slot: bool) -> None:
    """Count what a vertex asks for; what a slot names in a domain that it takes whole is the least, and not counted."""
    if want.kind in (Kind.CORE, Kind.GPU, Kind.AMOUNT):
        asked[want.type] += want.count * times if in_slot else 0
    elif not (in_slot and want.whole):
        for inner in want.wants:
            _add_want(asked, inner, times * want.count, in_slot=in_slot or want.kind is Kind.SLOT)
