"""Judges whether an allocated R is a legal answer to a request, and what each term of the policy is worth.

It reads the definitions once more, in plain Python, and shares no code with the solver, so that a fault in one of them
shows as a difference. It tries ways of seeing a request in an answer, up to a limit, and is no search for placements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...grammar.constraint import ALWAYS, Constraint, evaluate, failing
from ...grammar.errors import shown
from ...grammar.idset import IdSet
from ...grammar.jobspec import Vertex
from ...grammar.suggest import hint
from ...topology.machine import Machine
from .above import Counts, MismatchError
from .amounts import Amounts
from .answer import Answer, Slot, read_answer
from .case import Case
from .cover import TooLongError
from .ground import Ground
from .matching import Matcher
from .omitted import present_levels
from .outside import Match
from .request import Kind, Need, Request, read_request
from .splitting import Split, splits
from .state import State
from .usual import Usual
from .worth import Value, worth

MAX_FAULTS = 20
MAX_TRIES = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker says of one answer.

    Parameters
    ----------
    legal
        Whether the answer is what was asked for, out of what was free.
    violations
        Why it is not legal, a sentence each.
    terms
        The value of each term by name; empty when the answer could not be split into slots.
    counts
        The counts chosen, by the path of their vertices; empty likewise.
    notes
        What to know of the values: that the split into slots was searched for, and how far.
    """

    legal: bool
    violations: tuple[str, ...] = ()
    terms: Mapping[str, Value] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Checker:
    """Judges answers on one machine whose state it follows.

    Parameters
    ----------
    machine
        The machine.
    usual
        Text of the usual jobs, ``WEIGHT => SHAPE`` a line, for the term `future`; nothing: whole domains.

    Raises
    ------
    ValueError
        For usual jobs that are none.
    """

    def __init__(self, machine: Machine, usual: str = "") -> None:
        if not isinstance(machine, Machine):
            raise TypeError(f"expected a Machine, not {shown(machine)}; read_R makes one of R")
        self.machine = machine
        self._ground = Ground(machine)
        self._usual = Usual(usual)
        self._state = State(self._ground)

    def allocate(self, R: Mapping[str, Any]) -> None:
        """Take what the R of a running job holds.

        Raises
        ------
        ValueError
            When it is no R of this machine's, or something of it is not free; then nothing has changed.
        """
        answer = self._answer(R)
        for position, (cores, gpus) in answer.held.items():
            if cores & ~self._state.cores[position] or gpus & ~self._state.gpus[position]:
                raise ValueError(f"{self._ground.say((position, 0))}: cores or gpus are taken already")
        name = self._state.lacks(self._state.demands(answer))
        if name is not None:
            raise ValueError(f"there is not as much {name} left as R says that the job has")
        self._state.change(answer, 1)

    def release(self, R: Mapping[str, Any]) -> None:
        """Give back what the R of a job holds.

        Raises
        ------
        ValueError
            When it is no R of this machine's, or something of it is free already; then nothing has changed.
        """
        answer = self._answer(R)
        for position, (cores, gpus) in answer.held.items():
            if cores & self._state.cores[position] or gpus & self._state.gpus[position]:
                raise ValueError(f"{self._ground.say((position, 0))}: cores or gpus are not taken")
        self._state.change(answer, -1)

    def _answer(self, R: Mapping[str, Any]) -> Answer:
        """Read the R of a job that runs here, which the machine must be able to hold."""
        answer = read_answer(self.machine, R)
        if answer.faults:
            raise ValueError(answer.faults[0])
        for position, (cores, gpus) in answer.held.items():
            kind = self.machine.type_at(position)
            lacking = _ids(cores & ~kind.cores, gpus & ~kind.gpus)
            if lacking:
                raise ValueError(f"{self._ground.say((position, 0))} has no {lacking}")
        return answer

    def down(self, mask: int) -> None:
        """Say which positions are down; those not in the bitmask are up.

        Raises
        ------
        ValueError
            For positions that the machine does not have.
        """
        if mask & ~self.machine.all:
            raise ValueError(f"there are no such positions: the machine has {self.machine.size}, from 0 on")
        self._state.down = mask

    def judge(
        self,
        vertices: Sequence[Vertex],
        answer: Mapping[str, Any],
        *,
        constraint: Constraint = ALWAYS,
        slot_exclusive: str = "shared",
        unknown_types: str = "refuse",
    ) -> Verdict:
        """Judge an answer to a request, before it is allocated.

        Parameters
        ----------
        vertices
            The request.
        answer
            The allocated R; where it has no `scheduling.placement`, a split into slots is searched for.
        constraint
            What the nodes must be; anything by default.
        slot_exclusive, unknown_types
            The options of the pool that gave the answer, see `read_request`.

        Raises
        ------
        TypeError
            For what are no vertices.
        ValueError
            For options that there are not.
        """
        if isinstance(vertices, str) or not all(isinstance(vertex, Vertex) for vertex in vertices):
            raise TypeError(f"expected vertices, not {shown(vertices)}; parse_resources reads them")
        there = present_levels(self.machine, vertices, slot_exclusive)
        request = read_request(self.machine, there, slot_exclusive=slot_exclusive, unknown_types=unknown_types)
        try:
            said = read_answer(self.machine, answer)
        except ValueError as error:
            return Verdict(False, (str(error),))
        faults = [
            f"the machine has no {name}{hint(name, self.machine.type_names, 'it has')}" for name in request.unknown
        ]
        faults += [f"{name} has no unit" for name in request.united]
        faults += request.faults
        faults += said.faults
        faults += self._unusable(said, constraint)
        faults += _misplaced(self.machine, said)
        if faults:
            return Verdict(False, tuple(faults[:MAX_FAULTS]))
        return self._match(request, said, evaluate(constraint, self.machine.facts) & ~self._state.down)

    def _unusable(self, said: Answer, constraint: Constraint) -> Iterator[str]:
        """Say what the answer takes that is not there, not free, down or excluded."""
        facts = self.machine.facts
        allowed = evaluate(constraint, facts)
        for position, (cores, gpus) in said.held.items():
            place = self._ground.say((position, 0))
            kind = self.machine.type_at(position)
            lacking = _ids(cores & ~kind.cores, gpus & ~kind.gpus)
            if lacking:
                yield f"{place} has no {lacking}"
            elif self._state.down >> position & 1:
                yield f"{place} is down"
            elif not allowed >> position & 1:
                yield f"{place} does not match {failing(constraint, facts, position)}"
            else:
                free_cores, free_gpus = self._state.free(position)
                if cores & ~free_cores or gpus & ~free_gpus:
                    yield f"{place}: cores or gpus are taken by another job"

    def _match(self, request: Request, said: Answer, usable: int) -> Verdict:
        """See the request in the slots; where R does not give them, in the first proposal that will do."""
        proposals = [Split(said.slots, ())] if said.slots is not None else splits(self._ground, request, said)
        failed: Verdict | None = None
        try:
            for proposal in proposals:
                verdict = self._match_slots(request, said, proposal, usable)
                if verdict.legal:
                    return verdict
                failed = failed or verdict
        except MismatchError as error:
            return Verdict(False, (str(error),))
        except TooLongError:
            return Verdict(False, ("not judged: there are too many ways to see the request in this answer",))
        return failed or Verdict(False, ("no number of slots fits what is held",))

    def _match_slots(self, request: Request, said: Answer, proposal: Split, usable: int) -> Verdict:
        """See the request in slots, and say what they are worth."""
        slots, notes = proposal.slots, proposal.notes
        try:
            match = self._first_match(request, said, slots, usable)
        except MismatchError as error:
            return Verdict(False, (str(error),), self._terms(said, slots), notes=notes)
        faults = _wrong_nslots(said, slots)
        counts = {need.vertex.path: count for need, count in _in_order(match.counts)}
        wholes = match.job_wholes.union(*(way.wholes for _, way in match.slots))
        terms = worth(self._ground, self._state, said.held, slots, _size(request, match.counts), wholes, self._usual)
        if said.slots is None and (match.job_amounts or any(way.amounts for _, way in match.slots)):
            notes += ("R does not say what was taken of memory and the like: the least is assumed",)
        return Verdict(not faults, faults, terms, counts, notes)

    def _first_match(self, request: Request, said: Answer, slots: Sequence[Slot], usable: int) -> Match:
        """Return the first way of seeing the request in slots for which there is enough memory and the like."""
        amounts = Amounts(self._ground, self._state, usable, said.slots is not None)
        matcher = Matcher(Case(self._ground, self._state, request, said.held), amounts)
        reason: MismatchError | None = None
        try:
            for tried, match in enumerate(matcher.matches(slots)):
                if tried > MAX_TRIES:
                    raise TooLongError
                try:
                    amounts.check(match.slots, match.job_amounts, match.job_wholes, said, match.counts)
                except MismatchError as error:
                    reason = reason or error
                else:
                    return match
        except MismatchError as error:
            reason = error
        if matcher.is_cut or reason is None:
            raise TooLongError
        raise reason

    def _terms(self, said: Answer, slots: Sequence[Slot]) -> dict[str, Value]:
        """Return what can be said of an illegal answer: all but its size, and what of it was asked for whole."""
        terms = worth(self._ground, self._state, said.held, slots, (), usual=self._usual)
        return {name: value for name, value in terms.items() if name not in ("size", "partial")}


