"""A placement as an allocated R (RFC 20) with `scheduling.placement`, ids from the lowest up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import networkx as nx

from ....grammar.idset import IdSet
from .request import Need
from .search import Partial, Slots
from .world import ROOT, Demand, World, asked_pieces

Json = dict[str, Any]


def write(world: World, needs: Sequence[Need], counts: Mapping[Need, int], state: Partial, last: Slots | None) -> Json:
    """Return the R of a placement."""
    left = [_ids(world, i) for i in range(len(world.cells))]
    held: dict[int, tuple[set[int], set[int]]] = {}
    entries: dict[int, list[Json]] = {}
    slots = list(_in_order(last))
    rest = [taken - sum(slot.slot[i] for slot in slots) for i, taken in enumerate(state.taken)]
    written: list[dict[int, Json]] = []
    for number, slot in enumerate(slots):
        pieces = {node: _give(world, left, given) for node, given in _by_node(world, slot.slot).items()}
        several = {"slot": number} if len(pieces) > 1 else {}
        for node, (cores, gpus) in pieces.items():
            _hold(held, node, cores, gpus)
            ids = {"cores": cores, "gpus": gpus}
            texts = {key: str(IdSet.of(some)) for key, some in ids.items() if some}
            entries.setdefault(node, []).append({"label": slot.label, **several, **texts})
        _note_amounts(world, slot, {node: entries[node][-1] for node in pieces})
        written.append({node: entries[node][-1] for node in pieces})
    _note_domains(world, state, slots, written)
    for node, given in _by_node(world, rest).items():
        _hold(held, node, *_give(world, left, given))
    ranks = world.machine.ranks
    placement = [{"ranks": str(ranks[node]), "slots": entries[node]} for node in sorted(entries)]
    placement += _group_amounts(world, slots)
    placement += _job_amounts(world, needs, counts, min(held))
    return {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": str(ranks[node]), "children": _children(*held[node])} for node in sorted(held)],
            "nodelist": [world.machine.host(node) for node in sorted(held)],
            "nslots": len(slots),
            "starttime": 0,
            "expiration": 0,
        },
        "scheduling": {"writer": "exactfit.adapters.flux", "placement": placement},
    }


def _ids(world: World, index: int) -> list[int]:
    """Return the free ids that a cell counts."""
    cell = world.cells[index]
    place = world.places[cell.place]
    mask = place.own_cores if cell.kind == "core" else place.own_gpus
    ids = [i for i in IdSet.from_mask(mask) if world.sets_of(cell.kind, i) == cell.sets]
    return ids if cell.gpu < 0 else [cell.gpu]


def _in_order(last: Slots | None) -> Iterator[Slots]:
    if last is not None:
        yield from _in_order(last.before)
        yield last


def _by_node(world: World, numbers: Sequence[int]) -> dict[int, dict[int, int]]:
    """Return how many of which cells, by the position of the node."""
    found: dict[int, dict[int, int]] = {}
    for i, number in enumerate(numbers):
        if number:
            found.setdefault(world.places[world.cells[i].place].position, {})[i] = number
    return found


def _give(world: World, left: list[list[int]], given: Mapping[int, int]) -> tuple[set[int], set[int]]:
    cores: set[int] = set()
    gpus: set[int] = set()
    for i, number in given.items():
        some = [left[i].pop(0) for _ in range(number)]
        (cores if world.cells[i].kind == "core" else gpus).update(some)
    return cores, gpus


def _hold(held: dict[int, tuple[set[int], set[int]]], node: int, cores: set[int], gpus: set[int]) -> None:
    before = held.get(node, (set(), set()))
    held[node] = before[0] | cores, before[1] | gpus


def _note_amounts(world: World, slot: Slots, entries: Mapping[int, Json]) -> None:
    """Write what a slot took of memory and the like to the node that it was asked for on, or to its first."""
    for name, at, amount, group in slot.asked:
        if _is_of_group(world, name, group, entries):
            continue
        position = world.places[at].position if at != ROOT else -1
        entry = entries[position if position in entries else min(entries)]
        entry[name] = entry.get(name, 0) + _said(name, amount)


def _is_of_group(world: World, name: str, group: int, nodes: Iterable[int]) -> bool:
    """Whether R says of a group what a slot took: with a node of its own it would be read as the node's."""
    own = any(name in place.stock for place in world.places if place.position in set(nodes))
    return group != ROOT and (own or len(set(nodes)) > 1)


