"""Requests both ways: what a parsed jobspec offers, and what requests of Flux's classes mean here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.flux.requests import ParsedRequest
from exactfit.topology.presets import preset

from flux.idset import IDset
from flux.resource import InfeasibleRequest
from flux.resource.ResourceCount import ResourceCount
from flux.resource.Rv1Pool import ResourceRequest
from flux.resource.TreePool import TreeResourceRequest

Json = dict[str, Any]

ATTRIBUTES = (
    "slot_size",
    "gpu_per_slot",
    "duration",
    "constraint",
    "exclusive",
    "nnodes",
    "nnodes_max",
    "nslots",
    "nslots_max",
    "ncores",
    "ngpus",
    "container_level",
)


def counts(count: ResourceCount | None) -> object:
    """What a count says, as it does not compare."""
    if count is None:
        return None
    return count.min, count.max, None if count._values is None else str(count._values)


class TestParsed:
    # Shapes that Flux's class reads right: one kind of node and slot, whatever the order of the two.
    @pytest.mark.parametrize(
        "shape",
        [
            "slot=4/core=2",
            "slot=4/[core=2;gpu=1]",
            "slot=2-4/core=2",
            "slot=2+/core=1",
            "slot=2,4,8/core=1",
            "slot=2-16:2:*/core=1",
            "node=2/slot=4/core=2",
            "node=2-4/slot=4/[core=2;gpu=1]",
            "node=1+/slot=1/core=1",
            "node=2{x}/slot=4/core=2",
            "slot=4/node/core=4",
            "slot=1/node=1/[core=8;gpu=1]",
            "slot=3/node{x}",
            "slot=4/numa{x}",
            "node=2/slot=2/socket{x}",
        ],
    )
    def test_it_has_what_Fluxs_request_has(self, jobspec: Any, shape: str) -> None:
        spec = jobspec(shape, 60.0, {"ranks": ["0-3"]})
        ours, theirs = ParsedRequest(spec), TreeResourceRequest.from_jobspec(spec)
        assert {name: getattr(ours, name) for name in ATTRIBUTES} == {
            name: getattr(theirs, name) for name in ATTRIBUTES
        }
        assert counts(ours.node_count) == counts(theirs.node_count)
        assert counts(ours.slot_count) == counts(theirs.slot_count)
        assert ours.jobspec is spec

    # What Flux's class gets wrong, or cannot say, and what is right.
    @pytest.mark.parametrize(
        ("shape", "nnodes", "nslots", "ncores", "ngpus"),
        [
            ("rack=2/node=3/slot=1/core=4", 6, 6, 24, 0),
            ("slot=1/numa=2/core=4", 0, 1, 8, 0),
            ("slot=2/gpu=1", 0, 2, 0, 2),
            ("node=2/[slot=1{a}/core=4;slot=2{b}/[core=1;gpu=1]]", 2, 6, 12, 4),
            ("slot=1/rack=2/node=3/core=2", 6, 1, 12, 0),
            ("socket=2/slot=3/core=2", 0, 6, 12, 0),
        ],
    )
    def test_totals_are_totals_of_all(
        self, jobspec: Any, shape: str, nnodes: Any, nslots: Any, ncores: Any, ngpus: Any
    ) -> None:
        request = ParsedRequest(jobspec(shape))
        assert (request.nnodes, request.nslots, request.ncores, request.ngpus) == (nnodes, nslots, ncores, ngpus)

    def test_it_is_immutable(self, jobspec: Any) -> None:
        request = ParsedRequest(jobspec("slot=1/core=1"))
        for name in ("duration", "request", "jobspec", "nnodes", "anything"):
            with pytest.raises(AttributeError):
                setattr(request, name, 1)
            with pytest.raises(AttributeError):
                delattr(request, name)

    def test_a_stepped_count_of_many_values_keeps_its_bounds(self, jobspec: Any) -> None:
        count = ParsedRequest(jobspec("slot=1-1000001:2/core=1")).slot_count
        assert counts(count) == (1, 1000001, None)

    @pytest.mark.parametrize("empty", [None, {}])
    def test_null_attributes_are_as_good_as_none(self, jobspec: Any, empty: Any) -> None:
        spec = {**jobspec("slot=1/core=1"), "version": 9999, "attributes": empty}
        assert ParsedRequest(spec).duration == 0.0
        spec["attributes"] = {"system": {"constraints": None, "duration": None}}
        assert (ParsedRequest(spec).constraint, ParsedRequest(spec).duration) == (None, 0.0)


def rv1(
    nodes: ResourceCount | None,
    slots: ResourceCount,
    cores: int,
    gpus: int = 0,
    *,
    exclusive: bool = False,
    constraint: Any = None,
) -> ResourceRequest:
    """A request of Rv1Pool's class, made by hand."""
    return ResourceRequest(nodes, slots, cores, gpus, 0.0, constraint, exclusive)


def tree(nodes: ResourceCount | None, slots: ResourceCount, *, level: str | None, exclusive: bool = False) -> Any:
    """A request of TreePool's class, made by hand."""
    return TreeResourceRequest(nodes, slots, 0, 0, 0.0, None, exclusive, None, container_level=level)


ONE, TWO = ResourceCount(1, 1), ResourceCount(2, 2)


