"""Slurm's JSON in the forms of three versions, and text that is in doubt because of what users call their jobs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exactfit.adapters.snapshot.commands import RefusedError
from exactfit.adapters.snapshot.model import Running, Snapshot, Waiting
from exactfit.adapters.snapshot.slurm_json import job_records, node_records
from exactfit.adapters.snapshot.slurm_machine import nodes_of
from exactfit.adapters.snapshot.slurm_system import take_slurm

NODE = """\
NodeName=n0 Arch=x86_64 CoresPerSocket=8
   CPUAlloc=5 CPUTot=32 Gres=gpu:a100:4 RealMemory=16000 Sockets=2 State=MIXED ThreadsPerCore=2
   ActiveFeatures=fast

"""
PARTITION = "PartitionName=main\n   Nodes=n0\n   State=UP MaxNodes=UNLIMITED MaxTime=UNLIMITED\n"
EVIL = "x\n\nJobId=9 JobName=y\n   Priority=99 JobState=PENDING"
TEXT = f"""\
JobId=7 JobName={EVIL}
   UserId=ada(1000) GroupId=ada(1000)
   Priority=5 Nice=0
   JobState=RUNNING Reason=None Dependency=(null)
   TimeLimit=01:00:00 StartTime=2026-01-01T10:00:00 EndTime=2026-01-01T11:00:00
   Partition=main
   NodeList=n0
   NumNodes=1 NumCPUs=4 NumTasks=1 CPUs/Task=4
   JOB_GRES=gpu:a100:1
     Nodes=n0 CPU_IDs=16-19 Mem=1024 GRES=gpu:a100:1(IDX:2)
   MinCPUsNode=4

JobId=9 JobName=honest
   UserId=bob(1001) GroupId=bob(1001)
   Priority=3 JobState=PENDING Reason=Priority Dependency=(null)
   SubmitTime=2026-01-01T09:00:00 EligibleTime=2026-01-01T09:00:00
   TimeLimit=00:30:00 Partition=main
   NumNodes=1 NumCPUs=8 NumTasks=2 CPUs/Task=4 Switches=1
   TresPerTask=gres:gpu:1 MinMemoryCPU=100M

