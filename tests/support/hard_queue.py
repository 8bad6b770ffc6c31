"""Run in a Flux instance by its Python: jobs that fill most of the machine, then those that are hard to place.

Takes the number of jobs that are to run. They end, as far as the scheduler knows, at different times.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from importlib import import_module
from typing import Any

from exactfit.adapters.twin.workload import jobspec

flux: Any = import_module("flux")
job: Any = import_module("flux.job")

SIZES = ["slot=1/core=29", "slot=3/core=13", "slot=2/core=17", "slot=5/[core=7;gpu=1]", "slot=1/core=41"]
HARD = [
    "node=100/slot=12/core=10",
    "[slot=40{a}/core=50;slot=40{b}/core=20]",
    "[slot=60{a}/[core=15;gpu=1];slot=60{b}/core=8]",
    "[node=1/slot=10{a}/core=12;slot=1{b}/core=2]",
    "slot=1+/[core=3;gpu=1]",
    "node=1/slot=8/[core=7;gpu=1]",
    "slot=4000/core=3",
    "[slot=2{a}/[core;gpu];slot=3,5,8{b}/[core;gpu];slot{c}/[core=7;gpu=2]]",
]
"""Of which those that fit now wait all the same: the first one never fits beside what runs."""


def submit(handle: Any, shape: str, minutes: int) -> int:
    """Submit a job that only holds what it gets."""
    spec = jobspec(shape, 60.0 * minutes)
    labels = [slot["label"] for slot in _slots(spec["resources"])]
    spec["tasks"] = [{"command": ["true"], "slot": label, "count": {"per_slot": 1}} for label in dict.fromkeys(labels)]
    spec["attributes"]["system"]["exec"] = {"test": {"run_duration": "3600s"}}
    return int(job.submit(handle, json.dumps(spec)))


def _slots(vertices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [vertex for vertex in vertices if vertex["type"] == "slot"]
    return found + [slot for vertex in vertices for slot in _slots(vertex.get("with", []))]


def main() -> None:
    """Submit them all; wait until those that can run do."""
    draw, handle = random.Random(1), flux.Flux()
    running = [submit(handle, draw.choice(SIZES), draw.randint(10, 600)) for _ in range(int(sys.argv[1]))]
    for jobid in running[-3:]:
        subprocess.run(["flux", "job", "wait-event", "-t", "120", str(jobid), "alloc"], check=True, capture_output=True)
    print(len([submit(handle, shape, 60) for shape in HARD]))


if __name__ == "__main__":
    main()
