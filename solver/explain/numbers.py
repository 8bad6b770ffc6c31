"""The numbers of each vertex: asked, exist, match the constraint, up, free.

For a slot, a domain, a node or a group they count those that by themselves can give what stands below one of them; for
cores, GPUs and amounts the things themselves. What stands below a group vertex is counted in the groups that have the
most of it, as many as are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ...grammar.jobspec import Vertex
from ...grammar.unit import gib
from ...topology.groups import Group
from ..cpsat.budget import Budget, CutOff
from ..demand.demand import Bundle, Demand, GroupDemand, HostDemand, Kind, Want
from ..machine.decide import Decider, Situation
from ..machine.model.cells import GroupTree
from ..state.domain_state import MEASURED, MIB_PER_GIB, DomainState
from .trials import THING_STEPS, Trial, Trials

Number = int | float | None
"""GiB may have a fraction; None where the work did not suffice."""

ROW_STEPS = 200
"""What the numbers of a vertex cost, beside those for each class of equal nodes."""


@dataclass(frozen=True)
class Row:
    """The numbers of one vertex.

    Attributes
    ----------
    path, type
        The vertex.
    asked
        How many, counts multiplied down the request.
    there
        How many things of the type the machine has, whatever they can give.
    exist, match, up, free
        How many of them can give what is asked below them: all there are, on an idle machine; those whose ranks match
        the constraint; those whose ranks are up too; those that can give it now.
    each
        How many are asked for in each instance of the parent.
    within
        The group vertex in whose instances they are counted: (level, how many); None for the whole machine.
    unit
        GiB for memory and storage.
    """

    path: str
    type: str
    asked: Number
    there: Number
    exist: Number
    match: Number
    up: Number
    free: Number
    each: Number
    within: tuple[str, int] | None = None
    unit: str = ""

    @property
    def numbers(self) -> tuple[Number, Number, Number, Number]:
        """Those that can give what is asked, fewer and fewer."""
        return self.exist, self.match, self.up, self.free


@dataclass(frozen=True)
class _Field:
    """Nodes to count in: the assumptions, and the bitmask of the positions that count."""

    trial: Trial
    nodes: int


def count_all(trials: Trials, budget: Budget) -> tuple[Row, ...]:
    """Return the numbers of all vertices that the machine knows, in pre-order, as far as the work suffices."""
    demand = trials.demand(trials.relaxer.relax(trials.vertices, frozenset()))
    return tuple(_Counter(trials, demand, budget).rows(trials.vertices, 1, None)) if demand is not None else ()


class _Counter:
    def __init__(self, trials: Trials, demand: Demand, budget: Budget) -> None:
        self.trials = trials
        self.machine = trials.machine
        self.budget = budget
        self.tree = GroupTree(self.machine.groups, dict(trials.knowledge.group_totals))
        self.groups: dict[str, GroupDemand] = {}
        self.units: dict[str, HostDemand] = {}
        self._index(demand.root)
        everything, matching = Trial(trials.empty.state, ()), trials.eligible(trials.present)
        self.fields = (
            _Field(everything, self.machine.all),
            _Field(everything, matching),
            _Field(everything, matching & trials.state.up),
            _Field(Trial(trials.state, ()), matching),
        )

    def _index(self, group: GroupDemand) -> None:
        """Find for each vertex what asks for one of it."""
        for below in group.groups:
            self.groups[below.path] = below
            self._index(below)
        for host in group.hosts:
            if not host.loose or all(want.path != host.path for want in host.bundle.wants):
                self.units[host.path] = replace(host, count=1)
            for want in host.bundle.wants:
                self._index_want(want, host.bundle.slot)

    def _index_want(self, want: Want, slot: str) -> None:
        self.units[want.path] = HostDemand(Bundle((replace(want, count=1),), slot=slot), 1, loose=True, path=want.path)
        for below in want.wants:
            self._index_want(below, want.label if want.kind is Kind.SLOT else slot)

    # -- rows -----------------------------------------------------------------------------------------------------

    def rows(self, vertices: tuple[Vertex, ...], parents: int, within: tuple[str, int] | None) -> Iterator[Row]:
        for vertex in vertices:
            try:
                self.budget.spend(ROW_STEPS + THING_STEPS * len(self.trials.state.classes))
            except CutOff:
                return
            asked = parents * vertex.count.min
            inside = within
            if vertex.path in self.groups:
                inside = (vertex.type, asked)
            below = list(self.rows(vertex.children, asked, inside))
            row = self._row(vertex, asked, within, below)
            if row is not None:
                yield row
            yield from below

    def _row(self, vertex: Vertex, asked: int, within: tuple[str, int] | None, below: list[Row]) -> Row | None:
        path, name, each = vertex.path, vertex.type, vertex.count.min
        if path in self.groups:
            found = [self._groups(self.groups[path], field) for field in self.fields]
            return _row_of(vertex, (asked, each), self._there(name), found)
        if name in ("core", "gpu") or self.trials.relaxer.is_amount(name):
            per = gib(1, vertex.unit) if name in MEASURED else Fraction(1)
            totals = [self._within(within, field, lambda g, f: self._total(name, g, f)) for field in self.fields]
            numbers = [_gib(total) if name in MEASURED else total for total in totals]
            unit = "GiB" if name in MEASURED else ""
            wanted = (_plain(asked * per), _plain(each * per))
            return _row_of(vertex, wanted, numbers[0], numbers, within, unit)
        if path in self.units:
            unit_demand = self.units[path]
            found = [self._within(within, field, lambda _, f: self._room(unit_demand, f)) for field in self.fields]
            there = self._within(within, self.fields[0], lambda g, _: self._there_in(name, g))
            return _row_of(vertex, (asked, each), found[0] if vertex.is_slot else there, found, within)
        return self._slot_of_nodes(vertex, asked, within, below) if vertex.is_slot else None

    def _slot_of_nodes(
        self, vertex: Vertex, asked: int, within: tuple[str, int] | None, below: list[Row]
    ) -> Row | None:
        """Return the row of a slot that is made of nodes or groups: as many as there are sets of them."""
        children = {child.path for child in vertex.children}
        direct = [row for row in below if row.path in children and not self.trials.relaxer.is_amount(row.type)]
        # What a slot holds beside others, without naming a node, has to be on one: that is no matter of sets.
        counted = self.units.keys() | self.groups.keys()
        if not direct or any(row.path not in counted or row.type in ("core", "gpu") for row in direct):
            return None
        found: list[Number] = []
        for numbers in zip(*(row.numbers for row in direct), strict=True):
            sets = [None if n is None else int(n // (row.each or 1)) for row, n in zip(direct, numbers, strict=True)]
            known = [number for number in sets if number is not None]
            found.append(min(known) if len(known) == len(sets) else None)
        return _row_of(vertex, (asked, vertex.count.min), found[0], found, within)

    # -- counting -------------------------------------------------------------------------------------------------

    def _within(
        self, within: tuple[str, int] | None, field: _Field, count: Callable[[Group | None, _Field], Number]
    ) -> Number:
        """Count on the machine, or in the groups of a level that have the most."""
        if within is None:
            return count(None, field)
        level, number = within
        found: list[int | float] = []
        for group in self.machine.groups:
            if group.level == level:
                some = count(group, _Field(field.trial, field.nodes & group.members))
                if some is None:
                    return None
                found.append(some)
        return sum(sorted(found)[-number:])

    def _there(self, level: str) -> int:
        return sum(1 for group in self.machine.groups if group.level == level)

    def _there_in(self, level: str, group: Group | None) -> int:
        nodes = self.machine.all if group is None else group.members
        each = ((mask & nodes).bit_count() for mask in self.machine.type_masks)
        sizes = (len(kind.by_level.get(level, ())) for kind in self.machine.types)
        return sum(number * size for number, size in zip(each, sizes, strict=True))

    def _live(self, field: _Field) -> Iterator[tuple[DomainState, int]]:
        for state, nodes in field.trial.state.classes.items():
            if nodes & field.nodes:
                yield state, (nodes & field.nodes).bit_count()

    def _total(self, name: str, group: Group | None, field: _Field) -> int:
        """Return how many cores or GPUs, or how much of an amount, are free in some nodes and their groups."""
        total = 0
        for state, number in self._live(field):
            if name in ("core", "gpu"):
                total += number * (state.free_cores if name == "core" else state.free_gpus)
            else:
                total += number * sum(domain.own_free(name) for domain in state.flat)
        free = self.trials.group_free(field.trial)
        # What a group gives is of the groups around it as well: only the outermost count.
        layers = [at for at, other in free if other == name and (group is None or self.tree.inside(at, group.index))]
        outermost = (at for at in layers if not set(self.tree.layers(at, name)[1:]) & set(layers))
        inside = sum(free[at, name] for at in outermost)
        if not inside and group is not None and name not in ("core", "gpu"):
            lister = self.tree.lister(group.index, name)
            inside = 0 if lister is None else free[lister, name]
        return total + inside

    def _room(self, unit: HostDemand, field: _Field) -> Number:
        """Return how often some nodes can give one thing."""
        alone = Demand(GroupDemand("", 1, hosts=(unit,)), 0, ())
        decider, situation = self._situation(field)
        try:
            room = decider.room(alone, situation, self.budget)
            return self._most(unit, decider, situation) if room is None else room
        except CutOff:
            return None

    def _most(self, unit: HostDemand, decider: Decider, situation: Situation) -> int:
        """Return how often it can be given where groups give a part of it; at most once a node."""
        low, high = 0, sum(nodes.bit_count() for _, nodes in situation.field.live())
        while low < high:
            middle = (low + high + 1) // 2
            demand = Demand(GroupDemand("", 1, hosts=(replace(unit, count=middle),)), 0, ())
            if decider.fits(demand, situation, self.budget):
                low = middle
            else:
                high = middle - 1
        return low

    def _situation(self, field: _Field) -> tuple[Decider, Situation]:
        decider, situation = self.trials.situation(self.trials.vertices, field.trial)
        return decider, Situation(replace(situation.field, eligible=field.nodes), situation.group_free)

    def _groups(self, demand: GroupDemand, field: _Field) -> Number:
        """Return how many groups of a level can give what stands below the vertex; those that are alike answer once."""
        decider, situation = self._situation(field)
        kinds: defaultdict[object, list[Group]] = defaultdict(list)
        for group in self.machine.groups:
            if group.level == demand.level and (demand.ids is None or group.number in demand.ids):
                kinds[self._kind(group, situation)].append(group)
        root = GroupDemand("", 1, groups=(replace(demand, count=1, ids=None),))
        total = 0
        for alike in kinds.values():
            among = replace(situation.field, eligible=field.nodes & alike[0].members)
            try:
                fits = decider.fits(Demand(root, 0, ()), Situation(among, situation.group_free), self.budget)
            except CutOff:
                return None
            total += len(alike) * fits
        return total

    def _kind(self, group: Group, situation: Situation) -> object:
        """Return what makes groups alike: their nodes by state, where nothing else counts."""
        if group.children or situation.group_free:
            return group.index
        nodes = group.members & situation.field.eligible
        states = ((state, (mask & nodes).bit_count()) for state, mask in situation.field.live() if mask & nodes)
        return frozenset(states), group.members.bit_count()


def _row_of(
    vertex: Vertex,
    wanted: tuple[Number, Number],
    there: Number,
    numbers: Sequence[Number],
    within: tuple[str, int] | None = None,
    unit: str = "",
) -> Row:
    asked, each = wanted
    exist, match, up, free = numbers
    return Row(vertex.path, vertex.type, asked, there, exist, match, up, free, each, within, unit)


def _gib(mib: Number) -> Number:
    return None if mib is None else _plain(Fraction(mib) / MIB_PER_GIB)


def _plain(number: Fraction | int) -> int | float:
    """Return a number that is easy to read: whole where it is, else rounded to hundredths."""
    return int(number) if number == int(number) else round(float(number), 2)
