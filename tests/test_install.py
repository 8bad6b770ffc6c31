"""What others install: the wheel and the sdist, with base dependencies alone, in an environment outside the tree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from packages import ROOT, CleanEnvironment, clean_environment, contents, copy_project, make_sdist, make_wheel
from typed import steps, type_page

DOCS = ROOT / "adapters" / "docs"
LAYERS = ("grammar", "topology", "solver", "adapters")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project, in a folder of its name."""
    return copy_project(tmp_path_factory.mktemp("clone") / "exactfit")


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of the project."""
    return make_wheel(project, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> CleanEnvironment:
    """Return an environment with the wheel and its base dependencies."""
    return clean_environment(wheel, tmp_path_factory.mktemp("clean") / "environment")


def test_the_wheel_holds_all_that_is_neither_for_readers_nor_built_apart(wheel: Path) -> None:
    on_disk = {
        f"exactfit/{path.relative_to(ROOT).as_posix()}": path.read_bytes()
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*")
        if path.is_file()
        and path.parent.name != "__pycache__"
        and path.suffix not in (".md", ".c")
        and DOCS not in path.parents
    }
    packed = contents(wheel)
    assert {name: text for name, text in packed.items() if ".dist-info/" not in name} == on_disk
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in packed)


def test_the_sdist_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    # From a copy of its own: a wheel leaves files in the folder that it is made in.
    sdist = make_sdist(copy_project(tmp_path / "another"), tmp_path)
    (tmp_path / "again").mkdir()
    assert contents(make_wheel(sdist, tmp_path / "again")) == contents(wheel)


LISTED = """\
import importlib.metadata, importlib.util, json, re
names = {re.sub("[-_.]+", "-", found.metadata["Name"]).lower() for found in importlib.metadata.distributions()}
extras = ("_canary", "canary", "distributed", "flux", "hypothesis", "matplotlib", "pluggy", "pyarrow", "pytest", "toml")
print(json.dumps([sorted(names), [name for name in extras if importlib.util.find_spec(name)]]))
"""


def test_the_environment_has_base_dependencies_alone(clean: CleanEnvironment, tmp_path: Path) -> None:
    names, extras = json.loads(clean.run("python", "-c", LISTED, cwd=tmp_path).stdout)
    assert set(names) == clean.distributions
    assert extras == []


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--version"], 0, "exactfit 0."),
        (["--help"], 0, "place"),
        (["topo", "rfc49-a"], 0, "16 nodes"),
        (["place", "rfc49-a", "slot=1/core=4"], 0, "OPTIMAL"),
        # The first needs no search, this one does.
        (["place", "rfc49-a", "slot=2/socket/core=40", "--certificate"], 0, "OPTIMAL"),
        (["place", "rfc49-a:2", "slot=2/node", "slot=1/core=1", "--joint"], 1, "placed"),
        (["explain", "rfc49-a:1", "slot=3/socket/core=50"], 1, "ask for slot=2 instead of 3"),
        (["check", "rfc49-a", "slot=1/core=4", "R.json", "--compare"], 0, "as good as the best found"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_commands_run(
    clean: CleanEnvironment, tmp_path: Path, arguments: list[str], status: int, said: str
) -> None:
    if "R.json" in arguments:
        placed = clean.run("exactfit", "place", "rfc49-a", "slot=1/core=4", "-o", "R.json", cwd=tmp_path)
        assert placed.returncode == 0, placed.stderr
    done = clean.run("exactfit", *arguments, cwd=tmp_path)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["study", "rfc49-a", "lublin:jobs=3"], "pip install 'exactfit[study,flux]'"),
        (["audit", "exactfit"], "pip install 'exactfit[audit]'"),
        (["place", "rfc49-a", "slot=1/core=4", "--draw", "placed.svg"], "pip install 'exactfit[draw]'"),
        (["explain", "rfc49-a", "slot=1/core=4", "--draw", "placed.svg"], "pip install 'exactfit[draw]'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_an_extra_is_needed_for_says_which(
    clean: CleanEnvironment, tmp_path: Path, arguments: list[str], advice: str
) -> None:
    done = clean.run("exactfit", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("exactfit: ")
    assert line.endswith(advice)
    assert list(tmp_path.iterdir()) == []


IMPORTED = """\
import importlib, json, pkgutil
import exactfit
failed = {}
found = [module.name for module in pkgutil.walk_packages(exactfit.__path__, "exactfit.", onerror=lambda name: None)]
for name in found:
    try:
        importlib.import_module(name)
    except ImportError as fault:
        failed[name] = fault.name
print(json.dumps([found, failed]))
"""

NEED = {
    "exactfit.adapters.audit": "hypothesis",
    "exactfit.adapters.audit.flux_pools": "flux",
    "exactfit.adapters.audit.plugin": "pytest",
    "exactfit.adapters.flux": "flux",
    "exactfit.adapters.twin": "flux",
    "exactfit.adapters.study": "flux",
    "exactfit.adapters.canary.plugin": "pluggy",
}
"""Packages and modules in which an import may lack something of an extra, and what."""


def test_every_module_that_needs_no_extra_can_be_imported(clean: CleanEnvironment, tmp_path: Path) -> None:
    done = clean.run("python", "-c", IMPORTED, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found, failed = json.loads(done.stdout)
    assert {"exactfit.grammar.idset", "exactfit.solver.machine.model.model", "exactfit.adapters.cli.app"} <= set(found)
    surprising = {
        name: lacking
        for name, lacking in failed.items()
        if not any(f"{name}.".startswith(f"{known}.") and lacking == lacks for known, lacks in NEED.items())
    }
    assert surprising == {}


TUTORIALS = sorted(path.stem for path in (DOCS / "tutorials").glob("*.md"))
PROGRAMS = {
    "lstopo": "cat {root}/tests/topology/data/v2-dies.xml",
    "flux": "exactfit topo rfc49-a:2 --quiet -o -",
}
"""Programs that a page may call for what it cannot bring: what a machine is."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the programs that a reader has beside."""
    folder = tmp_path_factory.mktemp("programs")
    for name, line in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/sh\n{line.format(root=ROOT)}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_stranger_can_type_a_tutorial_as_it_stands(wheel: Path, programs: Path, name: str, tmp_path: Path) -> None:
    environment = clean_environment(wheel, tmp_path / "environment")
    folder = tmp_path / "work"
    folder.mkdir()
    page = (DOCS / "tutorials" / f"{name}.md").read_text(encoding="utf-8")
    assert steps(page)
    type_page(page, environment, folder, programs)
