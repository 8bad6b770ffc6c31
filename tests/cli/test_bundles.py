"""Commands whose parameters are dataclasses, and how long the functions of the command line are."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from exactfit.adapters.cli.bundles import flat

FOLDER = Path(__file__).parents[2] / "adapters" / "cli"


@dataclass(frozen=True)
class Place:
    street: Annotated[str, typer.Argument()]
    number: Annotated[int, typer.Option("--number", "-n")] = 1


@dataclass(frozen=True)
class Far(Place):
    number: Annotated[int, typer.Option("--number", "-n")] = 99


def program(command: object) -> typer.Typer:
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]
    return app


@pytest.mark.parametrize(("arguments", "told"), [(["high", "east"], "high 1 east"), (["-n", "3", "a", "b"], "a 3 b")])
def test_a_bundle_is_made_of_the_options_of_its_fields(arguments: list[str], told: str) -> None:
    @flat
    def go(place: Place, town: Annotated[str, typer.Argument()]) -> int:
        print(place.street, place.number, town)
        return 0

    assert CliRunner().invoke(program(go), arguments).stdout == f"{told}\n"


def test_a_bundle_may_change_a_default_of_another() -> None:
    @flat
    def go(place: Far) -> int:
        print(place)
        return 0

    assert "number=99" in CliRunner().invoke(program(go), ["high"]).stdout


def test_two_parameters_of_one_name_are_a_mistake_of_the_programmer() -> None:
    def go(place: Place, number: int = 3) -> int:
        return number + place.number

    with pytest.raises(TypeError, match="given twice"):
        flat(go)


def test_no_function_of_the_command_line_is_longer_than_a_screen() -> None:
    long = [
        (path.name, node.name)
        for path in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert long == []


def test_no_command_has_more_than_six_parameters() -> None:
    many = [
        (path.name, node.name)
        for path in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and len(node.args.args) > 6
    ]
    assert [pair for pair in many if pair[0] != "app.py"] == []
