"""A solution of the program as R (RFC 20) with `scheduling.placement`, ids from the lowest up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from ...grammar.idset import IdSet
from .formulation import Formulation
from .instances import Instance
from .places import MEASURED

Json = dict[str, Any]


def write(formulation: Formulation, values: Sequence[int]) -> Json:
    """Return the R of a solution."""
    left = [list(IdSet.from_mask(cell.ids)) for cell in formulation.cells]
    held: dict[int, dict[str, list[int]]] = {}
    entries: dict[int, list[Json]] = {}
    slots = formulation.slots()
    for number, slot in enumerate(slots):
        given: dict[int, dict[str, list[int]]] = {}
        _give(formulation, values, slot.children, left, given)
        several = {"slot": number} if len(given) > 1 else {}
        amounts = _amounts(formulation, values, slot.walk())
        for node, ids in sorted(given.items()):
            texts = {f"{kind}s": str(IdSet.of(some)) for kind, some in ids.items() if some}
            label = slot.vertex.label or "task"
            entries.setdefault(node, []).append({"label": label, **several, **texts, **amounts.get(node, {})})
            for kind, some in ids.items():
                held.setdefault(node, {"core": [], "gpu": []})[kind].extend(some)
    rest: dict[int, dict[str, list[int]]] = {}
    _give(formulation, values, formulation.roots, left, rest, beside=True)
    for node, ids in rest.items():
        for kind, some in ids.items():
            held.setdefault(node, {"core": [], "gpu": []})[kind].extend(some)
    machine = formulation.places.machine
    lite = [{"rank": str(machine.ranks[node]), "children": _children(held[node])} for node in sorted(held)]
    beside = _amounts(formulation, values, (one for one in formulation.giving.amounts if one.slot() is None))
    for said in beside.values():
        del said["domains"]
    placement = [
        {"ranks": str(machine.ranks[node]), "slots": entries.get(node, []), **beside.get(node, {})}
        for node in sorted(entries.keys() | beside.keys())
    ]
    hosts = {"nodelist": [machine.host(node) for node in sorted(held)]} if len(machine.hosts) else {}
    return {
        "version": 1,
        "execution": {"R_lite": lite, **hosts, "nslots": len(slots), "starttime": 0, "expiration": 0},
        "scheduling": {"placement": placement},
    }


def _amounts(formulation: Formulation, values: Sequence[int], inside: Iterable[Instance]) -> dict[int, Json]:
    """Return what a slot has of amounts on each node, memory and storage in GiB, and which domains give it.

    What it has of what it has whole goes without saying.
    """
    found: dict[int, Json] = {}
    for one in inside:
        if one.kind != "amount" or (one.slot() is not None and formulation.giving.is_in_itself(one)):
            continue
        for key, variable in formulation.giving.parts[one].items():
            name, given = one.vertex.type, values[variable]
            if given:
                exact = Fraction(given, 1024 if name in MEASURED else 1)
                number = int(exact) if exact.denominator == 1 else float(exact)
                here = found.setdefault(formulation.places.places[key].node, {"domains": {}})
                here[name] = here.get(name, 0) + number
                parts = here["domains"].setdefault(name, {})
                place = formulation.places.name(key)
                parts[place] = parts.get(place, 0) + number
    return found


def _give(
    formulation: Formulation,
    values: Sequence[int],
    inside: Sequence[Instance],
    left: list[list[int]],
    given: dict[int, dict[str, list[int]]],
    beside: bool = False,
) -> None:
    """Give instances what the solution says; what is whole gets all that nobody in it has. `beside`: not the slots."""
    for one in inside:
        if beside and one.kind == "slot":
            continue
        if one.kind in ("core", "gpu"):
            for k, variable in formulation.taking[one].items():
                _take(formulation, left, given, k, values[variable])
        else:
            _give(formulation, values, one.children, left, given, beside)
            if one.whole:
                for k in range(len(formulation.cells)):
                    if any(values[v] for v in formulation.stands_around(one, k)):
                        _take(formulation, left, given, k, len(left[k]))


def _take(
    formulation: Formulation, left: list[list[int]], given: dict[int, dict[str, list[int]]], k: int, number: int
) -> None:
    if number:
        cell = formulation.cells[k]
        node = formulation.places.places[cell.place].node
        ids = given.setdefault(node, {"core": [], "gpu": []})[cell.kind]
        ids += [left[k].pop(0) for _ in range(number)]


def _children(ids: dict[str, list[int]]) -> Json:
    return {kind: str(IdSet.of(some)) for kind, some in ids.items() if some or kind == "core"}
