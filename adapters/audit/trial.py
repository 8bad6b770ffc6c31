"""One stream, put to an allocator; every answer is judged by the checker, every refusal beside exactfit's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ...grammar.constraint import ALWAYS, parse_constraint
from ...grammar.jobspec import parse_resources
from ...solver.checker import Verdict
from ...solver.policy.terms import LOWEST
from ...topology.machine import Machine
from ...topology.rset import read_R
from .allocator import Allocator, InfeasibleRequest, InsufficientResources, NotOfferedError, UnreadError
from .findings import Fault, Kind
from .model import NOTHING, Model, held_of, part_of
from .reference import Answer, Idle, Reference
from .steps import Ask, AskAll, AskTooMuch, Copy, Free, FreePart, Json, Mark, Reload, Step, Stream

Make = Callable[[Json], Allocator]

PATIENCE = 10.0
"""Seconds for one verb of the allocator."""

_RULES = (
    ("is down", Kind.DOWN),
    ("taken by another job", Kind.TAKEN),
    ("what another slot has", Kind.TAKEN),
    ("does not match", Kind.EXCLUDED),
    ("is none of the machine", Kind.ABSENT),
    ("is not one of the machine", Kind.ABSENT),
    ("are none of the machine", Kind.ABSENT),
    (" has no core", Kind.ABSENT),
    (" has no gpu", Kind.ABSENT),
)
"""What the checker says, and which fault it is; all else is what was not asked for."""

FATAL = frozenset({Kind.TAKEN, Kind.ABSENT, Kind.DOWN, Kind.CRASHES, Kind.HANGS, Kind.UNLOADED, Kind.ACCOUNTS})
"""After these nothing is known of the allocator's state."""


@dataclass(frozen=True, slots=True)
class Event:
    """What came of a step.

    Attributes
    ----------
    at
        The number of the step, from 0; -1 for loading the machine.
    what
        A fault of the allocator's, one of the reference's, or what else was seen, in a word.
    said
        In whose words.
    terms
        Of a legal placement: the values of its terms, and those of the best one.
    """

    at: int
    what: Kind | Fault | str
    said: str = ""
    terms: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None


