"""The way back to Flux's own pools, in a real Flux: as the README has it, for jobs that run and for later ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flux_instance import COUNT, LOADED, PLAIN, SLEEP, configured, inside, need_flux

TOPO = {"socket": [{"cores": "0-3"}, {"cores": "4-7"}]}


@pytest.fixture(scope="module", autouse=True)
def _flux() -> None:
    need_flux()


@pytest.mark.parametrize("writer", ["exactfit.adapters.flux", "exactfit.adapters.flux:spread"])
def test_the_instance_and_later_jobs_are_those_of_Flux_again(tmp_path: Path, writer: str) -> None:
    amended = {**PLAIN, "scheduling": {"writer": writer, "children": [{"ranks": "0-3", "topo": TOPO}]}}
    (tmp_path / "R.old").write_text(json.dumps(PLAIN))
    nested = "flux alloc -N1 -n1 bash -c \"flux run true; flux dmesg | grep -o 'pool-class=[^ ]*'\""
    told, output = inside(
        f"""
        {LOADED.format("amended")}
        flux submit -N2 -n2 --requires=rank:2-3 {SLEEP} >/dev/null; one=$(submitted)
        flux module reload sched-simple
        {LOADED.format("reloaded")}
        flux module reload sched-simple pool-class=flux.resource.ResourcePool:ResourcePool
        {LOADED.format("own")}
        {COUNT.format("allocated", "held")}
        {nested} | tell still
        flux module remove sched-simple
        flux resource reload {tmp_path}/R.old
        flux module load sched-simple
        {LOADED.format("back")}
        flux submit -N1 -n1 {SLEEP} >/dev/null; two=$(submitted)
        {COUNT.format("allocated", "both")}
        flux job info $two R | tell later
        {nested} | tell nested
        flux jobs -no '{{status_abbrev}}' | tell states
        flux cancel --all; flux queue drain -t 30
        {COUNT.format("allocated", "left")}
        """,
        *configured(tmp_path, amended),
    )
    ours = "pool-class=exactfit" + writer.removeprefix("exactfit.adapters.flux")
    # The writer in R decides: without a class, and in the instances of jobs whatever class the outer one has.
    assert [told.get(name) for name in ("amended", "reloaded", "still")] == [ours] * 3, output
    assert [told.get(name) for name in ("own", "back", "nested")] == ["pool-class=Rv1Pool"] * 3
    assert (told["held"], told["both"], told["states"], told["left"]) == ("2 2", "3 3", "R R", "0 0")
    assert "scheduling" not in json.loads(told["later"])


def test_Flux_takes_over_while_housekeeping_holds_a_part_of_a_job(tmp_path: Path) -> None:
    conf = tmp_path / "housekeeping.toml"
    lingers = "test $(flux getattr rank) -ge 2 && sleep 600; true"
    conf.write_text(f"[job-manager.housekeeping]\ncommand = ['sh', '-c', '{lingers}']\nrelease-after = '1s'\n")
    told, output = inside(
        f"""
        flux config load < {conf}
        flux module reload sched-simple pool-class=exactfit.adapters.flux
        flux job wait-event -t 20 $(flux submit -N4 -n4 true) free; sleep 3
        flux module reload sched-simple pool-class=flux.resource.ResourcePool:ResourcePool
        {LOADED.format("own")}
        {COUNT.format("allocated", "held")}
        flux housekeeping kill --all; sleep 2
        {COUNT.format("allocated", "left")}
        """,
        "--test-size=4",
    )
    assert (told.get("own"), told.get("held"), told.get("left")) == ("pool-class=Rv1Pool", "2 2", "0 0"), output
