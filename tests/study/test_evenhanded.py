"""What a report says of wins and losses alike: bold and verdicts only where an interval leaves out zero."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.adapters.study.figures_table import best_of
from exactfit.adapters.study.findings import reasons
from exactfit.adapters.study.groups import Group
from exactfit.adapters.study.html import heading, page, paragraph
from exactfit.adapters.study.methods import methods
from exactfit.adapters.study.overview import overview
from exactfit.adapters.study.price import price_in_words
from exactfit.adapters.study.recommend import advices
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.submissions import Submissions
from exactfit.adapters.study.task import Source, Task
from exactfit.adapters.study.verdict import verdicts
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
    assert best_of(groups, "wait", shown, -1) == bold


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
    text = said.sentence()
    assert text.startswith("Is exactfit worth loading here in the place of TreePool (easy, load 0.8)? ")
    assert answer in text
    assert answer.startswith(said.answer)


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
    source = Source(jobs=Submissions(jobs).packed(), forms=((shape, parse_shape(shape), None, 480, 0),), offered=0.5)
    figures = run_task(task("Rv1Pool", source=source).to_json())["figures"]
    assert figures["loaded utilisation"] == pytest.approx(0.5)
    assert figures["utilisation"] == pytest.approx(0.75)


def batches(**work: float) -> Any:
    """What each pool placed of two batches of which ten machines of work fit together, the same for each seed."""
    rows = {pool: [{"seed": n, "work": w, "work optimum": 10.0} for n in (1, 2, 3)] for pool, w in work.items()}
    return lambda _load: rows


@pytest.mark.parametrize(
    ("wait", "work", "numa", "wrong", "named", "why"),
    [
        # Alone in one thing.
        ((100.0, 112.0, 121.0), 9.0, 0.9, 0, "exactfit", "TreePool is worse in mean wait."),
        ((85.0, 90.0, 100.0), 8.0, 0.9, 0, "exactfit", "TreePool is worse in work placed of batches."),
        ((85.0, 90.0, 100.0), 9.0, 0.8, 0, "exactfit", "TreePool is worse in slots in one numa."),
        ((85.0, 90.0, 100.0), 9.0, 0.9, 17, "exactfit", "TreePool is worse in jobs refused wrongly."),
        # More work does not outweigh wrong refusals and torn slots; alone it would be the better choice.
        ((85.0, 90.0, 100.0), 9.5, 0.8, 17, "exactfit", "Another is better in work placed of batches. TreePool is"),
        ((85.0, 90.0, 100.0), 9.5, 0.9, 0, "TreePool", "exactfit is worse in work placed of batches."),
        # One for one: the means of wrong refusals decide, whatever the others.
        ((85.0, 90.0, 100.0), 9.5, 0.9, 17, "exactfit", "Nothing shown tells exactfit and TreePool apart."),
        # Too little to matter.
        ((86.0, 91.0, 101.0), 8.95, 0.895, 0, "exactfit", "Nothing shown tells exactfit and TreePool apart."),
        ((84.0, 89.0, 99.0), 9.0, 0.9, 0, "TreePool", "Nothing shown tells exactfit and TreePool apart."),
        # Not shown.
        ((40.0, 90.0, 100.0), 9.0, 0.9, 0, "TreePool", "Nothing shown tells exactfit and TreePool apart."),
    ],
)
def test_what_to_load_weighs_waiting_work_locality_and_wrong_refusals(
    wait: tuple[float, ...], work: float, numa: float, wrong: float, named: str, why: str
) -> None:
    same = {"jobs": 400.0, "ran": 400.0}
    ours = waits("exactfit", 85.0, 90.0, 100.0, **same, **{"local.numa": 0.9, "jobs refused wrongly": 0.0})
    theirs = waits("TreePool", *wait, **same, **{"local.numa": numa, "jobs refused wrongly": wrong})
    (advice,) = advices([theirs, ours], batches(exactfit=9.0, TreePool=work), ("numa",))
    assert advice.pool == named
    said = advice.sentence()
    assert said.startswith(f"What to load under easy at load 0.8: {named}. ")
    assert why.replace("exactfit and TreePool", "TreePool and exactfit") in said


def test_a_pool_that_runs_fewer_jobs_is_not_named_however_good_it_is() -> None:
    fewer = waits("TreePool", 10.0, 10.0, 10.0, ran=390.0, **{"local.numa": 1.0})
    ours = waits("exactfit", 85.0, 90.0, 100.0, ran=400.0, **{"local.numa": 0.9})
    (advice,) = advices([ours, fewer], batches(), ("numa",))
    assert (advice.pool, advice.fewer) == ("exactfit", ["TreePool"])
    assert advice.sentence().endswith("exactfit. TreePool runs fewer jobs.")


def test_without_batches_work_is_the_cores_in_use() -> None:
    busy = waits("TreePool", 1.0, 1.0, **{"loaded utilisation": 0.8})
    idle = waits("exactfit", 1.0, 1.0, **{"loaded utilisation": 0.7})
    (advice,) = advices([idle, busy], batches(), ())
    assert advice.lost == {"exactfit": ["core use while jobs come"], "TreePool": []}


def test_one_seed_names_nothing_to_load() -> None:
    assert advices([waits("exactfit", 1.0), waits("TreePool", 2.0)], batches(), ()) == []


def test_the_first_screen_is_a_sentence_and_a_table_with_intervals() -> None:
    same = {"jobs": 400.0, "ran": 400.0}
    groups = [
        waits("exactfit", 3000.0, 3100.0, 3300.0, **same, **{"local.numa": 0.9, "slowdown": 2.0}),
        waits("TreePool", 3600.0, 3720.0, 3900.0, **same, **{"local.numa": 0.95, "slowdown": 2.0}),
    ]
    said, table = overview(advices(groups, batches(), ("numa",)), verdicts(groups, ("numa",)))
    assert "What to load under easy at load 0.8: " in said
    assert '<th scope="row">TreePool</th><td class="best">It depends</td>' in table
    assert '<td class="best">-10.1 ▲ <span class="pm">-10.6 to -9.6</span></td>' in table
    assert '<td class="best">-5.0 ▼ <span class="pm">-5.0 to -5.0</span></td>' in table
    # What counts for no choice is for the details.
    assert "slowdown" not in table


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
