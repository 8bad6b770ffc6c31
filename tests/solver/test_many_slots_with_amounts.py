"""Many slots that take memory beside their cores, on nodes as large as RFC 49's clusters: proven all the same."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker.judge import check
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

Json = dict[str, Any]

# A node of cluster B: four sockets of 24 cores, with 125 GiB in the first and 126 in each other. One of cluster A: two
# sockets of four numa domains of 15 cores and a gpu each, and 2 TiB of storage at the node.
FITS = [
    # All slots can be whole, on two nodes as one has too few cores.
    ("rfc49-b:16", "slot=100/[core;memory=4]", [], {"affinity.socket": 0, "spread.node": 2, "intact.socket": 5}),
    # 7 of 16 GiB a socket are 28; two more take what is left of two sockets, with a core in both.
    ("rfc49-b:1", "slot=30/[core=3;memory=16]", [], {"affinity.socket": 2, "spread.node": 1}),
    # Four are whole, and 24 + 25 + 25 + 25 GiB are left for another of 90, or for none of 100.
    ("rfc49-b:1", "slot=5/[core=4;memory=95]", [], {"affinity.socket": 3}),
    ("rfc49-b:1", "slot=5/[core=4;memory=100]", [], {"affinity.socket": 3}),
    ("rfc49-b:1", "slot=3/[core=4;gpu;memory=150]", [], {"affinity.socket": 3}),
    # Three have it of two sockets, in which 13 + 14 + 14 + 14 GiB are left; one has all that is there.
    ("rfc49-b:1", "slot=31/[core;memory=16]", [], {"affinity.socket": 3, "spread.node": 1}),
    ("rfc49-b:1", "slot=29/[core;memory=16]", [], {"affinity.socket": 1}),
    ("rfc49-b:1", "slot/[core;memory=503]", [], {"affinity.socket": 3, "shield": 1}),
    ("rfc49-b:1", "[slot{a}/[core;memory=200];slot=6{b}/[core=15;memory=50]]", [], {"affinity.socket": 5}),
    # As many slots as there are cores; then as much memory as the slots of the first socket can all have.
    ("rfc49-b:16", "slot=1+/[core;memory=4]", [1536], {"affinity.socket": 0}),
    ("rfc49-b:16", "slot=1+/[core=1+;memory=1+]", [1536, 1, 5], {"affinity.socket": 0}),
    ("rfc49-b:16", "[slot=2+{r}/[core;memory=2+];slot{w}/[core=2+;memory=2]]", [1534, 5, 2], {"affinity.socket": 0}),
    # 2048 GiB of a node are shared by 120 slots at most: 17 each.
    ("rfc49-a:16", "[slot=2+{r}/[core;storage=2+];slot{w}/[core;gpu;storage=2]]", [1919, 17], {"affinity.numa": 0}),
    ("rfc49-a:16", "[slot=1+{a}/core=1+;slot=1+{b}/gpu=1+]", [1920, 1, 128, 1], {"affinity.numa": 0}),
]


# What it takes to prove the best is no matter here.
PATIENT = Options(time_limit=10)


@pytest.mark.parametrize(("name", "shape", "size", "terms"), FITS, ids=[f"{row[0]} {row[1]}" for row in FITS])
def test_they_are_placed_and_proven(name: str, shape: str, size: list[int], terms: Json) -> None:
    machine = read_R(preset(name))
    request = Request.of(parse_resources(parse_shape(shape)))
    R = Pool(machine, PATIENT).alloc(1, request).to_dict()
    certificate = R["scheduling"]["certificate"]
    assert certificate["status"] == "OPTIMAL"
    assert certificate["terms"] == certificate["bound"]
    assert certificate["terms"]["size"] == size
    assert {term: certificate["terms"][term] for term in terms} == terms
    verdict = check(machine, request.shape.vertices, R)
    if not any(violation.startswith("not judged") for violation in verdict.violations):
        assert verdict.legal, verdict.violations
        assert all(verdict.terms[term] == value for term, value in terms.items())


@pytest.mark.parametrize(
    "shape",
    [
        "slot=32/[core;memory=16]",
        "slot/[core;memory=504]",
        "slot=6/[core=2;memory=90]",
        "slot=5/[core=2;memory=101]",
        "slot=5/[core=3;gpu;memory=100]",
        "slot=96/[core;memory=6]",
    ],
)
def test_what_a_node_lacks_by_a_little_is_refused_for_ever(shape: str) -> None:
    with pytest.raises(InfeasibleRequest):
        Pool(read_R(preset("rfc49-b:1"))).alloc(1, Request.of(parse_resources(parse_shape(shape))))
