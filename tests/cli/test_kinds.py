"""Files that are something else than was expected: what they are, what can be read; arguments in the wrong order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from exactfit.adapters.cli.machine_input import MACHINES, READABLE
from exactfit.adapters.kinds import kind_of

from .conftest import R_of, Runner, jobspec, slot, vertex

JOB = "slot=1/core=1"
JOBSPEC = jobspec([slot(1, vertex("core", 1))])
JGF = {"graph": {"nodes": [{"id": "0", "metadata": {"type": "cluster"}}], "edges": []}}
SACCT = "JobID|Submit|Elapsed|NCPUS\n1|2024-01-01T00:00:00|00:10:00|4\n"
SWF = "; Version: 2.2\n1 0 0 10 4 -1 -1 4 20 -1 1 1 1 1 1 -1 -1 -1\n"
CSV = "host,cores,gpus\nn0,64,4\nn1,64,4\n"

KINDS = [
    (b"PK\x03\x04rest", "a zip archive"),
    (b"PAR1\x15\x04", "a Parquet file"),
    (b"\x1f\x8b\x08", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"%PDF-1.7", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"\0" * 257 + b"ustar", "a tar archive"),
    (b"<?xml version='1.0'?>\n<topology version='2.0'>", "hwloc XML"),
    (b"<!DOCTYPE html><html>", "an HTML page"),
    (b"<a/>", "XML"),
    (json.dumps(JGF).encode(), "a graph in JGF"),
    (json.dumps(R_of(("0", "0"))).encode(), "R (RFC 20)"),
    (json.dumps([R_of(("0", "0"))], indent=2).encode(), "R (RFC 20)"),
    (json.dumps({**R_of(("0", "0")), "scheduling": JGF}).encode(), "R (RFC 20)"),
    (json.dumps(JOBSPEC).encode(), "a jobspec"),
    (yaml.safe_dump(JOBSPEC).encode(), "a jobspec"),
    (b"\xef\xbb\xbfversion: 1\nresources:\n- type: slot\n", "a jobspec"),
    (json.dumps({"id": 1, "t_submit": 2.0, "jobspec": JOBSPEC}).encode(), "jobs of Flux as JSON"),
    (json.dumps({"jobs": [{"job_id": 1, "time": {}}], "meta": {}}).encode(), "Slurm accounting as JSON (sacct --json)"),
    (SACCT.encode(), "Slurm accounting (sacct --parsable2)"),
    (SACCT.replace("|", ",").encode(), "Slurm accounting with commas"),
    (b"JobID    Submit\n-----  -----\n1   2024", "Slurm accounting in columns"),
    (SWF.encode(), "a trace in the Standard Workload Format"),
    (b"SwitchName=s0 Nodes=n[0-3]\n", "a Slurm topology"),
    (b"# a comment\nNodeName=n[0-3] CPUs=4\n", "Slurm's configuration"),
    (CSV.encode(), "CSV"),
    (b"host;cores\nn0;64\n", "CSV"),
    (b"BlockSizes=1,2\nBlockName=b Nodes=n0\n", "a Slurm topology"),
    (b'{"schema": "exactfit.topo/1", "machine": "R.json"}', "what exactfit topo --json prints"),
    (b"", None),
    (b"{", None),
    (b"[1, 2]", None),
    (b"\xff\xfe\0\0", None),
    (b"just text", None),
    (b"just text, of two clauses", None),
    (b"1 2 3\n", None),
]


@pytest.mark.parametrize(("data", "kind"), KINDS, ids=[str(kind) for _, kind in KINDS])
def test_what_a_file_seems_to_be(data: bytes, kind: str | None) -> None:
    assert kind_of(data) == kind
    assert kind_of(data + b"\n" + b" " * 200_000) == kind


@pytest.mark.parametrize(
    ("data", "kind"),
    [(data, kind) for data, kind in KINDS if kind and kind not in MACHINES],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_is_no_machine(data: bytes, kind: str, run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "machine"
    path.write_bytes(data)
    for command in (("topo", path), ("place", path, JOB), ("study", path, "lublin:jobs=3")):
        complaint = run(*command).complaint
        assert f"{path}: this is {kind}; {READABLE}" in complaint
        assert ("MACHINE before JOB" in complaint) == (kind == "a jobspec")


def test_what_can_be_read_is_not_taken_for_something_else(run: Runner, machine_R: Path, tmp_path: Path) -> None:
    R = json.loads(machine_R.read_text(encoding="utf-8"))
    names = ("t_submit", "graph", "nodes", "edges", "resources", "jobs", "job_id")
    R["execution"]["properties"] = dict.fromkeys(names, "0-3")
    machine_R.write_text(json.dumps(R), encoding="utf-8")
    assert kind_of(machine_R.read_bytes()) == "jobs of Flux as JSON"
    held, job = tmp_path / "held.json", tmp_path / "job.json"
    held.write_text(json.dumps({**R_of(("0", "0")), "t_submit": 1}), encoding="utf-8")
    job.write_text(json.dumps({**JOBSPEC, "execution": {}, "R_lite": [], "t_submit": 1}), encoding="utf-8")
    done = run("place", machine_R, job, "--allocated", held)
    assert (done.status, done.err) == (0, "")


def test_text_that_is_no_machine_hears_what_is_one(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "machine"
    for text in ("just text", "{", "[1", "a 2 3"):
        path.write_text(text, encoding="utf-8")
        assert "not JSON" in run("topo", path).complaint
        assert READABLE in run("topo", path).complaint


def test_arguments_in_the_wrong_order(run: Runner, machine_R: Path, yaml_job: Path) -> None:
    for command in ("place", "explain"):
        assert f"{yaml_job}: this is a jobspec; a machine is" in run(command, yaml_job, machine_R).complaint
        complaint = run(command, JOB, machine_R).complaint
        assert f"{JOB}: no such file" in complaint
        assert "MACHINE before JOB" in complaint
        complaint = run(command, "rfc49-a:1", machine_R).complaint
        assert f"{machine_R}: this is R (RFC 20); a job is an RFC 46 shape, or a jobspec (RFC 14)" in complaint
        assert "MACHINE before JOB" in complaint
    assert f"{machine_R}: this is R (RFC 20)" in run("check", "rfc49-a:1", machine_R, yaml_job).complaint


@pytest.mark.parametrize("data", [b"PK\x03\x04", CSV.encode(), json.dumps(JGF).encode(), SWF.encode()])
def test_what_is_no_job_and_no_allocation(data: bytes, run: Runner, machine_R: Path, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(data)
    assert f"{path}: this is {kind_of(data)}; a job is" in run("place", machine_R, path).complaint
    complaint = run("place", machine_R, JOB, "--allocated", path).complaint
    assert f"{path}: this is {kind_of(data)}; what jobs hold is R" in complaint


@pytest.mark.parametrize(
    "data", [b"<topology>", b"PK\x03\x04", b"NodeName=n[0-3] CPUs=4\n", json.dumps(JOBSPEC).encode()]
)
def test_what_is_no_slurm_topology(data: bytes, run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "topology"
    path.write_bytes(data)
    complaint = run("topo", "rfc49-a:1", "--slurm", path).complaint
    assert f"{path}: this is {kind_of(data)}; a Slurm topology is topology.conf or topology.yaml" in complaint


def test_what_place_prints_is_what_jobs_hold_and_no_machine(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "placed"
    path.write_text(run("place", "rfc49-a:1", JOB, "--json").out, encoding="utf-8")
    assert run("place", "rfc49-a:1", JOB, "--allocated", path).status == 0
    assert run("check", "rfc49-a:1", JOB, path).status == 0
    for command in (("topo", path), ("place", "rfc49-a:1", path)):
        assert f"{path}: this is what exactfit place --json prints; a " in run(*command).complaint


def test_a_shape_in_a_file_belongs_on_the_command_line(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(JOB, encoding="utf-8")
    assert "a shape is written on the command line" in run("place", "rfc49-a:1", path).complaint


READ = {
    "a trace in the Standard Workload Format",
    "Slurm accounting (sacct --parsable2)",
    "Slurm accounting with commas",
    "Slurm accounting as JSON (sacct --json)",
    "jobs of Flux as JSON",
    "CSV",
    "a Parquet file",
    "a zip archive",
    "a gzip file",
}


@pytest.mark.parametrize(
    ("data", "kind"),
    [(data, kind) for data, kind in KINDS if kind and kind not in READ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_is_no_workload(data: bytes, kind: str, run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(data)
    complaint = run("study", "rfc49-a:1", path, "--pools", "exactfit", "-o", tmp_path / "study").complaint
    assert f"{path}: this is {kind}" in complaint
    if "accounting" in kind:
        assert "sacct -a -X --parsable2 --format=JobID,Submit,Elapsed,Timelimit" in complaint
    else:
        assert "Standard Workload Format, jobs of Flux as JSON, Slurm accounting as sacct --parsable2" in complaint
        assert "lublin:" in complaint
