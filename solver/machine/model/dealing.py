"""Which slots of several nodes stand in which groups, where that matters: crossings, and amounts of slots.

The model counts nodes. Here it says in addition how many nodes of each slot stand in which innermost group. Slots are
alike, so those that stand whole in one innermost group are only counted there; the others, `EACH` at most, are told one
by one. Where more slots than that may have to cross borders, `exact` says that better placements may be left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...cpsat.lexicographic import Expression
from ...demand.demand import GroupDemand
from ...policy.scale import Scale
from .cells import ROOT, GroupTree
from .slots import Levels, SlotVertex, slot_vertices, touched_levels

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from .count import Count
    from .patterns import Placed

EACH = 12
"""Slots that are told one by one, in each group that stands for the vertex around them, where others are counted."""

Key = tuple[int, Levels, int]
"""Nodes that are the same to a slot: the number of their host demand, what they touch, their innermost group."""


@dataclass
class Told:
    """One slot that is told by itself.

    Attributes
    ----------
    there
        Whether there is such a slot.
    nodes
        How many nodes it has of which kind.
    in_group
        For the vertices of groups below, by number and group, whether the group stands for one of its.
    """

    there: cp_model.IntVar
    nodes: dict[Key, cp_model.IntVar] = field(default_factory=dict)
    in_group: dict[tuple[int, int], cp_model.IntVar] = field(default_factory=dict)


@dataclass
class Scope:
    """The slots of a label in one group that stands for the vertex around them.

    Attributes
    ----------
    label, slot, group
        Which they are.
    told
        Those that are told one by one.
    whole
        How many others stand whole in an innermost group.
    given
        The nodes that may be theirs.
    """

    label: str
    slot: SlotVertex
    group: int
    told: list[Told]
    whole: dict[int, cp_model.IntVar]
    given: dict[Key, list[Count]]


class Dealing:
    """The slots of several nodes of a request, in a model.

    Parameters
    ----------
    model
        To which this is added.
    hosted
        For each group demand the groups that may be its, each with how often.
    counts
        How many nodes of which cell do what.

    Attributes
    ----------
    exact
        Whether all ways to deal are told.
    scopes
        The slots of each label, in each group that may stand for the vertex around them.
    """

    def __init__(
        self,
        model: cp_model.CpModel,
        tree: GroupTree,
        scale: Scale,
        demands: Sequence[tuple[GroupDemand, int]],
        hosts: Sequence[Placed],
        hosted: Sequence[Mapping[int, Expression]],
        counts: Sequence[Count],
    ) -> None:
        self.model = model
        self.tree = tree
        self.demands = demands
        self.exact = True
        self.scopes: list[Scope] = []
        of_kind: dict[int, dict[Key, list[Count]]] = defaultdict(lambda: defaultdict(list))
        for count in counts:
            host = count.pattern.host
            if host is not None and hosts[host].slot:
                key = (host, touched_levels(count.pattern.solution, scale), count.cell.group)
                of_kind[host][key].append(count)
        for label, slot in slot_vertices(demands, hosts):
            of_slot = {placed.number for vertex in slot.walk() for placed, _ in vertex.hosts}
            for group, chosen in hosted[slot.number].items():
                given = {
                    key: some
                    for host in sorted(of_slot)
                    for key, some in of_kind[host].items()
                    if tree.inside(key[2], group)
                }
                self.scopes.append(self._scope(label, slot, group, chosen, given, hosted))

    # -- who has what ---------------------------------------------------------------------------------------------

    def _scope(
        self,
        label: str,
        slot: SlotVertex,
        group: int,
        chosen: Expression,
        given: dict[Key, list[Count]],
        hosted: Sequence[Mapping[int, Expression]],
    ) -> Scope:
        model = self.model
        number = slot.each * self._times(slot.number)
        countable = self._countable(slot, given)
        told = number if not countable else min(number, EACH)
        self.exact = self.exact and told == number
        leaves = dict.fromkeys(key[2] for key in given)
        levels = {below.level for below in slot.walk() if below.level}
        whole = {
            leaf: model.new_int_var(0, number, "")
            for leaf in (leaves if countable else ())
            if all(self._has(leaf, level) for level in levels)
        }
        scope = Scope(label, slot, group, [self._tell(slot, group, given, hosted) for _ in range(told)], whole, given)
        model.add(sum(one.there for one in scope.told) + sum(whole.values()) == slot.each * chosen)
        for one, other in zip(scope.told, scope.told[1:], strict=False):
            model.add_implication(other.there, one.there)
        nodes = slot.nodes
        for key, some in given.items():
            of_whole = [nodes[key[0]] * whole[key[2]]] if key[2] in whole else []
            parts = [one.nodes[key] for one in scope.told]
            model.add(sum(parts) + sum(of_whole) == sum(count.nodes for count in some))
        for vertex in slot.walk()[1:]:
            for inner, literal in self._standing(vertex, group, hosted):
                own = [whole[leaf] for leaf in whole if self.tree.inside(leaf, inner)]
                model.add(sum(one.in_group[vertex.number, inner] for one in scope.told) + sum(own) == literal)
        return scope

    def _times(self, number: int) -> int:
        """Return for how many of a group demand one group can stand."""
        times = 1
        while number:
            times *= self.demands[number][0].most
            number = self.demands[number][1]
        return times

    @staticmethod
    def _countable(slot: SlotVertex, given: Mapping[Key, object]) -> bool:
        """Tell whether a slot can be whole in an innermost group, and all nodes touch the same."""
        one_each = all(below.each == 1 for vertex in slot.walk() for below in vertex.groups)
        alone = all(len(vertex.groups) <= 1 for vertex in slot.walk())
        fills = any(placed.is_fill for vertex in slot.walk() for placed, _ in vertex.hosts)
        return one_each and alone and not fills and len({key[1] for key in given}) == 1

    def _has(self, leaf: int, level: str) -> bool:
        """Tell whether an innermost group stands in one of a level, or is one."""
        while leaf != ROOT:
            if self.tree.groups[leaf].level == level:
                return True
            leaf = self.tree.groups[leaf].parent
        return False

    def _standing(
        self, vertex: SlotVertex, group: int, hosted: Sequence[Mapping[int, Expression]]
    ) -> Iterator[tuple[int, Expression]]:
        for inner, literal in hosted[vertex.number].items():
            if self.tree.inside(inner, group):
                yield inner, literal

    def _tell(
        self,
        slot: SlotVertex,
        group: int,
        given: Mapping[Key, Sequence[Count]],
        hosted: Sequence[Mapping[int, Expression]],
    ) -> Told:
        """Add one slot that is told by itself."""
        told = Told(self.model.new_bool_var(""))
        for key, some in given.items():
            most = min(sum(count.cell.nodes.bit_count() for count in some), self._most(slot, key[0]))
            told.nodes[key] = self.model.new_int_var(0, most, "")
        self._fill(slot, group, told.there, told, hosted)
        return told

    @staticmethod
    def _most(slot: SlotVertex, host: int) -> int:
        return slot.nodes.get(host, 0) or 1 << 24

    def _fill(
        self,
        vertex: SlotVertex,
        around: int,
        there: cp_model.IntVar,
        told: Told,
        hosted: Sequence[Mapping[int, Expression]],
    ) -> None:
        """Give a slot, or a vertex of groups in it, what stands right below, in a group."""
        model = self.model
        for placed, count in vertex.hosts:
            if not placed.is_fill:
                some = [
                    nodes
                    for key, nodes in told.nodes.items()
                    if key[0] == placed.number and self.tree.inside(key[2], around)
                ]
                model.add(sum(some) == count * there)
            else:
                for key, nodes in told.nodes.items():
                    if key[0] == placed.number and self.tree.inside(key[2], around):
                        model.add(nodes == 0).only_enforce_if(~there)
        beside: dict[tuple[str, int], list[Expression]] = defaultdict(list)
        for below in vertex.groups:
            literals: list[cp_model.IntVar] = []
            for inner, _ in self._standing(below, around, hosted):
                literal = told.in_group.get((below.number, inner))
                if literal is None:
                    literal = told.in_group[below.number, inner] = model.new_bool_var("")
                literals.append(literal)
                beside[below.level, inner].append(literal)
                self._fill(below, inner, literal, told, hosted)
            model.add(sum(literals) == below.each * there)
        for literals_of_one in beside.values():
            if len(literals_of_one) > 1:
                model.add(sum(literals_of_one) <= 1)

    # -- the answer -----------------------------------------------------------------------------------------------

    def numbers(self, value: Callable[[Expression], int], pools: Mapping[Key, Sequence[int]]) -> dict[int, int]:
        """Return for each position that holds a part of a slot the number of that slot among those of its label.

        Parameters
        ----------
        value
            Of an expression in the solution.
        pools
            The positions that were chosen, by kind.
        """
        left = {key: list(positions) for key, positions in pools.items()}
        first: dict[int, int] = defaultdict(int)
        numbers: dict[int, int] = {}
        for scope in sorted(self.scopes, key=lambda scope: scope.group):
            nodes = scope.slot.nodes
            slots = [
                [p for key in scope.given if key[2] == leaf for p in _pop(left, key, nodes[key[0]])]
                for leaf, whole in scope.whole.items()
                for _ in range(value(whole))
            ]
            slots += [
                [p for key, some in one.nodes.items() for p in _pop(left, key, value(some))]
                for one in scope.told
                if value(one.there)
            ]
            for positions in sorted(slots, key=lambda some: min(some, default=-1)):
                numbers.update(dict.fromkeys(positions, first[id(scope.slot)]))
                first[id(scope.slot)] += 1
        return numbers


def _pop(pools: Mapping[Key, list[int]], key: Key, number: int) -> list[int]:
    """Take the lowest so many of a pool."""
    pool = pools.get(key, [])
    taken, pool[:] = pool[:number], pool[number:]
    return taken
