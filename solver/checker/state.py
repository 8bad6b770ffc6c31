"""What is free on a machine: cores, gpus and memory, kept up to date as jobs come and go."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from fractions import Fraction

from .answer import Answer
from .ground import Ground, Place, positions

Demand = tuple[str, frozenset[Place]]
"""A resource and the places that it may come from."""


class State:
    """What running jobs have left.

    Parameters
    ----------
    ground
        The machine's places.

    Notes
    -----
    An allocated R says how much memory a slot has, not from which of its domains. A demand on several places is met if
    there is some way of meeting all demands, and all are looked at anew each time.
    """

    def __init__(self, ground: Ground) -> None:
        machine = ground.machine
        self.ground = ground
        self.down = 0
        self.cores = [machine.types[kind].cores for kind in machine.type_of]
        self.gpus = [machine.types[kind].gpus for kind in machine.type_of]
        self._held: dict[Demand, Fraction] = {}
        self._at: dict[tuple[str, Place], set[Demand]] = {}
        self._on_node: dict[int, dict[Demand, set[Place]]] = {}

    def free(self, position: int) -> tuple[int, int]:
        """Return the free cores and gpus of a node: none while it is down."""
        return (0, 0) if self.down >> position & 1 else (self.cores[position], self.gpus[position])

    def change(self, answer: Answer, sign: int) -> None:
        """Take (1) or give back (-1) what an allocated R holds."""
        for position, (cores, gpus) in answer.held.items():
            if sign > 0:
                self.cores[position] &= ~cores
                self.gpus[position] &= ~gpus
            else:
                kind = self.ground.machine.type_at(position)
                self.cores[position] |= cores & kind.cores
                self.gpus[position] |= gpus & kind.gpus
        for demand, amount in self.demands(answer).items():
            left = self._held.get(demand, Fraction(0)) + sign * amount
            if left > 0:
                self._held[demand] = left
            else:
                self._held.pop(demand, None)
            for place in demand[1]:
                self._mark(demand, place, left > 0)

    def _mark(self, demand: Demand, place: Place, held: bool) -> None:
        """Note that a place is (or is no longer) one of those that a demand is met from."""
        there = self._at.setdefault((demand[0], place), set())
        sources = self._on_node.setdefault(place[0], {}).setdefault(demand, set())
        if held:
            there.add(demand)
            sources.add(place)
        else:
            there.discard(demand)
            sources.discard(place)

    def demands(self, answer: Answer) -> dict[Demand, Fraction]:
        """Return what an allocated R says that its job took of memory and the like."""
        found: dict[Demand, Fraction] = {}
        for (place, name), amount in answer.by_domain.items():
            found[name, frozenset({place})] = amount
        known = {(place[0], name) for place, name in answer.by_domain}
        for slot in answer.slots or ():
            for slot_part in slot.slot_parts:
                said = {name for name, _, _ in slot_part.domains}
                for name, place, amount in slot_part.domains:
                    if (slot_part.position, name) not in known:
                        here = name, frozenset({place})
                        found[here] = found.get(here, Fraction(0)) + amount
                for name, amount in slot_part.amounts:
                    if name in said or (slot_part.position, name) in known:
                        continue
                    # As for a request: the domains of the cores count, those of the gpus where there are no cores.
                    gpus = 0 if slot_part.cores else slot_part.gpus
                    taken = self.ground.innermost(slot_part.position, slot_part.cores, gpus)
                    sources = self.ground.sources(name, (slot_part.position, 0), taken, self.ground.machine.all)
                    found[name, sources] = found.get((name, sources), Fraction(0)) + amount
        for (place, name), amount in answer.amounts.items():
            if (place[0], name) in known:
                continue
            sources = self.ground.sources(name, place, (), self.ground.machine.all)
            found[name, sources] = found.get((name, sources), Fraction(0)) + amount
        return found

    def is_intact(self, place: Place) -> bool:
        """Whether all cores and gpus of a place are free and up."""
        if place[0] < 0:
            members = positions(self.ground.machine.groups[place[1]].members)
            return all(self.is_intact((position, 0)) for position in members)
        domain = self.ground.domain(place)
        cores, gpus = self.cores[place[0]], self.gpus[place[0]]
        return not (self.down >> place[0] & 1 or domain.cores & ~cores or domain.gpus & ~gpus)

    def is_whole(self, place: Place) -> bool:
        """Whether a place may be taken whole: R has something of it, and nobody has any of that."""
        if place[0] < 0:
            members = positions(self.ground.machine.groups[place[1]].members)
            return all(self.is_whole((position, 0)) for position in members)
        if not self.is_intact(place):
            return False
        return not any(
            self.ground.contains(place, source)
            for domains in self._on_node.get(place[0], {}).values()
            for source in domains
        )

    def gave_amounts(self, position: int) -> bool:
        """Whether running jobs have memory or the like of a node."""
        return any(self._on_node.get(position, {}).values())

    def lacks(self, demands: Mapping[Demand, Fraction]) -> str | None:
        """Return the name of a resource of which there is not enough left for all these demands, None if all fit."""
        for name in {name for name, _ in demands}:
            wanted = {demand: amount for demand, amount in demands.items() if demand[0] == name}
            if not self._fits(name, wanted):
                return name
        return None

    def _fits(self, name: str, new: Mapping[Demand, Fraction]) -> bool:
        """Whether some way of meeting old and new demands exists: a flow from demands to places saturates them."""
        wanted = dict(new)
        pending = deque(new)
        while pending:
            for place in pending.popleft()[1]:
                for demand in self._at.get((name, place), ()):
                    if demand not in wanted:
                        pending.append(demand)
                        wanted[demand] = Fraction(0)
        for demand in wanted:
            wanted[demand] += self._held.get(demand, Fraction(0))
        room = {place: self.ground.listing(place, name) or Fraction(0) for _, places in wanted for place in places}
        if any(self.ground.layers(place, name) for place in room):
            return self._fits_in_layers(name, new)
        return can_give(room, wanted)

    def _fits_in_layers(self, name: str, new: Mapping[Demand, Fraction]) -> bool:
        """Whether that is so where what a group gives is the groups' around it as well: a flow from layer to layer."""
        wanted = {demand: amount for demand, amount in self._held.items() if demand[0] == name}
        for demand, amount in new.items():
            wanted[demand] = wanted.get(demand, Fraction(0)) + amount
        left: dict[object, dict[object, Fraction]] = {}
        every = sum(wanted.values(), Fraction(0))

        def join(start: object, end: object, capacity: Fraction) -> None:
            left.setdefault(start, {})[end] = capacity
            left.setdefault(end, {}).setdefault(start, Fraction(0))

        pending: list[Place] = []
        for demand, amount in wanted.items():
            join("from", demand, amount)
            for place in demand[1]:
                join(demand, (place, "in"), every)
                pending.append(place)
        for place in pending:
            layers = self.ground.layers(place, name)
            join((place, "in"), (place, "out"), self.ground.listing(place, name) or Fraction(0))
            join((place, "out"), (layers[0], "in") if layers else "to", every)
            pending += layers[:1]
        return _flow(left, "from", "to") == every


