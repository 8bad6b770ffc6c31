"""A snapshot of a real Flux, with jobs that run and wait; skipped, with a word, where there is none."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from exactfit.adapters.cli import app
from exactfit.adapters.snapshot.model import Running, Snapshot, Waiting, read_snapshot
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R
from flux_instance import SLEEP, inside

CONF = """
[resource]
path = "{folder}/R.json"
noverify = true
[queues.batch]
requires = ["batch"]
policy.limits.duration = "2h"
policy.limits.job-size.max.nnodes = 2
[queues.debug]
requires = ["debug"]
[policy.jobspec.defaults.system]
queue = "batch"
duration = "1h"
"""
TAKE = f"env -u PYTHONPATH {sys.executable} -m exactfit.adapters.cli"
"""With the interpreter of the tests, which need not be Flux's."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], Snapshot]:
    """Return what a script in an instance told, and the snapshot that was taken in it."""
    if shutil.which("flux") is None:
        pytest.skip("there is no flux command on the PATH")
    folder = tmp_path_factory.mktemp("flux")
    R: dict[str, Any] = preset("rfc49-a:4")
    R["execution"]["properties"] = {"batch": "0-2", "debug": "3"}
    R["scheduling"]["groups"] = {"rack": [{"ranks": "0-1"}, {"ranks": "2-3"}]}
    (folder / "R.json").write_text(json.dumps(R))
    (folder / "conf.toml").write_text(CONF.format(folder=folder))
    told, output = inside(
        f"""
        flux queue start --all --quiet
        flux submit --job-name="a b" -N2 -n4 -c20 -t 10m {SLEEP} | tell two
        submitted >/dev/null
        flux submit -n1 -c100 {SLEEP} | tell large
        submitted >/dev/null
        flux submit --urgency=20 -N2 -n2 --exclusive -t 1h {SLEEP} | tell whole
        flux submit -q debug -n300 {SLEEP} | tell never
        flux submit --dependency=afterok:$(flux job last) true | tell after
        flux submit --urgency=hold -n1 true | tell held
        flux submit --begin-time=+1h -n1 true | tell later
        flux submit --job-name=$'evil\\n\\x1b[31m' -n9 -c 50 {SLEEP} | tell evil
        flux resource drain 2 'bad $(fan)'
        sleep 1
        {TAKE} snapshot -o {folder}/snapshot.json | tell summary
        {TAKE} explain $(flux jobs -no '{{id}}' --name=sleep -f pending | head -1) -q; echo "@status $?"
        {TAKE} top --once --from flux > {folder}/top.txt
        {TAKE} snapshot --anonymize -q -o {folder}/anonymous.json
        flux jobs -A -no '{{id}}' | sort | md5sum | tell same
        """,
        "--test-size=4",
        f"--conf={folder}/conf.toml",
    )
    path = folder / "snapshot.json"
    assert path.exists(), output
    told["top"] = (folder / "top.txt").read_text(encoding="utf-8")
    hidden = (folder / "anonymous.json").read_text()
    assert "evil" not in hidden
    assert "fan" not in hidden
    return told, read_snapshot(json.loads(path.read_text()))


EXPLAINED = {
    "whole": (
        "insufficient",
        "none is free, 2 more are wholly or partly held",
        "rank 2 is draining",
        "let node be shared",
    ),
    "never": ("infeasible", "120 of them on ranks that match the constraint", "in debug", "slot=120 instead of 300"),
    "after": ("fits", "", "it cannot start whatever is free: it depends on after-success", ""),
    "held": ("fits", "", "it cannot start whatever is free: it is held", ""),
    "later": ("fits", "", "it is not to start before ", ""),
    "evil": ("infeasible", "9 slots of core=50 need 450 cores", "evil\\n\\x1b[31m", "slot=6 instead of 9"),
}
"""Of each job that waits: whether it fits, a part of why not, of why it waits, and of what would help."""

Done = tuple[dict[str, str], Snapshot]


