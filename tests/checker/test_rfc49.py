"""The test vectors of RFC 49 as its tables have them: without a placement, each after those above it."""

from __future__ import annotations

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

from .conftest import Json

Terms = dict[str, object]

# The values that are given are worked out by hand.
CLUSTER_A: list[tuple[str, str, str, str, Terms]] = [
    ("slot=1/node=1/[core=8;gpu=1]", "0", "0-7", "0", {"intact.node": 1, "fit.node": 120, "shield": 0}),
    ("slot=1/node=1/[core=8;gpu=1]", "0", "15-22", "1", {"intact.node": 0, "fit.node": 112, "fit.socket": 52}),
    ("node/slot=8/[core=15;gpu=1]", "1", "0-119", "0-7", {"affinity.socket": 0, "affinity.numa": 0}),
    # Each of the four slots crosses two sockets and eight numa, and takes the GPUs' places on four idle nodes.
    (
        "slot=4/node/core=120",
        "2-5",
        "0-119",
        "",
        {"affinity.socket": 4, "affinity.numa": 28, "spread.node": 4, "intact.numa": 32, "shield": 32},
    ),
    # Numa 0 has 7 free cores and no free GPU.
    ("slot=1/node=1/core=4", "0", "8-11", "", {"shield": 0, "fit.node": 104, "fit.socket": 44, "fit.numa": 7}),
    ("slot=1/node=1/[core=15;gpu=1]", "0", "30-44", "2", {"intact.numa": 1, "fit.node": 100}),
    ("node/slot=6/[core=15;gpu=1]", "6", "0-89", "0-5", {"intact.numa": 6, "intact.socket": 2}),
    # 85 of 120 cores were free on rank 0: 8 + 8 + 4 + 15 were taken.
    ("slot=1/node=1/[core=60;gpu=4]", "0", "60-119", "4-7", {"fit.node": 85, "affinity.numa": 3, "intact.socket": 1}),
    ("slot=1/numa{x}", "0", "45-59", "3", {"fit.node": 25, "fit.socket": 25, "fit.numa": 15}),
    ("slot=1/socket{x}", "7", "0-59", "0-3", {"intact.node": 1, "affinity.numa": 3}),
    ("slot=1/node{x}", "8", "0-119", "0-7", {"intact.socket": 2, "affinity.socket": 1, "affinity.numa": 7}),
]
CLUSTER_B: list[tuple[str, str, str, str, Terms]] = [
    ("slot=1/node=1/[core=24;gpu=1]", "0", "0-23", "0", {"intact.node": 1, "intact.socket": 1}),
    ("slot=1/node=1/[core=24;gpu=1]", "0", "24-47", "1", {"intact.node": 0, "intact.socket": 1, "fit.node": 72}),
    ("node/slot=4/[core=24;gpu=1]", "1", "0-95", "0-3", {"affinity.socket": 0, "intact.socket": 4}),
    ("slot=4/node/[core=96;gpu=4]", "2-5", "0-95", "0-3", {"affinity.socket": 12, "shield": 0}),
    ("slot=1/node=1/core=8", "0", "48-55", "", {"shield": 1, "fit.node": 48}),
    ("slot=1/node=1/[core=24;gpu=1]", "0", "72-95", "3", {"fit.node": 40, "fit.socket": 24}),
    ("node/slot=3/[core=24;gpu=1]", "6", "0-71", "0-2", {"spread.node": 1, "fit.socket": 72}),
    ("slot=1/socket{x}", "6", "72-95", "3", {"fit.node": 24}),
    ("slot=1/node{x}", "7", "0-95", "0-3", {"affinity.socket": 3}),
]


def allocated(rank: str, cores: str, gpus: str) -> Json:
    children = {"core": cores, "gpu": gpus} if gpus else {"core": cores}
    return {"version": 1, "execution": {"R_lite": [{"rank": rank, "children": children}]}}


@pytest.mark.parametrize(("cluster", "rows"), [("rfc49-a", CLUSTER_A), ("rfc49-b", CLUSTER_B)])
def test_vectors_are_legal(cluster: str, rows: list[tuple[str, str, str, str, Terms]]) -> None:
    checker = Checker(read_R(preset(cluster)))
    for shape, rank, cores, gpus, expected in rows:
        R = allocated(rank, cores, gpus)
        verdict = checker.judge(parse_resources(parse_shape(shape)), R)
        assert verdict.legal, (shape, verdict.violations)
        assert {name: verdict.terms[name] for name in expected} == expected, shape
        checker.allocate(R)


def test_a_vector_is_not_legal_twice() -> None:
    checker = Checker(read_R(preset("rfc49-a")))
    R = allocated("0", "0-7", "0")
    request = parse_resources(parse_shape("slot/[core=8;gpu=1]"))
    checker.allocate(R)
    assert checker.judge(request, R).violations == ("rank 0: cores or gpus are taken by another job",)
    checker.release(R)
    assert checker.judge(request, R).legal
