"""What the tests of the command line share: a way to run it and a few files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from exactfit.adapters.cli import app


@dataclass(frozen=True)
class Run:
    """What a run of the program left behind."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaint(self) -> str:
        """The one line on standard error that wrong input gets."""
        assert self.status == 2, self
        assert self.out == ""
        assert self.err.startswith("exactfit: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        return self.err[len("exactfit: ") : -1]


Runner = Callable[..., Run]


@pytest.fixture
def run() -> Runner:
    """Run the program in this process."""

    def invoke(*arguments: object, stdin: str | bytes | None = None) -> Run:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Run(result.exit_code, result.stdout, result.stderr)

    return invoke


def jobspec(resources: list[dict[str, Any]], **system: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "resources": resources,
        "tasks": [{"command": ["app"], "slot": "task", "count": {"per_slot": 1}}],
        "attributes": {"system": {"duration": 60, **system}},
    }


def slot(count: int, *children: dict[str, Any]) -> dict[str, Any]:
    return {"type": "slot", "count": count, "label": "task", "with": list(children)}


def vertex(kind: str, count: int, *children: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "count": count, **({"with": list(children)} if children else {})}


@pytest.fixture
def eight_cores() -> dict[str, Any]:
    """Eight cores and a gpu on one node."""
    return jobspec([slot(1, vertex("node", 1, vertex("core", 8), vertex("gpu", 1)))])


@pytest.fixture
def yaml_job(tmp_path: Path, eight_cores: dict[str, Any]) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(eight_cores), encoding="utf-8")
    return path


@pytest.fixture
def machine_R(tmp_path: Path) -> Path:
    """Four bare nodes of four cores, named n0 to n3, of which two have a property."""
    R = {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": "0-3", "children": {"core": "0-3"}}],
            "nodelist": ["n[0-3]"],
            "properties": {"big": "2-3"},
            "starttime": 0,
            "expiration": 0,
        },
    }
    path = tmp_path / "R.json"
    path.write_text(json.dumps(R), encoding="utf-8")
    return path


def R_of(*entries: tuple[str, str]) -> dict[str, Any]:
    """Return the R of a job that holds these cores on these ranks."""
    return {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": rank, "children": {"core": core}} for rank, core in entries],
            "starttime": 0,
            "expiration": 0,
        },
    }
