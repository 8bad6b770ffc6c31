"""Where memory, storage and the like come from, as variables and rows of the program.

A slot's come from any domains of its node: from those inside the place in which it asks for them, or around that. What
is asked of a domain that is whole, and has some listed in it, is the least that all in it must come to. What belongs to
no slot comes from the place itself, or what is inside it, or the nearest around it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from .instances import BeyondError, Instance
from .places import NODE, Places
from .program import Program, Terms


@dataclass(frozen=True)
class Giving:
    """What places may give each amount that is asked for.

    Attributes
    ----------
    program, places
        The program, and what there is.
    instances
        All that is asked for.
    standing
        The variable of each place at which an instance may stand.
    parts
        For each amount the variable of each place that may give some of it.
    """

    program: Program
    places: Places
    instances: Sequence[Instance]
    standing: dict[Instance, dict[int, int]]
    parts: dict[Instance, dict[int, int]] = field(default_factory=dict)

    @property
    def amounts(self) -> list[Instance]:
        """The amounts that are asked for."""
        return [one for one in self.instances if one.kind == "amount"]

    def check(self) -> None:
        """Refuse amounts that there are no words for.

        Raises
        ------
        BeyondError
            Then.
        """
        for one in self.amounts:
            name, slot = one.vertex.type, one.slot()
            if name in self.places.unsure:
                raise BeyondError(f"{name} beside jobs that hold some of it of several domains")
            if slot is not None:
                self._check_of_slot(one, slot)
                continue
            holder = one.holder()
            if one.slot_or_outer() is not None:
                raise BeyondError(f"{name} of a slot that holds slots")
            if holder is None or not (holder.level == NODE or self._is_below_node(holder)):
                raise BeyondError(f"{name} beside nodes")

    def _check_of_slot(self, one: Instance, slot: Instance) -> None:
        inside: Collection[Instance] = list(slot.walk())
        if any(other.kind == "place" and not self._is_below_node(other) for other in inside):
            node = next((around for around in one.above() if around in inside and around.level == NODE), None)
            if node is None:
                raise BeyondError(f"{one.vertex.type} beside the nodes of a slot")
            inside = list(node.walk())
        if not any(other.kind in ("core", "gpu") or other.whole for other in inside):
            raise BeyondError(f"{one.vertex.type} alone")

    def _is_below_node(self, one: Instance) -> bool:
        return one.level in self.places.machine.levels

    def let_give(self) -> None:
        """Add what each place may give each instance: all that it asks for, and no more than is free."""
        given: dict[tuple[str, int], Terms] = {}
        for one in self.amounts:
            holder = one.holder()
            stands = {} if holder is None else self.standing[holder]
            admitted = {place: self._admitted(one, place) for place in stands}
            parts = self.parts[one] = {}
            for key, free in self.places.stock(one.vertex.type).items():
                at = [variable for place, variable in stands.items() if key in admitted[place]]
                if holder is not None and not at:
                    continue
                most = min(one.number, free)
                parts[key] = self.program.variable(most)
                given.setdefault((one.vertex.type, key), {})[parts[key]] = 1
                if holder is not None:
                    self.program.at_most({parts[key]: 1, **dict.fromkeys(at, -most)}, 0)
            self.program.equal(dict.fromkeys(parts.values(), 1), one.number)
        for (name, key), terms in given.items():
            self.program.at_most(terms, self.places.stock(name)[key])
        self._keep_out_of_wholes()

    def _admitted(self, one: Instance, place: int) -> frozenset[int]:
        """Return the places that may give an amount whose holder stands at a place."""
        places, listing = self.places.places, self.places.listing(one.vertex.type)
        inside = frozenset(key for key in listing if place in places[key].around)
        around = frozenset(key for key in listing if key in places[place].around)
        if _is_of_a_whole(one) and inside:
            return inside
        if one.slot() is not None:
            return inside | around
        if place in listing:
            return frozenset({place})
        nearest = frozenset(key for key in around if all(other in places[key].around for other in around))
        return inside or nearest

    def is_in_itself(self, one: Instance) -> bool:
        """Whether an amount is the least that a whole place must have of what is listed in it.

        Raises
        ------
        BeyondError
            It is so on some nodes, and not on others.
        """
        if not _is_of_a_whole(one) or one.parent is None:
            return False
        listing, places = self.places.listing(one.vertex.type), self.places.places
        said = {any(place in places[key].around for key in listing) for place in self.standing[one.parent]}
        if len(said) > 1:
            raise BeyondError(f"{one.vertex.type} of whole places of which some list it and others do not")
        return said == {True}

    def _keep_out_of_wholes(self) -> None:
        """Let no slot have amounts of what another one has whole, nor of what the job has whole elsewhere."""
        for whole in (one for one in self.instances if one.whole):
            for one in self.amounts:
                slot = one.slot()
                if slot is None or slot is whole.slot() or whole in one.above():
                    continue
                for key, variable in self.parts[one].items():
                    around = self.places.places[key].around
                    stands = [v for place, v in self.standing[whole].items() if place in around]
                    if stands:
                        most = self.program.upper[variable]
                        self.program.at_most({variable: 1, **dict.fromkeys(stands, most)}, most)


def _is_of_a_whole(one: Instance) -> bool:
    """Whether an amount is asked of a place that is whole, right below it."""
    return one.parent is not None and one.parent.kind == "place" and one.parent.whole
