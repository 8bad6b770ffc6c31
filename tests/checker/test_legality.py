"""Each rule with an answer that just passes and one that just fails."""

from __future__ import annotations

import pytest

from .conftest import FOUR, Case, Slot, answer, on

TWINS = [
    # shape, the slots of a legal answer, those of an illegal one, words of the reason
    ("slot/core=2", [on(0, "0-1")], [on(0, "0-2")], "is not what it asks for"),
    ("slot/core=2", [on(0, "0-1")], [on(0, "0")], "is not what it asks for"),
    # A slot stands on one node unless the request names nodes inside it.
    ("slot/core=2", [on(0, "0-1")], [Slot({0: "0", 1: "0"})], "is not what it asks for"),
    ("slot/[core=2;gpu]", [on(0, "0-1/0")], [on(0, "0-1")], "is not what it asks for"),
    ("slot/gpu", [on(0, "/0")], [on(0, "1/0")], "is not what it asks for"),
    ("slot=2/core", [on(0, "0"), on(0, "1")], [on(0, "0")], "1 in all, not 2"),
    # Counts: a range with a step, an idset; the same in every node and in every slot.
    ("slot=1-5:2/core", [on(0, str(i)) for i in range(3)], [on(0, str(i)) for i in range(4)], "4 in all"),
    ("slot=2,4/core", [on(0, str(i)) for i in range(4)], [on(0, str(i)) for i in range(3)], "3 in all"),
    ("slot=2-8:2:*/core", [on(0, str(i)) for i in range(4)], [on(0, str(i)) for i in range(6)], "6 in all"),
    (
        "node=2/slot=1-2/core",
        [on(0, "0"), on(0, "1"), on(1, "0"), on(1, "1")],
        [on(0, "0"), on(0, "1"), on(1, "0")],
        "1 in one node and 2 in another",
    ),
    ("slot=2/core=1-3", [on(0, "0-2"), on(0, "3-5")], [on(0, "0-2"), on(0, "3-4")], "differ in what they hold"),
    # Nodes and domains are different ones for different vertices and slots.
    ("slot=2/node/core", [on(0, "0"), on(1, "0")], [on(0, "0"), on(0, "1")], "one place stands for a vertex in two"),
    ("slot=2/numa/core", [on(0, "0"), on(0, "3")], [on(0, "0"), on(0, "1")], "one place stands for a vertex in two"),
    (
        "[node/slot{a}/core;node=2/slot{b}/core]",
        [on(0, "0", "a"), on(1, "0", "b"), on(2, "0", "b")],
        [on(0, "0", "a"), on(0, "1", "b"), on(1, "0", "b")],
        "one place stands for two vertices",
    ),
    # Domains between slot and core are hard, above the slot as well.
    ("slot/numa=2/core=2", [on(0, "0-1,3-4")], [on(0, "0-2,3")], "is not what it asks for"),
    ("slot/socket/core=4", [on(0, "0-3")], [on(0, "3-6")], "is not what it asks for"),
    ("numa/slot=2/core", [on(0, "0"), on(0, "1")], [on(0, "0"), on(0, "3")], "not 1"),
    ("socket=2/slot/core", [on(0, "0"), on(1, "6")], [on(0, "0"), on(0, "3")], "1 in all, not 2"),
    ("socket/slot/core=2", [on(0, "2-3")], [on(0, "5-6")], "does not stand in one"),
    # The GPU of socket 0 is in none of its numa domains.
    ("slot/socket/[core;gpu]", [on(0, "0/2")], [on(0, "6/2")], "is not what it asks for"),
    ("slot/numa/[core;gpu]", [on(0, "0/0")], [on(0, "0/2")], "is not what it asks for"),
    # Groups are hard.
    (
        "rack=2/node/slot/core",
        [on(0, "0"), on(2, "0")],
        [on(0, "0"), on(1, "0")],
        "1 in all, not 2",
    ),
    ("rack/slot=2/core", [on(0, "0"), on(1, "0")], [on(0, "0"), on(2, "0")], "not 1"),
    ("rack/slot/node=2/core", [Slot({0: "0", 1: "0"})], [Slot({1: "0", 2: "0"})], "does not stand in one"),
    # A slot of several nodes.
    ("slot/node=2/core=2", [Slot({0: "0-1", 3: "4-5"})], [Slot({0: "0-1", 3: "4"})], "is not what it asks for"),
    ("slot/node=2/core=2", [Slot({0: "0-1", 3: "4-5"})], [on(0, "0-3")], "is not what it asks for"),
    (
        "slot/rack=2/node=2/core",
        [Slot(dict.fromkeys(range(4), "0"))],
        [Slot(dict.fromkeys(range(3), "0"))],
        "is not what it asks for",
    ),
    ("slot/[node/core=2;core]", [Slot({0: "0-1", 1: "0"})], [Slot({0: "0-1", 1: "0-1"})], "is not what it asks for"),
    # Whole domains are taken to the last core, and to the last GPU.
    ("slot/numa", [on(0, "0-2/0")], [on(0, "0-2")], "is not what it asks for"),
    ("slot/numa{x}/core=2", [on(0, "0-2/0")], [on(0, "0-1")], "is not what it asks for"),
    ("slot/numa{-x}/core=2", [on(0, "0-1")], [on(0, "0-2/0")], "is not what it asks for"),
    ("slot/socket=2{x}", [on(0, "0-11/0-2")], [on(0, "0-5/0,2")], "is not what it asks for"),
    ("slot=2/node", [on(0, "0-11/0-2"), on(3, "0-11/0-2")], [on(0, "0-11/0-2"), on(3, "0-10/0-2")], "is not what"),
    ("slot/numa{x}/core=3", [on(0, "3-5")], [on(0, "0-2")], "is not what it asks for"),
    # Two slot types have to be met together.
    (
        "node/[slot=2{a}/core;slot{b}/core=2]",
        [on(0, "0", "a"), on(0, "1", "a"), on(0, "2-3", "b")],
        [on(0, "0", "a"), on(0, "1", "a")],
        "there is no slot 'b'",
    ),
    ("slot{a}/core", [on(0, "0", "a")], [on(0, "0", "b")], "the request has no slot 'b'"),
    # Ids of ranks, domains, cores.
    ('slot/core=2{id:"2-4"}', [on(0, "3-4")], [on(0, "4-5")], "is not what it asks for"),
    ('slot/[core=2{id:"0-2"};core=2{id:"1-3"}]', [on(0, "0-3")], [on(0, "2-5")], "is not what it asks for"),
    ('slot/numa{id:"1"}/core', [on(0, "4")], [on(0, "1")], "is not what it asks for"),
    ('slot/node{id:"1-2"}/core', [on(2, "4")], [on(3, "4")], "is not what it asks for"),
    ('rack{id:"1"}/slot/core', [on(2, "4")], [on(1, "4")], "rack 0 is none of 1"),
]


