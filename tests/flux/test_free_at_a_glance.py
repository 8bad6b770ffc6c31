"""What Flux hands over when a job ends is compared as it is, without an R being written and read."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.topology.presets import preset

from flux.resource.ResourcePool import ResourcePool
from flux.resource.Rv1Set import Rv1Set


def jobspec(nodes: int, cores: int, gpus: int) -> dict[str, Any]:
    inside = [{"type": "core", "count": cores}, *([{"type": "gpu", "count": gpus}] if gpus else [])]
    slot = {"type": "slot", "count": 2, "label": "task", "with": inside}
    return {
        "version": 1,
        "resources": [{"type": "node", "count": nodes, "with": [slot]}],
        "tasks": [{"command": ["true"], "slot": "task", "count": {"per_slot": 1}}],
        "attributes": {"system": {"duration": 0}},
    }


@pytest.mark.parametrize(("nodes", "cores", "gpus"), [(1, 4, 0), (1, 20, 2), (3, 15, 1), (4, 60, 4)])
def test_a_final_free_writes_no_R(nodes: int, cores: int, gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ExactPool(preset("rfc49-a:4"))
    pool.alloc(1, pool.parse_resource_request(jobspec(1, 7, 1)))
    given = pool.alloc(2, pool.parse_resource_request(jobspec(3 if nodes == 4 else nodes, cores, gpus)))
    back = ResourcePool(given.to_dict())

    def refuse(_: object) -> None:
        raise AssertionError("no R is needed")

    before = pool.copy_allocated().count("core")
    monkeypatch.setattr(Rv1Set, "to_dict", refuse)
    pool.free(2, back, final=True)
    assert pool.copy_allocated().count("core") == before - given.count("core")


@pytest.mark.parametrize("kind", ["core", "gpu", "rank"])
def test_what_is_not_all_is_told_from_it(kind: str) -> None:
    pool = ExactPool(preset("rfc49-a:4"))
    R = pool.alloc(1, pool.parse_resource_request(jobspec(2, 15, 1))).to_dict()
    entry = R["execution"]["R_lite"][0]
    if kind == "rank":
        entry["rank"] = "2-3"
    else:
        entry["children"][kind] = {"core": "0-28,30", "gpu": "0,2"}[kind]
    R.pop("scheduling")
    with pytest.raises(ValueError, match="free: "):
        pool.free(1, ResourcePool(R), final=True)
    assert pool.copy_allocated().count("core") == 60
