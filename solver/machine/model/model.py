"""The CP-SAT model of the machine: groups, cells and patterns wired together, solved, and read back as picks.

A variable counts the nodes of a cell that follow a pattern, and a literal says for which vertex a group stands, so
that the model is as large as the machine has kinds of nodes in groups, not as it has nodes. Counts that a best
placement cannot need are left out by dominance (`_counts`): of the nodes of a group, for each pattern, only as many of
the cheapest as the request has nodes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ...cpsat.budget import Budget, CutOff
from ...cpsat.lexicographic import Expression, LexicographicResult, lexmin
from ...cpsat.loading import new_model
from ...cpsat.status import Status
from ...demand.demand import Demand
from ...node.solver import NodeSolver
from ...policy.terms import Cross
from ...state.domain_state import DomainState
from ...state.node_classes import lowest
from ..selection import Decision, Field, Pick
from .cells import ROOT, Cell, GroupTree, make_cells
from .patterns import Pattern, PatternLister, Placed, flatten
from .terms import Count, Terms

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

SHARE = 0.25
"""Of what is left of a budget, how much the search of one pattern may take where nodes are in several states."""


def choose(
    demand: Demand, field: Field, tree: GroupTree, node_solver: NodeSolver, budget: Budget, *, best: bool = True
) -> Decision | None:
    """Choose groups and nodes for any request; None when there is no placement.

    Parameters
    ----------
    best
        Whether the best placement is asked for, or any.

    Raises
    ------
    CutOff
        When the work was used up before either was known.
    """
    model = _MachineModel(demand, field, tree, node_solver, budget)
    terms = model.terms()
    goals = terms.goals() if best else []
    found = lexmin(model.model, [*goals, terms.order()] if best else [], budget)
    if found.status is Status.CUT_OFF:
        raise CutOff
    if not found.status.found:
        if model.incomplete:
            raise CutOff
        return None
    scale = node_solver.scale
    cost = scale.joint(found.values[: len(goals)]) if best else 0
    bound = scale.joint(found.bounds[: len(goals)]) if best else 0
    picks, held = model.read(found)
    return Decision(picks, cost, bound, held, modelled=True)


class _MachineModel:
    def __init__(self, demand: Demand, field: Field, tree: GroupTree, node_solver: NodeSolver, budget: Budget) -> None:
        self.model = new_model()
        self.tree = tree
        self.scale = node_solver.scale
        self.demands, self.hosts = flatten(demand.root)
        self.takes_groups = any(placed.is_fill for placed in self.hosts)
        self.limits = self._limits()
        self.held: list[tuple[int, str, cp_model.IntVar]] = []
        self.cells = make_cells(field, tree)
        # In the order of the cells: where the budget ends in between, it does so at the same state everywhere.
        states = dict.fromkeys(cell.state for cell in self.cells)
        share = SHARE if len(states) > 1 else 1.0
        lister = PatternLister(self.hosts, self.limits, node_solver, budget, share)
        patterns = {state: lister.of(state) for state in states}
        self.incomplete = lister.incomplete
        self.hosted = self._host_groups(patterns)
        self.counts = self._counts(patterns)
        self._meet_demands()
        self._fill_cells()
        self._fill_groups()
        self._spare_amounts()

    def _limits(self) -> list[int]:
        """Return for each host demand how many nodes or units there are in all."""
        times = [1] * len(self.demands)
        for number, (group, above) in enumerate(self.demands):
            times[number] = group.count * (times[above] if number else 1)
        return [placed.demand.count * times[placed.parent] for placed in self.hosts]

    @property
    def most(self) -> int:
        """No placement has more nodes."""
        if self.takes_groups:
            return sum(cell.nodes.bit_count() for cell in self.cells)
        return sum(self.limits)

    # -- variables ------------------------------------------------------------------------------------------------

    def _counts(self, patterns: dict[DomainState, list[Pattern]]) -> list[Count]:
        """Return a count for each cell and pattern that a best placement could use.

        No placement has more nodes than the request has nodes and units, unless groups are taken whole. Within a group
        a node that is not among that many best for a pattern can give its place to one of those that is not used.
        """
        ranked: dict[object, list[tuple[int, int, Cell, Pattern]]] = defaultdict(list)
        for number, cell in enumerate(self.cells):
            for pattern in patterns[cell.state]:
                if self._can_be_in(pattern, cell.group):
                    kind = (
                        cell.group,
                        pattern.host,
                        pattern.units,
                        pattern.solution.outside,
                        self._parts_touch(pattern),
                    )
                    ranked[kind].append((pattern.solution.cost, number, cell, pattern))
        most = self.most
        kept: list[tuple[int, Cell, Pattern]] = []
        for same in ranked.values():
            room = most
            seen: set[int] = set()
            for _, number, cell, pattern in sorted(same, key=lambda item: item[:2]):
                # Of one cell the first is the best: another of the same kind can take its place nowhere.
                if number in seen:
                    continue
                seen.add(number)
                kept.append((number, cell, pattern))
                room -= 0 if self.takes_groups else cell.nodes.bit_count()
                if room <= 0:
                    break
        kept.sort(key=lambda item: item[0])
        return [
            Count(cell, pattern, self.model.new_int_var(0, min(most, cell.nodes.bit_count()), ""))
            for _, cell, pattern in kept
        ]

    def _can_be_in(self, pattern: Pattern, group: int) -> bool:
        """Tell whether a node of an innermost group stands in what the parts of a pattern must stand in."""
        numbers = [number for number, _ in pattern.units]
        if pattern.host is not None:
            numbers.append(pattern.host)
        return all(
            any(self.tree.inside(group, outer) for outer in self.hosted[self.hosts[number].parent])
            for number in numbers
        )

    def _parts_touch(self, pattern: Pattern) -> tuple[bool, ...]:
        """Return, of a part of a slot, the levels it touches: parts that differ here do not replace each other."""
        if pattern.host is None or not self.hosts[pattern.host].slot:
            return ()
        values = self.scale.values(pattern.solution.cost)
        return tuple(values[c.name] > 0 for c in self.scale.components if isinstance(c, Cross))

    def _host_groups(self, patterns: dict[DomainState, list[Pattern]]) -> list[dict[int, Expression]]:
        """Return for each group demand the groups that may be its, each with a literal; the root is the machine."""
        hosted: list[dict[int, Expression]] = [{ROOT: 1}]
        taken: dict[int, list[Expression]] = defaultdict(list)
        for number, (demand, above) in enumerate(self.demands[1:], 1):
            literals: dict[int, Expression] = {}
            for outer, chosen in hosted[above].items():
                found = []
                for group in self.tree.of_level(demand.level, outer):
                    if demand.ids is not None and self.tree.groups[group].number not in demand.ids:
                        continue
                    if demand.whole and not self._can_be_whole(group, number, patterns):
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

    def _can_be_whole(self, group: int, number: int, patterns: dict[DomainState, list[Pattern]]) -> bool:
        """Tell whether all nodes of a group are there to be chosen, and each can be taken whole."""
        fill = next(placed.number for placed in self.hosts if placed.is_fill and placed.parent == number)
        able = {state for state, some in patterns.items() if any(pattern.host == fill for pattern in some)}
        there = sum(
            cell.nodes.bit_count()
            for cell in self.cells
            if self.tree.inside(cell.group, group) and (cell.state in able or _is_none(cell.state))
        )
        return there == self.tree.groups[group].members.bit_count()

    # -- constraints ----------------------------------------------------------------------------------------------

    def _meet_demands(self) -> None:
        """Each group that is chosen gives the nodes and the units that stand below its vertex."""
        for placed in self.hosts:
            if placed.is_fill:
                continue
            for group, chosen in self.hosted[placed.parent].items():
                given = [
                    count.nodes * _given(count.pattern, placed)
                    for count in self.counts
                    if _given(count.pattern, placed) and self.tree.inside(count.cell.group, group)
                ]
                self.model.add(sum(given) == placed.demand.count * chosen)

    def _fill_cells(self) -> None:
        """No node follows two patterns."""
        used: dict[int, list[cp_model.IntVar]] = defaultdict(list)
        for count in self.counts:
            used[id(count.cell)].append(count.nodes)
        for cell in self.cells:
            if len(used[id(cell)]) > 1:
                self.model.add(sum(used[id(cell)]) <= cell.nodes.bit_count())

    def _fill_groups(self) -> None:
        """All nodes of a group that is taken whole are taken, and no node is taken whole for a group that is not."""
        for number, literals in enumerate(self.hosted):
            if not self.demands[number][0].whole:
                continue
            for group, literal in literals.items():
                inside: dict[int, list[cp_model.IntVar]] = defaultdict(list)
                for count in self.counts:
                    if self.tree.inside(count.cell.group, group) and self._is_within(count.pattern.whole, number):
                        inside[id(count.cell)].append(count.nodes)
                for cell in self.cells:
                    if self.tree.inside(cell.group, group) and not _is_none(cell.state):
                        self.model.add(sum(inside[id(cell)]) == cell.nodes.bit_count() * literal)

    def _is_within(self, whole: int | None, number: int) -> bool:
        """Tell whether a group demand is another one or stands below it."""
        while whole and whole != number:
            whole = self.demands[whole][1]
        return whole == number

    def _spare_amounts(self) -> None:
        """Take no more of a group's own amounts than there is."""
        taken: dict[tuple[int, str], list[Expression]] = defaultdict(list)
        for count in self.counts:
            for resource, amount in count.pattern.solution.outside:
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
        for key, amounts in taken.items():
            self.model.add(sum(amounts) <= self.tree.free[key])

    def _listers(self, group: int, resource: str) -> list[int]:
        """Return the groups that a vertex right below a group takes an amount from: it, else inside it, else above."""
        inside = [g for g, name in self.tree.free if name == resource and self.tree.inside(g, group)]
        if group in inside:
            return [group]
        above = self.tree.lister(group, resource)
        return inside or ([] if above is None else [above])

    def terms(self) -> Terms:
        """Return what the policy looks at."""
        return Terms(
            self.model, self.scale, self.tree, self.demands, self.hosts, self.hosted, self.cells, self.counts, self.most
        )

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
                picks.append(Pick(nodes, count.pattern.solution, host, group))
        held = ((group, name, solver.value(part)) for group, name, part in self.held)
        return tuple(sorted(picks, key=_lowest_position)), tuple(item for item in held if item[2])


def _is_none(state: DomainState) -> bool:
    """Tell whether R lists nothing of a node that a job could hold."""
    return not (state.cores or state.gpus)


def _lowest_position(pick: Pick) -> int:
    return pick.nodes & -pick.nodes


def _given(pattern: Pattern, placed: Placed) -> int:
    """Return how many nodes or units of a host demand one node that follows a pattern gives."""
    if not placed.demand.loose:
        return int(pattern.host == placed.number)
    return next((count for number, count in pattern.units if number == placed.number), 0)
