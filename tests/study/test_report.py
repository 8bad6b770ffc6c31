"""`exactfit study` as a user runs it: the page, in a browser too, the files beside it, and wrong input."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from exactfit.adapters.cli import app
from exactfit.adapters.study.columns import read_columns
from exactfit.adapters.study.curves import averaged, bin_for
from exactfit.adapters.study.html import plot

WORKLOAD = "lublin:jobs=30,load=0.7,longest=2"
TERMINAL = "terminal.txt"
"""What the study of the fixture printed."""
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def study(*arguments: object) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["study", *map(str, arguments)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout, found.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two loads and two seeds, with batches against the optimum."""
    path = tmp_path_factory.mktemp("study")
    pools = "exactfit,Rv1Pool,TreePool"
    sweep = "load=0.5+0.8,seeds=2"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        status, out, err = study(
            "rfc49-a:4", WORKLOAD, "--pools", pools, "--sweep", sweep, "--snapshots", 1, "--batch", 4, "-o", path
        )
    (path / TERMINAL).write_text(out, encoding="utf-8")
    # A busy machine takes minutes, and says so a line each.
    assert (status, [line for line in err.splitlines() if " simulations done after " not in line]) == (0, [])
    assert f"report: {path}/report.html" in out
    return path


def test_the_terminal_shows_all_figures_whole(folder: Path) -> None:
    out = (folder / TERMINAL).read_text(encoding="utf-8")
    lines = [line for line in out.splitlines() if not line.startswith(("report: ", "usual jobs: "))]
    assert "…" not in out
    assert max(map(len, lines)) <= 80
    assert [line.strip() for line in lines if line.startswith("easy")] == ["easy, load 0.5", "easy, load 0.8"]
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    assert len(rows) == 2 * 7
    assert all(len(cells) == 4 and cells[0] for cells in rows)
    assert all(re.fullmatch(r"[\d.]+ ± [\d.]+", cell) for cells in rows for cell in cells[1:])


