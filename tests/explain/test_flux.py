"""The explanation that a Flux pool gives, with Flux's names of jobs."""

from __future__ import annotations

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.twin.workload import jobspec
from exactfit.topology.presets import preset


def test_the_head_of_a_queue_can_be_explained() -> None:
    pool = ExactPool(preset("rfc49-a:2"))
    pool.alloc(12 << 24, pool.parse_resource_request(jobspec("node=1/slot=1/core=110", 60.0)))
    answer = pool.explain(pool.parse_resource_request(jobspec("slot=6/socket/core=50")))
    assert answer["status"] == "infeasible"
    answer = pool.explain(pool.parse_resource_request(jobspec("slot=4/socket/core=50")))
    assert answer["status"] == "insufficient"
    assert answer["sentences"] == [
        "4 slots of socket/core=50 need 4 sockets with 50 free cores: 2 are free, "
        "2 more are wholly or partly held by job \u0192JnrP9"
    ]
    assert {"jobs": ["\u0192JnrP9"]} in answer["conflict"]
