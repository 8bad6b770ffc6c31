"""What the adapters read beside traces: sets in gutscore's queue, canary's pool files, the command line's inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from exactfit.adapters.canary.layouts import LOCAL, layout, topology_named
from exactfit.adapters.cli.errors import InputError
from exactfit.adapters.cli.job_input import read_jobs
from exactfit.adapters.cli.joint import read_priorities
from exactfit.adapters.cli.machine_input import read_machine
from exactfit.adapters.cli.pools import make_pool, occupy
from exactfit.adapters.cli.source import STDIN, Sources
from exactfit.adapters.cli.state_input import read_allocations, read_down
from exactfit.adapters.gutscore import ResourceSetBaseclass, ResourceSetLocal, ResourceSetSlurm
from exactfit.solver.demand.request import Request
from exactfit.solver.explain import EASY, forecast
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset

from .machines import jobspecs, sets, small
from .target import Target, words

REFUSES = (ValueError, InputError)


# -- gutscore -----------------------------------------------------------------------------------------------------


def _serialized(kind: type[ResourceSetBaseclass]) -> Callable[[str], None]:
    def run(text: str) -> None:
        """Read a set, which writes itself as one that is the same."""
        found = kind(0, {"nworkers": 1, "runtime": 1}).from_json(text)
        written = found.serialize()
        assert found.from_json(written).serialize() == written

    return run


_SET = {"wgroup_id": 3, "nworkers": 2, "runtime": 60, "cores_per_worker": 1, "gpus_per_worker": 1, "topology": "n.xml"}
_SLOTS = [{"cpus": "0-1", "gpus": [{"key": "0000:01:00.0", "vendor": "nvidia", "token": "0"}]}, {"cpus": "2"}]
_HELD = {"daemonize": False, "wgroup_CLI_pid": 47, "claim": "0123456789abcdef" * 2, "ledger": "l.db", "slots": _SLOTS}
_BATCH = {"type": "slurm", "job_id": 17, "job_script": ["#!/bin/bash", "true"], "gpus_per_worker": "a100:2"}


# -- canary -------------------------------------------------------------------------------------------------------


def _pool_file(text: str) -> None:
    """Read a pool file; what it names is a path, or has to be an R."""
    topology = topology_named(text, "/there/pool.yaml")
    if isinstance(topology, str):
        assert topology == LOCAL or topology.startswith("/")
    else:
        layout(topology, "node0")


POOLS = (
    "resource_pool:\n  additional_properties:\n    topology: node.xml\n",
    json.dumps({"additional_properties": {"topology": preset("rfc49-b:1")}, "nodes": [{"id": "0"}]}),
)


# -- the command line ---------------------------------------------------------------------------------------------


class _Text(Sources):
    """One text in the place of all files."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def read(self, name: str, purpose: str) -> bytes:
        del name, purpose
        return self.text.encode("utf-8", "surrogateescape")


def _machine(text: str) -> None:
    assert read_machine(STDIN, _Text(text)).machine.size


def _job_file(text: str) -> None:
    for number, job in enumerate(read_jobs(["jobs.yaml"], [], _Text(text)), start=1):
        assert job.number == number
        Request.from_jobspec(job.jobspec)


@lru_cache(maxsize=1)
def _request() -> Request:
    [job] = read_jobs(["slot=1/core=96"], [], Sources())
    return Request.from_jobspec(job.jobspec)


def _idle() -> Pool:
    return make_pool(small(), Options(time_limit=1.0))


def _state(text: str) -> None:
    """Let jobs hold what the text says, and look ahead to when others start."""
    pool = _idle()
    occupy(pool, read_allocations([STDIN], _Text(text)), 0, first_id=10)
    for start in forecast(pool, [(1, _request()), (2, _request()), (3, _request())], 0.0, EASY):
        assert start.time is None or start.time >= 0.0


def _down(text: str) -> None:
    assert 0 <= read_down([text], small()) <= small().all


def _priorities(text: str) -> None:
    assert min(read_priorities(text, read_jobs(["slot=1/core", "slot=2/core"], [], Sources()))) > 0


def _held() -> tuple[str, ...]:
    """Return what jobs hold, as `exactfit place --json` prints it, and as a list."""
    pool = _idle()
    found: list[dict[str, Any]] = [dict(pool.alloc(number, _request()).to_dict()) for number in (1, 2)]
    for number, R in enumerate(found, start=1):
        R["execution"] = {**R["execution"], "starttime": 0.0, "expiration": 60.0 * number}
    return "".join(json.dumps({"job": n, "R": R}) + "\n" for n, R in enumerate(found)), json.dumps(found)


_YAML_JOB = (
    "version: 9999\nresources:\n- {type: slot, count: 2, label: a, with: [{type: core, count: 1+}]}\ntasks: []\n"
)

TARGETS: dict[str, Target] = {
    "gutscore's local set": Target(
        _serialized(ResourceSetLocal),
        lambda: (json.dumps({"type": "local", **_SET, **_HELD}), json.dumps({"type": "local", **_SET})),
        '{}[]":,-0123456789abcdefslotgpuc',
    ),
    "gutscore's Slurm set": Target(
        _serialized(ResourceSetSlurm),
        lambda: (json.dumps({**_SET, **_BATCH}), json.dumps({**_SET, "type": "slurm", "runtime": "1-02:00:00"})),
        '{}[]":,-0123456789abcdefslotgpuc',
    ),
    "canary's pool file": Target(_pool_file, words(*POOLS), "resouc_pl:adtinaygm{}[]'\"-,0123456789 \n&*"),
    "a machine's file": Target(
        _machine, lambda: (*sets()[1:], "\n<topology/>"), '{}[]":,-0123456789<>/', refuses=REFUSES
    ),
    "a file of jobs": Target(
        _job_file,
        lambda: (*jobspecs(), _YAML_JOB, "---\n".join([_YAML_JOB] * 2)),
        '{}[]":,-0123456789 \n&*typeconslm',
        refuses=REFUSES,
    ),
    "--allocated": Target(_state, _held, '{}[]":,-0123456789.eRstarimpxon\n', refuses=REFUSES),
    "--down": Target(_down, words("0-1", "all", "node[0-1]"), "0123456789-,[]allnode ", refuses=REFUSES),
    "--priority": Target(_priorities, words("1,2", " 3 , 4"), "0123456789,- ", refuses=REFUSES),
}
"""By name."""
