"""Which group gives an amount to a slot of several nodes: the innermost that has all of its nodes and lists it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...cpsat.lexicographic import Expression
from .cells import GroupTree
from .dealing import Scope, Told

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


def slot_listers(model: cp_model.CpModel, tree: GroupTree, scope: Scope, name: str) -> Iterator[tuple[int, Expression]]:
    """Yield the groups that list an amount, each with the number of slots that it gives it to; each slot has one."""
    listers = [group for group, listed in tree.free if listed == name]
    near = [g for g in listers if tree.inside(g, scope.group) or tree.inside(scope.group, g)]
    for one in scope.told:
        of = {group: model.new_bool_var("") for group in near}
        for group, literal in of.items():
            model.add(_outside(tree, one, group) == 0).only_enforce_if(literal)
            for other in near:
                if other != group and tree.inside(other, group):
                    model.add(_outside(tree, one, other) >= 1).only_enforce_if(literal)
        model.add(sum(of.values()) == one.there)
        yield from of.items()
    for leaf, number in scope.whole.items():
        layers = tree.layers(leaf, name)
        if layers:
            yield layers[0], number
        else:
            model.add(number == 0)


def _outside(tree: GroupTree, one: Told, group: int) -> Expression:
    return sum(nodes for key, nodes in one.nodes.items() if not tree.inside(key[2], group))
