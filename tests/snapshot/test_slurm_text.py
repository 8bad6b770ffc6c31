"""What Slurm prints, read: records of 22.05 and of later versions, requests as a table, and text that means harm."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.adapters.snapshot.commands import RefusedError, SystemDownError, run_command
from exactfit.adapters.snapshot.slurm_machine import read_nodes, topo_of
from exactfit.adapters.snapshot.slurm_request import Site, request_of
from exactfit.adapters.snapshot.slurm_system import take_slurm
from exactfit.adapters.snapshot.slurm_text import records
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

NODES = """\
NodeName=n0 Arch=x86_64 CoresPerSocket=8
   CPUAlloc={held} CPUEfctv=32 CPUTot=32 CPULoad=1.00
   AvailableFeatures=fast,ib
   ActiveFeatures=fast,ib
   Gres=gpu:a100:2(S:0),gpu:h100:2(S:1),shard:8,fpga:3
   NodeAddr=n0 NodeHostName=n0 Version=23.11.4
   RealMemory=16000 AllocMem=0 FreeMem=1 Sockets=2 Boards=1
   MemSpecLimit=1000
   State=MIXED+PLANNED ThreadsPerCore=2 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A
   Partitions=main

NodeName=n1 Arch=x86_64 CoresPerSocket=16
   CPUAlloc=0 CPUEfctv=16 CPUTot=16 CPULoad=N/A
   Gres=(null)
   RealMemory=2048 Sockets=1 Boards=1
   State=DOWN*+DRAIN ThreadsPerCore=1
   Reason=no power, says
 the owner [root@2026-01-01T00:00:00]

"""
PARTITIONS = "PartitionName=main\n   Nodes=n[0-1]\n   PriorityTier=1 State=UP MaxNodes=UNLIMITED MaxTime=UNLIMITED\n"
RUNNING = """\
JobId=7 JobName=a job
   UserId=ada(1000) GroupId=ada(1000) MCS_label=N/A
   Priority=5 Nice=0 Account=(null) QOS=(null)
   JobState=RUNNING Reason=None Dependency=(null)
   RunTime=00:00:05 TimeLimit=01:00:00 TimeMin=N/A
   StartTime=2026-01-01T10:00:00 EndTime=2026-01-01T11:00:00 Deadline=N/A
   Partition=main AllocNode:Sid=n0:1
   NodeList=n0
   NumNodes=1 NumCPUs=5 NumTasks=1 CPUs/Task=5 ReqB:S:C:T=0:0:*:*
   ReqTRES=cpu=5,mem=1G,node=1,billing=5
   JOB_GRES=gpu:a100:1,fpga:2
     Nodes=n0 CPU_IDs=0-1,4-6 Mem=1024 GRES=gpu:a100:1(IDX:1),fpga:2(CNT:2)
   MinCPUsNode=5 MinMemoryNode=1G MinTmpDiskNode=0
   OverSubscribe=OK Contiguous=0 Licenses=(null) Network=(null)

