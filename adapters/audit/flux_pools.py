"""Flux's pool classes as allocators: any `ResourcePoolImplementation`, or the `ResourcePool` around one."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from ...grammar.idset import IdSet
from ..flux.upstream import IDset, ResourcePool
from ..flux.upstream import InfeasibleRequest as FluxInfeasible
from ..flux.upstream import InsufficientResources as FluxInsufficient
from .allocator import Allocator, InfeasibleRequest, InsufficientResources, UnreadError, jobspec_of
from .model import Held, Json, held_of

Log = Callable[[int, str], None]


class FluxAllocator(Allocator):
    """A pool class used as Flux's scheduler modules use it; a subclass says which.

    Parameters
    ----------
    R
        The machine.
    log
        Where messages go, by their syslog priority; nowhere by default.

    Attributes
    ----------
    pool_class
        The class.
    keywords
        Keywords for it.
    """

    pool_class: type
    keywords: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, R: Json, log: Log | None = None) -> None:
        quiet = {} if log is None else {"log": log}
        self.pool: Any = self.pool_class(json.dumps(R), **quiet, **self.keywords)

    def _freed(self, R: Json) -> Any:
        """Return the R of what a job gives back as Flux hands it over, in the default class whatever the pool's is."""
        handed = ResourcePool({"version": 1, "execution": R["execution"]})
        # A class that is its own implementation is handed another implementation.
        return handed if hasattr(self.pool, "impl") else handed.impl

    def _request(self, resources: list[Json], constraint: Json | None, duration: float) -> Any:
        try:
            return self.pool.parse_resource_request(jobspec_of(resources, constraint, duration))
        except (FluxInfeasible, FluxInsufficient):
            raise
        except ValueError as fault:
            raise UnreadError(str(fault)) from fault

    def alloc(self, jobid: int, resources: list[Json], constraint: Json | None, duration: float = 0.0) -> Json:
        """Parse, place, and return the R that would be written."""
        with _in_our_words():
            allocation = self.pool.alloc(jobid, self._request(resources, constraint, duration))
        encode = getattr(allocation, "encode", None)
        written: Json = json.loads(encode()) if encode else allocation.to_dict()
        return written

    def check(self, resources: list[Json], constraint: Json | None) -> None:
        """Check the feasibility, as when a job is submitted."""
        with _in_our_words():
            self.pool.check_feasibility(self._request(resources, constraint, 0.0))

    def register(self, jobid: int, R: Json, freed: Collection[int] = ()) -> None:
        """Register a running job, as in the scheduler's hello: without the ranks that it gave back."""
        if freed:
            part = self.pool_class(R, **self.keywords)
            part.remove_ranks(IDset(str(IdSet.of(freed))))
            R = part.to_dict()
        self.pool.register_alloc(jobid, self.pool_class(R, **self.keywords))

    def free(self, jobid: int) -> None:
        """Free a whole job."""
        self.pool.free(jobid)

    def free_part(self, jobid: int, R: Json) -> None:
        """Free some ranks, as housekeeping does."""
        self.pool.free(jobid, self._freed(R))

    def free_last(self, jobid: int, R: Json) -> None:
        """Free what is left, with the flag that says so."""
        self.pool.free(jobid, self._freed(R), final=True)

    def mark(self, ranks: Iterable[int], *, up: bool) -> None:
        """Mark ranks up or down."""
        (self.pool.mark_up if up else self.pool.mark_down)(str(IdSet.of(ranks)))

    def remove(self, ranks: Iterable[int]) -> None:
        """Remove ranks, as when an instance shrinks."""
        self.pool.remove_ranks(IDset(str(IdSet.of(ranks))))

    def grow(self, R: Json) -> None:
        """Take ranks that are new."""
        self.pool.append(json.dumps(R))

    def expire(self, jobid: int, end: float) -> None:
        """Update a job's expiration."""
        self.pool.update_expiration(jobid, end)

    def end(self, end: float) -> None:
        """Set the expiration of the resources."""
        self.pool.expiration = end

    def copy(self) -> Allocator:
        """Copy the pool."""
        made = type(self).__new__(type(self))
        made.pool = self.pool.copy()
        return made

    def held(self) -> Held:
        """Read `copy_allocated`."""
        return held_of(self.pool.copy_allocated().to_dict())

    def down(self) -> set[int]:
        """Read `copy_down`."""
        return set(IdSet.parse(str(self.pool.copy_down().ranks)))

    def ends(self) -> dict[int, float]:
        """Read `job_end_times`."""
        return dict(self.pool.job_end_times())

    def generation(self) -> int:
        """Read the counter of changes."""
        return int(self.pool.generation)

    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        """Count in `to_set` and `copy_allocated`."""
        whole, taken = self.pool.to_set(), self.pool.copy_allocated()
        return {k: whole.count(k) for k in ("core", "gpu")}, {"core": taken.ncores, "gpu": taken.ngpus}


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Raise Flux's two answers as the solver's."""
    try:
        yield
    except FluxInfeasible as refusal:
        raise InfeasibleRequest(str(refusal)) from None
    except FluxInsufficient as refusal:
        raise InsufficientResources(str(refusal)) from None
