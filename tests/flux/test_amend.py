"""The amender for Flux's fake resources, and the ways in which Flux finds the package."""

from __future__ import annotations

import copy
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

import exactfit.adapters.flux as package
from exactfit.adapters.flux import ExactPool, amend, amend_with_nics

from flux.resource.ResourcePool import ResourcePool, _pool_class_from_uri

Json = dict[str, Any]

TIOGA = Path(__file__).parents[1] / "topology" / "data" / "mpibind" / "eas-tioga.xml"
"""Two GPUs and a network card in each of four numa."""

XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
  <object type="Machine" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000000f" nodeset="0x00000003">
    <object type="Package" os_index="0" cpuset="0x00000003" complete_cpuset="0x00000003" nodeset="0x00000001">
      <object type="NUMANode" os_index="0" cpuset="0x00000003" nodeset="0x00000001" local_memory="17179869184"/>
      <object type="Core" os_index="0" cpuset="0x00000001"><object type="PU" os_index="0" cpuset="0x00000001"/></object>
      <object type="Core" os_index="1" cpuset="0x00000002"><object type="PU" os_index="1" cpuset="0x00000002"/></object>
    </object>
    <object type="Package" os_index="1" cpuset="0x0000000c" complete_cpuset="0x0000000c" nodeset="0x00000002">
      <object type="NUMANode" os_index="1" cpuset="0x0000000c" nodeset="0x00000002" local_memory="17179869184"/>
      <object type="Core" os_index="2" cpuset="0x00000004"><object type="PU" os_index="2" cpuset="0x00000004"/></object>
      <object type="Core" os_index="3" cpuset="0x00000008"><object type="PU" os_index="3" cpuset="0x00000008"/></object>
    </object>
  </object>
</topology>
"""


def fake() -> Json:
    """What ``flux R encode`` makes of such nodes."""
    execution = {"R_lite": [{"rank": "0-3", "children": {"core": "0-3"}}], "starttime": 0, "expiration": 0}
    return {"version": 1, "execution": {**execution, "nodelist": ["fake[0-3]"]}}


class TestAmend:
    def test_without_XML_R_is_unchanged(self) -> None:
        R = fake()
        assert amend(R) is R
        assert fake() == R

    def test_with_XML_R_gets_its_tree_and_our_writer(self, alloc: Any) -> None:
        R = amend(fake(), hwloc_xml=XML)
        assert R["scheduling"]["writer"] == "exactfit.adapters.flux"
        (entry,) = R["scheduling"]["children"]
        assert entry["ranks"] == "0-3"
        assert len(entry["topo"]["socket"]) == 2
        assert alloc(ExactPool(R), 1, "slot=1/socket{x}").dumps() == "rank0/core[0-1]"

    def test_with_network_cards_where_they_are_asked_for(self, alloc: Any) -> None:
        lite = [{"rank": "0-1", "children": {"core": "0-63", "gpu": "0-7"}}]
        execution = {"R_lite": lite, "nodelist": ["tioga[0-1]"], "starttime": 0, "expiration": 0}
        R: Json = {"version": 1, "execution": execution}
        assert "nic" not in json.dumps(amend(copy.deepcopy(R), TIOGA.read_text(encoding="utf-8")))
        pool = ExactPool(amend_with_nics(R, TIOGA.read_text(encoding="utf-8")))
        for jobid in (1, 2):
            alloc(pool, jobid, "slot=4/[core=8;gpu;nic]")
        with pytest.raises(pool.InsufficientResources):
            alloc(pool, 3, "slot=1/[core=8;gpu;nic]")

    def test_an_R_of_no_ranks_is_unchanged(self) -> None:
        R = {"version": 1, "execution": {"R_lite": []}}
        assert amend(dict(R), hwloc_xml=XML) == R

    @pytest.mark.parametrize(
        "text", ["", "no XML", "<topology/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><topology>&b;</topology>"]
    )
    def test_what_is_no_hwloc_XML_is_a_ValueError(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"\S"):
            amend(fake(), hwloc_xml=text)

    def test_what_else_stands_in_scheduling_is_kept(self) -> None:
        R = fake()
        R["scheduling"] = {"exactfit": {"policy": "spread"}, "writer": "else"}
        assert amend(R, hwloc_xml=XML)["scheduling"]["exactfit"] == {"policy": "spread"}


class TestLoading:
    def test_Flux_finds_the_class_by_the_modules_name(self) -> None:
        assert _pool_class_from_uri("exactfit.adapters.flux") is ExactPool
        assert _pool_class_from_uri("exactfit.adapters.flux:pool_class") is ExactPool
        assert issubclass(ExactPool, ResourcePool)

    def test_fake_resources_find_the_amender(self) -> None:
        module = importlib.import_module("exactfit.adapters.flux")
        assert module.amend is amend
        assert module.amend_with_nics is amend_with_nics

    def test_the_package_offers_what_it_names(self) -> None:
        assert all(hasattr(package, name) for name in package.__all__)

    def test_R_without_a_tree_will_do(self, alloc: Any) -> None:
        assert alloc(ExactPool(fake()), 1, "node=2/slot=1/core=2").dumps() == "rank[0-1]/core[0-1]"

    def test_a_pool_of_nothing_will_do(self, jobspec: Any) -> None:
        pool = ExactPool(None)
        assert (pool.dumps(), pool.nnodes(), pool.to_dict()["execution"]["R_lite"]) == ("", 0, [])
        with pytest.raises(pool.InfeasibleRequest):
            pool.alloc(1, pool.parse_resource_request(jobspec("slot=1/core=1")))

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            ({"execution": {}}, "execution.R_lite"),
            ({"execution": {"R_lite": [{"rank": "x", "children": {}}]}}, "execution.R_lite"),
            ({"scheduling": {"writer": "TreePool", "children": 7}}, "scheduling.children"),
            ({"scheduling": {"children": [{"ranks": "0-3"}]}}, "scheduling.children"),
        ],
    )
    def test_a_malformed_R_is_a_ValueError_that_names_the_place(self, change: Any, place: Any) -> None:
        with pytest.raises(ValueError, match=place):
            ExactPool({**fake(), **change})

    def test_what_another_scheduler_wrote_is_left_out_with_a_warning(self, log: Any, alloc: Any) -> None:
        pool = ExactPool({**fake(), "scheduling": {"writer": "other", "children": 7}}, log=log)
        assert "no locality" in log
        assert pool.to_dict()["scheduling"] == {"writer": "other", "children": 7}
        assert alloc(pool, 1, "slot=1/core=1").dumps() == "rank0/core0"
