"""Memory, storage and other amounts: 8 GiB in each numa, an ib10g in each node, 100 GiB of storage in each rack."""

from __future__ import annotations

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Machine, Pool, Request
from exactfit.solver.checker import Checker
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

from .conftest import FOUR, Case, Json, Slot, answer, on

GB = 10**9 / 2**30

TWINS = [
    # shape, a legal answer, an illegal one, words of the reason
    ("slot/[core;memory=8]", [on(0, "0", memory=8)], [on(0, "0", memory=7)], "8 of memory was asked for"),
    ("slot/[core;memory=8]", [on(0, "0", memory=8)], [on(0, "0")], "R says that 0 was taken"),
    ("slot/core", [on(0, "0")], [on(0, "0", memory=1)], "R says that 1 was taken"),
    # A slot has the memory of the domains that its cores are in.
    ("slot/[core=2;memory=9]", [on(0, "0,3", memory=9)], [on(0, "0-1", memory=9)], "not enough memory"),
    (
        "slot=2/[core;memory=5]",
        [on(0, "0", memory=5), on(0, "3", memory=5)],
        [on(0, "0", memory=5), on(0, "1", memory=5)],
        "not enough memory",
    ),
    # 8 + 8 GiB are enough for these three, however they are met: only numa 0 has any for the first.
    (
        "[slot{a}/[core;memory=7];slot{b}/[core=2;memory=5]]",
        [on(0, "0", "a", memory=7), on(0, "1,3", "b", memory=5)],
        [on(0, "0", "a", memory=7), on(0, "1-2", "b", memory=5)],
        "not enough memory",
    ),
    # Below a domain it is the memory of the cores in that domain.
    ("slot/[numa/[core;memory=6];core]", [on(0, "0-1", memory=6)], [on(0, "0-1", memory=5)], "6 of memory was asked"),
    # Units, and the rounding up to MiB.
    ("slot/[core;memory=4{unit:GB}]", [on(0, "0", memory=4 * GB)], [on(0, "0", memory=3.7)], "3.72529 of memory"),
    (
        "slot/[core;memory=4{unit:GB}]",
        [on(0, "0", memory=3815 / 1024)],
        [on(0, "0", memory=3817 / 1024)],
        "3.72529 of memory",
    ),
    (
        "slot/numa=2/[core;memory=2{unit:GB}]",
        [on(0, "0,3", memory=2 * 1908 / 1024)],
        [on(0, "0,3", memory=3817 / 1024)],
        "3.72529 of memory",
    ),
    ("slot/[core;memory=2048{unit:MiB}]", [on(0, "0", memory=2)], [on(0, "0", memory=2048)], "2 of memory"),
    # The nearest place above that lists it: the node, the rack.
    ("slot/[core;ib10g]", [on(0, "0", ib10g=1)], [on(0, "0", ib10g=2)], "1 of ib10g was asked for"),
    (
        "slot=2/[core;ib10g]",
        [on(0, "0", ib10g=1), on(1, "0", ib10g=1)],
        [on(0, "0", ib10g=1), on(0, "1", ib10g=1)],
        "not enough ib10g",
    ),
    (
        "slot=2/[core;storage=60]",
        [on(0, "0", storage=60), on(2, "0", storage=60)],
        [on(0, "0", storage=60), on(1, "0", storage=60)],
        "not enough storage",
    ),
    # A whole domain may say that it has all that it lists, or what was asked for.
    (
        "slot/node/memory=4",
        [on(0, "0-11/0-2", memory=32)],
        [on(0, "0-11/0-2", memory=33)],
        "4 of memory was asked for",
    ),
    ("slot/node/memory=4", [on(0, "0-11/0-2", memory=4)], [on(0, "0-11/0-2", memory=3)], "4 of memory"),
]


@pytest.mark.parametrize(("shape", "legal", "illegal", "reason"), TWINS, ids=[row[0] for row in TWINS])
def test_twins(four: Case, shape: str, legal: list[Slot], illegal: list[Slot], reason: str) -> None:
    verdict = four.judge(shape, answer(legal))
    assert verdict.legal, verdict.violations
    verdict = four.judge(shape, answer(illegal))
    assert not verdict.legal
    assert reason in " ".join(verdict.violations)


def test_a_slot_without_cores_and_gpus_takes_its_innermost_domain_whole(four: Case) -> None:
    assert four.judge("slot/socket/numa/memory=4", answer([on(0, "3-5", memory=4)])).legal
    assert not four.judge("slot/socket/numa/memory=4", answer([on(0, "3", memory=4)])).legal


def test_open_counts_are_what_R_says(four: Case) -> None:
    verdict = four.judge("slot/[core;memory=2-8:2]", answer([on(0, "0", memory=6)]))
    assert verdict.terms["size"] == (6,)
    assert not four.judge("slot/[core;memory=2-8:2]", answer([on(0, "0", memory=5)])).legal


def test_several_open_counts_come_to_what_R_says_the_first_as_large_as_can_be(four: Case) -> None:
    R = answer([Slot({0: "0,3", 1: "0,3"}, amounts={"memory": 5})])
    verdict = four.judge("slot/[node=2/[core=2;memory=1,3,4];memory=2,4]", R)
    assert verdict.counts["slot/node[0]/memory[1]"] == 4
    assert verdict.terms["size"] == (4, 2)
    assert not four.judge("slot/[node=2/[core=2;memory=2];memory=3,5]", R).legal


def test_a_slot_of_two_nodes_says_it_node_by_node(four: Case) -> None:
    slot = Slot({0: "0", 1: "0"}, amounts={"memory": 4})
    assert four.judge("slot/node=2/[core;memory=4]", answer([slot])).legal
    assert not four.judge("slot/node=2/[core;memory=9]", answer([Slot(slot.of, amounts={"memory": 9})])).legal


