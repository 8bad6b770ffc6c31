"""canary as it is installed, and the older one with the other form of the API, if the Makefile put it there.

`make venv` installs the older canary-wm beside the environment, in `canary-26.4`: both forms are tested, one in this
process, the other in processes of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("_canary", reason="canary-wm is not installed", exc_type=ImportError)

OLDER = Path(sys.prefix) / "canary-26.4"

# Entry points are those of every distribution on the path: the one that the older canary shadows has to go.
SHADOWING = """\
import importlib.metadata as metadata
_all = metadata.distributions
def distributions(**how):
    return (d for d in _all(**how) if d.metadata["Name"] != "canary-wm" or {older!r} in str(d.locate_file("")))
metadata.distributions = distributions
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(form: str, folder: Path) -> dict[str, str]:
    """Return the environment of a process that has one form of canary's API; skip if there is none."""
    from exactfit.adapters.canary.install import is_multi_node

    inside = {name: value for name, value in os.environ.items() if not name.startswith(("CANARY", "PYTEST"))}
    inside["CANARY_LIVE"] = "0"
    if is_multi_node() == (form == "multi-node"):
        return inside
    if not (OLDER / "_canary").is_dir():
        pytest.skip(f"no canary-wm with the {form} form of the API in {OLDER} (make venv puts one there)")
    shadow = folder / "shadow"
    shadow.mkdir(exist_ok=True)
    (shadow / "sitecustomize.py").write_text(SHADOWING.format(older=str(OLDER)))
    return {**inside, "PYTHONPATH": os.pathsep.join((str(shadow), str(OLDER)))}


@pytest.fixture(params=["single-node", "multi-node"])
def form(request: pytest.FixtureRequest) -> str:
    """Return one form of canary's API after the other."""
    return str(request.param)


@pytest.fixture
def environment_of(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Return what gives the environment of a process with a form of the API."""
    return lambda form: environment(form, tmp_path)


@pytest.fixture
def canary(form: str, tmp_path: Path) -> Run:
    """Return what runs canary in a folder of its own; its tests find a place to write to in SEEN."""
    (tmp_path / "seen").mkdir()
    inside = {**environment(form, tmp_path), "SEEN": str(tmp_path / "seen")}

    def run(*arguments: str, folder: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "canary", *arguments]
        return subprocess.run(command, cwd=folder, env=inside, capture_output=True, text=True, timeout=300, check=False)

    return run


@pytest.fixture(scope="session")
def pool_class() -> Any:
    """Return our pool for the canary that is installed; canary itself keeps its own."""
    from exactfit.adapters.canary.install import pool_class

    return pool_class()


@pytest.fixture(scope="session")
def rpool(pool_class: Any) -> Any:
    """Return canary's module of pools."""
    return pool_class.canary
