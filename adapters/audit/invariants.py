"""What must hold of a pool at any time, and of any answer of it: pure checks, a sentence each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ...grammar.constraint import Constraint
from ...grammar.jobspec import Vertex
from ...solver.checker import check
from ...solver.checker.answer import read_answer
from ...solver.checker.ground import Ground, Place
from ...solver.checker.state import State
from ...topology.machine import Machine
from .model import NOTHING, Amounts, Held, Json, Model, held_of

UNJUDGED = "not judged"
"""How the checker begins when it gives up."""


def nothing_is_held_twice(jobs: Mapping[int, Held]) -> None:
    """No two jobs hold the same core or GPU."""
    seen: dict[tuple[int, int, int], int] = {}
    for jobid, held in jobs.items():
        for rank, ids in held.items():
            for kind, numbers in enumerate(ids):
                for number in numbers:
                    other = seen.setdefault((rank, kind, number), jobid)
                    assert other == jobid, f"jobs {other} and {jobid} hold {('core', 'gpu')[kind]} {number} of {rank}"


def only_what_is_there_is_held(there: Held, held: Held) -> None:
    """No job holds what its rank does not have."""
    for rank, (cores, gpus) in held.items():
        has = there.get(rank, NOTHING)
        assert cores <= has[0], f"rank {rank}: held cores {sorted(cores)}, there are {sorted(has[0])}"
        assert gpus <= has[1], f"rank {rank}: held gpus {sorted(gpus)}, there are {sorted(has[1])}"


def the_pool_holds_what_the_model_holds(said: Held, model: Model) -> None:
    """The pool says of every rank that just that is held which its jobs were given and did not return."""
    assert said == model.held()


def the_jobs_are_the_models(ends: Mapping[int, float], model: Model) -> None:
    """The pool knows the jobs that were started and did not end, and when they will."""
    assert dict(ends) == model.ends


def sums_are_right(total: Mapping[str, int], taken: Mapping[str, int], model: Model) -> None:
    """The numbers of cores and GPUs that there are, and that are held, are those of the model."""
    held = model.held()
    for place, kind in enumerate(("core", "gpu")):
        assert total[kind] == sum(len(ids[place]) for ids in model.there.values())
        assert taken[kind] == sum(len(ids[place]) for ids in held.values())


def no_amount_is_held_beyond_what_there_is(machine: Machine, held: Amounts) -> None:
    """Of memory and the like no domain and no group gives more than it lists, nor any where none is listed."""
    ground = Ground(machine)
    for (rank, index, name), amount in held.items():
        place = (-1 if rank < 0 else machine.ranks.index(rank), index)
        assert 0 < amount <= (ground.listing(place, name) or 0), (place, name, amount)


def the_amounts_are_those_of_the_jobs(machine: Machine, held: Amounts, running: Iterable[Json]) -> None:
    """Just as much is held of memory and the like as the jobs' R says, and from the places from where it says.

    Where an R leaves it open from which of some places an amount is, these hold at least as much together.
    """
    state = State(Ground(machine))
    demands = [demand for R in running for demand in state.demands(read_answer(machine, R)).items()]
    said, asked = defaultdict[str, Fraction](Fraction), defaultdict[str, Fraction](Fraction)
    for (_, _, name), amount in held.items():
        said[name] += amount
    together = defaultdict[tuple[str, frozenset[Place]], Fraction](Fraction)
    for (name, places), amount in demands:
        asked[name] += amount
        together[name, places] += amount
    assert said == asked
    for (name, places), amount in together.items():
        there = [held.get((at if at < 0 else machine.ranks[at], index, name), Fraction(0)) for at, index in places]
        assert sum(there) >= amount, (name, places, amount)


def the_generation_tells_of_changes(before: int, after: int, *, changed: bool) -> None:
    """The generation goes up by one with every change, and stays where it is with none."""
    assert after == before + changed


def the_answer_avoids_what_is_down(R: Json, down: set[int]) -> None:
    """No rank that is down is chosen."""
    assert not held_of(R).keys() & down


def the_answer_is_legal(
    machine: Machine,
    vertices: Sequence[Vertex],
    R: Json,
    constraint: Constraint,
    running: Sequence[Json],
    down: int,
) -> bool:
    """The checker, which shares no code with the solver, calls the answer legal and counts the same terms.

    Returns whether it could tell.
    """
    verdict = check(machine, vertices, R, constraint=constraint, running=running, down=down)
    if any(violation.startswith(UNJUDGED) for violation in verdict.violations):
        return False
    assert verdict.violations == ()
    said = {
        name: _plain(value) for name, value in R.get("scheduling", {}).get("certificate", {}).get("terms", {}).items()
    }
    counted = {name: _plain(value) for name, value in verdict.terms.items()}
    assert {name: counted[name] for name in said} == said
    return True


def the_bounds_are_bounds(certificate: Json) -> None:
    """OPTIMAL is said where, and only where, every term has met its bound."""
    assert (certificate["status"] == "OPTIMAL") == (certificate["terms"] == certificate["bound"])


def the_answer_is_the_best(certificate: Json, best: Mapping[str, Any]) -> None:
    """A proven answer is as good, term by term, as the best of all placements."""
    if certificate["status"] == "OPTIMAL":
        assert {name: _plain(value) for name, value in certificate["terms"].items()} == {
            name: _plain(value) for name, value in best.items()
        }


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
