"""Wires groups, cells and patterns, solves, and reads the picks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from ..demand import Demand, GroupDemand
from ..lexicographic import Budget, Expression, Goal, LexicographicResult, lexmin
from ..node_classes import lowest
from ..offers import CutOff, Offers
from ..policy import Cross, GroupTouch
from ..selection import Decision, Field, Pick
from ..status import Status
from .cells import ROOT, Cell, GroupTree, make_cells
from .patterns import Pattern, PatternLister, Placed, flatten
from .whole_groups import WholeGroups


@dataclass(frozen=True)
class _Count:
    """How many nodes of a cell follow a pattern."""

    cell: Cell
    pattern: Pattern
    nodes: cp_model.IntVar


def choose(
    demand: Demand, field: Field, tree: GroupTree, offers: Offers, budget: Budget, *, best: bool = True
) -> Decision | None:
    """Choose groups and nodes for any request; None when there is no placement.

    Parameters
    ----------
    best
        Whether the best placement is asked for, or any.

    Raises
    ------
    CutOff
        When the time ran out before either was known.
    """
    model = _MachineModel(demand, field, tree, offers, budget)
    goals = model.goals() if best else []
    found = lexmin(model.model, goals, budget)
    if found.status is Status.CUT_OFF:
        raise CutOff
    if not found.status.found:
        return None
    scale = offers.scale
    cost = scale.joint(found.values) if best else 0
    bound = scale.joint(found.bounds) if best else 0
    picks, held = model.read(found)
    return Decision(picks, cost, bound, held, modelled=True)


class _MachineModel:
    def __init__(self, demand: Demand, field: Field, tree: GroupTree, offers: Offers, budget: Budget) -> None:
        self.model = cp_model.CpModel()
        self.tree = tree
        self.scale = offers.scale
        self.demands, self.hosts = flatten(demand.root)
        self.limits = self._limits()
        self.field = field
        self.held: list[tuple[int, str, cp_model.IntVar]] = []
        self.wholes = WholeGroups(field, tree, offers, budget)
        cells = make_cells(field, tree)
        lister = PatternLister(self.hosts, self.limits, offers, budget)
        self.counts = self._counts(cells, {state: lister.of(state) for state in {cell.state for cell in cells}})
        self.hosted = self._host_groups()
        self._meet_demands()
        self._fill_cells(cells)
        self._spare_amounts()

    def _limits(self) -> list[int]:
        """Return for each host demand how many nodes or units there are in all."""
        times = [1] * len(self.demands)
        for number, (group, above) in enumerate(self.demands):
            times[number] = group.count * (times[above] if number else 1)
        return [placed.demand.count * times[placed.parent] for placed in self.hosts]

    # -- variables ------------------------------------------------------------------------------------------------

    def _counts(self, cells: Sequence[Cell], patterns: dict[object, list[Pattern]]) -> list[_Count]:
        """Return a count for each cell and pattern that a best placement could use.

        No placement has more nodes than the request has nodes and units. Within a group a node that is not among
        that many best for a pattern can give its place to one of those that is not used.
        """
        ranked: dict[object, list[tuple[int, int, Cell, Pattern]]] = defaultdict(list)
        for number, cell in enumerate(cells):
            for pattern in patterns[cell.state]:
                kind = (cell.group, pattern.host, pattern.units, pattern.offer.outside, self._pieces_touch(pattern))
                ranked[kind].append((pattern.offer.cost, number, cell, pattern))
        most = sum(self.limits)
        kept: list[tuple[int, Cell, Pattern]] = []
        for same in ranked.values():
            room = most
            for _, number, cell, pattern in sorted(same, key=lambda item: item[:2]):
                kept.append((number, cell, pattern))
                room -= cell.nodes.bit_count()
                if room <= 0:
                    break
        kept.sort(key=lambda item: item[0])
        return [
            _Count(cell, pattern, self.model.new_int_var(0, min(most, cell.nodes.bit_count()), ""))
            for _, cell, pattern in kept
        ]

    def _pieces_touch(self, pattern: Pattern) -> tuple[bool, ...]:
        """Return, of a piece of a slot, the levels it touches: pieces that differ here do not replace each other."""
        if pattern.host is None or not self.hosts[pattern.host].demand.bundle.piece:
            return ()
        values = self.scale.values(pattern.offer.cost)
        return tuple(values[c.name] > 0 for c in self.scale.components if isinstance(c, Cross))

    def _host_groups(self) -> list[dict[int, Expression]]:
        """Return for each group demand the groups that may be its, each with a literal; the root is the machine."""
        hosted: list[dict[int, Expression]] = [{ROOT: 1}]
        taken: dict[int, list[Expression]] = defaultdict(list)
        for demand, above in self.demands[1:]:
            literals: dict[int, Expression] = {}
            for outer, chosen in hosted[above].items():
                found = []
                for group in self.tree.of_level(demand.level, outer):
                    if demand.ids is not None and self.tree.groups[group].number not in demand.ids:
                        continue
                    if demand.whole and self.wholes.cost(group, demand) is None:
                        continue
                    literal = self.model.new_bool_var("")
                    literals[group] = literal
                    taken[group].append(literal)
                    found.append(literal)
                self.model.add(sum(found) == demand.count * chosen)
            hosted.append(literals)
        for literals_of_one in taken.values():
            if len(literals_of_one) > 1:
                self.model.add(sum(literals_of_one) <= 1)
        return hosted

    # -- constraints ----------------------------------------------------------------------------------------------

    def _meet_demands(self) -> None:
        """Each group that is chosen gives the nodes and the units that stand below its vertex."""
        for placed in self.hosts:
            if self.demands[placed.parent][0].whole:
                continue
            for group, chosen in self.hosted[placed.parent].items():
                given = [
                    count.nodes * _given(count.pattern, placed)
                    for count in self.counts
                    if _given(count.pattern, placed) and self.tree.inside(count.cell.group, group)
                ]
                self.model.add(sum(given) == placed.demand.count * chosen)
            if self.hosted[placed.parent]:
                self._nowhere_else(placed)

    def _nowhere_else(self, placed: Placed) -> None:
        for count in self.counts:
            inside = any(self.tree.inside(count.cell.group, group) for group in self.hosted[placed.parent])
            if not inside and _given(count.pattern, placed):
                self.model.add(count.nodes == 0)

    def _fill_cells(self, cells: Sequence[Cell]) -> None:
        """No node follows two patterns, and none of a whole group follows any."""
        used: dict[int, list[cp_model.IntVar]] = defaultdict(list)
        place = {id(cell): i for i, cell in enumerate(cells)}
        for count in self.counts:
            used[place[id(count.cell)]].append(count.nodes)
        for number, nodes in used.items():
            there = cells[number].nodes.bit_count()
            self.model.add(sum(nodes) <= there)
            for _, group, literal in self._whole_groups():
                if self.tree.inside(cells[number].group, group):
                    self.model.add(sum(nodes) <= there * (1 - literal))

    def _whole_groups(self) -> list[tuple[GroupDemand, int, Expression]]:
        return [
            (demand, group, literal)
            for (demand, _), literals in zip(self.demands, self.hosted, strict=True)
            if demand.whole
            for group, literal in literals.items()
        ]

    def _spare_amounts(self) -> None:
        """Take no more of a group's own amounts than there is."""
        taken: dict[tuple[int, str], list[Expression]] = defaultdict(list)
        for count in self.counts:
            for resource, amount in count.pattern.offer.outside:
                lister = self.tree.lister(count.cell.group, resource)
                if lister is None:
                    self.model.add(count.nodes == 0)
                else:
                    taken[lister, resource].append(amount * count.nodes)
        for (demand, _), literals in zip(self.demands, self.hosted, strict=True):
            for resource, amount in demand.amounts:
                for group, literal in literals.items():
                    parts = []
                    for lister in self._listers(group, resource):
                        part = self.model.new_int_var(0, min(amount, self.tree.free[lister, resource]), "")
                        parts.append(part)
                        taken[lister, resource].append(part)
                        self.held.append((lister, resource, part))
                    self.model.add(sum(parts) == amount * literal)
        for key, parts in taken.items():
            self.model.add(sum(parts) <= self.tree.free[key])

    def _listers(self, group: int, resource: str) -> list[int]:
        """Return the groups that a vertex right below a group takes an amount from: it, else inside it, else above."""
        inside = [g for g, name in self.tree.free if name == resource and self.tree.inside(g, group)]
        if group in inside:
            return [group]
        above = self.tree.lister(group, resource)
        return inside or ([] if above is None else [above])

    # -- terms ----------------------------------------------------------------------------------------------------

    def goals(self) -> list[Goal]:
        """Return a goal for each of the policy's components."""
        values = [self.scale.values(count.pattern.offer.cost) for count in self.counts]
        goals = []
        for component in self.scale.components:
            if isinstance(component, GroupTouch):
                goals.append(self._group_goal(component.level))
                continue
            weights = [value[component.name] for value in values]
            goals.append(self._sum_goal(weights, component.name, lessened=isinstance(component, Cross)))
        return goals

    def _sum_goal(self, weights: Sequence[int], name: str, *, lessened: bool) -> Goal:
        terms = [(w, count.nodes) for w, count in zip(weights, self.counts, strict=True) if w]
        most = sum(self.limits)
        expression: Expression = sum(weight * nodes for weight, nodes in terms)
        low = most * min((weight for weight, _ in terms if weight < 0), default=0)
        high = most * max((weight for weight, _ in terms if weight > 0), default=0)
        for demand, group, literal in self._whole_groups():
            cost = self.wholes.cost(group, demand)
            assert cost is not None
            value = self.scale.values(cost)[name]
            expression += value * literal
            low, high = low + min(0, value), high + max(0, value)
        if lessened:
            less = self._slots_of_pieces(weights)
            if less is not None:
                expression, low = expression - less, low - most
        return Goal(expression, low, high)

    def _slots_of_pieces(self, weights: Sequence[int]) -> Expression | None:
        """Return how many slots that stand on several nodes touch any domain of a level: one is no crossing."""
        touching: dict[str, list[cp_model.IntVar]] = defaultdict(list)
        number: dict[str, int] = {}
        for placed in self.hosts:
            bundle = placed.demand.bundle
            if bundle.piece:
                number[bundle.slot] = self.limits[placed.number] // placed.demand.per_slot
                for weight, count in zip(weights, self.counts, strict=True):
                    if weight and count.pattern.host == placed.number:
                        touching[bundle.slot].append(count.nodes)
        slots = []
        for label, nodes in touching.items():
            some = self.model.new_int_var(0, number[label], "")
            self.model.add(some <= sum(nodes))
            slots.append(some)
        return sum(slots) if slots else None

    def _group_goal(self, level: str) -> Goal:
        """Return the goal of few groups of a level that hold a node of the job."""
        literals = []
        for group in self.tree.groups:
            if group.level != level:
                continue
            inside: list[Expression] = [
                count.nodes for count in self.counts if self.tree.inside(count.cell.group, group.index)
            ]
            inside += [
                literal
                for _, whole, literal in self._whole_groups()
                if self.tree.inside(whole, group.index) or self.tree.inside(group.index, whole)
            ]
            if inside:
                literal = self.model.new_bool_var("")
                self.model.add(sum(inside) <= 0).only_enforce_if(~literal)
                literals.append(literal)
        return Goal(sum(literals), 0, len(literals))

    # -- the answer -----------------------------------------------------------------------------------------------

    def read(self, found: LexicographicResult) -> tuple[tuple[Pick, ...], tuple[tuple[int, str, int], ...]]:
        """Return the picks of the solution, of each cell the lowest nodes, and what groups give of their own."""
        solver = found.solver
        assert solver is not None
        chosen = [{g for g, literal in hosted.items() if solver.value(literal)} for hosted in self.hosted]
        left: dict[int, int] = {}
        picks: list[Pick] = []
        for count in self.counts:
            number = solver.value(count.nodes)
            if number:
                there = left.get(id(count.cell), count.cell.nodes)
                nodes = lowest(there, number)
                left[id(count.cell)] = there & ~nodes
                host = count.pattern.host
                groups = chosen[self.hosts[host].parent] if host is not None else {ROOT}
                group = next(g for g in groups if self.tree.inside(count.cell.group, g))
                picks.append(Pick(nodes, count.pattern.offer, host, group))
        for demand, group, literal in self._whole_groups():
            if solver.value(literal):
                picks += self.wholes.picks(group, demand) or []
        held = ((group, name, solver.value(part)) for group, name, part in self.held)
        return tuple(sorted(picks, key=_lowest_position)), tuple(item for item in held if item[2])


def _lowest_position(pick: Pick) -> int:
    return pick.nodes & -pick.nodes


def _given(pattern: Pattern, placed: Placed) -> int:
    """Return how many nodes or units of a host demand one node that follows a pattern gives."""
    if not placed.demand.loose:
        return int(pattern.host == placed.number)
    return next((count for number, count in pattern.units if number == placed.number), 0)
