"""A simulation that takes too long says so early, and the study goes on without it; the clock is the test's own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from exactfit.adapters.study import patience as module
from exactfit.adapters.study.engines import run_all
from exactfit.adapters.study.estimate import given_up_in_words
from exactfit.adapters.study.groups import gather
from exactfit.adapters.study.patience import GAVE_UP, GaveUp, OutOfPatienceError, Patience
from exactfit.adapters.study.pools import PoolName
from exactfit.adapters.study.report import About, write_report
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.store import Store
from exactfit.adapters.study.summary import lines
from exactfit.adapters.study.summary_json import figures_fields
from exactfit.adapters.study.task import GREED, Task
from exactfit.topology.machine import Machine

MakeTask = Callable[..., Task]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stands for the time of the processor."""
    now = [0.0]
    monkeypatch.setattr(module, "process_time", lambda: now[0])
    return now


def test_decisions_are_timed_as_finely_with_a_patience_as_without() -> None:
    """A timer of the processor's time would make Linux tell that time by ticks of milliseconds."""

    def steps() -> set[float]:
        return {-process_time() + process_time() for _ in range(100)} - {0.0}

    free = steps()
    with Patience(1000.0).limit():
        assert bool(steps()) == bool(free)


@pytest.mark.parametrize(
    ("patience", "taken", "part", "ends"),
    [
        (0.0, 1e9, 0.001, False),
        (100.0, 101.0, 0.99, True),
        (100.0, 99.0, 0.99, False),
        (100.0, 11.0, 0.05, True),
        (100.0, 11.0, 0.06, False),
        (100.0, 9.0, 0.01, False),
        (100.0, 50.0, 0.0, False),
        (5.0, 4.0, 0.01, False),
        (5.0, 5.1, 0.01, True),
    ],
)
def test_what_would_take_far_longer_ends_early(
    clock: list[float], patience: float, taken: float, part: float, ends: bool
) -> None:
    one = Patience(patience)
    one.measure(lambda: part)
    clock[0] = taken
    if ends:
        with pytest.raises(OutOfPatienceError):
            one.look()
    else:
        one.look()


