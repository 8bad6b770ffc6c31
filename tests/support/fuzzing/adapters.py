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
from exactfit.adapters.cli.machine_input import of_snapshot, read_machine
from exactfit.adapters.cli.pools import make_pool, occupy
from exactfit.adapters.cli.snapshot_state import down_of, running_of
from exactfit.adapters.cli.source import STDIN, Sources
from exactfit.adapters.cli.state_input import read_allocations, read_down
from exactfit.adapters.cli.why_waits import why_waits
from exactfit.adapters.gutscore import ResourceSetBaseclass, ResourceSetLocal, ResourceSetSlurm
from exactfit.adapters.snapshot.anonymous import anonymized
from exactfit.adapters.snapshot.model import is_snapshot, read_snapshot
from exactfit.adapters.snapshot.slurm_system import take_slurm
from exactfit.solver.demand.request import Request
from exactfit.solver.explain import EASY, forecast
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset

from .machines import jobspecs, sets, small
from .target import Target, json_value, words

REFUSES = (ValueError, InputError)


# -- snapshots ----------------------------------------------------------------------------------------------------


def _snapshot(text: str) -> None:
    """Read a snapshot, use it as a machine, and write it again."""
    value = json_value(text)
    if not is_snapshot(value):
        raise ValueError("no snapshot")
    taken = read_snapshot(value)
    named = of_snapshot("now", taken)
    anonymized(taken)
    down_of(taken, named.machine)
    pool = make_pool(named.machine, Options())
    occupy(pool, running_of(taken), 0, first_id=1)
    for job in taken.waiting:
        why_waits(taken, job, fits=True)
    assert read_snapshot(json.loads(taken.text())).text() == taken.text()


def _scontrol(text: str) -> None:
    """Read what Slurm prints, each part as if it came from its command."""
    parts = dict(zip(_SHOWN, text.split(_CUT), strict=False))
    take_slurm(lambda *words: parts.get(words[-1], ""))


_SHOWN = ("node", "partition", "job", "topology", "reservation", "config")
_CUT = "----"
_NODE = "NodeName=n0 CoresPerSocket=2\n   CPUAlloc=1 CPUTot=4 Gres=gpu:a:2(S:0) RealMemory=99 Sockets=2 State=IDLE\n"
_PARTITION = "PartitionName=p\n   Nodes=n0 MaxNodes=2 State=UP PriorityTier=2 MaxTime=1-00:00:00\n"
_RUNS = (
    "JobId=1 JobName=a\n   UserId=u(1) Priority=3 JobState=RUNNING Partition=p NodeList=n0\n   JOB_GRES=gpu:1\n"
    "     Nodes=n0 CPU_IDs=0-1 Mem=9 GRES=gpu:a:1(IDX:0)\n   MinCPUsNode=1\n"
)
_WAITS = (
    "JobId=2 ArrayJobId=2 ArrayTaskId=1-3 JobName=b\n   UserId=u(1) Priority=3 JobState=PENDING Reason=Resources\n"
    "   Partition=p NumNodes=1-1 NumTasks=2 CPUs/Task=1 Features=x&y TresPerNode=gres:gpu:1 TimeLimit=00:10:00\n"
)
_TOPOLOGY = "SwitchName=s Level=0 LinkSpeed=1 Nodes=n0\n"
_KEPT = "ReservationName=r StartTime=2026-11-30T14:06:48 EndTime=2026-11-30T16:06:48\n   Nodes=n0 Flags=MAINT\n"
_CONFIG = "ClusterName = c\nSelectTypeParameters = CR_CORE_MEMORY\nSLURM_VERSION = 22.05.8\n"


def _snapshots() -> tuple[str, ...]:
    R = preset("sierra:2")
    held = {"version": 1, "execution": {"R_lite": [{"rank": "0", "children": {"core": "0-3"}}]}}
    job = {"version": 1, "resources": [], "tasks": [], "attributes": {"system": {"duration": 9}}}
    value = {
        "schema": "exactfit.snapshot/1", "system": "slurm", "version": "1", "taken": 9.0, "R": R,
        "down": [{"ranks": "1", "state": "down", "why": "x"}],
        "queues": [{"name": "p", "ranks": "0-1", "open": True, "tier": 1, "limits": {"nodes": 2}}],
        "running": [{"id": "1", "R": held, "end": 12.5}],
        "waiting": [{"id": "2", "jobspec": job, "queue": "p", "left_out": ["y"]}],
        "reservations": [{"name": "r", "ranks": "1", "start": 1.0, "end": 20.0, "why": ""}], "unseen": ["z"],
    }  # fmt: skip
    return (json.dumps(value),)


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
    "a snapshot": Target(_snapshot, _snapshots, '{}[]":,-0123456789queuarnwitgdo.', REFUSES),
    "what Slurm shows": Target(
        _scontrol,
        words(_CUT.join((_NODE, _PARTITION, _RUNS + _WAITS, _TOPOLOGY, _KEPT, _CONFIG))),
        "NodeJbINam=SpPrtio\n CPU_sGRTE:-,[]()0123456789&|",
        REFUSES,
    ),
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
