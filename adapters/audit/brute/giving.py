"""What may give a slot the memory and the like that it asks for: all ways, with the places touched for that alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from .world import ROOT, World

Item = tuple[str, int, int, bool]
"""What is asked for: name, place, amount; and whether beside the slot's nodes."""

Parts = tuple[tuple[str, frozenset[int], int], ...]
"""The same by sources: name, any of these places, amount."""


def ways(
    world: World, asked: Sequence[Item], held: Sequence[int], near: Sequence[int], forbidden: frozenset[int]
) -> Iterator[tuple[frozenset[int], Parts]]:
    """Go through the places that may give a slot memory alone, at least a unit each, with all that it asks for.

    `held` are the places of its cores and GPUs, `near` those of its cores alone if it has any, `forbidden` places that
    others have whole.

    Raises
    ------
    TooManyError
        There are too many.
    """
    touched = frozenset().union(*(world.places[place].holders for place in held))
    reaches = [_reach(world, item, near) for item in asked]
    others = sorted(frozenset().union(*reaches) - touched)
    others = [key for key in others if not forbidden & world.places[key].holders]
    for size in range(len(others) + 1):
        for gave in combinations(others, size):
            world.tried()
            everything = touched.union(*(world.places[key].holders for key in gave))
            pairs = zip(asked, reaches, strict=True)
            sources = [_sources(world, item, near, held, reach & everything) for item, reach in pairs]
            if not all(sources):
                continue
            for givers in product(*([i for i, reach in enumerate(reaches) if key in reach] for key in gave)):
                world.tried()
                parts = _parts(asked, sources, gave, givers)
                if parts is not None:
                    yield frozenset(gave), parts


def _parts(
    asked: Sequence[Item], sources: Sequence[frozenset[int]], gave: Sequence[int], givers: Sequence[int]
) -> Parts | None:
    """Let each place that is touched for it alone give a unit of something, and all sources the rest."""
    left = [amount for _, _, amount, _ in asked]
    parts = []
    for key, i in zip(gave, givers, strict=True):
        name = asked[i][0]
        left[i] -= _unit(name)
        parts.append((name, frozenset({key}), _unit(name)))
    if min(left, default=0) < 0:
        return None
    rest = zip(asked, sources, left, strict=True)
    return (*parts, *((name, places, amount) for (name, _, _, _), places, amount in rest if amount))


def group_of(world: World, item: Item, held: Sequence[int]) -> int:
    """Return the group that gives what is asked for beside a slot's nodes; ROOT for none."""
    name, _, _, above = item
    group = world.around_all(name, held) if above else None
    return ROOT if group is None else group


def _reach(world: World, item: Item, near: Sequence[int]) -> frozenset[int]:
    """Return what may give an amount to a slot, of its nodes; nothing where groups do."""
    name, at, _, above = item
    if above and world.is_in_groups(name):
        return frozenset()
    return world.reach(name, at, _node_of(world, at, near))


def _node_of(world: World, at: int, near: Sequence[int]) -> int:
    """Return the node on which a slot asks for an amount: that of the place where it does, or its only one."""
    position = world.places[at].position if at != ROOT else -1
    return world.node(position if position >= 0 else world.places[near[0]].position)


def _sources(
    world: World, item: Item, near: Sequence[int], held: Sequence[int], touched: frozenset[int]
) -> frozenset[int]:
    """Return what gives an amount; where no place of the slot's node lists any, what is above it."""
    name, at, _, above = item
    if above and world.is_in_groups(name):
        group = group_of(world, item, held)
        return frozenset() if group == ROOT else frozenset({group})
    node = _node_of(world, at, near)
    if any(name in world.places[key].stock for key in world.under[node]):
        return touched
    return world.sources(name, at, [place for place in near if at == ROOT or at in world.places[place].holders])


def _unit(name: str) -> int:
    """Return the least that is taken of an amount, in pieces."""
    return 2**20 if name in {"memory", "storage"} else 1
