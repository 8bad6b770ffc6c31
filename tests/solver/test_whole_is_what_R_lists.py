"""Whole is what R lists: low-noise machines that keep cores back, and parts of nodes."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import check
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

NUMA = [{"cores": f"{8 * n}-{8 * n + 7}", "gpus": str(n)} for n in range(4)]


def low_noise(*cores: str, topo: Any = None, groups: Any = None) -> dict[str, Any]:
    """Return R of nodes of four numa of eight cores and a GPU, of which it lists these cores each."""
    lite = [{"rank": str(rank), "children": {"core": ids, "gpu": "0-3"}} for rank, ids in enumerate(cores)]
    scheduling = {"children": [{"ranks": ",".join(map(str, range(len(cores)))), "topo": topo or {"numa": NUMA}}]}
    if groups:
        scheduling["groups"] = groups
    return {"version": 1, "execution": {"R_lite": lite, "starttime": 0, "expiration": 0}, "scheduling": scheduling}


KEPT = "1-7,9-15,17-23,25-31"
"""All but the first core of each numa."""

CASES = [
    # A node, whole, with slots in it; all of its numa but for what is kept back.
    ((KEPT,), "node=1{x}/slot=4/[core=7;gpu=1]", {"0": KEPT}, 1),
    ((KEPT,), "slot=1/node", {"0": KEPT}, 1),
    ((KEPT, KEPT), "slot=2/node{x}/core=28", {"0": KEPT, "1": KEPT}, 2),
    ((KEPT,), "slot=1/numa{x}", {"0": "1-7"}, 1),
    ((KEPT,), "node/slot=2/numa=2{x}", {"0": KEPT}, 4),
    # The one that R lists in full is better, though it stands on a fuller node or comes later.
    (("0-7,9-31",), "slot=1/numa{x}", {"0": "0-7"}, 0),
    (("1-31",), "slot=1/numa{x}", {"0": "8-15"}, 0),
    (("1-31", "0-31"), "slot=1/node", {"1": "0-31"}, 0),
    (("1-31",), "slot=4/numa{x}", {"0": "1-31"}, 1),
    # Both the node and the numa in it are asked for.
    (("1-31",), "node{x}/slot/numa{x}", {"0": "1-31"}, 1),
    ((KEPT,), "node{x}/slot/numa{x}", {"0": KEPT}, 2),
]


@pytest.mark.parametrize(("cores", "shape", "held", "partial"), CASES)
def test_whole_is_what_R_lists(cores: tuple[str, ...], shape: str, held: dict[str, str], partial: int) -> None:
    machine = read_R(low_noise(*cores))
    vertices = parse_resources(parse_shape(shape))
    R = Pool(machine).alloc(1, Request.of(vertices)).to_dict()
    assert {e["rank"]: e["children"]["core"] for e in _by_rank(R)} == held
    certificate = R["scheduling"]["certificate"]
    assert (certificate["status"], certificate["terms"]["partial"]) == ("OPTIMAL", partial)
    verdict = check(machine, vertices, R)
    assert (verdict.legal, verdict.terms["partial"]) == (True, partial)


def _by_rank(R: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of R_lite, one a rank."""
    entries = R["execution"]["R_lite"]
    split = (range(int(e["rank"].split("-")[0]), int(e["rank"].split("-")[-1]) + 1) for e in entries)
    return [{**e, "rank": str(rank)} for e, ranks in zip(entries, split, strict=True) for rank in ranks]


def test_a_group_is_one_thing_that_is_asked_for() -> None:
    """The rack with two part nodes ties with the one with a single one: the lowest ranks; the full one wins."""
    racks = {"rack": [{"ranks": "0-1"}, {"ranks": "2-3"}, {"ranks": "4-5"}]}
    for cores, ranks, partial in (
        ((KEPT, KEPT, KEPT, "0-31", "0-31", "0-31"), "4-5", 0),
        ((KEPT, KEPT, KEPT, KEPT, KEPT, KEPT), "0-1", 1),
    ):
        machine = read_R(low_noise(*cores, groups=racks))
        for shape, nodes in (("rack{x}/slot=2/core=2", 0), ("rack{x}/node=2{x}/slot/core=2", 2)):
            vertices = parse_resources(parse_shape(shape))
            R = Pool(machine).alloc(1, Request.of(vertices)).to_dict()
            assert [e["rank"] for e in R["execution"]["R_lite"]] == [ranks]
            expected = partial and partial + nodes
            assert R["scheduling"]["certificate"]["terms"]["partial"] == expected
            assert check(machine, vertices, R).terms["partial"] == expected


def test_of_what_R_lists_nothing_there_is_none() -> None:
    pool = Pool(read_R(low_noise("8-31", topo={"numa": [{"cores": "0-7"}, *NUMA[1:]]})))
    assert pool.alloc(1, Request.of(parse_resources(parse_shape("slot=3/numa{x}")))).proof.terms["partial"] == 0
    with pytest.raises(InfeasibleRequest):
        pool.alloc(2, Request.of(parse_resources(parse_shape("slot=4/numa{x}"))))


def test_without_a_tree_nothing_is_a_part() -> None:
    R = low_noise(KEPT)
    del R["scheduling"]
    assert Pool(read_R(R)).alloc(1, Request.of(parse_resources(parse_shape("slot/node")))).proof.terms["partial"] == 0
