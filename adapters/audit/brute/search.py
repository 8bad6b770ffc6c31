"""All placements of a request whose counts are chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from .giving import group_of, ways
from .request import Need
from .world import ROOT, Demand, Demands, TooManyError, World, asked_pieces

INSIDE = "^"
"""Before the path of a vertex: of the groups that stand for what is right inside it."""


def around(path: str) -> str:
    """Return the path of the vertex around another one."""
    return path.rpartition("/")[0]


def stands_in_slot(path: str) -> bool:
    """Whether the vertex around another one is a slot."""
    return around(path).rpartition("/")[2].partition("[")[0] == "slot"


class Partial(NamedTuple):
    """A placement of the vertices gone through so far; one state of the search."""

    taken: tuple[int, ...]  # of each cell, by the whole job
    slot: tuple[int, ...]  # of each cell, by the slot that is being filled
    used: frozenset[int | tuple[int, str]]  # places that meet a vertex, or one below a path or of a level left out
    shield: frozenset[int]  # innermost places of the cores of slots without gpus
    asked: tuple[tuple[str, int, int, bool], ...]  # of the slot being filled: name, place, amount; and if beside nodes
    within: tuple[tuple[str, int, int], ...]  # the same, of what its whole domains have
    demands: Demands
    wholes: frozenset[int] = frozenset()  # places taken whole by the job, or by slots that are filled
    own: frozenset[int] = frozenset()  # places that the slot being filled takes whole
    gave: frozenset[int] = frozenset()  # places that give slots memory and the like, and nothing else


class Slots(NamedTuple):
    """The slots filled so far, the last one first."""

    label: str
    slot: tuple[int, ...]  # as in Partial
    asked: tuple[tuple[str, int, int, int], ...]  # all of it, that of its whole domains too; and the group it is of
    parts: tuple[tuple[str, frozenset[int], int], ...]  # the same by sources: name, any of these places, amount
    gave: frozenset[int]  # as in Partial, to this slot
    before: Slots | None


class Standing(NamedTuple):
    """What does not tell partial placements apart: the lower cost is as good for everything that follows."""

    cost: tuple[int, ...]  # what adds up over slots and whole places, in the policy's order
    slots: Slots | None


States = dict[Partial, Standing]


class Search:
    """All placements of a request with given counts."""

    def __init__(self, world: World, added: Sequence[str], counts: Mapping[Need, int]) -> None:
        self.world = world
        self.added = tuple(added)  # the names of the terms that a Standing's cost counts
        self.counts = dict(counts)

    def all(self, needs: Sequence[Need]) -> States:
        """Return every way of placing the request."""
        self.around_nodes = set(self.paths_around_nodes(needs))
        nothing = (0,) * len(self.world.cells)
        start = Partial(nothing, nothing, frozenset(), frozenset(), (), (), frozenset())
        return self.meet(needs, ROOT, None, False, {start: Standing((0,) * len(self.added), None)})

    def paths_around_nodes(self, needs: Sequence[Need]) -> Iterator[str]:
        """Yield the paths of groups, and of the vertices right around nodes and groups: what is beside is no node's."""
        groups = {place.level for place in self.world.places if place.position < 0}
        for need in needs:
            if need.kind == "place" and need.vertex.type in groups:
                yield need.vertex.path
            if need.kind == "place" and need.vertex.type in groups | {"node"}:
                yield around(need.vertex.path)
            yield from self.paths_around_nodes(need.children)

    def meet(self, needs: Sequence[Need], at: int, home: int | None, in_slot: bool, states: States) -> States:
        """Meet the vertices of one list within the place `at`; `home` is the node of a slot that names none."""
        for need in needs:
            states = self.meet_all(need, at, home, in_slot, states)
        return states

    def meet_all(self, need: Need, at: int, home: int | None, in_slot: bool, states: States) -> States:
        """Return what comes of meeting a vertex as often as its count says."""
        count = self.counts[need]
        if need.kind in {"core", "gpu", "stock"} and need.children:
            return {}  # nothing stands inside a core
        if need.kind in {"core", "gpu"}:
            return self.merge(
                (taken, standing)
                for state, standing in states.items()
                for taken in self.take(need, count, at, home, state, in_slot)
            )
        if need.kind == "stock":
            amount = asked_pieces(need.vertex, count)
            above = at == ROOT or self.world.places[at].position < 0
            if above and not in_slot and not self.world.is_in_groups(need.vertex.type):
                return {}  # what stands beside nodes is not theirs
            beside = in_slot and around(need.vertex.path) in self.around_nodes
            beside = beside and above
            if beside and not stands_in_slot(need.vertex.path):
                return self.of_group(need.vertex.type, amount, at, states)
            return {
                self.ask(need.vertex.type, amount, at, home, in_slot, s, beside): standing
                for s, standing in states.items()
            }
        if need.kind == "nothing" and not need.children:
            return states
        for _ in range(count):
            if need.kind == "slot":
                states = self.open_slot(need, at, home, states)
            elif need.kind == "outer":
                states = self.open_outer(need, at, home, states)
            elif need.kind == "place":
                states = self.meet_place(need, at, home, in_slot, states)
            else:
                states = self.meet(need.children, at, home, in_slot, states)
        return states

    def meet_place(self, need: Need, at: int, home: int | None, in_slot: bool, states: States) -> States:
        """Meet one domain, node or group vertex by each place that is there for it."""
        world, vertex = self.world, need.vertex
        found: list[tuple[Partial, Standing]] = []
        for key, place in enumerate(world.places):
            outer = at if place.position < 0 or place.level == "node" else self.spot(at, home)
            if place.level != vertex.type or not place.usable or (need.same and key != at):
                continue
            mark = (key, need.same) if need.same else key
            if in_slot and place.position < 0 and not need.whole:
                # Slots are content to share a group: it is taken for what stands beside this vertex alone.
                mark = (key, INSIDE + around(vertex.path))
            if not need.same and not (world.inside(outer, key) and world.inside(at, key)):
                continue
            if vertex.id is not None and place.number not in vertex.id:
                continue
            if need.whole and not (place.intact and not world.stock_held & world.under[key]):
                continue
            cells = [i for i, cell in enumerate(world.cells) if key in world.places[cell.place].holders]
            here = {
                state._replace(used=state.used | {mark}): standing
                for state, standing in states.items()
                if mark not in state.used
                and not (need.whole and (any(state.taken[i] for i in cells) or state.gave & world.under[key]))
            }
            inside = need.children
            if need.whole and place.position >= 0:
                # Of what is whole, all that is in it counts.
                for stock in [child for child in inside if child.kind == "stock" and self.listed(child, key)]:
                    inside = tuple(child for child in inside if child is not stock)
                    amount = asked_pieces(stock.vertex, self.counts[stock])
                    demand = (stock.vertex.type, self.listed(stock, key))
                    said = ((stock.vertex.type, key, amount),) if in_slot else ()
                    here = {
                        s._replace(demands=add(s.demands, demand, amount), within=(*s.within, *said)): cost
                        for s, cost in here.items()
                    }
            here = self.meet(inside, key, home, in_slot, here)
            if need.whole:
                if not cells and not (place.complete and any(world.places[k].stock for k in world.under[key])):
                    continue  # R lists nothing of it
                here = self.merge(
                    (self.take_rest(state, cells, key, in_slot), self.asked_whole(key, state, standing))
                    for state, standing in here.items()
                )
            found += here.items()
        return self.merge(found)

    def asked_whole(self, place: int, state: Partial, standing: Standing) -> Standing:
        """Count a place that is asked for whole, where R lists only a part of it; once, whatever stands for it."""
        if self.world.places[place].complete or place in state.own | state.wholes:
            return standing
        cost = (number + (name == "partial") for name, number in zip(self.added, standing.cost, strict=True))
        return standing._replace(cost=tuple(cost))

    def homes(self, need: Need, at: int, home: int | None) -> list[int | None]:
        """Return the nodes that a slot may stand on; where it names its nodes itself, or stands in one, no matter."""
        world = self.world
        if home is not None or not need.roaming or (at != ROOT and world.places[at].position >= 0):
            return [home]
        return [
            key
            for key, place in enumerate(world.places)
            if place.level == "node" and place.usable and world.inside(at, key)
        ]

    def open_outer(self, need: Need, at: int, home: int | None, states: States) -> States:
        """Meet what a slot that holds slots has inside: on one node, where it names none; none of it is in a slot."""
        stock = [child for child in need.children if child.kind == "stock"]
        others = [child for child in need.children if child.kind != "stock"]
        only = others[0] if len(others) == 1 and others[0].vertex.type == "node" else None
        if only is not None and self.counts[only] == 1:
            # What stands beside the one node is asked of it as what stands in it is, unless groups have it.
            inside = [child for child in stock if not self.world.is_in_groups(child.vertex.type)]
            stock = [child for child in stock if child not in inside]
            others = [replace(only, children=(*only.children, *inside))]
            self.counts[others[0]] = 1
        found: list[tuple[Partial, Standing]] = []
        for node in self.homes(need, at, home):
            for before, cost in states.items():
                for state, standing in self.meet(others, at, node, False, {before: cost}).items():
                    place = at if at != ROOT and self.world.places[at].position >= 0 else self.home_of(before, state)
                    for child in stock:
                        if place is None or child.children:
                            break
                        name, amount = child.vertex.type, asked_pieces(child.vertex, self.counts[child])
                        if node is None and place != at and self.world.is_in_groups(name):
                            group = self.world.around_all(name, [place])
                            sources = frozenset() if group is None else frozenset({group})
                            state = state._replace(demands=add(state.demands, (name, sources), amount))
                        else:
                            state = self.ask(name, amount, place, None, False, state)
                    else:
                        found.append((state, standing))
        return self.merge((self.left(need, state), standing) for state, standing in found)

    def left(self, need: Need, state: Partial) -> Partial:
        """Forget which groups stand for what is inside a slot."""
        path = INSIDE + need.vertex.path
        inside = [m for m in state.used if isinstance(m, tuple) and (m[1] == path or m[1].startswith(f"{path}/"))]
        return state._replace(used=state.used.difference(inside))

    def home_of(self, before: Partial, after: Partial) -> int | None:
        """Return the node that gave what was taken in between; None where several did."""
        world = self.world
        more = [i for i, (old, new) in enumerate(zip(before.taken, after.taken, strict=True)) if new > old]
        nodes = {world.node(world.places[world.cells[i].place].position) for i in more}
        return nodes.pop() if len(nodes) == 1 else None

    def open_slot(self, need: Need, at: int, around: int | None, states: States) -> States:
        """Fill one slot; where the request names no node for what it holds, on each node in turn."""
        found: list[tuple[Partial, Standing]] = []
        for home in self.homes(need, at, around):
            here = self.meet(need.children, at, home, True, states)
            for state, standing in here.items():
                found += self.close_slot(need, at, state, standing)
        return self.merge(found)

    def merge(self, found: Iterable[tuple[Partial, Standing]]) -> States:
        """Keep of equal states the one with the lowest affinity."""
        states: States = {}
        for state, standing in found:
            self.world.patience -= 1
            if self.world.patience < 0:
                raise TooManyError
            if state not in states or standing.cost < states[state].cost:
                states[state] = standing
        return states

    def take(
        self, need: Need, count: int, at: int, home: int | None, state: Partial, in_slot: bool
    ) -> Iterator[Partial]:
        """Take cores (or gpus) from the place, in every mixture of its cells."""
        world = self.world
        where = self.spot(at, home)
        cells = [
            i
            for i, cell in enumerate(world.cells)
            if cell.kind == need.kind
            and (where == ROOT or where in world.places[cell.place].holders)
            and (at == ROOT or at in world.places[cell.place].holders)
            and (need.vertex.id is None or need.vertex.id in cell.sets)
        ]
        free = [world.cells[i].free - state.taken[i] for i in cells]
        for mixture in mixtures(count, free):
            yield give(state, cells, mixture, in_slot)

    def take_rest(self, state: Partial, cells: Sequence[int], key: int, in_slot: bool) -> Partial:
        """Take all that is left of a whole domain."""
        rest = [self.world.cells[i].free - state.taken[i] for i in cells]
        state = give(state, cells, rest, in_slot)
        return state._replace(own=state.own | {key}) if in_slot else state._replace(wholes=state.wholes | {key})

    def spot(self, at: int, home: int | None) -> int:
        """Return the place that cores come from: the innermost named one, or the node that the slot stands on."""
        if home is None or (at != ROOT and self.world.places[at].position >= 0):
            return at
        return home

    def ask(
        self, name: str, amount: int, at: int, home: int | None, in_slot: bool, state: Partial, above: bool = False
    ) -> Partial:
        """Note what is asked for; where it comes from shows when the slot is filled."""
        if in_slot:
            return state._replace(asked=(*state.asked, (name, at if above else self.spot(at, home), amount, above)))
        return state._replace(demands=add(state.demands, (name, self.world.sources(name, at, ())), amount))

    def of_group(self, name: str, amount: int, at: int, states: States) -> States:
        """Note what a group in a slot is asked for."""
        sources = self.world.sources(name, at, ())
        if not sources or not self.world.is_in_groups(name):
            return {}
        said = (name, min(sources), amount)
        return {
            state._replace(demands=add(state.demands, (name, sources), amount), within=(*state.within, said)): standing
            for state, standing in states.items()
        }

    def listed(self, need: Need, at: int) -> frozenset[int]:
        """Return all that lists what is asked for in a place, itself and those inside it."""
        return self.listed_in(need.vertex.type, at)

    def listed_in(self, name: str, at: int) -> frozenset[int]:
        """Return all that lists an amount in a place, itself and those inside it."""
        world = self.world
        return frozenset(k for k, place in enumerate(world.places) if name in place.stock and at in place.holders)

    def close_slot(
        self, need: Need, around: int, state: Partial, standing: Standing
    ) -> Iterator[tuple[Partial, Standing]]:
        """Count what the filled slot costs, for all that could give it memory; nothing when it holds nothing."""
        world = self.world
        held = [i for i, number in enumerate(state.slot) if number]
        if not held:
            return
        with_gpu = any(world.cells[i].kind == "gpu" for i in held)
        places = [world.cells[i].place for i in held if world.cells[i].kind == "core"]
        within = tuple(
            (name, self.listed_in(name, at), amount)
            for name, at, amount in state.within
            if world.places[at].position >= 0
        )
        near = places or [world.cells[i].place for i in held]
        here = [world.cells[i].place for i in held]
        said = [(*item[:3], group_of(world, item, here)) for item in state.asked]
        inside = world.places[around].holders if around != ROOT else frozenset[int]()
        for gave, parts in ways(world, state.asked, here, near, state.wholes - inside):
            demands = state.demands
            for name, sources, amount in parts:
                demands = add(demands, (name, sources), amount)
            if state.asked and not world.stock_fits(demands):
                continue
            costs = (self.slot_cost(name, state.slot, gave) for name in self.added)
            closed = self.left(need, state)._replace(
                slot=(0,) * len(world.cells),
                asked=(),
                within=(),
                demands=demands,
                shield=state.shield if with_gpu else state.shield | frozenset(places),
                wholes=state.wholes | state.own,
                own=frozenset(),
                gave=state.gave | gave,
            )
            cost = tuple(a + b for a, b in zip(standing.cost, costs, strict=True))
            asked = (
                *said,
                *((name, at, n, at if world.places[at].position < 0 else ROOT) for name, at, n in state.within),
            )
            label = need.vertex.label or ""
            yield closed, Standing(cost, Slots(label, state.slot, asked, (*parts, *within), gave, standing.slots))

    def slot_cost(self, name: str, slot: Sequence[int], gave: frozenset[int]) -> int:
        """Return what a filled slot adds to a term."""
        world = self.world
        family, _, level = name.partition(".")
        if family == "share":
            return self.share(level, slot)
        if family == "links":
            return self.links(slot)
        if family != "affinity":
            return 0
        held = [*gave, *(world.cells[i].place for i, number in enumerate(slot) if number)]
        touched = frozenset().union(*(world.places[place].holders for place in held))
        return max(0, sum(world.places[key].level == level for key in touched) - 1)

    def links(self, slot: Sequence[int]) -> int:
        """Return by how much less the pairs of a slot's GPUs are joined than the best pairs of their nodes."""
        world, total = self.world, 0
        held: dict[int, set[int]] = {}
        for cell, number in zip(world.cells, slot, strict=True):
            if number and cell.kind == "gpu":
                held.setdefault(world.places[cell.place].position, set()).add(cell.gpu)
        for position, gpus in held.items():
            pairs = world.machine.types[world.machine.type_of[position]].links
            total += sum(less for one, other, less in pairs if one in gpus and other in gpus)
        return total

    def share(self, level: str, slot: Sequence[int]) -> int:
        """Return how far a slot's cores stand from the share of its GPUs, node by node."""
        world = self.world
        nodes: dict[int, dict[int, dict[str, int]]] = {}
        for cell, number in zip(world.cells, slot, strict=True):
            if not number:
                continue
            place = world.places[cell.place]
            around = [key for key in place.holders if world.places[key].level == level] or [-1]
            for key in around:
                here = nodes.setdefault(place.position, {}).setdefault(key, {"core": 0, "gpu": 0})
                here[cell.kind] += number
            # All that the node gives, once.
            every = nodes[place.position].setdefault(-2, {"core": 0, "gpu": 0})
            every[cell.kind] += number
        total = 0
        for inside in nodes.values():
            every = inside.pop(-2)
            if every["core"] and every["gpu"]:
                total += sum(max(0, every["gpu"] * d["core"] - every["core"] * d["gpu"]) for d in inside.values())
        return total


def give(state: Partial, cells: Sequence[int], numbers: Sequence[int], in_slot: bool) -> Partial:
    """Hand out so many of each of these cells, to the slot that is being filled or to the job alone."""
    taken, slot = list(state.taken), list(state.slot)
    for cell, number in zip(cells, numbers, strict=True):
        taken[cell] += number
        if in_slot:
            slot[cell] += number
    return state._replace(taken=tuple(taken), slot=tuple(slot))


def add(demands: Demands, demand: Demand, amount: int) -> Demands:
    """Add an amount to what is asked for from the same sources."""
    total = dict(demands)
    total[demand] = total.get(demand, 0) + amount
    return frozenset(total.items())


def mixtures(count: int, free: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All ways of taking `count` from piles of these sizes."""
    if not free:
        if count == 0:
            yield ()
        return
    for number in range(max(0, count - sum(free[1:])), min(count, free[0]) + 1):
        for others in mixtures(count - number, free[1:]):
            yield (number, *others)
