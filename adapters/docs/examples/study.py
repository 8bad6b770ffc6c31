"""A small study by hand: the same fifty jobs, in the same queue, under Flux's Rv1Pool and under exactfit.

    python study.py

Needs the extra `flux`. `exactfit study` does this and much more; here one's own figures are read off a simulation. The
clock is virtual, and the queue is EASY backfill.
"""

from __future__ import annotations

from exactfit.adapters.study.pools import PoolName
from exactfit.adapters.twin.observers import Ledger, Locality, Usage
from exactfit.adapters.twin.policies import EasyBackfill
from exactfit.adapters.twin.simulation import Simulation
from exactfit.adapters.twin.workload import mixed
from exactfit.topology.presets import preset

R = preset("rfc49-a:2")
SHAPES = ("slot=1/core=4", "slot=3/[core=10;gpu=1]", "slot=2/[core=14;gpu=1]", "slot=3/core=12", "slot=1/core=60")
NUMA = [(0x7FFF << 15 * n, 1 << n) for n in range(8)]
"""The cores and GPUs of each numa domain of a node, as bits."""


def main() -> None:
    """Print a line for each pool."""
    for name in ("Rv1Pool", "exactfit"):
        usage, locality = Usage(R), Locality({"numa": NUMA})
        # The ledger raises an error should a pool give anything twice.
        observers = (Ledger(R), usage, locality)
        simulation = Simulation(PoolName.read(name).load(), R, policy=EasyBackfill, observers=observers)
        simulation.submit(mixed(50, seed=7, interval=60.0, shapes=SHAPES))
        simulation.run()
        wait = sum(usage.waits) / len(usage.waits) / 60
        print(
            f"{name}: {len(usage.waits)} jobs run, mean wait {wait:.1f} min, {usage.utilization:.0%} of the cores used,"
        )
        print(f"    {locality.excess('numa'):.2f} numa domains touched for each one needed")


if __name__ == "__main__":
    main()
