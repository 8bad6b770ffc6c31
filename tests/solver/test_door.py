"""`exactfit.solver` itself: the names that a program needs, and nothing loaded before they are used."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import exactfit.solver
from pages import pages

SOURCE = Path(exactfit.solver.__file__).read_text(encoding="utf-8")


def told_to_type_checkers() -> dict[str, str]:
    """Return the names that the door imports for type checkers, with the modules that they are of."""
    found: dict[str, str] = {}
    for node in ast.parse(SOURCE).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for one in node.body:
                assert isinstance(one, ast.ImportFrom)
                found |= {name.name: "." * one.level + (one.module or "") for name in one.names}
    return found


def test_every_name_is_the_one_that_type_checkers_are_told() -> None:
    told = told_to_type_checkers()
    assert sorted(told) == sorted(exactfit.solver.__all__)
    for name, home in told.items():
        assert getattr(exactfit.solver, name) is getattr(importlib.import_module(home, "exactfit.solver"), name)
    assert set(exactfit.solver.__all__) <= set(dir(exactfit.solver))


def test_a_name_that_is_none_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"module 'exactfit\.solver' has no attribute 'Polo'"):
        _ = getattr(exactfit.solver, "Polo")  # noqa: B009  # type checkers know that there is none


@pytest.mark.parametrize(
    ("statement", "loaded"),
    [
        ("import exactfit.solver", "exactfit exactfit.solver"),
        ("from exactfit.solver import Policy; import sys; assert 'exactfit.solver.pool' not in sys.modules", None),
        ("from exactfit.solver import Pool; import sys; assert 'exactfit.solver.explain' not in sys.modules", None),
    ],
)
def test_it_loads_what_is_asked_for_and_no_more(statement: str, loaded: str | None) -> None:
    program = f"{statement}\nimport sys\nprint(*sorted(name for name in sys.modules if name.startswith('exactfit')))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert loaded is None or run.stdout.strip() == loaded


def test_the_examples_of_the_documentation_run() -> None:
    text = pages()["adapters/docs/how-to/develop.md"]
    place, judge = (
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "from exactfit.solver import" in block
    )
    names: dict[str, Any] = {}
    exec(place, names)
    assert names["allocation"].certificate["status"] == "OPTIMAL"
    assert names["pool"].jobs == {}
    assert names["forecast"].jobs.keys() == {1}
    exec(judge, names)
    assert names["verdict"].legal