class TestMadeByHand:
    @pytest.mark.parametrize(
        ("request_", "dumps"),
        [
            (rv1(None, TWO, 3), "rank0/core[0-2,4-6]"),
            (rv1(TWO, ONE, 3), "rank[0-1]/core[0-2]"),
            (rv1(TWO, TWO, 1, 1), "rank[0-1]/core[0,4],gpu[0-1]"),
            (rv1(ONE, ONE, 1, exclusive=True), "rank0/core[0-15],gpu[0-3]"),
            # Exclusive without nodes: a node a slot.
            (rv1(None, TWO, 1, exclusive=True), "rank[0-1]/core[0-15],gpu[0-3]"),
            (rv1(None, ResourceCount(1, None), 16), "rank[0-3]/core[0-15]"),
            (rv1(None, ResourceCount(1, 3), 16), "rank[0-2]/core[0-15]"),
            (rv1(None, ResourceCount(1, 9, IDset("1,2,9")), 16), "rank[0-1]/core[0-15]"),
            (rv1(ONE, ONE, 1, constraint={"ranks": ["3"]}), "rank3/core0"),
            (rv1(ONE, ONE, 1, constraint='{"ranks": ["3"]}'), "rank3/core0"),
            (tree(None, TWO, level="numa"), "rank0/core[0-7],gpu[0-1]"),
            (tree(TWO, ONE, level="socket"), "rank[0-1]/core[0-7],gpu[0-1]"),
            # As slot=2/node{x} is parsed: no cores named, the nodes whole.
            (tree(TWO, ONE, level=None, exclusive=True), "rank[0-1]/core[0-15],gpu[0-3]"),
        ],
    )
    def test_it_means_what_its_class_documents(self, pool: ExactPool, request_: Any, dumps: Any) -> None:
        assert pool.alloc(1, request_).dumps() == dumps
        pool.check_feasibility(request_)

    @pytest.mark.parametrize("shape", ["slot=4/core=2", "node=2/slot=4/[core=2;gpu=1]", "node=1{x}/slot=1/core=1"])
    @pytest.mark.parametrize("parse", [ResourceRequest.from_jobspec, TreeResourceRequest.from_jobspec])
    def test_a_request_that_another_pool_parsed_serves(self, R: Json, jobspec: Any, shape: str, parse: Any) -> None:
        spec = jobspec(shape, 60.0)
        ours, theirs = ExactPool(R), ExactPool(R)
        assert theirs.alloc(1, parse(spec)).dumps() == ours.alloc(1, ours.parse_resource_request(spec)).dumps()

    def test_any_object_with_the_attributes_will_do(self, pool: ExactPool) -> None:
        @dataclass
        class Wish:
            slot_count: int = 2
            slot_size: int = 4

        assert pool.alloc(1, Wish()).dumps() == "rank0/core[0-7]"

    @pytest.mark.parametrize(
        "thing",
        [
            None,
            "slot=1/core=1",
            object(),
            SimpleNamespace(slot_count=1),
            SimpleNamespace(slot_count="x", slot_size=1),
            SimpleNamespace(slot_count=-1, slot_size=1),
            SimpleNamespace(slot_count=1, slot_size=0),
            SimpleNamespace(slot_count=1, slot_size=1, constraint={"no such": []}),
            SimpleNamespace(slot_count=1, slot_size=1, duration="long"),
            SimpleNamespace(slot_count=SimpleNamespace(min=3, max=1, _values=None), slot_size=1),
            tree(None, ONE, level="no such level"),
        ],
    )
    def test_what_makes_no_request_is_infeasible(self, pool: ExactPool, thing: Any) -> None:
        for call in (lambda: pool.alloc(1, thing), lambda: pool.check_feasibility(thing)):
            with pytest.raises(InfeasibleRequest):
                call()
        assert pool.generation == 0

    def test_a_level_that_the_machine_lacks_is_named(self, pool: ExactPool) -> None:
        with pytest.raises(InfeasibleRequest, match="chiplet"):
            pool.alloc(1, tree(None, ONE, level="chiplet"))


def test_parsing_takes_no_part_in_the_pool(R: dict[str, Any], jobspec: Callable[..., Any]) -> None:
    """A request that one pool parsed serves any other."""
    request = ExactPool(None).parse_resource_request(jobspec("slot=1/[core=2;gpu=1]"))
    assert ExactPool(R).alloc(1, request).dumps() == "rank0/core[0-1],gpu0"


class TestSlotsThatHoldSlots:
    """What flux-coral2 makes of ``flux run -N2 -n4`` with a rabbit."""

    RABBIT = "slot=2{rabbit}/[node{x}/slot=2{task}/core=3;ssd=100{x}]"

    def test_the_innermost_are_counted(self, jobspec: Any) -> None:
        parsed = ParsedRequest(jobspec(self.RABBIT))
        assert (parsed.nnodes, parsed.nslots, parsed.slot_size, parsed.ncores) == (2, 4, 3, 12)
        assert (parsed.node_count.min, parsed.slot_count.min, parsed.exclusive) == (2, 2, True)

    def test_a_pool_with_rabbits_places_it(self, jobspec: Any) -> None:
        R = preset("rfc49-a:2")
        R["scheduling"]["groups"] = {"chassis": [{"ranks": "0", "ssd": 100}, {"ranks": "1", "ssd": 150}]}
        pool = ExactPool(R)
        request = pool.parse_resource_request(jobspec(self.RABBIT))
        pool.check_feasibility(request)
        given = pool.alloc(1, request).to_dict()
        assert given["execution"]["nslots"] == 4
        assert [entry.get("ssd") for entry in given["scheduling"]["placement"]] == [100]
