"""What the search finds from what is known on, against the node's model that stands for every slot."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.cpsat.status import Status
from exactfit.solver.demand.demand import Bundle, Kind, Want
from exactfit.solver.node.constructed_solution import constructed_solution
from exactfit.solver.node.lower_bounds import lacks, lower_bound
from exactfit.solver.node.model.model import solve_bundle
from exactfit.solver.node.model.search import search
from exactfit.solver.node.plan import NodeSolution
from exactfit.solver.node.pricing import price
from exactfit.solver.node.solver import NodeSolver
from exactfit.solver.policy.scale import Scale
from exactfit.solver.policy.terms import TERMS, parse_policy
from exactfit.solver.state.domain_state import DomainState, arrange
from exactfit.topology.describe import describe_R
from exactfit.topology.rset import read_R
from node_trees import SMALL_TREES

SHIPPED = ("pack", "spread")


def policies() -> st.SearchStrategy[str]:
    """Return the policies that ship, and any order of some terms."""
    orders = st.permutations(sorted(TERMS)).flatmap(lambda names: st.integers(1, 4).map(lambda n: ",".join(names[:n])))
    return st.one_of(st.sampled_from(SHIPPED), orders)


@st.composite
def states(draw: st.DrawFn) -> tuple[DomainState, Scale]:
    machine = read_R(describe_R(SMALL_TREES[draw(st.sampled_from(sorted(SMALL_TREES)))].topo, 1))
    node_type = machine.types[0]
    free_cores = draw(st.one_of(st.just(node_type.cores), st.integers(1, node_type.cores)))
    free_gpus = draw(st.integers(0, node_type.gpus))
    scale = Scale(parse_policy(draw(policies())).components((), machine.levels))
    return arrange(node_type, free_cores & node_type.cores, free_gpus & node_type.gpus).state, scale


def bundle_of(slots: list[tuple[int, int, int]]) -> Bundle:
    """Return slots, given as how many with how many cores and GPUs."""
    kinds = ((Kind.CORE, 1), (Kind.GPU, 2))
    wants = (
        Want(
            Kind.SLOT,
            "slot",
            some[0],
            label=f"s{number}",
            wants=tuple(Want(kind, kind.value, some[place]) for kind, place in kinds if some[place]),
        )
        for number, some in enumerate(slots)
    )
    return Bundle(tuple(wants))


def check(state: DomainState, scale: Scale, bundle: Bundle, solution: NodeSolution) -> None:
    """Assert that a solution is a placement, and costs what it says."""
    slots = solution.plan.slots
    for some in bundle.slots:
        mine = [slot for slot in slots if slot.label == some.label]
        assert len(mine) == some.count
        for slot in mine:
            taken = {"core": sum(share.cores for share in slot.shares), "gpu": sum(share.gpus for share in slot.shares)}
            assert {name: number for name, number in taken.items() if number} == dict(some.needs)
    for place, domain in enumerate(state.flat):
        there = [share for slot in slots for share in slot.shares if share.place == place]
        assert sum(share.cores for share in there) <= domain.own_free_cores
        assert sum(share.gpus for share in there) <= domain.own_free_gpus
    gpuless = {some.label: not some.gpus for some in bundle.slots}
    assert price(scale, state, ((slot.shares, gpuless[slot.label]) for slot in slots)) == solution.cost


cores = st.tuples(st.integers(1, 3), st.integers(1, 5), st.just(0))
gpus = st.tuples(st.integers(1, 3), st.just(0), st.integers(1, 3))
both = st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(0, 2))


@given(states(), st.one_of(*(st.lists(some, min_size=1, max_size=2) for some in (cores, cores, gpus, both))))
def test_what_is_found_is_as_good_as_any_placement(
    drawn: tuple[DomainState, Scale], slots: list[tuple[int, int, int]]
) -> None:
    state, scale = drawn
    bundle = bundle_of(slots)
    known = constructed_solution(scale, state, bundle)
    if known is None:
        assert lacks(state, bundle)
        return
    status, best = solve_bundle(state, bundle, scale, Budget(1))
    assume(status in (Status.OPTIMAL, Status.INFEASIBLE))
    assert best is not None
    check(state, scale, bundle, known)
    assert lower_bound(scale, state, bundle) <= known.bound <= best.cost <= known.cost
    solution = search(state, bundle, scale, known, Budget(10))
    assert solution is not None
    check(state, scale, bundle, solution)
    assert solution.cost == solution.bound == best.cost


@given(states(), st.lists(st.one_of(cores, both), min_size=1, max_size=3))
def test_the_node_solver_finds_the_best(drawn: tuple[DomainState, Scale], slots: list[tuple[int, int, int]]) -> None:
    state, scale = drawn
    bundle = bundle_of(slots)
    solution = NodeSolver(scale, list(dict.fromkeys(domain.level for domain in state.flat[1:]))).best(
        state, bundle, Budget(10)
    )
    if solution is None:
        assert lacks(state, bundle)
        return
    check(state, scale, bundle, solution)
    status, best = solve_bundle(state, bundle, scale, Budget(1))
    assume(status in (Status.OPTIMAL, Status.INFEASIBLE))
    assert best is not None
    assert solution.cost == solution.bound == best.cost


@given(states(), st.lists(both, min_size=1, max_size=2), st.floats(0, 0.02))
def test_what_little_work_proves_is_true(
    drawn: tuple[DomainState, Scale], slots: list[tuple[int, int, int]], seconds: float
) -> None:
    state, scale = drawn
    bundle = bundle_of(slots)
    known = constructed_solution(scale, state, bundle)
    if known is None:
        return
    some, best = (search(state, bundle, scale, known, Budget(left)) for left in (seconds, 10))
    assert some is not None
    assert best is not None
    check(state, scale, bundle, some)
    assert some.bound <= best.bound <= best.cost <= some.cost <= known.cost