@pytest.mark.parametrize(("shape", "legal", "illegal", "reason"), TWINS, ids=[row[0] for row in TWINS])
def test_twins(four: Case, shape: str, legal: list[Slot], illegal: list[Slot], reason: str) -> None:
    verdict = four.judge(shape, answer(legal))
    assert verdict.legal, verdict.violations
    verdict = four.judge(shape, answer(illegal))
    assert not verdict.legal
    assert reason in " ".join(verdict.violations)


@pytest.mark.parametrize(
    ("shape", "beside", "reason"),
    [
        ("slot/[core;numa{-x}]", {}, "slot/numa[1] asks for nothing"),
        ("[slot/core;rack{-x}]", {}, "rack[1] asks for nothing"),
        ("[slot/core;memory=3]", {"memory": 3}, "memory[1]: no group lists memory, which nodes have"),
        ("rack/[slot/core;memory=3]", {"memory": 3}, "rack/memory[1]: no group lists memory, which nodes have"),
    ],
)
def test_no_answer_is_one_to_what_asks_for_nothing_or_beside_nodes_for_what_is_theirs(
    four: Case, shape: str, beside: dict[str, int], reason: str
) -> None:
    R = answer([on(0, "0")], beside=[{"ranks": "0", **beside}] if beside else ())
    assert four.judge(shape, R).violations == (reason,)
    assert four.judge("node/[slot/core;memory=3]", answer([on(0, "0")], beside=[{"ranks": "0", "memory": 3}])).legal


