"""The pool on a Fluxion site's own R, whose `scheduling` is a graph (RFC 40); and on graphs that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool

Json = dict[str, Any]


def vertex(ident: int, kind: str, path: str, **said: Any) -> Json:
    return {"id": str(ident), "metadata": {"type": kind, "paths": {"containment": path}, **said}}


def fluxion_R(ranks: str = "0-3", *, graph: Any = None) -> Json:
    """Return the R of four nodes of two cores in two chassis with an SSD each, as Fluxion's tools write it."""
    nodes, edges = [vertex(0, "cluster", "/c")], []
    for chassis in range(2):
        at, path = len(nodes), f"/c/chassis{chassis}"
        nodes += [
            vertex(at, "chassis", path, id=chassis),
            vertex(at + 1, "ssd", f"{path}/ssd0", size=700, unit="GiB"),
        ]
        edges += [("0", str(at)), (str(at), str(at + 1))]
        for rank in (2 * chassis, 2 * chassis + 1):
            here = len(nodes)
            nodes.append(vertex(here, "node", f"{path}/n{rank}", name=f"n{rank}", rank=rank))
            nodes += [
                vertex(here + 1 + core, "core", f"{path}/n{rank}/core{core}", id=core, rank=rank) for core in (0, 1)
            ]
            edges += [(str(at), str(here)), (str(here), str(here + 1)), (str(here), str(here + 2))]
    made = {"nodes": nodes, "edges": [{"source": above, "target": below} for above, below in edges]}
    execution = {
        "R_lite": [{"rank": ranks, "children": {"core": "0-1"}}],
        "nodelist": [f"n[{ranks}]" if "-" in ranks else f"n{ranks}"],
        "starttime": 0,
        "expiration": 0,
    }
    return {"version": 1, "execution": execution, "scheduling": {"graph": made if graph is None else graph}}


def jobspec(*resources: Json) -> Json:
    return {"version": 9999, "resources": list(resources), "tasks": [], "attributes": {"system": {"duration": 60}}}


def test_jobs_are_placed_by_chassis_and_their_R_says_where() -> None:
    pool = ExactPool(json.dumps(fluxion_R()))
    inside = [{"type": "node", "count": 2, "with": [{"type": "core", "count": 2}]}, {"type": "ssd", "count": 500}]
    slot = {"type": "slot", "count": 1, "label": "task", "with": [{"type": "chassis", "count": 1, "with": inside}]}
    request = pool.parse_resource_request(jobspec(slot))
    first, second = (json.loads(pool.alloc(number, request).encode()) for number in (1, 2))
    assert [R["execution"]["R_lite"][0]["rank"] for R in (first, second)] == ["0-1", "2-3"]
    assert first["scheduling"]["groups"] == {"chassis": [{"ranks": "0-1", "ssd": 700}]}
    assert "graph" not in first["scheduling"]


def test_a_job_that_fluxion_placed_is_registered_with_its_own_graph() -> None:
    pool = ExactPool(json.dumps(fluxion_R()))
    pool.register_alloc(7, ExactPool(json.dumps(fluxion_R("2-3"))))
    slot = {"type": "slot", "count": 3, "label": "task", "with": [{"type": "node", "count": 1}]}
    with pytest.raises(OSError, match="2"):
        pool.alloc(8, pool.parse_resource_request(jobspec(slot)))
    assert set(pool.copy_allocated().ranks) == {2, 3}


@pytest.mark.parametrize("graph", [7, {"nodes": 7}, {"nodes": [{"id": "0"}], "edges": []}, {"nodes": [], "edges": []}])
def test_a_graph_that_is_none_costs_its_tree_and_not_the_scheduler(graph: Any) -> None:
    said: list[str] = []
    pool = ExactPool(json.dumps(fluxion_R(graph=graph)), log=lambda _level, text: said.append(text))
    assert pool.to_set().nnodes() == 4
    assert any("R.scheduling" in text for text in said)
