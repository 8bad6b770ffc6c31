"""Every command of exactfit in the pages is run, beside the files that the pages speak of, and prints what they show.

Those of the tutorials are typed as they stand in `tests/test_install.py`.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exactfit.grammar.shape import parse_shape
from exactfit.topology.presets import preset
from pages import ROOT, not_typed
from typed import assert_prints, steps

SWF = "; MaxProcs: 240\n" + "".join(
    f"{n} {60 * n} -1 {600 + n} {size} -1 -1 {size} 900 -1 1 1 1 -1 1 -1 -1 -1\n"
    for n, size in enumerate([1, 8, 120, 30], start=1)
)
RULES = """\
processors <= node_cores => node=1/slot=<processors>/core=1
otherwise => node=<ceil(processors / node_cores)>/slot=<node_cores>/core=1
"""
SNAPSHOT = {
    "schema": "exactfit.snapshot/1",
    "system": "slurm",
    "version": "1",
    "taken": 9.0,
    "R": preset("rfc49-a:2"),
    "down": [{"ranks": "1", "state": "down", "why": "fan"}],
    "queues": [{"name": "batch", "ranks": "0-1", "open": True, "tier": 1, "limits": {}}],
    "running": [],
    "waiting": [
        {
            "id": "4711",
            "jobspec": {
                "version": 1,
                "resources": parse_shape("slot=2/node"),
                "tasks": [],
                "attributes": {"system": {"duration": 60}},
            },
            "queue": "batch",
            "left_out": [],
        }
    ],
    "reservations": [],
    "unseen": [],
}
LIVE = re.compile(r"exactfit (snapshot|plan$|(top|explain [0-9]+)(?!.*--snapshot))")
"""Commands that ask the Flux or Slurm that runs where they are typed; where none does they say so, with status 3."""
XDMOD = "".join(
    f"{n}|{n}|big|general|normal|account|group|45|user|38|2024-05-01T10:00:0{n}|2024-05-01T10:00:0{n}"
    f"|2024-05-01T10:0{n}:00|2024-05-01T10:1{n}:00|00:10:00|0:0|COMPLETED|1|120|120|8Gn|cpu=120|cpu=120,node=1|01:00:00"
    f"|{host}|name\n"
    for n, host in enumerate(("node0", "node1"), start=1)
)
"""What sites write for Open XDMoD, here of the hosts of the machine at hand."""
JOB = {"t_run": 2, "t_cleanup": 62, "duration": 90, "ncores": 8, "nnodes": 1}


def commands(text: str) -> list[tuple[str, str]]:
    """Return the lines of a page that call exactfit, each with what the page shows of what it prints."""
    plain = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [(line, "") for block in plain for line in block.replace("\\\n", "").splitlines()]
    lines += [
        (step.text, step.prints) for step in steps(text) if step.kind == "command" and not step.is_shown_by_itself
    ]
    return [(line, prints) for line, prints in lines if re.match(r"(lstopo [^|]*\| )?exactfit ", line)]


COMMANDS = {name: found for name, text in not_typed().items() if (found := commands(text))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a machine, a node, a trace and its rules."""
    (tmp_path / "R.json").write_text(json.dumps(preset("rfc49-a:2")), encoding="utf-8")
    shutil.copy(ROOT / "tests" / "topology" / "data" / "v2-dies.xml", tmp_path / "node.xml")
    for trace in ("trace.swf.gz", "KTH-SP2-1996-2.1-cln.swf.gz"):
        (tmp_path / trace).write_bytes(gzip.compress(SWF.encode()))
    shutil.copy(tmp_path / "R.json", tmp_path / "sp2.json")
    (tmp_path / "site.rules").write_text(RULES, encoding="utf-8")
    (tmp_path / "now.json").write_text(json.dumps(SNAPSHOT), encoding="utf-8")
    (tmp_path / "phillips.log").write_text(XDMOD, encoding="utf-8")
    jobs = "".join(json.dumps({"t_submit": n, **JOB, "R": held(n)}) + "\n" for n in range(3))
    (tmp_path / "jobs.jsonl").write_text(jobs, encoding="utf-8")
    return tmp_path


def held(job: int) -> dict[str, object]:
    """Return what a job of eight cores had."""
    children = {"core": f"{8 * job}-{8 * job + 7}"}
    return {"version": 1, "execution": {"R_lite": [{"rank": "0", "children": children}]}}


def test_there_are_some() -> None:
    assert sum(map(len, COMMANDS.values())) > 12


@pytest.mark.parametrize("name", COMMANDS)
def test_the_commands_of_a_page_run(name: str, folder: Path) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": programs, "COLUMNS": "80", "NO_COLOR": "1"}
    for command, prints in COMMANDS[name]:
        words = shlex.split(re.sub(r"^lstopo [^|]*\|", "", command), comments=True)
        given = (folder / "node.xml").read_bytes() if command.startswith("lstopo") else None
        run = subprocess.run(
            words, cwd=folder, env=environment, input=given, capture_output=True, timeout=600, check=False
        )
        live = LIVE.match(command) is not None
        assert run.returncode in ((0, 1, 3) if live else (0, 1)), f"{command}: {run.stderr.decode()}"
        assert run.stdout or given or live or " --html " in command
        assert_prints("" if live else prints, (run.stdout + run.stderr).decode(), command)
