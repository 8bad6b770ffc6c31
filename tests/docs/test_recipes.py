"""The recipes for Spack and conda name the dependencies of the package, in the same ranges."""

from __future__ import annotations

import ast
import re
import sys
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pages import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDED = {need.name.lower(): need.specifier for need in map(Requirement, PROJECT["dependencies"])}
CONDA = yaml.safe_load((ROOT / ".github/recipes/conda/meta.yaml").read_text(encoding="utf-8"))
SPACK = ast.parse((ROOT / ".github/recipes/spack/package.py").read_text(encoding="utf-8"))


def spack_needs() -> dict[str, str]:
    """Return what the recipe of Spack depends on in any variant, and the range."""
    calls = [node for node in ast.walk(SPACK) if isinstance(node, ast.Call) and ast.unparse(node.func) == "depends_on"]
    plain = [call for call in calls if not any(word.arg == "when" for word in call.keywords)]
    texts = [ast.literal_eval(call.args[0]) for call in plain]
    return dict(text.removeprefix("py-").split("@") for text in texts)


def test_conda_has_the_version_and_the_ranges() -> None:
    assert CONDA["package"]["version"] == PROJECT["version"]
    run = dict(line.split(maxsplit=1) for line in CONDA["requirements"]["run"])
    assert run.pop("python") == PROJECT["requires-python"]
    named = {name.removesuffix("-python"): SpecifierSet(text) for name, text in run.items()}
    assert named == NEEDED
    (script,) = CONDA["build"]["entry_points"]
    assert script == f"exactfit = {PROJECT['scripts']['exactfit']}"


def test_spack_has_the_ranges() -> None:
    needs = spack_needs()
    assert needs.pop("python") == PROJECT["requires-python"].removeprefix(">=") + ":"
    assert needs.pop("setuptools") == "77:"
    assert needs.keys() == NEEDED.keys()


@pytest.mark.parametrize("name", NEEDED)
def test_spack_allows_what_the_package_allows(name: str) -> None:
    """Spack's ranges hold their last version with all that begin with it: `1.2:1` is from 1.2 on, below 2."""
    first, last = spack_needs()[name].split(":")
    least = next(one.version for one in NEEDED[name] if one.operator == ">=")
    below = next(one.version for one in NEEDED[name] if one.operator == "<")
    assert re.sub(r"\.0$", "", least) == first
    numbers = [int(part) for part in last.split(".")]
    numbers[-1] += 1
    assert ".".join(map(str, numbers)) == below