@pytest.mark.parametrize("width", [40, 60, 120])
def test_the_terminal_shows_the_same_at_every_width(folder: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """What is done is not run again, so this is the same study."""
    monkeypatch.setenv("COLUMNS", str(width))
    pools = "exactfit,Rv1Pool,TreePool"
    status, out, _ = study(
        "rfc49-a:4",
        WORKLOAD,
        "--pools",
        pools,
        "--sweep",
        "load=0.5+0.8,seeds=2",
        "--snapshots",
        1,
        "--batch",
        4,
        "-o",
        folder,
    )
    assert status == 0
    lines = [line for line in out.splitlines() if not line.startswith(("report: ", "usual jobs: "))]
    assert max(map(len, lines)) <= width
    figures = re.compile(r"[\d.]+ ± [\d.]+")
    before = (folder / TERMINAL).read_text(encoding="utf-8")
    assert sorted(figures.findall(" ".join(out.split()))) == sorted(figures.findall(before))
    assert " ".join(out.split()).count("mean wait, min") == 2


class Page(HTMLParser):
    """Collects what a page refers to, and whether its tags match."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href", "action", "data"):
                self.links.append(value or "")


def test_the_page_says_which_backfill_it_was(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "The queue: easy: EASY backfill (Lifka 1995; Mu&#x27;alem and Feitelson 2001)." in text
    assert "The scheduler sees 8 jobs at a time." in text


def test_the_page_stands_alone(folder: Path) -> None:
    whole = (folder / "report.html").read_text(encoding="utf-8")
    assert len(whole) < 5_000_000
    # What the charts' library knows how to fetch it fetches only where it is told to: a browser says so below.
    text = re.sub(r"<script>.*?</script>", "", whole, flags=re.DOTALL)
    page = Page()
    page.feed(text)
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not re.search(r"url\((?!#)", text)
    assert not page.tags & {"iframe", "object", "embed", "img"}
    assert "<script src" not in whole
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_page_says_what_it_is_of(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    for part in (
        "exactfit, load 0.5",
        "TreePool, load 0.8",
        "slots in one numa, %",
        "± ",
        "The price of greed: of 4 batches ",
        "% of the optimum",
        "minutes, of 2 seeds, between the least and the most of them",
        "seeds 1-2",
    ):
        assert part in text


def test_lines_over_time_are_means_of_equal_bins() -> None:
    # 4 for half a minute, 2 for two and a half, then 8 for half of the last bin.
    assert averaged([0.0, 30.0, 180.0, 210.0], [4, 2, 8, 0], 60.0) == [3.0, 2.0, 2.0, 8.0]
    assert averaged([90.0, 120.0], [5, 0], 60.0) == [0.0, 5.0]
    assert (averaged([], [], 60.0), averaged([7.0], [3], 60.0)) == ([], [3])


@pytest.mark.parametrize(
    ("hours", "minutes"), [(0, 1), (2, 1), (3, 2), (30, 15), (37.5, 15), (38, 30), (10**6, 432000)]
)
def test_bins_are_as_few_as_can_be_read(hours: float, minutes: float) -> None:
    assert bin_for(hours * 3600) == minutes * 60


def test_all_is_beside_it_as_tables_and_pictures(folder: Path) -> None:
    figures = read_columns(folder / "figures")
    assert len(figures["pool"]) == 3 * 2 * 2
    assert set(read_columns(folder / "greed")["pool"]) == {"exactfit", "Rv1Pool", "TreePool"}
    for key in figures["result"]:
        assert sorted(read_columns(folder / "results" / key / "jobs")["job"]) == list(range(1, 31))
    names = {path.stem for path in (folder / "plots").glob("*.svg")}
    assert {"locality", "waits", "timeline", "intact", "greed", "decisions", "load-wait", "machine-0"} <= names
    for path in (folder / "plots").glob("*.svg"):
        ElementTree.parse(path)
    assert "a letter, a shape: one slot" in (folder / "plots" / "machine-0.svg").read_text(encoding="utf-8")


def test_a_second_start_runs_nothing_and_writes_the_same_page(folder: Path) -> None:
    before = (folder / "report.html").read_bytes()
    kept = {path: path.stat().st_mtime_ns for path in (folder / "results").rglob("*") if path.is_file()}
    sweep = "load=0.5+0.8,seeds=2"
    status, _, _ = study("rfc49-a:4", WORKLOAD, "--sweep", sweep, "--snapshots", 1, "--batch", 4, "-o", folder)
    assert status == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (folder / "report.html").read_bytes() == before


@pytest.mark.skipif(BROWSER is None, reason="no Chromium (on Debian: apt install chromium)")
def test_a_browser_shows_the_page_without_an_error(folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    command = [
        str(BROWSER),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path}",
        "--enable-logging=stderr",
        "--window-size=1280,2400",
        # Whatever it would fetch cannot be found, and that would be logged.
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--screenshot={picture}",
        (folder / "report.html").as_uri(),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert picture.stat().st_size > 50_000
    said = [line for line in run.stderr.splitlines() if "CONSOLE" in line or "ERR_" in line]
    assert [line for line in said if "INFO:CONSOLE" not in line or "[bokeh" not in line] == []


def test_ids_of_pictures_are_their_own() -> None:
    svg = '<?xml version="1.0"?><svg><clipPath id="p1"/><g clip-path="url(#p1)"/><use xlink:href="#p1"/></svg>'
    found = plot("a", "A & B", svg)
    assert found.count("a-p1") == 3
    assert "A &amp; B" in found
    assert "<?xml" not in found


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("rfc49-a", "no-such-file"), "no-such-file: cannot read the workload: No such file or directory"),
        (("rfc49-a", "lublin:load=x"), "lublin: load: expected a number, got 'x'"),
        (("rfc49-a", WORKLOAD, "--pools", "Best"), "no pool is called 'Best'"),
        (("rfc49-a", WORKLOAD, "--sweep", "x=1"), "'x=1': expected pools, load, seeds, scheduling, with-nodes, with"),
        (("rfc49-a", WORKLOAD, "--sweep", "load=1:0.5:0.1"), "'1:0.5:0.1': the last is before the first"),
        (("rfc49-a", WORKLOAD, "--time-limit", "-1"), "--time-limit: expected seconds above 0, got -1.0"),
        (("rfc49-a", WORKLOAD, "--pools", "Rv1Pool,Rv1Pool"), "pools: each is named once"),
        (("rfc49-a", WORKLOAD, "--engine", "cloud", "--pools", "Rv1Pool"), "no engine 'cloud'"),
        (("rfc49-a", WORKLOAD, "--rules", "r"), "--rules goes with a trace"),
        (("rfc49-a", WORKLOAD, "--scheduling", "best"), "scheduling: 'best': there are easy, flux, conservative, fifo"),
    ],
)
def test_wrong_input_gets_one_line(arguments: tuple[str, ...], fault: str, tmp_path: Path) -> None:
    status, out, err = study(*arguments, "-o", tmp_path / "out")
    assert (status, out) == (2, "")
    assert err.startswith(f"exactfit: {fault}")
    assert err.count("\n") == 1


def test_a_trace_is_run_with_rules(tmp_path: Path) -> None:
    trace = tmp_path / "trace.swf"
    lines = [f"{n} {n * 10} 0 60 4 -1 -1 4 120 -1 1 1 1 1 1 1 -1 -1\n" for n in range(1, 9)]
    trace.write_text("".join([*lines, lines[0].replace(" 60 ", " -1 ")]))
    rules = tmp_path / "rules"
    rules.write_text("otherwise => slot=<processors>/core=2\n")
    status, out, _ = study(
        "rfc49-a:2", trace, "--rules", rules, "--pools", "TreePool", "--jobs", 5, "--load", 0.5, "-o", tmp_path / "out"
    )
    assert status == 0
    assert "TreePool" in out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for place in (out, page):
        assert "5 jobs of trace.swf, in the whole trace 1 that never ran left out, offered load" in place
    rules.write_text("otherwise => slots\n")
    status, _, err = study("rfc49-a:2", trace, "--rules", rules, "-o", tmp_path / "out")
    assert (status, err.count("\n")) == (2, 1)
    assert "becomes 'slots'" in err


INTERRUPTED = """
import os, signal
from exactfit.adapters.cli.app import main
from exactfit.adapters.study.store import Store

put, kept = Store.put, []

def put_and_interrupt(store, *result):
    put(store, *result)
    kept.append(result)
    if len(kept) == 3:
        os.kill(os.getpid(), signal.SIGINT)

Store.put = put_and_interrupt
main()
"""
"""The program, interrupted as soon as it has kept three results."""


def test_an_interruption_says_so_and_the_same_command_goes_on(tmp_path: Path) -> None:
    rest = ["rfc49-a:4", WORKLOAD, "--pools", "Rv1Pool", "--sweep", "seeds=6", "-o", str(tmp_path / "out")]
    command = [sys.executable, "-c", INTERRUPTED, "study", *rest, "--workers", "1"]
    run = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=600, check=False)
    assert run.returncode == 130
    assert "what is done is kept" in run.stderr
    assert run.stderr.rstrip().endswith("exactfit: interrupted")
    kept = list((tmp_path / "out").glob("results/*/figures.json"))
    times = {path: path.stat().st_mtime_ns for path in kept}
    assert len(kept) == 3
    assert study(*rest)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == times
