"""Charts of a study: the numbers, as drawn pictures and with hover values, and who stood where around a moment."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from exactfit.adapters.study import html, live
from exactfit.adapters.study.around import Around
from exactfit.adapters.study.charts import SPANS, STEPS, Chart
from exactfit.adapters.study.curves import shares_below
from exactfit.adapters.study.groups import Group
from exactfit.adapters.study.locality import Locality
from exactfit.adapters.study.measures import Place
from exactfit.adapters.study.moments import gantts
from exactfit.adapters.study.pictured import Pictured
from exactfit.adapters.study.plots import svg_of
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.slim import slimmed
from exactfit.adapters.twin.jobs import Job, Outcome
from exactfit.topology.machine import Machine

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def results() -> dict[tuple[str, int], Any]:
    return {}


@pytest.fixture
def groups(task: Callable[..., Any], results: dict[tuple[str, int], Any]) -> list[Group]:
    """Two pools under two seeds, run once."""
    pools = ("Rv1Pool", "TreePool")
    for pool in pools:
        for seed in (1, 2):
            if (pool, seed) not in results:
                results[pool, seed] = run_task(task(pool, seed=seed, prove=False).to_json())
    return [Group(pool, "easy", 0.7, [results[pool, 1], results[pool, 2]], [1, 2]) for pool in pools]


@pytest.fixture
def charts(groups: list[Group], machine: Machine) -> dict[str, Chart]:
    greed = [
        {"pool": pool, "load": 0.7, "seed": 1, "batch": n, "placed": 3, "optimum": 4, "work": 0.2, "work optimum": 0.4}
        for pool in ("Rv1Pool", "TreePool")
        for n in (1, 2)
    ]
    other = [Group(group.pool, group.scheduling, 0.9, group.results, group.seeds) for group in groups]
    every = [*Pictured([*groups, *other], machine.levels, greed).all(), *gantts(groups, machine)]
    return {chart.name: chart for chart in every}


def test_every_chart_is_there(charts: dict[str, Chart]) -> None:
    assert list(charts) == [
        *("locality", "waits", "timeline", "nodes", "intact", "greed", "greed-work", "decisions", "decision-times"),
        *("load-wait", "load-slowdown", "gantt-0", "gantt-1"),
    ]


def test_the_figures_of_the_table_are_those_of_the_chart(groups: list[Group], charts: dict[str, Chart]) -> None:
    for group, series in zip(groups, charts["locality"].series, strict=True):
        found = group.figure("local.numa")
        assert found is not None
        assert found.half is not None
        assert series.y[-1] == pytest.approx(100 * found.mean)
        assert series.high[-1] - series.y[-1] == pytest.approx(100 * found.half)


def test_shares_are_of_all_values_and_begin_where_the_axis_does() -> None:
    assert shares_below([0.0, 0.0, 6.0, 6.0, 12.0], 0.5, 1.0) == ([1.0, 3.0, 6.0], [40.0, 80.0, 100.0])
    assert shares_below([], 1.0, 0.0) == ([], [])
    x, y = shares_below([float(n) for n in range(100_000)], 1.0, 0.0)
    assert len(x) < 1100
    assert (x[-1], y[-1]) == (99_999.0, 100.0)


def test_the_gantt_has_each_job_on_its_nodes_while_it_ran(
    results: dict[tuple[str, int], Any], groups: list[Group], charts: dict[str, Chart]
) -> None:
    jobs = results["Rv1Pool", 1]["jobs"]
    rows = {job: row for job, *row in zip(*(jobs[n] for n in ("job", "start", "end", "nodes")), strict=True)}
    chart = charts["gantt-0"]
    assert chart.mark == results["Rv1Pool", 1]["moment"]["time"] / 3600
    nodes: dict[int, int] = {}
    for span in chart.spans:
        start, end, _ = rows[span.job]
        assert (span.start, span.end) == pytest.approx((start / 3600, end / 3600))
        nodes[span.job] = nodes.get(span.job, 0) + span.last + 1 - span.first
    assert nodes == {job: row[2] for job, row in rows.items() if row[2]}
    assert 0 < len({span.job for span in chart.spans if span.torn}) < len(nodes)
    assert groups[0].pool in chart.caption


def test_more_bars_than_can_be_drawn_make_the_time_shorter(machine: Machine) -> None:
    """Jobs on every other node, one after the other: the farther they are the sooner they are left out."""
    jobs: list[Any] = [[n, 100.0 * n, 100.0 * n + 90.0, "0,2", False] for n in range(3000)]
    moment = {"time": 150_000.0, "around": {"from": 0.0, "until": 300_000.0, "jobs": jobs}}
    (chart,) = gantts([Group("TreePool", "easy", None, [{"moment": moment}], [1])], machine)
    assert len(chart.spans) == 2000
    assert chart.x.low is not None
    assert chart.x.high is not None
    low, high = 3600 * chart.x.low, 3600 * chart.x.high
    assert {span.job for span in chart.spans} >= {n for n, begin, end, *_ in jobs if end > low and begin < high}
    assert high - low == pytest.approx(100_000, abs=200)


def test_two_jobs_never_stand_in_one_place_of_a_whole_node(charts: dict[str, Chart]) -> None:
    """Jobs share nodes, but no more of them at a time than a node has cores."""
    spans = charts["gantt-0"].spans
    for one in spans:
        there = [s for s in spans if s.start <= one.start < s.end and s.first <= one.first <= s.last]
        assert len(there) <= 120


@pytest.mark.parametrize("name", ["locality", "waits", "timeline", "greed", "decisions", "load-wait", "gantt-1"])
def test_a_chart_is_drawn_and_slimmed_the_same_each_time(charts: dict[str, Chart], name: str) -> None:
    svg = svg_of(charts[name])
    assert svg == svg_of(charts[name])
    slim = slimmed(name, svg)
    assert len(slim) < len(svg)
    root = ElementTree.fromstring(slim.replace("<svg", '<svg xmlns:xlink="http://www.w3.org/1999/xlink"', 1) if
                                  "xmlns:xlink" not in slim else slim)  # fmt: skip
    # Nothing that is drawn is lost: as many texts and pictures, and all of the lines' points.
    count = [len(re.findall(f"<{tag}[ >]", svg)) for tag in ("text", "image", "use")]
    assert [len(re.findall(f"<{tag}[ >]", slim)) for tag in ("text", "image", "use")] == count
    paths = " ".join(re.findall(r'<path[^>]* d="([^"]*)"', svg) + re.findall(r'<path d="([^"]*)"', svg))
    after = " ".join(re.findall(r'<path[^>]* d="([^"]*)"', slim) + re.findall(r'<path d="([^"]*)"', slim))
    assert paths.count("M") == after.count("M")
    assert paths.count("L") == after.count("L")
    assert root.tag.endswith("svg")


def _items(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', page, re.DOTALL)
    assert found
    items: dict[str, Any] = json.loads(found[1])
    return items


def _all(value: Any, kind: str) -> list[Any]:
    """All of Bokeh's objects of a kind in its JSON."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    mine = [value] if isinstance(value, dict) and value.get("name") == kind and "attributes" in value else []
    return [*mine, *(one for part in inner for one in _all(part, kind))]