@pytest.mark.parametrize(
    ("shape", "beside", "legal"),
    [
        ("rack/[storage=80;slot/core]", [{"level": "rack", "number": 0, "storage": 80}], True),
        ("rack/[storage=80;slot/core]", [], False),
        ("rack/[storage=180;slot/core]", [{"level": "rack", "number": 0, "storage": 180}], False),
        ("node/[memory=20;slot/core]", [{"ranks": "0", "memory": 20}], True),
        ("node/[memory=33;slot/core]", [{"ranks": "0", "memory": 33}], False),
        ("slot/core", [{"level": "rack", "number": 0, "storage": 1}], False),
        # Of another rack, or another node, than the one that the job is in.
        ("rack/[storage=80;slot/core]", [{"level": "rack", "number": 1, "storage": 80}], False),
        ("node/[memory=20;slot/core]", [{"ranks": "1", "memory": 20}], False),
    ],
)
def test_what_belongs_to_no_slot(four: Case, shape: str, beside: list[Json], legal: bool) -> None:
    assert four.judge(shape, answer([on(0, "0")], beside=beside)).legal == legal


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        (answer([on(0, "0", memory=5)]), 3),
        # Two domains stand for it: all that is certain is that numa 0 can give what numa 1 does not have to.
        (answer([on(0, "0,3", memory=9)]), 7),
        (answer([on(0, "0")], beside=[{"ranks": "0", "memory": 31}]), 1),
        # The gpu of a slot without cores is in numa 0.
        (answer([on(0, "/0", memory=4)]), 4),
        (answer([on(1, "0", memory=8)]), 8),
    ],
)
def test_running_jobs_have_taken_some(taken: Json, left: int) -> None:
    case = Case(FOUR, [taken])
    assert case.judge(f"slot/[core;memory={left}]", answer([on(0, "1", memory=left)])).legal
    more = case.judge(f"slot/[core;memory={left + 1}]", answer([on(0, "1", memory=left + 1)]))
    assert more.violations == ("there is not enough memory left",)


def test_a_domain_whose_memory_is_taken_is_not_whole() -> None:
    """The other job's core is in numa 1, but it has memory of the whole node."""
    case = Case(FOUR, [answer([on(0, "3")], beside=[{"ranks": "0", "memory": 1}])])
    assert not case.judge("slot/numa", answer([on(0, "0-2/0")])).legal
    assert case.judge("slot/numa", answer([on(1, "0-2/0")])).legal


def test_memory_comes_back() -> None:
    checker = Checker(read_R(FOUR))
    request = parse_resources(parse_shape("slot/[core;memory=8]"))
    R, other = answer([on(0, "0", memory=8)]), answer([on(0, "1", memory=8)])
    checker.allocate(R)
    assert not checker.judge(request, other).legal
    checker.release(R)
    assert checker.judge(request, other).legal


def test_a_machine_without_memory_does_not_know_the_type() -> None:
    R = {key: value for key, value in FOUR.items() if key != "scheduling"}
    verdict = Case(R).judge("slot/[core;memory=1]", answer([on(0, "0")]))
    assert verdict.violations == ("the machine has no memory: it has node, core, gpu",)


@pytest.mark.parametrize(
    ("domains", "legal"),
    [
        ({"socket 0": 3, "socket 1": 3}, True),  # Three beside the core in socket 1, three from elsewhere.
        ({"socket 0": 2, "socket 1": 4}, False),
        ({"socket 0": 6}, False),
    ],
)
def test_open_counts_are_read_by_the_domains_that_gave_them(domains: dict[str, int], legal: bool) -> None:
    machine = Machine.build("socket:2(memory=3) core:2")
    vertices = parse_resources(parse_shape("slot/[node/socket=1/[core;memory=1+];memory=1+]"))
    slot = {"label": "task", "cores": "2", "memory": 6, "domains": {"memory": domains}}
    R = Pool(machine).alloc(1, Request.of(vertices)).to_dict()
    R["execution"]["R_lite"] = [{"rank": "0", "children": {"core": "2"}}]
    R["scheduling"]["placement"] = [{"ranks": "0", "slots": [slot]}]
    verdict = Checker(machine).judge(vertices, R)
    assert verdict.legal is legal, verdict.violations


def test_what_the_pool_gives_to_two_open_counts_is_legal() -> None:
    machine = Machine.build("socket:2(memory=3) core:2")
    vertices = parse_resources(parse_shape("slot/[node/socket=1/[core;memory=1+];memory=1+]"))
    allocation = Pool(machine).alloc(1, Request.of(vertices))
    verdict = Checker(machine).judge(vertices, allocation.to_dict())
    assert verdict.legal, verdict.violations
    assert allocation.certificate["terms"]["size"] == [3, 3]


def test_open_counts_of_two_racks_are_read_by_the_rack_that_gave_each() -> None:
    """Five GiB in all are four and one as well, of which the first rack has no four."""
    R = preset("rfc49-a:2")
    R["scheduling"]["groups"] = {"rack": [{"ranks": "0", "storage": 2}, {"ranks": "1", "storage": 3}]}
    machine = read_R(R)
    vertices = parse_resources(
        parse_shape("[rack/[node=1/slot{a}/core=90;storage=2-4:2:*];rack/[node=1/slot{b}/core=91;storage=1-5:2]]")
    )
    allocation = Pool(machine).alloc(1, Request.of(vertices))
    verdict = Checker(machine).judge(vertices, allocation.to_dict())
    assert verdict.legal, verdict.violations
    assert verdict.terms["size"] == (2, 3)