def check(
    machine: Machine,
    vertices: Sequence[Vertex],
    answer: Mapping[str, Any],
    *,
    constraint: Constraint = ALWAYS,
    running: Sequence[Mapping[str, Any]] = (),
    down: int = 0,
    slot_exclusive: str = "shared",
    unknown_types: str = "refuse",
    usual: str = "",
) -> Verdict:
    """Judge one answer, given the R of all running jobs and the positions that are down; see `Checker.judge`."""
    checker = Checker(machine, usual)
    for job in running:
        checker.allocate(job)
    checker.down(down)
    return checker.judge(
        vertices, answer, constraint=constraint, slot_exclusive=slot_exclusive, unknown_types=unknown_types
    )


def _ids(cores: int, gpus: int) -> str:
    """Return cores and gpus, as bitmasks of ids, in words; empty for none."""
    named = [f"{name} {IdSet.from_mask(mask)}" for name, mask in (("core", cores), ("gpu", gpus)) if mask]
    return " and ".join(named)


def _misplaced(machine: Machine, said: Answer) -> Iterator[str]:
    """Say which slots hold what the job does not hold, or what another slot holds."""
    left = dict(said.held)
    for slot in said.slots or ():
        for slot_part in slot.slot_parts:
            cores, gpus = left.get(slot_part.position, (0, 0))
            if slot_part.cores & ~cores or slot_part.gpus & ~gpus:
                rank = machine.ranks[slot_part.position]
                yield f"a slot {slot.label!r} on rank {rank} has what R_lite does not list, or what another slot has"
            left[slot_part.position] = cores & ~slot_part.cores, gpus & ~slot_part.gpus


def _wrong_nslots(said: Answer, slots: Sequence[Slot]) -> tuple[str, ...]:
    """Compare the number of slots, which every allocated R gives (RFC 20)."""
    if said.nslots is None:
        return ("R does not say how many slots there are",) if said.slots is not None else ()
    return () if said.nslots == len(slots) else (f"nslots is {said.nslots}, there are {len(slots)} slots",)


def _size(request: Request, counts: Counts) -> tuple[int, ...]:
    """Return the value of the term size."""
    order = [need for outer in request.needs for need in outer.walk()]
    return tuple([counts[need] for need in order if need.has_choice])


def _in_order(counts: Counts) -> list[tuple[Need, int]]:
    """Return the counts in pre-order, without vertices that were passed over."""
    chosen = [(need, count) for need, count in counts.items() if need.kind is not Kind.NOTHING or need.children]
    return sorted(chosen, key=lambda item: item[0].index)
