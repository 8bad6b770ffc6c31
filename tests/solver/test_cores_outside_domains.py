"""Nodes some of whose cores stand in no domain, in groups or in none, compared with trying everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.strategies import counts, vertex
from exactfit.grammar.shape import parse_shape

from .test_against_brute_force import check

Json = dict[str, Any]


TREES: dict[tuple[int, str], Json] = {
    (1, "0"): {"socket": [{"cores": "0"}]},
    (2, "0-1"): {"socket": [{"cores": "0"}]},
    (3, "0-2"): {"socket": [{"cores": "0-1"}]},
    (4, "0-3"): {"socket": [{"cores": "0-1"}, {"cores": "2-3"}]},
    (5, "0-4"): {"socket": [{"cores": "0-1"}, {"cores": "2-3"}]},
    (6, "0-2"): {"numa": [{"socket": [{"cores": "0"}]}, {"socket": [{"cores": "1"}]}]},
    (7, "0-3"): {"socket": [{"numa": [{"cores": "0-1"}, {"cores": "2-3"}]}]},
}
"""The trees of nodes, numbered, with the ids of their cores; of some the last core stands in no socket."""

RACKS = {
    2: [[], ["0"], ["0-1"], ["0", "1"]],
    3: [[], ["0-2"], ["0", "1-2"], ["0-1", "2"], ["0-1"]],
}
"""The ranks of racks, by the number of nodes; of some the last node stands in no rack."""


@st.composite
def cases(draw: st.DrawFn) -> strategies.Case:
    kinds = draw(st.lists(st.sampled_from(sorted(TREES)), min_size=2, max_size=3))
    lite = [{"rank": str(rank), "children": {"core": ids}} for rank, (_, ids) in enumerate(kinds)]
    trees = [{"ranks": str(rank), "topo": TREES[kind]} for rank, kind in enumerate(kinds)]
    racks = [{"ranks": ranks} for ranks in draw(st.sampled_from(RACKS[len(kinds)]))]
    execution: Json = {
        "R_lite": lite,
        "starttime": 0,
        "expiration": 0,
        "nodelist": [f"n{rank}" for rank in range(len(kinds))],
    }
    R: Json = {
        "version": 1,
        "execution": execution,
        "scheduling": {"writer": "TreePool", "children": trees, **({"groups": {"rack": racks}} if racks else {})},
    }
    running, down = draw(strategies.states(R))
    core = vertex("core", draw(st.integers(1, 2)))
    slot = vertex("slot", draw(counts(3)), core, label="task")
    wide = vertex("slot", draw(st.integers(1, 2)), vertex("node", draw(counts(2)), core), label="task")
    forms = [slot, wide, vertex("cluster", 1, slot), *([vertex("rack", 1, slot)] if racks else [])]
    request = draw(st.sampled_from(forms))
    return strategies.Case(R, running, down, (request,))


@pytest.mark.parametrize("policy", ["pack", "spread"])
@given(case=cases())
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
def test_as_good_as_trying_everything(policy: str, case: strategies.Case) -> None:
    check(case, policy)


def test_a_core_outside_all_domains_breaks_none() -> None:
    lite = [{"rank": "0", "children": {"core": "0"}}, {"rank": "1", "children": {"core": "0-1"}}]
    R: Json = {
        "version": 1,
        "execution": {"R_lite": lite, "starttime": 0, "expiration": 0, "nodelist": ["n[0-1]"]},
        "scheduling": {
            "writer": "TreePool",
            "children": [{"ranks": "0-1", "topo": {"socket": [{"cores": "0"}]}}],
            "groups": {"rack": [{"ranks": "0-1"}]},
        },
    }
    check(strategies.Case(R, (), "", tuple(parse_shape("rack/slot=1/core=1"))), "pack")


@pytest.mark.parametrize("shape", ["slot=1/node=2/core=1", "slot=1/node=2{-x}/core=2"])
def test_a_node_that_is_best_in_two_ways_leaves_the_others_their_place(shape: str) -> None:
    kinds = [(6, "0-2"), (7, "0-3")]
    R: Json = {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": str(rank), "children": {"core": ids}} for rank, (_, ids) in enumerate(kinds)],
            "starttime": 0,
            "expiration": 0,
            "nodelist": ["n0", "n1"],
        },
        "scheduling": {
            "writer": "TreePool",
            "children": [{"ranks": str(rank), "topo": TREES[kind]} for rank, kind in enumerate(kinds)],
        },
    }
    check(strategies.Case(R, (), "", tuple(parse_shape(shape))), "pack")
