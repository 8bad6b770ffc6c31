"""What slots of several nodes cross and reach, where the model tells which of them stand where."""

from __future__ import annotations

from collections.abc import Sequence

from ...cpsat.lexicographic import Expression
from .cells import ROOT
from .dealing import Dealing, Scope


def crossed(dealing: Dealing, level: str) -> Expression:
    """Return over all slots how many groups of a level each has nodes in, less one and never below zero."""
    return sum(_crossed(dealing, scope, level) for scope in dealing.scopes)


def _crossed(dealing: Dealing, scope: Scope, level: str) -> Expression:
    around: dict[int, list[int]] = {}
    for leaf in dict.fromkeys(key[2] for key in scope.given):
        group = leaf
        while group != ROOT:
            if dealing.tree.groups[group].level == level:
                around.setdefault(group, []).append(leaf)
            group = dealing.tree.groups[group].parent
    leaves = {leaf for some in around.values() for leaf in some}
    everywhere = all(key[2] in leaves for key in scope.given)
    total: Expression = 0
    for one in scope.told:
        touched = []
        for some in around.values():
            inside = [nodes for key, nodes in one.nodes.items() if key[2] in some]
            literal = dealing.model.new_bool_var("")
            dealing.model.add(sum(inside) == 0).only_enforce_if(~literal)
            touched.append(literal)
        total += sum(touched) - _some(dealing, one.there, touched, surely=everywhere)
    for leaf, number in scope.whole.items():
        touching = sum(1 for some in around.values() if leaf in some)
        total += max(0, touching - 1) * number
    return total


def _some(dealing: Dealing, there: Expression, touched: Sequence[Expression], *, surely: bool) -> Expression:
    """Return whether a slot touches anything."""
    if surely:
        return there
    some = dealing.model.new_bool_var("")
    dealing.model.add(some <= sum(touched))
    dealing.model.add(some <= there)
    return some


def reached(dealing: Dealing, place: int) -> Expression | None:
    """Return how many slots touch any domain of a level below the node, by its place in what parts touch.

    None where it is no matter who has which nodes.
    """
    if all(len({key[1] for key in scope.given}) <= 1 for scope in dealing.scopes):
        return None
    total: Expression = 0
    for scope in dealing.scopes:
        for one in scope.told:
            total += _some(
                dealing, one.there, [nodes for key, nodes in one.nodes.items() if key[1][place]], surely=False
            )
        if any(key[1][place] for key in scope.given):
            total += sum(scope.whole.values())
    return total
