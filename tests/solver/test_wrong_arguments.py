"""What a program gets wrong is an error where it does so, and never an answer about the machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from exactfit.grammar.hostlist import Hostlist
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.explain import earliest_start, explain, forecast
from exactfit.solver.joint import BatchJob, place_batch, place_in_parts, place_mixed, plan_moves
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import CoreTouch, Cross, GroupTouch, Policy, Touch, affinity, parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

FOUR = read_R(preset("rfc49-a:4"))


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def wrong(value: Any) -> Any:
    """Let a value pass the type checker, which would say what the tests want said when the program runs."""
    return value


# -- what is no request ----------------------------------------------------------------------------------------------

DOORS: list[Callable[[Pool, Any], object]] = [
    lambda pool, it: pool.alloc(1, it),
    lambda pool, it: pool.check_feasibility(it),
    lambda pool, it: explain(pool, it),
    lambda pool, it: earliest_start(pool, it, 0.0),
    lambda pool, it: forecast(pool, [(1, it)], 0.0),
    lambda pool, it: plan_moves(pool, it, 1, 1.0),
    lambda pool, it: place_mixed(pool, [BatchJob(1, it)], 1.0),
    lambda pool, it: place_batch(pool, [it], 1.0),
    lambda pool, it: place_in_parts(pool, [it], 1.0),
]


OF_TEXT = (0, 1, 2, 3, 5)
"""Those that take one request, and so the text of a shape as well."""


@pytest.mark.parametrize("number", OF_TEXT)
def test_text_that_is_no_shape_is_a_value_error_with_its_place(number: int) -> None:
    pool = Pool(FOUR)
    with pytest.raises(ValueError, match="column"):
        DOORS[number](pool, "slot=/core")
    assert dict(pool.jobs) == {}


@pytest.mark.parametrize("number", [number for number in range(len(DOORS)) if number not in OF_TEXT])
def test_a_queue_and_a_batch_are_of_requests(number: int) -> None:
    with pytest.raises(TypeError, match="expected"):
        DOORS[number](Pool(FOUR), "slot=1/core")


@pytest.mark.parametrize("value", [{"resources": []}, None, 3], ids=str)
@pytest.mark.parametrize("door", DOORS, ids=range(len(DOORS)))
def test_what_is_no_request_is_a_type_error_at_every_door(door: Callable[[Pool, Any], object], value: Any) -> None:
    pool = Pool(FOUR)
    before = pool.generation
    with pytest.raises(TypeError, match="expected"):
        door(pool, value)
    assert (pool.generation, dict(pool.jobs)) == (before, {})


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: Request.of(wrong("slot=1/core=2")), TypeError, r"not \"slot=1/core=2\"; .*from_shape"),
        (lambda: Request.of(wrong(parse_shape("slot/core"))), TypeError, "expected a tuple of vertices"),
        (lambda: Request.of(()), ValueError, "at least one vertex"),
        (lambda: Request(wrong("slot/core")), TypeError, "shape: expected a Shape"),
        (lambda: Request.of(ask("slot/core").shape.vertices, wrong("gpu")), TypeError, "constraint: .*parse_query"),
        (lambda: Request.of(ask("slot/core").shape.vertices, duration=wrong("1h")), TypeError, "duration"),
        (lambda: Request.of(ask("slot/core").shape.vertices, duration=True), TypeError, "duration"),
        (lambda: Request.of(ask("slot/core").shape.vertices, duration=-1.0), ValueError, "duration"),
        (lambda: Request.of(ask("slot/core").shape.vertices, duration=math.nan), ValueError, "duration"),
        (lambda: Request.of(ask("slot/core").shape.vertices, name=wrong(5)), TypeError, "name"),
    ],
)
def test_a_request_is_checked_when_it_is_made(make: Callable[[], object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make()


# -- the verbs of the pool -------------------------------------------------------------------------------------------


def test_a_job_id_is_an_integer_and_nodes_are_there() -> None:
    pool = Pool(FOUR)
    verbs: list[tuple[Callable[[], object], type[Exception], str]] = [
        (lambda: pool.alloc(wrong("1"), ask("slot/core")), TypeError, "job id"),
        (lambda: pool.alloc(wrong(1.0), ask("slot/core")), TypeError, "job id"),
        (lambda: pool.register_alloc(wrong(None), {}), TypeError, "job id"),
        (lambda: pool.free(wrong("1")), TypeError, "job id"),
        (lambda: pool.free(1, 1 << 4), ValueError, "no position 4: the machine has 4"),
        (lambda: pool.mark_down(1 << 4), ValueError, "no position 4"),
        (lambda: pool.mark_down(1 << 9 | 1), ValueError, "no position 9"),
        (lambda: pool.mark_down(-1), ValueError, "not negative"),
        (lambda: pool.mark_down("0-4"), ValueError, "no rank 4"),
        (lambda: pool.mark_down("elsewhere"), ValueError, "no host"),
        (lambda: pool.mark_down(wrong(None)), TypeError, "bitmask"),
        (lambda: pool.free(1, "7"), ValueError, "no rank 7"),
        (lambda: pool.mark_up(1 << 4), ValueError, "no position 4"),
        (lambda: pool.remove_nodes(1 << 4), ValueError, "no position 4"),
        (lambda: pool.replace_machine(wrong(preset("rfc49-a"))), TypeError, "read_R"),
        (lambda: pool.replace_machine(FOUR, up=1 << 4), ValueError, "no position 4"),
        (lambda: pool.update_expiration(1, wrong("now")), TypeError, "time"),
        (lambda: pool.set_expiration(math.nan), ValueError, "time"),
        (lambda: pool.set_expiration(-1.0), ValueError, "time"),
        (lambda: Pool(wrong(preset("rfc49-a"))), TypeError, "read_R"),
        (lambda: Pool(FOUR, wrong("pack")), TypeError, "Options"),
        (lambda: Pool(FOUR, log=wrong("log")), TypeError, "log"),
    ]
    before = pool.generation
    for verb, error, says in verbs:
        with pytest.raises(error, match=says):
            verb()
    assert pool.generation == before
    assert pool.up_mask == FOUR.all


def test_queues_and_batches_are_checked() -> None:
    pool = Pool(FOUR)
    pool.alloc(7, ask("slot/core"))
    with pytest.raises(ValueError, match="expected fifo, easy, flux or conservative"):
        forecast(pool, [], 0.0, "eazy")
    with pytest.raises(ValueError, match="job 1 waits twice"):
        forecast(pool, [(1, ask("slot/core"))] * 2, 0.0)
    with pytest.raises(ValueError, match="job 7 holds resources already"):
        forecast(pool, [(7, ask("slot/core"))], 0.0)
    with pytest.raises(ValueError, match="job 1 is given twice"):
        place_mixed(pool, [BatchJob(1, ask("slot/core"))] * 2, 1.0)
    with pytest.raises(TypeError, match="weight"):
        BatchJob(1, ask("slot/core"), wrong(0.5))
    with pytest.raises(ValueError, match="above 0"):
        BatchJob(1, ask("slot/core"), 0)
    with pytest.raises(ValueError, match="some time"):
        explain(pool, ask("slot/core"), seconds=0.0)


# -- policies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Touch("half", "node", lambda d: wrong(d.free_cores / 2)), "half: a weight is an integer, not 2.5"),
        (lambda: CoreTouch("near", lambda _: wrong(0.5)), "near: a weight is an integer"),
        (lambda: Touch("half", "node", wrong(0.5)), "half: the weight is a function"),
        (lambda: Touch("none", "node", lambda _: wrong(None)), "none: a weight is an integer"),
        (lambda: Cross(wrong(3), "numa"), "name of a term"),
        (lambda: Cross("cross", wrong(None)), "name of a term"),
        (lambda: GroupTouch("", "rack"), "name of a term"),
        (lambda: Policy("mine", wrong((Cross("cross", "numa"),))), "a function that makes components"),
        (lambda: Policy("mine", wrong("affinity")), "a function that makes components"),
    ],
)
def test_a_term_is_checked_when_it_is_made(make: Callable[[], object], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        make()


def test_a_weight_may_be_any_integer() -> None:
    assert Touch("bool", "node", lambda d: d.intact).level == "node"
    assert Touch("less", "numa", lambda d: -d.free_gpus).level == "numa"
    # It speaks of what an example without domains inside has not: the machine is asked.
    Touch("first", "socket", lambda d: d.children[0].free_cores)


@pytest.mark.parametrize(
    ("policy", "error", "says"),
    [
        (Policy("p", (lambda *_: [Cross("mine", "nuba")],)), ValueError, r"no level nuba \(is numa meant\?\): it has"),
        (Policy("p", (lambda *_: [Touch("t", "sokcet", lambda _: 1)],)), ValueError, r"is socket meant\?"),
        (Policy("p", (lambda *_: [GroupTouch("t", "node")],)), ValueError, "no level of groups node"),
        (Policy("p", (lambda *_: [Cross("t", "node")],)), ValueError, "no level node"),
        (Policy("p", (affinity, affinity)), ValueError, "two terms are called affinity.socket"),
        (Policy("p", (lambda *_: [Cross("size", "numa")],)), ValueError, "two terms are called size"),
        (Policy("p", (lambda *_: [wrong("affinity")],)), TypeError, "makes components"),
        (Policy("p", (lambda *_: [Touch("t", "node", lambda d: wrong(len(d.children) / 2 if d.children else 0))],)),
         TypeError, "a weight is an integer, not 1.0"),
        (Policy("p", (lambda *_: [Touch("t", "numa", lambda _: 1 << 42)],)), ValueError, "add up to"),
    ],
)  # fmt: skip
def test_a_policy_is_checked_where_it_meets_the_machine(policy: Policy, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        Pool(FOUR, Options(policy=policy))


def test_a_level_of_groups_is_known_where_there_is_one() -> None:
    racks = preset("rfc49-a:4")
    racks["scheduling"]["groups"] = {"rack": [{"ranks": "0-1"}, {"ranks": "2-3"}]}
    policy = Policy("p", (lambda *_: [GroupTouch("mine", "rack"), Touch("less", "node", lambda d: -d.free_cores)],))
    allocation = Pool(read_R(racks), Options(policy=policy)).alloc(1, ask("slot=2/node"))
    assert allocation.certificate["terms"]["mine"] == 1


def test_a_term_that_is_misspelt_is_named_with_the_one_that_is_meant() -> None:
    with pytest.raises(ValueError, match=r"called 'afinity' \(is affinity meant\?\): there are pack, "):
        parse_policy("afinity,spread")


# -- what jobs hold --------------------------------------------------------------------------------------------------


def held(core: str = "0", gpu: str = "", rank: str = "1", hosts: list[str] | None = None) -> dict[str, Any]:
    children = {"core": core} | ({"gpu": gpu} if gpu else {})
    execution: dict[str, Any] = {"R_lite": [{"rank": rank, "children": children}], "starttime": 0, "expiration": 0}
    if hosts is not None:
        execution["nodelist"] = hosts
    return {"version": 1, "execution": execution}


def names(machine: Machine, hosts: str) -> Machine:
    R = preset("rfc49-a:4")
    R["execution"]["nodelist"] = [hosts]
    assert machine.size == len(Hostlist.parse(hosts))
    return read_R(R)


def test_what_a_node_lacks_is_not_what_another_job_holds() -> None:
    pool = Pool(FOUR)
    with pytest.raises(ValueError, match=r"R holds core 120-121 of rank 1, which has no such core"):
        pool.register_alloc(1, held("119-121"))
    with pytest.raises(ValueError, match=r"R holds gpu 8 of rank 2-3, which has no such gpu"):
        pool.register_alloc(1, held("0", "8", "2-3"))
    assert not pool.jobs
    pool.register_alloc(1, held("119"))
    with pytest.raises(ValueError, match="job 2: another job holds some of its resources on rank 1"):
        pool.register_alloc(2, held("118-119"))


def test_a_host_under_another_rank_is_refused() -> None:
    machine = names(FOUR, "a,b,c,d")
    pool = Pool(machine)
    with pytest.raises(ValueError, match=r"R says that rank 1 is c: here it is b, and c is rank 2"):
        pool.register_alloc(1, held(hosts=["c"]))
    with pytest.raises(ValueError, match=r"R says that rank 3 is e: here it is d, and there is no host e"):
        pool.register_alloc(1, held(rank="2-3", hosts=["c,e"]))
    pool.register_alloc(1, held(hosts=["b"]))
    pool.register_alloc(2, held(rank="2"))
    assert sorted(pool.jobs) == [1, 2]


def test_the_checker_takes_what_is_there_once() -> None:
    checker = Checker(names(FOUR, "a,b,c,d"))
    for R, says in [
        (held("120"), "rank 1 has no core 120"),
        (held(rank="4"), "rank 4 is not one of the machine's"),
        (held(hosts=["c"]), "nodelist names c for rank 1"),
    ]:
        with pytest.raises(ValueError, match=says):
            checker.allocate(R)
    checker.allocate(held("0-3"))
    for again in (held("0-3"), held("3-4")):
        with pytest.raises(ValueError, match="taken already"):
            checker.allocate(again)
    checker.allocate(held("4"))
    checker.release(held("0-3"))
    with pytest.raises(ValueError, match="not taken"):
        checker.release(held("0-3"))
    checker.allocate(held("0-3"))


def test_the_checker_counts_memory_that_is_taken_twice() -> None:
    R = preset("rfc49-b:1")
    pool = Pool(read_R(R))
    first = pool.alloc(1, ask("slot/[core=1;memory=100]")).to_dict()
    checker = Checker(read_R(R))
    checker.allocate(first)
    more = dict(first)
    more["execution"] = {**first["execution"], "R_lite": [{"rank": "0", "children": {"core": "5"}}]}
    more["scheduling"] = {"placement": [{"ranks": "0", "slots": [{"label": "task", "cores": "5", "memory": 100}]}]}
    with pytest.raises(ValueError, match="not as much memory left"):
        checker.allocate(more)


def test_the_checker_refuses_what_is_no_question() -> None:
    checker = Checker(FOUR)
    with pytest.raises(TypeError, match="parse_resources"):
        checker.judge(wrong("slot/core"), held())
    with pytest.raises(ValueError, match="slot-exclusive"):
        checker.judge(ask("slot/core").shape.vertices, held(), slot_exclusive="rfc-14")
    with pytest.raises(ValueError, match="unknown-types"):
        checker.judge(ask("slot/core").shape.vertices, held(), unknown_types="pass")
    with pytest.raises(ValueError, match="no such positions"):
        checker.down(1 << 4)
    with pytest.raises(TypeError, match="read_R"):
        Checker(wrong(preset("rfc49-a")))
