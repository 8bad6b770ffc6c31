"""A real Flux, where there is one: instances that tests start, and what they run inside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SECONDS = 150
"""After which an instance that has not ended is a fault."""

SLEEP = "--setattr=system.exec.test.run_duration=3600s sleep inf"
"""A job that only holds what it got: no process is started for it."""

LOAD = "flux module reload sched-simple pool-class=exactfit.adapters.flux"
COUNT = "flux resource list -s {0} -no '{{nnodes}} {{ncores}}' | tell {1}"
# The list is the new scheduler's answer, which it gives once it is ready and has said so.
LOADED = "flux resource list >/dev/null; flux dmesg | grep -o 'pool-class=[^ ]*' | tail -1 | tell {0}"
PLAIN: dict[str, Any] = {
    "version": 1,
    "execution": {
        "R_lite": [{"rank": "0-3", "children": {"core": "0-7"}}],
        "nodelist": ["n[0-3]"],
        "starttime": 0,
        "expiration": 0,
    },
}
"""R of four nodes of eight cores."""

LINES = """
tell() { echo "@$1 $(cat | tr "\\n" " ")"; }
submitted() { flux job wait-event -t 30 "$(flux job last)" alloc >/dev/null; flux job last; }
"""

TOPO = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
  <object type="Machine" os_index="0" {sets}>
    {packages}
  </object>
</topology>
"""


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with more in its environment, and return what it wrote."""
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=env, check=False)


def need_flux() -> None:
    """Skip, and say why, where there is no Flux that can import exactfit."""
    if shutil.which("flux") is None:
        pytest.skip("there is no flux command on the PATH")
    found = run(["flux", "python", "-c", "import exactfit.adapters.flux"])
    if found.returncode:
        pytest.skip(f"Flux's Python cannot import exactfit: {found.stderr.strip().splitlines()[-1]}")


def inside(script: str, *arguments: str, **environment: str) -> tuple[dict[str, str], str]:
    """Run a script in an instance; return what it tells as ``@name value`` lines, and all that it wrote."""
    done = run(["flux", "start", *arguments, "bash", "-c", LINES + script], **environment)
    told = dict(line[1:].partition(" ")[::2] for line in done.stdout.splitlines() if line.startswith("@"))
    return {name: value.strip() for name, value in told.items()}, done.stdout + done.stderr


def package(number: int, cores: int = 4) -> str:
    """Write an hwloc package of some cores with a NUMA node of 16 GiB."""
    first, nodes = cores * number, 1 << number
    cpus = (1 << cores) - 1 << first
    sets = f'cpuset="{cpus:#x}" complete_cpuset="{cpus:#x}" nodeset="{nodes:#x}" complete_nodeset="{nodes:#x}"'
    inner = "".join(
        f'<object type="Core" os_index="{core}" cpuset="{1 << core:#x}" complete_cpuset="{1 << core:#x}">'
        f'<object type="PU" os_index="{core}" cpuset="{1 << core:#x}" complete_cpuset="{1 << core:#x}"/></object>'
        for core in range(first, first + cores)
    )
    memory = f'<object type="NUMANode" os_index="{number}" {sets} local_memory="{16 << 30}"/>'
    return f'<object type="Package" os_index="{number}" {sets}>{memory}{inner}</object>'


def node_xml(packages: int = 2, cores: int = 4) -> str:
    """Write the hwloc XML of a node of some packages of cores."""
    cpus, nodes = (1 << packages * cores) - 1, (1 << packages) - 1
    sets = f'cpuset="{cpus:#x}" complete_cpuset="{cpus:#x}" nodeset="{nodes:#x}" complete_nodeset="{nodes:#x}"'
    return TOPO.format(sets=sets, packages="".join(package(number, cores) for number in range(packages)))


def configured(folder: Path, R: dict[str, Any]) -> list[str]:
    """Write R into a folder, and return the arguments that start an instance of it, a broker a rank."""
    (folder / "R.json").write_text(json.dumps(R))
    size = sum(_count(entry["rank"]) for entry in R["execution"]["R_lite"])
    return [f"--test-size={size}", f"--conf=resource.path={folder}/R.json", "--conf=resource.noverify=true"]


def _count(ranks: str) -> int:
    first, _, last = ranks.partition("-")
    return int(last or first) - int(first) + 1
