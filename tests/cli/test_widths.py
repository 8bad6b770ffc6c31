"""What is printed is complete at every width: nothing is dropped, nothing is cut, and no line is wider."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from exactfit.adapters.fitted_table import Column, FittedTable

from .conftest import R_of, Runner

WIDTHS = (40, 60, 80, 120)
JOBS = [
    "node=2/slot=8/[core=15;gpu=1]",
    "slot=1/node=1/[core=8;gpu=1]",
    "slot=4/node",
    "node/slot=12/core=10",
    "slot=1/[core=31;gpu=3]",
    "slot=1/node=40",
    *["slot=1/core=1"] * 8,
]
CROSSED = ["none", "none", "whole", "numa 4", "none (must: numa 2)", *["none"] * 8]


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The columns that the reader says to have."""
    columns: int = request.param
    monkeypatch.setenv("COLUMNS", str(columns))
    return columns


def narrow(text: str, width: int) -> list[str]:
    lines = text.splitlines()
    assert [line for line in lines if len(line) > width] == []
    assert "…" not in text
    return lines


def words(text: str) -> str:
    """Return a text without line ends and indents."""
    return " ".join(text.split())


def test_jobs_that_are_placed(run: Runner, width: int) -> None:
    lines = narrow(run("place", "rfc49-a", *JOBS).out, width)
    table = "\n".join(lines[: next(n for n, line in enumerate(lines) if line.startswith("job 6 ("))])
    assert table.count("OPTIMAL") == len(CROSSED)
    assert len(re.findall(r"\d (?:ms|s)\b", table)) == len(JOBS)
    if "crossed none" in table:
        assert re.findall(r"crossed (.*?), certificate", words(table)) == CROSSED
        assert re.findall(r"job +(?:\d+ +)?(\w) ", table) == list("123456789abcde")
        for job in JOBS:
            assert job in table
    else:
        found = [line for line in table.splitlines() if "OPTIMAL" in line]
        assert all(value.split()[0] in line for line, value in zip(found, CROSSED, strict=True))
        # Folded, a request is whole when read down its column.
        assert "".join(table.split()).count("core=1") >= 8


def test_a_long_name_and_many_ranks(run: Runner, width: int, tmp_path: Path) -> None:
    name = "a-job-with-a-name-of-more-than-forty-letters.json"
    jobspec = {"version": 9999, "resources": [{"type": "slot", "count": 7, "label": "x", "with": [vertex("node")]}]}
    (tmp_path / name).write_text(json.dumps(jobspec), encoding="utf-8")
    busy = tmp_path / "busy.json"
    busy.write_text(json.dumps(R_of(("1,3,5,7,9,11", "0"))), encoding="utf-8")
    done = run("place", "rfc49-a", tmp_path / name, "--allocated", busy, "--no-drawing")
    text = "".join(part for line in done.out.splitlines() for part in line.split())
    assert [line for line in done.out.splitlines() if len(line) > width] == []
    for part in ("whole", "OPTIMAL", "ms"):
        assert part in text


def vertex(kind: str) -> dict[str, object]:
    return {"type": kind, "count": 1}


def test_certificates(run: Runner, width: int) -> None:
    done = run("place", "rfc49-a", JOBS[0], JOBS[3], "--certificate", "--no-drawing")
    text = words("\n".join(narrow(done.out, width)))
    for term in ("size", "affinity.numa", "intact.socket", "fit.numa"):
        assert text.count(term) == 2
    assert "certificate of job 2: OPTIMAL" in text


def test_why_a_job_does_not_fit(run: Runner, width: int) -> None:
    done = run("explain", "rfc49-a:2", "slot=30/numa/core=10", "slot=1/memory=99999")
    text = words("\n".join(narrow(done.out, width)))
    assert "30 slots of numa/core=10 need 30 numas with 10 cores: 16 exist" in text
    assert text.count("exist") >= 2
    assert "slot/numa/core" in text
    for number in ("30", "16", "300", "240"):
        assert number in text


def test_when_jobs_start(run: Runner, width: int) -> None:
    done = run("explain", "rfc49-a:2", "slot=1/node", "slot=9/node", "--when", "--now", "1000")
    text = words("\n".join(narrow(done.out, width)))
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text)
    assert "never" in text


def test_what_a_placement_is_worth(run: Runner, width: int, tmp_path: Path) -> None:
    path = tmp_path / "placed.json"
    run("place", "rfc49-a:2", "slot=2/core=10", "-o", path, "--no-drawing")
    done = run("check", "rfc49-a:2", "slot=2/core=10", path, "--compare")
    text = words("\n".join(narrow(done.out, width)))
    assert "as good as the best found (OPTIMAL)" in text
    for term in ("affinity.socket", "intact.node", "fit.numa"):
        assert term in text


