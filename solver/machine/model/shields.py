"""What the machine's model knows of a term that looks at a slot as a whole, where nodes give the slot its parts.

A slot without GPUs counts the idle GPUs that it touches; one with GPUs counts none. The model adds up what each node's
part counts for itself. Where a part counts as one without GPUs while another part of the same slot may have some, the
slot may cost less than that sum, so that the model's bound of this term, and of those behind it, is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...demand.demand import Bundle, Kind, Want
from ...policy.scale import Scale
from ...policy.terms import CoreTouch
from ...state.domain_state import DomainState
from .count import Count
from .patterns import Placed


def known(bounds: Sequence[int], scale: Scale, counts: Sequence[Count], hosts: Sequence[Placed]) -> list[int]:
    """Return the bounds of components that hold although a part is not told what other parts of its slot have."""
    if not _parts_differ(scale, counts, hosts):
        return list(bounds)
    first = next(n for n, component in enumerate(scale.components) if isinstance(component, CoreTouch))
    return [bound if n < first else 0 for n, bound in enumerate(bounds)]


def _parts_differ(scale: Scale, counts: Sequence[Count], hosts: Sequence[Placed]) -> bool:
    """Tell whether a part of a slot may count as one without GPUs where another part of the slot has some."""
    names = [component.name for component in scale.components if isinstance(component, CoreTouch)]
    with_gpus, without = set(), set()
    for count in counts if names else ():
        host = None if count.pattern.host is None else hosts[count.pattern.host]
        if host is None or not host.slot:
            continue
        values = scale.values(count.pattern.solution.cost)
        if count.cell.state.gpus and _may_take_gpus(host.demand.bundle, count.cell.state):
            with_gpus.add(host.slot)
        if any(values[name] for name in names):
            without.add(host.slot)
    return bool(with_gpus & without)


def _may_take_gpus(bundle: Bundle, node: DomainState) -> bool:
    """Tell whether a part of a slot asks for GPUs, or for whole domains of which one has some.

    What is whole around a slot is the job's and not the slot's.
    """
    levels = {domain.level for domain in node.flat if domain.gpus}

    def may(wants: Sequence[Want]) -> bool:
        return any(want.kind is Kind.GPU or (want.whole and want.type in levels) or may(want.wants) for want in wants)

    slots = [want for want in bundle.wants if want.kind is Kind.SLOT]
    return any(may(slot.wants) for slot in slots) if slots else bundle.whole or may(bundle.wants)