def _here(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return run()


def _elsewhere(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run in another thread, as workers of Dask run tasks."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(run).result()


@pytest.mark.parametrize("where", [_here, _elsewhere])
def test_a_decision_that_does_not_end_is_ended(
    task: MakeTask, monkeypatch: pytest.MonkeyPatch, where: Callable[..., dict[str, Any]]
) -> None:
    from exactfit.adapters.flux.upstream import ResourcePool

    class Endless(ResourcePool):
        def alloc(self, *_: Any) -> Any:
            while True:
                try:
                    sum(range(1000))
                except Exception:
                    continue

    monkeypatch.setattr(PoolName, "load", lambda _: Endless)
    result = where(lambda: run_task(task("site:Pool", prove=False, patience=0.2).to_json()))
    assert set(result) == {GAVE_UP}
    known = GaveUp.from_json(json.loads(json.dumps(result[GAVE_UP])))
    assert known.patience == 0.2
    assert known.seconds > 0.1
    assert known.needed is None


def test_what_ends_in_time_is_not_ended_later_in_another_thread() -> None:
    def work(seconds: float) -> int:
        with Patience(seconds).limit():
            return sum(range(1000))

    with ThreadPoolExecutor(1) as executor:
        assert [executor.submit(work, 0.05).result() for _ in range(20)] == [499500] * 20
        # The thread goes on for longer than any of these had.
        assert executor.submit(lambda: sum(1 for _ in range(3_000_000))).result() == 3_000_000


AFTERWARDS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from exactfit.adapters.study.patience import OutOfPatienceError, Patience

def work(seconds: float, steps: int) -> int:
    try:
        with Patience(seconds).limit():
            return sum(1 for _ in range(steps))
    except OutOfPatienceError:
        return -1

with ThreadPoolExecutor(1) as executor:
    assert executor.submit(work, 100.0, 10).result() == 10
    assert executor.submit(work, 0.01, 10**12).result() == -1
sys.setprofile(lambda *_: None)
print(sorted([2, 1]))
"""


def test_a_limit_in_another_thread_leaves_the_interpreter_as_it_was() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AFTERWARDS], stdout=subprocess.PIPE, text=True, timeout=300, check=True
    )
    assert done.stdout == "[1, 2]\n"


def test_the_patience_is_no_part_of_what_a_simulation_is(task: MakeTask) -> None:
    assert task(patience=9.0).key == task().key


class Slow:
    """An engine in this process, on which a pool takes some seconds."""

    workers = 2

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds
        self.ran: list[tuple[str, int, float]] = []

    def submit(self, task: Task) -> Future[Any]:
        needed = self.seconds[task.pools[0]] if task.kind != GREED else 0.0
        self.ran.append((task.pools[0], task.seed, task.patience))
        future: Future[Any] = Future()
        if task.patience and needed > task.patience:
            future.set_result({GAVE_UP: GaveUp(task.patience, task.patience, needed).to_json()})
        else:
            future.set_result({"figures": {"time in all": needed, "ran": 1}, "jobs": {"job": [1], "wait": [0.0]}})
        return future

    def close(self, *, at_once: bool) -> None:
        pass

    def lost(self, fault: BaseException) -> bool:
        raise fault


@pytest.fixture
def tasks(task: MakeTask) -> list[Task]:
    """Two seeds under a pool that is quick and one that is not."""
    return [task(pool, seed=seed) for seed in (1, 2) for pool in ("Rv1Pool", "TreePool")]


def finish(tasks: list[Task], store: Store, engine: Slow, patience: float) -> list[str]:
    """Run them, and return what was foretold; each must be told as done once."""
    said: list[str] = []
    done: list[str] = []
    left = [task for task in tasks if not store.has(task.key)]
    run_all(
        tasks, store, lambda: engine, lambda task: done.append(task.key), patience, lambda f: said.extend(f.sentences())
    )
    assert sorted(done) == sorted(task.key for task in left)
    return said


def test_a_study_goes_on_without_what_does_not_end(tmp_path: Path, tasks: list[Task]) -> None:
    store, engine = Store(tmp_path), Slow({"Rv1Pool": 1.0, "TreePool": 7200.0})
    assert finish(tasks, store, engine, 600.0) == []
    assert sorted(engine.ran) == [("Rv1Pool", 1, 5.0), ("Rv1Pool", 2, 600.0), ("TreePool", 1, 5.0)]
    assert [(group.pool, len(group.results)) for group in gather(tasks, store)] == [("Rv1Pool", 2)]
    (said,) = given_up_in_words(tasks, store)
    assert said == (
        "Without TreePool under easy (2 of 2 simulations were given up): it would take about 2 h 00 min of the "
        "processor, and the patience was 10 min."
    )


def test_a_longer_patience_goes_on_and_a_shorter_asks_nothing(tmp_path: Path, tasks: list[Task]) -> None:
    store, seconds = Store(tmp_path), {"Rv1Pool": 1.0, "TreePool": 7200.0}
    finish(tasks, store, Slow(seconds), 600.0)
    run_all(tasks, store, lambda: pytest.fail("nothing is left to be run"), patience=900.0)
    engine = Slow(seconds)
    said = finish(tasks, store, engine, 9000.0)
    assert engine.ran == [("TreePool", 1, 9000.0), ("TreePool", 2, 9000.0)]
    assert said == [
        "simulations will take about 2 h 00 min of the processor on 2 workers:",
        "  TreePool, easy: 2, about 2 h 00 min each",
    ]
    assert given_up_in_words(tasks, store) == []


def test_an_estimate_comes_before_long_runs_alone(tmp_path: Path, tasks: list[Task]) -> None:
    assert finish(tasks, Store(tmp_path / "short"), Slow({"Rv1Pool": 1.0, "TreePool": 20.0}), 0.0) == []
    said = finish(tasks, Store(tmp_path / "long"), Slow({"Rv1Pool": 1.0, "TreePool": 600.0}), 0.0)
    assert said == [
        "simulations will take about 10 min of the processor on 2 workers:",
        "  TreePool, easy: 2, about 10 min each",
        "  Rv1Pool, easy: 1, about 1 s each",
        "  --patience TIME goes on without those that take longer",
    ]


def test_a_study_in_which_nothing_ended_says_so(tmp_path: Path, tasks: list[Task], machine: Machine) -> None:
    store = Store(tmp_path)
    finish(tasks, store, Slow({"Rv1Pool": 900.0, "TreePool": 7200.0}), 60.0)
    page = write_report(About("a machine", machine, "jobs", (), "exactfit study", {}), tasks, store).read_text()
    assert "Without Rv1Pool under easy (2 of 2 simulations were given up): it would take about 15 min" in page
    assert "0 of 4 simulations" in page
    lines(tasks, store, machine)
    assert len(figures_fields(tasks, store, ())["given_up"]) == 2