def test_whole_domains_around_slots_keep_what_the_slots_leave(four: Case) -> None:
    slots = [on(0, "0-1"), on(0, "2-3")]
    shape = "socket{x}/slot=2/core=2"
    assert four.judge(shape, answer(slots, rest={0: "4-5/0,2"})).legal
    missing = four.judge(shape, answer(slots, rest={0: "4/0,2"}))
    assert "does not hold all of socket 0" in missing.violations[0]
    more = four.judge(shape, answer(slots, rest={0: "4-6/0,2"}))
    assert more.violations == ("rank 0: 1 cores and 0 gpus belong to nothing that was asked for",)


def test_nobody_else_stands_in_a_whole_domain(four: Case) -> None:
    shape = "node/[socket{x}/slot{a}/core;slot{b}/core]"
    a, b = on(0, "0", "a"), on(0, "6", "b")
    assert four.judge(shape, answer([a, b], rest={0: "1-5/0,2"})).legal
    inside = four.judge(shape, answer([a, on(0, "1", "b")], rest={0: "2-5/0,2"}))
    assert "which is not its own" in inside.violations[0]


def test_whole_racks(four: Case) -> None:
    everything = "0-11/0-2"
    assert four.judge("slot/rack{x}", answer([Slot({0: everything, 1: everything})])).legal
    assert not four.judge("slot/rack{x}", answer([Slot({1: everything, 2: everything})])).legal


def test_cores_outside_slots_are_held_by_the_job_alone(four: Case) -> None:
    shape = "node/[slot=2/core;core=3]"
    slots = [on(0, "0"), on(0, "1")]
    assert four.judge(shape, answer(slots, rest={0: "2-4"})).legal
    assert not four.judge(shape, answer(slots, rest={0: "2-3"})).legal
    assert not four.judge(shape, answer(slots, rest={1: "2-4"})).legal


@pytest.mark.parametrize(
    ("running", "down", "constraint", "reason"),
    [
        ([on(1, "2")], "", None, "rank 1: cores or gpus are taken by another job"),
        ([], "1", None, "rank 1 is down"),
        ([], "", {"properties": ["fast"]}, "rank 1 does not match"),
    ],
)
def test_what_is_not_there_for_the_job(
    running: list[Slot], down: str, constraint: dict[str, object] | None, reason: str
) -> None:
    case = Case(FOUR, [answer(running)] if running else [], down)
    taken = case.judge("slot/core=3", answer([on(1, "0-2")]), constraint=constraint)
    assert taken.violations[0].startswith(reason)
    assert case.judge("slot/core=3", answer([on(2, "0-2")]), constraint=constraint).legal


def test_a_whole_domain_has_to_be_free_before() -> None:
    """A job that holds nothing but a core of numa 1 is in the way of its socket, not of numa 0."""
    case = Case(FOUR, [answer([on(0, "4")])])
    assert case.judge("slot/numa", answer([on(0, "0-2/0")])).legal
    assert not case.judge("node{x}/slot/core", answer([on(0, "0")], rest={0: "1-3,5-11/0-2"})).legal


def test_what_R_has_in_part_is_whole_with_all_that_R_has() -> None:
    part = {**FOUR, "execution": {**FOUR["execution"], "R_lite": [{"rank": "0-3", "children": {"core": "0-1,3-5"}}]}}
    case = Case(part)
    assert case.judge("slot/numa/core=2", answer([on(0, "0-1")])).legal
    whole, part_of_it = (case.judge("slot/numa", answer([on(0, cores)])) for cores in ("3-5", "0-1"))
    assert (whole.legal, whole.terms["partial"]) == (True, 0)
    assert (part_of_it.legal, part_of_it.terms["partial"]) == (True, 1)
    assert not case.judge("slot/numa", answer([on(0, "0")])).legal


