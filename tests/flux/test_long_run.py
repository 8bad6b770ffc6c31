"""Four thousand jobs of mixed shapes on 64 nodes of RFC 49's cluster A, with our pool and with Flux's own."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.twin.events import Reload
from exactfit.adapters.twin.observers import Ledger, Locality, percentile
from exactfit.adapters.twin.simulation import Simulation
from exactfit.adapters.twin.workload import mixed
from exactfit.topology.presets import preset

from flux.resource.ResourcePool import ResourcePool
from flux.resource.TreePool import TreePool

JOBS = 4_000
NUMA = [(0x7FFF << 15 * n, 1 << n) for n in range(8)]
SOCKET = [((1 << 60) - 1 << 60 * n, 0xF << 4 * n) for n in range(2)]


def machine() -> dict[str, Any]:
    R = preset("rfc49-a:64")
    R["scheduling"]["writer"] = "TreePool"
    return R


@pytest.mark.parametrize("pool_class", [ExactPool, ResourcePool, TreePool], ids=["exactfit", "Rv1Pool", "TreePool"])
def test_no_resource_is_held_twice_and_all_is_free_at_the_end(pool_class: type) -> None:
    ledger, locality = Ledger(machine()), Locality({"socket": SOCKET, "numa": NUMA})
    simulation = Simulation(pool_class, machine(), forecast=False, observers=[ledger, locality])
    simulation.submit(mixed(JOBS, seed=1, interval=2.0))
    if pool_class is ExactPool:
        simulation.at(5000.0, Reload())
    simulation.run()
    assert simulation.waiting() == []
    assert locality.jobs == JOBS
    assert ledger.is_full
    assert simulation.scheduler.resources.copy_allocated().nnodes == 0
    placed = [seconds for seconds, answer in simulation.decisions if answer == "placed"]
    print(
        f"{pool_class.__name__}: decisions {1e3 * sum(placed) / len(placed):.2f} ms, "
        f"99th percentile {1e3 * percentile(placed, 0.99):.2f} ms; "
        f"numa touched per numa needed {locality.excess('numa'):.3f}, sockets {locality.excess('socket'):.3f}"
    )
