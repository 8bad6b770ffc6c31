"""Sweeps: axes, what is kept, and that no lost worker and no interruption changes a number."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from exactfit.adapters.study import flux_engine, worker
from exactfit.adapters.study.columns import read_columns, write_columns
from exactfit.adapters.study.engine import EngineError
from exactfit.adapters.study.engines import Processes, make_engine, run_all
from exactfit.adapters.study.groups import estimate, gather
from exactfit.adapters.study.plan import Axes, Settings, tasks_of
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.store import Store
from exactfit.adapters.study.task import Source, Task, machine_R
from exactfit.topology.machine import Machine

MakeTask = Callable[..., Task]
MEASURED = ("decision", "decision p95", "decision longest", "time in decisions", "time in all")
"""Figures that are times of this machine's, and differ from run to run."""


def numbers(tasks: Sequence[Task], store: Store) -> list[dict[str, float]]:
    """Return the figures that must be equal."""
    return [{k: v for k, v in store.get(task.key)["figures"].items() if k not in MEASURED} for task in tasks]


class TestAxes:
    def test_every_combination_is_run(self, machine: Machine) -> None:
        axes = Axes(("Rv1Pool",)).swept("pools=Rv1Pool+TreePool,load=0.7:0.9:0.1,seeds=3,scheduling=easy+fifo")
        assert axes.loads == (0.7, 0.8, 0.9)
        tasks = tasks_of(axes, Settings(machine_R(machine), Source(generator="lublin:jobs=5")))
        assert len({task.key for task in tasks}) == 2 * 3 * 3 * 2

    def test_a_pool_is_another_when_the_file_of_its_policy_has_another_text(
        self, machine: Machine, tmp_path: Path
    ) -> None:
        usual = tmp_path / "usual.mix"
        axes = Axes((f"exactfit:future={usual}", "exactfit", "Rv1Pool"))
        keys = []
        for text in ("1 => slot=1/core=15\n", "2 => slot=1/core=7\n"):
            usual.write_text(text, encoding="utf-8")
            tasks = tasks_of(axes, Settings(machine_R(machine), Source(generator="lublin:jobs=5")))
            keys.append([Task.from_json(task.to_json()).key for task in tasks])
        assert [old == new for old, new in zip(*keys, strict=True)] == [False, True, True]
        policy = {"policy": f"size,future={usual}"}
        site = tasks_of(axes, Settings(machine_R(machine), Source(generator="lublin:jobs=5"), choice=policy))
        assert [len(task.files) for task in site] == [1, 1, 0]

    def test_policies_of_ours_have_their_terms(self) -> None:
        assert Axes(()).swept("pools=exactfit:affinity/fit+TreePool").pools == ("exactfit:affinity+fit", "TreePool")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "load",
            "load=",
            "speed=3",
            "load=1:2",
            "load=1:2:0",
            "load=0:1e9:1e-9",
            "load=-1",
            "seeds=0",
            "seeds=9e9",
            "scheduling=none",
        ],
    )
    def test_what_is_no_axis_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"\S"):
            Axes(("Rv1Pool",)).swept(text)


class TestStore:
    @pytest.mark.parametrize("parquet", [False, True])
    def test_tables_come_back(self, tmp_path: Path, parquet: bool) -> None:
        if parquet:
            pytest.importorskip("pyarrow")
        columns: dict[str, list[Any]] = {
            "n": [1, 2],
            "x": [0.5, None],
            "text": ["slot=1/[core=2;gpu=1]", "b,c"],
            "flag": [True, False],
        }
        write_columns(tmp_path / "t", columns, parquet=parquet)
        assert read_columns(tmp_path / "t") == columns

    def test_a_result_comes_back(self, tmp_path: Path, task: MakeTask) -> None:
        store, one = Store(tmp_path), task()
        assert not store.has(one.key)
        result = run_task(one.to_json())
        store.put(one.key, one.label, result)
        assert store.has(one.key)
        assert store.get(one.key)["figures"] == result["figures"]
        assert store.get(one.key)["jobs"]["wait"] == result["jobs"]["wait"]

    def test_what_was_half_written_does_not_count(self, tmp_path: Path, task: MakeTask) -> None:
        store, one = Store(tmp_path), task()
        (tmp_path / "results" / one.key).mkdir()
        assert not store.has(one.key)


def test_confidence_is_students() -> None:
    found = estimate([1.0, 2.0, 3.0])
    assert (found.mean, round(found.half or 0, 3)) == (2.0, 2.484)
    assert estimate([1.0]).half is None


@pytest.fixture
def quick(task: MakeTask) -> MakeTask:
    """Makes tasks without proofs."""
    return lambda **changed: task(prove=False, **changed)


class Inline:
    """An engine in this process, that fails as it is told."""

    workers = 1

    def __init__(self, *faults: BaseException) -> None:
        self.faults = list(faults)
        self.runs = 0

    def submit(self, task: Task) -> Future[Any]:
        self.runs += 1
        future: Future[Any] = Future()
        if self.faults:
            future.set_exception(self.faults.pop())
        else:
            future.set_result(run_task(task.to_json()))
        return future

    def close(self, *, at_once: bool) -> None:
        self.closed = at_once

    def lost(self, fault: BaseException) -> bool:
        return isinstance(fault, ConnectionError)