def test_resources_are_taken_once(four: Case) -> None:
    shared = four.judge("slot=2/core", answer([on(0, "0"), on(0, "0")]))
    assert "what another slot has" in shared.violations[0]
    R = answer([on(0, "0")])
    R["execution"]["R_lite"] *= 2
    R["execution"]["nodelist"] *= 2
    assert "rank 0 is listed twice" in four.judge("slot/core", R).violations


@pytest.mark.parametrize(
    ("rank", "cores", "reason"),
    [(7, "0", "rank 7 is not one of the machine's"), (0, "12", "rank 0 has no core 12")],
)
def test_what_does_not_exist(four: Case, rank: int, cores: str, reason: str) -> None:
    R = answer([on(rank, cores)])
    del R["execution"]["nodelist"]
    assert reason in four.judge("slot/core", R).violations


def test_slots_are_part_of_R_lite(four: Case) -> None:
    R = answer([on(0, "0-1")])
    R["execution"]["R_lite"][0]["children"]["core"] = "0"
    assert "has what R_lite does not list" in four.judge("slot/core=2", R).violations[0]


def test_nslots_and_hosts_are_right(four: Case) -> None:
    R = answer([on(1, "0")])
    R["execution"]["nslots"] = 2
    assert four.judge("slot/core", R).violations == ("nslots is 2, there are 1 slots",)
    R = answer([on(1, "0")])
    R["execution"]["nodelist"] = ["n2"]
    assert four.judge("slot/core", R).violations == ("nodelist names n2 for rank 1, which is n1",)


NO_R: list[object] = [
    {},
    [],
    {"execution": {"R_lite": [3]}},
    {"execution": {"R_lite": [{"rank": "x", "children": {}}]}},
    {"execution": {"R_lite": [{"rank": "0-2147483647", "children": {"core": "0"}}]}},
    {"execution": {"R_lite": [{"rank": "0", "children": {"core": "0-2147483647"}}]}},
    {"execution": {"R_lite": [{"rank": "0", "children": {"core": "0"}}], "nslots": "1"}},
    {"execution": {"R_lite": [{"rank": "0", "children": {"core": "0"}}]}, "scheduling": {"placement": [{}]}},
    {
        "execution": {"R_lite": [{"rank": "0", "children": {"core": "0"}}]},
        "scheduling": {"placement": [{"ranks": "0", "memory": float("inf")}]},
    },
]


@pytest.mark.parametrize("R", NO_R, ids=range(len(NO_R)))
def test_what_is_no_R(four: Case, R: dict[str, object]) -> None:
    assert not four.judge("slot/core", R).legal


def test_slots_exclusive_as_rfc_14_has_it(four: Case) -> None:
    """Inside a slot a domain is whole unless the request says otherwise; outside it is not."""
    some, whole = answer([on(0, "0")]), answer([on(0, "0-2/0")])
    for shape, expected in (("slot/numa/core", whole), ("slot/numa{-x}/core", some), ("numa/slot/core", some)):
        for R in (some, whole):
            assert four.judge(shape, R, slot_exclusive="rfc14").legal == (R is expected)


def test_unknown_types(four: Case) -> None:
    R = answer([on(0, "0")])
    assert four.judge("slot/[core;fpga]", R).violations == (
        "the machine has no fpga: it has rack, node, socket, numa, core, gpu, ib10g, memory, storage",
    )
    assert four.judge("slot/[core;fpga]", R, unknown_types="ignore").legal


def test_unknown_types_with_children_count_all_the_same(four: Case) -> None:
    two, one = answer([on(0, "0"), on(1, "0")]), answer([on(0, "0")])
    assert four.judge("blade=2/node/slot/core", two, unknown_types="ignore").legal
    assert not four.judge("blade=2/node/slot/core", one, unknown_types="ignore").legal
    open_count = four.judge("blade=1+/node/slot/core", two, unknown_types="ignore")
    assert open_count.terms["size"] == (2,)


def test_slots_that_hold_nothing(four: Case) -> None:
    assert not four.judge("slot/numa{-x}", answer([on(0, "")])).legal
