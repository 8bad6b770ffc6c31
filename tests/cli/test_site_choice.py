"""What the site chose in R and in the environment holds on the command line, is said, and is overruled by options."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.study.pools import PoolName
from exactfit.adapters.study.task import Source, Task
from json_schema import faults

from .conftest import R_of, Run, Runner, jobspec, slot, vertex

DECIDING = ("place", "explain", "check")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLICY", "TIME_LIMIT", "SLOT_EXCLUSIVE", "UNKNOWN_TYPES"):
        monkeypatch.delenv(f"EXACTFIT_{name}", raising=False)


def with_choice(machine: Path, **chosen: Any) -> Path:
    """Return a file of the machine whose R says what the site chose."""
    R = json.loads(machine.read_text(encoding="utf-8"))
    R["scheduling"] = {"exactfit": {name.replace("_", "-"): value for name, value in chosen.items()}}
    path = machine.with_name("site.json")
    path.write_text(json.dumps(R), encoding="utf-8")
    return path


def start(command: str, run: Runner, machine: Path, *more: str, shape: str = "slot=1/core=1") -> Run:
    """Run a command on a job, for `check` with a placement that is legal."""
    placed = machine.with_name("placed.json")
    placed.write_text(json.dumps(R_of(("0", "0"))), encoding="utf-8")
    return run(command, machine, shape, *([placed] if command == "check" else []), *more)


def terms(done: Run) -> list[str]:
    return list(done.lines[0]["R"]["scheduling"]["certificate"]["terms"])


def test_the_policy_of_R_places(run: Runner, machine_R: Path) -> None:
    busy = machine_R.with_name("busy.json")
    busy.write_text(json.dumps(R_of(("0", "0"))), encoding="utf-8")
    state = ("--allocated", str(busy), "--json")
    spread = with_choice(machine_R, policy="spread")
    for machine, more, rank in ((machine_R, (), "0"), (spread, (), "1"), (spread, ("--policy", "pack"), "0")):
        done = start("place", run, machine, *state, *more)
        assert done.lines[0]["R"]["execution"]["R_lite"][0]["rank"] == rank


def test_the_environment_wins_over_R_and_options_over_both(
    run: Runner, machine_R: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = with_choice(machine_R, policy="spread")
    monkeypatch.setenv("EXACTFIT_POLICY", "lowest")
    assert terms(start("place", run, site, "--json")) == ["size"]
    assert "shield" in terms(start("place", run, site, "--json", "--policy", "pack"))


@pytest.mark.parametrize("command", DECIDING)
def test_one_line_says_what_is_not_the_default_and_where_it_is_written(
    command: str, run: Runner, machine_R: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = with_choice(machine_R, policy="spread", time_limit=10)
    monkeypatch.setenv("EXACTFIT_TIME_LIMIT", "400ms")
    done = start(command, run, site)
    assert done.err == (
        f"exactfit: the site chose policy spread ({site}: scheduling.exactfit.policy), "
        "time-limit 0.4 s (EXACTFIT_TIME_LIMIT)\n"
    )
    assert done.status == 0


@pytest.mark.parametrize("command", DECIDING)
def test_nothing_is_said_of_defaults_and_of_what_the_command_line_says(
    command: str, run: Runner, machine_R: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = with_choice(machine_R, policy="pack", unknown_types="refuse")
    monkeypatch.setenv("EXACTFIT_SLOT_EXCLUSIVE", "rfc14")
    assert start(command, run, site, "--slot-exclusive", "shared").err == ""


@pytest.mark.parametrize("command", DECIDING)
def test_unknown_types_are_passed_over_where_the_site_says_so(command: str, run: Runner, machine_R: Path) -> None:
    shape = "slot=1/[core=1;ssd=1]"
    assert start(command, run, machine_R, shape=shape).status == 1
    assert start(command, run, with_choice(machine_R, unknown_types="ignore"), shape=shape).status == 0


def test_domains_are_taken_whole_where_the_site_says_so(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tmp_path / "job.json"
    job.write_text(json.dumps(jobspec([slot(1, vertex("numa", 1, vertex("core", 1)))])), encoding="utf-8")
    cores = []
    for value in ("shared", "rfc14"):
        monkeypatch.setenv("EXACTFIT_SLOT_EXCLUSIVE", value)
        (line,) = run("place", "rfc49-a:1", job, "--json").lines
        cores.append(line["R"]["execution"]["R_lite"][0]["children"]["core"])
    assert cores == ["0", "0-14"]


@pytest.mark.parametrize("command", DECIDING)
@pytest.mark.parametrize(
    ("chosen", "parts"),
    [
        ({"policy": "nonsense"}, ["scheduling.exactfit.policy", "nonsense", "lowest"]),
        ({"time_limit": -1}, ["scheduling.exactfit.time-limit: expected seconds above 0, got -1"]),
        ({"time_limit": "1 week"}, ["scheduling.exactfit.time-limit: expected seconds"]),
        ({"colour": "red"}, ["scheduling.exactfit: no option is called 'colour'"]),
    ],
)
def test_nonsense_in_R_is_refused_by_its_place(
    command: str, chosen: Any, parts: list[str], run: Runner, machine_R: Path
) -> None:
    site = with_choice(machine_R, **chosen)
    complaint = start(command, run, site).complaint
    for part in (str(site), *parts):
        assert part in complaint


@pytest.mark.parametrize("command", DECIDING)
def test_nonsense_in_the_environment_is_refused_by_its_name(
    command: str, run: Runner, machine_R: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXACTFIT_UNKNOWN_TYPES", "drop")
    assert start(command, run, machine_R).complaint == (
        "EXACTFIT_UNKNOWN_TYPES: expected one of refuse, ignore, got 'drop'"
    )
    assert start(command, run, machine_R, "--unknown-types", "refuse").status == 0


def test_what_the_site_chose_stays_in_the_R_that_topo_writes(run: Runner, machine_R: Path, tmp_path: Path) -> None:
    site, written = with_choice(machine_R, policy="spread"), tmp_path / "written.json"
    assert run("topo", site, "-o", written).status == 0
    assert json.loads(written.read_text(encoding="utf-8"))["scheduling"]["exactfit"] == {"policy": "spread"}


def test_what_the_site_chose_in_R_travels_with_the_R_of_jobs(run: Runner, machine_R: Path) -> None:
    choice = {"policy": "spread"}
    (line,) = start("place", run, with_choice(machine_R, **choice), "--json").lines
    assert line["R"]["scheduling"]["exactfit"] == choice
    assert faults(line, json.loads(run("--schema", "place").out)) == []
    (line,) = start("place", run, machine_R, "--json").lines
    assert "exactfit" not in line["R"]["scheduling"]


@pytest.mark.parametrize(("text", "told"), [("20s", "20 s"), ("0.25", "0.25 s"), ("2m", "120 s"), ("400ms", "0.4 s")])
def test_a_time_limit_may_have_a_unit(
    text: str, told: str, run: Runner, machine_R: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start("place", run, machine_R, "--time-limit", text).status == 0
    monkeypatch.setenv("EXACTFIT_TIME_LIMIT", text)
    assert f"time-limit {told} (EXACTFIT_TIME_LIMIT)" in start("place", run, machine_R).err


def test_ranks_that_are_down_accumulate(run: Runner, machine_R: Path) -> None:
    def ranks(*down: str) -> str:
        (line,) = start("place", run, machine_R, "--json", *(x for one in down for x in ("--down", one))).lines
        return str(line["R"]["execution"]["R_lite"][0]["rank"])

    assert [ranks(), ranks("0"), ranks("0", "1"), ranks("1", "n[0,2]"), ranks("0-1", "n0", "2")] == list("01233")
    assert start("explain", run, machine_R, "--down", "0", "--down", "1-3").status == 1
    assert "--down: the machine has no rank 9" in start("place", run, machine_R, "--down", "0", "--down", "9").complaint


class TestStudy:
    WORKLOAD = ("lublin:jobs=3", "--pools", "exactfit,exactfit:pack", "--workers", "1", "--no-prove")

    def test_its_pool_obeys_the_site_and_a_named_policy_does_not(self) -> None:
        choice = {"policy": "spread", "slot_exclusive": "rfc14", "unknown_types": "ignore"}
        task = Task("run", {}, Source(), ("exactfit",), choice=choice, time_limit=2.0)
        given = {name: PoolName.read(name).keywords(choice, 2.0) for name in ("exactfit", "exactfit:lowest", "Rv1Pool")}
        assert given["exactfit"] == {**choice, "time_limit": 2.0}
        assert given["exactfit:lowest"] == {**choice, "policy": "lowest", "time_limit": 2.0}
        assert given["Rv1Pool"] == {}
        # What was found under another choice is not taken for this.
        assert replace(task, choice={**choice, "policy": "pack"}).key != task.key

    def test_it_says_what_the_site_chose(
        self, run: Runner, machine_R: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site = with_choice(machine_R, policy="spread")
        monkeypatch.setenv("EXACTFIT_TIME_LIMIT", "2s")
        done = run("study", site, *self.WORKLOAD, "-o", tmp_path / "study")
        assert done.status == 0
        assert done.err == (
            f"exactfit: the site chose policy spread ({site}: scheduling.exactfit.policy), "
            "time-limit 2 s (EXACTFIT_TIME_LIMIT)\n"
        )

    def test_nonsense_is_refused_by_its_place(
        self, run: Runner, machine_R: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EXACTFIT_POLICY", "nonsense")
        assert "EXACTFIT_POLICY: " in run("study", machine_R, *self.WORKLOAD, "-o", tmp_path / "study").complaint