def test_hover_values_are_those_of_the_chart(charts: dict[str, Chart]) -> None:
    pytest.importorskip("bokeh")
    items = _items(live.live(list(charts.values())))
    assert list(items) == list(charts)
    for name, chart in charts.items():
        (hover,) = _all(items[name], "HoverTool")
        assert hover["attributes"]["tooltips"]
        assert _all(items[name], "BoxZoomTool")
        columns = [dict(one["attributes"]["data"].get("entries", ())) for one in _all(items[name], "ColumnDataSource")]
        if chart.kind == SPANS:
            assert sum(len(one["job"]) for one in columns) == len(chart.spans)
        elif chart.kind == STEPS:
            whole = [sorted(set(one["y"])) for one in columns if "y" in one]
            for series in chart.series:
                assert sorted({float(f"{y:.6g}") for y in series.y}) in whole


def test_the_same_charts_are_the_same_text_and_end_no_script(charts: dict[str, Chart]) -> None:
    pytest.importorskip("bokeh")
    named = Chart("odd", "</script><b>", STEPS, charts["waits"].x, charts["waits"].y, charts["waits"].series)
    text = live.live([named, charts["timeline"]])
    assert text == live.live([named, charts["timeline"]])
    assert text.count("</script") == 3


def test_without_bokeh_the_drawn_pictures_are_all(charts: dict[str, Chart], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "find_spec", lambda _: None)
    assert live.live(list(charts.values())) == ""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium (on Debian: apt install chromium)")
def test_in_a_browser_each_chart_takes_the_place_of_its_picture(charts: dict[str, Chart], tmp_path: Path) -> None:
    pytest.importorskip("bokeh")
    some = [charts[name] for name in ("locality", "timeline", "greed", "load-wait", "gantt-0")]
    figures = [html.chart(one.name, one.caption, svg_of(one), live.place_of(one)) for one in some]
    page = tmp_path / "page.html"
    page.write_text(html.page("Charts", [*figures, live.live(some)]), encoding="utf-8")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert re.findall(r'<figure id="([^"]*)" class="live">', run.stdout) == [one.name for one in some]


def test_of_too_many_jobs_those_nearest_to_the_moment_are_kept(machine: Machine) -> None:
    around = Around(machine, 50_000.0, 0.0)
    order = random.Random(5)
    starts = [order.uniform(0.0, 100_000.0) for _ in range(5000)]
    locality = Locality(1, {"socket": 1, "numa": 1}, {"socket": 1, "numa": 1})
    for number, start in enumerate(starts):
        outcome = Outcome(Job(number, {}, 10.0), 0.0, 16, started=start, ended=start + 10.0)
        around.add(outcome, Place(1, 0, 1, {}, locality, 0b1), None)
    told = around.told()
    window = (told["from"], told["until"])
    there = sorted(n for n, start in enumerate(starts) if start < window[1] and start + 10 > window[0])
    assert sorted(job for job, *_ in told["jobs"]) == there
    assert 500 <= len(there) <= 600
    assert window[0] + window[1] == pytest.approx(100_000.0, abs=100)
