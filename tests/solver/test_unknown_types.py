"""Types that the machine does not know: refused by name, or passed over with their counts multiplied down."""

from __future__ import annotations

import pytest

from certified import assert_as_certified
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker.judge import check
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

FOUR_APUS = read_R(preset("rfc49-b:4"))
HAS = ": it has node, socket, core, gpu, memory, storage"

# Shape, counts chosen, nodes, slots, and one slot's cores, gpus and GiB of memory. A node has four sockets of 24 cores
# and a gpu, with 125 GiB in the first and 126 in each other.
PASSED_OVER = [
    ("blade/slot/core=2", [], 1, 1, (2, 0, 0)),
    ("blade=3/slot/core=90", [], 3, 3, (90, 0, 0)),
    ("blade=2-9/slot/core=90", [4], 4, 4, (90, 0, 0)),
    ("blade=1+/slot/core=90", [4], 4, 4, (90, 0, 0)),
    ("blade=2/tray=2/node/slot/core=2", [], 4, 4, (2, 0, 0)),
    ("blade=2/tray=2-3/slot=2/core=20", [3], 3, 12, (20, 0, 0)),
    ("node=2/blade=3/slot=2/core=8", [], 2, 12, (8, 0, 0)),
    ("slot/blade=2/core=3", [], 1, 1, (6, 0, 0)),
    ("slot/[core=2;blade=1-4/memory=20]", [4], 1, 1, (2, 0, 80)),
    ("slot/[core=2;blade=2-5/[memory=20;core]]", [5], 1, 1, (7, 0, 100)),
    ("slot/[core;blade=2-3/socket/gpu]", [3], 1, 1, (1, 3, 0)),
    ("slot=4/blade/socket{x}", [], 1, 4, None),
    ("slot/[core=5;blade=7]", [], 1, 1, (5, 0, 0)),
]


def ids(text: str) -> int:
    parts = [part.split("-") for part in text.split(",") if part]
    return sum(int(part[-1]) - int(part[0]) + 1 for part in parts)


@pytest.mark.parametrize(("shape", "size", "nodes", "slots", "one"), PASSED_OVER, ids=[row[0] for row in PASSED_OVER])
def test_what_is_passed_over_multiplies_what_stands_below(
    shape: str, size: list[int], nodes: int, slots: int, one: tuple[int, int, int] | None
) -> None:
    warnings: list[str] = []
    pool = Pool(FOUR_APUS, Options(unknown_types="ignore"), log=lambda _, text: warnings.append(text))
    request = Request.of(parse_resources(parse_shape(shape)))
    R = pool.alloc(1, request).to_dict()
    certificate = R["scheduling"]["certificate"]
    assert (certificate["status"], certificate["terms"]["size"]) == ("OPTIMAL", size)
    assert sum(ids(entry["rank"]) for entry in R["execution"]["R_lite"]) == nodes
    assert R["execution"]["nslots"] == slots
    if one is not None:
        first = R["scheduling"]["placement"][0]["slots"][0]
        assert (ids(first["cores"]), ids(first.get("gpus", "")), first.get("memory", 0)) == one
    assert any("this machine has no blade; passed over" in text for text in warnings)
    verdict = check(FOUR_APUS, request.shape.vertices, R, unknown_types="ignore")
    assert_as_certified(certificate, verdict)


@pytest.mark.parametrize("shape", ["blade=5/slot/node", "blade=5/node/slot/core", "slot/blade=97/core"])
def test_more_than_there_is_of_what_stands_below_is_refused(shape: str) -> None:
    pool = Pool(FOUR_APUS, Options(unknown_types="ignore"), log=lambda *_: None)
    with pytest.raises(InfeasibleRequest, match=r"^(blade/(slot/)?node|slot)"):
        pool.alloc(1, Request.of(parse_resources(parse_shape(shape))))


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ("blade=3/slot/core", "blade: this machine has no blade" + HAS),
        ("slot/[core;ib10g]", "slot/ib10g[1]: this machine has no ib10g" + HAS),
        ("slot/cluster", "slot/cluster: this machine has no cluster" + HAS),
        ("cluster=2/slot/core", "cluster: asks for 2 clusters, this is one"),
        ('cluster{id:"5"}/slot/core', "cluster: this machine lists no clusters, so they have no ids"),
        ("cluster{x}/slot/core", "cluster: this machine lists no clusters, so none can be taken whole"),
    ],
)
def test_refused_by_name(shape: str, reason: str) -> None:
    request = Request.of(parse_resources(parse_shape(shape)))
    with pytest.raises(InfeasibleRequest) as refused:
        Pool(FOUR_APUS).alloc(1, request)
    assert str(refused.value) == reason
    R = Pool(FOUR_APUS).alloc(1, Request.of(parse_resources(parse_shape("slot/core")))).to_dict()
    assert not check(FOUR_APUS, request.shape.vertices, R).legal


def test_a_machine_without_clusters_is_one() -> None:
    request = Request.of(parse_resources(parse_shape("cluster/node=2/slot/core=3")))
    R = Pool(FOUR_APUS).alloc(1, request).to_dict()
    assert [entry["rank"] for entry in R["execution"]["R_lite"]] == ["0-1"]
    assert check(FOUR_APUS, request.shape.vertices, R).legal
