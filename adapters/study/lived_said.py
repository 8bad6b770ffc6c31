"""What judging a site's own placements came to: in sentences, as a table of the report, as rows and as JSON values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from ...grammar.errors import printable
from ...topology.machine import Machine
from ..worth import as_cost, value_of
from . import html
from .as_it_was import ILLEGAL, LEGAL, OVERLAP, UNSAID, Judged
from .lived import History
from .remedies import MOVES, NO_CHANGE, NOTHING, OTHER_ORDER, TOO_LARGE, Remedy

_OPTIMAL = "OPTIMAL"
_MOST_FAULTS = 3


@dataclass(frozen=True, slots=True)
class Torn:
    """How many jobs were torn over the domains of a level.

    Attributes
    ----------
    level
        Its name.
    jobs
        That were.
    needless
        Of these, those for which something less torn was free at the same moment.
    whole
        Of these, those that would not have been torn at all.
    takes
        What it would have taken that they were not torn, and for how many.
    """

    level: str
    jobs: int
    needless: int
    whole: int
    takes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AsItWas:
    """The judgement of a trace.

    Attributes
    ----------
    machine
        Where.
    history
        Which jobs ran where.
    judged
        What they were worth.
    """

    machine: Machine
    history: History
    judged: Sequence[Judged]

    @property
    def compared(self) -> list[Judged]:
        """Those that stand against the best of their moment."""
        return [one for one in self.judged if one.compared]

    def count(self, what: str) -> int:
        """Return how many placements were so."""
        return sum(one.what == what for one in self.judged)

    def torn(self) -> list[Torn]:
        """Return for each level of groups, and each below the node, how many jobs were torn."""
        found = []
        names = [(level, f"spread.{level}", 1) for level in self.machine.group_levels]
        names += [(level, f"affinity.{level}", 0) for level in self.machine.levels]
        for level, term, least in names:
            pairs = [(value_of(one.terms, term), one.best[term]) for one in self.compared if term in one.best]
            over = [(was, best) for was, best in pairs if was > least]
            if pairs:
                needless, whole = sum(best < was for was, best in over), sum(best <= least for _, best in over)
                found.append(Torn(level, len(over), needless, whole, self._takes(level)))
        return found

    def _takes(self, level: str) -> dict[str, int]:
        """Return for how many jobs torn over a level it would have taken what, what takes least first."""
        found = Counter(_taken(r) for one in self.judged for r in one.remedies if r.level == level)
        return {name: found[name] for name in TAKEN if found[name]}

    def by_term(self) -> list[tuple[str, float, float, int, int]]:
        """Return for each term its mean as it was and in the best, and how many jobs were worse, and first in it."""
        compared = self.compared
        names = dict.fromkeys(name for one in compared for name in one.best)
        first = Counter(one.better for one in compared)
        found = []
        for name in names:
            pairs = [
                (as_cost(name, value_of(o.terms, name)), as_cost(name, o.best[name]))
                for o in compared
                if name in o.best
            ]
            was, best = (sum(sum(pair[side]) for pair in pairs) / len(pairs) for side in (0, 1))
            found.append((name, was, best, sum(w > b for w, b in pairs), first[name]))
        return found

    def sentences(self) -> list[str]:
        """Return what is known, in words."""
        history, compared = self.history, self.compared
        missing = (
            (history.nowhere, "have no start or no nodes in the trace"),
            (history.elsewhere, "had nodes or cores that this machine does not have"),
            (self.count(UNSAID), "shared nodes without the trace saying which cores they had"),
        )
        said = [
            f"The site's own placements: {self.count(LEGAL)} legal, {self.count(ILLEGAL)} not what was asked for, "
            f"{self.count(OVERLAP)} on what another job held."
        ]
        if any(count for count, _ in missing):
            said.append(f"Not judged: {'; '.join(f'{count} {words}' for count, words in missing if count)}.")
        if not compared:
            return said
        worse = sum(one.better is not None for one in compared)
        proven = sum(one.status == _OPTIMAL for one in compared)
        said.append(
            f"Worse than the best of the same moment, which would have taken no change of what ran: {worse} of "
            f"{len(compared)} (the best is proven for {proven})."
        )
        said += [
            f"Torn over several {torn.level} domains: {torn.jobs}. Needlessly: {torn.needless}, of which {torn.whole} "
            "need not have been torn at all."
            for torn in self.torn()
            if torn.jobs
        ]
        said += [
            f"What it would have taken that each stood in one {torn.level}: "
            f"{', '.join(f'{name}: {count}' for name, count in torn.takes.items())}."
            for torn in self.torn()
            if torn.takes
        ]
        return said

    def section(self) -> list[str]:
        """Return it for the report: the sentences, the terms, and what was wrong with those that were not legal."""
        parts = [html.heading("As it was"), *(html.paragraph(said) for said in self.sentences())]
        if self.compared:
            rows = [
                [escape(name), f"{was:.2f}", f"{best:.2f}", str(worse), str(first)]
                for name, was, best, worse, first in self.by_term()
            ]
            parts.append(
                html.table(["term", "mean as it was", "mean of the best", "jobs worse", "first in this"], rows)
            )
            parts.append(html.paragraph(_EXPLAINED, "note"))
        parts += self._remedies()
        faults = Counter(one.fault for one in self.judged if one.fault)
        for fault, count in faults.most_common(_MOST_FAULTS):
            parts.append(html.paragraph(f"{count}: {printable(fault)}", "note"))
        return parts

    def _remedies(self) -> list[str]:
        """Return the table of what it would have taken that jobs were not torn."""
        torn = [one for one in self.torn() if one.takes]
        if not torn:
            return []
        rows = [[escape(one.level), str(one.jobs), *(str(one.takes.get(name, 0)) for name in TAKEN)] for one in torn]
        caption = "Jobs that were torn, and what it would have taken that each stood in one"
        return [
            html.table(["level", "torn", *TAKEN], rows, caption),
            html.paragraph(_TAKEN, "note"),
        ]

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each job that was judged."""
        names = dict.fromkeys(name for one in self.compared for name in one.best if name != "size")
        return [
            {
                "job": one.job.number,
                "name": one.job.name,
                "start": one.job.start,
                "shape": one.job.form.text,
                "what": one.what,
                "fault": one.fault,
                "status": one.status,
                "better": one.better or "",
                "whole with": "; ".join(f"{r.level}: {_taken(r)}" for r in one.remedies),
                **{name: value_of(one.terms, name) for name in names},
                **{f"best {name}": one.best.get(name) for name in names},
            }
            for one in self.judged
        ]

    def fields(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "legal": self.count(LEGAL),
            "illegal": self.count(ILLEGAL),
            "overlapping": self.count(OVERLAP),
            "not_judged": self.history.nowhere + self.history.elsewhere + self.count(UNSAID),
            "compared": len(self.compared),
            "proven": sum(one.status == _OPTIMAL for one in self.compared),
            "worse": sum(one.better is not None for one in self.compared),
            "torn": [asdict(torn) for torn in self.torn()],
        }


_MOVED = ("", "one move", "two moves", "three moves")
TAKEN = (NO_CHANGE, OTHER_ORDER, *_MOVED[1:], NOTHING, TOO_LARGE)
"""What it may have taken, as it is called."""


def _taken(remedy: Remedy) -> str:
    return _MOVED[remedy.moves] if remedy.what == MOVES else remedy.what


_TAKEN = (
    "Each torn job is asked for anew with its slots within one domain of the level, or its nodes within one group, in "
    "the state in which the site placed it. No change: there was room beside all that ran. Other order: there was, had "
    "it been placed before those that started in the minute before it. Moves: the fewest running jobs that would have "
    "had to move first, up to three; for levels below the node as few as were found. Those that are placed otherwise "
    "still find room, none of them torn that was not. Too large: the idle machine has no such place either."
)

_EXPLAINED = (
    "Each job was judged by the checker and placed by exactfit in the state in which the site placed it. Less is "
    "better in every term; sizes are counted negative. Terms are compared in this order, so that the best may "
    "have more in a later one; the last column counts the jobs for which this is the first term in which the best is "
    "better."
)
