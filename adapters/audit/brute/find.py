"""The best placement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, ParamSpec

from ....grammar.constraint import ALWAYS, Constraint
from ....grammar.jobspec import Vertex
from ....topology.machine import Machine
from .counts import all_counts, dropped, sizes
from .request import Need, RefusedError, read
from .search import Partial, Search, Standing
from .terms import ADDED, PACK, Terms, UsualJob, rating, term_names, worth
from .world import World
from .writing import write

Asked = ParamSpec("Asked")


class Found(NamedTuple):
    """The best placement."""

    terms: Terms
    counts: dict[str, int]  # by the path of the vertex
    R: dict[str, Any]


def find(
    machine: Machine,
    vertices: Sequence[Vertex],
    *,
    constraint: Constraint = ALWAYS,
    running: Sequence[Mapping[str, Any]] = (),
    down: int = 0,
    policy: Sequence[str] = PACK,
    slot_exclusive: str = "shared",
    unknown_types: str = "refuse",
    patience: int = 100_000,
    usual: Sequence[UsualJob] = (),
) -> Found | None:
    """Return the best placement, or None when there is none.

    `running` are the R of allocated jobs, `down` is a mask of positions. In a policy, "affinity" and the other families
    stand for all their levels, and "-" before a name turns a term round; the values returned are those of the plain
    term.

    Raises
    ------
    TooManyError
        More than `patience` partial placements came up.
    """
    try:
        needs, idsets = read(machine, vertices, slot_exclusive, unknown_types)
    except RefusedError:
        return None
    names = term_names(machine, policy)
    linked = "links" in names and any(kind.links for kind in machine.types)
    world = World(machine, running, down, constraint, idsets, patience, linked)
    added = [name for name in names if name.partition(".")[0] in ADDED]
    best_yet: tuple[Terms, dict[Need, int], Partial, Standing] | None = None
    for counts in all_counts(world, needs):
        size = sizes(needs, counts)
        for state, standing in Search(world, added, counts).all(needs).items():
            if not world.stock_fits(state.demands):
                continue
            terms = worth(world, names, size, state, dict(zip(added, standing.cost, strict=True)), usual)
            if best_yet is None or rating(names, terms) < rating(names, best_yet[0]):
                best_yet = terms, counts, state, standing
        if best_yet is not None and names[:1] == ("size",):
            break
    if best_yet is None:
        return None
    terms, counts, state, standing = best_yet
    by_path = {need.vertex.path: number for need, number in counts.items() if not dropped(need)}
    return Found(terms, by_path, write(world, needs, counts, state, standing.slots))


def _terms_of(find: Callable[Asked, Found | None]) -> Callable[Asked, Terms | None]:
    """Return what finds the terms of the best placement alone, in the policy's order."""

    def best(*args: Asked.args, **options: Asked.kwargs) -> Terms | None:
        found = find(*args, **options)
        return None if found is None else found.terms

    return best


best = _terms_of(find)
