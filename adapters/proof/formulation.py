"""The placements of a request's instances on a machine's places, as an integer program.

A variable for each place that an instance may stand at, one for each cell that an instance may take cores or GPUs of,
and rows for what the words of the request mean. No two instances are held to be alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from ...grammar.idset import IdSet
from .giving import Giving
from .instances import BeyondError, Instance
from .places import NODE, Cell, Place, Places
from .program import Program, Solver, Terms


def add(to: Terms, terms: Terms, factor: int = 1) -> Terms:
    """Add a multiple of a sum to another one, and return that."""
    for variable, coefficient in terms.items():
        to[variable] = to.get(variable, 0) + factor * coefficient
    return to


class Formulation:
    """The program, and who is which variable.

    Parameters
    ----------
    places
        What there is.
    roots
        The instances of the request.
    idsets
        The `id` sets of its cores and GPUs.
    solver
        Who is to solve it.
    """

    def __init__(
        self,
        places: Places,
        roots: Sequence[Instance],
        idsets: Sequence[tuple[str, IdSet]],
        solver: Solver = Solver.HIGHS,
    ) -> None:
        self.program = Program(solver=solver)
        self.places = places
        self.cells: list[Cell] = places.cells(idsets)
        self.instances = [one for root in roots for one in root.walk()]
        self.roots = roots
        if places.unsure and any(one.whole for one in self.instances):
            raise BeyondError("whole domains beside jobs that hold amounts of several domains")
        self.standing: dict[Instance, dict[int, int]] = {}
        self.taking: dict[Instance, dict[int, int]] = {}
        self.giving = Giving(self.program, places, self.instances, self.standing)
        self.giving.check()
        self.homes: dict[Instance, dict[int, int]] = {}
        for one in self.instances:
            if one.kind == "place":
                self._stand(one)
        for one in self.instances:
            if one.kind in ("core", "gpu"):
                self._take(one)
        self.giving.let_give()
        self._be_distinct()
        for one in self.instances:
            self._be_inside(one)
            self._be_on_one_node(one)
        self._fit_into_cells(list(roots), None)

    # -- variables ------------------------------------------------------------------------------------------------

    def _stand(self, one: Instance) -> None:
        """Let a place of the request be one of the machine's."""
        ids = one.vertex.id
        holder = one.holder()
        allowed = None if holder is None else self.standing[holder].keys()
        fit = [
            place
            for place in self.places.at(one.level)
            if place.may_be_taken
            and (ids is None or place.number in ids)
            and (place.whole or not one.whole)
            and (allowed is None or place.around & allowed)
        ]
        self.standing[one] = {place.key: self.program.variable(1) for place in fit}
        self.program.equal(dict.fromkeys(self.standing[one].values(), 1), 1)

    def _take(self, one: Instance) -> None:
        """Let cores or GPUs come from cells."""
        holder = one.holder()
        allowed = None if holder is None else self.standing[holder].keys()
        ids = one.vertex.id
        taking = {}
        for k, cell in enumerate(self.cells):
            named = ids is None or all(i in ids for i in IdSet.from_mask(cell.ids))
            if cell.kind == one.kind and named and (allowed is None or self.around(k) & allowed):
                taking[k] = self.program.variable(min(one.number, cell.free))
        self.taking[one] = taking
        self.program.equal(dict.fromkeys(taking.values(), 1), one.number)

    def around(self, cell: int) -> frozenset[int]:
        """Return the places that a cell is in."""
        return self.places.places[self.cells[cell].place].around

    # -- rows -----------------------------------------------------------------------------------------------------

    def _be_distinct(self) -> None:
        """See to it that no place stands for two instances; a group in a slot may, of several slots."""
        shared: dict[tuple[object, ...], Terms] = {}
        for one, standing in self.standing.items():
            shares = one.level not in self._below_groups and one.slot_or_outer() is not None and not one.whole
            owner: tuple[object, ...] = (one.vertex.path, id(one.parent)) if shares else ()
            for place, variable in standing.items():
                shared.setdefault((*owner, place), {})[variable] = 1
        for terms in shared.values():
            if len(terms) > 1:
                self.program.at_most(terms, 1)

    @cached_property
    def _below_groups(self) -> frozenset[str]:
        return frozenset({NODE, *self.places.machine.levels})

    def _be_inside(self, one: Instance) -> None:
        """Keep an instance inside the place that it is asked for in."""
        holder = one.holder()
        if holder is None or one.kind not in ("place", "core", "gpu"):
            return
        most = 1 if one.kind == "place" else one.number
        for outer, stands in self.standing[holder].items():
            inside = self._in(one, outer)
            if inside:
                self.program.at_most(add(inside, {stands: -min(most, self._room(one, outer))}), 0)

    def _in(self, one: Instance, outer: int) -> Terms:
        """Return how much of an instance is in a place."""
        if one.kind == "place":
            return {v: 1 for key, v in self.standing[one].items() if outer in self.places.places[key].around}
        if one.kind == "amount":
            return {v: 1 for key, v in self.giving.parts[one].items() if outer in self.places.places[key].around}
        return {v: 1 for k, v in self.taking[one].items() if outer in self.around(k)}

    def _room(self, one: Instance, outer: int) -> int:
        if one.kind == "place":
            return 1
        if one.kind == "amount":
            return sum(self.program.upper[v] for v in self._in(one, outer))
        return sum(cell.free for k, cell in enumerate(self.cells) if cell.kind == one.kind and outer in self.around(k))

    def _be_on_one_node(self, one: Instance) -> None:
        """Keep on one node all that stands in a slot and names no node, nor anything in one."""
        slot = one.slot_or_outer()
        if (
            slot is None
            or one.kind not in ("place", "core", "gpu", "amount")
            or (one.kind == "place" and self._is_node_or_above(one))
        ):
            return
        if any(around.kind == "place" and around.level in self._below_groups for around in one.above()):
            return
        if slot not in self.homes:
            nodes = [place for place in self.places.at(NODE) if place.may_be_taken]
            self.homes[slot] = {place.key: self.program.variable(1) for place in nodes}
            self.program.equal(dict.fromkeys(self.homes[slot].values(), 1), 1)
        most = 1 if one.kind == "place" else one.number
        for node, stands in self.homes[slot].items():
            inside = self._in(one, node)
            if inside:
                self.program.at_most(add(inside, {stands: -min(most, self._room(one, node))}), 0)

    def _is_node_or_above(self, one: Instance) -> bool:
        return one.level == NODE or one.level not in self._below_groups

    def _fit_into_cells(self, inside: Iterable[Instance], whole: Instance | None) -> None:
        """Let nobody take more of a cell than there is, nor anything of what another one has whole."""
        inside = list(inside)
        for k, cell in enumerate(self.cells):
            terms = self.used(inside, k)
            if terms and whole is None:
                self.program.at_most(terms, cell.free)
            elif terms and whole is not None:
                self.program.at_most(add(terms, self.stands_around(whole, k), -cell.free), 0)
        for one in _outermost_wholes(inside):
            self._fit_into_cells(one.children, one)

    def stands_around(self, one: Instance, cell: int) -> Terms:
        """Return whether an instance stands at a place around a cell."""
        return {v: 1 for key, v in self.standing[one].items() if key in self.around(cell)}

    def used(self, inside: Iterable[Instance], cell: int) -> Terms:
        """Return how much instances, with all that is in them, take of a cell."""
        terms: Terms = {}
        for one in inside:
            if one.kind == "place" and one.whole:
                add(terms, self.stands_around(one, cell), self.cells[cell].free)
            elif one.kind in ("core", "gpu"):
                variable = self.taking[one].get(cell)
                if variable is not None:
                    add(terms, {variable: 1})
            else:
                add(terms, self.used(one.children, cell))
        return terms

    # -- what is read off -----------------------------------------------------------------------------------------

    def slots(self) -> list[Instance]:
        """Return the slots of tasks."""
        return [one for one in self.instances if one.kind == "slot"]

    def cells_in(self, place: Place) -> list[int]:
        """Return the cells in a place."""
        return [k for k in range(len(self.cells)) if place.key in self.around(k)]


def _outermost_wholes(inside: Iterable[Instance]) -> list[Instance]:
    found = []
    for one in inside:
        if one.kind == "place" and one.whole:
            found.append(one)
        else:
            found += _outermost_wholes(one.children)
    return found
