"""One set of verbs, in ranks and R, for the pool class that Flux loads and for the solver's own pool."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from fractions import Fraction

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.flux.rjson import merge
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver import errors as solver
from exactfit.solver.demand.request import Request
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.solver.state.domain_state import MEASURED, MIB_PER_GIB
from exactfit.topology.rset import read_R, write_R

from flux.idset import IDset
from flux.resource import InfeasibleRequest, InsufficientResources

from .model import Held, Json, held_of

TIME_LIMIT = 5.0

Log = Callable[[int, str], None]


class NeverError(Exception):
    """The request was called infeasible."""


class NotNowError(Exception):
    """The request was refused for now."""


def jobspec(resources: list[Json], constraint: Json | None, duration: float) -> Json:
    system: Json = {"duration": duration}
    if constraint is not None:
        system["constraints"] = constraint
    return {"version": 9999, "resources": resources, "tasks": [], "attributes": {"system": system}}


class Subject(ABC):
    """A pool under test."""

    @abstractmethod
    def __init__(self, R: Json, log: Log | None = None) -> None: ...

    @abstractmethod
    def alloc(self, jobid: int, resources: list[Json], constraint: Json | None, duration: float = 0.0) -> Json:
        """Return the R of what the job got."""

    @abstractmethod
    def check(self, resources: list[Json], constraint: Json | None) -> None: ...

    @abstractmethod
    def register(self, jobid: int, R: Json) -> None: ...

    @abstractmethod
    def free(self, jobid: int) -> None: ...

    @abstractmethod
    def free_part(self, jobid: int, R: Json) -> None:
        """Return the ranks of an R."""

    @abstractmethod
    def free_last(self, jobid: int, R: Json) -> None:
        """Return all that is left, which is just R."""

    @abstractmethod
    def mark(self, ranks: Iterable[int], *, up: bool) -> None: ...

    @abstractmethod
    def remove(self, ranks: Iterable[int]) -> None: ...

    @abstractmethod
    def grow(self, R: Json) -> None:
        """Take the ranks of an R, which are new, up and free."""

    @abstractmethod
    def expire(self, jobid: int, end: float) -> None: ...

    @abstractmethod
    def end(self, end: float) -> None:
        """Set when the machine's resources end."""

    @abstractmethod
    def copy(self) -> Subject: ...

    @abstractmethod
    def held(self) -> Held:
        """Return what jobs hold together."""

    @abstractmethod
    def amounts(self) -> Amounts:
        """Return what jobs hold of amounts together."""

    @abstractmethod
    def down(self) -> set[int]: ...

    @abstractmethod
    def ends(self) -> dict[int, float]: ...

    @abstractmethod
    def generation(self) -> int: ...

    @abstractmethod
    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the numbers of cores and GPUs that there are, and that are held."""


class ThroughFlux(Subject):
    """The class that ``pool-class=exactfit.adapters.flux`` names, used as Flux uses it."""

    def __init__(self, R: Json, log: Log | None = None) -> None:
        self.pool = ExactPool(json.dumps(R), log=log, time_limit=TIME_LIMIT)

    def alloc(self, jobid: int, resources: list[Json], constraint: Json | None, duration: float = 0.0) -> Json:
        request = self.pool.parse_resource_request(jobspec(resources, constraint, duration))
        try:
            allocation = self.pool.alloc(jobid, request)
        except InfeasibleRequest as refusal:
            raise NeverError(str(refusal)) from None
        except InsufficientResources as refusal:
            raise NotNowError(str(refusal)) from None
        written: Json = json.loads(allocation.encode())
        return written

    def check(self, resources: list[Json], constraint: Json | None) -> None:
        try:
            self.pool.check_feasibility(self.pool.parse_resource_request(jobspec(resources, constraint, 0.0)))
        except InfeasibleRequest as refusal:
            raise NeverError(str(refusal)) from None

    def register(self, jobid: int, R: Json) -> None:
        self.pool.register_alloc(jobid, ExactPool(R))

    def free(self, jobid: int) -> None:
        self.pool.free(jobid)

    def free_part(self, jobid: int, R: Json) -> None:
        self.pool.free(jobid, ExactPool(R))

    def free_last(self, jobid: int, R: Json) -> None:
        self.pool.free(jobid, ExactPool(R), final=True)

    def mark(self, ranks: Iterable[int], *, up: bool) -> None:
        (self.pool.mark_up if up else self.pool.mark_down)(str(IdSet.of(ranks)))

    def remove(self, ranks: Iterable[int]) -> None:
        self.pool.remove_ranks(IDset(str(IdSet.of(ranks))))

    def grow(self, R: Json) -> None:
        self.pool.append(json.dumps(R))

    def expire(self, jobid: int, end: float) -> None:
        self.pool.update_expiration(jobid, end)

    def end(self, end: float) -> None:
        self.pool.expiration = end

    def copy(self) -> ThroughFlux:
        made = ThroughFlux.__new__(ThroughFlux)
        made.pool = self.pool.copy()
        return made

    def held(self) -> Held:
        return held_of(self.pool.copy_allocated().to_dict())

    def amounts(self) -> Amounts:
        return amounts_held(self.pool.impl._pool)

    def down(self) -> set[int]:
        return set(IdSet.parse(str(self.pool.copy_down().ranks)))

    def ends(self) -> dict[int, float]:
        return dict(self.pool.job_end_times())

    def generation(self) -> int:
        return int(self.pool.generation)

    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        whole, taken = self.pool.to_set(), self.pool.copy_allocated()
        return {k: whole.count(k) for k in ("core", "gpu")}, {"core": taken.ncores, "gpu": taken.ngpus}


class ThroughSolver(Subject):
    """The solver's pool alone."""

    def __init__(self, R: Json, log: Log | None = None) -> None:
        self.pool = Pool(read_R(R), Options(time_limit=TIME_LIMIT), log)

    def _request(self, resources: list[Json], constraint: Json | None, duration: float) -> Request:
        matching = ALWAYS if constraint is None else parse_constraint(constraint)
        return Request.of(parse_resources(resources), matching, duration)

    def alloc(self, jobid: int, resources: list[Json], constraint: Json | None, duration: float = 0.0) -> Json:
        try:
            return self.pool.alloc(jobid, self._request(resources, constraint, duration)).to_dict()
        except solver.InfeasibleRequest as refusal:
            raise NeverError(str(refusal)) from None
        except solver.InsufficientResources as refusal:
            raise NotNowError(str(refusal)) from None

    def check(self, resources: list[Json], constraint: Json | None) -> None:
        try:
            self.pool.check_feasibility(self._request(resources, constraint, 0.0))
        except solver.InfeasibleRequest as refusal:
            raise NeverError(str(refusal)) from None
        except solver.InsufficientResources as refusal:
            raise NotNowError(str(refusal)) from None

    def register(self, jobid: int, R: Json) -> None:
        self.pool.register_alloc(jobid, R)

    def free(self, jobid: int) -> None:
        self.pool.free(jobid)

    def free_part(self, jobid: int, R: Json) -> None:
        self.pool.free(jobid, self._mask(held_of(R)))

    def free_last(self, jobid: int, R: Json) -> None:
        assert set(self.pool.machine.ids_of(self.pool.jobs[jobid].nodes)) == held_of(R).keys()
        self.pool.free(jobid)

    def mark(self, ranks: Iterable[int], *, up: bool) -> None:
        (self.pool.mark_up if up else self.pool.mark_down)(self._mask(ranks))

    def remove(self, ranks: Iterable[int]) -> None:
        self.pool.remove_nodes(self._mask(ranks))

    def grow(self, R: Json) -> None:
        now = self.pool.machine
        machine = read_R(merge(write_R(now, now.holdings, expiration=now.expiration), R))
        self.pool.replace_machine(machine, up=machine.mask_of(IdSet.of(held_of(R))))

    def _mask(self, ranks: Iterable[int]) -> int:
        return self.pool.machine.mask_of(IdSet.of(ranks))

    def expire(self, jobid: int, end: float) -> None:
        self.pool.update_expiration(jobid, end)

    def end(self, end: float) -> None:
        self.pool.set_expiration(end)

    def copy(self) -> ThroughSolver:
        made = ThroughSolver.__new__(ThroughSolver)
        made.pool = self.pool.copy()
        return made

    def held(self) -> Held:
        held: Held = {}
        for nodes, cores, gpus in self.pool.allocated():
            ids = frozenset(IdSet.from_mask(cores)), frozenset(IdSet.from_mask(gpus))
            for rank in self.pool.machine.ids_of(nodes):
                assert rank not in held
                held[rank] = ids
        return held

    def amounts(self) -> Amounts:
        return amounts_held(self.pool)

    def down(self) -> set[int]:
        return set(self.pool.machine.ids_of(self.pool.down_mask))

    def ends(self) -> dict[int, float]:
        return {jobid: job.end_time for jobid, job in self.pool.jobs.items()}

    def generation(self) -> int:
        return self.pool.generation

    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        sums: list[dict[str, int]] = []
        for parts in (self.pool.machine.holdings, self.pool.allocated()):
            cores = sum(nodes.bit_count() * mask.bit_count() for nodes, mask, _ in parts)
            gpus = sum(nodes.bit_count() * mask.bit_count() for nodes, _, mask in parts)
            sums.append({"core": cores, "gpu": gpus})
        return sums[0], sums[1]


Amounts = dict[tuple[int, int, str], Fraction]
"""Of memory, storage and what else is counted: by rank and number of the domain in its node, or -1 and the number of
the group."""


def amounts_held(pool: Pool) -> Amounts:
    """Return what jobs hold of amounts, in the machine's units."""
    _, state = pool.present
    held = {
        (pool.machine.ranks[position], index, name): amount
        for position, free in state.touched.items()
        for index, name, amount in free.used
    }
    held |= {(-1, index, name): amount for (index, name), amount in state.group_used.items()}
    return {key: Fraction(amount, MIB_PER_GIB if key[2] in MEASURED else 1) for key, amount in held.items()}


State = tuple[Held, Amounts, dict[int, float], set[int], int, tuple[dict[str, int], dict[str, int]]]


def state_of(pool: Subject) -> State:
    """Return all that can be seen of a pool: what is held, also of amounts, ends, what is down, generation, totals."""
    return pool.held(), pool.amounts(), pool.ends(), pool.down(), pool.generation(), pool.totals()
