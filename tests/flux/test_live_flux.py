"""In a real Flux, where there is one: load, run, reload with jobs running, drain, nest. Elsewhere: skipped, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exactfit.topology.rset import read_R
from flux_instance import COUNT, LOAD, SLEEP, inside, need_flux, node_xml
from sub_instance import places, places_of


@pytest.fixture(scope="module", autouse=True)
def _flux() -> None:
    need_flux()


def test_jobs_are_placed_and_live_through_a_reload(tmp_path: Path) -> None:
    xml = tmp_path / "node.xml"
    xml.write_text(node_xml())
    told, output = inside(
        f"""
        {LOAD}
        flux dmesg | grep -o 'pool-class=[^ ]*' | tail -1 | tell loaded
        one=$(flux submit -N1 -n1 -c4 {SLEEP}); flux job wait-event -t 20 $one alloc
        two=$(flux submit -N4 -n4 {SLEEP}); flux job wait-event -t 20 $two alloc
        flux job info $one R | tell one
        {COUNT.format("allocated", "before")}
        {LOAD}
        {COUNT.format("allocated", "after")}
        flux jobs -no '{{status_abbrev}}' | tell running
        three=$(flux submit -N1 -n1 -c3 {SLEEP}); flux job wait-event -t 20 $three alloc
        flux job info $three R | tell three
        flux cancel --all; flux queue drain -t 30
        {COUNT.format("allocated", "left")}
        """,
        "--conf=fake-resources.nnodes=4",
        f"--conf=fake-resources.hwloc-xml-path={xml}",
        "--conf=fake-resources.amend-r=exactfit.adapters.flux:amend",
    )
    assert told.get("loaded") == "pool-class=exactfit", output
    assert told["before"] == told["after"] == "4 8"
    assert told["running"] == "R R"
    assert told["left"] == "0 0"
    one: dict[str, Any] = json.loads(told["one"])
    assert one["scheduling"]["writer"] == "exactfit.adapters.flux"
    assert one["scheduling"]["certificate"]["status"] == "OPTIMAL"
    assert one["execution"]["R_lite"] == [{"rank": "0", "children": {"core": "0-3"}}]
    # Three cores of one socket: where the four-node job took one, and not across two.
    three = json.loads(told["three"])["execution"]["R_lite"]
    assert three in ([{"rank": "0", "children": {"core": "5-7"}}], [{"rank": "1", "children": {"core": "1-3"}}])


def test_running_jobs_are_handed_over_to_the_default_and_back() -> None:
    told, output = inside(
        f"""
        {LOAD}
        one=$(flux submit -N2 -n2 {SLEEP}); flux job wait-event -t 20 $one alloc
        flux module reload sched-simple
        {COUNT.format("allocated", "default")}
        two=$(flux submit -N1 -n1 {SLEEP}); flux job wait-event -t 20 $two alloc
        {LOAD}
        {COUNT.format("allocated", "back")}
        flux jobs -no '{{status_abbrev}}' | tell running
        flux cancel --all; flux queue drain -t 30
        {COUNT.format("allocated", "left")}
        """,
        "--test-size=4",
    )
    assert (told.get("default"), told.get("back"), told.get("running")) == ("2 2", "3 3", "R R"), output
    assert told["left"] == "0 0"


def test_what_housekeeping_still_holds_is_held_after_a_reload(tmp_path: Path) -> None:
    conf = tmp_path / "housekeeping.toml"
    lingers = "test $(flux getattr rank) -ge 2 && sleep 600; true"
    conf.write_text(f"[job-manager.housekeeping]\ncommand = ['sh', '-c', '{lingers}']\nrelease-after = '1s'\n")
    told, output = inside(
        f"""
        {LOAD}
        flux config load < {conf}
        flux job wait-event -t 20 $(flux submit -N4 -n4 true) free; sleep 3
        {COUNT.format("allocated", "before")}
        {LOAD}
        {COUNT.format("allocated", "after")}
        flux run -N2 -n2 true && echo @others yes
        flux housekeeping kill --all; sleep 2
        {COUNT.format("allocated", "left")}
        """,
        "--test-size=4",
    )
    assert (told.get("before"), told.get("after"), told.get("others")) == ("2 2", "2 2", "yes"), output
    assert told["left"] == "0 0"


def test_backfill_starts_what_delays_nobody_and_foretells_the_rest() -> None:
    long = f"--exclusive -t 10m {SLEEP}"
    told, output = inside(
        f"""
        flux module remove sched-simple
        flux module load sched-backfill pool-class=exactfit.adapters.flux
        one=$(flux submit -N3 -n3 {long}); flux job wait-event -t 20 $one alloc
        two=$(flux submit -N4 -n4 {long}); sleep 1
        short=$(flux submit -N1 -n1 --exclusive -t 1m {SLEEP}); flux job wait-event -t 20 $short alloc
        slow=$(flux submit -N1 -n1 --exclusive -t 20m {SLEEP}); sleep 2
        flux jobs -no '{{status_abbrev}}' $two $short $slow | tell states
        flux jobs -no '{{annotations.sched.t_estimate}}' $two | cut -c1-3 | tell estimate
        flux cancel --all; flux queue drain -t 30
        """,
        "--test-size=4",
    )
    assert sorted(told.get("states", "").split()) == ["R", "S", "S"], output
    assert told["estimate"].isdigit()


def test_drained_nodes_are_left_alone_and_refusals_have_reasons() -> None:
    told, output = inside(
        f"""
        {LOAD}
        flux resource drain 3
        wide=$(flux submit -N4 -n4 {SLEEP}); sleep 2
        flux jobs -no '{{status_abbrev}}' $wide | tell drained
        flux resource undrain 3
        flux job wait-event -t 20 $wide alloc
        flux jobs -no '{{status_abbrev}}' $wide | tell undrained
        flux job wait-event -t 20 $(flux submit -N99 -n99 true) exception | tell toomany
        flux job wait-event -t 20 $(flux submit --setattr=system.constraints='{{"not":[]}}' true) exception | tell never
        flux cancel --all; flux queue drain -t 30
        flux run -N4 -n4 true && echo @alive yes
        """,
        "--test-size=4",
    )
    assert (told.get("drained"), told.get("undrained")) == ("S", "R"), output
    assert "99 nodes with a slot of core are asked for: 4 exist" in told["toomany"]
    assert "no rank matches" in told["never"]
    assert told["alive"] == "yes"


def test_an_instance_inside_a_job_loads_the_class_by_itself() -> None:
    ready = "flux run true; flux dmesg | grep -o 'pool-class=[^ ]*' | tail -1"
    inner = f'flux alloc -N1 -n1 bash -c \\"{ready}\\"'
    told, output = inside(
        f"""
        {LOAD}
        flux alloc -N2 -n2 bash -c "{ready}; flux run -N2 -n2 hostname | wc -l; {inner}" | tell nested
        {COUNT.format("allocated", "left")}
        """,
        "--test-size=4",
    )
    assert told.get("nested") == "pool-class=exactfit 2 pool-class=exactfit", output
    assert told["left"] == "0 0"


def test_backfill_loads_it_too() -> None:
    told, output = inside(
        """
        flux module remove sched-simple
        flux module load sched-backfill pool-class=exactfit.adapters.flux
        flux run -N2 -n2 hostname | wc -l | tell ran
        flux dmesg | grep 'sched-backfill.*ready' | grep -o 'pool-class=[^ ]*' | tell loaded
        """,
        "--test-size=2",
    )
    assert told == {"ran": "2", "loaded": "pool-class=exactfit"}, output


def test_a_mistake_is_told_at_load_and_the_instance_lives_on() -> None:
    told, output = inside(
        """
        flux module remove sched-simple
        flux module load sched-simple pool-class=exactfit.adapters.flux || echo @refused yes
        flux module load sched-simple && flux run true && echo @default yes
        """,
        EXACTFIT_POLICY="nonsense",
    )
    assert told == {"refused": "yes", "default": "yes"}, output
    assert "EXACTFIT_POLICY" in output


NUMA_NODE = {
    "socket": [
        {"numa": [{"cores": "0-3", "gpus": "0"}, {"cores": "4-7", "gpus": "1"}]},
        {"numa": [{"cores": "8-11", "gpus": "2"}, {"cores": "12-15", "gpus": "3"}]},
    ]
}
MIXED: dict[str, Any] = {
    "version": 1,
    "execution": {
        "R_lite": [
            {"rank": "0-2", "children": {"core": "0-15", "gpu": "0-3"}},
            {"rank": "3", "children": {"core": "0-7"}},
        ],
        "nodelist": ["n[0-3]"],
        "starttime": 0,
        "expiration": 0,
    },
    "scheduling": {
        "writer": "exactfit.adapters.flux",
        "children": [
            {"ranks": "0-2", "topo": NUMA_NODE},
            {"ranks": "3", "topo": {"socket": [{"cores": "0-3"}, {"cores": "4-7"}]}},
        ],
    },
}


def test_cores_of_instances_in_instances_stand_where_the_jobs_cores_stand(tmp_path: Path) -> None:
    """Nodes of two types, of which other jobs hold parts: Flux numbers the cores of what is left from zero, twice."""
    (tmp_path / "R.json").write_text(json.dumps(MIXED))
    tell = f"""
        level=$(flux getattr instance-level)
        flux kvs get resource.R > {tmp_path}/R$level
        export OUTER=$(flux getattr parent-uri 2>/dev/null)
        test $level = 0 || FLUX_URI=$OUTER flux job info $(flux getattr jobid) R > {tmp_path}/job$level
        """
    fill = "flux submit -N4 -n4 -c{0} " + SLEEP + " >/dev/null; flux job wait-event -t 30 $(flux job last) alloc;"
    (tmp_path / "2.sh").write_text(f"{tell} {fill.format(2)} flux job info $(flux job last) R > {tmp_path}/inside")
    (tmp_path / "1.sh").write_text(f"{tell} {fill.format(1)} flux alloc -N4 -n4 -c3 bash {tmp_path}/2.sh")
    told, output = inside(
        f"""
        {LOAD}
        {tell}
        {fill.format(3)}
        flux submit -N3 -n3 -c2 -g1 {SLEEP} >/dev/null; flux job wait-event -t 30 $(flux job last) alloc
        flux alloc -N4 -n4 -c4 bash {tmp_path}/1.sh
        flux cancel --all; echo @done yes
        """,
        "--test-size=4",
        f"--conf=resource.path={tmp_path}/R.json",
        "--conf=resource.noverify=true",
    )
    assert told == {"done": "yes"}, output
    read = {path.name: read_R(path.read_text()) for path in tmp_path.iterdir() if path.suffix == "" and path.is_file()}
    assert {*read} == {"R0", "R1", "R2", "job1", "job2", "inside"}, output
    broken_up = 0
    for level in (1, 2):
        parent, job, instance = read[f"R{level - 1}"], read[f"job{level}"], read[f"R{level}"]
        assert instance.size == job.size == 4
        for position, rank in enumerate(job.ranks):
            cores = job.type_at(position).cores
            assert instance.type_at(position).cores == (1 << cores.bit_count()) - 1
            assert places(instance, position) == places_of(parent, parent.position(rank), cores)
            broken_up += cores != instance.type_at(position).cores
    assert broken_up, "nothing was numbered anew"
    # Two cores of each node stand together wherever two of the three that the instance has do.
    placed = read["inside"]
    assert placed.scheduling is not None
    assert placed.scheduling["certificate"]["status"] == "OPTIMAL"  # type: ignore[index]
    for position, rank in enumerate(placed.ranks):
        chains = places(read["R2"], read["R2"].position(rank))
        pair = places_of(read["R2"], read["R2"].position(rank), placed.type_at(position).cores)
        together = len(set(chains)) < len(chains)
        assert (len(set(pair)) == 1) == together
