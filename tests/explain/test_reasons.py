"""The one line that a pool gives with each of its errors."""

from __future__ import annotations

import time

import pytest

from asking import ask
from clusters import SLIM, site
from exactfit.solver.allocator import Allocator
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.explain import reasons
from exactfit.solver.knowledge import Knowledge
from exactfit.solver.pool import Pool
from exactfit.solver.state.pool_state import PoolState
from exactfit.topology.rset import read_R


def slim(nodes: int, **more: dict[str, str]) -> Pool:
    return Pool(read_R(site([(nodes, SLIM)], **more)))


@pytest.mark.parametrize(
    ("shape", "query", "says"),
    [
        ("slot=5/node", "", "slot/node: 5 slots of node need 5 nodes: 4 exist"),
        ("slot/core=17", "", "slot: a slot of core=17 is asked for: no node has more than 16 cores"),
        ("slot/gpu", "", "slot/gpu: a slot of gpu needs 1 gpu: there is none"),
        ("slot/[core;nic=1]", "", "slot/nic[1]: this machine has no nic: it has node, socket, core, ib10g, memory"),
        ("slot/core", "gpu", "slot/core: no rank has the property gpu"),
    ],
)
def test_what_never_fits_names_the_vertex_and_what_lacks(shape: str, query: str, says: str) -> None:
    pool = slim(4)
    for ask_the_pool in (lambda: pool.check_feasibility(ask(shape, query)), lambda: pool.alloc(1, ask(shape, query))):
        with pytest.raises(InfeasibleRequest) as refused:
            ask_the_pool()
        assert str(refused.value) == says


def test_what_does_not_fit_now_says_how_much_there_is() -> None:
    pool = slim(4)
    pool.alloc(1, ask("slot=2/node"))
    pool.mark_down(0b1000)
    with pytest.raises(InsufficientResources) as refused:
        pool.alloc(2, ask("slot=3/node"))
    assert str(refused.value) == (
        "slot/node: 3 slots of node need 3 nodes, wholly free: 1 is free, 2 more are wholly or partly held by jobs, "
        "1 more is on ranks that are down (3)"
    )


def test_it_is_of_the_time_when_it_was_asked() -> None:
    pool = slim(2)
    pool.alloc(1, ask("slot/node"))
    with pytest.raises(InsufficientResources) as refused:
        pool.alloc(2, ask("slot=2/node"))
    pool.free(1)
    assert "1 is free, 1 more" in str(refused.value)


def test_a_scheduler_that_does_not_read_it_does_not_pay_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_arguments: object) -> str:
        raise AssertionError("made although nobody reads it")

    pool = slim(1)
    pool.alloc(1, ask("slot/node"))
    monkeypatch.setattr(reasons.Reasons, "insufficient", never)
    with pytest.raises(InsufficientResources):
        pool.alloc(2, ask("slot/node"))


class Counted:
    """Says of a request how many nodes there are."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.size = knowledge.machine.size

    def infeasible(self, _request: Request, _budget: Budget) -> str:
        return f"never on {self.size}"

    def insufficient(self, _request: Request, state: PoolState) -> str:
        return f"not now on {self.size}, {len(state.jobs)} run"


def test_who_says_why_is_handed_in_and_goes_along_with_copies_and_other_machines() -> None:
    allocator = Allocator(read_R(site([(3, SLIM)])), Counted)
    allocator.alloc(1, ask("slot/node"))
    alike = [allocator, allocator.copy(), allocator.in_state(allocator.present[1])]
    allocator.set_expiration(1e9)
    for one in alike:
        with pytest.raises(InfeasibleRequest, match=r"^never on 3$"):
            one.check_feasibility(ask("slot=4/node"))
        with pytest.raises(InsufficientResources, match=r"^not now on 3, 1 run$"):
            one.alloc(2, ask("slot=3/node"))
    allocator.remove_nodes(0b100)
    with pytest.raises(InfeasibleRequest, match=r"^never on 2$"):
        allocator.alloc(2, ask("slot=3/node"))


def test_constraints_that_match_the_same_ranks_keep_their_own_words() -> None:
    pool = slim(2)
    for query in ("red", "green"):
        with pytest.raises(InfeasibleRequest, match=f"property {query}"):
            pool.check_feasibility(ask("slot/core", query))


@pytest.mark.parametrize(
    "shape",
    ["[" + ";".join(f"slot{{s{n}}}/core=9" for n in range(60)) + "]", "/".join(["socket"] * 60) + "/slot/core"],
    ids=["wide", "deep"],
)
def test_the_reason_for_a_huge_request_is_short_and_soon_found(shape: str) -> None:
    start = time.process_time()
    with pytest.raises(InfeasibleRequest) as refused:
        slim(2).check_feasibility(ask(shape))
    assert time.process_time() - start < 30
    assert len(str(refused.value)) < 1000


def test_a_search_for_the_reason_that_fails_does_not_change_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("exactfit.solver.explain.reasons.find_conflict", fail)
    pool = slim(1)
    with pytest.raises(InfeasibleRequest, match="does not fit on this machine"):
        pool.check_feasibility(ask("slot=2/node"))
    pool.alloc(1, ask("slot/node"))
    with pytest.raises(InsufficientResources, match="does not fit now"):
        pool.alloc(2, ask("slot/node"))
