"""The goals, line by line, and whether a run reached them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .contenders import OURS, TREE
from .results import Results


@dataclass(frozen=True)
class Line:
    """One thing that is asked for.

    Attributes
    ----------
    text
        What.
    ours, theirs
        What was measured, in the same unit; `theirs` is what ours is held against.
    share
        The most that ours may be of theirs.
    unit
        "s" or "B".
    """

    text: str
    ours: float
    theirs: float
    share: float
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """What ours is of theirs."""
        return self.ours / self.theirs

    @property
    def reached(self) -> bool:
        """Whether it is no more than is asked for."""
        return self.ratio <= self.share


def lines(results: Results) -> Iterator[Line]:
    """Yield the lines for which the run has figures, those of the mixed machine last, where twice as much will do."""
    for kind, easier in (("plain", 1), ("mixed", 2)):
        where = "" if kind == "plain" else ", mixed machine"
        for text, measure, ranks, against, share in (
            ("alloc, median, 100 ranks, of TreePool's", "alloc with R", 100, (TREE, 100), 1 / 2),
            ("alloc, median, 1,000 ranks, of TreePool's", "alloc with R", 1000, (TREE, 1000), 1 / 10),
            ("alloc, median, 10,000 ranks, of TreePool's", "alloc with R", 10_000, (TREE, 10_000), 1 / 100),
            ("alloc, median, 100,000 ranks, of ours at 1,000", "alloc with R", 100_000, (OURS, 1000), 2),
            ("InsufficientResources, 1,000 ranks, of TreePool's", "refused", 1000, (TREE, 1000), 1 / 10),
            ("copy, 10,000 ranks, of TreePool's", "copy", 10_000, (TREE, 10_000), 1 / 20),
            ("free, 100,000 ranks, of ours at 1,000", "free", 100_000, (OURS, 1000), SAME),
            ("mark_down of a rank, 100,000 ranks, of ours at 1,000", "mark_down", 100_000, (OURS, 1000), SAME),
            ("building from R JSON, 10,000 ranks, of TreePool's", "build", 10_000, (TREE, 10_000), 1),
            ("a job on half of 10,000 ranks, with R, of TreePool's", "half", 10_000, (TREE, 10_000), 1 / 5),
        ):
            ours = results.times(measure, kind, ranks, OURS)
            theirs = results.times(measure, kind, against[1], against[0])
            if ours is not None and theirs is not None:
                yield Line(text + where, ours.median, theirs.median, share * easier)
        yield from _tails(results, kind, where, easier)
        ours_amount = results.amount("memory, busy", kind, 10_000, OURS)
        theirs_amount = results.amount("memory, busy", kind, 10_000, TREE)
        if ours_amount is not None and theirs_amount is not None:
            text = "memory, 10,000 ranks, busy, of TreePool's"
            yield Line(text + where, ours_amount, theirs_amount, easier / 2, "B")


SAME = 1.5
"""What counts as independent of the size: the caches of the processor are not."""


def _tails(results: Results, kind: str, where: str, easier: int) -> Iterator[Line]:
    for record in results.of("alloc with R"):
        if record.pool == OURS and record.site == kind and record.times is not None:
            text = f"alloc, 99th percentile, {record.ranks:,} ranks, of its median{where}"
            yield Line(text, record.times.p99, record.times.median, 10 * easier)
