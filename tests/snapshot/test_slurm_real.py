"""A snapshot of a real Slurm of four emulated nodes, with jobs that run and wait; skipped where there is none."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from emulated_slurm import EmulatedSlurm
from exactfit.adapters.cli import app
from exactfit.adapters.snapshot.commands import run_command
from exactfit.adapters.snapshot.model import Running, Snapshot, Waiting, read_snapshot
from exactfit.adapters.snapshot.take import take
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R
from real_slurm import UnavailableError

HOSTILE = "evil\n\nJobId=1 JobName=x\n   Priority=99 \x1b[31m\u202e"


IDS: dict[str, str] = {}


@pytest.fixture(scope="module")
def taken(slurm: EmulatedSlurm) -> Snapshot:
    """Submit jobs, wait for those that can to run, and take a snapshot."""
    running = {
        "two": ("-N2", "--ntasks-per-node=2", "-c4", "-t", "60", "-C", "fast"),
        "gpu": ("--gres=gpu:a100:2", "-n1", "-c8", "--mem=4000", "-t", "30", "-w", "n0"),
        "tasks": ("-n4", "--gpus-per-task=1", "-c2", "-t", "120", "-w", "n2"),
        "whole": ("-N1", "--exclusive", "-t", "5", "-w", "n3"),
    }
    waiting = {
        "array": ("-a", "1-3", "-n1", "-c16", "--mem-per-cpu=200", "-C", "fast&ib", "-t", "10"),
        "switch": ("-N2", "--switches=1@1:00:00", "-n", "32", "-t", "100"),
        "named": ("-J", HOSTILE, "-N1", "-n1", "-w", "n3", "-t", "1-00:00:00"),
        "after": ("-n", "1", "-d", "afterany:999999999"),
        "held": ("-H", "-n", "2", "-p", "small"),
        "large": ("-N8", "-n8"),
        "later": ("-n1", "--begin=now+2hours"),
        "spread": ("-n", "10", "-N", "1-3", "--ntasks-per-socket=2", "-x", "n0"),
        "pairs": ("-N2", "--gpus-per-node=3", "-t", "20", "--cpus-per-gpu=2"),
        "five": ("--gpus=5", "-n", "5"),
    }
    for name, arguments in running.items():
        IDS[name] = slurm.submit("-J", name, *arguments)
    deadline = time.monotonic() + 30
    while slurm.command("squeue", "-h", "-t", "R", "-o", "%i").count("\n") < len(running):
        assert time.monotonic() < deadline, slurm.command("squeue")
        time.sleep(0.2)
    for name, arguments in waiting.items():
        try:
            IDS[name] = slurm.submit(*(() if name == "named" else ("-J", name)), *arguments)
        except UnavailableError:
            # A version may refuse at once what another lets wait for ever.
            continue
    slurm.command("scontrol", "update", "nodename=n3", "state=drain", "reason=bad $(fan)")
    slurm.command(
        "scontrol", "create", "reservation", "reservationname=maint", "starttime=now+1day", "duration=120", "nodes=n1",
        "user=root", "flags=maint",
    )  # fmt: skip
    time.sleep(3)
    return take("slurm")


def running(taken: Snapshot, name: str) -> Running:
    found = taken.job(IDS[name])
    assert isinstance(found, Running)
    return found


def waiting(taken: Snapshot, name: str) -> Waiting:
    found = taken.job(IDS[name])
    assert isinstance(found, Waiting)
    return found


def test_the_machine_is_as_slurm_says(taken: Snapshot) -> None:
    machine = read_R(taken.R)
    assert list(machine.hosts) == ["n0", "n1", "n2", "n3"]
    assert machine.type_names == ("switch2", "switch", "node", "socket", "core", "gpu", "memory")
    assert [list(machine.ids_of(group.members)) for group in machine.groups[1:]] == [[0, 1], [2, 3]]
    (kind,) = machine.types
    assert (kind.cores, kind.gpus, kind.domains[0].memory) == ((1 << 16) - 1, 0b1111, 16000 / 1024)
    assert {name: list(machine.ids_of(mask)) for name, mask in machine.properties.items()} == {
        "fast": [0, 1],
        "ib": [0, 1],
        "slow": [2, 3],
        "gpu:a100": [0, 1, 2, 3],
    }
    assert [(down.ranks, "drain" in down.state, "bad $(fan)" in down.why) for down in taken.down] == [("3", True, True)]
    assert [(one.name, one.ranks, one.end - one.start) for one in taken.reservations] == [("maint", "1", 7200)]
    queues = {queue.name: queue for queue in taken.queues}
    assert (queues["small"].tier, dict(queues["small"].limits)) == (10, {"nodes": 1, "seconds": 3600.0})
    assert (taken.system, taken.cluster, taken.version[:3]) == ("slurm", "emulated", taken.version[:3])


def test_each_job_holds_what_slurm_gave_it(taken: Snapshot) -> None:
    pool = Pool(read_R(taken.R))
    for number, job in enumerate(taken.running):
        pool.register_alloc(number, job.R)
    lite = {name: running(taken, name).R["execution"]["R_lite"] for name in ("two", "gpu", "tasks", "whole")}
    assert lite["whole"] == [{"rank": "3", "children": {"core": "0-15", "gpu": "0-3"}}]
    assert lite["two"] == [{"rank": "0-1", "children": {"core": "0-7"}}]
    assert lite["gpu"] == [{"rank": "0", "children": {"core": "8-15", "gpu": "2-3"}}]
    assert lite["tasks"][0]["children"]["gpu"] == "0-3"
    (slot,) = running(taken, "gpu").R["scheduling"]["placement"][0]["slots"]
    assert slot["memory"] == 4000 / 1024
    assert running(taken, "gpu").end - running(taken, "gpu").start == 1800
    assert [line for line in taken.unseen if "may not be seen" in line] == []


def test_requests_become_resources(taken: Snapshot) -> None:
    def asked(name: str) -> tuple[str, list[str]]:
        job = waiting(taken, name)
        return shape(job.jobspec["resources"]), list(job.left_out)

    assert shape(taken.waiting[0].jobspec["resources"]) == "slot=2/[core=1;memory=100]", "the higher tier goes first"
    array = [job for job in taken.waiting if job.id.startswith(f"{IDS['array']}_")]
    assert [job.id.partition("_")[2] for job in array] == ["1", "2", "3"]
    assert shape(array[0].jobspec["resources"]) == "slot=1/[core=16;memory=3200]"
    assert {"properties": ["ib"]} in array[0].jobspec["attributes"]["system"]["constraints"]["and"][1]["and"]
    assert asked("switch") == ("switch=1/node=2/slot=16/[core=1;memory=100]", [])
    assert asked("pairs") == ("node=2/slot=1/[core=6;gpu=3;memory=600]", [])
    shape_of_five, left = asked("five")
    assert shape_of_five == "slot=5/[core=1;gpu=1;memory=100]"
    assert "--gpus=5: 1 for each task" in left
    assert asked("spread")[1] == ["--nodes=1-3: any number of nodes", "--ntasks-per-socket=2"]
    not_there = waiting(taken, "spread").jobspec["attributes"]["system"]["constraints"]["and"][1]
    assert not_there == {"not": [{"hostlist": ["n0"]}]}


def shape(resources: list[dict[str, object]]) -> str:
    texts = []
    for vertex in resources:
        inside = vertex.get("with")
        text = f"{vertex['type']}={vertex['count']}"
        texts.append(f"{text}/{shape(inside)}" if isinstance(inside, list) else text)
    return texts[0] if len(texts) == 1 else f"[{';'.join(texts)}]"


def test_what_cannot_start_anyway_says_why(taken: Snapshot) -> None:
    assert waiting(taken, "held").blocked == "held by its user"
    if "large" in IDS:
        assert waiting(taken, "large").blocked == "asks for more nodes than its partition allows"
    later = waiting(taken, "later")
    assert later.blocked == ""
    assert 7000 < later.begin - taken.taken < 7300


def test_a_name_that_holds_fields_of_its_own_is_read_from_json(taken: Snapshot) -> None:
    named = waiting(taken, "named")
    assert (named.name, named.user, named.seconds) == (HOSTILE, "root", 86400.0)
    assert all(job.priority < 99 for job in taken.waiting)
    assert not any("cannot be read" in line for line in taken.unseen)
    first = taken.job("1")
    assert isinstance(first, Running)
    assert first.name == "two", "what the name says of job 1 is no more than a name"


EXPLAINED = {
    "array_1": ("insufficient", "there is room for none now", "it starts by ", "ask for core=8 instead of 16"),
    "switch": (
        "insufficient",
        "there is room for 8 now in the best switch",
        "they go first",
        "let jobs 1 of root and 2",
    ),
    "named": (
        "insufficient",
        "more on ranks that are down (3)",
        "rank 3 is allocated+drain: bad $(fan)",
        "drop hostlist:n3",
    ),
    "held": ("fits", "", "it cannot start whatever is free: it is held by its user", ""),
    "large": ("infeasible", "4 exist", "asks for more nodes than its partition allows", "ask for node=4 instead of 8"),
    "later": ("fits", "", "it is not to start before ", ""),
    "spread": ("insufficient", "", "not looked at, as it has no counterpart here: --nodes=1-3", "slot=7 instead of 10"),
    "pairs": ("insufficient", "there is room for 1 now", "it starts by ", "ask for node=1 instead of 2"),
    "five": ("insufficient", "there is room for none now", "--gpus=5: 1 for each task", "let jobs 1 of root and 3"),
}
"""Of each job that waits: whether it fits, a part of why not, of why it waits, and of what would help."""


def told(*arguments: str) -> list[dict[str, Any]]:
    """Return what explain says of jobs, as JSON."""
    done = CliRunner().invoke(app, ["explain", *arguments, "--json", "-q"])
    assert done.exit_code in (0, 1), done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_job_that_waits_is_explained(taken: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "now.json"
    path.write_text(taken.text(), encoding="utf-8")
    names = [name for name in EXPLAINED if name.partition("_")[0] in IDS]
    assert len(names) >= len(EXPLAINED) - 1
    jobs = [IDS[name.partition("_")[0]] + ("_1" if name == "array_1" else "") for name in names]
    for name, answer in zip(names, told(*jobs, "--snapshot", str(path)), strict=True):
        status, sentence, waits, change = EXPLAINED[name]
        assert answer["status"] == status, (name, answer)
        assert sentence in " ".join(answer["sentences"]), (name, answer["sentences"])
        assert waits in " ".join(answer["waits"]), (name, answer["waits"])
        assert change in " ".join(one["text"] for one in answer["changes"]), (name, answer["changes"])


@pytest.mark.usefixtures("taken")
def test_a_job_is_explained_and_the_machine_shown_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLUX_URI", raising=False)
    (answer,) = told(IDS["pairs"])
    assert answer["status"] == "insufficient"
    assert "let job 2 of root end" in answer["changes"][0]["text"]
    shown = CliRunner().invoke(app, ["top", "--from", "slurm"], env={"COLUMNS": "120"}).stdout
    assert re.search(r"^ +1  in part +8 of 16 +4 of 4  \[#·\] +n1$", shown, re.MULTILINE), shown
    for words in (r"n3 +allocated\+drain +bad \$\(fan\)", r"2 nodes: 1 with room; \d before it", "held by its user"):
        assert re.search(words, shown), shown
    assert shown.replace("\n", "").isprintable()


def test_the_file_is_plain_and_reads_back(taken: Snapshot) -> None:
    text = taken.text()
    assert text.isascii()
    assert text.rstrip("\n").isprintable()
    assert read_snapshot(json.loads(text)).text() == text


@pytest.mark.usefixtures("taken")
def test_it_changes_nothing() -> None:
    said: list[tuple[str, ...]] = []

    def run(*words: str) -> str:
        said.append(words)
        return run_command(*words)

    take("slurm", run)
    assert 1 <= len(said) <= 7
    json_of_jobs = ("squeue", "--json")
    assert said.count(json_of_jobs) == 1
    scontrol = [words for words in said if words != json_of_jobs]
    assert {words[0] for words in scontrol} == {"scontrol"}
    assert {next(word for word in words[1:] if not word.startswith("-")) for words in scontrol} == {"show"}