def test_what_is_done_is_not_run_again(tmp_path: Path, quick: MakeTask) -> None:
    store, first = Store(tmp_path), Inline()
    tasks = [quick(seed=seed) for seed in (1, 2, 3)]
    run_all(tasks[:2], store, lambda: first)
    second = Inline()
    run_all(tasks, store, lambda: second)
    assert (first.runs, second.runs) == (2, 1)
    run_all(tasks, store, lambda: pytest.fail("nothing is left to be run"))


def test_a_lost_worker_is_made_up_for_and_a_fault_is_not(tmp_path: Path, quick: MakeTask) -> None:
    store = Store(tmp_path)
    engine = Inline(ConnectionError(), ConnectionError())
    run_all([quick()], store, lambda: engine)
    assert engine.runs == 3
    with pytest.raises(EngineError, match="a fault"):
        run_all([quick(seed=2)], store, lambda: Inline(ValueError("a fault")))
    with pytest.raises(EngineError):
        run_all([quick(seed=2)], store, lambda: Inline(*[ConnectionError()] * 9))


def test_an_interruption_keeps_what_was_done(tmp_path: Path, quick: MakeTask) -> None:
    store = Store(tmp_path)
    tasks = [quick(seed=seed) for seed in (1, 2, 3)]

    def interrupt(_: Task) -> None:
        raise KeyboardInterrupt

    engine = Inline()
    with pytest.raises(KeyboardInterrupt):
        run_all(tasks, store, lambda: engine, interrupt)
    assert engine.closed
    assert sum(store.has(one.key) for one in tasks) == 1


def test_a_process_that_is_killed_changes_no_number(tmp_path: Path, quick: MakeTask) -> None:
    tasks = [quick(seed=seed) for seed in (1, 2, 3)]
    calm, rough = Store(tmp_path / "calm"), Store(tmp_path / "rough")
    run_all(tasks, calm, Inline)
    killed: list[int] = []
    lost: list[BaseException] = []

    class Rough(Processes):
        def lost(self, fault: BaseException) -> bool:
            lost.append(fault)
            return super().lost(fault)

        def submit(self, task: Task) -> Future[Any]:
            future = super().submit(task)
            if not killed:
                killed.append(next(iter(self._executor._processes)))  # type: ignore[attr-defined]
                os.kill(killed[0], signal.SIGKILL)
            return future

    run_all(tasks, rough, lambda: Rough(1))
    assert lost
    assert numbers(tasks, rough) == numbers(tasks, calm)
    assert len(gather(tasks, rough)[0].results) == 3


def test_a_worker_of_a_dask_cluster_that_is_killed_changes_no_number(tmp_path: Path, quick: MakeTask) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'exactfit[dask]'")
    tasks = [quick(seed=seed) for seed in range(1, 5)]
    calm, rough = Store(tmp_path / "calm"), Store(tmp_path / "rough")
    run_all(tasks, calm, Inline)
    killed: list[int] = []
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        address = cluster.scheduler_address.removeprefix("tcp://")

        def kill(_: Task) -> None:
            if not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        run_all(tasks, rough, lambda: make_engine(f"dask://{address}", 0, rough), kill)
    assert killed
    assert numbers(tasks, rough) == numbers(tasks, calm)


class Jobs(ModuleType):
    """Stands for `flux`, `flux.job` and `flux.resource`: jobs run in this process, and end as they are told."""

    def __init__(self, *statuses: int) -> None:
        super().__init__("flux")
        self.statuses = list(statuses)
        self.FluxExecutor = self.Flux = lambda: self
        self.up = SimpleNamespace(ncores=3)
        self.JobspecV1 = SimpleNamespace(from_command=lambda command, **_: SimpleNamespace(command=command))
        self.resource_list = lambda _: SimpleNamespace(get=lambda: self)

    def submit(self, jobspec: Any) -> Future[int]:
        assert jobspec.command[:3] == [sys.executable, "-m", "exactfit.adapters.study.worker"]
        future: Future[int] = Future()
        status = self.statuses.pop() if self.statuses else 0
        future.set_result(status or worker.main(jobspec.command[3:]))
        return future

    def shutdown(self, wait: bool, cancel_futures: bool) -> None:
        assert wait != cancel_futures


def test_flux_runs_each_task_as_a_job_and_again_where_it_was_killed(
    tmp_path: Path, quick: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, one = Store(tmp_path), quick()
    jobs = Jobs(137, 143)
    monkeypatch.setattr(flux_engine, "import_module", lambda _: jobs)
    assert make_engine("flux", 0, store).workers == 3
    run_all([one], store, lambda: make_engine("flux", 0, store))
    assert store.has(one.key)
    assert not jobs.statuses
    monkeypatch.setattr(flux_engine, "import_module", lambda _: Jobs(1))
    with pytest.raises(EngineError, match="ended with status 1 and left no result"):
        run_all([quick(seed=2)], store, lambda: make_engine("flux", 0, store))


@pytest.mark.parametrize(("engine", "fault"), [("cloud", "no engine 'cloud'"), ("flux", "Flux's own Python")])
def test_engines_that_there_are_not(engine: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=fault):
        make_engine(engine, 0, Store(tmp_path))


def test_tasks_in_files_are_json(tmp_path: Path, task: MakeTask) -> None:
    path = tmp_path / "task.json"
    path.write_text(json.dumps(task().to_json()), encoding="utf-8")
    start = time.monotonic()
    assert worker.main([str(path), str(tmp_path)]) == 0
    assert Store(tmp_path).has(task().key)
    assert time.monotonic() - start < 60
