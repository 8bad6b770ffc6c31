"""The whole answer to "why not?": the minimal conflict, the numbers, the changes that help, in sentences and as JSON.

It shares a budget of work among these; what is not finished in its share is left out, and the conflict says whether it
is complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ...grammar.constraint import to_json
from ..allocator import Allocator
from ..cpsat.budget import Budget
from ..demand.request import Asked, Request, as_request
from ..errors import InfeasibleRequest
from ..knowledge import Knowledge
from .change import Change
from .changes import find_changes
from .conflict import Conflict, find_conflict
from .corrections import corrections
from .numbers import Row, count_all
from .relaxation import DownPart, JobPart, Part, TermPart, VertexPart
from .room_taken import room_taken
from .sentences import JobName, Speaker
from .trials import Trials

FITS, INSUFFICIENT, INFEASIBLE = "fits", "insufficient", "infeasible"

_TRIAL = 2.0
"""Seconds of work that a single trial may take."""


@dataclass(frozen=True)
class Explanation:
    """Why a request does not fit.

    Attributes
    ----------
    status
        ``fits``; ``insufficient``: not now; ``infeasible``: never on this machine.
    conflict
        The smallest set of things that cannot all be met; None when the request fits, and when it is one that no
        machine could be asked for.
    rows
        The numbers of its vertices.
    changes
        What would make it fit, the smallest first.
    sentences
        What is in conflict, for a person; of a request that fits, what it takes from the room for the jobs to come, if
        the policy counts that.
    advice
        A sentence for each change.
    trials
        Where it was found out.
    job_name
        What jobs are called.
    """

    status: str
    conflict: Conflict | None
    rows: tuple[Row, ...]
    changes: tuple[Change, ...]
    sentences: tuple[str, ...]
    advice: tuple[str, ...]
    trials: Trials
    job_name: JobName = str

    @property
    def reason(self) -> str:
        """One line."""
        return "; ".join(self.sentences)

    def __str__(self) -> str:
        """Return what is in conflict, and what would make it fit, for a person: a line each."""
        if self.status == FITS:
            return "\n".join(["it fits now", *self.sentences])
        return "\n".join([*self.sentences, *(f"instead: {advice}" for advice in self.advice)])

    def to_json(self, job_name: Callable[[int], object] = int) -> dict[str, Any]:
        """Return all of it as JSON values.

        Parameters
        ----------
        job_name
            What a job is called; by default it is its number.
        """
        conflict, name = self.conflict, job_name
        return {
            "status": self.status,
            "sentences": list(self.sentences),
            "conflict": [self._part(part, name) for part in conflict.parts] if conflict else [],
            "corrections": self._corrections(name),
            "complete": conflict.complete if conflict else True,
            "vertices": [_row(row) for row in self.rows],
            "changes": [
                self._change(change, text, name) for change, text in zip(self.changes, self.advice, strict=True)
            ],
        }

    def _corrections(self, name: Callable[[int], object]) -> list[dict[str, Any]] | None:
        found = self.conflict.corrections if self.conflict else ()
        if found is None:
            return None
        return [
            {
                "any": [self._part(part, name) for part in correction.parts],
                "with": [self._part(part, name) for part in correction.together],
            }
            for correction in found
        ]

    def _part(self, part: Part, name: Callable[[int], object]) -> dict[str, Any]:
        if isinstance(part, VertexPart):
            return {"vertex": part.path, "aspect": part.aspect.value}
        if isinstance(part, TermPart):
            return {"constraint": to_json(part.term)}
        if isinstance(part, DownPart):
            return {"down": str(self.trials.machine.ids_of(part.nodes))}
        assert isinstance(part, JobPart)
        return {"jobs": [name(jobid) for jobid in part.jobs]}

    def _change(self, change: Change, text: str, name: Callable[[int], object]) -> dict[str, Any]:
        fields: dict[str, Any] = {"kind": change.kind.value, "text": text, "now": change.now}
        if change.path:
            fields["vertex"] = change.path
        if change.left:
            fields |= {"asked": change.asked, "left": change.left}
        if change.also:
            fields["also"] = [{"vertex": path, "asked": asked, "left": left} for path, asked, left in change.also]
        if change.terms:
            fields["constraint"] = [to_json(term) for term in change.terms]
        if change.up:
            fields["ranks"] = str(self.trials.machine.ids_of(change.up))
        if change.jobs:
            fields |= {"jobs": [name(jobid) for jobid in change.jobs], "time": change.time or None}
        return fields


def _row(row: Row) -> dict[str, Any]:
    names = ("asked", "there", "exist", "match", "up", "free")
    fields: dict[str, Any] = {"vertex": row.path, "type": row.type}
    fields |= {name: getattr(row, name) for name in names}
    if row.within is not None:
        fields["within"] = {"level": row.within[0], "count": row.within[1]}
    if row.unit:
        fields["unit"] = row.unit
    return fields


def _refused_policy(knowledge: Knowledge, request: Request) -> str:
    """Return why a request may not have the policy that it brings."""
    try:
        knowledge.under(request)
    except InfeasibleRequest as refusal:
        return str(refusal)
    return ""


def explain(pool: Allocator, request: Asked, *, job_name: JobName = str, seconds: float = 0.8) -> Explanation:
    """Say why a request does not fit a pool, and what would make it fit.

    Parameters
    ----------
    pool
        Is not changed.
    job_name
        What jobs are called in sentences.
    seconds
        Of work, that telling jobs apart and looking for more changes may take.

    Raises
    ------
    CutOff
        When it could not even be found out whether the request fits.
    TypeError
        For what is no request.
    ValueError
        For no time at all.
    """
    request = as_request(request)
    if not seconds > 0:
        raise ValueError(f"seconds: expected some time, not {seconds!r}")
    knowledge, state = pool.present
    trials = Trials(knowledge, state, request, _TRIAL)
    budget = Budget(seconds)
    conflict = find_conflict(trials, budget.part(0.4))
    refusal = knowledge.refusal(request.shape) or _refused_policy(knowledge, request)
    in_conflict = {part.path for part in conflict.vertices} if conflict is not None else set()
    if refusal and refusal.partition(": ")[0] not in in_conflict:
        return Explanation(INFEASIBLE, None, (), (), (refusal,), (), trials, job_name)
    if conflict is not None:
        conflict = replace(conflict, corrections=corrections(trials, conflict, budget.part(0.3)))
    rows = count_all(trials, budget.part(0.5))
    if conflict is None:
        return Explanation(FITS, None, rows, (), room_taken(pool, request, budget), (), trials, job_name)
    changes = find_changes(trials, conflict, budget)
    speaker = Speaker(trials, conflict, rows, job_name)
    sentences, advice = tuple(speaker.sentences()), tuple(map(speaker.change, changes))
    status = INFEASIBLE if conflict.never else INSUFFICIENT
    return Explanation(status, conflict, rows, changes, sentences, advice, trials, job_name)
