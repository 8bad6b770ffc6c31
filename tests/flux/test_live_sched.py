"""exactfit's own scheduler modules in a real Flux: jobs are told why they wait, and a module that decides answers."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from exactfit.adapters.flux import sched
from flux_instance import PLAIN, SLEEP, configured, inside, need_flux

FILES = Path(sched.__file__).parent
SUPPORT = Path(__file__).resolve().parents[1] / "support"
REASON = "flux jobs -no '{annotations.sched.reason_pending}'"
START = "flux jobs -no '{annotations.sched.t_estimate}'"


@pytest.fixture(scope="module", autouse=True)
def _flux() -> None:
    need_flux()


def load(name: str, arguments: str = "") -> str:
    return f"flux module remove sched-simple; flux module load --name=sched-{name} {FILES}/{name}.py {arguments}\n"


@pytest.mark.parametrize("name", ["simple", "fifo", "backfill"])
def test_jobs_that_wait_say_why_and_how_long_and_no_longer_than_it_is_so(tmp_path: Path, name: str) -> None:
    begin = time.time()
    told, output = inside(
        f"""
        {load(name)}
        flux resource drain 3
        flux submit -N3 -n3 -c8 -t 10m {SLEEP} >/dev/null; one=$(submitted)
        flux dmesg | grep ready: | grep -o 'pool-class=[^ ]*' | tail -1 | tell loaded
        head=$(flux submit -N4 -n4 -c2 -t 10m {SLEEP}); behind=$(flux submit -n1 -c1 {SLEEP}); sleep 1.5
        {REASON} $head | tell drained
        {REASON} $behind | tell behind
        {START} $head | tell no_start
        flux resource undrain 3; sleep 1
        {REASON} $head | tell undrained
        {START} $head | tell start
        flux cancel $one; flux job wait-event -t 20 $head alloc >/dev/null; sleep 0.5
        flux jobs -no '{{annotations.sched.reason_pending}}|{{annotations.sched.t_estimate}}' $head | tell started
        wide=$(flux submit -N4 -n4 -c8 {SLEEP}); sleep 1
        {REASON} $wide | tell wide
        flux cancel $wide; flux job wait-event -t 20 $wide clean >/dev/null
        flux jobs -a -no '{{annotations.sched.reason_pending}}' $wide | tell cancelled
        flux module stats sched-{name} | tell stats
        flux cancel --all; flux queue drain -t 30
        flux run -N4 -n4 true && echo @alive yes
        """,
        *configured(tmp_path, PLAIN),
    )
    assert told.get("loaded") == "pool-class=exactfit", output
    assert re.search(r"4 nodes .* are asked for: .* down \(3\)", told["drained"]), told["drained"]
    assert re.search(r"4 nodes .* are asked for: .* held by jobs", told["undrained"]), told["undrained"]
    assert told["behind"] == "behind others in the queue" or name == "backfill"
    assert told["no_start"] == ""
    assert begin + 600 <= float(told["start"]) <= time.time() + 600
    assert told["started"] == "|"
    assert "asked for" in told["wide"]
    assert told["cancelled"] == ""
    assert told["alive"] == "yes"
    assert json.loads(told["stats"])["annotation_seconds"] < 1


def test_another_pool_is_for_flux_s_own_modules() -> None:
    told, output = inside(
        f"{load('fifo', 'pool-class=flux.resource.ResourcePool:ResourcePool')} echo @ended yes", "-s1"
    )
    assert told == {"ended": "yes"}, output
    assert "is not exactfit's" in output


@pytest.mark.parametrize("name", ["simple", "backfill"])
def test_it_answers_while_it_decides(name: str) -> None:
    """250 jobs run on 100 nodes, what waits are the hardest requests there are, and jobs end: all is decided again."""
    told, output = inside(
        f"""
        {load(name)}
        flux python {SUPPORT}/hard_queue.py 250 | tell queued
        ( for job in $(flux jobs -c0 -f running -no '{{id}}' | head -100 | awk 'NR % 20 == 0'); do
              flux cancel $job; sleep 0.5; done ) &
        flux ping --count=200 --interval=0.02 sched-{name} | grep -o 'time=[0-9.]*' | cut -d= -f2 | tell pings
        wait
        flux module stats sched-{name} | tell stats
        """,
        "--conf=fake-resources.nnodes=100",
        "--conf=fake-resources.amend-r=fake_machines:rfc49_a",
        "--conf=ingest.validator.disable=true",
        PYTHONPATH=f"{SUPPORT}:{os.environ.get('PYTHONPATH', '')}",
    )
    assert told.get("queued") == "8", output
    assert len(told["pings"].split()) == 200
    stats = json.loads(told["stats"])
    # Seconds of the processor between two looks at messages, which are ours, however busy the machine is.
    assert 0 < stats["longest_silence"] < 0.05
    # What was there at the start, the twentieth of ten seconds or so, and one task more.
    assert stats["annotation_seconds"] < 2