def can_give(room: dict[Place, Fraction], wanted: Mapping[Demand, Fraction]) -> bool:
    """Tell whether places have enough for all demands: a flow from demands to places saturates them."""
    given: dict[tuple[Demand, Place], Fraction] = {}
    # The demands with the least choice first: the rest is then seldom rearranged.
    for demand in sorted(wanted, key=lambda d: (len(d[1]), sorted(d[1]))):
        left = wanted[demand]
        while left > 0:
            pushed = _push(demand, left, room, given)
            if not pushed:
                return False
            left -= pushed
    return True


def _push(
    demand: Demand, amount: Fraction, room: dict[Place, Fraction], given: dict[tuple[Demand, Place], Fraction]
) -> Fraction:
    """Meet a part of a demand, moving what others were given to other places of theirs (an augmenting path)."""
    came: dict[Place, tuple[Demand, Place | None]] = dict.fromkeys(demand[1], (demand, None))
    pending = deque(sorted(came))
    while pending:
        place = pending.popleft()
        if room[place] > 0:
            path = []
            step: Place | None = place
            while step is not None:
                taker, before = came[step]
                path.append((taker, step, before))
                step = before
            amount = min([amount, room[place], *(given[t, b] for t, _, b in path if b is not None)])
            room[place] -= amount
            for taker, to, before in path:
                given[taker, to] = given.get((taker, to), Fraction(0)) + amount
                if before is not None:
                    given[taker, before] -= amount
            return amount
        for (other, there), has in given.items():
            if there == place and has > 0:
                for next_place in sorted(other[1]):
                    if next_place not in came:
                        came[next_place] = other, place
                        pending.append(next_place)
    return Fraction(0)


def _flow(left: dict[object, dict[object, Fraction]], start: object, end: object) -> Fraction:
    """Return the largest flow through a network, of which what is left of each capacity is given (Edmonds and Karp)."""
    total = Fraction(0)
    while True:
        came: dict[object, object] = {start: start}
        pending = deque([start])
        while pending and end not in came:
            here = pending.popleft()
            for there, capacity in left.get(here, {}).items():
                if capacity > 0 and there not in came:
                    came[there] = here
                    pending.append(there)
        if end not in came:
            return total
        steps = [end]
        while steps[-1] != start:
            steps.append(came[steps[-1]])
        pairs = list(zip(steps[1:], steps, strict=False))
        amount = min(left[one][other] for one, other in pairs)
        for one, other in pairs:
            left[one][other] -= amount
            left[other][one] += amount
        total += amount
