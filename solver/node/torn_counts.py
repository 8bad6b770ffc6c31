"""How many cores and GPUs of equal slots stand in which domain: a lower bound for slots that are torn, by counting.

Slots are equal, so of a domain it matters how many of them it completes, in how many pieces it is in others, and how
many GPUs these pieces have; of their cores only the most matter, since more serve no worse. Domains that hold others
are put together from what these allow. Those whose pieces belong to the same slots hang together: a connected graph of
domains and slots has no fewer edges than a tree, and each edge is a piece. So the domains inside one are cut into
groups, each with the slots that are complete in it and the pieces that go further out, and all ways to cut them are
gone through, those of equal domains once. What is left open is which piece is joined to which, and who has the cores
of a domain. So the least cost is a lower bound, for all terms at once: it counts what slots cross under the condition
that they cross the coarser levels no more, and so on.

What pieces count for cores and GPUs standing apart is bounded by what is near together: with `c` cores and `g` GPUs to
a slot, no more than the smaller of `g` times their cores and `c` times their GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from ..cpsat.budget import Budget
from ..policy.scale import Scale
from ..policy.terms import CoreShare, Cross
from ..state.domain_state import DomainState
from .lost_room import least_lost_room
from .lower_bounds import bound_of_slots
from .shares_given import Equal, crossing_share
from .torn_tables import TornTables
from .torn_ways import Given, Level, Slots, TooMany


def least_torn(
    scale: Scale,
    domain: DomainState,
    slots: tuple[int, int, int],
    cost: int,
    budget: Budget,
    *,
    shielded: bool = False,
) -> tuple[int, Given | None] | None:
    """Return what slots cost at least, and how much is where in that case; None where it is not known.

    Parameters
    ----------
    slots
        How many, and the cores and GPUs of each: some cores.
    cost
        Of a placement that is known. Where nothing is cheaper, nothing is said of where slots stand.
    shielded
        Whether they count as slots without GPUs.

    Raises
    ------
    CutOff
        When the work was used up.
    """
    path = _levels_of(domain)
    if path is None:
        return None
    count, cores, gpus = slots
    bound = bound_of_slots(scale, domain, count, cores, gpus)
    least = scale.values(bound)
    crossed = {c.level: least[c.name] for c in scale.components if isinstance(c, Cross)}
    levels = []
    for name in path:
        unit = scale.cross.get(name, 0)
        most = crossed[name] + (cost - bound) // unit if unit else count * len(domain.flat)
        levels.append(Level(unit, scale.shares.get(name, 0), most))
    try:
        found = TornTables(scale, Slots(*slots, budget, shielded=shielded), levels).best(domain)
    except TooMany:
        return None
    if found is None:
        return cost, None
    most_counted = found[0] + (least_lost_room(scale, domain, count * cores, count * gpus) if scale.rooms else 0)
    counted = _with_crossed(scale, most_counted, least, Equal(count, cores, gpus))
    return (cost, None) if counted >= cost else (counted, found[1])


def _with_crossed(scale: Scale, counted: int, least: Mapping[str, int], slots: Equal) -> int:
    """Return a bound, raised by what slots count that cross a level so often, however much is free there.

    Parameters
    ----------
    least
        Of each component what no placement is below, for those that are compared after one that is raised.
    """
    values = dict(scale.values(counted))
    crossed: dict[str, int] = {}
    for component in scale.components:
        if isinstance(component, Cross):
            crossed[component.level] = values[component.name]
        elif isinstance(component, CoreShare) and component.level in crossed:
            more = crossing_share(slots, crossed[component.level])
            if more > values[component.name]:
                before = dict(islice(values.items(), list(values).index(component.name)))
                return scale.joint([*{**least, **before, component.name: more}.values()])
    return counted


def _levels_of(domain: DomainState) -> tuple[str, ...] | None:
    """Return the levels in a domain, the coarsest first; None unless all that is free is in domains of the finest."""
    paths: set[tuple[str, ...]] = set()

    def walk(inner: DomainState, path: tuple[str, ...]) -> bool:
        if not inner.children:
            if inner.free_cores or inner.free_gpus:
                paths.add(path)
            return True
        if inner.own_free_cores or inner.own_free_gpus:
            return False
        return all(walk(child, (*path, child.level)) for child in inner.children)

    if not walk(domain, ()) or len(paths) != 1:
        return None
    (path,) = paths
    return path if path and len(set(path)) == len(path) else None
