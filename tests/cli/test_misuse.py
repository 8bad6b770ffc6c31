"""What would be ignored in silence, left behind, or refused without need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import R_of, Runner, jobspec, slot, vertex

JOB = "slot=1/core=1"
PLACE = ("place", "rfc49-a:1", JOB)
EXPLAIN = ("explain", "rfc49-a:1", JOB)
STUDY = ("study", "rfc49-a:1", "lublin:jobs=5")
DAY = ("study", "rfc49-a:1")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        # Options that mean something beside others only.
        ((*EXPLAIN, "--order", "easy"), ["--order goes with --when"]),
        ((*EXPLAIN, "--now", "100"), ["--now goes with --when"]),
        ((*EXPLAIN, "--when", "--now", "-5"), ["--now: expected seconds since the epoch", "-5"]),
        ((*EXPLAIN, "--when", "--now", "nan"), ["--now: expected seconds since the epoch"]),
        ((*PLACE, "--priority", "1"), ["--priority goes with --joint"]),
        ((*PLACE, "--json", "--certificate"), ["--certificate and --json"]),
        ((*PLACE, "--json", "--drawing"), ["--drawing and --json"]),
        ((*EXPLAIN, "--json", "--drawing"), ["--drawing and --json"]),
        (("check", "rfc49-a:1", JOB, "-", "--policy", "spread"), ["--policy goes with --compare"]),
        (("check", "rfc49-a:1", JOB, "-", "--time-limit", "1s"), ["--time-limit goes with --compare"]),
        (("topo", "rfc49-a:1", "--topology", "x"), ["--topology", "--slurm"]),
        ((*STUDY, "--batch", "4"), ["--batch goes with --snapshots"]),
        ((*STUDY, "--as-it-was"), ["--as-it-was goes with a trace"]),
        ((*STUDY, "--patience", "0"), ["--patience: expected a time above 0"]),
        ((*STUDY, "--patience", "soon"), ["--patience: expected a time above 0", "soon"]),
        ((*STUDY, "--engine", "flux", "--workers", "4"), ["--workers goes with the local engine"]),
        ((*STUDY, "--seed", "4", "--sweep", "seeds=3"), ["--seed and seeds= of --sweep"]),
        ((*STUDY, "--load", "0.4", "--sweep", "load=0.3+0.5"), ["--load and load= of --sweep"]),
        ((*STUDY, "--pools", "exactfit", "--sweep", "pools=exactfit"), ["--pools and pools= of --sweep"]),
        ((*STUDY, "--scheduling", "fifo", "--sweep", "seeds=2,scheduling=easy"), ["--scheduling and scheduling="]),
        ((*STUDY, "--sweep", "seeds=2,seeds=3"), ["the axis seeds is given twice"]),
        ((*STUDY, "--sweep", ""), ["pools, load, seeds, scheduling"]),
        ((*STUDY, "--jobs", "4"), ["--jobs goes with a trace"]),
        # Counts of nothing, and what says one thing twice.
        ((*DAY, "lublin:jobs=0"), ["jobs: 0 is no whole number from 1"]),
        ((*DAY, "lublin:jobs=2.5"), ["jobs: 2.5 is no whole number"]),
        ((*DAY, "lublin:jobs=-1"), ["jobs: -1 is no whole number"]),
        ((*DAY, "lublin:days=0"), ["days from 0"]),
        ((*DAY, "lublin:days=1,jobs=5"), ["days and jobs exclude each other"]),
        ((*DAY, "lublin:jobs=5,jobs=6"), ["jobs is given twice"]),
        ((*STUDY, "--time-limit", "0"), ["--time-limit: expected seconds above 0"]),
        (("place", "rfc49-a:1", "slot=0/core=1"), ["less than 1"]),
    ],
)
def test_says_so(run: Runner, arguments: tuple[str, ...], parts: list[str], tmp_path: Path) -> None:
    more = ("-o", str(tmp_path / "study")) if arguments[0] == "study" else ()
    complaint = run(*arguments, *more, stdin=json.dumps(R_of(("0", "0")))).complaint
    for part in parts:
        assert part in complaint
    assert not (tmp_path / "study").exists()


def test_a_host_that_is_named_twice(run: Runner) -> None:
    xml = Path(__file__).parents[1] / "topology" / "data"
    path = next(xml.rglob("*.xml"))
    assert 'the host name "a" is given twice' in run("topo", path, "--hosts", "a,b,a").complaint
    assert run("topo", path, "--hosts", "a,b", "--no-drawing").status == 0


@pytest.mark.parametrize("version", [2, 9, 25, 998, 10000, 10**40])
def test_a_version_of_jobspecs_that_there_is_not(version: int, run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    spec = jobspec([slot(1, vertex("core", 1))])
    path.write_text(json.dumps({**spec, "version": version}), encoding="utf-8")
    for command in ("place", "explain"):
        complaint = run(command, "rfc49-a:1", path).complaint
        assert f"{path}: version: RFC 14 jobspec: " in complaint
        assert "1 is RFC 25, 999 and 9999 are RFC 14 in full" in complaint
    for known in (1, 999, 9999):
        path.write_text(json.dumps({**spec, "version": known}), encoding="utf-8")
        assert run("place", "rfc49-a:1", path).status == 0


@pytest.mark.parametrize("text", ["", "\n", "[]", "[]\n[]", '{"job": 1, "status": "insufficient", "R": null}'])
@pytest.mark.parametrize("command", ["place", "explain"])
def test_jobs_before_may_be_none(text: str, command: str, run: Runner, machine_R: Path, tmp_path: Path) -> None:
    path = tmp_path / "running.json"
    path.write_text(text, encoding="utf-8")
    done = run(command, machine_R, "slot=4/node", "--allocated", path)
    assert (done.status, done.err) == (0, "")


def test_a_very_long_duration_is_one(run: Runner, machine_R: Path, tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(jobspec([slot(1, vertex("core", 1))], duration=1e18)), encoding="utf-8")
    assert run("place", machine_R, path).status == 0
    assert run("explain", machine_R, path, "--when", "--now", "5").status == 0


class TestFilesOfAnEarlierRun:
    def test_the_R_of_a_job_that_is_refused_is_not_left(self, run: Runner, machine_R: Path, tmp_path: Path) -> None:
        target = tmp_path / "job.json"
        assert run("place", machine_R, JOB, "-o", target).status == 0
        assert run("place", machine_R, "slot=9/node", "-o", target).status == 1
        assert not target.exists()

    def test_neither_in_a_folder_nor_by_a_pattern(self, run: Runner, machine_R: Path, tmp_path: Path) -> None:
        for where, name in ((f"{tmp_path}/out/", "job-{}.json"), (f"{tmp_path}/R{{job}}.json", "../R{}.json")):
            assert run("place", machine_R, JOB, JOB, JOB, "-o", where).status == 0
            done = run("place", machine_R, JOB, "slot=9/node", "-o", where)
            there = [(tmp_path / "out" / name.format(number)).exists() for number in (1, 2, 3)]
            assert there == [True, False, True]
            last = name.format(3).removeprefix("../")
            assert done.err.endswith(f"{last} of an earlier run left as it is\n")

    def test_wrong_input_leaves_all_as_it_was(self, run: Runner, machine_R: Path, tmp_path: Path) -> None:
        target = tmp_path / "job.json"
        target.write_text("mine", encoding="utf-8")
        for wrong in (("slot=",), (JOB, "--down", "77"), (JOB, "--policy", "none"), (JOB, "--draw", "a.gif")):
            assert run("place", machine_R, *wrong, "-o", target).status == 2
        assert target.read_text(encoding="utf-8") == "mine"

    @pytest.mark.parametrize("what", ["machine", "job", "running"])
    def test_what_was_read_is_not_overwritten(
        self, what: str, run: Runner, machine_R: Path, yaml_job: Path, tmp_path: Path
    ) -> None:
        running = tmp_path / "running.json"
        running.write_text(json.dumps(R_of(("0", "0"))), encoding="utf-8")
        target = {"machine": machine_R, "job": yaml_job, "running": running}[what]
        before = target.read_bytes()
        (tmp_path / "link.json").symlink_to(target)
        for path in (target, tmp_path / "link.json"):
            complaint = run("place", machine_R, yaml_job, "--allocated", running, "-o", path).complaint
            assert "which was read from it" in complaint
        assert target.read_bytes() == before

    def test_what_is_no_file_is_left_alone(self, run: Runner, machine_R: Path) -> None:
        assert run("place", machine_R, "slot=9/node", "-o", "/dev/null").status == 1
        assert Path("/dev/null").is_char_device()


def R_with_hosts(rank: str, hosts: str) -> dict[str, Any]:
    R = R_of((rank, "0"))
    R["execution"]["nodelist"] = [hosts]
    return R


class TestHosts:
    """The machine has n0 to n3 under ranks 0 to 3."""

    @pytest.mark.parametrize(
        ("rank", "hosts", "says"),
        [
            ("0", "n1", 'rank 0 is host "n1" there, and "n0" on the machine'),
            ("0-3", "n[0,1,3,2]", 'rank 2 is host "n3" there, and "n2" on the machine'),
            ("3", "elsewhere", 'rank 3 is host "elsewhere" there'),
        ],
    )
    def test_another_host_under_a_rank_is_refused(
        self, rank: str, hosts: str, says: str, run: Runner, machine_R: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "other.json"
        path.write_text(json.dumps(R_with_hosts(rank, hosts)), encoding="utf-8")
        for command in ("place", "explain"):
            assert f"--allocated: {path}: {says}" in run(command, machine_R, JOB, "--allocated", path).complaint
        assert f"{path}: {says}" in run("check", machine_R, JOB, path).complaint

    @pytest.mark.parametrize(("rank", "hosts"), [("0", "n0"), ("1-2", "n[1-2]"), ("1", "")])
    def test_the_same_host_and_none_pass(
        self, rank: str, hosts: str, run: Runner, machine_R: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "same.json"
        path.write_text(json.dumps(R_with_hosts(rank, hosts) if hosts else R_of((rank, "0"))), encoding="utf-8")
        assert run("place", machine_R, JOB, "--allocated", path).status == 0

    def test_a_machine_without_names_takes_any(self, run: Runner, machine_R: Path, tmp_path: Path) -> None:
        R = json.loads(machine_R.read_text(encoding="utf-8"))
        del R["execution"]["nodelist"]
        machine_R.write_text(json.dumps(R), encoding="utf-8")
        path = tmp_path / "other.json"
        path.write_text(json.dumps(R_with_hosts("0", "elsewhere")), encoding="utf-8")
        assert run("place", machine_R, JOB, "--allocated", path).status == 0
