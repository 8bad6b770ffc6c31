"""Inside a job: slots come out of what Slurm granted, and of the ledger only where Slurm binds no job to its CPUs."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from exactfit.adapters.gutscore import ResourceSetSlurm, ledger
from exactfit.adapters.gutscore.slots import Confined, Slot

FORK = multiprocessing.get_context("fork")
MINE = os.sched_getaffinity(0)


def tell(name: str) -> None:
    Path(name).write_text(json.dumps(sorted(os.sched_getaffinity(0))))


def restored(nworkers: int = 1) -> ResourceSetSlurm:
    made = ResourceSetSlurm(0, res_config={"nworkers": nworkers, "runtime": "5"})
    return ResourceSetSlurm(0, json_str=made.serialize())


def run(found: ResourceSetSlurm, name: str) -> list[int]:
    process = FORK.Process(target=tell, args=(name,))
    found.append_worker_process(process)
    process.join(30)
    told: list[int] = json.loads(Path(name).read_text())
    return told


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Variables of a job to which Slurm granted all that this process may use."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", str(len(MINE)))
    return monkeypatch


@pytest.mark.usefixtures("job")
def test_where_slurm_binds_jobs_to_cpus_they_are_the_jobs_and_no_ledger_is_asked(two_cpus: list[int]) -> None:
    os.sched_setaffinity(0, two_cpus[1:])
    try:
        assert run(restored(), "worker") == two_cpus[1:]
        with pytest.raises(RuntimeError, match="Maximum number of CPUs reached: 1: 2 workers"):
            run(restored(2), "second")
    finally:
        os.sched_setaffinity(0, MINE)
    assert not Path(os.environ["EXACTFIT_LEDGER"]).exists()


@pytest.mark.usefixtures("two_cpus")
def test_where_slurm_binds_no_job_groups_on_a_node_do_not_meet(job: pytest.MonkeyPatch) -> None:
    job.setenv("SLURM_CPUS_ON_NODE", str(len(MINE) - 1))
    first, second = restored(), restored()
    told = run(first, "first"), run(second, "second")
    assert not set(told[0]) & set(told[1])


def test_outside_of_a_job_workers_of_a_slurm_set_roam() -> None:
    assert run(restored(), "worker") == sorted(MINE)


def test_a_worker_whose_claim_is_over_does_not_work(folder: Path) -> None:
    claim, (slot,) = ledger.claim(str(folder / "book.db"), 0, lambda _: [Slot(1 << min(MINE))])
    claim.strike()
    process = FORK.Process(target=Confined(slot, claim, lambda: tell("worked")))
    process.start()
    process.join(30)
    assert process.exitcode == 1
    assert not Path("worked").exists()
