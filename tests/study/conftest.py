"""A small machine, a short workload, and tasks of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.study.outline import Outline, outline_of
from exactfit.adapters.study.task import RUN, Source, Task, machine_R
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

GENERATED = "lublin:jobs=40,load=0.7,longest=2"


@pytest.fixture
def machine() -> Machine:
    return read_R(preset("rfc49-a:4"))


@pytest.fixture
def outline(machine: Machine) -> Outline:
    return outline_of(machine)


@pytest.fixture
def task(machine: Machine) -> Callable[..., Task]:
    """Makes a run of forty generated jobs."""

    def make(pool: str = "Rv1Pool", **changed: Any) -> Task:
        settings: dict[str, Any] = {"kind": RUN, "source": Source(generator=GENERATED), "pools": (pool,), **changed}
        return Task(R=machine_R(machine), **settings)

    return make


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Writes a file and returns its path."""

    def write(text: str | bytes, name: str = "trace") -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write
