"""Amounts for slots whose cores and GPUs are placed: from what they touch, and only then from other domains."""

from __future__ import annotations

from collections.abc import Sequence

from ..state.domain_state import DomainState
from .plan import Share
from .pricing import Shares, lineage

Amounts = tuple[tuple[str, int], ...]
"""What one slot asks for: (resource, amount)."""

Slots = tuple[tuple[Shares, ...], ...]
"""What each slot of each kind takes."""


def with_amounts_of(
    state: DomainState, slots: Slots, amounts: Sequence[Amounts], *, anywhere: bool = False
) -> Slots | None:
    """Return slots with their amounts; None where these are not found.

    Those slots are served first that touch the fewest places that list an amount, each from where most is left.

    Parameters
    ----------
    slots
        What each slot of each kind takes of cores and GPUs.
    amounts
        What a slot of each kind asks for.
    anywhere
        Whether what is missing may come from domains that a slot does not touch otherwise. Then it is found wherever
        the node has as much.
    """
    if not any(amounts):
        return slots
    dealt = {
        (i, j): {share.place: share for share in shares}
        for i, some in enumerate(slots)
        for j, shares in enumerate(some)
    }
    above = lineage(state)
    for name in sorted({name for some in amounts for name, _ in some}):
        left = {place: domain.own_free(name) for place, domain in enumerate(state.flat) if domain.lists(name)}
        missing = {key: dict(amounts[key[0]]).get(name, 0) for key in dealt}
        near = {key: [at for at in left if at in _touched(dealt[key], above)] for key in dealt}
        for key in sorted(dealt, key=lambda key: (len(near[key]), key)):
            missing[key] -= _take(dealt[key], name, missing[key], near[key], left)
        for key in dealt if anywhere else ():
            missing[key] -= _take(dealt[key], name, missing[key], list(left), left)
        if any(missing.values()):
            return None
    return tuple(
        tuple(tuple(dealt[i, j][place] for place in sorted(dealt[i, j])) for j in range(len(some)))
        for i, some in enumerate(slots)
    )


def _touched(shares: dict[int, Share], above: Sequence[tuple[int, ...]]) -> set[int]:
    return {at for place in shares for at in above[place]}


def _take(shares: dict[int, Share], name: str, amount: int, places: Sequence[int], left: dict[int, int]) -> int:
    """Let a slot take as much of an amount as places have left, those with the most first; return how much."""
    taken = 0
    for place in sorted(places, key=lambda place: (-left[place], place)):
        more = min(amount - taken, left[place])
        if more:
            share = shares.get(place, Share(place))
            amounts = dict(share.amounts)
            amounts[name] = amounts.get(name, 0) + more
            shares[place] = share._replace(amounts=tuple(sorted(amounts.items())))
            left[place] -= more
            taken += more
    return taken
