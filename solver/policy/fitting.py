"""Whether a policy can be asked of a machine: its levels, its names, and what its weights give there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ...grammar.errors import shown
from ...grammar.suggest import hint
from ...topology.machine import Machine
from ..state.domain_state import DomainState, arrange
from .terms import OF_GROUPS, Component, CoreTouch, Links, PartialWhole, Policy, Room, Touch, check_value

MOST = 1 << 46
"""No sum over a machine may reach this: values of terms travel as fields of one integer."""


def components_on(machine: Machine, policy: Policy) -> tuple[Component, ...]:
    """Return a policy's components on a machine, first compared first.

    Raises
    ------
    TypeError
        For a term that makes something else, and for a weight that gives no integer.
    ValueError
        For a level that the machine does not have, a name given twice, and weights whose sum would be too large.
    """
    made: list[Component] = []
    for term in policy.terms:
        for component in term(machine.group_levels, machine.levels):
            if not isinstance(component, Component):
                raise TypeError(f"policy {policy.name}: a term makes components, not {shown(component)}")
            made.append(component)
    names = Counter(component.name for component in made)
    for name, times in names.items():
        if times > 1 or name == "size":
            raise ValueError(f"policy {policy.name}: two terms are called {name}")
    for component in made:
        _check_level(machine, policy, component)
        if isinstance(component, Touch | CoreTouch) and getattr(component.weight, "__module__", "") != Touch.__module__:
            _check_weights(machine, component)
        if isinstance(component, Room):
            _check_room(machine, component)
    return tuple(made)


def _check_level(machine: Machine, policy: Policy, component: Component) -> None:
    if isinstance(component, CoreTouch | PartialWhole | Room | Links):
        return
    levels: Sequence[str] = machine.group_levels if isinstance(component, OF_GROUPS) else machine.levels
    if isinstance(component, Touch):
        levels = ("node", *levels)
    if component.level not in levels:
        kind = "level of groups" if isinstance(component, OF_GROUPS) else "level"
        raise ValueError(
            f"policy {policy.name}: term {component.name}: this machine has no {kind} {component.level}"
            f"{hint(component.level, levels, 'it has')}"
        )


def _check_weights(machine: Machine, component: Touch | CoreTouch) -> None:
    """Ask for the weight of every domain of the idle machine."""
    most = 0
    for domain, times in _domains(machine):
        if isinstance(component, CoreTouch) or component.level == domain.level:
            value = component.weight(domain)
            check_value(component.name, value)
            most += abs(value) * times
    if most >= MOST:
        raise ValueError(f"term {component.name}: its weights add up to {most} on this machine, more than {MOST - 1}")


def _check_room(machine: Machine, component: Room) -> None:
    """Ask for the room of every domain of the machine, whatever is free: where more is, it must not be less."""
    most = 0
    for domain, times in _domains(machine):
        rows = []
        for gpus in range(domain.gpus + 1):
            rows.append([component.room(domain, cores, gpus) for cores in range(domain.cores + 1)])
            for value in rows[-1]:
                check_value(component.name, value)
        if any(low > high for row in (*rows, *zip(*rows, strict=True)) for low, high in pairwise(row)):
            raise ValueError(f"term {component.name}: a {domain.level} has less room where more of it is free")
        most += (rows[-1][-1] - rows[0][0]) * times
    if most >= MOST:
        raise ValueError(f"term {component.name}: room adds up to {most} on this machine, more than {MOST - 1}")


def _domains(machine: Machine) -> Iterator[tuple[DomainState, int]]:
    for node_type, mask in zip(machine.types, machine.type_masks, strict=True):
        for domain in arrange(node_type, node_type.cores, node_type.gpus).state.flat:
            yield domain, mask.bit_count()
