"""What a job that fits would take from the room for the jobs to come, in a sentence."""

from __future__ import annotations

from ..allocator import Allocator
from ..cpsat.budget import Budget
from ..demand.request import Request
from ..errors import InfeasibleRequest, InsufficientResources

TERM = "future"


def room_taken(pool: Allocator, request: Request, budget: Budget) -> tuple[str, ...]:
    """Return a sentence; none where the policy does not count room, and where no placement was found in time."""
    knowledge = pool.present[0].under(request)
    if TERM not in knowledge.scale.names:
        return ()
    copy = pool.copy()
    try:
        terms = copy.alloc(max(copy.jobs, default=0) + 1, request, budget=budget).certificate["terms"]
    except (InfeasibleRequest, InsufficientResources):
        return ()
    policy = knowledge.options.policy
    return (f"placed now, it takes away {policy.room_in_words(terms[TERM])} ({policy.usual_in_words})",)
