"""The CP-SAT model of the machine: groups, cells and patterns wired together, solved, and read back as picks.

A variable counts the nodes of a cell that follow a pattern, and a literal says for which vertex a group stands, so
that the model is as large as the machine has kinds of nodes in groups, not as it has nodes. Counts that a best
placement cannot need are left out by dominance (`_counts`): of the nodes of a group, for each pattern, only as many of
the cheapest as the request has nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...cpsat.budget import Budget, CutOff
from ...cpsat.lexicographic import Expression, LexicographicResult, lexmin
from ...cpsat.loading import new_model
from ...cpsat.status import Status
from ...demand.demand import Demand
from ...node.solver import NodeSolver
from ...policy.terms import Cross, GroupCross
from ...state.domain_state import DomainState
from ...state.node_classes import bits, lowest
from ..selection import Decision, Field, Pick
from .amounts import spare_amounts
from .cells import ROOT, Cell, GroupTree, make_cells
from .count import Count
from .dealing import EACH, Dealing, Key
from .patterns import Pattern, PatternLister, Placed, flatten
from .shields import known
from .slots import touched_levels
from .terms import Terms

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

Claim = tuple[int, int, int, str]
"""What no two vertices may have at once: a group; in a slot, for one parent, a group in the group of that."""

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
    model = _MachineModel(demand, field, tree, node_solver, budget, best=best)
    terms = model.terms()
    goals = terms.goals() if best else []
    found = lexmin(model.model, [*goals, terms.order()] if best else [], budget)
    if found.status is Status.CUT_OFF:
        raise CutOff
    if not found.status.found:
        if model.incomplete or not model.deals_all:
            raise CutOff
        return None
    scale = node_solver.scale
    cost = scale.joint(found.values[: len(goals)]) if best else 0
    bound = scale.joint(known(found.bounds[: len(goals)], scale, model.counts, model.hosts)) if best else 0
    if not (model.deals_all or model.settles(found.values)):
        node_solver.inexact = True
    picks, held, numbers = model.read(found)
    return Decision(picks, cost, bound, held, modelled=True, numbers=numbers)


class _MachineModel:
    def __init__(
        self,
        demand: Demand,
        field: Field,
        tree: GroupTree,
        node_solver: NodeSolver,
        budget: Budget,
        *,
        best: bool,
    ) -> None:
        self.model = new_model()
        self.tree = tree
        self.best = best
        self.scale = node_solver.scale
        self.demands, self.hosts = flatten(demand.root)
        self.takes_groups = any(placed.is_fill for placed in self.hosts)
        self.limits = self._limits()
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
        self.dealing = self._deal()
        self.held = spare_amounts(self.model, tree, self.counts, self.demands, self.hosted, self.dealing)

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
        taken: dict[Claim, list[Expression]] = defaultdict(list)
        around: dict[Claim, Expression] = {}
        times = [1]
        for number, (demand, above) in enumerate(self.demands[1:], 1):
            literals: dict[int, Expression] = {}
            times.append(times[above] * demand.most)
            for outer, chosen in hosted[above].items():
                found = []
                for group in self.tree.of_level(demand.level, outer):
                    if demand.ids is not None and self.tree.groups[group].number not in demand.ids:
                        continue
                    if demand.whole and not self._can_be_whole(group, number, patterns):
                        continue
                    literal = self.model.new_int_var(0, times[number], "")
                    literals[group] = literal
                    # What stands beside each other in a slot stands in different groups, as do instances of a vertex.
                    claim: Claim = (above, outer, group, demand.shared) if demand.shared else (0, ROOT, group, "")
                    taken[claim].append(literal)
                    around[claim] = demand.most * chosen if demand.shared else 1
                    found.append(literal)
                self.model.add(sum(found) == demand.count * chosen)
            hosted.append(literals)
        for claim, literals_of_one in taken.items():
            if len(literals_of_one) > 1 or not isinstance(around[claim], int):
                self.model.add(sum(literals_of_one) <= around[claim])
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

    def _deal(self) -> Dealing | None:
        """Say which slots of several nodes stand where, if it matters to anything."""
        matters = self.best and self.scale.group_cross and len(self.tree.groups) > 0
        slots = [placed for placed in self.hosts if placed.slot]
        beside = any(len({below.level for below in group.groups}) < len(group.groups) for group, _ in self.demands)
        if slots and (matters or beside or any(group.slot_amounts for group, _ in self.demands)):
            return Dealing(self.model, self.tree, self.scale, self.demands, self.hosts, self.hosted, self.counts)
        return None

    @property
    def deals_all(self) -> bool:
        """Whether all ways are told in which nodes can make slots."""
        return self.dealing is None or self.dealing.exact

    def settles(self, values: Sequence[int]) -> bool:
        """Tell whether nothing can be better that crosses borders with more slots than are told one by one."""
        crossed = [
            value
            for value, component in zip(values, self.scale.components, strict=False)
            if isinstance(component, GroupCross)
        ]
        return not any(crossed[:-1]) and crossed[-1] <= EACH

    def terms(self) -> Terms:
        """Return what the policy looks at."""
        return Terms(
            self.model,
            self.scale,
            self.tree,
            self.demands,
            self.hosts,
            self.hosted,
            self.cells,
            self.counts,
            self.most,
            self.dealing,
        )

    # -- the answer -----------------------------------------------------------------------------------------------

    def read(
        self, found: LexicographicResult
    ) -> tuple[tuple[Pick, ...], tuple[tuple[int, str, int], ...], dict[int, int] | None]:
        """Return the picks of the solution, of each cell the lowest nodes, what groups give, and whose nodes are."""
        solver = found.solver
        assert solver is not None
        chosen = [{g for g, literal in hosted.items() if solver.value(literal)} for hosted in self.hosted]
        left: dict[int, int] = {}
        picks: list[Pick] = []
        pools: dict[Key, list[int]] = defaultdict(list)
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
                if host is not None and self.dealing is not None:
                    pools[host, touched_levels(count.pattern.solution, self.scale), count.cell.group] += bits(nodes)
        held = ((group, name, solver.value(part)) for group, name, part in self.held)
        numbers = None if self.dealing is None else self.dealing.numbers(solver.value, pools)
        return tuple(sorted(picks, key=_lowest_position)), tuple(item for item in held if item[2]), numbers


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
