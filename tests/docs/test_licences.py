"""The page of licences names every dependency, each with the licence that the installed package says of itself."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, metadata
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from packages import required_by
from pages import DOCS, ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
FOR_DEVELOPERS = {"dev", "docs", "trust"}
NOT_FOR_TESTS = {"scip"}
"""Extras that `dev` does not bring: what is tested of them is tested where they are."""
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (DOCS / "reference" / "licences.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]
STATED = {row[0].strip("`"): row[1] for row in ROWS}

WORDS = {
    "apache license, version 2.0": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "mit license": "MIT",
    "gnu lesser general public license version 3": "LGPL-3.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "python software foundation license": "PSF-based",
}
"""What packages call licences that have a name in SPDX, or none."""

PERMISSIVE = re.compile(r"MIT(-0|-CMU)?|BSD-\d-Clause|0BSD|ISC|Apache-2\.0|PSF-2\.0|PSF-based|Zlib|CC0-1\.0")
SILENT = {"hpc-connect": "MIT"}
"""Packages that say it in their licence file alone."""


def needed(extra: str) -> set[str]:
    """Return what an extra, or "" for none, names beside exactfit itself."""
    named = {Requirement(line).name for line in (EXTRAS[extra] if extra else PROJECT["dependencies"])}
    return named - {"exactfit"}


def licence_of(name: str) -> str:
    """Return the licence that an installed package states: as an expression, in words, or by its class."""
    if name in SILENT:
        return SILENT[name]
    said = metadata(name).json
    classes = [line.split("::")[-1].strip() for line in said.get("classifier", []) if line.startswith("License")]
    words = " ".join(str(said.get("license", "")).split())
    if words.startswith("GNU LESSER GENERAL PUBLIC LICENSE Version 3"):
        words = words[:43]
    short = words if words and len(words) < 50 else "".join(classes)
    stated = str(said.get("license_expression", short))
    return WORDS.get(stated.lower(), stated)


def test_every_dependency_is_named_where_it_belongs() -> None:
    users = {name for extra in EXTRAS if extra not in FOR_DEVELOPERS for name in needed(extra)}
    developers = {name for extra in FOR_DEVELOPERS for name in needed(extra)}
    assert STATED.keys() == needed("") | users | developers
    for row in ROWS:
        if len(row) == 4:
            extras = set(re.findall(r"`(\w+)`", row[2]))
            assert extras
            assert all(row[0].strip("`") in _with_nested(extra) for extra in extras)


def _with_nested(extra: str) -> set[str]:
    """Return what an extra names, and what the extras that it takes name."""
    inner = [Requirement(line) for line in EXTRAS[extra]]
    return needed(extra).union(*(needed(taken) for one in inner if one.name == "exactfit" for taken in one.extras))


@pytest.mark.parametrize("name", STATED)
def test_a_package_says_the_same_licence(name: str) -> None:
    try:
        assert licence_of(name) == STATED[name]
    except PackageNotFoundError:
        # Only what other systems and other targets need may be missing.
        assert name in {"tomli", "flux-python"}.union(needed("trust"), *map(needed, NOT_FOR_TESTS))


def test_what_these_need_in_turn_is_permissive() -> None:
    ours = distribution("exactfit")
    users = [extra for extra in EXTRAS if extra not in FOR_DEVELOPERS | NOT_FOR_TESTS]
    every = {name for extra in ("", *users) for name in required_by(ours, extra)} - {"exactfit"}
    in_turn = every - {canonicalize_name(name) for name in STATED}
    assert len(in_turn) > 20
    for name in sorted(in_turn):
        stated = re.split(r" AND | OR ", licence_of(name))
        assert all(PERMISSIVE.fullmatch(part) for part in stated), (name, stated)
