"""The domains of some nodes as stops on the way through them, and what it costs to use one: pairs of numbers.

The policy's components are put together in the real and the imaginary part of a complex number, both of them whole
numbers that a float holds exactly. Such pairs are added part by part, and numpy compares them lexicographically.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from ..policy.scale import Scale
from ..policy.terms import Component, CoreTouch, Cross, Touch
from ..state.domain_state import UNNAMED, DomainState

WORD = 1 << 52
"""The values of the components in one part together stay below it."""


@dataclass(frozen=True)
class Stop:
    """A domain.

    Attributes
    ----------
    node, place
        The number of its node, and where it stands there.
    path
        The places of the domains that it is in, the node first, itself left out.
    cores, gpus
        That are free.
    shared
        How deep the innermost domain is that it shares with the stop before it, counted from the node: -1 for none.
    same
        Whether it stands where the stop before it stands, and is in the same state.
    """

    node: int
    place: int
    path: tuple[int, ...]
    cores: int
    gpus: int
    shared: int = -1
    same: bool = False

    @property
    def depth(self) -> int:
        """How deep the domain itself is."""
        return len(self.path)


def stops_of(nodes: Sequence[DomainState], *, gpus: bool) -> list[Stop] | None:
    """Return the innermost domains that have anything free, in order; None where not all is in such, of equal depth.

    Parameters
    ----------
    gpus
        Whether GPUs are asked for, too.
    """
    stops: list[Stop] = []
    kinds: set[tuple[str, ...]] = set()
    for number, node in enumerate(nodes):
        for place, path in _paths(node, 0, ()):
            domain = node.flat[place]
            cores, some = domain.own_free_cores, domain.own_free_gpus if gpus else 0
            if not (cores or some):
                continue
            if any(inner.free_cores or (gpus and inner.free_gpus) for inner in domain.children):
                return None
            kinds.add(tuple(node.flat[at].level for at in (*path, place)[1:]))
            stops.append(Stop(number, place, path, cores, some))
    if len(kinds) != 1:
        return None
    (levels,) = kinds
    return _linked(nodes, stops) if len({*levels, UNNAMED}) > len(levels) else None


def stops_at(nodes: Sequence[DomainState], stops: Sequence[Stop], depth: int) -> list[Stop]:
    """Return the domains of some depth that stops are in, as stops with all that is free there."""
    found = []
    for (node, *path), some in groupby(stops, lambda stop: (stop.node, *stop.path[: depth + 1])):
        inside = list(some)
        cores, gpus = sum(stop.cores for stop in inside), sum(stop.gpus for stop in inside)
        found.append(Stop(node, path[depth], tuple(path[:depth]), cores, gpus))
    return _linked(nodes, found)


def _linked(nodes: Sequence[DomainState], stops: Sequence[Stop]) -> list[Stop]:
    linked = []
    last: Stop | None = None
    for stop in stops:
        if last is not None and last.node == stop.node:
            shared = sum(a == b for a, b in zip(last.path, stop.path, strict=True)) - 1
            flat = nodes[stop.node].flat
            same = last.path == stop.path and flat[last.place] == flat[stop.place]
            stop = replace(stop, shared=shared, same=same)
        linked.append(stop)
        last = stop
    return linked


def _paths(domain: DomainState, place: int, path: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
    yield place, path
    at = place + 1
    for child in domain.children:
        yield from _paths(child, at, (*path, place))
        at += len(child.flat)


@dataclass(frozen=True)
class Costs:
    """What stops cost.

    Attributes
    ----------
    touch
        Of each stop, by how deep the domain is that is touched and not left yet, from -1 on: what it costs to use it.
    shield
        Of each stop, what it costs beside that a slot without GPUs uses it.
    units
        What it costs to cross from one domain to another, by how deep they are.
    """

    touch: tuple[tuple[complex, ...], ...]
    shield: tuple[complex, ...]
    units: tuple[complex, ...]

    @property
    def cross(self) -> tuple[complex, ...]:
        """What it costs to go on with a run, by how deep the domain is that it was in and that is not left, from -1."""
        return (*tuple(accumulate(reversed(self.units)))[::-1], 0j)


def costs_of(
    scale: Scale, nodes: Sequence[DomainState], stops: Sequence[Stop], *, all_terms: bool, shielded: bool
) -> Costs | None:
    """Return what stops cost; None where that is no sum, it is good to touch some, or the numbers would be too large.

    Parameters
    ----------
    all_terms
        Whether all terms count, or only what is crossed.
    shielded
        Whether slots without GPUs here have none at all.
    """
    domains = {(stop.node, at) for stop in stops for at in (*stop.path, stop.place)}
    states = {key: nodes[key[0]].flat[key[1]] for key in sorted(domains)}
    spans: list[tuple[Component, int]] = []
    if scale.rooms:
        return None  # what is lost of a domain's room depends on how much of it is taken
    for component in scale.components:
        if isinstance(component, Cross):
            spans.append((component, len(stops) + 1))
        elif all_terms and (shielded or not isinstance(component, CoreTouch)):
            weights = [_weight(component, state) for state in states.values()]
            if min(weights) < 0:
                return None
            if any(weights):
                spans.append((component, sum(weights) + 1))
    units = _units(spans)
    if units is None:
        return None
    touches = [(c, unit) for c, unit in units if isinstance(c, Touch)]
    shields = [(c, unit) for c, unit in units if isinstance(c, CoreTouch)]
    crosses = {c.level: unit for c, unit in units if isinstance(c, Cross)}
    touch = {key: sum((u * _weight(c, state) for c, u in touches), 0j) for key, state in states.items()}
    sums = [
        tuple(accumulate([touch[stop.node, at] for at in (stop.place, *reversed(stop.path))]))[::-1] for stop in stops
    ]
    shield = [sum((u * _weight(c, states[stop.node, stop.place]) for c, u in shields), 0j) for stop in stops]
    first = nodes[stops[0].node].flat
    levels = [first[at].level for at in (*stops[0].path, stops[0].place)]
    return Costs(tuple(sums), tuple(shield), (0j, *(crosses.get(level, 0j) for level in levels[1:])))


def _weight(component: Component, state: DomainState) -> int:
    """Return what a component counts where a domain is touched, or a core of its own is taken."""
    if isinstance(component, Touch):
        return component.weight(state) if component.level == state.level else 0
    return component.weight(state) if isinstance(component, CoreTouch) and state.own_free_cores else 0


def _units(spans: Sequence[tuple[Component, int]]) -> list[tuple[Component, complex]] | None:
    """Return what one of each component counts; None where two words do not hold them."""
    words: list[list[tuple[Component, int]]] = [[]]
    size = 1
    for component, span in spans:
        if size * span >= WORD:
            words.append([])
            size = 1
        words[-1].append((component, span))
        size *= span
    if len(words) > 2:
        return None
    units: list[tuple[Component, complex]] = []
    for word, one in zip(words, (complex(1, 0), complex(0, 1)), strict=False):
        factor = 1
        for component, span in reversed(word):
            units.append((component, factor * one))
            factor *= span
    return units
