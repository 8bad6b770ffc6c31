"""Traces of newer kinds become jobs with what they say. Texts here are made by the published schemas; Eagle's is real.

- PM100: F. Antici et al., SC-W 2023; F-DATA: F. Antici et al., Scientific Data 2025; Lassen: T. Patki et al., CLUSTER
  2021 (CSM's histories of allocations and nodes); Alibaba: Q. Weng et al., USENIX ATC 2023; Helios: Q. Hu et al.,
  SC 2021; Philly: M. Jeon et al., USENIX ATC 2019; Batsim 4's JSON workloads; Slurm's data parser v0.0.40.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.study.workloads.source import read_trace
from exactfit.adapters.study.workloads.trace import TraceJob, WorkloadError
from exactfit.grammar.hostlist import Hostlist

ROOT = Path(__file__).parents[2]

Written = Callable[[str], str]

PM100 = """\
job_id,submit_time,run_time,time_limit,num_cores_alloc,num_nodes_alloc,num_gpus_alloc,priority,partition,user_id
5,2020-05-04 10:00:00+00:00,3600,1440,128,1,4,1000,1,77
6,2020-05-04 10:00:30+00:00,0,60,32,1,0,1000,1,77
"""
FDATA = """\
jid;usr;adt;sdt;edt;cnumr;nnumr;elpl;exit state
j1;u1;2023-09-01 00:00:10;2023-09-01 00:01:00;2023-09-01 00:02:40;96;2;600;completed
"""
LASSEN = """\
allocation_id,primary_job_id,launch_node_name,isolated_cores,user_flags,system_flags,ssd_min,ssd_max,num_nodes,\
num_processors,num_gpus,projected_memory,type,job_type,hashed_user_id,hashed_user_group_id,begin_time,end_time,\
exit_status,job_submit_time,queue,requeue,time_limit,smt_mode,core_blink
1,10,lassen708,0,,,0,0,16,0,0,0,user-managed,batch,abc,def,2019-01-01 08:10:00,2019-01-01 09:10:00,0,\
2019-01-01 08:00:00.12,pbatch,,7200,4,f
"""
LASSEN_NODES = """\
allocation_id,node_name,shared,energy,gpfs_read,gpfs_write,ib_tx,ib_rx,power_cap,power_shifting_ratio,\
power_cap_hit,gpu_usage,gpu_energy,cpu_usage,memory_usage_max
1,lassen11,f,1,2,3,4,5,3050,100,0,6,7,8,9
1,lassen9,f,1,2,3,4,5,3050,100,0,6,7,8,9
2,lassen4,f,1,2,3,4,5,3050,100,0,6,7,8,9
1,lassen10,f,1,2,3,4,5,3050,100,0,6,7,8,9
"""
ALIBABA = """\
name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
openb-pod-0000,6500,12288,1,460,,LS,Running,427061,12902960,427100
openb-pod-0001,1000,1024,0,0,,BE,Pending,427070,427100,
"""
HELIOS = """\
job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue
3,u7,vcA,16,64,2,COMPLETED,2020-04-01 00:00:05,2020-04-01 00:01:05,2020-04-01 01:01:05,3600,60
"""


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("text", "job", "left_out", "note"),
    [
        (PM100, ("5", seconds("2020-05-04 10:00:00"), 3600, 86400, 128, 1, 4, 0.0, 1000, "1", "77"), 1, "PM100"),
        (FDATA, ("j1", seconds("2023-09-01 00:00:10"), 100, 600, 96, 2, 0, 0.0, 16, "", "u1"), 0, "F-DATA"),
        (
            LASSEN,
            ("10", seconds("2019-01-01 08:00:00") + 0.12, 3600, 7200, 640, 16, 64, 0.0, 16, "pbatch", "abc"),
            0,
            "whole",
        ),
        (ALIBABA, ("openb-pod-0000", 427061, 12475860, 0, 7, 1, 1, 12.0, 16, "LS", ""), 1, "a share of a GPU"),
        (HELIOS, ("3", seconds("2020-04-01 00:00:05"), 3600, 0, 64, 2, 16, 0.0, 16, "vcA", "u7"), 0, "Helios"),
    ],
    ids=["pm100", "f-data", "lassen", "alibaba", "helios"],
)
def test_tables_that_are_known(text: str, job: tuple[Any, ...], left_out: int, note: str, written: Written) -> None:
    trace = read_trace(written(text))
    assert [replace(one, start=None) for one in trace.jobs] == [TraceJob(*job)]
    assert trace.left_out == left_out
    assert note in " ".join(trace.remarks)


def test_lassens_nodes_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "final_csm_allocation_history_hashed.csv").write_text(LASSEN)
    (tmp_path / "final_csm_allocation_node_history.csv").write_text(LASSEN_NODES)
    (tmp_path / "final_csm_step_history.csv").write_text("allocation_id,step_id,num_gpus\n1,1,4\n")
    (job,) = read_trace(str(tmp_path)).jobs
    assert sorted(Hostlist.parse(job.hosts)) == ["lassen10", "lassen11", "lassen9"]
    assert (job.name, job.nodes, job.start) == ("10", 16, seconds("2019-01-01 08:10:00"))


@pytest.mark.parametrize("there", [(), ("a",), ("b",)])
def test_a_folder_lacks_a_table(there: tuple[str, ...], tmp_path: Path) -> None:
    for name in there:
        (tmp_path / f"{name}.csv").write_text(LASSEN if name == "a" else LASSEN_NODES)
    with pytest.raises(WorkloadError, match="a folder with Lassen's allocation history and node history as CSV"):
        read_trace(str(tmp_path))


def test_a_broken_row_of_nodes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(LASSEN)
    (tmp_path / "b.csv").write_text(LASSEN_NODES + "3,lassen1\n")
    with pytest.raises(WorkloadError, match=r"b\.csv:6: the head line has 15 fields, this line has 2"):
        read_trace(str(tmp_path))


def test_a_cut_of_eagles_real_trace() -> None:
    """Every tenth job of NREL's public sample; data/eagle says where it is from."""
    trace = read_trace(str(Path(__file__).parent / "data" / "eagle" / "sample.csv"))
    assert (len(trace.jobs), trace.left_out) == (100, 0)
    first = trace.jobs[0]
    assert (first.name, first.processors, first.nodes) == ("532209", 10, 10)
    assert (first.limit, first.runtime) == (172800.0, 99825.0)
    assert first.submit == seconds("2019-01-01 08:55:55")
    assert trace.remarks[-1] == "read as Eagle (NREL)"


