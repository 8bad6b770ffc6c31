"""The best placement of slots on some nodes, as far as columns find and prove it: the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from ...cpsat.budget import Budget
from ...policy.scale import Scale
from ...policy.terms import Component, CoreShare, Cross
from ...state.domain_state import DomainState
from ..construction import SlotKind
from ..dealing import Dealt, merged_kinds, parted
from ..lower_bounds import share_bound
from .forest import Forest, forest_of
from .pieces import joined, pieces_of
from .search import Search, price_of_dealt

PIECES = 0.4
"""The part of what is left that pieces of slots with GPUs may take."""


@dataclass(frozen=True)
class Found:
    """What came of it.

    Attributes
    ----------
    dealt
        A placement; empty where none was found that is better than what was known.
    cost, bound
        What it costs, or what was known does, and what no placement costs less than, as joint integers.
    """

    dealt: Dealt
    cost: int
    bound: int


def best_by_columns(
    scale: Scale,
    nodes: Sequence[DomainState],
    kinds: Sequence[SlotKind],
    bounds: Sequence[int],
    known: int | None,
    budget: Budget,
) -> Found | None:
    """Find the best placement of slots; None where they are no such slots, or nothing came of it.

    Parameters
    ----------
    kinds
        No two of them alike.
    bounds
        Of each component, what no placement is below.
    known
        What a placement costs.
    """
    gpuless = {kind.shielded for kind in kinds if not kind.gpus}
    if scale.rooms or len(gpuless) > 1 or any(not kind.cores or (kind.gpus and kind.shielded) for kind in kinds):
        return None
    if scale.links and any(kind.gpus for kind in kinds):
        return None
    lows = [max(low, _apart(component, nodes, kinds)) for low, component in zip(bounds, scale.components, strict=True)]
    values = None if known is None else list(scale.values(known).values())
    gpus = any(kind.gpus for kind in kinds)
    forest = forest_of(nodes, gpus=gpus)
    search = None if forest is None else Search.of(scale, nodes, kinds, forest, budget)
    if forest is None or search is None:
        return None
    crossed = _levels_alone(scale, nodes, kinds, lows, values, budget) if scale.affinity_leads else {}
    dealt = _of_pieces(scale, nodes, kinds, forest, budget.part(PIECES)) if gpus else []
    if dealt:
        cost = price_of_dealt(scale, nodes, kinds, dealt)
        if known is None or cost < known:
            search.cost, search.dealt = cost, dealt
            values = list(scale.values(cost).values())
    bound = scale.joint(search.run(lows, crossed, values))
    if search.cost is not None and (known is None or search.cost < known):
        return Found(search.dealt, search.cost, min(bound, search.cost))
    return None if known is None else Found([], known, min(bound, known))


def _of_pieces(
    scale: Scale, nodes: Sequence[DomainState], kinds: Sequence[SlotKind], forest: Forest, budget: Budget
) -> Dealt:
    """Return slots put together from pieces, if some have more GPUs than any domain; nothing where there are none."""
    pieces = pieces_of(kinds, forest)
    if pieces is None:
        return []
    every = [piece for some in pieces for piece in some]
    merged = merged_kinds(every)
    search = Search.of(scale, nodes, merged, forest, budget)
    if search is None:
        return []
    search.run([0] * len(scale.components), {}, None)
    return (joined(parted(search.dealt, merged, every), pieces) if search.dealt else None) or []


def _levels_alone(
    scale: Scale,
    nodes: Sequence[DomainState],
    kinds: Sequence[SlotKind],
    lows: Sequence[int],
    values: Sequence[int] | None,
    budget: Budget,
) -> dict[int, int]:
    """Return what slots cross levels at the least, as if domains of each had no others in them, from the coarsest on.

    Each holds with those before it at theirs, by the number of the component.
    """
    crossed: dict[int, int] = {}
    for depth in count(1):
        forest = forest_of(nodes, gpus=any(kind.gpus for kind in kinds), depth=depth)
        if forest is None:
            return crossed
        numbers = [n for n, c in enumerate(scale.components) if isinstance(c, Cross) and c.level in forest.levels]
        alone = Scale(scale.components[number] for number in numbers)
        search = Search.of(alone, nodes, kinds, forest, budget)
        if search is None or len(numbers) < depth:
            return crossed
        before = {n: crossed[number] for n, number in enumerate(numbers) if number in crossed}
        known = None if values is None else [values[number] for number in numbers]
        least = search.run([lows[number] for number in numbers], before, known)
        crossed = dict(zip(numbers, least, strict=True))
    return crossed


def _apart(component: Component, nodes: Sequence[DomainState], kinds: Sequence[SlotKind]) -> int:
    """Return what slots count at the least for standing apart, each as if it were alone."""
    if not isinstance(component, CoreShare):
        return 0
    return sum(
        kind.count
        * min(
            (
                share_bound(node, component.level, [(1, kind.cores, kind.gpus)])
                for node in nodes
                if node.free_cores >= kind.cores and node.free_gpus >= kind.gpus
            ),
            default=0,
        )
        for kind in kinds
        if kind.gpus
    )
