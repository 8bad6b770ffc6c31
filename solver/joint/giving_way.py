"""Running jobs that may give way to one that waits, and what is to be done with them: values alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...grammar.errors import shown
from ..allocator import Allocator
from ..cpsat.status import Status
from ..demand.arguments import need_job

MOST_LOST = 2**40
"""What is lost of one job, at most."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A running job that may give way.

    Attributes
    ----------
    job
        Its id.
    rank
        What is lost of jobs of a higher rank is compared first, so they give way last.
    ends
        What is lost when it is ended, above 0; None where it must not be.
    moves
        What is lost when it is moved to other nodes, above 0; None where it must not be.

    Raises
    ------
    TypeError
        For an id, a rank or a loss that is no integer.
    ValueError
        For a loss that is not above 0 or too large, and for one that may neither end nor move.
    """

    job: int
    rank: int = 0
    ends: int | None = 1
    moves: int | None = None

    def __post_init__(self) -> None:
        need_job(self.job)
        if self.ends is None and self.moves is None:
            raise ValueError(f"job {self.job}: one that may neither end nor move does not give way")
        for value in (self.rank, self.ends, self.moves):
            if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
                raise TypeError(f"job {self.job}: expected an integer, not {shown(value)}")
        for lost in (self.ends, self.moves):
            if lost is not None and not 0 < lost <= MOST_LOST:
                raise ValueError(f"job {self.job}: what is lost is above 0 and no more than {MOST_LOST}, not {lost}")

    @property
    def lost(self) -> int:
        """What is lost at the least when it gives way."""
        return min(lost for lost in (self.ends, self.moves) if lost is not None)


@dataclass(frozen=True, slots=True)
class Move:
    """A running job that is to be migrated.

    Attributes
    ----------
    job
        Its id.
    old, new
        Bitmasks of positions.
    """

    job: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class GivingWay:
    """Which jobs give way so that one that waits starts.

    Attributes
    ----------
    status
        OPTIMAL: nothing less will do; FEASIBLE: the search was cut off, perhaps less will.
    terms, bounds
        By name, in the order in which they count: ``lost.RANK`` for each rank, the highest first, and ``jobs``. The
        bound is what nothing beats that is as good in those before, and none where nothing is proven.
    ended
        The jobs to end, before all else.
    moves
        Those to move, in an order in which each has room when it is made, as far as there is one.
    together
        How many of the last moves wait for each other: these jobs have to stop before the first of them starts.
    nodes
        Where the waiting job then stands: a bitmask of positions.
    """

    status: Status
    terms: Mapping[str, int] = field(default_factory=dict)
    bounds: Mapping[str, int] = field(default_factory=dict)
    ended: tuple[int, ...] = ()
    moves: tuple[Move, ...] = ()
    together: int = 0
    nodes: int = 0


def check_candidates(pool: Allocator, candidates: Sequence[Candidate], seconds: float) -> None:
    """Refuse what are no running jobs, or no time.

    Raises
    ------
    TypeError
        For what are no candidates.
    ValueError
        For a job that holds nothing or is given twice, and for no time at all.
    """
    seen: set[int] = set()
    for one in candidates:
        if not isinstance(one, Candidate):
            raise TypeError(f"expected candidates, not {shown(one)}")
        if one.job in seen or pool.job(one.job) is None:
            raise ValueError(f"job {one.job} {'is given twice' if one.job in seen else 'holds no resources'}")
        seen.add(one.job)
    if not seconds > 0:
        raise ValueError(f"seconds: expected some time, not {shown(seconds)}")


def ranks_of(candidates: Iterable[Candidate]) -> list[int]:
    """Return the ranks, the highest first."""
    return sorted({one.rank for one in candidates}, reverse=True)


def lost_of(candidates: Iterable[Candidate], ended: Iterable[int], moved: Iterable[int] = ()) -> dict[str, int]:
    """Return the value of each term where some jobs end and some move."""
    some = list(candidates)
    ends, moves = set(ended), set(moved)
    terms = {f"lost.{rank}": 0 for rank in ranks_of(some)}
    for one in some:
        lost = one.ends if one.job in ends else one.moves if one.job in moves else 0
        terms[f"lost.{one.rank}"] += lost or 0
    return {**terms, "jobs": len(ends | moves)}
