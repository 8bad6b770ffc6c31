"""How GPUs are joined: slots get those that the best links join, proven against all sets of GPUs there are."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from exactfit.adapters.audit.brute import find
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker.judge import check
from exactfit.solver.demand.request import Request
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.links import lack_of
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

Json = dict[str, Any]


def joined(size: int, pairs: dict[tuple[int, int], int]) -> list[list[int]]:
    """Return the matrix of a node in which these pairs are joined, and others by 0."""
    made = [[0] * size for _ in range(size)]
    for (one, other), bandwidth in pairs.items():
        made[one][other] = made[other][one] = bandwidth
    return made


# A DGX-1 with V100: a hybrid cube mesh of six NVLinks for each GPU, one or two of them to a neighbour (NVIDIA, "DGX-1
# with Tesla V100 System Architecture", 2017).
_TWICE = ((0, 3), (0, 4), (1, 2), (1, 5), (2, 3), (4, 7), (5, 6), (6, 7))
_ONCE = ((0, 1), (0, 2), (1, 3), (4, 5), (4, 6), (5, 7), (2, 6), (3, 7))
CUBE = joined(8, dict.fromkeys(_TWICE, 50) | dict.fromkeys(_ONCE, 25))
# Eight dies of four MI250X: four links within a card, two or one between cards (Frontier's node).
_CARDS = ((0, 1), (2, 3), (4, 5), (6, 7))
_TWO = ((0, 6), (1, 7), (2, 4), (3, 5))
_ONE = ((0, 2), (1, 3), (1, 5), (3, 7), (4, 6), (5, 7))
DIES = joined(8, dict.fromkeys(_CARDS, 200) | dict.fromkeys(_TWO, 100) | dict.fromkeys(_ONE, 50))
# Four GPUs behind each of two PCI switches.
SWITCHES = joined(8, {(i, j): 255 if i // 4 == j // 4 else 223 for i in range(8) for j in range(i)})
ALIKE = joined(8, {(i, j): 600 for i in range(8) for j in range(i)})

TWO_SOCKETS: Json = {"socket": [{"cores": "0-7", "gpus": "0-3"}, {"cores": "8-15", "gpus": "4-7"}]}
NO_LEVELS: Json = {"cores": "0-15", "gpus": "0-7"}


def machine(matrix: list[list[int]] | None, topo: Json, ranks: str = "0") -> Machine:
    scheduling: Json = {"children": [{"ranks": ranks, "topo": topo}]}
    if matrix is not None:
        scheduling["exactfit"] = {"links": [{"ranks": ranks, "gpus": f"0-{len(matrix) - 1}", "bandwidth": matrix}]}
    lite = [{"rank": ranks, "children": {"core": "0-15", "gpu": "0-7"}}]
    return read_R({"version": 1, "execution": {"R_lite": lite}, "scheduling": scheduling})


def gpus_of(R: Json) -> list[int]:
    return [
        IdSet.parse(slot.get("gpus", "")).mask()
        for entry in R["scheduling"]["placement"]
        for slot in entry["slots"]
        for _ in IdSet.parse(entry["ranks"])
    ]


LINKS = parse_policy("links,affinity,share,spread,intact,fit")


def place(there: Machine, shape: str, busy: tuple[int, ...] = ()) -> Json:
    pool = Pool(there, Options(LINKS))
    for number, gpu in enumerate(busy):
        lite = [{"rank": "0", "children": {"core": "", "gpu": str(gpu)}}]
        pool.register_alloc(
            100 + number, {"version": 1, "execution": {"R_lite": lite, "starttime": 0, "expiration": 0}}
        )
    allocation = pool.alloc(1, Request.of(parse_resources(parse_shape(shape))))
    return allocation.to_dict()


@pytest.mark.parametrize("topo", [TWO_SOCKETS, NO_LEVELS], ids=["sockets", "no levels"])
@pytest.mark.parametrize("matrix", [CUBE, DIES, SWITCHES], ids=["cube mesh", "MI250X", "two switches"])
@pytest.mark.parametrize("count", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("busy", [(), (0,), (1, 6)], ids=str)
def test_a_slot_has_the_gpus_that_are_joined_best_of_all_sets(
    matrix: list[list[int]], topo: Json, count: int, busy: tuple[int, ...]
) -> None:
    free = [gpu for gpu in range(8) if gpu not in busy]
    if count > len(free):
        return
    there = machine(matrix, topo)
    best = max(value for row in matrix for value in row)
    links = there.types[0].links
    step = {(i, j): less for i, j, less in links}
    assert all(
        (best - matrix[i][j]) * less == (best - matrix[a][b]) * step[i, j]
        for i, j, less in links
        for a, b in [links[0][:2]]
        for less in [links[0][2]]
    )
    least = min(sum(step.get(pair, 0) for pair in combinations(some, 2)) for some in combinations(free, count))
    R = place(there, f"slot=1/[core;gpu={count}]", busy)
    certificate = R["scheduling"]["certificate"]
    assert certificate["status"] == "OPTIMAL"
    assert certificate["terms"]["links"] == certificate["bound"]["links"] == least
    assert sum(lack_of(links, gpus) for gpus in gpus_of(R)) == least


@pytest.mark.parametrize(
    ("matrix", "shape", "links"),
    [
        # Four pairs that are joined by two links; in two quads one pair lacks two links and some lack one.
        (CUBE, "slot=4/[core;gpu=2]", 0),
        (CUBE, "slot=2/[core;gpu=4]", None),
        (CUBE, "[slot{a}/gpu=3;slot{b}/gpu=2;slot{c}/[core;gpu=3]]", None),
        (DIES, "slot=4/[core;gpu=2]", 0),
        (DIES, "slot=2/[core;gpu=4]", None),
        (SWITCHES, "slot=2/[core=8;gpu=4]", 0),
        (SWITCHES, "slot=2/[core;gpu=3]", 0),
        (SWITCHES, "[slot{a}/gpu=5;slot{b}/gpu=3]", 4),
        (CUBE, "slot=1/node", None),
        (CUBE, "slot=1/socket{x}", None),
        (CUBE, "slot=2/socket/[core;gpu=2]", None),
        (CUBE, "slot=1/[socket{x};gpu=1]", None),
        (CUBE, "slot=8/[core;gpu=1]", 0),
        (CUBE, "slot=3/core=4", 0),
    ],
)
def test_slots_beside_one_another_are_as_trying_all_placements_has_them(
    matrix: list[list[int]], shape: str, links: int | None
) -> None:
    there = machine(matrix, TWO_SOCKETS)
    R = place(there, shape)
    terms = R["scheduling"]["certificate"]["terms"]
    vertices = parse_resources(parse_shape(shape))
    assert R["scheduling"]["certificate"]["bound"] == terms
    found = find(there, vertices, policy=("size", "links"), patience=200_000)
    assert found is not None
    assert terms["links"] == found.terms["links"] == (terms["links"] if links is None else links)
    verdict = check(there, vertices, R)
    assert verdict.legal, verdict.violations
    assert verdict.terms["links"] == terms["links"]


@pytest.mark.parametrize("shape", ["slot=2/[core=2;gpu=2]", "node=2/slot=2/[core=3;gpu=3]", "slot=3/core=5"])
@pytest.mark.parametrize("policy", ["pack", "links,affinity,share,spread,intact,fit"])
def test_where_all_are_joined_alike_or_nobody_asks_nothing_changes(shape: str, policy: str) -> None:
    answers = []
    for matrix in (None, ALIKE, *([CUBE] if policy == "pack" else [])):
        pool = Pool(machine(matrix, TWO_SOCKETS, "0-3"), Options(parse_policy(policy)))
        R = pool.alloc(1, Request.of(parse_resources(parse_shape(shape)))).to_dict()
        answers.append((R["execution"], R["scheduling"]["placement"], R["scheduling"]["certificate"]))
        assert pool.present[0].node_solver.solves == 0
    assert all(answer == answers[0] for answer in answers)


def test_links_of_ranks_that_a_sub_instance_renumbers_are_those_of_its_nodes() -> None:
    cut = {**machine(CUBE, NO_LEVELS, "4-7").scheduling}  # type: ignore[dict-item]  # it has one
    R: Json = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-3", "children": {"core": "0-15", "gpu": "0-7"}}]},
        "scheduling": cut,
    }
    assert read_R(R).types[0].links == machine(CUBE, NO_LEVELS).types[0].links
    R["execution"]["R_lite"][0]["children"]["gpu"] = "0-1,3"
    assert read_R(R).types[0].links == tuple(
        link for link in machine(CUBE, NO_LEVELS).types[0].links if {*link[:2]} <= {0, 1, 3}
    )


@pytest.mark.parametrize(
    ("links", "error"),
    [
        ({}, "links"),
        ([{"ranks": "0"}], r"links\[0\]"),
        ([{"ranks": "0", "gpus": "0-1", "bandwidth": [[0, 1]]}], r"links\[0\].bandwidth: expected 2 rows"),
        ([{"ranks": "0", "gpus": "0-1", "bandwidth": [[0, 1], [1]]}], "2 numbers in each row"),
        ([{"ranks": "0", "gpus": "0-1", "bandwidth": [[0, -1], [1, 0]]}], "whole numbers"),
        ([{"ranks": "0", "gpus": "0-1", "bandwidth": [[0, 0.5], [1, 0]]}], "whole numbers"),
        ([{"ranks": "0", "gpus": "0-99", "bandwidth": []}], "more than 64"),
        ([{"ranks": "x", "gpus": "0", "bandwidth": [[0]]}], r"links\[0\]"),
        ([{"ranks": "0", "gpus": "0", "bandwidth": [[0]]}] * 2, "twice"),
    ],
)
def test_links_that_are_none_are_refused_by_name(links: object, error: str) -> None:
    lite = [{"rank": "0", "children": {"core": "0-15", "gpu": "0-7"}}]
    R = {"version": 1, "execution": {"R_lite": lite}, "scheduling": {"exactfit": {"links": links}}}
    with pytest.raises(ValueError, match=error):
        read_R(R)
