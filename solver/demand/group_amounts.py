"""Amounts that a request asks of a node and that the node lists nowhere, or beside it: the groups above give them.

They are split off the bundle before a node is solved, as they are no matter of the node's, and come back with its
solution; which group gives them, the machine's model says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..state.domain_state import DomainState
from .demand import Bundle, Kind, Want

Amounts = tuple[tuple[str, int], ...]


def split_outside(state: DomainState, bundle: Bundle) -> tuple[Bundle, dict[str, Amounts]]:
    """Return the bundle without what the node lists nowhere, and that, by the label of the slot that asks for it.

    The job itself has the empty label. Amounts of a label are those of one slot, however many there are.
    """
    listed = {name for domain in state.flat for name, _, _ in domain.amounts}
    found: dict[str, Counter[str]] = {}
    wants = _split(bundle.wants, bundle.slot, 1, listed, found)
    beside = _split(bundle.beside, "", 1, listed, found)
    if not found:
        return bundle, {}
    return bundle.but(wants=wants, beside=beside), {
        label: tuple(sorted(amounts.items())) for label, amounts in found.items()
    }


def _split(
    wants: Sequence[Want], label: str, times: int, listed: set[str], found: dict[str, Counter[str]]
) -> tuple[Want, ...]:
    kept = []
    for want in wants:
        if want.kind is Kind.AMOUNT and (want.above or want.type not in listed):
            found.setdefault(label, Counter())[want.type] += want.count * times
        elif want.wants:
            slot = want.kind is Kind.SLOT
            inside = _split(want.wants, want.label if slot else label, 1 if slot else times * want.count, listed, found)
            kept.append(replace(want, wants=inside))
        else:
            kept.append(want)
    return tuple(kept)


def total_outside(bundle: Bundle, outside: dict[str, Amounts]) -> Amounts:
    """Return what all slots of a bundle and the job take outside of the node, together."""
    total: Counter[str] = Counter()
    for label, times in _slots((*bundle.wants, *bundle.beside), 1):
        for name, amount in outside.get(label, ()):
            total[name] += amount * times
    for label in {"", bundle.slot}:
        for name, amount in outside.get(label, ()):
            total[name] += amount
    return tuple(sorted(total.items()))


def _slots(wants: Sequence[Want], times: int) -> list[tuple[str, int]]:
    """Return each slot's label with how many there are."""
    found: list[tuple[str, int]] = []
    for want in wants:
        if want.kind is Kind.SLOT:
            found.append((want.label, times * want.count))
        else:
            found += _slots(want.wants, times * want.count)
    return found
