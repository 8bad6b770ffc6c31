"""A real Slurm of four emulated nodes, once for each file of tests; they are skipped where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from emulated_slurm import EmulatedSlurm
from real_slurm import UnavailableError


@pytest.fixture(scope="module")
def slurm() -> Iterator[EmulatedSlurm]:
    try:
        system = EmulatedSlurm()
    except UnavailableError as error:
        pytest.skip(str(error))
    try:
        system.start()
    except UnavailableError as error:
        system.stop()
        pytest.skip(str(error))
    before = os.environ.get("SLURM_CONF")
    system.use()
    yield system
    system.stop()
    if before is None:
        del os.environ["SLURM_CONF"]
    else:
        os.environ["SLURM_CONF"] = before