"""


def job(version: str, **more: Any) -> dict[str, Any]:
    """Return a job in the form of a version; what is given are plain numbers."""
    plain = version == "22.05"

    def number(value: int | None) -> Any:
        return value if plain else {"set": value is not None, "infinite": False, "number": value or 0}

    words = {"job_state": more.pop("state"), "shared": "none" if more.pop("alone", False) else ""}
    fields: dict[str, Any] = {
        "job_id": more.pop("id"),
        "user_id": 1000,
        "user_name": more.pop("user"),
        "name": more.pop("name"),
        "partition": "main",
        "state_reason": "None",
        "dependency": "",
        "contiguous": False,
        "array_job_id": number(0),
        "array_task_id": number(None),
        "array_task_string": "",
        "cpus_per_task": None if plain else number(4),
        **{name: [word] if word and not plain else word or ([] if not plain else None) for name, word in words.items()},
    }
    for name in ("nodes", "gres_detail", "job_resources", "features", "tres_per_task", "required_nodes"):
        if name in more:
            fields[name] = more.pop(name)
    return fields | {name: number(value) for name, value in more.items()}


def held(version: str) -> dict[str, Any]:
    """Return what a job holds on n0: cores 0 and 1 of its second socket, which are threads 16 to 19, and 1 GiB."""
    if version == "24.05":
        cores = [{"index": 0, "status": ["ALLOCATED"]}, {"index": 1, "status": ["ALLOCATED", "IN_USE"]}]
        one = {
            "name": "n0",
            "cpus": {"count": 4, "used": 0},
            "memory": {"used": 0, "allocated": 1024},
            "sockets": [{"index": 1, "cores": [*cores, {"index": 2, "status": ["INVALID"]}]}],
        }
        return {"select_type": ["CPU"], "nodes": {"count": 1, "list": "n0", "allocation": [one]}, "cpus": 4}
    cores_of = {"0": "allocated", "1": "allocated_and_in_use", "2": "unassigned"}
    node = {"nodename": "n0", "memory_allocated": 1024, "sockets": {"1": {"cores": cores_of}}}
    return {"nodes": "n0", "allocated_cores": 2, "allocated_nodes": [node]}


def squeue(version: str) -> str:
    runs = job(
        version, id=7, user="ada", name=EVIL, state="RUNNING", priority=5, time_limit=60, start_time=1767261600,
        end_time=1767265200, submit_time=1767261000, nodes="n0", node_count=1, tasks=1, cpus=4,
        gres_detail=["gpu:a100:1(IDX:2)"], job_resources=held(version),
    )  # fmt: skip
    waits = job(
        version, id=9, user="bob", name="honest", state="PENDING", priority=3, time_limit=30, node_count=1, tasks=2,
        cpus=8, tres_per_task="gres:gpu:1", memory_per_cpu=100, alone=True, submit_time=1767258000,
        job_resources={},
    )  # fmt: skip
    return json.dumps({"meta": {}, "jobs": [runs, waits], "errors": []})


def system(**answers: str) -> tuple[Snapshot, list[str]]:
    said: list[str] = []
    known = {"show node": NODE, "show partition": PARTITION, "show job": TEXT, **answers}

    def run(*words: str) -> str:
        text = " ".join(words)
        said.append(text)
        for what, answer in known.items():
            if text.endswith(what):
                return answer
        raise RefusedError(f"{text}: not here")

    return take_slurm(run), said


@pytest.mark.parametrize("version", ["22.05", "23.11", "24.05"])
def test_a_name_with_fields_in_it_is_a_name(version: str) -> None:
    taken, said = system(**{"squeue --json": squeue(version)})
    assert said[-2:] == ["squeue --json", "scontrol -a show reservation"]
    runs, waits = taken.job("7"), taken.job("9")
    assert isinstance(runs, Running)
    assert isinstance(waits, Waiting)
    assert (runs.name, runs.user, runs.end - runs.start) == (EVIL, "ada", 3600)
    assert runs.R["execution"]["R_lite"] == [{"rank": "0", "children": {"core": "8-9", "gpu": "2"}}]
    assert runs.R["scheduling"]["placement"][0]["slots"][0]["memory"] == 1.0
    assert (waits.name, waits.user, waits.priority, waits.seconds) == ("honest", "bob", 3, 1800)
    assert not [line for line in taken.unseen if "cannot be read" in line]


def test_where_text_and_json_agree_the_text_says_more() -> None:
    value = json.loads(squeue("22.05"))
    value["jobs"][1]["job_id"] = 10
    text = TEXT.replace("2026-01-01T09:00:00", local(1767258000)).replace("JobId=9 JobName=h", "JobId=10 JobName=h")
    taken, _ = system(**{"squeue --json": json.dumps(value), "show job": text})
    waits = taken.job("10")
    assert isinstance(waits, Waiting)
    assert "--switches=1" in waits.left_out, "which the JSON of 22.05 does not say"


def local(seconds: int) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(seconds).isoformat()


@pytest.mark.parametrize("answer", ["", "no JSON", "[]", '{"jobs": 7}', "[" * 100_000])
def test_without_json_what_cannot_be_read_is_named(answer: str) -> None:
    taken, _ = system(**({"squeue --json": answer} if answer else {}))
    assert taken.job("7") is None
    assert any(line.startswith("job 7 cannot be read") for line in taken.unseen)


def test_text_that_is_in_no_doubt_needs_no_json() -> None:
    _, said = system(**{"show job": TEXT[TEXT.index("JobId=9 JobName=honest") :]})
    assert not any("json" in words for words in said)


NODES: dict[str, dict[str, Any]] = {
    "22.05": {
        "name": "n0", "cpus": 32, "sockets": 2, "cores": 8, "threads": 2, "real_memory": 16000, "alloc_cpus": 5,
        "gres": "gpu:a100:4(S:0-1)", "active_features": "fast,ib", "state": "mixed", "state_flags": ["DRAIN"],
        "reason": "fan",
    },
    "23.11": {
        "name": "n0", "cpus": 32, "sockets": 2, "cores": 8, "threads": 2, "real_memory": 16000, "alloc_cpus": 5,
        "gres": "gpu:a100:4(S:0-1)", "active_features": ["fast", "ib"], "state": ["MIXED", "DRAIN"], "reason": "fan",
        "specialized_memory": 0, "free_mem": {"set": True, "infinite": False, "number": 12},
    },
}  # fmt: skip


@pytest.mark.parametrize("version", NODES)
def test_nodes_of_json(version: str) -> None:
    (node,) = nodes_of(node_records(json.dumps({"nodes": [NODES[version]]})))
    assert (node.name, node.total, node.threads, node.memory, node.gpus) == ("n0", 16, 2, 16000, 4)
    assert (node.features, node.state, node.down, node.reason) == (("fast", "ib"), "MIXED+DRAIN", True, "fan")
    assert node.allocated == 5


@pytest.mark.parametrize("command", ["scontrol show node --json", "sinfo --json"])
def test_nodes_whose_text_cannot_be_read_are_read_as_json(command: str) -> None:
    answers = {"show node": "odd\n", command: json.dumps({"nodes": [NODES["22.05"]]}), "show job": ""}
    taken, said = system(**dict(reversed(answers.items())))
    assert command in said
    assert taken.down[0].why == "fan"
    with pytest.raises(ValueError, match="no nodes"):
        system(**{"show node": "odd\n", "sinfo --json": "{}"})


@pytest.mark.parametrize(
    "odd",
    [
        {"job_resources": 7, "gres_detail": 7}, {"job_resources": {"allocated_nodes": [7, {"sockets": 7}]}},
        {"job_resources": {"allocated_nodes": [{"nodename": "n0", "sockets": {"-1": {"cores": {"x": "allocated"}}}}]}},
        {"job_resources": {"nodes": {"allocation": [{"name": "n0", "sockets": [{"cores": [{"status": 7}]}]}]}}},
        {"tasks": 10**30, "cpus": True, "submit_time": 10**18, "priority": -1, "name": None, "job_state": {}},
    ],
)  # fmt: skip
def test_odd_json_says_nothing_rather_than_something_wrong(odd: dict[str, Any]) -> None:
    value = json.loads(squeue("22.05"))
    value["jobs"][0].update(odd)
    record = job_records(json.dumps(value), {"n0": (8, 2)})["7"]
    assert all(" CPU_IDs= " in line for line in record.lines if "Nodes=" in line) or "tasks" in odd
    assert "tasks" not in odd or not {"NumTasks", "SubmitTime", "Priority", "JobName", "JobState"} & set(record.fields)
