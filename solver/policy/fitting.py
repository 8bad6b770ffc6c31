"""Whether a policy can be asked of a machine: its levels, its names, and what its weights give there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise

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
    weighed = [c for c in made if isinstance(c, Touch | CoreTouch | Room) and not _counts_one_each(c)]
    domains = _domains(machine) if weighed else {}
    for component in made:
        _check_level(machine, policy, component)
        if isinstance(component, Touch | CoreTouch) and not _counts_one_each(component):
            of_level = "" if isinstance(component, CoreTouch) else component.level
            _check_weights(component, domains.values() if not of_level else [domains.get(of_level, {})])
        if isinstance(component, Room):
            _check_room(component, domains.values())
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


def _counts_one_each(component: Touch | CoreTouch | Room) -> bool:
    """Tell whether a component has a weight of its own module, which is one for each domain."""
    return not isinstance(component, Room) and getattr(component.weight, "__module__", "") == Touch.__module__


def _check_weights(component: Touch | CoreTouch, domains: Iterable[Mapping[DomainState, int]]) -> None:
    """Ask for the weight of every domain that the component weighs of the idle machine."""
    most = 0
    for domain, times in chain.from_iterable(some.items() for some in domains):
        value = component.weight(domain)
        check_value(component.name, value)
        most += abs(value) * times
    if most >= MOST:
        raise ValueError(f"term {component.name}: its weights add up to {most} on this machine, more than {MOST - 1}")


def _check_room(component: Room, domains: Iterable[Mapping[DomainState, int]]) -> None:
    """Ask for the room of every domain of the machine, whatever is free: where more is, it must not be less."""
    most = 0
    for domain, times in chain.from_iterable(some.items() for some in domains):
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


def _domains(machine: Machine) -> dict[str, dict[DomainState, int]]:
    """Return the domains of the idle machine by level, those that are alike together, and how many of each there are.

    Where all nodes differ they have many domains that are alike.
    """
    levels: dict[str, dict[DomainState, int]] = {}
    for node_type, mask in zip(machine.types, machine.type_masks, strict=True):
        nodes = mask.bit_count()
        for domain in arrange(node_type, node_type.cores, node_type.gpus).state.flat:
            alike = levels.setdefault(domain.level, {})
            alike[domain] = alike.get(domain, 0) + nodes
    return levels
