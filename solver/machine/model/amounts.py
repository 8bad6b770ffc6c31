"""Groups' own amounts in the machine's model: what one layer gives, every layer above gives that lists it, too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...cpsat.lexicographic import Expression
from ...demand.demand import GroupDemand
from .cells import GroupTree
from .count import Count
from .slot_listers import slot_listers

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from .dealing import Dealing

Held = list[tuple[int, str, Expression]]
"""What a group gives of an amount: to no node, and as the innermost that gives it."""


def spare_amounts(
    model: cp_model.CpModel,
    tree: GroupTree,
    counts: Sequence[Count],
    demands: Sequence[tuple[GroupDemand, int]],
    hosted: Sequence[Mapping[int, Expression]],
    dealing: Dealing | None,
) -> Held:
    """Take no more of a group's own amounts than there is, in no layer; return what belongs to no node."""
    taken: dict[tuple[int, str], list[Expression]] = defaultdict(list)
    held: Held = []
    _of_slots(model, tree, demands, dealing, taken, held)
    _of_nodes(model, tree, counts, taken)
    for (demand, _), literals in zip(demands, hosted, strict=True):
        for resource, amount in demand.amounts:
            for group, literal in literals.items():
                parts = []
                for lister in _listers(tree, group, resource):
                    part = model.new_int_var(0, tree.free[lister, resource], "")
                    parts.append(part)
                    held.append((lister, resource, part))
                    for layer in tree.layers(lister, resource):
                        taken[layer, resource].append(part)
                model.add(sum(parts) == amount * literal)
    for key, amounts in taken.items():
        model.add(sum(amounts) <= tree.free[key])
    return held


def _of_slots(
    model: cp_model.CpModel,
    tree: GroupTree,
    demands: Sequence[tuple[GroupDemand, int]],
    dealing: Dealing | None,
    taken: Mapping[tuple[int, str], list[Expression]],
    held: Held,
) -> None:
    """Add what slots of several nodes take."""
    for scope in () if dealing is None else dealing.scopes:
        for asked in demands[scope.slot.number][0].slot_amounts:
            for group, number in slot_listers(model, tree, scope, asked.name) if asked.label == scope.label else ():
                held.append((group, asked.name, asked.amount * number))
                for layer in tree.layers(group, asked.name):
                    taken[layer, asked.name].append(asked.amount * number)


def _of_nodes(
    model: cp_model.CpModel, tree: GroupTree, counts: Sequence[Count], taken: Mapping[tuple[int, str], list[Expression]]
) -> None:
    """Add what nodes take of the groups above them."""
    for count in counts:
        for resource, amount in count.pattern.solution.outside:
            layers = tree.layers(count.cell.group, resource)
            if not layers:
                model.add(count.nodes == 0)
            for layer in layers:
                taken[layer, resource].append(amount * count.nodes)


def _listers(tree: GroupTree, group: int, resource: str) -> list[int]:
    """Return the groups that a vertex right below a group takes an amount from: it, else inside it, else above."""
    inside = [g for g, name in tree.free if name == resource and tree.inside(g, group)]
    if group in inside:
        return [group]
    above = tree.layers(group, resource)
    return inside or above[:1]
