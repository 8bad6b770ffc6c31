"""Why a request does not fit, in its own words, cheaply enough for the scheduling loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from ..grammar.constraint import Constraint
from ..grammar.query import query_text
from ..topology.machine import Machine
from .decide import Decider, Situation
from .demand import Bundle, Demand, GroupDemand, HostDemand, Kind, Want
from .lexicographic import Budget
from .machine_model.patterns import flatten
from .offers import CutOff
from .request import Request
from .resolve import Problem

PATIENCE = 1.0
"""Seconds that the search for a reason may take."""

WHOLE = "whole nodes"


class Reasons:
    """Finds reasons on one machine."""

    def __init__(self, machine: Machine, decider: Decider) -> None:
        self._machine = machine
        self._decider = decider

    def insufficient(self, request: Request) -> str:
        """Return what to say of a request that could be placed on the empty pool, but not now."""
        what = "/".join(vertex.type for vertex in request.shape.vertices[:1])
        return f"insufficient resources now for {request.name or what}"

    def infeasible(self, problem: Problem, situation: Situation, constraint: Constraint) -> str:
        """Return why a request cannot be placed even on the empty pool."""
        eligible = situation.field.eligible.bit_count()
        if not eligible:
            return f"no rank of {self._machine.size} matches the constraint {query_text(constraint)}"
        every = eligible == self._machine.size
        where = f"{eligible} ranks" if every else f"the {eligible} ranks that match the constraint"
        demand = problem.demand(problem.least)
        search = _Search(self._machine, self._decider, situation)
        try:
            return search.reason(demand, where)
        except CutOff:
            return f"there is no room for all of it on {where}"


class _Search:
    """Asks again for less, to see what is in the way."""

    def __init__(self, machine: Machine, decider: Decider, situation: Situation) -> None:
        self.machine = machine
        self.decider = decider
        self.situation = situation
        self.budget = Budget(PATIENCE)

    def reason(self, demand: Demand, where: str) -> str:
        """Name the first vertex that is too much by itself, nodes before the groups around them."""
        groups, hosts = flatten(demand.root)
        times = [1] * len(groups)
        for number, (group, above) in enumerate(groups):
            times[number] = group.count * (times[above] if number else 1)
        for placed in hosts:
            number = placed.demand.count * times[placed.parent]
            room = self._room(placed.demand)
            if room is not None and room < number:
                cause = self._cause(_types(placed.demand.bundle), partial(self._has_room, placed.demand, number))
                return f"{placed.demand.path}: asks for {number}, {where} have room for {room}{cause}"
        for group, _ in reversed(groups[1:]):
            if not self._fits(group):
                most = self._most(group)
                there = sum(1 for one in self.machine.groups if one.level == group.level)
                cause = self._cause(_types_in(group), partial(self._fits_thinned, _alone(groups=(group,)).root))
                return f"{group.path}: asks for {group.count}, {most} of {there} have what stands below it{cause}"
        cause = self._cause(_types_in(demand.root), partial(self._fits_thinned, demand.root))
        return f"its parts fit one by one, but not together, on {where}{cause}"

    def _cause(self, types: Sequence[str], fits_without: Callable[[str], bool]) -> str:
        """Return what lacks: the first thing without which there would be room."""
        lacking = next((name for name in types if fits_without(name)), None)
        return f" for want of {lacking}" if lacking else ""

    def _room(self, host: HostDemand) -> int | None:
        """Return for how many nodes, or loose units, there is room; None when that is not known."""
        if not (host.bundle.wants or host.bundle.whole):
            return None if host.loose else self.situation.field.eligible.bit_count()
        return self.decider.room(_alone(hosts=(host,)), self.situation, self.budget)

    def _has_room(self, host: HostDemand, number: int, name: str) -> bool:
        less = _thinned_host(host, name)
        room = self._room(less)
        return room >= number if room is not None else less.loose and not less.bundle.wants

    def _fits(self, group: GroupDemand) -> bool:
        return self._fits_all(_alone(groups=(group,)).root)

    def _most(self, group: GroupDemand) -> int:
        """Return how many such groups there are, fewer than are asked for."""
        low, high = 0, group.count - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._fits(replace(group, count=middle)):
                low = middle
            else:
                high = middle - 1
        return low

    def _fits_thinned(self, root: GroupDemand, name: str) -> bool:
        return self._fits_all(_thinned(root, name))

    def _fits_all(self, root: GroupDemand) -> bool:
        return self.decider.fits(Demand(root, 0, ()), self.situation, self.budget)


def _alone(hosts: tuple[HostDemand, ...] = (), groups: tuple[GroupDemand, ...] = ()) -> Demand:
    return Demand(GroupDemand("", 1, hosts, groups), 0, ())


# -- the same with less -------------------------------------------------------------------------------------------


def _types(bundle: Bundle) -> list[str]:
    """Return what a bundle asks for, from the least to the largest: amounts, GPUs, cores, domains, whole nodes."""
    wants = list(_below((*bundle.wants, *bundle.beside)))
    order = [Kind.AMOUNT, Kind.GPU, Kind.CORE]
    found = [want.type for kind in order for want in wants if want.kind is kind]
    found += [want.type for want in reversed(wants) if want.kind is Kind.DOMAIN]
    return list(dict.fromkeys([*found, *([WHOLE] if bundle.whole else [])]))


def _below(wants: Sequence[Want]) -> Iterator[Want]:
    for want in wants:
        yield want
        yield from _below(want.wants)


def _types_in(group: GroupDemand) -> list[str]:
    found = [name for name, _ in group.amounts]
    found += [name for host in group.hosts for name in _types(host.bundle)]
    found += [name for below in group.groups for name in _types_in(below)]
    found += [below.level for below in group.groups]
    return list(dict.fromkeys(found))


def _thinned(group: GroupDemand, name: str) -> GroupDemand:
    """Return a group demand without what it asks for of one type; groups of that level are any nodes."""
    inside = tuple(_thinned(below, name) for below in group.groups)
    hosts = [_thinned_host(host, name) for host in group.hosts]
    kept = [below for below in inside if below.level != name]
    for below in inside:
        if below.level == name:
            hosts += [replace(host, count=host.count * below.count) for host in below.hosts]
            kept += [replace(deeper, count=deeper.count * below.count) for deeper in below.groups]
    return replace(
        group,
        hosts=tuple(host for host in hosts if host.bundle.wants or host.bundle.whole or not host.loose),
        groups=tuple(kept),
        amounts=tuple(amount for amount in group.amounts if amount[0] != name),
    )


def _thinned_host(host: HostDemand, name: str) -> HostDemand:
    bundle = host.bundle
    whole = bundle.whole and name != WHOLE
    wants = _thinned_wants(bundle.wants, name)
    return replace(host, bundle=Bundle(wants, whole=whole, slot=bundle.slot, piece=bundle.piece, ids=bundle.ids))


def _thinned_wants(wants: Sequence[Want], name: str) -> tuple[Want, ...]:
    found: list[Want] = []
    for want in wants:
        inside = _thinned_wants(want.wants, name)
        if want.kind is not Kind.SLOT and want.type == name:
            found += inside
        elif inside or want.kind is not Kind.SLOT:
            found.append(replace(want, wants=inside))
    return tuple(found)