@dataclass
class Trial:
    """An allocator in an audit, and the truth beside it.

    Attributes
    ----------
    make
        Makes the allocator of R.
    R
        The machine.
    first
        The first step that is judged: of those before, only what is given and raised is seen.
    events
        What came of the steps so far.
    """

    make: Make
    R: Json
    first: int = 0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine: Machine = read_R(self.R)
        self.idle = Idle(self.machine)
        self.truth = Model(held_of(self.R))
        self.given: dict[int, Json] = {}
        self.at = -1
        self.ended = False
        self.allocator: Allocator | None = None
        with self._guarded(Kind.UNLOADED):
            self.allocator = self.make(self.R)

    def note(self, what: Kind | Fault | str, said: str = "", **more: Any) -> None:
        """Note what came of the step."""
        self.events.append(Event(self.at, what, said, **more))
        self.ended = self.ended or what in FATAL

    @contextmanager
    def _guarded(self, kind: Kind = Kind.CRASHES) -> Iterator[None]:
        """Note whatever the allocator raises, and see to it that it comes back."""
        try:
            with time_limit(PATIENCE):
                yield
        except NotOfferedError:
            return
        except TimeLimitError:
            self.note(Kind.HANGS, f"no answer within {PATIENCE:g} s")
        except KeyboardInterrupt:
            raise
        except BaseException as fault:
            self.note(kind, f"{type(fault).__name__}: {fault}")

    def step(self, step: Step) -> None:
        """Take one step."""
        self.at += 1
        if self.ended or self.allocator is None:
            return
        if isinstance(step, AskAll | AskTooMuch):
            self._ask_all(step)
        elif isinstance(step, Ask):
            self._ask(step)
        elif isinstance(step, Free) and step.job in self.truth.jobs:
            with self._guarded():
                self.allocator.free(step.job)
            self.truth.end(step.job)
        elif isinstance(step, FreePart) and step.job in self.truth.jobs:
            self._free_part(step)
        elif isinstance(step, Mark) and step.rank in self.truth.there:
            self._mark(step)
        elif isinstance(step, Reload):
            self._reload()
        elif isinstance(step, Copy):
            self._copy(step)
        self._compare()

    def _free_part(self, step: FreePart) -> None:
        assert self.allocator is not None
        ranks = sorted(self.truth.jobs[step.job])
        if not ranks:
            return
        gone = ranks[step.nth % len(ranks)]
        done = False
        with self._guarded():
            part = part_of(self.truth.allocated[step.job], [gone])
            if len(ranks) == 1:
                self.allocator.free_last(step.job, part)
            else:
                self.allocator.free_part(step.job, part)
            done = True
        if done and len(ranks) == 1:
            self.truth.end(step.job)
        elif done:
            self.truth.keep(step.job, set(ranks) - {gone})

    def _mark(self, step: Mark) -> None:
        assert self.allocator is not None
        with self._guarded():
            self.allocator.mark([step.rank], up=step.up)
            self.truth.down = self.truth.down - {step.rank} if step.up else self.truth.down | {step.rank}

    def _reload(self) -> None:
        self.given = {jobid: R for jobid, R in self.given.items() if jobid in self.truth.jobs}
        with self._guarded():
            again = self.make(self.R)
            # As Flux does: all is down until what is up is told.
            if self.truth.down:
                again.mark(sorted(self.truth.down), up=False)
            for jobid, R in self.given.items():
                freed = held_of(R).keys() - self.truth.jobs[jobid].keys()
                if freed:
                    again.register(jobid, R, freed)
                else:
                    again.register(jobid, R)
            self.allocator = again

    def _copy(self, step: Copy) -> None:
        assert self.allocator is not None
        with self._guarded():
            stays, other = self.allocator, self.allocator.copy()
            if step.go_on_with_the_copy:
                stays, other = other, stays
            for jobid in self.truth.jobs:
                other.free(jobid)
            self.allocator = stays

    def _compare(self) -> None:
        """Compare what the allocator says of itself."""
        if self.allocator is None or self.ended:
            return
        with self._guarded():
            said, held = self.allocator.held(), self.truth.held()
            if said != held:
                self.note(Kind.ACCOUNTS, f"it says that {_words(said)} is held, and {_words(held)} is")
        with self._guarded():
            down = self.allocator.down()
            if down != self.truth.down:
                self.note(Kind.ACCOUNTS, f"it says that {sorted(down)} is down, and {sorted(self.truth.down)} is")

    # -- requests -------------------------------------------------------------------------------------------------

    def _ask_all(self, step: AskAll | AskTooMuch) -> None:
        """Ask for all cores that are free, or for more: an allocator that has lost any, or gives too much, shows it."""
        held = self.truth.held()
        slots = int(isinstance(step, AskTooMuch))
        for rank, (cores, _) in self.truth.there.items():
            if rank not in self.truth.down:
                slots += len(cores - held.get(rank, NOTHING)[0]) // step.cores
        if slots:
            inside = {"type": "core", "count": step.cores}
            self._ask(Ask(step.job, ({"type": "slot", "count": slots, "label": "task", "with": [inside]},)))

    def _ask(self, ask: Ask) -> None:
        answer = self._answer(ask)
        if self.at < self.first:
            if isinstance(answer, dict):
                self._start(ask, answer)
            return
        if answer is None:
            return
        reference = Reference(self.idle, self.truth)
        if isinstance(answer, Exception):
            self._refused(answer, self._checked(reference.ask(ask, LOWEST)))
        else:
            self._placed(ask, answer, reference)

    def _checked(self, best: Answer) -> Answer:
        if best.fault:
            self.note(Fault.ILLEGAL, best.fault)
        return best

    def _answer(self, ask: Ask) -> Json | Exception | None:
        """Return the R that the job gets, or the refusal; None where a fault was noted."""
        assert self.allocator is not None
        resources = list(ask.resources)
        with self._guarded():
            try:
                with suppress(NotOfferedError):
                    self.allocator.check(resources, ask.constraint)
                return self.allocator.alloc(ask.job, resources, ask.constraint)
            except (InfeasibleRequest, InsufficientResources, UnreadError) as refusal:
                return refusal
        return None

    def _refused(self, refusal: Exception, best: Answer) -> None:
        said = f"{type(refusal).__name__}: {refusal}"
        if best.is_cut_off:
            self.note("not judged: the search of exactfit was cut off")
        elif best.R is not None:
            kind = Kind.NOT_NOW if isinstance(refusal, InsufficientResources) else Kind.NEVER
            where = "; ".join(f"rank {rank}: {_ids(ids)}" for rank, ids in held_of(best.R).items())
            self.note(Kind.UNREAD if isinstance(refusal, UnreadError) else kind, f"{said}; there is a place: {where}")
        elif best.never and isinstance(refusal, InsufficientResources):
            self.note(Kind.PENDS, f"{said}; exactfit proves that there is none on the idle machine")
        elif not best.never and isinstance(refusal, InfeasibleRequest):
            self.note(Kind.NEVER_IDLE, f"{said}; it fits once jobs have ended or ranks have come up")
        else:
            self.note("refuses what does not fit")

    def _placed(self, ask: Ask, R: Json, reference: Reference) -> None:
        verdict = reference.judge(ask, R)
        if not verdict.legal:
            self._illegal(ask, verdict)
            return
        best = self._checked(reference.ask(ask))
        if not self._start(ask, R):
            return
        if best.R is None:
            self.note("places what exactfit's search was cut off for" if best.is_cut_off else Fault.MISSED)
            return
        name = first_difference(verdict.terms, best.terms)
        if not name:
            self.note("places as well as can be", terms=(verdict.terms, best.terms))
        elif is_worse(name, verdict.terms, best.terms):
            self.note(
                f"places worse first in {name}",
                f"{name}: {verdict.terms[name]} by it, {best.terms[name]} at best",
                terms=(verdict.terms, best.terms),
            )
        elif best.proven:
            self.note(Fault.WORSE, f"{name}: {verdict.terms[name]} by it, {best.terms[name]} by exactfit")
        else:
            self.note("places better than what a cut-off search found", terms=(verdict.terms, best.terms))

    def _start(self, ask: Ask, R: Json) -> bool:
        """Let the job have what it got, and return whether that is an R."""
        try:
            self.truth.start(ask.job, R, 0.0)
        except (KeyError, TypeError, ValueError) as fault:
            self.note(Kind.WRONG, f"what it returns is no R: {fault}")
            return False
        self.given[ask.job] = R
        return True

    def _illegal(self, ask: Ask, verdict: Verdict) -> None:
        said = "; ".join(verdict.violations)
        if any(violation.startswith("not judged") for violation in verdict.violations):
            self.note("places in a form whose split into slots is not searched")
        else:
            kinds = [kind for words, kind in _RULES if any(words in fault for fault in verdict.violations)]
            self.note(kinds[0] if kinds else Kind.WRONG, said)
        if not self.ended and self.allocator is not None:
            # What it holds is not what it was asked for: it gives it back.
            with self._guarded():
                self.allocator.free(ask.job)


