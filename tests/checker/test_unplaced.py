"""Answers of other allocators: R does not say which slot got what, so that the best split is searched for."""

from __future__ import annotations

import pytest

from .conftest import Case, Slot, answer, bare, on

SPLITS = [
    # shape, what is held, the affinity to socket and numa of the best split; None when there is no split
    ("slot=2/core=3", {0: "0-5"}, (0, 0)),
    ("slot=3/core=2", {0: "0-5"}, (0, 1)),
    ("slot=2/core=3", {0: "1-5,6"}, (1, 1)),
    ("slot=2/core=2", {0: "0-3"}, (0, 1)),
    ("slot=3/core=4", {0: "0-11"}, (1, 3)),
    ("slot=2/core=2", {0: "0-1", 1: "3-4"}, (0, 0)),
    ("slot=2/core=2", {0: "0-2", 1: "3"}, None),
    ("slot=2/[core=2;gpu]", {0: "0-1,6-7/0-1"}, (0, 0)),
    # GPU 2 is in socket 0 and in no numa.
    ("slot=2/[core=2;gpu]", {0: "0-3/0,2"}, (0, 1)),
    ("slot=2/[core=2;gpu]", {0: "0-3/0"}, None),
    ("node=2/slot=2/core", {0: "0,3", 1: "0-1"}, (0, 0)),
    ("node=2/slot=2/core", {0: "0-2", 1: "0"}, None),
    ("slot=2/numa", {0: "0-5/0"}, (0, 0)),
    ("slot=2/numa", {0: "0-2/0", 3: "9-11"}, (0, 0)),
    ("slot=2/numa", {0: "0-4/0"}, None),
    ("slot/numa=3/core=2", {0: "0-1,3-4,6-7"}, (1, 2)),
    ("slot=2/node=2/core", {0: "0", 1: "0", 2: "0", 3: "0"}, (2, 2)),
    ("slot=2/node=2/core", {0: "0", 1: "0", 2: "0-1"}, None),
    # The two slots stand anywhere in the node that the job has.
    ("node{x}/slot=2/core=2", {0: "0-11/0-2"}, (0, 0)),
    ("node{x}/slot=2/core=2", {0: "0-10/0-2"}, None),
    ("[slot=2{a}/core;slot{b}/core=2]", {0: "0", 1: "0-1,3"}, (0, 0)),
    ("[slot=2{a}/core;slot{b}/core=2]", {0: "0", 1: "0-1", 2: "0-1"}, None),
    ("node/[slot=2{a}/core;slot{b}/core=2]", {0: "0-1,3-4"}, (0, 0)),
    ("[slot{a}/core;slot{b}/core=2;slot{c}/core=4]", {0: "0-2", 1: "0-2,3"}, (0, 1)),
    ("[slot{a}/core;slot{b}/core=2;slot{c}/core=3]", {0: "0-3", 1: "0-1,3"}, None),
]


@pytest.mark.parametrize(("shape", "held", "affinity"), SPLITS, ids=[f"{row[0]} in {row[1]}" for row in SPLITS])
def test_splits(four: Case, shape: str, held: dict[int, str], affinity: tuple[int, int] | None) -> None:
    R = bare(answer([Slot(held)]))
    del R["execution"]["nslots"]
    verdict = four.judge(shape, R)
    assert verdict.legal == (affinity is not None), verdict.violations
    if affinity is not None:
        assert (verdict.terms["affinity.socket"], verdict.terms["affinity.numa"]) == affinity
        assert verdict.notes == ("R does not say how it is split into slots: the best split is taken",)


def test_a_split_is_the_best_where_filling_one_domain_after_the_other_is_not() -> None:
    # Largest first, each where it fits closest: 5 into the 7, 4 and 3 into the 8, and the last 3 torn.
    topo = {"numa": [{"cores": "0-6"}, {"cores": "7-14"}]}
    lite = [{"rank": "0", "children": {"core": "0-14"}}]
    R = {
        "version": 1,
        "execution": {"R_lite": lite, "nodelist": ["n0"], "starttime": 0, "expiration": 0},
        "scheduling": {"writer": "TreePool", "children": [{"ranks": "0", "topo": topo}]},
    }
    held = bare(answer([on(0, "0-14")]))
    del held["execution"]["nslots"]
    verdict = Case(R).judge("node/[slot{a}/core=5;slot{b}/core=4;slot=2{c}/core=3]", held)
    assert verdict.legal, verdict.violations
    assert verdict.terms["affinity.numa"] == 0


@pytest.mark.parametrize(
    ("shape", "held"),
    [
        ("slot=2/numa=2/core=2", {0: "0-1,3-4,6-7,9-10"}),
        # Rank 0 might as well give the slot of three cores.
        ("[slot{a}/core;slot{b}/core=2;slot{c}/core=3]", {0: "0-2", 1: "0-1,3"}),
    ],
)
def test_splits_that_may_not_be_the_best_say_so(four: Case, shape: str, held: dict[int, str]) -> None:
    R = bare(answer([Slot(held)]))
    del R["execution"]["nslots"]
    verdict = four.judge(shape, R)
    assert verdict.legal
    assert verdict.notes == (
        "R does not say how it is split into slots: a good split is taken, there may be a better one",
    )


def test_open_counts_are_the_largest_that_fit_nslots(four: Case) -> None:
    R = bare(answer([Slot({0: "0-5"})]))
    for nslots, size in ((1, (1, 6)), (2, (2, 3)), (3, (3, 2)), (6, (6, 1))):
        R["execution"]["nslots"] = nslots
        assert four.judge("slot=1-8/core=1+", R).terms["size"] == size
    R["execution"]["nslots"] = 4
    assert not four.judge("slot=1-8/core=1+", R).legal
    del R["execution"]["nslots"]
    assert four.judge("slot=1-8/core=1+", R).terms["size"] == (6, 1)


def test_what_is_not_searched_is_not_judged(four: Case) -> None:
    verdict = four.judge("node/[slot/[numa/core;core];core]", bare(answer([on(0, "0-2")])))
    assert not verdict.legal
    assert verdict.violations[0].startswith("not judged")


def test_memory_is_assumed_to_be_the_least(four: Case) -> None:
    verdict = four.judge("slot/[core;memory=4+]", bare(answer([on(0, "0")])))
    assert verdict.legal
    assert verdict.terms["size"] == (4,)
    assert "memory" in verdict.notes[-1]
