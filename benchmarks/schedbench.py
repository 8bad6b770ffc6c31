"""The community's benchmark of Flux schedulers, flux-schedbench, with Flux's pools and exactfit on its fake nodes.

Needs flux-core, with exactfit and flux-schedbench importable by its Python, and lstopo::

    python -m benchmarks.schedbench --nodes 16 --rounds 3

Every round runs all of them one after the other, so that what else the machine does falls on each; of the rounds the
best figure counts. Rates are jobs in a second of the clock, of the whole of Flux and not of the scheduler alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from exactfit.adapters.flux import sched

NODE = "package:2 numa:4 core:8 pu:1"
CORES = 64

MODULE = """[[modules]]
name = "sched-exactfit"
module = "{path}"
ranks = "0"
provides = ["sched", "feasibility"]
after = ["job-manager", "resource"]
requires = ["job-manager", "resource"]
priority = 10
"""


@dataclass(frozen=True)
class Contender:
    """A module with a pool.

    Attributes
    ----------
    module
        By name.
    pool
        The class; empty for the module's own.
    amend
        What gives R its tree.
    """

    module: str
    pool: str
    amend: str


THEIRS, OURS = "flux.resource.TreePool:amend", "exactfit.adapters.flux:amend"
CONTENDERS = {
    "Rv1Pool": Contender("sched-simple", "flux.resource.ResourcePool:ResourcePool", THEIRS),
    "TreePool": Contender("sched-simple", "flux.resource.TreePool:TreePool", THEIRS),
    "exactfit in sched-simple": Contender("sched-simple", "exactfit.adapters.flux", OURS),
    "exactfit's own module": Contender("sched-exactfit", "", OURS),
}


def tests(nodes: int) -> dict[str, tuple[list[str], str]]:
    """Return the arguments of each test, and the figure that counts; larger is better in each."""
    most = 1000 if nodes <= 100 else 500
    filling = [] if nodes <= 100 else [f"--slot-cores={CORES}"]
    return {
        "throughput": ([f"--njobs={most}"], "throughput"),
        "fill-machine": (filling, "alloc_rate"),
        # No more slots than there are numa domains that can hold one whole.
        "locality": ([f"--njobs={min(200, 8 * nodes // 3)}", "--nslots=3", "--slot-cores=5"], "mean_locality_score"),
    }


def measure(contender: Contender, test: str, nodes: int, folder: Path) -> float:
    """Run one test with one contender, and return its figure."""
    arguments, figure = tests(nodes)[test]
    command = ["flux", "schedbench", "run", test, f"--nodes={nodes}", f"--hwloc-xml-path={folder}/node.xml"]
    command += [f"--amend-r={contender.amend}", f"--scheduler={contender.module}", *arguments]
    command += [f"--results-file={folder}/results.json"]
    if contender.pool:
        command.append(f"--scheduler-options=pool-class={contender.pool}")
    environment = {**os.environ, "FLUX_MODPROBE_PATH_APPEND": str(folder)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    for line in ran.stdout.splitlines():
        event = json.loads(line)
        if event["name"] == "result":
            return float(event["context"]["metrics"][figure])
    raise RuntimeError(f"{' '.join(command)}: {ran.stderr.strip()}")


def main() -> None:
    """Run all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    best: dict[tuple[str, str], float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "modprobe.d").mkdir()
        path = Path(sched.__path__[0], "simple.py")
        (folder / "modprobe.d" / "exactfit.toml").write_text(MODULE.format(path=path))
        xml = subprocess.run(["lstopo", "-i", NODE, "--of", "xml"], capture_output=True, text=True, check=True)
        (folder / "node.xml").write_text(xml.stdout)
        for _ in range(chosen.rounds):
            for test in tests(chosen.nodes):
                for contender, how in CONTENDERS.items():
                    figure = measure(how, test, chosen.nodes, folder)
                    print(f"{contender}: {test}: {figure:.2f}", flush=True)
                    best[contender, test] = max(best[contender, test], figure)
    print(f"| {chosen.nodes} nodes | throughput, jobs/s | fill-machine, allocs/s | locality |")
    print("|---|---|---|---|")
    for contender in CONTENDERS:
        rates = (best[contender, "throughput"], best[contender, "fill-machine"])
        print(f"| {contender} | {rates[0]:.0f} | {rates[1]:.0f} | {best[contender, 'locality']:.2f} |")


if __name__ == "__main__":
    main()
