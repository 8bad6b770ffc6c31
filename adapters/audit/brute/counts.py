"""The counts that a request leaves open, largest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .request import Need, preorder
from .world import World, asked_pieces


def limits(world: World) -> dict[str, int]:
    """Return how many of each type the machine could give at the very most."""
    most = {kind: sum(cell.free for cell in world.cells if cell.kind == kind) for kind in ("core", "gpu")}
    most["slot"] = most["core"] + most["gpu"]
    for place in world.places:
        most[place.level] = most.get(place.level, 0) + place.usable
    return most


def stock_limit(world: World, name: str) -> int:
    """Return how much of a resource the whole machine has."""
    return sum(place.stock.get(name, 0) for place in world.places)


def possible(world: World, needs: Sequence[Need], counts: Mapping[Need, int], most: Mapping[str, int]) -> bool:
    """Whether the totals over the whole request do not already exceed the machine."""
    total: dict[str, int] = {}
    stock: dict[str, int] = {}

    groups = {place.level for place in world.places if place.position < 0}

    def gather(needs: Sequence[Need], times: int, in_slot: bool = False) -> None:
        for need in needs:
            number = times * counts[need]
            if need.kind == "stock":
                stock[need.vertex.type] = stock.get(need.vertex.type, 0) + asked_pieces(need.vertex, number)
            elif in_slot and need.vertex.type in groups and not need.whole:
                pass  # slots may share them
            elif need.kind not in {"nothing", "outer"} and not need.same:
                total[need.vertex.type] = total.get(need.vertex.type, 0) + number
            gather(need.children, number, in_slot or need.kind == "slot")

    gather(needs, 1)
    return all(number <= most.get(kind, 0) for kind, number in total.items()) and all(
        amount <= stock_limit(world, name) for name, amount in stock.items()
    )


def all_counts(world: World, needs: Sequence[Need]) -> Iterator[dict[Need, int]]:
    """Go through every admissible choice of counts that the machine could hold, the largest first, in pre-order."""
    order = list(preorder(needs))
    most = limits(world)
    everything = most["slot"] + len(world.places)
    least = {need: 1 if dropped(need) else need.vertex.count.min for need in order}

    def at_most(need: Need) -> int:
        if need.kind == "stock":
            return stock_limit(world, need.vertex.type) // asked_pieces(need.vertex, 1)
        return everything if need.kind == "nothing" else most.get(need.vertex.type, 0)

    def choose(index: int, counts: dict[Need, int]) -> Iterator[dict[Need, int]]:
        if not possible(world, needs, counts, most):
            return
        if index == len(order):
            yield counts
            return
        need = order[index]
        if need.vertex.count.is_fixed or dropped(need):
            yield from choose(index + 1, counts)
            return
        number = need.vertex.count.largest(at_most(need))
        while number is not None and number >= need.vertex.count.min:
            yield from choose(index + 1, {**counts, need: number})
            number = need.vertex.count.largest(number - 1)

    yield from choose(0, least)


def dropped(need: Need) -> bool:
    """Whether a vertex asks for nothing, as its type is unknown and it has no children."""
    return need.kind == "nothing" and not need.children


def sizes(needs: Sequence[Need], counts: Mapping[Need, int]) -> tuple[int, ...]:
    """Return the value of the term size: the counts that were there to choose, in pre-order."""
    chosen = (need for need in preorder(needs) if not (need.same or need.once or need.vertex.count.is_fixed))
    return tuple(counts[need] for need in chosen if not dropped(need))
