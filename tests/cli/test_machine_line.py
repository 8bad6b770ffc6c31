"""A machine made from a line, on the command line and through the file that `topo -o` makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Runner

LINE = "socket:2 numa:4(memory=128) core:16 gpu:1"
JOB = "slot=9/[core=10;gpu=1]"


def test_the_file_made_of_a_line_is_taken_by_every_command(run: Runner, tmp_path: Path) -> None:
    R, placed = tmp_path / "R.json", tmp_path / "placed.json"
    done = run("topo", LINE, "--nodes", "64", "-o", R)
    assert (done.status, done.err) == (0, "")
    assert "64 nodes (ranks 0-63), 8192 cores, 512 gpus" in done.out
    assert "128 GiB memory" in done.out
    assert run("place", R, JOB, "-o", placed).status == 0
    assert run("check", R, JOB, placed, "--compare").status == 0
    assert run("explain", R, "slot=513/gpu=1").status == 1
    assert run("topo", R).out.splitlines()[1:] == done.out.splitlines()[1:]
    assert run("study", R, "lublin:jobs=3", "--pools", "exactfit", "-o", tmp_path / "study").status == 0


def test_a_line_is_taken_wherever_a_machine_is(run: Runner, tmp_path: Path) -> None:
    placed = tmp_path / "placed.json"
    line = f"rack:2 node:2 {LINE}"
    assert run("place", line, "slot=4/node", "-o", placed).status == 0
    assert run("check", line, "slot=4/node", placed).status == 0
    assert run("explain", line, "slot=5/node").status == 1
    assert run("explain", line, "rack=3/node/slot=1/core=1").status == 1


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("socket:2 core:2 numa:2",), ["the machine: machine: numa stands behind core", "column 17"]),
        (("socket:2 numa:4",), ["no core"]),
        (("core:0",), ["a count is from 1 to"]),
        (("node:2 core:2", "--nodes", "3"), ["the line itself says how many nodes there are"]),
        (("core:2", "--hosts", "a,a"), ['"a" is given twice']),
        (("core:2", "--nodes", "2", "--hosts", "a"), ["1 host names for 2 nodes"]),
        (("socket:2 pu:4",), ["threads are not counted"]),
        (("core",), ["core: no such file"]),
        (("gpu cluster.json",), ["gpu cluster.json: no such file"]),
        (("rfc49-c:4",), ["no such preset", "rfc49-a", "a line such as"]),
        (("no/such/file.json",), ["no such file", "a line such as"]),
    ],
)
def test_what_is_no_line(arguments: tuple[str, ...], parts: list[str], run: Runner) -> None:
    complaint = run("topo", *arguments).complaint
    for part in parts:
        assert part in complaint


def test_a_file_of_that_name_goes_before_the_line(
    run: Runner, machine_R: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(machine_R.parent)
    machine_R.rename("core:2")
    assert "4 nodes" in run("topo", "core:2").out


def test_a_shape_in_the_place_of_the_machine_is_no_line(run: Runner) -> None:
    assert "MACHINE before JOB" in run("place", "slot=2/core:4", "rfc49-a").complaint


def test_a_study_goes_on_without_a_pool_that_takes_no_such_machine(run: Runner, tmp_path: Path) -> None:
    """Flux's TreePool wants domains, which an R of plain ranks does not list."""
    R = tmp_path / "R.json"
    lite = [{"rank": "0-3", "children": {"core": "0-3"}}]
    R.write_text(json.dumps({"version": 1, "execution": {"R_lite": lite}}), encoding="utf-8")
    done = run("study", R, "lublin:jobs=3", "--pools", "Rv1Pool,TreePool", "-o", tmp_path / "study", "--workers", "1")
    assert done.status == 0
    assert "without TreePool: it takes no such machine" in done.err
    alone = run("study", R, "lublin:jobs=3", "--pools", "TreePool", "-o", tmp_path / "other")
    assert (alone.status, alone.out) == (2, "")
