"""Slots of several nodes that are asked for different things: as good as can be, proven, and judged node by node."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import network_cards
import several_nodes
from agreement import check
from exactfit.adapters.audit import brute, strategies
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.describe import describe_R
from exactfit.topology.rset import read_R

UNEVEN = {"memory": 1, "numa": [{"cores": "0-1", "gpus": "0-1"}, {"cores": "2-4", "gpus": "2"}]}
"""The domain with fewer free cores has more GPUs."""


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_as_the_brute_force_has_it(data: st.DataObject) -> None:
    check(data.draw(several_nodes.cases()), data.draw(strategies.policies()))


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_network_cards_on_each_node_are_as_the_brute_force_has_them(data: st.DataObject) -> None:
    check(data.draw(network_cards.several_node_cases()), data.draw(strategies.policies()))


@pytest.mark.parametrize(
    ("shape", "cores"),
    [
        ("slot/[node/core;node/gpu]", "0"),
        ("slot/[node=2/core;node/[core;gpu]]", "0"),
        ("slot/[node/core;node]", "0"),
        ("slot/[node/core;node/numa]", "0"),
        # Without a GPU anywhere it goes where fewer of them are.
        ("slot/[node/core;node/core]", "2"),
    ],
)
def test_a_slot_with_gpus_on_one_node_shields_none_on_the_others(shape: str, cores: str) -> None:
    pool = Pool(read_R(describe_R(UNEVEN, 3)))
    R = pool.alloc(1, Request.from_shape(shape)).to_dict()
    certificate = R["scheduling"]["certificate"]
    assert certificate["status"] == "OPTIMAL"
    assert cores in [slot.get("cores") for entry in R["scheduling"]["placement"] for slot in entry["slots"]]
    assert certificate["terms"]["shield"] == (2 if cores == "2" else 0)


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        ({"0": 1, "1": 1}, ()),
        # The memory of the whole node goes without saying, that of the other one does not.
        ({"1": 1}, ("1 of memory was asked for, R says that 0 was taken",)),
        ({"0": 2, "1": 1}, ("1 of memory was asked for, R says that 2 was taken",)),
        ({"0": 1, "1": 3}, ("0 of memory was asked for, R says that 3 was taken",)),
    ],
)
def test_amounts_of_whole_nodes_are_not_those_of_the_others(said: dict[str, int], reasons: tuple[str, ...]) -> None:
    machine = read_R(describe_R({**UNEVEN, "memory": 2}, 2))
    vertices = parse_resources(parse_shape("slot/[node;node/[core;memory=1]]"))
    R = Pool(machine, Options(parse_policy("lowest"))).alloc(1, Request.of(vertices)).to_dict()
    entries = {entry["ranks"]: entry["slots"][0] for entry in R["scheduling"]["placement"]}
    part, whole = sorted(entries, key=lambda rank: len(entries[rank].get("cores", "")))
    assert Checker(machine).judge(vertices, R).violations == ()
    for rank, name in ((part, "0"), (whole, "1")):
        entries[rank].pop("memory")
        entries[rank].update({"memory": said[name]} if name in said else {})
    assert Checker(machine).judge(vertices, R).violations == reasons


def test_what_one_node_lacks_comes_from_the_groups_around_it() -> None:
    """A rack lists storage that only one of the node types has itself."""
    R = describe_R({"numa": [{"cores": "0-1"}, {"cores": "2-3"}]}, 2)
    R["scheduling"]["children"][0]["ranks"] = "1"
    R["scheduling"]["children"].append({"ranks": "0", "topo": {"storage": 1, "numa": [{"cores": "0-3"}]}})
    R["scheduling"]["groups"] = {"rack": [{"ranks": "0-1", "storage": 3}]}
    machine = read_R(R)
    vertices = parse_resources(parse_shape("slot/[node/[core;storage=3];node/core]"))
    allocation = Pool(machine).alloc(1, Request.of(vertices))
    best = brute.best(machine, vertices)
    assert best is not None
    assert {name: allocation.certificate["terms"][name] for name in best if name != "size"} == {
        name: value for name, value in best.items() if name != "size"
    }
    assert Checker(machine).judge(vertices, allocation.to_dict()).violations == ()
