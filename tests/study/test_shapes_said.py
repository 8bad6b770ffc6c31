"""The first lines of a study: whose the shapes are, what was rounded, and whether any slot can be torn."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from exactfit.adapters.cli import app

SIZES = (1, 4, 121, 300)


def said(tmp_path: Path, *arguments: object, machine: str = "rfc49-a:4") -> tuple[str, str]:
    """Return what a study of a trace of jobs of these sizes says on the terminal, and in its page, in one line each."""
    trace = tmp_path / "trace.swf"
    rows = [f"{n} {n * 10} 0 3600 {size} -1 -1 {size} 3600 -1 1 1 1 1 1 1 -1 -1\n" for n, size in enumerate(SIZES, 1)]
    trace.write_text("".join(rows))
    output = ("--pools", "Rv1Pool", "--no-prove", "--workers", "1", "-o", str(tmp_path / "out"))
    found = CliRunner().invoke(app, ["study", machine, str(trace), *map(str, arguments), *output])
    assert found.exit_code == 0, found.stderr
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    return " ".join(found.stdout.split()), " ".join(page.replace("&gt;", ">").replace("&lt;", "<").split())


def test_the_default_is_named_with_what_it_rounds_and_cannot_tell(tmp_path: Path) -> None:
    for text in said(tmp_path):
        assert "Shapes: jobs have the default, as no --rules are given: slots of one core for each processor" in text
        # 121 become 240 and 300 become 360: 119 and 60 core-hours on 426.
        rounded = "2 of 4 jobs (50.0 %) have more cores than processors, 179 core-hours or 42.0 % of all work"
        assert f"Rounding: {rounded}, one of 121 processors 240 cores." in text
        assert "Locality: every slot is one core or one GPU, so none can be torn" in text
        assert "--rules FILE takes them" in text


def test_rules_are_named_and_may_round_down(tmp_path: Path) -> None:
    rules = tmp_path / "site.rules"
    rules.write_text("processors < 4 => slot=1/core=2\notherwise => slot=<processors // 4>/core=4\n")
    for text in said(tmp_path, "--rules", rules):
        assert "Shapes: jobs have what " in text
        assert "site.rules says." in text
        assert "1 of 4 jobs (25.0 %) have more cores than processors, 1 core-hours" in text
        assert "1 of 4 jobs (25.0 %) have fewer cores than processors, 1 core-hours" in text
        assert "one of 121 processors 120 cores" in text
        assert "Locality:" not in text


def test_rules_that_round_nothing_say_so(tmp_path: Path) -> None:
    rules = tmp_path / "site.rules"
    rules.write_text("otherwise => slot=1/core=<processors>\n")
    for text in said(tmp_path, "--rules", rules):
        assert "Rounding: none; each job has as many cores as the trace says processors." in text


@pytest.mark.parametrize(("mix", "torn"), [("1 => slot=<n>/core=1\n", False), ("1 => slot=1/core=2\n", True)])
def test_a_mix_of_single_cores_says_that_nothing_can_be_torn(tmp_path: Path, mix: str, torn: bool) -> None:
    file = tmp_path / "a.mix"
    file.write_text(mix)
    output = ("--mix", str(file), "--pools", "Rv1Pool", "--no-prove", "-o", str(tmp_path / "out"))
    found = CliRunner().invoke(app, ["study", "rfc49-a:2", "lublin:jobs=5,longest=1", *output])
    assert found.exit_code == 0, found.stderr
    assert "Shapes: by the weights in " in found.stdout
    assert ("Locality: every slot is one core" in found.stdout) is not torn
