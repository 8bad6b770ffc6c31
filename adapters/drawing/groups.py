"""The groups of a machine as they are drawn: what each has, who holds it, and what is left."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...grammar.errors import printable
from ...topology.groups import Group
from ...topology.masks import positions_of

if TYPE_CHECKING:
    from ...topology.machine import Machine
    from .node_state import NodeState

_MEASURED = ("memory", "storage")
_MIB_PER_GIB = 1024

Used = Mapping[tuple[int, str], Fraction]
"""What is taken of the amounts that groups list, by group and name."""


@dataclass(frozen=True, slots=True)
class GroupLook:
    """A group as it is drawn.

    Attributes
    ----------
    group
        The group.
    nodes, idle, down
        Numbers of its nodes: all, those that are up with nothing held, those that are down.
    cores, gpus
        How many are free on nodes that are up, and how many there are.
    amounts
        What it lists of its own: name, what is left, what there is.
    shares
        Which part of its cores (of its GPUs, where there is no core) each tenant holds, by tenant.
    own
        The states of the nodes that stand in no group inside it, by position.
    depth
        How many groups it stands in.
    """

    group: Group
    nodes: int
    idle: int
    down: int
    cores: tuple[int, int]
    gpus: tuple[int, int]
    amounts: tuple[tuple[str, Fraction, Fraction], ...]
    shares: tuple[tuple[int, float], ...]
    own: tuple[NodeState, ...]
    depth: int

    @property
    def name(self) -> str:
        """Level and number."""
        return f"{self.group.level} {self.group.number}"

    @property
    def free(self) -> float:
        """The part of its cores, or else GPUs, that is free."""
        left, there = self.cores if self.cores[1] else self.gpus
        return left / there if there else 1.0

    def remarks(self) -> list[str]:
        """Return what it has and has left, in lines."""
        nodes = [_number(self.nodes, "node")]
        if self.idle < self.nodes:
            nodes.append(f"{self.idle} idle")
        if self.down:
            nodes.append(f"{self.down} down")
        lines = [", ".join(nodes)]
        things = [_left(*pair, what) for pair, what in ((self.cores, "core"), (self.gpus, "gpu")) if pair[1]]
        if things:
            lines.append(", ".join(things) + " free")
        return [*lines, *(_amount_left(*amount) for amount in self.amounts)]


def look_at_groups(machine: Machine, states: Sequence[NodeState], used: Used) -> list[GroupLook]:
    """Return all groups, in pre-order; linear in the nodes of each level."""
    if not machine.groups:
        return []
    at = array("l", [0]) * machine.size
    for number, state in enumerate(states):
        for first, last in state.places:
            at[first : last + 1] = array("l", [number]) * (last - first + 1)
    facts = [_Facts.of(state) for state in states]
    looks: list[GroupLook] = []
    depths: dict[int, int] = {-1: -1}
    for group in machine.groups:
        depths[group.index] = depths[group.parent] + 1
        inner = group.members
        for child in group.children:
            inner &= ~machine.groups[child].members
        count = Counter(at[position] for position in positions_of(group.members))
        own = tuple(states[at[position]] for position in positions_of(inner))
        looks.append(_look(group, [(facts[number], times) for number, times in count.items()], own, used, depths))
    return looks


@dataclass(frozen=True, slots=True)
class _Facts:
    """What counts of a node in a state."""

    down: bool
    idle: bool
    cores: tuple[int, int]
    gpus: tuple[int, int]
    held: Mapping[int, int]

    @classmethod
    def of(cls, state: NodeState) -> _Facts:
        cores, gpus = state.type.cores.bit_count(), state.type.gpus.bit_count()
        owners = state.cores if cores else state.gpus
        free = (0, 0) if state.down else (cores - len(state.cores), gpus - len(state.gpus))
        return cls(
            state.down,
            state.idle and not state.down,
            (free[0], cores),
            (free[1], gpus),
            Counter(owners.values()),
        )


def _look(
    group: Group,
    nodes: Sequence[tuple[_Facts, int]],
    own: tuple[NodeState, ...],
    used: Used,
    depths: Mapping[int, int],
) -> GroupLook:
    def total(pick: Any) -> int:
        return sum(int(pick(facts)) * times for facts, times in nodes)

    cores = total(lambda facts: facts.cores[0]), total(lambda facts: facts.cores[1])
    gpus = total(lambda facts: facts.gpus[0]), total(lambda facts: facts.gpus[1])
    held: Counter[int] = Counter()
    for facts, times in nodes:
        for tenant, count in facts.held.items():
            held[tenant] += count * times
    there = cores[1] or gpus[1] or 1
    amounts = tuple(
        (name, max(amount - used.get((group.index, name), Fraction(0)), Fraction(0)), amount)
        for name, amount in group.resources
    )
    return GroupLook(
        group,
        sum(times for _, times in nodes),
        total(lambda facts: facts.idle),
        total(lambda facts: facts.down),
        cores,
        gpus,
        amounts,
        tuple((tenant, count / there) for tenant, count in sorted(held.items())),
        own,
        depths[group.index],
    )


def amounts_taken(machine: Machine, jobs: Iterable[Mapping[str, Any]]) -> dict[tuple[int, str], Fraction]:
    """Return what jobs hold of the amounts that groups list, from their R; of one that says it wrongly, nothing."""
    if not any(group.resources for group in machine.groups):
        return {}
    from ...solver.placement.job_R import read_job

    held: list[tuple[int, str, int]] = []
    for R in jobs:
        try:
            held += read_job(machine, R).group_used
        except ValueError:
            continue
    return taken(held)


def taken(held: Iterable[tuple[int, str, int]]) -> dict[tuple[int, str], Fraction]:
    """Return the sums of (group, name, amount), memory and storage being in MiB there and in GiB here."""
    sums: dict[tuple[int, str], Fraction] = {}
    for group, name, amount in held:
        each = Fraction(amount, _MIB_PER_GIB if name in _MEASURED else 1)
        sums[group, name] = sums.get((group, name), Fraction(0)) + each
    return sums


def _left(left: int, there: int, what: str) -> str:
    return _number(there, what) if left == there else f"{left} of {_number(there, what)}"


def _amount_left(name: str, left: Fraction, there: Fraction) -> str:
    unit = " GiB" if name in _MEASURED else ""
    some = "" if left == there else f"{_short(left)} of "
    return f"{printable(name)}: {some}{_short(there)}{unit} left"


def _short(amount: Fraction) -> str:
    return str(amount) if amount.denominator == 1 else f"{float(amount):.4g}"


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