"""


def pending(**changes: str) -> str:
    """Return the record of a job that waits, with some of its fields changed."""
    fields = {
        "JobId": "9", "JobName": "w", "UserId": "bob(1001)", "Priority": "3", "JobState": "PENDING",
        "Reason": "Resources", "Dependency": "(null)", "TimeLimit": "00:30:00", "SubmitTime": "2026-01-01T09:00:00",
        "EligibleTime": "2026-01-01T09:00:00", "Partition": "main", "ReqNodeList": "(null)", "ExcNodeList": "(null)",
        "NodeList": "", "NumNodes": "1", "NumCPUs": "1", "NumTasks": "1", "CPUs/Task": "1", "ReqB:S:C:T": "0:0:*:*",
        "ReqTRES": "cpu=1,mem=100M,node=1,billing=1", "NtasksPerN:B:S:C": "0:0:*:*", "MinMemoryCPU": "100M",
        "Features": "(null)", "OverSubscribe": "OK", "Contiguous": "0", "Licenses": "(null)",
    }  # fmt: skip
    fields.update({key.replace("_", "/").replace("Ntasks/Per", "NtasksPer"): value for key, value in changes.items()})
    first = f"JobId={fields.pop('JobId')} JobName={fields.pop('JobName')}\n"
    return first + "".join(f"   {key}={value}\n" for key, value in fields.items()) + "\n"


def system(**texts: str) -> Any:
    """Return a snapshot of what these texts say, by what is shown."""
    shown = {"node": NODES.format(held=6), "partition": PARTITIONS, "job": RUNNING, **texts}

    def run(*words: str) -> str:
        what = words[-1]
        if what not in shown:
            raise RefusedError(f"{what}: not here")
        return shown[what]

    return take_slurm(run)


def test_nodes_with_threads_types_of_gpus_and_other_gres() -> None:
    nodes = read_nodes(NODES.format(held=0))
    assert [(node.total, node.gpus, node.others, node.down) for node in nodes] == [
        (16, 4, {"fpga": 3}, False),
        (16, 0, {}, True),
    ]
    assert topo_of(nodes[0]) == {
        "memory": 15000 / 1024,
        "fpga": 3,
        "socket": [{"cores": "0-7", "gpus": "0-1"}, {"cores": "8-15", "gpus": "2-3"}],
    }
    assert topo_of(nodes[1]) == {"memory": 2, "cores": "0-15"}
    assert nodes[1].reason.startswith("no power")


@pytest.mark.parametrize(
    ("state", "down"),
    [
        ("IDLE", False), ("MIXED+PLANNED", False), ("ALLOCATED+COMPLETING", False), ("IDLE+POWERED_DOWN", False),
        ("DOWN", True), ("IDLE*", True), ("DOWN*", True), ("IDLE+DRAIN", True), ("MIXED+DRAIN+INVALID_REG", True),
        ("FAIL", True), ("UNKNOWN", True), ("IDLE+NOT_RESPONDING", True), ("IDLE~", False), ("FUTURE", True),
    ],
)  # fmt: skip
def test_which_nodes_take_no_jobs(state: str, down: bool) -> None:
    assert read_nodes(NODES.format(held=0).replace("MIXED+PLANNED", state))[0].down is down


def test_a_job_holds_cores_GPUs_memory_and_other_gres() -> None:
    taken = system()
    pool = Pool(read_R(taken.R))
    job, unseen = taken.running
    # Threads 0-1 and 4-6 are cores 0, 2 and 3; a node says that six CPUs are held, of which five are this job's.
    assert job.R["execution"]["R_lite"] == [{"rank": "0", "children": {"core": "0,2-3", "gpu": "1"}}]
    assert job.R["scheduling"]["placement"][0]["slots"] == [
        {"label": "task", "cores": "0,2-3", "gpus": "1", "fpga": 2, "memory": 1.0}
    ]
    assert (job.user, job.name, job.end - job.start) == ("ada", "a job", 3600)
    assert unseen.R["execution"]["R_lite"] == [{"rank": "0", "children": {"core": "15"}}]
    assert any("ranks 0: cores are held by jobs that may not be seen" in line for line in taken.unseen)
    for number, one in enumerate(taken.running):
        pool.register_alloc(number, one.R)


SITE = Site(
    threads=1, gpu_types=frozenset({"a100", "h100"}), others=frozenset({"fpga"}), switches=True,
    hosts=frozenset({"n0", "n1"}),
)  # fmt: skip

TASK = "slot=1/[core=1;memory=100]"
REQUESTS: list[tuple[str, dict[str, str], str, list[str]]] = [
    ("a task", {}, TASK, []),
    ("--ntasks", {"NumTasks": "6", "CPUs_Task": "3"}, "slot=6/[core=3;memory=300]", []),
    ("--nodes", {"NumNodes": "4-4", "NumTasks": "64", "ReqTRES": "node=4"}, "node=4/slot=16/[core=1;memory=100]", []),
    (
        "--nodes that do not divide", {"NumNodes": "3-3", "NumTasks": "10", "ReqTRES": "node=3"},
        "node=3/slot=4/[core=1;memory=100]", ["10 tasks on 3 nodes: 4 of them on each"],
    ),
    ("--ntasks-per-node", {"NumTasks": "6", "NtasksPerN:B:S:C": "2:0:*:*"}, "node=3/slot=2/[core=1;memory=100]", []),
    ("--exclusive", {"NumNodes": "2-2", "NumTasks": "2", "ReqTRES": "node=2", "OverSubscribe": "NO"},
     "node{x}=2/slot=1/[core=1;memory=100]", []),
    ("--gpus-per-task", {"NumTasks": "4", "TresPerTask": "gres/gpu:a100=1"}, "slot=4/[core=1;gpu=1;memory=100]", []),
    ("--gpus-per-task, older", {"TresPerTask": "gres:gpu:2"}, "slot=1/[core=1;gpu=2;memory=100]", []),
    ("--gres for one task", {"TresPerNode": "gres:gpu:2,gres:fpga:1"}, "slot=1/[core=1;gpu=2;memory=100;fpga=1]", []),
    (
        "--gpus-per-node for several",
        {"NumNodes": "2-2", "NumTasks": "8", "ReqTRES": "node=2", "TresPerNode": "gres/gpu:4"},
        "node=2/slot=1/[core=4;gpu=4;memory=400]", [],
    ),
    ("--gpus", {"NumTasks": "2", "TresPerJob": "gres:gpu:5"}, "slot=2/[core=1;gpu=3;memory=100]",
     ["--gpus=5: 3 for each task"]),
    ("--mem", {"MinMemoryCPU": "N/A", "MinMemoryNode": "4G", "CPUs_Task": "2"}, "slot=1/[core=2;memory=4096]", []),
    ("--mem=0", {"MinMemoryCPU": "N/A", "MinMemoryNode": "0"}, "slot=1/[core=1]",
     ["--mem=0 (all of the memory of a node)"]),
    ("--mem-per-gpu", {"TresPerTask": "gres:gpu:2", "MemPerTres": "gres:gpu:50"},
     "slot=1/[core=1;gpu=2;memory=100]", []),
    ("--cpus-per-gpu", {"TresPerTask": "gres:gpu:2", "CpusPerTres": "gres:gpu:3"},
     "slot=1/[core=6;gpu=2;memory=600]", []),
    ("--switches", {"Switches": "1"}, f"switch=1/{TASK}", []),
    ("--switches, for a time that is over", {"Switches": "1@00:01:00"}, TASK, []),
    ("--switches of several", {"Switches": "2"}, TASK, ["--switches=2"]),
    ("--licenses", {"Licenses": "x:3"}, TASK, ["--licenses=x:3"]),
    ("--threads-per-core", {"ReqB:S:C:T": "0:2:*:2"}, TASK, ["--sockets-per-node=2", "--threads-per-core=2"]),
    ("a GRES that is not there", {"TresPerNode": "gres:tape:1"}, TASK, ["tape:1 by the node"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "expected", "left_out"), REQUESTS, ids=[row[0] for row in REQUESTS])
def test_requests(name: str, changes: dict[str, str], expected: str, left_out: list[str]) -> None:
    assert name
    (record,) = records(pending(**changes), "JobId")
    resources, _, left = request_of(record, SITE, waited=600.0)
    assert shape(resources) == expected
    assert left == left_out


def shape(resources: list[dict[str, Any]]) -> str:
    texts = []
    for vertex in resources:
        whole = "{x}" if vertex.get("exclusive") else ""
        text = f"{vertex['type']}{whole}={vertex['count']}"
        texts.append(f"{text}/{shape(vertex['with'])}" if "with" in vertex else text)
    return texts[0] if len(texts) == 1 and "/" in texts[0] else f"[{';'.join(texts)}]"


@pytest.mark.parametrize(
    ("changes", "constraint", "left_out"),
    [
        ({"Features": "fast&ib"}, {"and": [{"properties": ["fast"]}, {"properties": ["ib"]}]}, []),
        ({"Features": "a|b&c"},
         {"and": [{"or": [{"properties": ["a"]}, {"properties": ["b"]}]}, {"properties": ["c"]}]}, []),
        ({"Features": "[rack1*2&rack2*4]"}, None, ["--constraint=[rack1*2&rack2*4]"]),
        ({"ReqNodeList": "n0"}, {"hostlist": ["n0"]}, []),
        ({"ReqNodeList": "n0", "NumNodes": "2-2", "ReqTRES": "node=2", "NumTasks": "2"}, None,
         ["--nodelist=n0: these nodes, and others beside"]),
        ({"ExcNodeList": "n[0-9]"}, {"not": [{"hostlist": ["n0,n1"]}]}, []),
        ({"TresPerTask": "gres:gpu:a100:1"}, {"properties": ["gpu:a100"]}, []),
    ],
)  # fmt: skip
def test_constraints(changes: dict[str, str], constraint: Any, left_out: list[str]) -> None:
    (record,) = records(pending(**changes), "JobId")
    _, found, left = request_of(record, SITE)
    assert (found, left) == (constraint, left_out)


@pytest.mark.parametrize(
    "name",
    [
        "x\n   Priority=99",
        "x\n\nJobId=5 JobName=y",
        "x\n\nJobId=7 JobName=y\n   JobState=RUNNING Priority=1",
        "JobId=5",
    ],
)
def test_a_name_cannot_make_up_a_job_or_its_priority(name: str) -> None:
    taken = system(job=RUNNING + pending(JobName=name))
    assert {job.id for job in taken.running} <= {"7", "unseen"}
    assert all(job.priority <= 5 for job in taken.waiting)
    assert all(job.id == "9" for job in taken.waiting if job.id != "5" or job.user != "bob")


@pytest.mark.parametrize(
    "text",
    ["", "\0" * 100, "JobId=", "JobId=x", "NodeName=\n", "NodeName=a CoresPerSocket=99999999999999999999",
     "JobId=9 JobState=PENDING NumNodes=" + "9" * 500, "JobId=1 JobState=RUNNING NodeList=n[0-", "=" * 10_000],
)  # fmt: skip
def test_odd_text_is_refused_or_named(text: str) -> None:
    for what in ("job", "node", "partition", "reservation", "topology", "config"):
        try:
            system(**{what: text})
        except ValueError as error:
            assert what in ("node", "job", "partition", "reservation"), error


def test_a_command_has_a_time_limit_and_is_named_when_it_fails() -> None:
    assert run_command("echo", "a") == "a\n"
    for words, said in (
        (("sleep", "60"), "sleep 60: no answer within 0.2 s"),
        (("no-such-command-at-all",), "no-such-command-at-all: No such file or directory"),
        (("sh", "-c", "echo bad '\x1b[31m' >&2; exit 4"), r"bad \x1b[31m"),
    ):
        with pytest.raises(SystemDownError) as fault:
            run_command(*words, seconds=0.2)
        assert said in str(fault.value)
        assert str(fault.value).isprintable()
