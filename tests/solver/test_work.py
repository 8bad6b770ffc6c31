"""Decisions take the same work on small and on large machines: calls are counted, no clock is read."""

from __future__ import annotations

import gc
import importlib
import random
from collections.abc import Callable
from functools import partial

import pytest

from counted import calls
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat import lexicographic
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.node.rankings import Rankings
from exactfit.solver.node.solver import NodeSolver
from exactfit.solver.placement import allocation, assignment
from exactfit.solver.placement.allocation import Allocation
from exactfit.solver.pool import Pool
from exactfit.topology import topo_ids
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

MIX = (
    "slot/[core=8;gpu=1]",
    "node/slot=4/[core=15;gpu=1]",
    "node/slot=2/[core=20;gpu=2]",
    "node=2/slot=8/[core=15;gpu=1]",
    "slot=4/core=4",
    "node/slot/[core=60;gpu=4]",
)
SMALL, LARGE = 50, 1000


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


REQUESTS = [ask(shape) for shape in MIX]


class Site:
    """A machine on which jobs come and leave in random order."""

    def __init__(self, ranks: int) -> None:
        self.pool = Pool(read_R(preset(f"rfc49-a:{ranks}")))
        self.draws = random.Random(5)
        self.jobs: list[int] = []
        self.next = 1
        self.last: Allocation

    def come(self) -> bool:
        try:
            self.last = self.pool.alloc(self.next, self.draws.choice(REQUESTS))
        except InsufficientResources:
            return False
        self.jobs.append(self.next)
        self.next += 1
        return True

    def leave(self) -> None:
        place = self.draws.randrange(len(self.jobs))
        self.jobs[place], self.jobs[-1] = self.jobs[-1], self.jobs[place]
        self.pool.free(self.jobs.pop())

    def fill(self) -> Site:
        """Fill, empty by a third, and fill again: what is free is in fragments."""
        while self.come():
            pass
        for _ in range(len(self.jobs) // 3):
            self.leave()
        while self.come():
            pass
        return self

    def churn(self, steps: int) -> None:
        for _ in range(steps):
            self.leave()
            self.come()


@pytest.fixture(scope="module")
def sites() -> tuple[Site, Site]:
    return Site(SMALL).fill(), Site(LARGE).fill()


def test_a_job_that_comes_and_one_that_leaves(sites: tuple[Site, Site]) -> None:
    for site in sites:
        site.churn(1000)  # What a state can do is found once.
    small, large = (calls(partial(site.churn, 300)) for site in sites)
    assert large < 1.5 * small


def test_a_refusal_looks_at_the_states_that_there_are_and_not_at_ranks(sites: tuple[Site, Site]) -> None:
    def refuse(site: Site) -> None:
        request = ask(f"node={site.pool.machine.size // 2}/slot=8/[core=15;gpu=1]")
        with pytest.raises(InsufficientResources):
            site.pool.copy().alloc(0, request)

    work, states = [], []
    for site in sites:
        refuse(site)
        work.append(calls(partial(refuse, site)))
        states.append(len(site.pool.present[1].classes))
    assert states[1] < LARGE / 2
    assert work[1] / work[0] < 1.5 * states[1] / states[0]


@pytest.mark.parametrize("what", ["copy", "mark_down", "mark_up", "generation"])
def test_the_size_is_no_matter(what: str, sites: tuple[Site, Site]) -> None:
    def do(pool: Pool, rank: int) -> Callable[[], object]:
        pool = pool.copy()
        deeds: dict[str, Callable[[], object]] = {
            "copy": pool.copy,
            "mark_down": lambda: pool.mark_down(1 << rank),
            "mark_up": lambda: pool.mark_up(1 << rank),
            "generation": lambda: pool.generation,
        }
        return deeds[what]

    # A rank that is alone in its state takes the state along, which is a few calls more: the dearest rank counts.
    small, large = (max(calls(do(site.pool, rank)) for rank in range(SMALL)) for site in sites)
    assert large <= 1.2 * small


def test_the_mix_of_the_benchmarks_needs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("there is nothing to search for")

    monkeypatch.setattr(lexicographic, "_solve", refuse)
    site = Site(SMALL).fill()
    site.churn(500)
    assert len(site.jobs) > SMALL


def test_jobs_that_come_again_have_their_ids_and_their_R_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plan gives on a node, how it stands in R, and the tree cut to it are made once for each of them."""
    site = Site(SMALL).fill()
    site.churn(500)
    made = {name: counted(monkeypatch, home, name) for home, name in ((assignment, "_carried_out"), (topo_ids, "_cut"))}
    slots = counted(monkeypatch, allocation, "_slot")
    steps = 300
    for _ in range(steps):
        site.leave()
        if site.come():
            R = site.last.to_dict()
            assert R["scheduling"]["placement"]
    assert all(len(times) < steps / 4 for times in made.values())
    assert len(slots) < steps, "a job has three slots and more"


def test_slots_larger_than_any_domain_are_not_looked_for_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = counted(monkeypatch, NodeSolver, "whole_costs")
    pool = Pool(read_R(preset("rfc49-a:20")))
    for job in range(20):
        pool.alloc(job, ask(f"node/slot=2/[core={16 + job};gpu=2]"))
    assert not looked


@pytest.mark.parametrize("shape", ["slot=8/[core=6;gpu=1]", "slot=2/core=23", "slot=3/core=16"])
def test_where_too_few_nodes_have_room_none_is_solved(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(4)
    site.pool.alloc(1, ask("node=3/slot=8/[core=13;gpu=1]"))
    site.pool.alloc(2, ask("node/slot=7/core=10"))
    looked = [counted(monkeypatch, home, name) for home, name in ((NodeSolver, "_make"), (Rankings, "_settle"))]
    with pytest.raises(InsufficientResources):
        site.pool.alloc(3, ask(f"node=2/{shape}"))
    assert not any(looked)
    assert len(site.pool.alloc(3, ask(f"node/{shape}")).holdings) == 1, "one node has room"


@pytest.mark.parametrize(("nodes", "most"), [(1, 80), (16, 190)])
def test_what_is_kept_of_decisions_that_are_new(nodes: int, most: int) -> None:
    """Each object that is kept is looked at again by every collection of garbage."""
    site, requests = Site(nodes), new_shapes(nodes, 250)
    importlib.import_module("ortools.sat.python.cp_model")  # It is loaded where it is used, and is no decision's.
    gc.collect()
    before = len(gc.get_objects())
    decide(site, requests)
    gc.collect()
    assert len(gc.get_objects()) - before < most * len(requests)


@pytest.mark.parametrize(("nodes", "most"), [(2, 1), (1000, 1)])
def test_equal_nodes_are_one_state(nodes: int, most: int) -> None:
    pool = Pool(read_R(preset("rfc49-a:1000")))
    pool.alloc(1, ask(f"node={nodes}/slot=3/core=7"))
    assert len(pool.present[1].classes) <= most + (nodes < 1000)


def new_shapes(nodes: int, number: int) -> list[Request]:
    """Return requests of many shapes that an idle machine of so many nodes has room for, hardly any twice."""
    draws = random.Random(17)
    requests: list[Request] = []
    while len(requests) < number:
        slots, cores, gpus = draws.randint(1, 16), draws.randint(1, 120), draws.choice((0, draws.randint(1, 8)))
        on_a_node = min(120 // cores, 8 // gpus if gpus else 120)
        named = draws.random() < 0.5
        if slots <= (on_a_node if named else on_a_node * min(4, nodes)):
            slot = f"slot={slots}/[core={cores};gpu={gpus}]" if gpus else f"slot={slots}/core={cores}"
            requests.append(ask(f"node={draws.randint(1, min(4, nodes))}/{slot}" if named else slot))
    return requests


def counted(monkeypatch: pytest.MonkeyPatch, home: object, name: str) -> list[str]:
    """Return a list that has an entry for each time that something is called from now on."""
    original = getattr(home, name)
    times: list[str] = []

    def count(*args: object, **kwargs: object) -> object:
        times.append(name)
        return original(*args, **kwargs)

    monkeypatch.setattr(home, name, count)
    return times


def decide(site: Site, requests: list[Request]) -> None:
    """Put requests to a pool; where one is refused, half of the jobs leave."""
    for request in requests:
        try:
            site.pool.alloc(site.next, request)
        except InsufficientResources:
            for _ in range(-(-len(site.jobs) // 2)):
                site.leave()
        else:
            site.jobs.append(site.next)
            site.next += 1


@pytest.mark.parametrize(("nodes", "solved", "looked_at", "solves"), [(1, 0.6, 0.4, 8), (16, 2.6, 5.5, 10)])
def test_decisions_that_are_new_look_at_few_states(
    nodes: int, solved: float, looked_at: float, solves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counted(monkeypatch, NodeSolver, "_make")
    settled = counted(monkeypatch, Rankings, "_settle")
    searched = counted(monkeypatch, lexicographic, "_solve")
    site = Site(nodes)
    requests = new_shapes(nodes, 250)
    decide(site, requests)
    assert site.next > len(requests) / 3
    assert len(made) < solved * len(requests)
    assert len(settled) < looked_at * len(requests)
    assert len(searched) <= solves