def _mappings() -> dict[str, str]:
    """The mapping files of the page on studies, by the first word of their first comment."""
    text = (ROOT / "adapters" / "docs" / "how-to" / "study.md").read_text(encoding="utf-8")
    return dict(re.findall(r"```\n# (\w+)[^\n]*\n(.*?)```", text, re.DOTALL))


ADASTRA = {
    "job_id": [7, 8],
    "user_id": [3, 3],
    "num_nodes_alloc": [2, 1],
    "run_time": [3600, 0],
    "time_limit": [7200, 7200],
    "submit_time": [datetime(2023, 9, 1, 10, 0, 0, tzinfo=timezone.utc)] * 2,
    "start_time": [datetime(2023, 9, 1, 10, 5, 0, tzinfo=timezone.utc)] * 2,
    "end_time": [datetime(2023, 9, 1, 11, 5, 0, tzinfo=timezone.utc)] * 2,
    "nodes": [["g1001", "g1002"], ["g1003"]],
    "priority": [900, 900],
    "job_state": ["COMPLETED", "CANCELLED"],
}
KESTREL = {
    "job_id": [7, 8],
    "account": ["a1", "a1"],
    "nodes_required": [2, 1],
    "wall_time": [3600, 0],
    "submit_time": [datetime(2024, 9, 1, 10, 0, 0, tzinfo=timezone.utc)] * 2,
    "start_time": [datetime(2024, 9, 1, 10, 5, 0, tzinfo=timezone.utc)] * 2,
    "end_time": [datetime(2024, 9, 1, 11, 5, 0, tzinfo=timezone.utc)] * 2,
    "nodes": ["x1001c0s0b0n0,x1001c0s0b0n1", "x1001c0s1b0n0"],
    "power_per_node": [500.0, 500.0],
}


