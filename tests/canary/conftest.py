"""canary as it is installed, and the older one with the other form of the API, if the Makefile put it there.

`make venv` installs the older canary-wm beside the environment, in `canary-26.4`: both forms are tested, one in this
process, the other in processes of its own.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

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


AMOUNTS = st.integers(0, 3) | st.sampled_from([0.5, 0.1, 1 / 3, 2 / 3, 1.0]) | st.floats(0, 2, allow_nan=False)
"""Numbers of slots, whole, half and odd."""

CANARY_FREE = {"test_book.py", "test_fitting.py", "test_gpu_numbers.py", "test_hostile_topology.py"}


def cut(resources: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return instances as they may be after a change, by which a number of slots is cut to billionths."""
    return {
        name: [{**i, "slots": pytest.approx(i["slots"], abs=1e-9)} for i in instances]
        for name, instances in resources.items()
    }


def present_form() -> str | None:
    """Return the form of the API of the canary that is installed, None when there is none."""
    from exactfit.adapters.canary.install import is_multi_node

    if importlib.util.find_spec("_canary") is None:
        return None
    return "multi-node" if is_multi_node() else "single-node"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a canary that is not there."""
    form = present_form()
    for item in items:
        if item.path.parent != Path(__file__).parent or item.path.name in CANARY_FREE:
            continue
        wanted = getattr(getattr(item, "module", None), "FORM", form)
        if form is None:
            item.add_marker(pytest.mark.skip(reason="canary-wm is not installed"))
        elif wanted != form:
            item.add_marker(pytest.mark.skip(reason=f"this canary has the {form} form; test_forms.py has another"))


def environment(form: str, folder: Path) -> dict[str, str]:
    """Return the environment of a process that has one form of canary's API; skip if there is none."""
    inside = {name: value for name, value in os.environ.items() if not name.startswith(("CANARY", "PYTEST"))}
    inside["CANARY_LIVE"] = "0"
    if present_form() == form:
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
    """Return what runs canary in a folder of its own; its tests write what they see to `seen` in it."""
    (tmp_path / "seen").mkdir()
    inside = environment(form, tmp_path)

    def run(*arguments: str, folder: Path = tmp_path, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "canary", *arguments]
        env = {**inside, **variables}
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)

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
