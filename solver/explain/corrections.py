"""What of a minimal conflict is enough by itself, and what else must be out of the way where it is not.

A minimal conflict is found with all else out of the way. Where there is another one as well, to take one of its parts
away is not enough: two jobs hold a node each, two nodes are asked for, and either job alone is in conflict with that.
So for each part it is found how little must be out of the way beside it: a minimal correction set. It is found by
halving (U. Junker, QuickXplain, AAAI 2004): `k` things of `n` take in the order of `k * log2(n)` trials.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..cpsat.budget import Budget, CutOff
from ..state.node_classes import bits
from .conflict import Conflict, Correction, jobs_alike, lift
from .relaxation import DownPart, JobPart, Part, TermPart
from .trials import Trial, Trials


def corrections(trials: Trials, conflict: Conflict, budget: Budget) -> tuple[Correction, ...] | None:
    """Return for all parts of a conflict what is enough, parts that need the same beside them together.

    Parameters
    ----------
    budget
        Of all trials together.

    Returns
    -------
    tuple of Correction or None
        None where the budget did not suffice.
    """
    start = trials.empty if conflict.never else trials.present
    aside = _aside(trials, start, conflict)
    found: dict[tuple[Part, ...], list[Part]] = {(): []}
    try:
        for kind in _kinds(trials, start, conflict.parts):
            search = _Search(trials, start, kind[0], budget)
            together = next((known for known in found if search.is_least(known)), None)
            if together is None:
                together = tuple(search.least((), aside))
                if not search.is_enough(together):
                    return None
            found.setdefault(together, []).extend(kind)
    except CutOff:
        return None
    in_order = {part: place for place, part in enumerate(conflict.parts)}
    return tuple(
        Correction(tuple(sorted(parts, key=in_order.__getitem__)), together)
        for together, parts in found.items()
        if parts
    )


def _kinds(trials: Trials, start: Trial, parts: Sequence[Part]) -> list[list[Part]]:
    """Return parts that answer alike together: jobs that do the same to the machine when they end."""
    jobs = {part.jobs[0]: part for part in parts if isinstance(part, JobPart) and len(part.jobs) == 1}
    kinds: list[list[Part]] = [[jobs[job] for job in same] for same in jobs_alike(trials, start, jobs)] if jobs else []
    return [[part] for part in parts if part not in jobs.values()] + kinds


def _aside(trials: Trials, start: Trial, conflict: Conflict) -> list[Part]:
    """Return all that was put out of the way when the conflict was found, what is best asked for first."""
    rest = conflict.rest
    freest = rest
    for part in conflict.parts:
        # Without a term of the constraint, jobs and ranks that it left out may come to be in the way.
        freest = lift(trials, freest, part) if isinstance(part, TermPart) else freest
    useful = trials.eligible(freest) & (rest.state.up | conflict.down)
    jobs = [
        jobid
        for jobid, job in start.state.jobs.items()
        if jobid not in rest.state.jobs and (job.group_used or job.nodes & useful)
    ]
    found: list[Part] = [JobPart((jobid,)) for jobid in sorted(jobs)]
    found += [DownPart(1 << position) for position in bits(useful & ~start.state.up & ~conflict.down)]
    found += [TermPart(term) for term in start.terms if term not in rest.terms]
    return found + sorted(rest.gone - start.gone, key=lambda part: (part.path, part.aspect.value))


class _Search:
    """What must be out of the way beside one part."""

    def __init__(self, trials: Trials, start: Trial, part: Part, budget: Budget) -> None:
        self._trials = trials
        self._trial = lift(trials, start, part)
        self._budget = budget

    def is_enough(self, things: Sequence[Part]) -> bool:
        """Tell whether the request fits without the part and these."""
        trial = self._trial
        for thing in things:
            trial = lift(self._trials, trial, thing)
        return self._trials.fits(trial, self._budget)

    def is_least(self, things: Sequence[Part]) -> bool:
        """Tell whether these are enough, and not without any one of them."""
        return self.is_enough(things) and not any(self.is_enough(less) for less in _all_but_one(things))

    def least(self, known: Sequence[Part], things: Sequence[Part]) -> list[Part]:
        """Return as few of some things as will do, given that those known will not do without them."""
        if len(things) < 2:
            return list(things)
        middle = (len(things) + 1) // 2
        first, last = things[:middle], things[middle:]
        of_last = [] if self.is_enough([*known, *first]) else self.least([*known, *first], last)
        of_first = [] if self.is_enough([*known, *of_last]) else self.least([*known, *of_last], first)
        return of_first + of_last


def _all_but_one(things: Sequence[Part]) -> list[list[Part]]:
    return [[thing for thing in things if thing is not left_out] for left_out in things]
