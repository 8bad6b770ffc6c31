"""What docstrings name is there: parameters, attributes, and in the solver whatever stands between backticks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rooms import files

PLAIN = {"S", "n", "c", "and", "or", "not", "rfc14", "shared", "refuse", "ignore"}
"""Words of formulas, and values of options."""

Documented = ast.Module | ast.ClassDef | ast.FunctionDef


def documented(tree: ast.Module) -> Iterator[tuple[Documented, str]]:
    """Yield what has a docstring, and that."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node, text


def named(text: str) -> Iterator[str]:
    """Yield the parameters and attributes that a docstring says something of."""
    for section in re.findall(r"(?:Parameters|Attributes)\n-+\n(.*?)(?=\n\n[A-Z]\w+\n-|\Z)", text, re.DOTALL):
        for names in re.findall(r"^(\w[\w, ]*)$", section, re.MULTILINE):
            yield from re.split(r", *", names)


@pytest.mark.parametrize("path", files().values(), ids=files().keys())
def test_parameters_and_attributes_that_are_documented_are_there(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    stale = []
    for node, text in documented(ast.parse(source)):
        # What a class inherits stands elsewhere.
        if not isinstance(node, ast.Module) and not getattr(node, "bases", ()):
            own = ast.get_source_segment(source, node) or ""
            # Once in the docstring, and once where it is.
            stale += [f"{node.name}: {name}" for name in named(text) if len(re.findall(rf"\b{name}\b", own)) < 2]
    assert stale == []


def identifiers() -> set[str]:
    """Return all names that the four layers use, their files' and folders' included."""
    found: set[str] = set(PLAIN)
    for path in files().values():
        found |= {path.stem, *path.parts}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for field in ("id", "attr", "arg", "name"):
                name = getattr(node, field, None)
                if isinstance(name, str):
                    found.add(name)
    return found


def test_what_stands_between_backticks_in_the_solver_is_there() -> None:
    known = identifiers()
    stale = [
        f"{name}: {word}"
        for name, path in files().items()
        if name.startswith("solver")
        for _, text in documented(ast.parse(path.read_text(encoding="utf-8")))
        for word in re.findall(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)", text)
        if not set(word.removesuffix(".py").split(".")) <= known
    ]
    assert stale == []