def _group_amounts(world: World, slots: Sequence[Slots]) -> list[Json]:
    """Say what slots took of groups beside their nodes."""
    total: dict[int, dict[str, int]] = {}
    for slot in slots:
        for name, _, amount, group in slot.asked:
            if _is_of_group(world, name, group, _by_node(world, slot.slot)):
                here = total.setdefault(group, {})
                here[name] = here.get(name, 0) + amount
    places = world.places
    return [
        {"level": places[group].level, "number": places[group].number, **{n: _said(n, a) for n, a in here.items()}}
        for group, here in sorted(total.items())
    ]


def _note_domains(world: World, state: Partial, slots: Sequence[Slots], written: Sequence[dict[int, Json]]) -> None:
    """Write which domains give what to the slots that have memory and the like of domains they have nothing else of."""
    if not any(slot.gave for slot in slots):
        return
    others = dict(state.demands)
    for name, sources, amount in (part for slot in slots for part in slot.parts):
        others[name, sources] -= amount
    flows: nx.DiGraph[object] = nx.DiGraph()
    for key, place in enumerate(world.places):
        for name, stock in place.stock.items():
            flows.add_edge((key, name), "all", capacity=stock)
    asked: list[tuple[int | None, Demand, int]]
    asked = [(None, demand, amount) for demand, amount in (*world.base.items(), *others.items())]
    asked += [(i, (name, some), n) for i, slot in enumerate(slots) for name, some, n in slot.parts]
    asked = [item for item in asked if all(world.places[key].position >= 0 for key in item[1][1])]
    for number, (_, (name, sources), amount) in enumerate(asked):
        flows.add_edge("none", number, capacity=amount)
        for key in sources:
            flows.add_edge(number, (key, name))
    total, given = nx.maximum_flow(flows, "none", "all")
    assert total == sum(amount for _, _, amount in asked)
    taken: Counter[tuple[int, str, int]] = Counter()
    for number, (owner, (name, _), _) in enumerate(asked):
        if owner is not None and slots[owner].gave:
            taken += Counter({(owner, name, key): amount for (key, _), amount in given[number].items()})
    for (owner, name, key), amount in taken.items():
        place = world.places[key]
        if place.position >= 0:
            said = written[owner][place.position].setdefault("domains", {}).setdefault(name, {})
            said[f"{place.level} {world.number(key)}"] = _said(name, amount)


def _said(name: str, amount: int) -> int | float:
    if name not in {"memory", "storage"}:
        return amount
    exact = Fraction(amount, 2**30)
    return int(exact) if exact.denominator == 1 else float(exact)


def _job_amounts(world: World, needs: Sequence[Need], counts: Mapping[Need, int], node: int) -> list[Json]:
    """Say what belongs to the job and to no slot, all of it beside the first node."""
    found: Json = {}

    def gather(needs: Sequence[Need], times: int) -> None:
        for need in needs:
            if need.kind == "stock":
                amount = _said(need.vertex.type, asked_pieces(need.vertex, times * counts[need]))
                found[need.vertex.type] = found.get(need.vertex.type, 0) + amount
            elif need.kind != "slot":
                gather(need.children, times * counts[need])

    gather(needs, 1)
    return [{"ranks": str(world.machine.ranks[node]), **found}] if found else []


def _children(cores: set[int], gpus: set[int]) -> Json:
    listed = {"core": str(IdSet.of(cores))}
    if gpus:
        listed["gpu"] = str(IdSet.of(gpus))
    return listed