@pytest.mark.parametrize("machine", ["rfc49-a", "rfc49-b:4", "sierra:3", "racks", "bare", "deep"])
def test_machines(run: Runner, width: int, tmp_path: Path, machine: str) -> None:
    make = {"racks": racks, "bare": bare, "deep": deep}.get(machine)
    if make is not None:
        path = tmp_path / "R.json"
        path.write_text(json.dumps(make()), encoding="utf-8")
        machine = str(path)
    lines = run("topo", machine).out.splitlines()
    # The name of the file may be longer than a line.
    assert [line for line in lines if len(line) > width] == []
    drawn = [line for line in lines if "[" in line and "·" in line and "cores|gpus" not in line and "node[" not in line]
    assert drawn


def cluster(nodes: int, cores: int, topo: dict[str, object] | None, **more: object) -> dict[str, object]:
    ranks = f"0-{nodes - 1}"
    scheduling = dict(more)
    if topo is not None:
        scheduling["children"] = [{"ranks": ranks, "topo": topo}]
    return {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": ranks, "children": {"core": f"0-{cores - 1}"}}],
            "nodelist": [f"a-rather-long-name-of-a-node[{ranks}]"],
        },
        **({"scheduling": scheduling} if scheduling else {}),
    }


def racks() -> dict[str, object]:
    return cluster(8, 4, None, groups={"rack": [{"ranks": "0-3", "power": 40}, {"ranks": "4-7", "power": 40}]})


def bare() -> dict[str, object]:
    return cluster(4, 256, None)


def deep() -> dict[str, object]:
    numas = [{"l3": [{"cores": f"{8 * n}-{8 * n + 3}"}, {"cores": f"{8 * n + 4}-{8 * n + 7}"}]} for n in range(4)]
    return cluster(2, 32, {"socket": [{"numa": numas[:2]}, {"numa": numas[2:]}]})


def test_in_a_file_lines_of_words_stay_whole(run: Runner) -> None:
    """Other programs read them."""
    done = run("place", "rfc49-a:2", "slot=1/node=40", *JOBS)
    (line,) = [line for line in done.out.splitlines() if line.startswith("job 1 (")]
    assert line.endswith("2 exist")


def printed(table: FittedTable, width: int) -> list[str]:
    console = Console(width=width, highlight=False, markup=False, force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines() if line.strip()]


@pytest.fixture
def table() -> FittedTable:
    return FittedTable(
        (Column("job", right=True, lead=True), Column("request", "ask", least=4, lead=True), Column("seconds", "s")),
        [(Text("1"), Text("abcdefghij"), Text("10 ms")), (Text("2"), Text("k"), Text("-"))],
        "T",
    )


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            30,
            ["T", " job   request      seconds", f" {26 * '─'}", "   1   abcdefghij   10 ms", "   2   k            -"],
        ),
        (22, ["T", "job  ask         s", 22 * "─", "  1  abcdefghij  10 ms", "  2  k           -"]),
        (18, ["T", "job  ask     s", 18 * "─", "  1  abcdef  10 ms", "     ghij", "  2  k       -"]),
        (15, ["T", "job 1", "abcdefghij", "  seconds 10 ms", "job 2  k", "  seconds -"]),
    ],
)
def test_a_table_comes_closer_then_folds_then_is_stacked(table: FittedTable, width: int, lines: list[str]) -> None:
    assert printed(table, width) == lines


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("slot=1/node=1/[core=8;gpu=1]", 20, ["slot=1/node=1/", "[core=8;gpu=1]"]),
        ("slot=1/node=1/[core=8;gpu=1]", 24, ["slot=1/node=1/[core=8;", "gpu=1]"]),
        ("none (must: socket 1, numa 5)", 20, ["none (must: socket", "1, numa 5)"]),
        ("none (must: node 1)", 11, ["none (must:", "node 1)"]),
        ("abcdefghijklmnop", 6, ["abcdef", "ghijkl", "mnop"]),
        ("0-3,8-11,16-19", 8, ["0-3,", "8-11,", "16-19"]),
    ],
)
def test_values_are_parted_where_they_can_be_read(text: str, width: int, lines: list[str]) -> None:
    found = printed(FittedTable((Column("", least=1),), [(Text(text),)]), width)
    assert [line.strip() for line in found if not set(line) <= set(" ─")] == lines


@pytest.mark.parametrize("make", [racks, bare, deep])
def test_what_the_drawings_hold_is_the_same_at_every_width(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[[], dict[str, object]]
) -> None:
    path = tmp_path / "R.json"
    path.write_text(json.dumps(make()), encoding="utf-8")
    cells = []
    for columns in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(columns))
        out = run("place", path, "node=1/slot=1/core=3", "slot=2/core=1").out
        drawn = "".join(line for line in out.splitlines() if line.startswith("  ") and "cores" not in line)
        cells.append([drawn.count(mark) for mark in "·"])
    assert all(found == cells[0] for found in cells)
