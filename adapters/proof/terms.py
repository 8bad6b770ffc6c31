"""What a term of a policy is worth, as a sum over variables of the program: no placement is worth less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .formulation import Formulation, add
from .instances import BeyondError, Instance
from .places import NODE, Place
from .program import Terms


@dataclass
class Worth:
    """Makes the sums, and the variables that they need.

    Attributes
    ----------
    formulation
        The placements.
    """

    formulation: Formulation
    _job: dict[int, int] = field(default_factory=dict)
    _slot: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.program = self.formulation.program
        self.places = self.formulation.places
        self._number = {id(slot): place for place, slot in enumerate(self.formulation.slots())}

    def of(self, name: str) -> Terms:
        """Return the sum of a term.

        Raises
        ------
        BeyondError
            For a term that there is not, or that has no such form for the request.
        """
        family, _, level = name.partition(".")
        made: dict[str, Callable[[str], Terms]] = {
            "partial": self._partial,
            "affinity": self._affinity,
            "share": self._share,
            "spread": self._spread,
            "intact": self._intact,
            "shield": self._shield,
            "fit": self._fit,
            "worst-fit": self._worst_fit,
        }
        if family not in made:
            raise BeyondError(f"the term {name}")
        return made[family](level)

    # -- touches --------------------------------------------------------------------------------------------------

    def job_touches(self, place: Place) -> int:
        """Return the variable that is 1 where the job takes anything of a place."""
        if place.key not in self._job:
            touches = self._job[place.key] = self.program.variable(1)
            self._let_touch(touches, place, self.formulation.roots)
            if place.level != NODE and place.node < 0:
                for node in self._nodes_in(place):
                    self.program.at_most({self.job_touches(node): 1, touches: -1}, 0)
        return self._job[place.key]

    def slot_touches(self, slot: Instance, place: Place) -> int:
        """Return the variable that is 1 where a slot takes anything of a place."""
        key = self._number[id(slot)], place.key
        if key not in self._slot:
            touches = self._slot[key] = self.program.variable(1)
            self._let_touch(touches, place, slot.children)
            self.program.at_most({touches: 1, self.job_touches(place): -1}, 0)
        return self._slot[key]

    def _let_touch(self, touches: int, place: Place, inside: Sequence[Instance]) -> None:
        """Let a variable be 1 where instances take anything of a place."""
        form = self.formulation
        asked = {"core": 0, "gpu": 0}
        fixed = True
        for root in inside:
            for one in root.walk():
                fixed = fixed and not one.whole
                if one.kind == "amount" and place.node >= 0 and place.level != NODE and self._is_touched_for(one):
                    # Wherever it comes from, its slot has cores or GPUs of the node.
                    self._let_give(touches, place, one)
                if one.kind in asked:
                    asked[one.kind] += one.number
        for kind, number in asked.items():
            cells = [k for k in form.cells_in(place) if form.cells[k].kind == kind]
            room = sum(form.cells[k].free for k in cells)
            terms: Terms = {}
            for k in cells:
                add(terms, form.used(inside, k))
            if terms:
                self.program.at_most(add(terms, {touches: -(min(room, number) if fixed else room)}), 0)

    def _is_touched_for(self, one: Instance) -> bool:
        """Whether what gives an amount is touched for that: of a slot, and not of what is whole anyway."""
        return one.slot() is not None and not self.formulation.giving.is_in_itself(one)

    def _let_give(self, touches: int, place: Place, one: Instance) -> None:
        """Let a variable be 1 where an amount comes from a place."""
        giving = self.formulation.giving.parts[one]
        terms: Terms = {v: 1 for key, v in giving.items() if place.key in self.places.places[key].around}
        room = sum(self.program.upper[v] for v in terms)
        if terms:
            self.program.at_most(add(terms, {touches: -min(room, one.number)}), 0)

    def _nodes_in(self, group: Place) -> list[Place]:
        return [place for place in self.places.inside(group.key) if place.level == NODE and place.may_be_taken]

    def _at(self, level: str) -> list[Place]:
        """Return the places of a level of which a job may be given anything."""
        found = [place for place in self.places.at(level) if place.may_be_taken]
        giving = {key for some in self.formulation.giving.parts.values() for key in some}
        stocked = {around for key in giving for around in self.places.places[key].around}
        return [place for place in found if place.key in stocked or self.formulation.cells_in(place)]

    # -- terms ----------------------------------------------------------------------------------------------------

    def _partial(self, _level: str) -> Terms:
        terms: Terms = {}
        for one, standing in self.formulation.standing.items():
            if one.whole:
                add(terms, {v: 1 for key, v in standing.items() if self.places.places[key].partial})
        return terms

    def _affinity(self, level: str) -> Terms:
        terms: Terms = {}
        places = self._at(level)
        for slot in self.formulation.slots():
            touched = {self.slot_touches(slot, place): 1 for place in places}
            if len(touched) > 1:
                more = self.program.variable(len(touched) - 1)
                self.program.at_most(add({more: -1}, touched), 1)
                add(terms, {more: 1})
        self._whole_or_torn(places, terms)
        return terms

    def _whole_or_torn(self, places: Sequence[Place], torn: Terms) -> None:
        """Say once more, to bring the bound near, that slots of one size fit so often into a domain and no oftener."""
        form = self.formulation
        sizes: dict[tuple[int, int], list[Instance]] = {}
        for slot in form.slots():
            size = _size(slot)
            if size is not None and any(size):
                sizes.setdefault(size, []).append(slot)
        outside = [k for k in range(len(form.cells)) if not any(place.key in form.around(k) for place in places)]
        if outside:
            return
        for (cores, gpus), slots in sizes.items():
            fit = 0
            for place in places:
                room = {"core": 0, "gpu": 0}
                for k in form.cells_in(place):
                    room[form.cells[k].kind] += form.cells[k].free
                fit += min(room[kind] // number for kind, number in (("core", cores), ("gpu", gpus)) if number)
            if fit < len(slots) and len(sizes) == 1 and len(slots) == len(form.slots()):
                self.program.at_least(torn, len(slots) - fit)

    def _spread(self, level: str) -> Terms:
        return {self.job_touches(place): 1 for place in self._at(level)}

    def _intact(self, level: str) -> Terms:
        return {self.job_touches(place): 1 for place in self._at(level) if place.intact}

    def _fit(self, level: str) -> Terms:
        return {self.job_touches(place): place.free_cores.bit_count() for place in self._at(level)}

    def _worst_fit(self, level: str) -> Terms:
        """Return the reverse of fit; here a place that is not touched must not seem to be."""
        terms: Terms = {}
        form = self.formulation
        if form.giving.amounts:
            raise BeyondError("the term worst-fit of slots with amounts")
        for place in self._at(level):
            touches = self.job_touches(place)
            used: Terms = {}
            for k in form.cells_in(place):
                add(used, form.used(form.roots, k))
            self.program.at_least(add(used, {touches: -1}), 0)
            terms[touches] = -place.free_cores.bit_count()
        return terms

    def _shield(self, _level: str) -> Terms:
        form = self.formulation
        if not any(place.free_gpus for place in self.places.places):
            return {}
        near: dict[int, int] = {}
        for slot in form.slots():
            leaves = [one for one in slot.walk() if one.kind in ("core", "gpu")]
            wholes = [one for one in slot.walk() if one.whole]
            if any(one.kind == "gpu" for one in leaves):
                continue
            if wholes and any(not _is_in_a_whole(one) for one in leaves):
                raise BeyondError("the term shield of slots with whole domains and cores beside")
            if wholes:
                continue  # a slot with a GPU does not count, and a domain without has none that is free
            for k, cell in enumerate(form.cells):
                place = self.places.places[cell.place]
                used = form.used(slot.children, k) if cell.kind == "core" and place.free_gpus else {}
                if used:
                    touches = near.setdefault(cell.place, self.program.variable(1))
                    self.program.at_most(add(used, {touches: -cell.free}), 0)
        return {v: self.places.places[key].free_gpus.bit_count() for key, v in near.items()}

    def _share(self, level: str) -> Terms:
        terms: Terms = {}
        for slot in self.formulation.slots():
            for part in _by_node(slot):
                add(terms, self._share_of(part, level))
        return terms

    def _share_of(self, part: Sequence[Instance], level: str) -> Terms:
        """Return the share of what a slot has of one node."""
        form = self.formulation
        everything = [one for root in part for one in root.walk()]
        wholes = [one for one in everything if one.whole]
        cores, gpus = (sum(one.number for one in everything if one.kind == kind) for kind in ("core", "gpu"))
        if wholes:
            return self._share_of_wholes(wholes, everything, level)
        if not cores or not gpus:
            return {}
        terms: Terms = {}
        domains = self._at(level)
        parts = [form.cells_in(place) for place in domains]
        inside = {k for some in parts for k in some}
        parts.append([k for k in range(len(form.cells)) if k not in inside])
        for some in parts:
            beyond: Terms = {}
            for k in some:
                add(beyond, form.used(part, k), gpus if form.cells[k].kind == "core" else -cores)
            if any(factor > 0 for factor in beyond.values()):
                more = self.program.variable(cores * gpus)
                self.program.at_most(add(beyond, {more: -1}), 0)
                add(terms, {more: 1})
        return terms

    def _share_of_wholes(self, wholes: Sequence[Instance], everything: Sequence[Instance], level: str) -> Terms:
        form = self.formulation
        gpus_asked = any(one.kind == "gpu" and not _is_in_a_whole(one) for one in everything)
        stands = [self.places.places[key] for one in wholes for key in form.standing[one]]
        if not gpus_asked and not any(place.gpus for place in stands):
            return {}
        outer = [one for one in wholes if not _is_in_a_whole(one)]
        beside = [one for one in everything if one.kind in ("core", "gpu") and not _is_in_a_whole(one)]
        if len(outer) > 1 or beside:
            raise BeyondError("the term share of slots with several whole domains, or with one and more beside")
        return {v: self._share_of_place(self.places.places[key], level) for key, v in form.standing[outer[0]].items()}

    def _share_of_place(self, place: Place, level: str) -> int:
        if place.node < 0:
            nodes = [one for one in self.places.inside(place.key) if one.level == NODE]
            return sum(self._share_of_place(node, level) for node in nodes)
        cores, gpus = place.cores.bit_count(), place.gpus.bit_count()
        left = [place.cores, place.gpus]
        total = 0
        for domain in self.places.places:
            if domain.node == place.node and domain.level == level:
                here = domain.cores & place.cores, domain.gpus & place.gpus
                left = [left[0] & ~here[0], left[1] & ~here[1]]
                total += max(0, gpus * here[0].bit_count() - cores * here[1].bit_count())
        return total + max(0, gpus * left[0].bit_count() - cores * left[1].bit_count())


def _size(slot: Instance) -> tuple[int, int] | None:
    """Return the cores and GPUs of a slot that asks for nothing else."""
    if any(one.kind not in ("core", "gpu") for one in slot.children):
        return None
    cores, gpus = (sum(one.number for one in slot.children if one.kind == kind) for kind in ("core", "gpu"))
    return cores, gpus


def _is_in_a_whole(one: Instance) -> bool:
    """Whether an instance is in a place that its slot has whole."""
    for around in one.above():
        if around.kind == "slot":
            return False
        if around.whole:
            return True
    return False


def _by_node(slot: Instance) -> list[list[Instance]]:
    """Return what a slot asks for, parted by the node that it is on."""
    nodes = [one for one in slot.walk() if one.kind == "place" and one.level == NODE]
    if not nodes:
        return [slot.children]
    beside = [
        one for one in slot.walk() if one.kind in ("core", "gpu") and not any(above in nodes for above in one.above())
    ]
    if beside:
        raise BeyondError("the term share of slots with nodes and more beside them")
    return [[node] for node in nodes]
