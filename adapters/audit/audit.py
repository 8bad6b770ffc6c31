"""An audit: random streams for as long as wanted, what they show, and the smallest example of each."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from .findings import Fault, Finding, Kind, cause_of
from .isolation import Died, Journal, isolated
from .shrink import TRIES, shrink, without_steps
from .steps import Ask, Stream
from .streams import streams
from .trial import Event, Make, is_request, list_of, run

BATCH = 50
"""Streams drawn at a time."""

SEARCHING = 0.6
"""The part of the time in which streams are drawn; the rest is for making what they show smaller."""


@dataclass
class Report:
    """What an audit came to.

    Attributes
    ----------
    pool
        What was audited, by name.
    seed
        From which streams were drawn.
    streams, requests
        How many.
    seen
        What came of requests and steps, in words, and how often.
    findings
        The allocator's faults, each with its smallest example.
    faults
        What must not come of exactfit itself, likewise.
    terms
        Of placements that are legal: the sum of each term, of the allocator and at best, and how many.
    """

    pool: str
    seed: int
    streams: int = 0
    requests: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    faults: list[tuple[Fault, str, Stream]] = field(default_factory=list)
    terms: dict[str, tuple[int, int, int]] = field(default_factory=dict)


@dataclass
class _Raw:
    """The shortest stream so far that shows a fault at its last step, and how often the fault was met."""

    stream: Stream
    count: int = 0


def audit(
    make: Make,
    *,
    pool: str = "",
    seed: int = 0,
    seconds: float | None = None,
    at_most: int | None = None,
    tries: int = TRIES,
    tell: Callable[[Report], None] | None = None,
) -> Report:
    """Audit an allocator.

    Parameters
    ----------
    make
        Makes it of R.
    pool
        Its name.
    seed
        From which streams are drawn: the same ones each time.
    seconds
        How long it may take; no limit by default.
    at_most
        How many streams are drawn; no limit by default.
    tries
        How many streams are tried in making one example smaller.
    tell
        Is told how far it is, now and then.

    Raises
    ------
    ValueError
        When there is no limit at all.
    """
    if seconds is None and at_most is None:
        raise ValueError("an audit needs a limit: seconds, or a number of streams")
    began = time.monotonic()
    search = _Search(make, Report(pool, seed), None if seconds is None else began + SEARCHING * seconds, at_most)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in search.batches():
            if tell is not None:
                tell(search.report)
        search.make_smaller(None if seconds is None else began + seconds, tries)
    return search.report


class _Search:
    def __init__(self, make: Make, report: Report, until: float | None, at_most: int | None) -> None:
        self.make = make
        self.report = report
        self.until = until
        self.at_most = at_most
        self.raw: dict[tuple[Kind, str, str], _Raw] = {}

    def is_over(self) -> bool:
        enough = self.at_most is not None and self.report.streams >= self.at_most
        return enough or (self.until is not None and time.monotonic() > self.until)

    def batches(self) -> Iterator[None]:
        """Draw streams until it is over."""
        number = 0
        while not self.is_over():
            self._isolated_batch(f"{self.report.seed} {number}")
            number += 1
            yield

    def _isolated_batch(self, seed: str) -> None:
        """Draw some streams in a process of their own; where it dies, so it does of the stream that it was at."""
        with Journal() as journal:

            def work() -> tuple[Report, dict[tuple[Kind, str, str], _Raw]]:
                self._batch(seed, journal)
                return self.report, self.raw

            done = isolated(work)
            if isinstance(done, Died):
                # All but the rest of the batch is known from before the stream of which it died.
                self.report, self.raw, stream = journal.read()
                self.report.streams += 1
                known = self.raw.setdefault((Kind.DIES, "", ""), _Raw(stream))
                known.count += 1
                self.report.seen[Kind.DIES.value] += 1
            else:
                self.report, self.raw = done

    def _batch(self, seed: str, journal: Journal) -> None:
        @seeded(seed)
        @given(streams())
        @settings(
            max_examples=BATCH,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def one(stream: Stream) -> None:
            if not self.is_over():
                journal.write((self.report, self.raw, stream))
                self._look_at(stream)

        one()

    def _look_at(self, stream: Stream) -> None:
        report = self.report
        report.streams += 1
        report.requests += sum(isinstance(step, Ask) for step in stream.steps)
        for event in run(self.make, stream):
            report.seen[event.what if isinstance(event.what, str) else event.what.value] += 1
            if event.terms is not None:
                self._add_terms(event)
            if isinstance(event.what, Fault):
                report.faults.append((event.what, event.said, stream))
            elif isinstance(event.what, Kind):
                self._add(event.what, stream, event.at, event.said)

    def _add_terms(self, event: Event) -> None:
        assert event.terms is not None
        values, best = event.terms
        for name in best.keys() & values.keys() - {"size"}:
            one, other, number = self.report.terms.get(name, (0, 0, 0))
            self.report.terms[name] = one + list_of(values[name])[0], other + list_of(best[name])[0], number + 1

    def _add(self, kind: Kind, stream: Stream, at: int, said: str) -> None:
        """Note a fault: by its kind, from what it comes, and for crashes what is raised."""
        stream = replace(stream, steps=stream.steps[: at + 1])
        alone = replace(stream, steps=stream.steps[-1:])
        # What a parser says does not depend on what was before.
        if kind is Kind.UNREAD or shows(self.make, kind)(alone):
            stream = alone
        else:
            stream = without_steps(stream, shows(self.make, kind))
        key = kind, cause_of(stream.steps), said.partition(":")[0] if kind is Kind.CRASHES else ""
        known = self.raw.setdefault(key, _Raw(stream))
        known.count += 1
        if stream.size < known.stream.size:
            known.stream = stream

    def make_smaller(self, until: float | None, tries: int) -> None:
        """Make the example of each fault as small as the time allows."""
        order = list(Kind)
        for key in sorted(self.raw, key=lambda key: (order.index(key[0]), *key[1:])):
            kind, cause, _ = key
            raw = self.raw[key]
            if kind is Kind.DIES:
                self.report.findings.append(self._deadly(raw, until, tries))
                continue
            found = isolated(partial(self._smaller, key, until, tries))
            if isinstance(found, Died):
                found = self.raw[key].stream, last_event(self.make, raw.stream, kind)
            stream, event = found
            if event is not None:
                self.report.findings.append(Finding(kind, cause, stream, event.said, count=raw.count))

    def _smaller(self, key: tuple[Kind, str, str], until: float | None, tries: int) -> tuple[Stream, Event | None]:
        kind, cause, said = key
        stream = shrink(self.raw[key].stream, _in_time(shows(self.make, kind, cause, said), until), tries)
        return stream, last_event(self.make, stream, kind)

    def _deadly(self, raw: _Raw, until: float | None, tries: int) -> Finding:
        """Make smaller what the process dies of; each try is one of its own."""

        def kills(stream: Stream) -> bool:
            if not all(is_request(step) for step in stream.steps if isinstance(step, Ask)):
                return False
            return isinstance(isolated(partial(run, self.make, stream)), Died)

        stream = shrink(raw.stream, _in_time(kills, until), tries)
        died = isolated(partial(run, self.make, stream))
        return Finding(Kind.DIES, cause_of(stream.steps), stream, str(died), count=raw.count)


def _in_time(shows: Callable[[Stream], bool], until: float | None) -> Callable[[Stream], bool]:
    """Return a condition that nothing meets when the time is up."""
    return lambda stream: (until is None or time.monotonic() < until) and shows(stream)


def shows(make: Make, kind: Kind, cause: str | None = None, said: str = "") -> Callable[[Stream], bool]:
    """Return what tells whether a stream shows a fault of a kind, from a cause where one is given."""

    def condition(stream: Stream) -> bool:
        if not (stream.steps or kind is Kind.UNLOADED) or (cause is not None and cause_of(stream.steps) != cause):
            return False
        if not all(is_request(step) for step in stream.steps if isinstance(step, Ask)):
            return False
        event = last_event(make, stream, kind)
        return event is not None and (not said or event.said.startswith(said))

    return condition


def last_event(make: Make, stream: Stream, kind: Kind) -> Event | None:
    """Return the fault of a kind that a stream shows at its last step; one in loading, for what has no steps."""
    try:
        events = run(make, stream, len(stream.steps) - 1)
    except (ValueError, TypeError):
        # What was made smaller is no machine any more.
        return None
    wanted = -1 if kind is Kind.UNLOADED else len(stream.steps) - 1
    return next((event for event in events if event.what is kind and event.at == wanted), None)
