"""What is to be seen of a machine: its nodes by state, and who holds what on them.

Every holding is looked at once for each node that it is on, and what only a drawn state needs (its ranks, hosts and
groups in words) is found when it is asked for. So a scene costs as much as the jobs hold, whatever the machine's size
and however many states there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...grammar.idset import IdSet, text_mask
from ...topology.machine import Machine
from ...topology.masks import Runs, merge_runs, runs_of_mask
from ..slots import Borders, pieces_of
from .groups import GroupLook, Used, look_at_groups
from .node_state import NodeState
from .palette import MOST_SLOTS
from .states import Content, Slot, find_states

HELD_BEFORE = 0
"""The tenant of what was busy before any job of the scene."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one tenant holds, the same on each of some nodes.

    Attributes
    ----------
    tenant
        A job's number from 1, or `HELD_BEFORE`.
    places
        The nodes, as runs of positions.
    content
        What it holds on each.
    """

    tenant: int
    places: Runs
    content: Content


@dataclass(frozen=True, slots=True)
class Tenant:
    """A job of the scene: its number from 1 and what the legend says of it."""

    number: int
    text: str


@dataclass(frozen=True)
class Scene:
    """A machine as it is drawn.

    Attributes
    ----------
    title
        What machine it is, in the reader's words.
    states
        By lowest rank.
    tenants
        The jobs of the legend.
    held_before
        Whether something was busy before.
    machine
        The machine, for its groups.
    used
        What is taken of the amounts that its groups list.
    """

    title: str
    states: tuple[NodeState, ...]
    tenants: tuple[Tenant, ...] = field(default=())
    held_before: bool = False
    machine: Machine | None = None
    used: Used = field(default_factory=dict)

    @cached_property
    def groups(self) -> Sequence[GroupLook]:
        """What there is to see of the machine's groups, in pre-order."""
        return [] if self.machine is None else look_at_groups(self.machine, self.states, self.used)

    def foremost(self, states: Sequence[NodeState], most: int) -> list[NodeState]:
        """Return so many of the states at most, by lowest rank: those with jobs of the scene go before others."""
        if len(states) <= most:
            return list(states)
        places = sorted(range(len(states)), key=lambda place: (not states[place].has_jobs, place))
        return [states[place] for place in sorted(places[:most])]


def holdings(machine: Machine, tenant: int, R: Mapping[str, Any], borders: Borders | None = None) -> list[Holding]:
    """Return what an R of a job holds on the machine, slot by slot where it says so.

    Parameters
    ----------
    machine
        Whose ranks the R speaks of.
    tenant
        The job's number from 1, or `HELD_BEFORE`, whose slots are nobody's business.
    R
        RFC 20; legal on this machine.
    borders
        By which torn slots are told. By default those that the job meets when all it asks for is cores and GPUs.
    """
    found = []
    for entry in R["execution"]["R_lite"]:
        children = entry["children"]
        content = Content(text_mask(children.get("core", "")), text_mask(children.get("gpu", "")))
        found.append(Holding(tenant, _places(machine, IdSet.parse(str(entry["rank"]))), content))
    if tenant != HELD_BEFORE:
        found += _slots(machine, tenant, R, borders or Borders(machine))
    return found


def _places(machine: Machine, ranks: IdSet) -> Runs:
    return merge_runs((first, last) for first, last, _ in machine.ranks.locate(ranks.intervals))


def _slots(machine: Machine, tenant: int, R: Mapping[str, Any], borders: Borders) -> list[Holding]:
    pieces = list(pieces_of(R))
    spanning: defaultdict[tuple[str, int], int] = defaultdict(int)
    for piece in pieces:
        if piece.number is not None:
            spanning[piece.label, piece.number] |= machine.mask_of(piece.ranks)
    apart = {key: borders.torn_over_groups(key[0], nodes) for key, nodes in spanning.items()}
    places = {key: place for place, key in enumerate(spanning)} if 1 < len(spanning) <= MOST_SLOTS else {}
    found = []
    for piece in pieces:
        key = (piece.label, -1 if piece.number is None else piece.number)
        by_type: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for first, last in _places(machine, piece.ranks):
            for position in range(first, last + 1):
                by_type[machine.type_of[position]].append((position, position))
        for number, runs in by_type.items():
            torn = borders.torn(machine.types[number], piece) or apart.get(key, False)
            slot = Slot(piece.cores, piece.gpus, torn, places.get(key))
            found.append(Holding(tenant, merge_runs(runs), Content(slots=(slot,))))
    return found


def make_scene(
    title: str,
    machine: Machine,
    held: Iterable[Holding] = (),
    down: int = 0,
    tenants: Sequence[Tenant] = (),
    notes: Sequence[tuple[int, str]] = (),
    used: Used | None = None,
) -> Scene:
    """Return the scene of a machine.

    Parameters
    ----------
    title
        What machine it is.
    machine
        The machine.
    held
        Who holds what. Where two hold one thing, the later one is shown.
    down
        Bitmask of positions that are down.
    tenants
        The jobs for the legend.
    notes
        Bitmasks of positions, and what is to be said of the nodes there.
    used
        What is taken of the amounts that groups list; nothing by default.
    """
    held_before = False
    facts: list[tuple[Runs, tuple[int, Content] | str | None]] = []
    for holding in held:
        held_before |= holding.tenant == HELD_BEFORE
        facts.append((holding.places, (holding.tenant, holding.content)))
    facts += [(runs_of_mask(mask), text) for mask, text in notes]
    facts.append((runs_of_mask(down), None))
    states = tuple(
        NodeState(machine, places, machine.type_at(places[0][0]), look.down, look.shares, ", ".join(look.notes))
        for look, places in find_states(machine, facts)
    )
    return Scene(title, states, tuple(tenants), held_before, machine, used or {})