def run(make: Make, stream: Stream, first: int = 0) -> list[Event]:
    """Put a stream to an allocator, and return what came of it; the steps before the `first` are not judged."""
    trial = Trial(make, stream.R, first)
    for step in stream.steps:
        trial.step(step)
    return trial.events


def is_request(ask: Ask) -> bool:
    """Whether a request is one by RFC 14 and RFC 31, as what was made smaller need not be."""
    try:
        parse_resources(list(ask.resources))
        _ = ALWAYS if ask.constraint is None else parse_constraint(ask.constraint)
    except (ValueError, TypeError):
        return False
    return True


def first_difference(values: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """Return the first term in which two placements differ, "" for none."""
    return next((name for name in best if name in values and list_of(values[name]) != list_of(best[name])), "")


def is_worse(name: str, values: Mapping[str, Any], best: Mapping[str, Any]) -> bool:
    """Whether the first values are worse than the second in a term: lower is better, of sizes higher."""
    one, other = list_of(values[name]), list_of(best[name])
    return one < other if name == "size" else one > other


def list_of(value: Any) -> list[Any]:
    """Return a value of a term as a list, that of the size as JSON has it as well."""
    return list(value) if isinstance(value, tuple | list) else [value]


def _words(held: Mapping[int, tuple[frozenset[int], frozenset[int]]]) -> str:
    return "; ".join(f"{_ids(ids)} of rank {rank}" for rank, ids in sorted(held.items())) or "nothing"


def _ids(ids: tuple[frozenset[int], frozenset[int]]) -> str:
    named = [f"{name} {sorted(some)}" for name, some in zip(("core", "gpu"), ids, strict=True) if some]
    return " and ".join(named)


class TimeLimitError(BaseException):
    """The time of one verb is up; no `except Exception` of the allocator's keeps it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitError in what runs too long, where the system can: in the main thread, with alarms."""
    import signal

    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeLimitError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
