"""The column `crossed`: what slots cross beyond what their size and what they ask for leave no choice in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import R_of, Runner


@pytest.mark.parametrize(
    ("machine", "shape", "crossed"),
    [
        # Whole nodes and domains: what is inside goes without saying.
        ("rfc49-a", "slot=4/node", "whole"),
        ("rfc49-a", "slot=1/node=2", "whole"),
        ("rfc49-a", "slot=1/node{x}/core=1", "whole"),
        ("rfc49-a", "slot=2/socket{x}", "whole"),
        ("rfc49-a", "slot=1/numa{x}", "none"),
        # A numa has 15 cores and a GPU, a socket four of them.
        ("rfc49-a", "slot=3/core=15", "none"),
        ("rfc49-a:1", "node/slot=12/core=10", "numa 4"),
        ("rfc49-a:1", "node/slot=1/core=90", "none (must: socket 1, numa 5)"),
        ("rfc49-a", "slot=3/core=16", "none (must: numa 3)"),
        ("rfc49-a", "slot=1/[core=1;gpu=3]", "none (must: numa 2)"),
        # What is asked for by name must be, too.
        ("rfc49-a", "slot=1/node=2/core=5", "none (must: node 1)"),
        ("rfc49-a", "slot=1/node=2/core=20", "none (must: node 1, numa 3)"),
        ("rfc49-a", "slot=1/numa=2/core=4", "none (must: numa 1)"),
        ("rfc49-a", "slot=1/numa=5/core=4", "none (must: socket 1, numa 4)"),
        ("rfc49-a", "slot=2/socket=2/core=20", "none (must: socket 2, numa 6)"),
        ("rfc49-a", "slot=1/numa=1-3/core=4", "none (must: numa 2)"),
        # Where no level is, none is crossed.
        ("rfc49-b:4", "slot=4/core=20", "none"),
        ("sierra", "slot=1/core=30", "none (must: socket 1)"),
    ],
)
def test_what_could_not_be_avoided_is_apart(
    run: Runner, monkeypatch: pytest.MonkeyPatch, machine: str, shape: str, crossed: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = run("place", machine, shape, "--no-drawing")
    (row,) = [line for line in done.out.splitlines() if "OPTIMAL" in line]
    assert f" {crossed}  " in row


def test_what_other_jobs_left_is_no_excuse(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight jobs take ten cores of each numa; ten more then stand in two, though one could hold them."""
    monkeypatch.setenv("COLUMNS", "200")
    done = run("place", "rfc49-a:1", *["slot=1/core=10"] * 9, "--no-drawing")
    rows = [line for line in done.out.splitlines() if "OPTIMAL" in line]
    assert ["numa 1" in row for row in rows] == [False] * 8 + [True]


@pytest.mark.parametrize(
    ("options", "crossed"),
    [
        (("--requires", "host:n0"), "none (must: numa 1)"),
        (("--down", "1"), "numa 1"),
        ((), "none"),
    ],
)
def test_only_nodes_that_the_constraint_allows_are_an_alternative(
    run: Runner, tmp_path: Path, options: tuple[str, ...], crossed: str
) -> None:
    """Of two nodes the second has larger numa."""
    topos = [{"numa": [{"cores": "0-3"}, {"cores": "4-7"}]}, {"numa": [{"cores": "0-6"}, {"cores": "7"}]}]
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-1", "children": {"core": "0-7"}}], "nodelist": ["n[0-1]"]},
        "scheduling": {"children": [{"ranks": str(rank), "topo": topo} for rank, topo in enumerate(topos)]},
    }
    path = tmp_path / "R.json"
    path.write_text(json.dumps(R), encoding="utf-8")
    done = run("place", path, "slot=1/core=6", *options, "--no-drawing")
    (row,) = [line for line in done.out.splitlines() if "OPTIMAL" in line]
    assert f" {crossed}  " in row


@pytest.mark.parametrize(
    ("shape", "busy", "crossed"),
    [
        ("slot=1/node=3", None, "whole"),
        ("slot=1/node=3/core=1", None, "none (must: node 2)"),
        # Racks have three, three and two nodes.
        ("slot=1/node=4/core=1", None, "none (must: rack 1, node 3)"),
        ("slot=1/rack=2/node=1/core=1", None, "none (must: rack 1)"),
        ("slot=1/node=2/core=3", ("0,1,3,4,6", "0-1"), "rack 1 (must: node 1)"),
        ("slot=1/node=2", ("0,1,3,4,6", "0-1"), "rack 1 (must: node 1)"),
    ],
)
def test_racks_are_borders_too(
    run: Runner, tmp_path: Path, shape: str, busy: tuple[str, str] | None, crossed: str
) -> None:
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-7", "children": {"core": "0-3"}}]},
        "scheduling": {"groups": {"rack": [{"ranks": "0-2"}, {"ranks": "3-5"}, {"ranks": "6-7"}]}},
    }
    path, running = tmp_path / "R.json", tmp_path / "running.json"
    path.write_text(json.dumps(R), encoding="utf-8")
    options: tuple[object, ...] = ()
    if busy is not None:
        running.write_text(json.dumps(R_of(busy)), encoding="utf-8")
        options = ("--allocated", running)
    done = run("place", path, shape, *options, "--no-drawing")
    (row,) = [line for line in done.out.splitlines() if "OPTIMAL" in line]
    assert f" {crossed}  " in row


@pytest.mark.parametrize(
    ("machine", "shape", "crossed", "said"),
    [
        (
            "numa:2(memory=125) core:32",
            "slot=1/[core=1;memory=200]",
            "none (must: numa 1)",
            ["job 1, rank 0: the slot in numa 0 has 125 GiB memory of numa 0, 75 GiB memory of numa 1"],
        ),
        ("numa:2(memory=125) core:32", "slot=1/[core=1;memory=125]", "none", []),
        # One of three slots has 80 GiB of two numa although each has as much.
        (
            "numa:2(memory=125) core:2",
            "slot=3/[core=1;memory=80]",
            "numa 1",
            ["job 1, rank 0: the slot in numa 0 has 45 GiB memory of numa 0, 35 GiB memory of numa 1"],
        ),
        (
            "socket:2 core:64 gpu:1",
            "slot=1/[core=96;gpu=1]",
            "none (must: socket 1)",
            ["job 1: 32 cores of its slots stand in a socket beyond the share of their GPUs there"],
        ),
        ("socket:2 core:64 gpu:1", "slot=1/[core=64;gpu=2]", "none (must: socket 1)", []),
    ],
)
def test_memory_from_elsewhere_and_cores_beyond_their_share_are_said(
    run: Runner, monkeypatch: pytest.MonkeyPatch, machine: str, shape: str, crossed: str, said: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    lines = run("place", machine, shape, "--no-drawing").out.splitlines()
    (row,) = [line for line in lines if "OPTIMAL" in line]
    assert f" {crossed}  " in row
    assert [line for line in lines if line.startswith("job 1")] == said