@pytest.mark.parametrize(
    ("name", "table", "processors", "gpus", "hosts"),
    [
        ("Adastra", ADASTRA, 128, 16, "g1001,g1002"),
        ("Kestrel", KESTREL, 208, 0, "x1001c0s0b0n0,x1001c0s0b0n1"),
    ],
)
def test_mapping_files_of_the_documentation(
    name: str, table: dict[str, list[Any]], processors: int, gpus: int, hosts: str, tmp_path: Path
) -> None:
    """By the columns that the public readers of both data sets use."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "jobs.parquet"
    parquet.write_table(pyarrow.table(table), path)
    trace = read_trace(str(path), _mappings()[name])
    (job,) = trace.jobs
    assert trace.left_out == 1
    assert (job.name, job.processors, job.nodes, job.gpus, job.runtime) == ("7", processors, 2, gpus, 3600.0)
    assert (job.hosts, job.start) == (hosts, job.submit + 300.0)


SLURM = {
    "jobs": [
        {
            "job_id": 10,
            "user": "a",
            "partition": "gpu",
            "allocation_nodes": 2,
            "priority": {"set": True, "infinite": False, "number": 100},
            "time": {"submission": 1000, "elapsed": 600, "limit": {"set": True, "infinite": False, "number": 60}},
            "tres": {
                "allocated": [
                    {"type": "cpu", "name": "", "count": 16},
                    {"type": "gres", "name": "gpu:a100", "count": 3},
                    {"type": "gres", "name": "gpu:v100", "count": 1},
                ],
                "requested": [{"type": "cpu", "name": "", "count": 8}, {"type": "mem", "name": "", "count": 8192}],
            },
        },
        {"job_id": 11, "time": {"submission": 1001, "elapsed": 0}, "tres": {}, "allocation_nodes": 0},
    ]
}
BATSIM = {
    "nb_res": 4,
    "jobs": [{"id": "w0!1", "subtime": 10, "walltime": 100, "res": 4, "profile": "a"}],
    "profiles": {"a": {"type": "delay", "delay": 20.5}},
}
PHILLY_R = {
    "version": 1,
    "execution": {
        "R_lite": [{"rank": "0", "children": {"gpu": "0-1"}}, {"rank": "1", "children": {"gpu": "3"}}],
        "nodelist": ["m1", "m2"],
    },
}
PHILLY = [
    {
        "status": "Pass",
        "vc": "v1",
        "jobid": "app_1",
        "attempts": [
            {"start_time": "2017-10-03 14:10:00", "end_time": "2017-10-03 14:11:00", "detail": []},
            {
                "start_time": "2017-10-03 14:20:00",
                "end_time": "2017-10-03 15:20:00",
                "detail": [{"ip": "m1", "gpus": ["gpu0", "gpu1"]}, {"ip": "m2", "gpus": ["gpu3"]}],
            },
        ],
        "submitted_time": "2017-10-03 14:09:00",
        "user": "u",
    },
    {
        "status": "Killed",
        "vc": "v1",
        "jobid": "app_2",
        "attempts": [],
        "submitted_time": "2017-10-03 14:10:00",
        "user": "u",
    },
]


@pytest.mark.parametrize(
    ("value", "job", "left_out"),
    [
        (SLURM, ("10", 1000, 600, 3600, 16, 2, 4, 8.0, 100, "gpu", "a"), 1),
        (BATSIM, ("w0!1", 10, 20.5, 100, 4, 0, 0, 0.0, 16, "", ""), 0),
        (
            PHILLY,
            (
                *("app_1", seconds("2017-10-03 14:09:00"), 3600, 0, 3, 2, 3, 0.0, 16, "v1", "u", None, None),
                *(seconds("2017-10-03 14:20:00"), "", PHILLY_R),
            ),
            1,
        ),
    ],
    ids=["sacct", "batsim", "philly"],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_jobs_in_json(value: Any, job: tuple[Any, ...], left_out: int, indent: int | None, written: Written) -> None:
    trace = read_trace(written(json.dumps(value, indent=indent)))
    assert (trace.jobs, trace.left_out) == ((TraceJob(*job),), left_out)


def test_accounting_with_commas(written: Written) -> None:
    text = "JobID,Submit,Elapsed,NCPUS,ReqTRES,User\n7,2026-03-01T10:00:00,01:00,16,cpu=16,gres/gpu=4,mem=8G,a\n"
    (job,) = read_trace(written(text)).jobs
    assert (job.name, job.processors, job.gpus, job.user) == ("7", 16, 4, "a")


def test_more_fields_than_eighteen_are_a_sites_own(written: Written) -> None:
    line = "1 100 5 60 4 -1 -1 8 120 -1 1 7 -1 -1 3 -1 -1 -1"
    trace = read_trace(written(f"{line} gpu 4 -1\n{line} cpu 0 -1\n"))
    assert (len(trace.jobs), trace.jobs[0].processors) == (2, 4)
    assert "3 fields a line beyond the 18 of the format passed over" in trace.notes
    with pytest.raises(WorkloadError, match=r":2: a job has 19 fields, this line has 18"):
        read_trace(written(f"{line} 7\n{line}\n"))


MAPPING = """\
submit = when            # seconds
runtime = end - when
processors = 4 * nodes_
name = who
"""


def test_a_mapping_says_what_columns_mean(written: Written) -> None:
    table = written("who\twhen\tend\tnodes?\na\t5\t25\t2\nb\t\t9\t1\n")
    with pytest.raises(WorkloadError, match="--columns FILE says what they mean"):
        read_trace(table)
    trace = read_trace(table, MAPPING, "x.columns")
    assert (trace.jobs, trace.left_out) == ((TraceJob("a", 5, 20, 0, 8),), 1)


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        ("submit = when", "x: nothing says what runtime and processors is"),
        ("submit = then", "x:1: 'then' is not known"),
        ("when", "x:1: expected FIELD = COLUMNS"),
        ("cores = 1", "x:1: expected FIELD = COLUMNS"),
        ("submit = when\nsubmit = when", "x:2: submit is given twice"),
        ("user = nobody", "x:1: there is no column 'nobody'"),
        ("submit = when.real", "x:1: not allowed in an expression"),
    ],
)
def test_a_mapping_that_is_none(mapping: str, fault: str, written: Written) -> None:
    with pytest.raises(WorkloadError, match=fault):
        read_trace(written("when,end\n1,2\n"), mapping, "x")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (HELIOS + "4,u\n", ":3: the head line has 12 fields, this line has 2"),
        (HELIOS.replace("3600", "an hour"), ":2: duration: neither a number nor a time: 'an hour'"),
        (HELIOS.splitlines()[0], "holds no job"),
        (json.dumps({**BATSIM, "profiles": {"a": {"type": "smpi"}}}), "job 1: its profile is of type 'smpi'"),
        (json.dumps({**BATSIM, "profiles": {}}), "job 1: lacks 'a'"),
        (json.dumps(BATSIM)[:-3], "no JSON"),
        ('{"job_id": 1, "jobs": 2}', "expected a list of jobs"),
        ('{"jobs": [{"job_id": 1}]}', "job 1: lacks 'time'"),
        ('[{"attempts": 1, "submitted_time": 2}]', "job 1: "),
    ],
)
def test_what_cannot_be_read_is_named(text: str, fault: str, written: Written) -> None:
    with pytest.raises(WorkloadError, match=fault):
        read_trace(written(text))


def test_parquet_is_read_as_the_same_table_in_text(tmp_path: Path, written: Written) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    head, *rows = [line.split(",") for line in PM100.splitlines()]
    columns: dict[str, list[Any]] = dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))
    columns["submit_time"] = [datetime.fromisoformat(text) for text in columns["submit_time"]]
    columns["run_time"] = [int(text) for text in columns["run_time"]]
    parquet.write_table(arrow.table(columns), tmp_path / "job_table.parquet")
    found = read_trace(str(tmp_path / "job_table.parquet"))
    assert found.jobs == read_trace(written(PM100)).jobs
    (tmp_path / "broken.parquet").write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(WorkloadError, match="no table in Parquet"):
        read_trace(str(tmp_path / "broken.parquet"))


def test_packed_and_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: Written) -> None:
    jobs = read_trace(written(HELIOS)).jobs
    for members in ({"a/log.csv": HELIOS.encode()}, {"log.csv.gz": gzip.compress(HELIOS.encode()), "__MACOSX/x": b""}):
        with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        assert read_trace(str(tmp_path / "log.zip")).jobs == jobs
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("a.csv", HELIOS)
        archive.writestr("b.csv", HELIOS)
    with pytest.raises(WorkloadError, match="a zip archive of 2 files; a workload is one"):
        read_trace(str(tmp_path / "log.zip"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HELIOS.encode())))
    assert read_trace("-").jobs == jobs
