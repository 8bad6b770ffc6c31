"""What an audit asks of an allocator: any program that can say R, behind a few verbs in ranks and R.

`alloc` and `free` are all that there must be. What an allocator does not offer it leaves as it is here, and that is not
asked for. Flux's pool classes need none of this: `flux_pools` has the verbs for them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ...solver.errors import InfeasibleRequest, InsufficientResources
from .model import Amounts, Held

Json = dict[str, Any]

__all__ = ["Allocator", "InfeasibleRequest", "InsufficientResources", "NotOfferedError", "UnreadError"]


class NotOfferedError(NotImplementedError):
    """The allocator has no such verb."""


class UnreadError(ValueError):
    """The allocator's own parser refuses the request."""


class Allocator(ABC):
    """An allocator to be audited, made anew from R for every machine.

    Parameters
    ----------
    R
        The machine: RFC 20, with its tree in `scheduling.children` (RFC 49) and groups in `scheduling.groups`.

    Notes
    -----
    R is shared with the audit: it must not be changed. Whatever a verb raises that is not named here is a finding.
    """

    @abstractmethod
    def __init__(self, R: Json) -> None: ...

    @abstractmethod
    def alloc(self, jobid: int, resources: list[Json], constraint: Json | None, duration: float = 0.0) -> Json:
        """Place a job now, and return the R of what it got (RFC 20).

        Where R has `scheduling.placement`, that says which slot got what; otherwise the best split is taken.

        Parameters
        ----------
        jobid
            A number that no job has had.
        resources
            The key `resources` of a jobspec (RFC 14).
        constraint
            An RFC 31 object, None for none.
        duration
            Seconds, 0 for no end.

        Raises
        ------
        InfeasibleRequest
            When there never is a placement.
        InsufficientResources
            When there is none now.
        UnreadError
            For a request that it cannot read.
        NotOfferedError
            For a form of request that it does not claim to take: that is not judged.
        """

    @abstractmethod
    def free(self, jobid: int) -> None:
        """Take back all that a job has."""

    def check(self, resources: list[Json], constraint: Json | None) -> None:
        """Raise InfeasibleRequest where there never is a placement, as `alloc` does, and change nothing."""
        raise NotOfferedError

    def free_part(self, jobid: int, R: Json) -> None:
        """Take back what R lists of a job that keeps something."""
        raise NotOfferedError

    def free_last(self, jobid: int, R: Json) -> None:
        """Take back all that is left of a job, which is just R."""
        raise NotOfferedError

    def register(self, jobid: int, R: Json, freed: Collection[int] = ()) -> None:
        """Know of a job that runs already: what a scheduler does when it starts again.

        Parameters
        ----------
        jobid
            Its number.
        R
            As `alloc` returned it.
        freed
            Ranks of R that the job has given back since.
        """
        raise NotOfferedError

    def mark(self, ranks: Iterable[int], *, up: bool) -> None:
        """Take ranks for up or down."""
        raise NotOfferedError

    def remove(self, ranks: Iterable[int]) -> None:
        """Forget ranks for good."""
        raise NotOfferedError

    def grow(self, R: Json) -> None:
        """Take the ranks of an R, which are new, up and free."""
        raise NotOfferedError

    def expire(self, jobid: int, end: float) -> None:
        """Note when a job will end."""
        raise NotOfferedError

    def end(self, end: float) -> None:
        """Note when the machine's resources end."""
        raise NotOfferedError

    def copy(self) -> Allocator:
        """Return an allocator in the same state, which what happens to this one does not touch."""
        raise NotOfferedError

    def held(self) -> Held:
        """Return what jobs hold together: ids of cores and GPUs by rank."""
        raise NotOfferedError

    def amounts(self) -> Amounts:
        """Return what jobs hold together of memory and the like."""
        raise NotOfferedError

    def down(self) -> set[int]:
        """Return the ranks that are down."""
        raise NotOfferedError

    def ends(self) -> dict[int, float]:
        """Return when each job ends."""
        raise NotOfferedError

    def generation(self) -> int:
        """Return a number that goes up by one with every change."""
        raise NotOfferedError

    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the numbers of cores and GPUs (`core`, `gpu`) that there are, and that are held."""
        raise NotOfferedError


def jobspec_of(resources: list[Json], constraint: Json | None, duration: float) -> Json:
    """Return a whole jobspec (RFC 14) around the resources of a request.

    The tasks run in one of the innermost slots, as RFC 25 wants it.
    """
    system: Json = {"duration": duration}
    if constraint is not None:
        system["constraints"] = constraint
    task = {"command": ["true"], "slot": _label(resources) or "task", "count": {"per_slot": 1}}
    return {"version": 1, "resources": resources, "tasks": [task], "attributes": {"system": system}}


def _label(vertices: Iterable[Mapping[str, Any]]) -> str:
    for vertex in vertices:
        inner = _label(vertex.get("with", ()))
        if inner:
            return inner
        if vertex.get("type") == "slot":
            return str(vertex.get("label", ""))
    return ""
