"""What an admin changes under a scheduler that runs, in a real Flux: configuration, resources, nodes, job-manager."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flux_instance import COUNT, LOAD, LOADED, PLAIN, SLEEP, configured, inside, need_flux

ON = "flux submit -N1 -n1 -c4 --requires=rank:{0} " + SLEEP + " >/dev/null; submitted >/dev/null"
STATES = "flux jobs -a -no '{status_abbrev}' | tell"


@pytest.fixture(scope="module", autouse=True)
def _flux() -> None:
    need_flux()


def test_a_new_configuration_changes_nothing_of_what_is_held(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    (tmp_path / "R.json").write_text(json.dumps(PLAIN))
    (folder / "R.toml").write_text(f"[resource]\npath = '{tmp_path}/R.json'\nnoverify = true\n")
    (folder / "a.toml").write_text("[policy.jobspec.defaults.system]\nduration = '10m'\n")
    told, output = inside(
        f"""
        {LOAD}
        {ON.format(1)}
        printf '[queues.one]\\n[queues.two]\\n[policy.jobspec.defaults.system]\\nqueue = "one"\\n' > {folder}/a.toml
        flux config reload && echo @reloaded yes
        flux queue start --all
        {LOADED.format("pool")}
        {COUNT.format("allocated", "held")}
        flux run -q two -N4 -n4 true && echo @two yes
        flux job info $(flux job last) R | tell last
        flux config load < /dev/null; flux queue start --all
        flux run -N4 -n4 true && echo @none yes
        {STATES} states
        """,
        "--test-size=4",
        f"--config-path={folder}",
    )
    assert [told.get(name) for name in ("reloaded", "pool", "held")] == ["yes", "pool-class=exactfit", "1 4"], output
    assert (told["two"], told["none"], sorted(told["states"].split())) == ("yes", "yes", ["CD", "CD", "R"])
    assert json.loads(told["last"])["scheduling"]["certificate"]["status"] == "OPTIMAL"


def test_R_with_other_nodes(tmp_path: Path) -> None:
    """More nodes, others, fewer: jobs keep what is there still, and those on nodes that are gone end."""
    for name, ranks in (("two", "0-1"), ("all", "0-3"), ("last", "1-3")):
        R = {**PLAIN, "execution": {**PLAIN["execution"], "R_lite": [{"rank": ranks, "children": {"core": "0-7"}}]}}
        first, last = ranks.split("-")
        R["execution"]["nodelist"] = [f"n[{first}-{last}]"]
        (tmp_path / name).write_text(json.dumps(R))
    load = "flux module remove sched-simple; flux resource reload {0}/{1}; " + LOAD.replace("reload", "load", 1)
    told, output = inside(
        f"""
        {load.format(tmp_path, "two")}
        {ON.format(0)}; {ON.format(1)}
        {COUNT.format("all", "two")}
        {load.format(tmp_path, "all")}
        {COUNT.format("all", "four")}
        {COUNT.format("allocated", "held")}
        {ON.format(3)}
        {load.format(tmp_path, "last")}; sleep 1
        {COUNT.format("all", "three")}
        {COUNT.format("allocated", "kept")}
        flux jobs -a -no '{{ranks}} {{status_abbrev}}' | tell states
        flux run -N3 -n3 true && echo @runs yes
        """,
        *configured(tmp_path, PLAIN),
    )
    assert [told.get(name) for name in ("two", "four", "held")] == ["2 16", "4 32", "2 8"], output
    assert (told["three"], told["kept"], told["runs"]) == ("3 24", "2 8", "yes")
    assert told["states"] == "3 R 1 R 0 F"


def test_an_instance_that_shrinks_and_nodes_that_come_back() -> None:
    """A node that is lost for good leaves R of an instance that found its nodes itself; one that is drained returns."""
    told, output = inside(
        f"""
        {LOAD}
        {ON.replace(" -c4", "").format(3)}; {ON.replace(" -c4", "").format(1)}
        flux resource drain 2; sleep 0.5
        {COUNT.format("down", "drained")}
        flux resource undrain 2
        flux overlay disconnect 3; sleep 2
        {COUNT.format("all", "left")}
        flux jobs -a -no '{{ranks}} {{status_abbrev}}' | tell states
        flux job wait-event -t 20 $(flux submit -N4 -n4 true) exception | tell never
        flux run -N3 -n3 true && echo @runs yes
        flux cancel --all; flux queue drain -t 30
        {COUNT.format("allocated", "free")}
        """,
        "--test-size=4",
        "--test-exit-mode=leader",
    )
    assert told.get("runs") == "yes", output
    assert told["drained"].startswith("1 ")
    assert told["left"].startswith("3 ")
    assert "1 R" in told["states"]
    assert "3 exist" in told["never"]
    assert told["free"] == "0 0"


def test_job_manager_is_loaded_anew(tmp_path: Path) -> None:
    again = LOAD.replace("reload", "load", 1)
    told, output = inside(
        f"""
        {LOAD}
        {ON.format(1)}
        flux submit -N4 -n4 -c8 {SLEEP} >/dev/null
        flux module remove sched-simple; flux module remove job-exec; flux module remove job-list
        flux module reload job-manager
        flux module load job-list; {again}; flux module load job-exec; sleep 1
        {LOADED.format("pool")}
        {COUNT.format("allocated", "held")}
        {STATES} states
        flux cancel $(flux jobs -no '{{id}}' --filter=sched)
        flux run -N4 -n4 true && echo @runs yes
        flux cancel --all; flux queue drain -t 30
        {COUNT.format("allocated", "free")}
        """,
        *configured(tmp_path, PLAIN),
    )
    assert (told.get("pool"), told.get("held")) == ("pool-class=exactfit", "1 4"), output
    assert (told["states"], told["runs"], told["free"]) == ("S R", "yes", "0 0")
