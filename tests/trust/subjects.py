"""The pool class that Flux loads and the solver's own pool, as allocators to be tested."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from fractions import Fraction
from types import MappingProxyType

from exactfit.adapters.audit.allocator import Allocator
from exactfit.adapters.audit.flux_pools import FluxAllocator
from exactfit.adapters.audit.model import Amounts, Held, Json, held_of, part_of
from exactfit.adapters.flux import ExactPool
from exactfit.adapters.flux.rjson import merge
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver.demand.request import Request
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.solver.state.domain_state import MEASURED, MIB_PER_GIB
from exactfit.topology.rset import read_R, write_R

TIME_LIMIT = 5.0

Log = Callable[[int, str], None]


class ThroughFlux(FluxAllocator):
    """The class that ``pool-class=exactfit.adapters.flux`` names, used as Flux uses it."""

    pool_class = ExactPool
    keywords = MappingProxyType({"time_limit": TIME_LIMIT})

    def amounts(self) -> Amounts:
        return amounts_held(self.pool.impl._pool)


class ThroughSolver(Allocator):
    """The solver's pool alone."""

    def __init__(self, R: Json, log: Log | None = None) -> None:
        self.pool = Pool(read_R(R), Options(time_limit=TIME_LIMIT), log)

    def _request(self, resources: list[Json], constraint: Json | None, duration: float) -> Request:
        matching = ALWAYS if constraint is None else parse_constraint(constraint)
        return Request.of(parse_resources(resources), matching, duration)

    def alloc(self, jobid: int, resources: list[Json], constraint: Json | None, duration: float = 0.0) -> Json:
        return self.pool.alloc(jobid, self._request(resources, constraint, duration)).to_dict()

    def check(self, resources: list[Json], constraint: Json | None) -> None:
        self.pool.check_feasibility(self._request(resources, constraint, 0.0))

    def register(self, jobid: int, R: Json, freed: Collection[int] = ()) -> None:
        left = part_of(R, held_of(R).keys() - set(freed)) if freed else R
        self.pool.register_alloc(jobid, left)

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


Subject = ThroughFlux | ThroughSolver

State = tuple[Held, Amounts, dict[int, float], set[int], int, tuple[dict[str, int], dict[str, int]]]


def state_of(pool: Allocator) -> State:
    """Return all that can be seen of a pool: what is held, also of amounts, ends, what is down, generation, totals."""
    return pool.held(), pool.amounts(), pool.ends(), pool.down(), pool.generation(), pool.totals()
