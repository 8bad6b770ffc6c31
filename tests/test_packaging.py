"""What is installed is what is on disk, the layers import downwards only, and the top level stays as it is."""

from __future__ import annotations

import ast
import fnmatch
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from packages import copy_project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("grammar", "topology", "solver", "adapters")
"""From the lowest to the highest."""
DOCS = ROOT / "adapters" / "docs"
TOP_LEVEL = {"pyproject.toml", *LAYERS, "tests", "benchmarks", "Makefile"}
TOP_LEVEL |= {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"}


def modules(folder: str) -> list[Path]:
    """Return the modules of the product in a folder: not what makes the documentation."""
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if DOCS not in path.parents]


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the absolute names that a module imports, and the lines; `from x import y` gives x.y."""
    parts = ("exactfit", *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(parts[: len(parts) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            for name in node.names:
                yield f"{module}.{name.name}", node.lineno


def test_packages_in_pyproject_are_those_on_disk() -> None:
    on_disk = {
        ".".join(("exactfit", *path.parent.relative_to(ROOT).parts)) for folder in LAYERS for path in modules(folder)
    }
    assert set(pyproject()["tool"]["setuptools"]["packages"]) == on_disk


def test_every_package_has_an_init() -> None:
    # Only `exactfit` itself is a namespace; a folder without __init__.py below it would be one by accident.
    assert [
        path.parent for folder in LAYERS for path in modules(folder) if not (path.parent / "__init__.py").exists()
    ] == []


def test_type_checkers_see_every_layer() -> None:
    for layer in LAYERS:
        assert (ROOT / layer / "py.typed").exists()
        link = ROOT / ".typing" / "exactfit" / layer
        assert link.is_symlink()
        assert link.resolve() == ROOT / layer
    assert pyproject()["tool"]["setuptools"]["package-dir"] == {f"exactfit.{layer}": layer for layer in LAYERS}


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_down_the_layers_only(layer: str) -> None:
    above = LAYERS[LAYERS.index(layer) + 1 :]
    forbidden = tuple(f"exactfit.{name}." for name in above)
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(layer)
        for name, line in imports_of(path)
        if f"{name}.".startswith(forbidden)
    ]
    assert found == []


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_inside_the_package_are_relative(layer: str) -> None:
    # An absolute import of a sibling's bare folder name would find nothing once the package is installed.
    names = ("exactfit.", *(f"{name}." for name in LAYERS))
    found = []
    for path in modules(layer):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found += [(path, name.name) for name in node.names if f"{name.name}.".startswith(names)]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and f"{node.module}.".startswith(names):
                found.append((path, str(node.module)))
    assert found == []


def test_drawing_does_not_know_the_command_line() -> None:
    names = [name for path in modules("adapters/drawing") for name, _ in imports_of(path)]
    assert [name for name in names if name.startswith("exactfit.adapters.cli")] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"util", "utils", "helper", "helpers", "common", "misc"}
    assert [path for folder in LAYERS for path in modules(folder) if path.stem in empty] == []


def test_top_level_holds_the_agreed_names_and_nothing_else() -> None:
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    present = {
        name
        for name in os.listdir(ROOT)
        if not name.startswith(".") and not any(fnmatch.fnmatch(name, pattern) for pattern in ignored)
    }
    assert present == TOP_LEVEL


# The package's own name, one that says nothing, and one that the tests import: `git clone` takes any.
@pytest.mark.parametrize("name", ["exactfit", "clone", "pytest"])
def test_ruff_says_the_same_of_a_clone_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    ruff = shutil.which("ruff", path=Path(sys.executable).parent) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    folder = copy_project(tmp_path / name)
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        run = subprocess.run([ruff, *command], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert run.returncode == 0, run.stdout[-2000:] + run.stderr


def imported_when_run(body: list[ast.stmt]) -> Iterator[str]:
    """Yield what a module imports when it is loaded or run: not what is there for type checkers alone."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from imported_when_run(node.orelse)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        else:
            for field in ("body", "handlers", "orelse", "finalbody"):
                yield from imported_when_run(getattr(node, field, []))


@pytest.mark.parametrize("layer", LAYERS)
def test_one_room_alone_imports_the_solver(layer: str) -> None:
    found = [
        path
        for path in sorted((ROOT / layer).rglob("*.py"))
        if any(
            name.startswith("ortools") for name in imported_when_run(ast.parse(path.read_text(encoding="utf-8")).body)
        )
    ]
    assert [path for path in found if path.parent != ROOT / "solver" / "cpsat"] == []
    assert bool(found) == (layer == "solver")


SOLVER = ("ortools", "pandas", "numpy")
GRAPHS = ("networkx",)
TERMINAL = ("typer", "rich", "yaml")
DRAWING = ("matplotlib",)
EXPLAINING = ("exactfit.solver.explain", "exactfit.solver.joint")

PLACE = """\
import exactfit.adapters.cli as program
try:
    program.app(["place", "rfc49-a", "slot=1/core=4", "--json"])
except SystemExit as end:
    assert end.code == 0"""


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import exactfit.grammar.idset", (*SOLVER, *GRAPHS, *TERMINAL, *DRAWING)),
        ("import exactfit.topology.rset", (*SOLVER, *GRAPHS, *TERMINAL, *DRAWING)),
        ("import exactfit.solver.pool", (*SOLVER, *GRAPHS, *TERMINAL, *DRAWING, *EXPLAINING)),
        # Every instance of a site imports it, the smallest ones too.
        ("import exactfit.adapters.flux", (*SOLVER, *GRAPHS, *TERMINAL, *DRAWING, *EXPLAINING)),
        # `exactfit --help` and a mistyped option answer at once.
        ("import exactfit.adapters.cli", (*SOLVER, *GRAPHS, *DRAWING, "exactfit.solver.pool")),
        # So does a decision that needs no search.
        (PLACE, (*SOLVER, *GRAPHS, *DRAWING, *EXPLAINING)),
    ],
)
def test_nothing_is_loaded_that_only_others_need(statement: str, unwanted: tuple[str, ...]) -> None:
    if "flux" in statement and importlib.util.find_spec("flux") is None:
        pytest.skip("neither Flux nor flux-python is installed")
    program = f"import sys\n{statement}\nprint([name for name in {unwanted!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.splitlines()[-1] == "[]"
