"""A folder and a ledger for each test, gutscore where it can be imported, and a Slurm where it can be had."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exactfit.adapters.gutscore import install, uninstall
from real_slurm import RealSlurm, UnavailableError
from small_node import write_node

CPUS = sorted(os.sched_getaffinity(0))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the test work in a folder of its own, with a ledger there, and sees no GPUs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXACTFIT_LEDGER", str(tmp_path / "ledger.db"))
    for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "SLURM_JOB_ID", "SLURM_JOB_GPUS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def two_cpus() -> list[int]:
    """Two CPUs that this process may use, where it may use exactly those or more."""
    if len(CPUS) < 2:
        pytest.skip("this process may use one CPU only")
    return CPUS[:2]


@pytest.fixture
def node(folder: Path, two_cpus: list[int]) -> str:
    """A file of hwloc XML: two sockets on this machine's CPUs, each with two GPUs."""
    assert len(two_cpus) == 2
    return str(write_node(folder / "node.xml", gpus_per_socket=2))


@pytest.fixture
def gutscore() -> Iterator[None]:
    """Switches gutscore over to exactfit for the test."""
    need_gutscore()
    install()
    yield
    uninstall()


@pytest.fixture
def plain_gutscore() -> None:
    """Has gutscore as it is."""
    need_gutscore()


def need_gutscore() -> None:
    """Skip the test where gutscore cannot be imported; it is on no registry."""
    if importlib.util.find_spec("scheduler") is None:
        pytest.skip("gutscore (import name scheduler) is not installed")


@pytest.fixture(scope="session")
def _slurm() -> Iterator[RealSlurm]:
    try:
        slurm = RealSlurm()
    except UnavailableError as error:
        pytest.skip(f"no Slurm here: {error}")
    try:
        try:
            slurm.start()
        except UnavailableError as error:
            pytest.skip(f"no Slurm here: {error}")
        yield slurm
    finally:
        slurm.stop()


@pytest.fixture
def slurm(_slurm: RealSlurm, monkeypatch: pytest.MonkeyPatch) -> RealSlurm:
    """A real Slurm of one node, this machine."""
    for name, value in _slurm.environment.items():
        monkeypatch.setenv(name, value)
    return _slurm
