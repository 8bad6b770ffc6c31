"""Amounts for slots whose cores and GPUs are placed: from the domains of these, or the nearest above that list any."""

from __future__ import annotations

from collections.abc import Sequence

from ..state.domain_state import DomainState
from .plan import Share
from .pricing import Shares, lineage

Amounts = tuple[tuple[str, int], ...]
"""What one slot asks for: (resource, amount)."""

Slots = tuple[tuple[Shares, ...], ...]
"""What each slot of each kind takes."""


def with_amounts_of(state: DomainState, slots: Slots, amounts: Sequence[Amounts]) -> Slots | None:
    """Return slots with their amounts; None where these are not found.

    Those slots are served first that have the fewest places to take an amount from, each from where most is left.

    Parameters
    ----------
    slots
        What each slot of each kind takes of cores and GPUs.
    amounts
        What a slot of each kind asks for.
    """
    if not any(amounts):
        return slots
    every = [(i, j) for i, some in enumerate(slots) for j in range(len(some))]
    taken: dict[tuple[int, int], dict[int, list[tuple[str, int]]]] = {key: {} for key in every}
    for name in sorted({name for some in amounts for name, _ in some}):
        left = {place: domain.own_free(name) for place, domain in enumerate(state.flat) if domain.lists(name)}
        asked = [(_sources(state, slots[i][j], name), dict(amounts[i]).get(name, 0), (i, j)) for i, j in every]
        for sources, missing, key in sorted(asked, key=lambda some: (len(some[0]), some[2])):
            for place in sorted(sources, key=lambda place: (-left[place], place)):
                more = min(missing, left[place])
                if more:
                    taken[key].setdefault(place, []).append((name, more))
                    left[place] -= more
                    missing -= more
            if missing:
                return None
    return tuple(tuple(_with(shares, taken[i, j]) for j, shares in enumerate(some)) for i, some in enumerate(slots))


def _sources(state: DomainState, shares: Shares, name: str) -> list[int]:
    """Return the places that a slot's amount may come from."""
    beside = [share.place for share in shares if share.cores] or [share.place for share in shares if share.gpus]
    above = lineage(state)
    listers = {
        next((place for place in reversed(above[at]) if state.flat[place].lists(name)), -1) for at in beside or [0]
    }
    return sorted(listers - {-1})


def _with(shares: Shares, taken: dict[int, list[tuple[str, int]]]) -> Shares:
    """Return shares with amounts among them."""
    by_place = {share.place: share for share in shares}
    for place, amounts in taken.items():
        by_place[place] = by_place.get(place, Share(place))._replace(amounts=tuple(sorted(amounts)))
    return tuple(by_place[place] for place in sorted(by_place))
