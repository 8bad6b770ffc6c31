"""--columns: the columns of a table by name, in the order in which they are named."""

from __future__ import annotations

import pytest

from exactfit.adapters.cli.report import NUMBER_COLUMNS
from exactfit.adapters.cli.tables import OUTCOME_COLUMNS

from .conftest import Runner

JOBS = ("slot=2/[core=8;gpu=1]", "slot=1/core=500")
PLACE = ("place", "rfc49-a:1", *JOBS, "--no-drawing")
EXPLAIN = ("explain", "rfc49-a:1", "slot=9/gpu=1")


def table(out: str) -> list[list[str]]:
    """Return the words of the lines down to the first that is empty."""
    return [line.split() for line in out.strip().split("\n\n")[0].splitlines() if not line.strip().startswith("─")]


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ("ranks", [["ranks"], ["0"], ["-"]]),
        ("certificate,slots,job", [["certificate", "slots", "job"], ["OPTIMAL", "2", "1"], ["infeasible", "-", "2"]]),
        (" job , crossed", [["job", "crossed"], ["1", "none"], ["2", "-"]]),
    ],
)
def test_the_table_of_place_has_those_columns(names: str, rows: list[list[str]], run: Runner) -> None:
    found = table(run(*PLACE, "--columns", names).out)
    assert [row for row in found if row][: len(rows)] == rows


def test_all_by_default(run: Runner) -> None:
    names = ",".join(column.name for column in OUTCOME_COLUMNS)
    whole, named = run(*PLACE).out, run(*PLACE, "--columns", names).out
    assert table(whole)[0] == table(named)[0] == names.split(",")


def test_the_numbers_of_explain(run: Runner) -> None:
    out = run(*EXPLAIN, "--columns", "free,vertex").out
    lines = [line.split() for line in out.splitlines()]
    assert ["free", "vertex"] in lines
    assert ["8", "slot/gpu"] in lines
    assert "asked" not in out.split("in conflict")[0]
    assert len(NUMBER_COLUMNS) == 6


def test_a_narrow_terminal_still_has_them_all(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "16")
    out = run(*PLACE, "--columns", "ranks,crossed,certificate,time").out
    for part in ("crossed none", "OPTIMAL", "infeasible", "time"):
        assert part in out
    assert not out.startswith("\n")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ((*PLACE, "--columns", "colour"), ["no column is called 'colour'", "job, request, nodes, ranks"]),
        ((*PLACE, "--columns", ""), ["no column is called ''"]),
        ((*PLACE, "--columns", "job,job"), ["job is given twice"]),
        ((*PLACE, "--columns", "job", "--json"), ["--columns and --json"]),
        ((*EXPLAIN, "--columns", "ranks"), ["vertex, asked, exist, match, up, free"]),
        ((*EXPLAIN, "--columns", "free", "--json"), ["--columns and --json"]),
    ],
)
def test_what_is_no_column(arguments: tuple[str, ...], parts: list[str], run: Runner) -> None:
    complaint = run(*arguments).complaint
    for part in parts:
        assert part in complaint
