"""The test vectors of RFC 49, each row placed after those above it, by `exactfit place`."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Runner

CLUSTER_A = [
    ("TVA1", "slot=1/node=1/[core=8;gpu=1]", "0", {"core": "0-7", "gpu": "0"}),
    ("TVA2", "slot=1/node=1/[core=8;gpu=1]", "0", {"core": "15-22", "gpu": "1"}),
    ("TVA3", "node/slot=8/[core=15;gpu=1]", "1", {"core": "0-119", "gpu": "0-7"}),
    ("TVA4", "slot=4/node/core=120", "2-5", {"core": "0-119"}),
    ("TVA5", "slot=1/node=1/core=4", "0", {"core": "8-11"}),
    ("TVA6", "slot=1/node=1/[core=15;gpu=1]", "0", {"core": "30-44", "gpu": "2"}),
    ("TVA7", "node/slot=6/[core=15;gpu=1]", "6", {"core": "0-89", "gpu": "0-5"}),
    ("TVA8", "slot=1/node=1/[core=60;gpu=4]", "0", {"core": "60-119", "gpu": "4-7"}),
    ("TVA9", "slot=1/numa{x}", "0", {"core": "45-59", "gpu": "3"}),
    ("TVA10", "slot=1/socket{x}", "7", {"core": "0-59", "gpu": "0-3"}),
    ("TVA11", "slot=1/node{x}", "8", {"core": "0-119", "gpu": "0-7"}),
]
CLUSTER_B = [
    ("TVB1", "slot=1/node=1/[core=24;gpu=1]", "0", {"core": "0-23", "gpu": "0"}),
    ("TVB2", "slot=1/node=1/[core=24;gpu=1]", "0", {"core": "24-47", "gpu": "1"}),
    ("TVB3", "node/slot=4/[core=24;gpu=1]", "1", {"core": "0-95", "gpu": "0-3"}),
    ("TVB4", "slot=4/node/[core=96;gpu=4]", "2-5", {"core": "0-95", "gpu": "0-3"}),
    ("TVB5", "slot=1/node=1/core=8", "0", {"core": "48-55"}),
    ("TVB6", "slot=1/node=1/[core=24;gpu=1]", "0", {"core": "72-95", "gpu": "3"}),
    ("TVB7", "node/slot=3/[core=24;gpu=1]", "6", {"core": "0-71", "gpu": "0-2"}),
    ("TVB8", "slot=1/socket{x}", "6", {"core": "72-95", "gpu": "3"}),
    ("TVB9", "slot=1/node{x}", "7", {"core": "0-95", "gpu": "0-3"}),
]


@pytest.mark.parametrize(("cluster", "rows"), [("rfc49-a", CLUSTER_A), ("rfc49-b", CLUSTER_B)])
def test_vectors(run: Runner, cluster: str, rows: list[tuple[str, str, str, dict[str, str]]]) -> None:
    done = run("place", cluster, *[shape for _, shape, _, _ in rows], "--json")
    assert done.status == 0
    found = [(row[0], line["R"]["execution"]["R_lite"]) for row, line in zip(rows, done.lines, strict=True)]
    assert found == [(name, [{"rank": rank, "children": children}]) for name, _, rank, children in rows]


@pytest.mark.parametrize(("cluster", "rows"), [("rfc49-a", CLUSTER_A), ("rfc49-b", CLUSTER_B)])
def test_vectors_are_proven(run: Runner, cluster: str, rows: list[tuple[str, str, str, dict[str, str]]]) -> None:
    done = run("place", cluster, *[shape for _, shape, _, _ in rows], "--json")
    certificates: list[dict[str, Any]] = [line["R"]["scheduling"]["certificate"] for line in done.lines]
    assert {certificate["status"] for certificate in certificates} == {"OPTIMAL"}
    assert all(certificate["terms"] == certificate["bound"] for certificate in certificates)


def test_the_scheduling_key_is_cut_to_the_ranks_of_the_job(run: Runner) -> None:
    (line,) = run("place", "rfc49-a", "slot=4/node/core=120", "--json").lines
    scheduling = line["R"]["scheduling"]
    assert [entry["ranks"] for entry in scheduling["children"]] == ["0-3"]
    assert scheduling["children"][0]["topo"]["socket"][1]["numa"][3] == {"cores": "105-119", "exactfit.partial": 1}
    assert scheduling["writer"] == "exactfit.adapters.flux"