def waiting(done: Done, name: str) -> Waiting:
    found = done[1].job(done[0][name])
    assert isinstance(found, Waiting)
    return found


def test_the_machine_has_its_tree_its_groups_and_its_state(done: Done) -> None:
    _, taken = done
    machine = read_R(taken.R)
    assert machine.type_names[:4] == ("rack", "node", "socket", "numa")
    assert [(one.ranks, one.state, one.why) for one in taken.down] == [("2", "draining", "bad $(fan)")]
    queues = {queue.name: (queue.ranks, dict(queue.limits)) for queue in taken.queues}
    assert queues == {"batch": ("0-2", {"seconds": 7200.0, "nodes": 2}), "debug": ("3", {})}
    assert taken.unseen == ()
    assert done[0]["summary"].startswith("flux 0.")


def test_what_runs_holds_what_flux_gave_it(done: Done) -> None:
    told, taken = done
    pool = Pool(read_R(taken.R))
    for number, job in enumerate(taken.running):
        pool.register_alloc(number, job.R)
    two = taken.job(told["two"])
    assert isinstance(two, Running)
    assert (two.name, two.queue, round((two.end - two.start) / 10)) == ("a b", "batch", 60)
    large = taken.job(told["large"])
    assert isinstance(large, Running)
    assert large.R["execution"]["R_lite"][0]["children"]["core"].count("-") >= 1


def test_what_waits_has_its_request_and_why_it_cannot_start(done: Done) -> None:
    told, taken = done
    assert taken.waiting[0].id == told["whole"], "the highest priority first"
    whole = waiting(done, "whole").jobspec
    assert whole["resources"][0]["exclusive"] is True
    assert whole["attributes"]["system"]["duration"] == 3600.0
    assert whole["tasks"] == []
    assert waiting(done, "held").blocked == "held (its urgency is 0)"
    assert waiting(done, "after").blocked.startswith("depends on after-success")
    assert waiting(done, "never").blocked == ""
    later = waiting(done, "later")
    assert later.blocked == ""
    assert 0 < later.begin - taken.taken <= 3600
    assert waiting(done, "evil").name == "evil\n\x1b[31m"
    assert taken.text().rstrip("\n").isprintable()


def test_a_job_is_explained_live(done: Done) -> None:
    assert done[0]["status"] == "1"


def test_each_job_that_waits_is_explained(done: Done, tmp_path: Path) -> None:
    told, taken = done
    path = tmp_path / "now.json"
    path.write_text(taken.text(), encoding="utf-8")
    jobs = [told[name] for name in EXPLAINED]
    said = CliRunner().invoke(app, ["explain", *jobs, "--snapshot", str(path), "--json", "-q"])
    assert said.exit_code == 1, said.output
    for name, line in zip(EXPLAINED, said.stdout.splitlines(), strict=True):
        answer = json.loads(line)
        status, sentence, waits, change = EXPLAINED[name]
        assert answer["status"] == status, (name, answer)
        assert sentence in " ".join(answer["sentences"]), (name, answer["sentences"])
        assert waits in " ".join(answer["waits"]), (name, answer["waits"])
        assert change in " ".join(one["text"] for one in answer["changes"]), (name, answer["changes"])


def test_the_machine_and_its_queue_are_shown_live(done: Done) -> None:
    shown = done[0]["top"]
    assert "4 nodes: 2 in part, 1 idle, 1 down\n" in shown
    for words in (
        r"\n +2  in part +80 of 120 +8 of 8  \[##3·\]\[····\] +node\[0-1\]\n",
        r"node2 +draining +bad \$\(fan\)",
        r"2 nodes: 0 with room\n",
        r"300 slots: 120 match its constraint\n",
        r"held \(its urgency is 0\)\n",
        r"not before \d{4}-\d\d-\d\d \d\d:\d\d\n",
    ):
        assert re.search(words, shown), shown


def test_a_folder_without_flux_is_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="schema"):
        read_snapshot({"schema": "exactfit.snapshot/9", "folder": str(tmp_path)})
