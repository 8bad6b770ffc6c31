"""What a report says of wins and losses alike: bold and verdicts only where an interval leaves out zero."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.adapters.study.findings import reasons
from exactfit.adapters.study.groups import Group
from exactfit.adapters.study.html import heading, page, paragraph
from exactfit.adapters.study.methods import methods
from exactfit.adapters.study.price import price_in_words
from exactfit.adapters.study.report import _best
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.task import Source, Task
from exactfit.adapters.study.verdict import recommended, verdicts
from exactfit.grammar.shape import parse_shape


def group(pool: str, *seeds: dict[str, float]) -> Group:
    return Group(pool, "easy", 0.8, [{"figures": figures} for figures in seeds], list(range(1, len(seeds) + 1)))


def waits(pool: str, *values: float, **same: float) -> Group:
    return group(pool, *({"wait": value, **same} for value in values))


@pytest.mark.parametrize(
    ("ours", "bold"),
    [
        ((60.0, 70.0, 80.0), [True, False]),
        ((160.0, 170.0, 180.0), [False, True]),
        ((60.0, 170.0, 120.0), [False, False]),
        ((60.0,), [False, False]),
    ],
)
def test_only_what_an_interval_shows_is_bold(ours: tuple[float, ...], bold: list[bool]) -> None:
    groups = [waits("exactfit", *ours), waits("TreePool", *(100.0, 110.0, 120.0)[: len(ours)])]
    shown = [f"{sum(r['figures']['wait'] for r in g.results) / len(g.results):.1f}" for g in groups]
    assert _best(groups, "wait", shown, -1) == bold


@pytest.mark.parametrize(
    ("ours", "decision", "answer"),
    [
        ((60.0, 71.0, 79.0), 0.001, "Yes. Better: mean wait -0.7 min (-0.7 to -0.6), time of a decision -1.00 ms"),
        ((60.0, 71.0, 79.0), 0.005, "It depends. Better: mean wait -0.7 min (-0.7 to -0.6); worse: time of a decision"),
        ((100.0, 150.0, 81.0), 0.005, "No. Worse: time of a decision +3.00 ms (+3.00 to +3.00); no difference shown"),
        ((100.0, 150.0, 81.0), 0.002, "Not shown. No difference shown: mean wait, time of a decision."),
        ((60.0,), 0.001, "One seed shows no difference that may not be luck: --sweep seeds=N does."),
    ],
)
def test_the_verdict_is_what_intervals_show(ours: tuple[float, ...], decision: float, answer: str) -> None:
    theirs = waits("TreePool", *(100.0, 110.0, 120.0)[: len(ours)], decision=0.002)
    (said,) = verdicts([waits("exactfit", *ours, decision=decision), theirs], ())
    assert said.startswith("Is exactfit worth loading here in the place of TreePool (easy, load 0.8)? ")
    assert answer in said


def test_there_is_no_verdict_without_a_pool_of_ours() -> None:
    assert verdicts([waits("Rv1Pool", 1.0, 2.0), waits("TreePool", 1.0, 2.0)], ()) == []


def test_jobs_that_never_ran_have_reasons() -> None:
    figures = {"jobs": 10.0, "ran": 5.0, "denied": 3.0, "denied wrongly": 2.0}
    assert reasons([group("TreePool", figures)]) == (
        "3 it called impossible, 2 of them although a placement exists on the idle machine; "
        "2 it never found a place for, or they waited behind such a job"
    )


@pytest.mark.parametrize(("bound", "said"), [(9, "(no more than 9 can)"), (8, "(proven)")])
def test_the_bound_stands_beside_the_optimum(bound: int, said: str) -> None:
    (text,) = price_in_words([{"pool": "TreePool", "placed": 6, "optimum": 8, "bound": bound}])
    assert f"8 jobs fit together {said}." in text


def test_core_use_while_jobs_come_leaves_out_how_the_machine_empties(task: Any) -> None:
    shape = "node=4/slot=1/core=120"
    jobs = tuple((n, submit, run, run, 16, 0) for n, submit, run in ((1, 0.0, 50.0), (2, 100.0, 100.0)))
    source = Source(jobs=jobs, forms=((shape, parse_shape(shape), None, 480, 0),), offered=0.5)
    figures = run_task(task("Rv1Pool", source=source).to_json())["figures"]
    assert figures["loaded utilisation"] == pytest.approx(0.5)
    assert figures["utilisation"] == pytest.approx(0.75)


def batches(**work: float) -> Any:
    return lambda _load: {pool: [{"work": value}] for pool, value in work.items()}


@pytest.mark.parametrize(
    ("theirs", "work", "named"),
    [
        ((100.0, 112.0, 121.0), {}, "exactfit."),  # waits longer in each
        ((60.0, 61.0, 62.0), {"exactfit": 9.0}, "TreePool."),
        ((80.0, 95.0, 98.0), {"exactfit": 9.0, "TreePool": 8.0}, "exactfit. No other is shown to run more jobs or"),
        ((80.0, 95.0, 98.0), {"exactfit": 8.0, "TreePool": 9.0}, "TreePool. No other is shown to run more jobs or"),
        ((80.0, 95.0, 98.0), {}, "exactfit. No other is shown to run more jobs or sooner than exactfit, TreePool; "),
    ],
)
def test_what_to_load_is_what_no_other_surpasses(theirs: tuple[float, ...], work: Any, named: str) -> None:
    ours = waits("exactfit", 85.0, 90.0, 100.0, **{"local.numa": 0.9})
    (said,) = recommended([ours, waits("TreePool", *theirs, **{"local.numa": 0.8})], batches(**work), ("numa",))
    assert said.startswith(f"What to load under easy at load 0.8: {named}")


def test_one_seed_names_nothing_to_load() -> None:
    assert recommended([waits("exactfit", 1.0), waits("TreePool", 2.0)], batches(), ()) == []


def test_methods_say_what_was_run_and_with_what() -> None:
    tasks = [
        Task("run", {}, Source(generator="lublin"), (pool,), seed=seed)
        for pool in ("exactfit", "TreePool")
        for seed in (1, 2)
    ]
    said = methods("rfc49-a", "16 nodes", "Generated workload lublin", tasks, {"exactfit": "0.1", "ortools": "9.15"})
    for part in (
        "exactfit 0.1 (ortools 9.15)",
        "(exactfit, TreePool) ran 2 samples",
        "EASY backfill",
        "first 8 waiting",
    ):
        assert part in said


def test_a_page_has_links_to_its_headings() -> None:
    text = page("Study", [heading("Figures"), paragraph("x"), heading("The price of greed")])
    assert '<a href="#the-price-of-greed">The price of greed</a>' in text
    assert '<h2 id="the-price-of-greed">' in text
    assert "<nav" not in page("Study", [heading("Figures")])
